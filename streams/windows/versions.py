"""Reads snapshots of shards, those of the versions before too: an upgrade goes on where that stopped."""

import msgspec

from schemas.failures import Rejected
from streams.batch import Partition
from streams.health.vitals import VitalsState
from streams.windows.catalogue import CatalogueState
from streams.windows.columns import Growing, batch, empty
from streams.windows.history import HistoryState
from streams.windows.packed import pack
from streams.windows.panes import Cell, Series
from streams.windows.revisable import WindowState
from streams.windows.shard import ShardState
from streams.windows.sla import SlaState
from streams.windows.tenant import TenantState
from streams.windows.watermark import WatermarkState


class TenantState1(msgspec.Struct, array_like=True):
    """A tenant in version 1: windows cell by cell, each with whether its row had not been sent since it changed."""

    name: str
    windows: list[tuple[int, int, list[tuple[Series, Cell, bool]]]]
    sla: SlaState
    history: HistoryState
    heartbeats: list[tuple[Series, list[int]]]
    rules: msgspec.Raw


class ShardState1(msgspec.Struct, array_like=True, tag=1):
    """Version 1."""

    offset: int
    merged: list[tuple[Partition, str, str, int, set[int]]]
    watermark: WatermarkState
    ticked_ms: int
    tenants: list[TenantState1]


class TenantState2(msgspec.Struct, array_like=True):
    """A tenant in version 2: of health it had only heartbeats."""

    name: str
    catalogue: CatalogueState
    windows: list[WindowState]
    sla: SlaState
    history: HistoryState
    heartbeats: list[tuple[Series, list[int]]]
    rules: msgspec.Raw


class ShardState2(msgspec.Struct, array_like=True, tag=2):
    """Version 2."""

    offset: int
    merged: list[tuple[Partition, str, str, int, set[int]]]
    watermark: WatermarkState
    ticked_ms: int
    tenants: list[TenantState2]


class ShardState3(msgspec.Struct, array_like=True, tag=3):
    """Version 3: of its tenants it had no sequences."""

    offset: int
    merged: list[tuple[Partition, str, str, int, set[int]]]
    watermark: WatermarkState
    ticked_ms: int
    tenants: list[TenantState]


_decoder = msgspec.msgpack.Decoder(ShardState | ShardState3 | ShardState2 | ShardState1)


def decode(packed: bytes) -> ShardState:
    """What a snapshot says. Raises Rejected for one of a later version."""
    try:
        state = _decoder.decode(packed)
    except msgspec.MsgspecError:
        raise Rejected(
            "the snapshot of the windows was written by a version of Tidewatch that this one cannot read; start that "
            "version, or have everything merged again that `panes` keeps: set the group's offsets of it to earliest"
        ) from None
    if isinstance(state, ShardState):
        return state
    if isinstance(state, ShardState3):
        tenants = state.tenants
    elif isinstance(state, ShardState2):
        tenants = [_third(tenant) for tenant in state.tenants]
    else:
        reached = state.watermark.reached_ms
        tenants = [_third(_second(tenant, reached)) for tenant in state.tenants]
    return ShardState(state.offset, state.merged, state.watermark, state.ticked_ms, tenants)


def _third(old: TenantState2) -> TenantState:
    health = VitalsState(old.heartbeats, [], [], [], [])
    return TenantState(old.name, old.catalogue, old.windows, old.sla, old.history, health, old.rules)


def _second(old: TenantState1, reached_ms: int) -> TenantState2:
    numbers: dict[Series, int] = {}
    latest: list[int] = []
    windows = []
    for size, start, cells in old.windows:
        for series, _, _ in cells:
            if numbers.setdefault(series, len(numbers)) == len(latest):
                latest.append(start)
            latest[numbers[series]] = max(latest[numbers[series]], start + size - series.pane_ms)
        windows.append(_window(size, start, cells, numbers, start + size <= reached_ms))
    catalogue = CatalogueState(list(numbers), latest)
    return TenantState2(old.name, catalogue, windows, old.sla, old.history, old.heartbeats, old.rules)


def _window(
    size: int, start: int, cells: list[tuple[Series, Cell, bool]], numbers: dict[Series, int], closed: bool
) -> WindowState:
    growing = Growing()
    if cells:
        growing.merge(batch([(numbers[series], start, cell) for series, cell, _ in cells]))
    content, nothing = pack(growing.columns()), pack(empty())
    if not closed:
        return WindowState(size, start, "", b"", content, False, [])
    changed = [numbers[series] for series, _, unsent in cells if unsent]
    return WindowState(size, start, "", content, nothing, False, changed)
