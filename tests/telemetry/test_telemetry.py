"""What a worker tells about itself: names of metrics, readiness, logs without content, traces where OTEL_* says."""

import io
import json
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.config import Log
from schemas.failures import Rejected
from streams.telemetry.http import application, serving
from streams.telemetry.logs import configure
from streams.telemetry.metrics import Metrics
from streams.telemetry.traces import span, tracing

# ---- metrics


def test_every_metric_is_named_after_its_attribute_and_helped():
    """`metrics.x_total` is `tidewatch_x_total`, so that nobody has to look the name up."""
    metrics = Metrics(CollectorRegistry())
    found = {name: value for name, value in vars(metrics).items() if isinstance(value, Counter | Gauge | Histogram)}
    assert len(found) > 25
    for name, metric in found.items():
        [family] = metric.describe()
        suffix = "_total" if isinstance(metric, Counter) else ""
        assert f"tidewatch_{name}" == family.name + suffix
        assert family.documentation.endswith(".")


def test_two_workers_in_one_process_do_not_share_metrics():
    """Each registry has its own."""
    one, two = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.records_total.labels("metrics").inc(3)
    assert one.registry.get_sample_value("tidewatch_records_total", {"topic": "metrics"}) == 3
    assert two.registry.get_sample_value("tidewatch_records_total", {"topic": "metrics"}) is None


# ---- http


