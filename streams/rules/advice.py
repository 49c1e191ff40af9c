"""What is no error but cannot work as it was meant: found in the expressions and templates of rules that load."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import promql_parser as ast

from schemas.rules import Rule, Written
from schemas.yamltext import Problem
from streams.promql.aggregation import AGGREGATORS
from streams.promql.tokens import line_and_column, tokens
from streams.promql.values import NAME
from streams.rules.compiled import CompiledGroup
from streams.windows.sla import GAUGES

MADE = (
    *("security_events_total", "auth_failures_total", "compliance_evaluations_total", "up"),
    *(f"health_check_duration_ms{suffix}" for suffix in ("_bucket", "_sum", "_count")),
    *GAUGES,
    *("ALERTS", "ALERTS_FOR_STATE"),
)
"""The series that Tidewatch makes itself; every other one comes from metric events or from rules."""

_RATES = frozenset({"rate", "irate", "increase", "resets"})
_OVER_BUCKETS = _RATES | {"delta", "sum_over_time"}
_COUNTERS = ("_total", "_count", "_sum", "_bucket")
_CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_KEEPING_LABELS = frozenset(
    {"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "exp", "ln", "log2", "log10", "sqrt"}
)
_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.S)
_LABEL = re.compile(r"(?:\$labels|(?<![\w)])\.Labels)\.([a-zA-Z_]\w*)")
_FIELD = re.compile(r"(?<![\w$).])\.([A-Za-z]\w*)")
_FIELDS = frozenset({"Labels", "Value", "ExternalLabels", "ExternalURL"})
_PER_RANGE = re.compile(r"\$value\b[^{}]*\}\}[^{}]*?((?:/|\bper |\bin )\s*\d*\s*(?:m|min|minutes?|h|hours?)\b)")
_INNER = ("range", "with", "template", "define", "block")


def advise(groups: Iterable[CompiledGroup], strict: bool = False) -> list[Problem]:
    """Remarks on rules that load. ``strict``: also on every name that only a metric event can give."""
    found = list(groups)
    recorded = {rule.rule.name for group in found for rule in group.rules if not rule.rule.is_alert}
    problems: list[Problem] = []
    for group in found:
        for each in group.rules:
            rule = each.rule
            tree = ast.parse(rule.expression.text)
            problems += _on_expression(rule, tree, recorded, strict)
            problems += _on_templates(rule, tree)
    return sorted(set(problems))


def kept_labels(rule: Rule) -> frozenset[str] | None:
    """The labels that the results of a rule's expression can have at most; None when any."""
    return _kept(ast.parse(rule.expression.text))


def _on_expression(rule: Rule, tree: Any, recorded: Collection[str], strict: bool) -> Iterator[Problem]:
    for node in _nodes(tree):
        if isinstance(node, ast.Call) and node.func.name == "histogram_quantile":
            for text, fix in _on_quantile(node.args[1]):
                yield _at(rule.expression, "histogram_quantile", text, fix)
        if isinstance(node, ast.Call) and node.func.name in _RATES:
            yield from _on_rate(rule, node)
        if isinstance(node, ast.VectorSelector) and (name := _name(node)):
            yield from _on_name(rule, name, recorded, strict)


def _on_quantile(tree: Any) -> Iterator[tuple[str, str]]:
    """Of the second argument of histogram_quantile."""
    for path, node in _paths(tree):
        if not isinstance(node, ast.VectorSelector) or not _name(node).endswith("_bucket"):
            continue
        calls = {each.func.name for each in path if isinstance(each, ast.Call)}
        if not calls & _OVER_BUCKETS:
            name = _name(node)
            yield (
                f"histogram_quantile reads {name} without rate(): the quantile of everything since the start",
                f"write sum by (le) (rate({name}[5m]))",
            )
        if any(isinstance(each, ast.AggregateExpr) and "le" not in _grouped(each, {"le"}) for each in path):
            yield "histogram_quantile needs the label le, which the aggregation drops", "add le to by (...)"


def _on_rate(rule: Rule, call: Any) -> Iterator[Problem]:
    selector = call.args[0]
    name = _name(selector.vector_selector) if isinstance(selector, ast.MatrixSelector) else ""
    if name and ":" not in name and not name.endswith(_COUNTERS):
        text = f"{call.func.name}() is for counters, and {name} may be a gauge: a counter's name ends in _total"
        yield _at(rule.expression, name, text, "of a gauge take delta(), deriv() or avg_over_time()")


def _on_name(rule: Rule, name: str, recorded: Collection[str], strict: bool) -> Iterator[Problem]:
    if name in MADE or name in recorded:
        return
    close = difflib.get_close_matches(name, [*MADE, *recorded], 1, 0.9)
    if close:
        yield _at(rule.expression, name, f"no event type gives {name}", f"did you mean {close[0]}?")
    elif strict:
        text = f"neither Tidewatch nor a rule of these files makes {name}: it has to come from metric events"
        yield _at(rule.expression, name, text, "make sure that a service publishes it")


