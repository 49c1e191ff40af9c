"""A function call, and the few shapes that most functions have."""

from collections.abc import Callable, Iterator

from streams.promql.moment import Key, Moment, Selection
from streams.promql.node import Node, matrix_of, scalar_of, text_of, vector_of
from streams.promql.values import Kind, Matrix, RangeSeries, Sample, Value, Vector

Implementation = Callable[["Call", Moment], Value]


class Call:
    """``name(arguments)``."""

    def __init__(
        self, name: str, kind: Kind, arguments: tuple[Node, ...], implementation: Implementation, position: str
    ) -> None:
        self.name = name
        self.kind = kind
        self.arguments = arguments
        self.position = position
        self.key = Key(name, tuple(argument.key for argument in arguments))
        self._implementation = implementation

    @property
    def is_costly(self) -> bool:
        """Whether it looks at many samples for each element of its result."""
        return any(argument.kind == "matrix" for argument in self.arguments) or self.name.startswith("histogram_")

    def evaluate(self, moment: Moment) -> Value:
        return self._implementation(self, moment)

    def selections(self) -> Iterator[Selection]:
        for argument in self.arguments:
            yield from argument.selections()

    def vector(self, index: int, moment: Moment) -> Vector:
        """The argument at that index, which is a vector."""
        return vector_of(self.arguments[index], moment)

    def number(self, index: int, moment: Moment) -> float:
        """The argument at that index, which is a scalar."""
        return scalar_of(self.arguments[index], moment)

    def text(self, index: int, moment: Moment) -> str:
        """The argument at that index, which is a string."""
        return text_of(self.arguments[index], moment)

    def matrix(self, index: int, moment: Moment) -> Matrix:
        """The argument at that index, which is a range vector."""
        return matrix_of(self.arguments[index], moment)


def elementwise(function: Callable[[float], float]) -> Implementation:
    """A function of each value of a vector."""

    def implementation(call: Call, moment: Moment) -> Vector:
        return [Sample(sample.labels, function(sample.value), True) for sample in call.vector(0, moment)]

    return implementation


def over_range(reduce: Callable[[RangeSeries], float | None], keeps_name: bool = False) -> Implementation:
    """A function of each series of a range vector; None leaves the series out."""

    def implementation(call: Call, moment: Moment) -> Vector:
        result = []
        for series in call.matrix(0, moment).series:
            value = reduce(series)
            if value is not None:
                result.append(Sample(series.labels, value, series.drop_name or not keeps_name))
        return result

    return implementation
