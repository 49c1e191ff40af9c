"""The way in: compile a text once, evaluate it as often as needed."""

from collections.abc import Sequence
from functools import lru_cache

from schemas.failures import Rejected
from streams.promql.binary import without_metadata
from streams.promql.compile import compile_text
from streams.promql.moment import Memory, Moment, Note, Resolver, Selection, Validity
from streams.promql.node import Node
from streams.promql.selectors import collect
from streams.promql.storage import Storage
from streams.promql.values import METADATA, Kind, Labels, Matrix, RangeSeries, Value


class Expression:
    """A compiled PromQL expression. It keeps no state between evaluations."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._node: Node = compile_text(text)

    @property
    def kind(self) -> Kind:
        """scalar, string, vector or matrix."""
        return self._node.kind

    def evaluate(self, storage: Storage | Resolver, at_ms: int, notes: dict[Note, None] | None = None) -> Value:
        """The value at that time, epoch ms; remarks are added to ``notes``.

        Give the same Resolver to evaluations of the same storage, so that selectors are resolved only once.
        Raises Rejected when the operation is not defined for the data, such as many-to-many matching.
        """
        resolver = storage if isinstance(storage, Resolver) else Resolver(storage)
        return self._finished(Moment(resolver, at_ms, at_ms, at_ms, notes if notes is not None else {}))

    def follow(self, resolver: Resolver, at_ms: int, memory: Memory) -> tuple[Value, Validity]:
        """As ``evaluate``, without remarks; and for how long the value certainly stays the same.

        ``memory`` keeps what its parts gave, for this and for other expressions. It is good for evaluations of one
        resolver that look equally far back from the clock of its storages, in order of time.
        """
        validity = Validity()
        return self._finished(Moment(resolver, at_ms, at_ms, at_ms, {}, validity, memory)), validity

    def _finished(self, moment: Moment) -> Value:
        value = self._node.evaluate(moment)
        if isinstance(value, list):
            return without_metadata(value)
        if isinstance(value, Matrix):
            value.series = _named(value.series)
        return value

    def evaluate_range(
        self,
        storage: Storage | Resolver,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        notes: dict[Note, None] | None = None,
    ) -> list[RangeSeries]:
        """The values at ``start_ms``, ``start_ms + step_ms`` ... up to ``end_ms``, by series. Raises Rejected."""
        if self.kind in ("string", "matrix"):
            raise Rejected(f"a range query needs a vector or a number, and the expression gives a {self.kind}")
        resolver = storage if isinstance(storage, Resolver) else Resolver(storage)
        begin = Moment(resolver, start_ms, start_ms, end_ms, notes if notes is not None else {})
        times = range(start_ms, end_ms + 1, step_ms)
        return _named(list(collect((at, self._node.evaluate(begin.moved_to(at))) for at in times).values()))

    def selectors(self) -> list[Selection]:
        """What it reads: the matchers of each selector, and how far back in ms before the evaluation they reach."""
        return list(self._node.selections())


@lru_cache(maxsize=10_000)
def compile_expression(text: str) -> Expression:
    """The expression, ready to evaluate. Raises Rejected with line, column and reason."""
    return Expression(text)


def _named(found: Sequence[RangeSeries]) -> list[RangeSeries]:
    """The series as their reader gets them: dropped names are gone. Raises Rejected when two then overlap."""
    named: dict[Labels, RangeSeries] = {}
    for series in found:
        labels = series.labels.drop(METADATA) if series.drop_name else series.labels
        timestamps, values = series.timestamps, series.values
        if labels in named:
            timestamps, values = _interleaved(named[labels], series)
        named[labels] = RangeSeries(labels, timestamps, values)
    return list(named.values())


def _interleaved(first: RangeSeries, second: RangeSeries) -> tuple[list[int], list[float]]:
    if set(first.timestamps) & set(second.timestamps):
        raise Rejected("vector cannot contain metrics with the same labelset")
    samples = sorted(zip([*first.timestamps, *second.timestamps], [*first.values, *second.values], strict=True))
    return [time for time, _ in samples], [value for _, value in samples]
