"""A batch becomes rows, deltas and dead letters; one bad record costs itself alone."""

import math
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import Limits, Windows
from schemas.events import health, metric, processing, security
from schemas.tables import COLUMNS, Coded
from streams.batch import Headers, Partition, RecordBatch
from streams.compliance import judge
from streams.compliance.shipped import shipped_texts
from streams.ingest.ingest import Ingest, Ingested
from streams.privacy.refused import hidden
from streams.windows.deltas import PaneDelta, decode, encode
from streams.windows.panes import Cell, Series

NOW = 1_795_342_530_000
AT = "2026-11-22T10:15:30.125Z"
AT_MS = 1_795_342_530_125


def event(data: dict[str, Any], kind: str = "metric", **envelope: Any) -> bytes:
    base = {"specversion": "1.0", "type": f"tidewatch.{kind}", "id": "1", "source": "/test", "time": AT}
    return msgspec.json.encode({**base, **envelope, "data": data})


def metric_event(value: float = 1.0, kind: str = "gauge", **more: Any) -> bytes:
    envelope = {name: more.pop(name) for name in ("time", "id") if name in more}
    return event({"service": "s", "name": "system.load", "kind": kind, "value": value, **more}, **envelope)


def batch(values: Sequence[bytes | None], headers: Sequence[Headers] | None = None, first: int = 100) -> RecordBatch:
    offsets = range(first, first + len(values))
    return RecordBatch(Partition("metrics", 2), offsets, values, headers, [NOW] * len(values), first + len(values))


def ingest(*values: bytes | None, headers: Sequence[Headers] | None = None) -> Ingested:
    return Ingest(Windows(), Limits(), judge)(batch(values, headers), NOW, "cluster")


def column(result: Ingested, table: str, name: str) -> list[Any]:
    values = result.raw[table][name]
    if isinstance(values, Coded):
        return [values.values[code] for code in values.codes]
    return np.asarray(values).tolist() if isinstance(values, np.ndarray) else list(values)


def folded(result: Ingested) -> dict[tuple[str, str, int], Cell]:
    """(tenant, series name, pane start) -> cell, merged over all deltas."""
    found: dict[tuple[str, str, int], Cell] = {}
    for delta in result.deltas:
        for series, start, cell in delta.each():
            key = (delta.tenant, series.name, start)
            if key in found:
                found[key].merge(cell)
            else:
                found[key] = cell.copy()
    return found


@pytest.mark.parametrize("module", [metric, security, processing, health], ids=lambda module: module.__name__)
def test_every_example_becomes_a_row_with_the_columns_of_its_table(module: Any) -> None:
    result = ingest(msgspec.json.encode(module.EXAMPLE))

    table = "raw_" + module.EXAMPLE["type"].removeprefix("tidewatch.").replace("metric", "metrics")
    assert list(result.raw[table]) == list(COLUMNS[table])
    assert column(result, table, "_offset") == [100]
    assert not result.dead


def test_a_metric_is_folded_into_its_pane() -> None:
    result = ingest(metric_event(2.0), metric_event(6.0), metric_event(1.0, time="2026-11-22T10:15:41Z"))

    panes = folded(result)
    first = panes["default", "system_load", 1_795_342_530_000]
    assert (first.count, first.sum, first.min, first.max, first.last) == (2, 8.0, 2.0, 6.0, 6.0)
    assert panes["default", "system_load", 1_795_342_540_000].sum == 1.0
    assert result.high_ms == 1_795_342_541_000


