"""Parts of expressions whose values are kept: equal parts of rules are evaluated once, and only when needed."""

from collections.abc import Iterator

from streams.promql.moment import Moment, Remembered, Selection, Validity
from streams.promql.node import Node
from streams.promql.values import Value


class Shared:
    """A part that remembers its value for as long as that certainly holds, where the evaluation has a memory."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.kind = node.kind
        self.position = node.position
        self.key = node.key

    def evaluate(self, moment: Moment) -> Value:
        memory, outer = moment.memory, moment.validity
        if memory is None or outer is None:
            return self.node.evaluate(moment)
        known = memory.get(self.key)
        if known is None or known.at_ms > moment.at_ms or not known.validity.holds(moment.at_ms):
            own = moment.validity = Validity()
            try:
                known = memory[self.key] = Remembered(moment.at_ms, self.node.evaluate(moment), own)
            finally:
                moment.validity = outer
        outer.add(known.validity)
        return known.value  # type: ignore[no-any-return]

    def selections(self) -> Iterator[Selection]:
        return self.node.selections()
