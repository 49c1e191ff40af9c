"""The Faust app: six agents, each handing what it gets to a stage."""

from collections.abc import Awaitable, Callable
from typing import Any

import faust

from schemas.config import Config
from sinks.kafka import client_options
from streams.stages.transport import Backlog, BatchApp, Delivery

Offer = Callable[[Delivery], Awaitable[None]]

_NEVER = 10**9
"""Of Faust's watchdogs and time-outs that watch what Tidewatch does itself."""


def build(config: Config, ingest: Offer, windows: Offer, notify: Offer, evidence: Offer, datadir: str) -> BatchApp:
    """The app of one worker. ``datadir`` is a directory Faust may write to; it keeps nothing there for us."""
    topics = config.topics
    app = BatchApp(
        config.kafka.group,
        broker=";".join(f"kafka://{server}" for server in config.kafka.bootstrap_servers),
        broker_credentials=_credentials(config),
        broker_session_timeout=config.kafka.session_timeout,
        broker_heartbeat_interval=config.kafka.heartbeat_interval,
        broker_request_timeout=max(90.0, config.kafka.session_timeout + 1),
        broker_max_poll_interval=_NEVER / 1000,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1024 * 1024,
        stream_buffer_maxsize=1_000_000,
        stream_wait_empty=False,
        stream_processing_timeout=float(_NEVER),
        topic_disable_leader=True,
        web_enabled=False,
        datadir=datadir,
        autodiscover=False,
    )
    app.backlog, app.alerts_topic = Backlog(config.limits.buffered_bytes), topics.alerts

    for name, topic, offer in (
        ("metrics", topics.metrics, ingest),
        ("security", topics.security, ingest),
        ("data-processing", topics.processing, ingest),
        ("panes", topics.panes, windows),
        ("alerts", topics.alerts, notify),
        ("evidence", topics.evidence, evidence),
    ):
        app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"), name=name)(_handing_to(offer))
    return app


def _handing_to(offer: Offer) -> Callable[[Any], Awaitable[None]]:
    """An agent never raises: what fails is retried or parked by its stage, and offsets are the stage's too."""

    async def agent(stream: Any) -> None:
        async for delivery in stream:
            await offer(delivery)

    return agent


def _credentials(config: Config) -> Any:
    """Faust's form of the same TLS and SASL settings that every other client has."""
    options = client_options(config.kafka)
    context = options.get("ssl_context")
    if options["security_protocol"].startswith("SASL"):
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=context,
            mechanism=options["sasl_mechanism"],
        )
    return faust.SSLCredentials(context) if context else None
