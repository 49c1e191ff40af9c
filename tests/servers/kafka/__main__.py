"""``python -m tests.servers.kafka``: a broker to try things against, until Ctrl-C or SIGTERM."""

import contextlib
import signal
import tempfile
from pathlib import Path

from tests.servers.kafka import KafkaServer

signal.signal(signal.SIGTERM, signal.default_int_handler)  # a plain `kill` must not leave the JVM behind
with (
    contextlib.suppress(KeyboardInterrupt),
    tempfile.TemporaryDirectory() as directory,
    KafkaServer(Path(directory)) as server,
):
    print(server.bootstrap_servers, flush=True)
    signal.pause()
