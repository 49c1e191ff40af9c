"""The auditor sees records that were lost, written twice or committed backwards, and nothing else."""

from streams.batch import Partition, RecordBatch
from streams.stages.audit import Audit
from streams.stages.protocol import Declared, join, split

HERE = Partition("metrics", 3)
LIFE = {"metrics": "first"}


def batch(first: int, count: int, begins: int = -1, more: int = 0) -> RecordBatch:
    """``more``: offsets after the last record that hold none, such as the end of a transaction."""
    offsets = range(first, first + count)
    return RecordBatch(HERE, offsets, [b""] * count, None, [0] * count, first + count + more, begins=begins)


def audited(*batches: RecordBatch, offset: int = 0) -> list[str]:
    """The kinds of what is seen when these are read and declared, one after the other."""
    audit = Audit()
    seen = [*audit.enter({HERE: (offset, "")}, LIFE)]
    for each in batches:
        seen += [*audit.read(each), *audit.declares(each)]
    return [anomaly.kind for anomaly in seen]


def test_batches_that_follow_each_other_are_in_order() -> None:
    assert not audited(batch(5, 10), batch(15, 1), batch(16, 4), offset=5)


def test_offsets_that_hold_no_record_are_no_gap() -> None:
    assert not audited(batch(0, 10, more=2), batch(12, 3), batch(20, 3, begins=15))


def test_records_that_were_not_there_to_be_read_are_a_gap() -> None:
    """Retention took them: the reader was set to where the topic begins now. It is told once."""
    assert audited(batch(100, 10), batch(110, 10), offset=50) == ["gap"]


def test_records_that_were_read_and_never_declared_are_a_gap() -> None:
    audit = Audit()
    list(audit.enter({HERE: (0, "")}, LIFE))
    for each in (batch(0, 10), batch(10, 10), batch(20, 10)):
        assert not list(audit.read(each))
    assert not list(audit.declares(batch(0, 10)))

    assert [anomaly.kind for anomaly in audit.declares(batch(20, 10))] == ["gap"]


def test_a_batch_that_was_declared_before_is_an_overlap() -> None:
    assert audited(batch(0, 10), batch(9, 10)) == ["overlap"]


def test_records_that_are_read_again_after_a_seek_are_none() -> None:
    audit = Audit()
    list(audit.enter({HERE: (0, "")}, LIFE))
    assert not [*audit.read(batch(0, 10)), *audit.read(batch(5, 10)), *audit.read(batch(15, 1))]


def test_joining_and_cutting_leaves_no_gap() -> None:
    both = join([batch(0, 10, more=2), batch(12, 10)])
    first, rest = split(both, 4)
    assert rest is not None
    assert not audited(first, rest, batch(22, 1))


def test_a_partition_without_a_commit_may_begin_anywhere() -> None:
    audit = Audit()
    list(audit.enter({}, LIFE))
    assert not [*audit.read(batch(70, 10)), *audit.declares(batch(70, 10))]


def test_a_commit_that_went_back_is_seen_though_the_partition_was_away_meanwhile() -> None:
    audit = Audit()
    list(audit.enter({HERE: (0, "")}, LIFE))
    audit.committed({HERE: (30, Declared(30, 39, 0).metadata())}, LIFE)
    list(audit.enter({}, LIFE))

    assert [anomaly.kind for anomaly in audit.enter({HERE: (20, "")}, LIFE)] == ["backward"]
    assert not list(audit.enter({HERE: (20, "")}, {"metrics": "made again"}))


def test_a_declaration_that_ends_before_it_begins_is_seen() -> None:
    [anomaly] = Audit().enter({HERE: (30, Declared(30, 20, 0).metadata())}, LIFE)
    assert anomaly.kind == "backward"
    assert anomaly.text == "backward in metrics-3: a batch is declared from 30 to 20"
