"""From the parser's tree to nodes that can be evaluated; what is not supported is refused here, with its position."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import promql_parser as ast

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.promql.aggregation import AGGREGATORS, Aggregation, Grouping
from streams.promql.binary import ScalarBinary, SetBinary, VectorBinary, VectorScalarBinary
from streams.promql.call import Call
from streams.promql.functions import FUNCTIONS
from streams.promql.literals import Minus, Number, Text
from streams.promql.matcher import Matcher, MatchOp
from streams.promql.matching import Cardinality, Matching
from streams.promql.node import Node
from streams.promql.operators import SET_OPERATORS
from streams.promql.reasons import BadExpression, Unsupported, explain
from streams.promql.selectors import At, InstantSelector, RangeSelector, Subquery, When
from streams.promql.shared import Shared
from streams.promql.tokens import depth, durations, line_and_column, operand_offsets, tokens
from streams.promql.values import NAME, Kind

_NATIVE_HISTOGRAMS = frozenset(
    {"histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum"}
)
_DEEPEST = 200
"""Deeper trees would exhaust the stack of the parser, which ends the process, or that of the evaluation."""
_RAW_BYTES = re.compile(r"""(["'])(?:\\[^x]|\\x[0-7]|(?!\1)[^\\])*\\x[89a-fA-F]""")
_AT = re.compile(r" @ (-?[0-9.]+)(?: offset \S+)?$")


def compile_text(text: str) -> Node:
    """The expression as a node. Raises BadExpression (a Rejected) with line, column and reason."""
    found = tokens(text)
    if depth(found) > _DEEPEST:
        raise BadExpression(text, 0, f"the expression nests deeper than {_DEEPEST}; record parts of it by rules")
    for token in durations(found):
        if not _is_reasonable(token.text):
            raise BadExpression(text, token.offset, f"{token.text} is not a duration of less than 290 years")
    try:
        tree = ast.parse(text)
    except ValueError as error:
        raise explain(text, str(error)) from None
    return _Compiler(text).node(tree)


def _is_reasonable(duration: str) -> bool:
    """False for a duration that the parser could not represent; it would end in a panic."""
    try:
        seconds = float(duration)
    except ValueError:
        try:
            seconds = milliseconds(duration) / 1000
        except Rejected:
            return True  # no duration at all: the parser explains
    return abs(seconds) < 290 * 365.25 * 86_400


class _Compiler:
    def __init__(self, text: str) -> None:
        self._text = text
        self._offsets = operand_offsets(text)

    def node(self, tree: Any) -> Node:
        return getattr(self, "_" + type(tree).__name__)(tree)  # type: ignore[no-any-return]

    def _next(self) -> int:
        return next(self._offsets, 0)

    def _position(self, offset: int) -> str:
        return "{}:{}".format(*line_and_column(self._text, offset))

    def _ParenExpr(self, tree: Any) -> Node:  # noqa: N802 - named as the parser's classes
        return self.node(tree.expr)

    def _NumberLiteral(self, tree: Any) -> Node:  # noqa: N802
        return Number(float(tree.val), self._position(self._next()))

    def _StringLiteral(self, tree: Any) -> Node:  # noqa: N802
        offset = self._next()
        if _RAW_BYTES.match(self._text, offset):
            found = tokens(self._text[offset:])[0].text
            raise BadExpression(self._text, offset, f"invalid label name {found}")
        return Text(tree.val, self._position(offset))

    def _UnaryExpr(self, tree: Any) -> Node:  # noqa: N802
        operand = self.node(tree.expr)
        return Minus(operand, operand.position)

    def _VectorSelector(self, tree: Any) -> Node:  # noqa: N802
        offset = self._next()
        return InstantSelector(self._matchers(tree, offset), _when(tree), self._position(offset))

    def _MatrixSelector(self, tree: Any) -> Node:  # noqa: N802
        offset = self._next()
        selector = tree.vector_selector
        matchers = self._matchers(selector, offset)
        return RangeSelector(matchers, _milliseconds(tree.range), _when(selector), self._position(offset))

    def _SubqueryExpr(self, tree: Any) -> Node:  # noqa: N802
        inner = self.node(tree.expr)
        step = _milliseconds(tree.step) if tree.step is not None else None
        return Subquery(inner, _milliseconds(tree.range), step, _when(tree), inner.position)

    def _Call(self, tree: Any) -> Node:  # noqa: N802
        offset, name = self._next(), tree.func.name
        implementation = FUNCTIONS.get(name)
        if implementation is None:
            reads = (
                "reads native histograms, which" if name in _NATIVE_HISTOGRAMS else "is experimental in Prometheus and"
            )
            verb = "are" if name in _NATIVE_HISTOGRAMS else "is"
            raise Unsupported(self._text, offset, f"{name}() {reads} {verb} not supported")
        arguments = tuple(self.node(argument) for argument in tree.args)
        call = Call(name, _kind(tree.func.return_type), arguments, implementation, self._position(offset))
        return Shared(call) if call.is_costly else call

    def _AggregateExpr(self, tree: Any) -> Node:  # noqa: N802
        offset, name = self._next(), str(tree.op)
        if name not in AGGREGATORS:
            raise Unsupported(self._text, offset, f"{name}() is experimental in Prometheus and not supported")
        parameter = self.node(tree.param) if tree.param is not None else None
        operand = self.node(tree.expr)
        modifier = tree.modifier
        without = modifier is not None and modifier.type == ast.AggModifierType.Without
        grouping = Grouping(modifier.labels if modifier is not None else (), without)
        return Shared(Aggregation(name, operand, parameter, grouping, self._position(offset)))

    def _BinaryExpr(self, tree: Any) -> Node:  # noqa: N802
        operator = str(tree.op)
        left, right = self.node(tree.lhs), self.node(tree.rhs)
        modifier = tree.modifier
        return_bool = modifier is not None and modifier.return_bool
        if operator in SET_OPERATORS:
            return SetBinary(operator, left, right, _matching(modifier), left.position)
        if left.kind == right.kind == "scalar":
            return ScalarBinary(operator, left, right, return_bool, left.position)
        if left.kind == right.kind:
            return Shared(VectorBinary(operator, left, right, return_bool, _matching(modifier), left.position))
        return VectorScalarBinary(operator, left, right, return_bool, left.position)

    def _matchers(self, tree: Any, offset: int) -> tuple[Matcher, ...]:
        if tree.matchers.or_matchers:
            raise BadExpression(
                self._text, offset, "'or' between matchers is not PromQL; write two selectors joined by or"
            )
        try:
            return tuple(_matchers_of(tree))
        except Rejected as error:
            raise BadExpression(self._text, offset, str(error)) from None


_OPS: list[tuple[Any, MatchOp]] = [
    (ast.MatchOp.Equal, "="),
    (ast.MatchOp.NotEqual, "!="),
    (ast.MatchOp.Re, "=~"),
    (ast.MatchOp.NotRe, "!~"),
]


def _matchers_of(tree: Any) -> Iterator[Matcher]:
    if tree.name is not None:
        yield Matcher(NAME, "=", tree.name)
    for found in tree.matchers.matchers:
        matcher = Matcher(found.name, next(op for theirs, op in _OPS if theirs == found.op), found.value)
        matcher.test()  # refuses a pattern that cannot be used now, not at evaluation
        yield matcher


def _milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))