@pytest.fixture
async def page():
    """Fetches a page of a served application: (status, content type, body)."""
    registry, checks = CollectorRegistry(), [("kafka", True, "connected")]
    Metrics(registry).records_total.labels("metrics").inc()
    async with serving(application(registry, lambda: checks), "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:

        async def get(path, **headers):
            async with http.get(f"http://127.0.0.1:{port}{path}", headers=headers) as response:
                return response.status, response.content_type, await response.text()

        get.checks = checks
        yield get


async def test_metrics_are_exposed_as_prometheus_and_openmetrics(page):
    """The format follows the Accept header."""
    status, content_type, body = await page("/metrics")
    assert (status, content_type) == (200, "text/plain")
    assert 'tidewatch_records_total{topic="metrics"} 1.0' in body
    _, content_type, body = await page("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert content_type == "application/openmetrics-text"
    assert body.endswith("# EOF\n")


async def test_readiness_says_what_is_not_ready(page):
    """200 while all checks are well, 503 with the check and its detail else; liveness does not depend on them."""
    status, _, body = await page("/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    page.checks.append(("clickhouse", False, "refused the connection"))
    status, content_type, body = await page("/readyz")
    assert (status, content_type) == (503, "application/json")
    assert json.loads(body) == {
        "status": "not ready",
        "checks": [
            {"name": "kafka", "ok": True, "detail": "connected"},
            {"name": "clickhouse", "ok": False, "detail": "refused the connection"},
        ],
    }
    assert (await page("/healthz"))[0] == 200


async def test_a_readiness_check_that_raises_is_not_ready():
    """A broken check answers 503, not 500 with a stack trace."""

    def broken():
        raise KeyError("canary")

    async with (
        serving(application(CollectorRegistry(), broken), "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/readyz") as response,
    ):
        body = await response.text()
    assert response.status == 503
    assert "KeyError" in body
    assert "canary" not in body


# ---- logs


@pytest.fixture
def log_lines():
    """Configures logging to memory; gives back the lines written; restores the loggers."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def start(**settings):
        stream = io.StringIO()
        configure(Log(**settings), stream)
        return lambda: stream.getvalue().splitlines()

    yield start
    root.handlers[:], root.level = handlers, level


def test_a_log_line_is_json_with_extra_fields_and_trace_ids(log_lines):
    """One object a line; the ids are those of the span around it."""
    lines = log_lines()
    with tracing() as tracer, span(tracer, "batch") as current:
        logging.getLogger("streams.x").info("stored %d rows", 3, extra={"topic": "metrics", "big": 2**70})
    [line] = map(json.loads, lines())
    assert line["message"] == "stored 3 rows"
    assert (line["level"], line["logger"], line["topic"], line["big"]) == ("info", "streams.x", "metrics", 2**70)
    assert line["trace_id"] == f"{current.get_span_context().trace_id:032x}"
    assert line["time"].endswith("Z")


def test_an_exception_is_logged_without_the_value_it_stumbled_over(log_lines):
    """Types and places are told; texts only of exceptions that promise to hold no content."""
    lines = log_lines()
    try:
        try:
            {}["canary@example.org"]
        except KeyError as error:
            raise Rejected("data.value must be a number") from error
    except Rejected:
        logging.getLogger("streams.x").exception("record rejected")
    [line] = lines()
    text = json.loads(line)["exception"]
    assert "canary" not in line
    assert text.startswith("KeyError\n")
    assert "which led to\nRejected: data.value must be a number" in text
    assert "test_telemetry.py:" in text


def test_members_of_an_exception_group_are_told(log_lines):
    """A task group's failure names each failure, also when one refers to itself."""
    lines = log_lines()
    loop = ValueError("canary")
    loop.__cause__ = loop
    try:
        raise ExceptionGroup("canary", [loop, OSError("disk full")])
    except ExceptionGroup:
        logging.getLogger().exception("stopped")
    text = json.loads(lines()[0])["exception"]
    assert "canary" not in text
    assert "holds ValueError" in text
    assert "holds OSError: disk full" in text


def test_a_console_line_stays_one_line(log_lines):
    """A line end in a message cannot forge a second line, nor an escape sequence reach the terminal."""
    lines = log_lines(format="console")
    logging.getLogger("streams.x").warning("name %s", "a\nERROR forged \x1b[31m", extra={"service": "b\nc"})
    [line] = lines()
    assert line.endswith(r"WARNING streams.x: name a\x0aERROR forged \x1b[31m service=b\x0ac")


def test_half_a_surrogate_pair_does_not_stop_the_log(log_lines):
    """Text that is not valid Unicode is still logged."""
    lines = log_lines()
    logging.getLogger("streams.x").info("odd \ud800")
    assert json.loads(lines()[0])["message"] == "odd \ud800"


def test_levels_hold_and_libraries_speak_from_warnings_on(log_lines):
    """`info` shows our information and the libraries' warnings."""
    lines = log_lines(level="info")
    logging.getLogger("streams.x").debug("hidden")
    logging.getLogger("aiokafka.consumer").info("hidden")
    logging.getLogger("aiokafka.consumer").warning("shown")
    assert [json.loads(line)["message"] for line in lines()] == ["shown"]


# ---- traces


@pytest.fixture
def collector(monkeypatch):
    """A server that takes OTLP requests; the OTEL_* variables of the developer are put aside."""

    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def exported(received):
    return [found for _, request in received for part in request.resource_spans for found in part.scope_spans[0].spans]


def test_spans_are_sent_at_the_end_when_an_endpoint_is_named(collector, monkeypatch):
    """Leaving `tracing` flushes; the resource says which service it was; a failure says its type only."""
    endpoint, received = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    with pytest.raises(ValueError, match="canary"), tracing() as tracer, span(tracer, "batch", topic="metrics"):
        raise ValueError("canary")
    [(path, request)] = received
    assert path == "/v1/traces"
    attributes = {item.key: item.value.string_value for item in request.resource_spans[0].resource.attributes}
    assert attributes["service.name"] == "tidewatch"
    [found] = exported(received)
    assert (found.name, found.status.message) == ("batch", "ValueError")
    assert b"canary" not in request.SerializeToString()


def test_one_trace_in_a_hundred_is_sampled_and_children_follow(collector, monkeypatch):
    """The default is a ratio of 1 % for roots; five standard deviations around it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector[0])
    roots = 0
    with tracing() as tracer:
        for _ in range(10_000):
            with span(tracer, "batch") as parent, span(tracer, "insert") as child:
                assert child.is_recording() == parent.is_recording()
                roots += parent.is_recording()
    assert 50 <= roots <= 150
    assert len(exported(collector[1])) == 2 * roots


@pytest.mark.parametrize("variables", [{}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "set"}])
def test_nothing_is_sent_without_an_endpoint(collector, monkeypatch, variables):
    """No exporter: nothing records, but ids exist for the logs."""
    for name, value in variables.items():
        monkeypatch.setenv(name, collector[0] if value == "set" else value)
    with tracing() as tracer, span(tracer, "batch") as current:
        assert not current.is_recording()
        assert current.get_span_context().is_valid
    assert collector[1] == []


def test_the_service_name_can_be_changed(collector, monkeypatch):
    """OTEL_SERVICE_NAME wins over the built-in name."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector[0]}/v1/traces")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "tidewatch-eu")
    with tracing() as tracer, span(tracer, "batch"):
        pass
    attributes = collector[1][0][1].resource_spans[0].resource.attributes
    assert "tidewatch-eu" in [item.value.string_value for item in attributes]


def test_grpc_is_refused_with_what_to_set(collector, monkeypatch):
    """Spans must not vanish because the protocol is not the one shipped."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector[0])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(Rejected, match="OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"), tracing():
        pass
