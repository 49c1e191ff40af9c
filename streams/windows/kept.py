"""What is packed and kept apart from snapshots, which refer to it by name: closed windows, minutes of objectives."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from streams.slo.ledger import ChunkKey
from streams.windows.revisable import Key

Name = tuple[str, int, int]
"""Of a window: tenant, length and start. Of minutes: tenant and objective, less than 0, and which ones."""

_Value = TypeVar("_Value")


def window_name(tenant: str, key: Key) -> Name:
    """How a window is named in a shard."""
    return tenant, key.size_ms, key.start_ms


def minutes_name(tenant: str, objective: str, key: ChunkKey) -> Name:
    """How packed minutes of an objective are named; what is in them is part of it, as late data changes them."""
    index, digest = key
    return f"{tenant}\0{objective}", -digest, index


def windows_among(tenant: str, keys: Iterable[Key], values: Mapping[Name, _Value]) -> dict[Key, _Value]:
    """What there is for windows of a tenant."""
    names = ((key, window_name(tenant, key)) for key in keys)
    return {key: values[name] for key, name in names if name in values}


def minutes_among(
    tenant: str, keys: Mapping[str, Iterable[ChunkKey]], values: Mapping[Name, _Value]
) -> dict[str, dict[ChunkKey, _Value]]:
    """What there is for the minutes of a tenant's objectives, by objective."""
    found: dict[str, dict[ChunkKey, _Value]] = {}
    for objective, chunks in keys.items():
        names = ((key, minutes_name(tenant, objective, key)) for key in chunks)
        found[objective] = {key: values[name] for key, name in names if name in values}
    return found
