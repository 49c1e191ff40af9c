"""Numbers, strings and the unary minus."""

from collections.abc import Iterator

from streams.promql.moment import Key, Moment, Selection
from streams.promql.node import Node
from streams.promql.values import Kind, Sample, Vector


class Number:
    """A number, or a duration in seconds."""

    kind: Kind = "scalar"

    def __init__(self, value: float, position: str) -> None:
        self.value = value
        self.position = position
        self.key = Key("number", (repr(value),))

    def evaluate(self, moment: Moment) -> float:
        return self.value

    def selections(self) -> Iterator[Selection]:
        return iter(())


class Text:
    """A string."""

    kind: Kind = "string"

    def __init__(self, value: str, position: str) -> None:
        self.value = value
        self.position = position
        self.key = Key("text", (value,))

    def evaluate(self, moment: Moment) -> str:
        return self.value

    def selections(self) -> Iterator[Selection]:
        return iter(())


class Minus:
    """The unary minus, on a scalar or a vector."""

    def __init__(self, operand: Node, position: str) -> None:
        self.kind = operand.kind
        self.operand = operand
        self.position = position
        self.key = Key("minus", (operand.key,))

    def evaluate(self, moment: Moment) -> float | Vector:
        value = self.operand.evaluate(moment)
        if isinstance(value, float):
            return -value
        assert isinstance(value, list)
        return [Sample(sample.labels, -sample.value, True) for sample in value]

    def selections(self) -> Iterator[Selection]:
        return self.operand.selections()