BAD: dict[str, tuple[bytes | None, str]] = {
    "malformed JSON": (b'{"specversion": "1.0"', "malformed_json"),
    "an unknown type": (event({}, kind="nonsense"), "unknown_type"),
    "a missing field": (event({"service": "s", "name": "x", "kind": "gauge"}), "invalid_field"),
    "a mistyped field": (event({"service": "s", "name": "x", "kind": "gauge", "value": "1"}), "invalid_field"),
    "a field nobody knows": (metric_event(nonsense=1), "invalid_field"),
    "NaN": (metric_event().replace(b"1.0}", b"NaN}"), "malformed_json"),
    "Infinity": (metric_event().replace(b"1.0}", b"Infinity}"), "malformed_json"),
    "invalid UTF-8": (metric_event(unit="x").replace(b'"unit":"x"', b'"unit":"\xff"'), "invalid_utf8"),
    "a record of 1 MB": (metric_event(id="x" * 1_000_000), "too_large"),
    "deep nesting": (event({"service": "s", "labels": {}}).replace(b"{}", b"[" * 9000 + b"]" * 9000), "too_deep"),
    "a key written twice": (metric_event().replace(b'"kind"', b'"value":2.0,"kind"'), "duplicate_key"),
    "a time in 1970": (metric_event(time="1970-01-02T00:00:00Z"), "time_out_of_range"),
    "a time in 2100": (metric_event(time="2100-01-02T00:00:00Z"), "future"),
    "a time without an offset": (metric_event(time="2026-11-22T10:15:30"), "invalid_field"),
    "10,000 labels": (metric_event(labels={f"l{i}": "x" for i in range(10_000)}), "invalid_label"),
    "a label name with a quote": (metric_event(labels={'a"b': "x"}), "invalid_label"),
    "a label name with a newline": (metric_event(labels={"a\nb": "x"}), "invalid_label"),
    "a tombstone": (None, "tombstone"),
    "a counter that goes down": (metric_event(-1.0, kind="counter"), "invalid_field"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_a_dead_letter_and_its_neighbours_go_through(name: str) -> None:
    value, reason = BAD[name]

    result = ingest(metric_event(1.0), value, metric_event(2.0))

    [letter] = result.dead
    shown = None if value is None else hidden(value)
    assert (letter.topic, letter.partition, letter.offset, letter.value) == ("metrics", 2, 101, shown)
    assert letter.reason == reason, letter.detail
    assert column(result, "raw_metrics", "_offset") == [100, 102]
    assert column(result, "dead_letters", "_offset") == [101]
    assert folded(result)["default", "system_load", 1_795_342_530_000].sum == 3.0


def test_every_bad_record_at_once_leaves_the_good_ones() -> None:
    values = [part for value, _ in BAD.values() for part in (value, metric_event(1.0))]

    result = ingest(*values)

    assert len(result.dead) == len(BAD)
    assert result.events == {"metric": len(BAD)}
    assert sorted([*column(result, "raw_metrics", "_offset"), *column(result, "dead_letters", "_offset")]) == list(
        range(100, 100 + len(values))
    )


@pytest.mark.parametrize(
    ("reason", "bad"),
    [
        ("invalid_label", metric_event(labels={"status code": "200"})),
        ("time_out_of_range", metric_event(time="1970-01-01T00:00:00Z")),
        ("future", metric_event(time="2036-01-01T00:00:00Z")),
        ("duplicate_key", metric_event().replace(b'"value":1.0', b'"value":1.0,"value":2.0')),
    ],
)
def test_a_batch_of_which_nothing_is_accepted_is_only_dead_letters(reason: str, bad: bytes) -> None:
    """The usual case when events trickle: the bad record is alone, also behind good ones of its series."""
    fold = Ingest(Windows(), Limits(), judge)
    for _ in range(2):
        refused = fold(batch([bad]), NOW, "run")
        assert ([letter.reason for letter in refused.dead], refused.events) == ([reason], {})
        fold(batch([metric_event(), metric_event()]), NOW, "run")


def test_two_records_that_only_together_are_json_are_two_dead_letters() -> None:
    whole = metric_event(labels={"a": "1"})
    half = len(whole) // 2

    result = ingest(whole[:half], whole[half:])

    assert [letter.offset for letter in result.dead] == [100, 101]


@pytest.mark.parametrize(
    "text", [metric_event(), event({"service": "s", "operation": "read"}, "processing")], ids=["metric", "processing"]
)
def test_a_member_whose_name_is_no_text_is_refused_though_decoders_skip_it(text: bytes) -> None:
    result = ingest(text, text.replace(b"{", b'{"ex\xfftra":"1",', 1), text)

    assert [(letter.offset, letter.reason) for letter in result.dead] == [(101, "invalid_utf8")]
    assert sum(result.events.values()) == 2


def test_a_key_written_twice_is_found_in_a_series_that_is_known() -> None:
    twice = metric_event().replace(b'"value":1.0', b'"value":1.0,"value":9.0')

    result = ingest(metric_event(), metric_event(), twice)

    assert [(letter.offset, letter.reason) for letter in result.dead] == [(102, "duplicate_key")]


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        (b'"value":1.0', b'"value":2.0,"value":1.0'),
        (b'"id":"1"', b'"id":"1","id":"1"'),
        (b'"labels":{"a":"b"}', b'"labels":{"a":"b","a":"b"}'),
        (b'"labels":{"a":"b"}', b'"labels":{},"labels":{"a":"b"}'),
        (b'"source":"/test"', b'"source":"/test","x":1,"x":2'),
        (b'"source":"/test"', b'"source":"/test","datacontenttype":"application/json","source":"/test"'),
    ],
)
def test_a_key_written_twice_is_found_wherever_it_is(text: bytes, twice: bytes) -> None:
    good = metric_event(labels={"a": "b"})
    assert text in good

    result = ingest(good, good.replace(text, twice), good)

    assert [(letter.offset, letter.reason) for letter in result.dead] == [(101, "duplicate_key")]
    assert column(result, "raw_metrics", "_offset") == [100, 102]


