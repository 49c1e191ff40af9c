"""Traces of the pipeline itself: one span a batch, sampled, and exported when the standard ``OTEL_*`` variables say so.

Without an exporter spans still carry ids, so that the log lines of a batch can be found together, and cost some
microseconds a batch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Span, Status, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from schemas.failures import Rejected

SAMPLED_SHARE = 0.01
"""Of traces without a parent, unless OTEL_TRACES_SAMPLER says otherwise; a child follows its parent."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


@contextmanager
def tracing() -> Iterator[Tracer]:
    """The tracer while the block runs; at its end what was sampled is sent. Raises ``Rejected`` for gRPC."""
    exporting = _is_exporting()
    provider = TracerProvider(
        resource=_resource(), sampler=_sampler() if exporting else ALWAYS_OFF, shutdown_on_exit=False
    )
    if exporting:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield provider.get_tracer("tidewatch")
    finally:
        provider.shutdown()


@contextmanager
def span(tracer: Tracer, name: str, **attributes: AttributeValue) -> Iterator[Span]:
    """A span around a block. An exception marks it as failed by its type; its text may quote an event."""
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__qualname__))
            raise


def _is_exporting() -> bool:
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    if exporter == "none" or not (exporter == "otlp" or any(os.environ.get(name) for name in _ENDPOINTS)):
        return False
    for name in _PROTOCOLS:
        if os.environ.get(name, "http/protobuf") != "http/protobuf":
            raise Rejected(f"{name} must be http/protobuf: set it so, and the endpoint's port to 4318")
    return True


def _sampler() -> Sampler | None:
    """None lets the SDK read OTEL_TRACES_SAMPLER."""
    return None if os.environ.get("OTEL_TRACES_SAMPLER") else ParentBased(TraceIdRatioBased(SAMPLED_SHARE))


def _resource() -> Resource:
    given = OTELResourceDetector().detect().attributes  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
    return Resource.create({"service.name": "tidewatch", "service.version": version("tidewatch"), **given})
