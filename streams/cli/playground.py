"""``tidewatch playground``: a broker and an inbox for alerts, to try a worker against."""

import signal

import click
import msgspec

from embedded.broker import Broker
from embedded.inbox import Inbox
from schemas.config import Topics
from schemas.failures import Rejected, Unavailable
from streams.stages.topics import STATE_PARTITIONS

_ENDING = {signal.SIGINT, signal.SIGTERM}


@click.command()
@click.option("--alerts-port", type=click.IntRange(0, 65535), default=0, help="Of the inbox; else a free one.")
def command(alerts_port: int) -> None:
    """Run a Kafka broker and an inbox for alerts until Ctrl-C, and print what other terminals need to use them.

    For trying things out: the broker keeps the last 5 MiB of each partition in memory, until it ends, and serves one
    worker; the inbox keeps alerts and notifies nobody.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)  # before there are threads, so that only this one gets them
    try:
        with Broker() as broker, Inbox(port=alerts_port) as inbox:
            for topic in msgspec.structs.astuple(Topics()):
                broker.create_topic(topic, STATE_PARTITIONS)
            click.echo(_told(broker.bootstrap_servers, inbox.url))
            signal.sigwait(_ENDING)
    except OSError as error:
        raise click.ClickException(f"port {alerts_port}: {error.strerror}; name another with --alerts-port") from None
    except (Rejected, Unavailable) as error:
        raise click.ClickException(str(error)) from None


def _told(bootstrap_servers: str, inbox: str) -> str:
    """Lines for a shell. This broker hands partitions on only when a session has timed out, so that is made short."""
    return f"""\
A Kafka broker and an inbox for alerts run until Ctrl-C. Paste this into every other terminal:

export TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS={bootstrap_servers}
export TIDEWATCH_KAFKA_SESSION_TIMEOUT=6 TIDEWATCH_KAFKA_HEARTBEAT_INTERVAL=1
export TIDEWATCH_ALERTMANAGER_URLS={inbox}

Then: tidewatch worker. Alerts, as an Alertmanager would list them: {inbox}/api/v2/alerts"""