def test_binary_mode_gives_the_same_as_structured_mode() -> None:
    structured = metric_event(2.0)
    attributes = {"specversion": "1.0", "type": "tidewatch.metric", "id": "1", "source": "/test", "time": AT}
    headers: Headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    data = msgspec.json.encode(msgspec.json.decode(structured)["data"])

    result = ingest(structured, data, headers=[(), [*headers, ("content-type", b"application/json")]])

    assert not result.dead
    assert column(result, "raw_metrics", "value") == [2.0, 2.0]
    assert len({*column(result, "raw_metrics", "labels"), *column(result, "raw_metrics", "event_id")}) == 2


def test_tenants_are_kept_apart() -> None:
    result = ingest(metric_event(1.0), metric_event(2.0, tenant="acme"))

    assert {delta.tenant for delta in result.deltas} == {"default", "acme"}
    assert folded(result)["acme", "system_load", 1_795_342_530_000].sum == 2.0


def test_a_security_event_counts_and_is_judged() -> None:
    result = ingest(msgspec.json.encode(security.EXAMPLE))

    names = {series.name for delta in result.deltas for series, _, _ in delta.each()}
    assert {"security_events_total", "auth_failures_total"} <= names


def test_a_processing_event_has_a_verdict_row_for_every_verdict() -> None:
    result = ingest(msgspec.json.encode(processing.EXAMPLE))

    judged = column(result, "verdicts", "verdict")
    counted = sum(cell.sum for (_, name, _), cell in folded(result).items() if name == "compliance_evaluations_total")
    assert judged
    assert counted == len(judged)


def test_a_verdict_holds_the_digests_of_the_judged_bytes_and_of_the_policy_that_judged() -> None:
    """As an auditor computes them: SHA-256 over the record's value, and over the policy's file."""
    first, second = (msgspec.json.encode(event) for event in (security.EXAMPLE, processing.EXAMPLE))
    result = ingest(metric_event(), first, second)

    of_event = dict(
        zip(column(result, "verdicts", "event_type"), column(result, "verdicts", "event_digest"), strict=True)
    )
    assert of_event["processing"] == sha256(second).digest()
    texts = {name.partition("/")[2]: text for name, text in shipped_texts()}
    for policy, digest in zip(*(column(result, "verdicts", name) for name in ("policy", "policy_digest")), strict=True):
        assert digest == sha256(texts[f"{policy}.yml"].encode()).hexdigest()


values = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 59), st.floats(-1e6, 1e6)), min_size=1, max_size=60)


