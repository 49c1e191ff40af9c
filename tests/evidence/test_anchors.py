"""What was kept of the ledger earlier tells whoever has written its history anew, even with the private key."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Rejected
from streams.evidence.anchors import Anchors, joined, kept_anchors, root_anchor
from streams.evidence.canonical import Seal
from streams.evidence.chain import SealRow
from streams.evidence.export import Line, verified, verify_file
from streams.evidence.merkle import EMPTY
from streams.evidence.records import Findings, Record
from tests.evidence.ledgers import KEYS, RECORDS, exported, taken

AFTER = st.integers(3, len(RECORDS))


def kept(records: Sequence[tuple[Record, int]]) -> Anchors:
    """The heads as ``tidewatch audit verify --json`` prints them."""
    heads = [msgspec.json.decode(row.signed.text) for row in taken(records)[1]]
    return kept_anchors(msgspec.json.encode([{"tenant": head["tenant"], "ok": True, "head": head} for head in heads]))


def problems(records: Sequence[tuple[Record, int]], anchors: Anchors) -> list[str]:
    rows, heads = taken(records)
    found = list(verify_file(exported(rows, heads), KEYS, anchors))
    gone = [head.tenant for head in anchors.missing({(verdict.tenant, verdict.chain) for verdict in found})]
    return [verdict.problem for verdict in found if verdict.problem] + gone


@given(AFTER)
def test_a_ledger_that_has_grown_still_has_what_was_kept(count: int) -> None:
    assert problems(RECORDS, kept(RECORDS[:count])) == []


@given(st.sampled_from([1, 2, 4, 9]), st.integers(1, len(RECORDS)))
def test_history_that_was_written_anew_and_signed_is_found(number: int, count: int) -> None:
    """Whoever has the private key makes a ledger that is as good as any, but not the one that was there."""
    record, at_ms = RECORDS[number]
    assert isinstance(record, Findings)
    kinder = msgspec.structs.replace(record.violations[0], severity="low")
    anew = msgspec.structs.replace(record, violations=[kinder, *record.violations[1:]])
    history = [*RECORDS[:number], (anew, at_ms), *RECORDS[number + 1 :]]

    assert problems(history, Anchors()) == []
    assert bool(problems(history, kept(RECORDS[: max(count, 2)]))) == (number < max(count, 2))


@given(AFTER, st.data())
def test_an_older_state_of_a_chain_that_was_put_back_is_found(count: int, data: st.DataObject) -> None:
    older = data.draw(st.integers(1, count - 1))
    anchors = kept(RECORDS[:count])
    as_it_was = {(head.tenant, head.count, head.seals) for head in kept(RECORDS[:older]).heads} if older > 1 else set()

    assert problems(RECORDS[:older], Anchors()) == []
    if as_it_was != {(head.tenant, head.count, head.seals) for head in anchors.heads}:
        assert problems(RECORDS[:older], anchors)


def test_a_chain_that_is_gone_is_found() -> None:
    assert problems([record for record in RECORDS if getattr(record[0], "tenant", "") != "zeta"], kept(RECORDS))


def test_a_root_is_found_in_the_chain_that_has_it_and_in_no_other() -> None:
    rows, heads = taken()
    roots = [msgspec.json.decode(row.signed.text, type=Seal).root for row in rows if isinstance(row, SealRow)]
    anchors = joined(map(root_anchor, {*roots} - {EMPTY.hex()} | {"ab" * 32}))
    found = [verdict.roots for verdict in verify_file(exported(rows, heads), KEYS, anchors)]

    assert frozenset.union(*found) == set(roots) - {EMPTY.hex()}
    assert not frozenset.intersection(*found)


def test_what_has_expired_since_is_proved_by_the_seals_that_stay() -> None:
    rows, heads = taken()
    own = [row for row in rows if row.tenant == "acme"]
    [head] = [head for head in kept(RECORDS).heads if head.tenant == "acme"]
    seals = [Line("P", row.signed.text.encode(), row.signed.signature) for row in own if isinstance(row, SealRow)]
    [end] = [row.signed for row in heads if row.tenant == "acme"]

    for expected, anchor in (("", head), ("written anew", msgspec.structs.replace(head, sealed="ab" * 32))):
        lines = [*seals, Line("H", end.text.encode(), end.signature)]
        verdict = verified("acme", own[0].chain, lines, KEYS, is_whole=False, anchors=Anchors((anchor,)))
        assert expected in verdict.problem
        assert bool(expected) == bool(verdict.problem)


@pytest.mark.parametrize("text", ["", "ab" * 31, "AB" * 32, EMPTY.hex()])
def test_what_is_no_root_or_proves_nothing_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        root_anchor(text)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'[{"head": null}]', b'[{"head": {"count": 1}}]', b"\xff"])
def test_what_was_not_kept_as_it_was_printed_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected):
        kept_anchors(data)
