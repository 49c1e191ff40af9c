"""Ports for servers that must know theirs before they start."""

import random
import socket
from collections.abc import Iterator

# Below 32768, where Linux takes the ports of outgoing connections from: a client that keeps dialling a stopped server
# on a port of that range can end up connected to itself, and the restarted server finds its port taken.
_CANDIDATES = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports of 127.0.0.1 that nobody listens on now."""
    found = _free()
    return [next(found) for _ in range(count)]


def _free() -> Iterator[int]:
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port
