"""A compiled part of an expression."""

from collections.abc import Iterator
from typing import Protocol

from streams.promql.moment import Key, Moment, Selection
from streams.promql.values import Kind, Matrix, Value, Vector


class Node(Protocol):
    """What every part of a compiled expression offers."""

    kind: Kind
    """The type of what ``evaluate`` returns."""
    position: str
    """``line:column`` in the text of the expression."""
    key: Key
    """What it says, wherever it stands."""

    def evaluate(self, moment: Moment) -> Value:
        """The value at that moment. Raises Rejected when the operation is not defined for the data."""

    def selections(self) -> Iterator[Selection]:
        """What it reads, and how far back before the moment."""


def vector_of(node: Node, moment: Moment) -> Vector:
    """The value of a node whose kind is vector."""
    value = node.evaluate(moment)
    assert isinstance(value, list)
    return value


def scalar_of(node: Node, moment: Moment) -> float:
    """The value of a node whose kind is scalar."""
    value = node.evaluate(moment)
    assert isinstance(value, float)
    return value


def matrix_of(node: Node, moment: Moment) -> Matrix:
    """The value of a node whose kind is matrix."""
    value = node.evaluate(moment)
    assert isinstance(value, Matrix)
    return value


def text_of(node: Node, moment: Moment) -> str:
    """The value of a node whose kind is string."""
    value = node.evaluate(moment)
    assert isinstance(value, str)
    return value
