"""Binary operators between scalars, between a vector and a scalar, and between two vectors."""

from collections.abc import Callable, Iterator

from schemas.failures import Rejected
from streams.promql.matching import Matching
from streams.promql.moment import Key, Moment, Selection
from streams.promql.node import Node, scalar_of, vector_of
from streams.promql.operators import ARITHMETIC, COMPARISONS
from streams.promql.values import METADATA, Kind, Labels, Sample, Vector, labels_text

Outcome = Callable[[float, float], float | None]
"""The value of the result, or None when a comparison leaves the element out."""


def outcome(operator: str, return_bool: bool) -> Outcome:
    """The operator on two elements of vectors."""
    if operator in ARITHMETIC:
        return ARITHMETIC[operator]
    compare = COMPARISONS[operator]
    if return_bool:
        return lambda left, right: float(compare(left, right))
    return lambda left, right: left if compare(left, right) else None


class _Binary:
    def __init__(
        self,
        operator: str,
        left: Node,
        right: Node,
        return_bool: bool,
        position: str,
        matching: Matching | None = None,
    ) -> None:
        self.operator = operator
        self.left = left
        self.right = right
        self.return_bool = return_bool
        self.position = position
        self.key = Key(operator, (left.key, right.key, return_bool, matching))

    def selections(self) -> Iterator[Selection]:
        yield from self.left.selections()
        yield from self.right.selections()


class ScalarBinary(_Binary):
    """Two scalars."""

    kind: Kind = "scalar"

    def __init__(self, operator: str, left: Node, right: Node, return_bool: bool, position: str) -> None:
        super().__init__(operator, left, right, return_bool, position)
        self._outcome = ARITHMETIC.get(operator) or COMPARISONS[operator]

    def evaluate(self, moment: Moment) -> float:
        return float(self._outcome(scalar_of(self.left, moment), scalar_of(self.right, moment)))


class VectorScalarBinary(_Binary):
    """A vector and a scalar, in either order; a comparison keeps the vector's value."""

    kind: Kind = "vector"

    def __init__(self, operator: str, left: Node, right: Node, return_bool: bool, position: str) -> None:
        super().__init__(operator, left, right, return_bool, position)
        self._filters = operator in COMPARISONS and not return_bool

    def evaluate(self, moment: Moment) -> Vector:
        if self._filters:
            return self._filtered(moment)
        apply = ARITHMETIC.get(self.operator) or COMPARISONS[self.operator]
        if self.left.kind == "scalar":
            number = scalar_of(self.left, moment)
            right = vector_of(self.right, moment)
            return [Sample(sample.labels, float(apply(number, sample.value)), True) for sample in right]
        left, number = vector_of(self.left, moment), scalar_of(self.right, moment)
        return [Sample(sample.labels, float(apply(sample.value, number)), True) for sample in left]

    def _filtered(self, moment: Moment) -> Vector:
        compare = COMPARISONS[self.operator]
        if self.left.kind == "scalar":
            number = scalar_of(self.left, moment)
            return [sample for sample in vector_of(self.right, moment) if compare(number, sample.value)]
        left, number = vector_of(self.left, moment), scalar_of(self.right, moment)
        return [sample for sample in left if compare(sample.value, number)]


class VectorBinary(_Binary):
    """Two vectors, matched by labels."""

    kind: Kind = "vector"

    def __init__(
        self, operator: str, left: Node, right: Node, return_bool: bool, matching: Matching, position: str
    ) -> None:
        super().__init__(operator, left, right, return_bool, position, matching)
        self.matching = matching
        self._outcome = outcome(operator, return_bool)
        self._changes_meaning = operator in ARITHMETIC

    def evaluate(self, moment: Moment) -> Vector:
        left, right = vector_of(self.left, moment), vector_of(self.right, moment)
        # With group_right the sides change places and the fill values, as in Prometheus 3.14, do not.
        fill_many, fill_one = self.matching.fill_left, self.matching.fill_right
        many, one = (right, left) if self.matching.cardinality == "one-to-many" else (left, right)
        if not (many or one) or (not (many and one) and fill_many is None and fill_one is None):
            return []
        return self._matched(many, self._by_signature(one), fill_many, fill_one)

    def _by_signature(self, one: Vector) -> dict[Labels, Sample]:
        found: dict[Labels, Sample] = {}
        for sample in one:
            signature = self.matching.signature(sample.labels)
            if signature in found:
                raise Rejected(self._duplicate(signature, sample, found[signature]))
            found[signature] = sample
        return found

    def _duplicate(self, signature: Labels, first: Sample, second: Sample) -> str:
        side = "left" if self.matching.cardinality == "one-to-many" else "right"
        pair = ", ".join(sorted((labels_text(first.labels), labels_text(second.labels))))
        return (
            f"found duplicate series for the match group {labels_text(signature)} on the {side} hand-side of the "
            f"operation: [{pair}];many-to-many matching not allowed: matching labels must be unique on one side"
        )

    def _matched(
        self, many: Vector, ones: dict[Labels, Sample], fill_many: float | None, fill_one: float | None
    ) -> Vector:
        pairs: dict[Labels, set[Labels]] = {}
        result: Vector = []
        for sample in many:
            signature = self.matching.signature(sample.labels)
            partner = ones.get(signature)
            if partner is None:
                if fill_one is None:
                    continue
                partner = Sample(signature, fill_one)
            self._join(sample, partner, pairs.setdefault(signature, set()), result)
        if fill_many is not None:
            for signature, partner in ones.items():
                if signature not in pairs:
                    self._join(Sample(signature, fill_many), partner, set(), result)
        return result

    def _join(self, many: Sample, one: Sample, seen: set[Labels], result: Vector) -> None:
        labels = self.matching.result_labels(many.labels, one.labels, self._changes_meaning)
        if self.matching.cardinality == "one-to-one":
            if seen:
                raise Rejected(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                )
        elif labels in seen:
            raise Rejected("multiple matches for labels: grouping labels must ensure unique matches")
        seen.add(labels)
        swapped = self.matching.cardinality == "one-to-many"
        value = self._outcome(one.value, many.value) if swapped else self._outcome(many.value, one.value)
        if value is not None:
            result.append(Sample(labels, value, self.return_bool or many.drop_name))


class SetBinary(_Binary):
    """``and``, ``or`` and ``unless``."""

    kind: Kind = "vector"

    def __init__(self, operator: str, left: Node, right: Node, matching: Matching, position: str) -> None:
        super().__init__(operator, left, right, False, position, matching)
        self.matching = matching

    def evaluate(self, moment: Moment) -> Vector:
        left, right = vector_of(self.left, moment), vector_of(self.right, moment)
        signature = self.matching.signature
        if self.operator == "or":
            present = {signature(sample.labels) for sample in left}
            return left + [sample for sample in right if signature(sample.labels) not in present]
        wanted = {signature(sample.labels) for sample in right}
        keep = self.operator == "and"
        return [sample for sample in left if (signature(sample.labels) in wanted) is keep]


def without_metadata(vector: Vector) -> Vector:
    """The vector as its reader gets it: dropped names are gone. Raises Rejected when two elements become the same."""
    result = [Sample(sample.labels.drop(METADATA), sample.value) if sample.drop_name else sample for sample in vector]
    if len({sample.labels for sample in result}) != len(result):
        raise Rejected("vector cannot contain metrics with the same labelset")
    return result