def _when(tree: Any) -> When:
    offset_ms = _milliseconds(tree.offset) if tree.offset is not None else 0
    return When(offset_ms, _at(tree))


def _at(tree: Any) -> At:
    # The attribute `at` of a time before 1970 panics inside the parser, hence the detour over the text.
    fixed = _AT.search(tree.prettify())
    if fixed is not None:
        return round(float(fixed[1]) * 1000)
    if tree.at is None:
        return None
    return "start" if tree.at.type == ast.AtModifierType.Start else "end"


def _kind(value_type: Any) -> Kind:
    if value_type == ast.ValueType.Scalar:
        return "scalar"
    return "string" if value_type == ast.ValueType.String else "vector"


def _cardinality(card: Any) -> Cardinality:
    if card == ast.VectorMatchCardinality.ManyToOne:
        return "many-to-one"
    return "one-to-many" if card == ast.VectorMatchCardinality.OneToMany else "one-to-one"


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    labels = modifier.matching
    return Matching(
        cardinality=_cardinality(modifier.card),
        on=labels is not None and labels.type == ast.LabelModifierType.Include,
        names=frozenset(labels.labels if labels is not None else ()),
        included=tuple(modifier.group_labels or ()),
        fill_left=modifier.fill_values.lhs,
        fill_right=modifier.fill_values.rhs,
    )