@given(values, st.integers(1, 59))
def test_how_a_batch_is_cut_does_not_change_what_it_adds(rows: list[tuple[int, int, float]], cut: int) -> None:
    records = [
        metric_event(value, kind="histogram", labels={"n": str(n)}, time=f"2026-11-22T10:15:{second:02d}Z")
        for n, second, value in rows
    ]
    whole = Ingest(Windows(), Limits(), judge)
    pieces = Ingest(Windows(), Limits(), judge)
    cut = min(cut, len(records) - 1)

    one = [whole(batch(records), NOW + 60_000, "c")]
    two = [
        pieces(batch(part, first=at), NOW + 60_000, "c")
        for at, part in ((100, records[:cut]), (100 + cut, records[cut:]))
        if part
    ]

    assert merged(one) == merged(two)


def merged(results: list[Ingested]) -> dict[tuple[Series, int], tuple[Any, ...]]:
    found: dict[tuple[Series, int], Cell] = {}
    for result in results:
        for delta in result.deltas:
            for series, start, cell in delta.each():
                key = (series, start)
                if key in found:
                    found[key].merge(cell)
                else:
                    found[key] = cell.copy()
    return {
        key: (c.count, round(c.sum, 3), c.min, c.max, c.last, c.last_ms, c.zeros, c.positive, c.negative)
        for key, c in found.items()
    }


def test_a_batch_repeated_by_another_worker_gives_the_same_deltas() -> None:
    """Series are numbered in another order there; what is sent must not show it."""
    records = [metric_event(float(n), labels={"n": str(n)}) for n in range(9_000)]
    first, second = Ingest(Windows(), Limits(), judge), Ingest(Windows(), Limits(), judge)
    second(batch(list(reversed(records))), NOW, "c")

    sent = [
        [(delta.part, delta.parts, sorted(delta.each(), key=str)) for delta in worker(batch(records), NOW, "c").deltas]
        for worker in (first, second)
    ]

    assert len(sent[0]) == 3
    assert sent[0] == sent[1]


def test_a_record_of_deltas_is_one_that_a_broker_takes() -> None:
    """However many series, and however long their labels."""
    records = [metric_event(float(n), labels={f"l{k}": f"{n:04}" * 60 for k in range(8)}) for n in range(2_000)]

    sent = [encode(delta) for delta in ingest(*records).deltas]

    assert len(sent) > 4
    assert max(map(len, sent)) < 600_000


def test_a_delta_survives_the_broker() -> None:
    [delta] = ingest(metric_event(1.0), metric_event(-2.0), metric_event(0.0)).deltas

    again = decode(encode(delta))

    assert isinstance(again, PaneDelta)
    assert (again[:-1], list(again.each())) == (delta[:-1], list(delta.each()))


def test_percentiles_of_a_histogram_are_within_one_per_cent() -> None:
    from streams.windows.sketch import quantiles

    exact = sorted(math.exp(n / 50) for n in range(500))
    result = ingest(*(metric_event(value, kind="histogram") for value in exact))

    [cell] = folded(result).values()
    [p95] = quantiles((0.95,), cell.positive, cell.negative, cell.zeros, cell.min, cell.max)
    assert p95 == pytest.approx(exact[474], rel=0.01)


def test_counters_carry_no_distribution() -> None:
    [cell] = folded(ingest(metric_event(3.0, kind="counter"))).values()

    assert cell.sum == 3.0
    assert not cell.positive


def test_equal_times_are_ordered_by_offset() -> None:
    [cell] = folded(ingest(*(metric_event(float(n)) for n in (5, 1, 3)))).values()

    assert cell.last == 3.0


def test_an_interned_series_is_found_whatever_the_order_of_its_labels() -> None:
    result = ingest(metric_event(1.0, labels={"a": "1", "b": "2"}), metric_event(2.0, labels={"b": "2", "a": "1"}))

    totals: dict[str, float] = defaultdict(float)
    for (_, name, _), cell in folded(result).items():
        totals[name] += cell.sum
    assert totals == {"system_load": 3.0}
    assert len({series for delta in result.deltas for series in delta.series}) == 1