def _on_templates(rule: Rule, tree: Any) -> Iterator[Problem]:
    if not rule.is_alert:
        return
    kept = _kept(tree)
    for where, texts in (("label", rule.labels), ("annotation", rule.annotations)):
        for name, written in texts.items():
            actions = " ".join(_ACTION.findall(written.text))
            what = f"the {where} {name} of {rule.name}"
            if where == "annotation" and (per := _PER_RANGE.search(written.text)) and _is_rate(tree):
                text = f"{what} says {per[1]}, but rate() is per second whatever its range is"
                yield Problem(written.place(1, 1), text, "write /s, or take increase() for the number in the range")
            if where == "label" and re.search(r"\$value\b|(?<![\w)])\.Value\b", actions):
                text = f"{what} contains the value: each new value is a new alert, and `for` begins again"
                yield Problem(written.place(1, 1), text, "put the value into an annotation")
            for label in sorted(set(_LABEL.findall(actions)) - kept if kept is not None else ()):
                text = f"{what} uses the label {label}, which the expression does not keep"
                yield Problem(written.place(1, 1), text, f"add {label} to by (...) in expr, or leave it out")
            if any(word in _INNER for word in re.findall(r"\w+", actions)):
                continue  # inside them the dot is something else
            for field in sorted(set(_FIELD.findall(_LABEL.sub(" ", actions))) - _FIELDS):
                text = f"{what} uses .{field}, which templates of rules do not have (those of Alertmanager differ)"
                yield Problem(written.place(1, 1), text, "use $labels, $value, $externalLabels or $externalURL")


def _kept(tree: Any) -> frozenset[str] | None:
    """The labels that a result can have at most; None when any."""
    match tree:
        case ast.ParenExpr() | ast.UnaryExpr():
            return _kept(tree.expr)
        case ast.AggregateExpr():
            name, modifier = str(tree.op), tree.modifier
            if name in _CHOOSING:
                return _kept(tree.expr)
            if modifier is not None and modifier.type == ast.AggModifierType.Without:
                inner = _kept(tree.expr)
                return None if inner is None else inner - set(modifier.labels)
            parameter: Any = tree.param
            added = {parameter.val} if name == "count_values" else set()
            return frozenset({*(modifier.labels if modifier is not None else ()), *added})
        case ast.Call() if tree.func.name in _KEEPING_LABELS:
            return _kept(tree.args[0])
        case ast.Call() if tree.func.name == "histogram_quantile":
            inner = _kept(tree.args[1])
            return None if inner is None else inner - {"le"}
        case ast.BinaryExpr():
            sides = [side for side in (tree.lhs, tree.rhs) if not _is_number(side)]
            alone = len(sides) == 1 or str(tree.op) in ("and", "unless")
            return _kept(sides[0]) if sides and alone else None
    return None


def _is_rate(tree: Any) -> bool:
    """Whether a result is what rate() or irate() gives, perhaps summed or compared with a number."""
    match tree:
        case ast.Call():
            return tree.func.name in ("rate", "irate")
        case ast.ParenExpr() | ast.AggregateExpr():
            return _is_rate(tree.expr)
        case ast.BinaryExpr() if str(tree.op) in (">", ">=", "<", "<=", "==", "!=") and _is_number(tree.rhs):
            return _is_rate(tree.lhs)
    return False


def _is_number(tree: Any) -> bool:
    if isinstance(tree, ast.ParenExpr | ast.UnaryExpr):
        return _is_number(tree.expr)
    return isinstance(tree, ast.NumberLiteral)


def _grouped(tree: Any, labels: set[str]) -> set[str]:
    """Which of these labels an aggregation keeps."""
    modifier = tree.modifier
    if str(tree.op) in _CHOOSING or str(tree.op) not in AGGREGATORS:
        return labels
    if modifier is None:
        return set()
    given = set(modifier.labels)
    return labels - given if modifier.type == ast.AggModifierType.Without else labels & given


def _nodes(tree: Any) -> Iterator[Any]:
    return (node for _, node in _paths(tree))


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every node, after the nodes that it is in."""
    yield path, tree
    match tree:
        case ast.Call():
            inner = list(tree.args)
        case ast.BinaryExpr():
            inner = [tree.lhs, tree.rhs]
        case ast.MatrixSelector():
            inner = [tree.vector_selector]
        case ast.AggregateExpr() | ast.ParenExpr() | ast.UnaryExpr() | ast.SubqueryExpr():
            inner = [tree.expr]
        case _:
            inner = []
    for each in inner:
        yield from _paths(each, (*path, tree))


def _name(selector: Any) -> str:
    """The exact name that a selector has; empty: none."""
    if selector.name:
        return str(selector.name)
    exact = [m.value for m in selector.matchers.matchers if m.name == NAME and m.op == ast.MatchOp.Equal]
    return exact[0] if exact else ""


def _at(written: Written, word: str, text: str, fix: str) -> Problem:
    """A remark that points at the first occurrence of a word in the expression."""
    offset = next((token.offset for token in tokens(written.text) if token.text == word), 0)
    return Problem(written.place(*line_and_column(written.text, offset)), text, fix)
