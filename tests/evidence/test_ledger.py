"""Records become chains: the same ones however they are read, and each once."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.evidence.chain import HOUR_MS, EntryRow, SealRow
from streams.evidence.ledger import Ledger
from streams.evidence.records import decode, encode
from tests.evidence.ledgers import KEY, NOON_MS, RECORDS, act, findings, taken


@given(st.sets(st.integers(0, len(RECORDS) - 1)))
def test_a_restart_at_any_moment_changes_no_row(restarts: set[int]) -> None:
    """A successor goes on from the snapshot, and may be given records again that the one before had taken."""
    ledger, rows = Ledger("topic/0", KEY), []
    for offset, (record, at_ms) in enumerate(RECORDS):
        if offset in restarts:
            packed = ledger.snapshot()
            ledger = Ledger("topic/0", KEY)
            ledger.restore(packed)
            assert not [row for again in range(offset) for row in ledger.take(RECORDS[again][0], again, at_ms)]
        rows += ledger.take(record, offset, at_ms)

    assert rows == taken()[0]


def test_a_batch_that_is_repeated_after_a_crash_is_entered_once() -> None:
    again = [(findings("acme", 0, 2), NOON_MS), (findings("acme", 0, 2), NOON_MS + 1), (findings("acme", 3), NOON_MS)]
    rows, _ = taken(again)

    assert [row.seq for row in rows] == [0, 1, 2, 3, 4]


def test_each_part_of_a_large_batch_is_entered() -> None:
    rows, _ = taken([(findings("acme", 0, 2, part), NOON_MS) for part in (0, 1, 0, 1, 2)])

    assert len(rows) == 1 + 3 * 2


def test_a_seal_counts_the_verdicts_of_its_hour() -> None:
    rows, _ = taken()
    seals = [msgspec.json.decode(row.signed.text) for row in rows if isinstance(row, SealRow) and row.tenant == "acme"]

    assert [seal["tally"] for seal in seals] == [
        {"soc2 CC6.1": [5, 2, 1]},
        {"soc2 CC6.1": [5, 3, 1]},
        {"soc2 CC6.1": [5, 0, 1]},
    ]
    assert [(seal["first"], seal["count"]) for seal in seals] == [(0, 3), (3, 5), (8, 0)]


def test_a_clock_that_goes_back_does_not_open_a_sealed_hour() -> None:
    rows, _ = taken([(act("acme"), NOON_MS), (act("acme"), NOON_MS + HOUR_MS), (act("acme"), NOON_MS - HOUR_MS)])

    assert [row.at_ms for row in rows if isinstance(row, EntryRow)] == [NOON_MS] * 2 + [NOON_MS + HOUR_MS] * 2


def test_a_policy_that_changes_is_an_entry_for_every_tenant() -> None:
    rows, _ = taken()
    changes = [msgspec.json.decode(row.text) for row in rows if isinstance(row, EntryRow) and '"policies"' in row.text]

    assert [(each["tenant"], each["body"].get("changed")) for each in changes if each["seq"]] == [
        ("acme", ["mfa"]),
        ("zeta", ["mfa"]),
    ]


def test_the_latest_attestation_of_a_control_is_known_after_a_restart_too() -> None:
    ledger = Ledger("topic/0", KEY)
    for offset, until in enumerate((5, 9)):
        ledger.take(act("acme", framework="soc2", control="CC1.1", until=until), offset, NOON_MS)
    again = Ledger("topic/0", KEY)
    again.restore(ledger.snapshot())

    assert list(again.attested()) == [("acme", "soc2 CC1.1", 9)]


def test_tenants_for_whom_there_is_no_room_share_a_chain_and_lose_nothing() -> None:
    ledger = Ledger("topic/0", KEY, most_tenants=1)
    batch = [findings(tenant, 10) for tenant in ("acme", "one", "two")]
    rows = [row for offset, record in enumerate([*batch, *batch]) for row in ledger.take(record, offset, NOON_MS)]
    entries = [msgspec.json.decode(row.text) for row in rows if isinstance(row, EntryRow)]

    assert [(each["tenant"], each["body"].get("of")) for each in entries if each["kind"] == "violation"] == [
        *[("acme", None)] * 2,
        *[("__overflow__", "one")] * 2,
        *[("__overflow__", "two")] * 2,
    ]
    assert ledger.duplicates == 3


def test_records_survive_the_topic() -> None:
    for record, _ in RECORDS:
        assert decode(encode(record)) == record
