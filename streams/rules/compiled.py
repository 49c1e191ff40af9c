"""Rules with their expressions and templates compiled: what can be evaluated."""

from collections.abc import Iterable

import msgspec

from schemas.failures import Rejected
from schemas.rules import Group, Rule, Written, read_rules
from schemas.yamltext import Problem
from streams.promql import Expression, compile_expression
from streams.promql.reasons import BadExpression
from streams.promql.tokens import line_and_column
from streams.rules.templates import Template, compile_template
from streams.rules.templates.lexer import TemplateError


class CompiledRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule ready to be evaluated; the labels of its group are among its labels."""

    key: str
    """The rule's name, with ``#2``, ``#3`` ... when its group has several of that name."""
    rule: Rule
    expression: Expression
    labels: dict[str, Template]
    """Of an alert rule."""
    literal_labels: dict[str, str]
    """Of a recording rule: they are no templates."""
    annotations: dict[str, Template]


class CompiledGroup(msgspec.Struct, frozen=True):
    """A group ready to be evaluated."""

    group: Group
    rules: list[CompiledRule]


def compile_rules(text: str, file: str) -> tuple[list[CompiledGroup], list[Problem]]:
    """The groups of a rule file and every problem in it. With problems, the groups are not whole."""
    groups, problems = read_rules(text, file)
    compiled, more = compile_groups(groups)
    return compiled, sorted([*problems, *more])


def compile_groups(groups: Iterable[Group]) -> tuple[list[CompiledGroup], list[Problem]]:
    """The groups compiled, and every expression and template that cannot be."""
    problems: list[Problem] = []
    return [_compile_group(group, problems) for group in groups], sorted(set(problems))


def _compile_group(group: Group, problems: list[Problem]) -> CompiledGroup:
    rules: list[CompiledRule] = []
    seen: dict[str, int] = {}
    for rule in group.rules:
        seen[rule.name] = count = seen.get(rule.name, 0) + 1
        key = rule.name if count == 1 else f"{rule.name}#{count}"
        compiled = _compile_rule(rule, key, {**group.labels, **rule.labels}, problems)
        if compiled is not None:
            rules.append(compiled)
    return CompiledGroup(group, rules)


def _compile_rule(rule: Rule, key: str, labels: dict[str, Written], problems: list[Problem]) -> CompiledRule | None:
    expression = _expression(rule, problems)
    templates = _templates(labels if rule.is_alert else {}, problems)
    annotations = _templates(rule.annotations, problems)
    if expression is None:
        return None
    literal = {} if rule.is_alert else {name: written.text for name, written in labels.items()}
    return CompiledRule(
        key=key, rule=rule, expression=expression, labels=templates, literal_labels=literal, annotations=annotations
    )


def _expression(rule: Rule, problems: list[Problem]) -> Expression | None:
    written = rule.expression
    if not written.text.strip():
        return None  # read_rules has reported it
    try:
        expression = compile_expression(written.text)
    except BadExpression as error:
        problems.append(Problem(written.place(error.line, error.column), f"expr of {rule.name}: {error.reason}"))
        return None
    if expression.kind in ("string", "matrix"):
        text = f"expr of {rule.name} gives a {expression.kind}, and a rule needs a vector or a number"
        problems.append(Problem(written.place(1, 1), text, "apply a function such as rate() to a range"))
        return None
    return expression


def _templates(texts: dict[str, Written], problems: list[Problem]) -> dict[str, Template]:
    compiled = {}
    for name, written in texts.items():
        try:
            compiled[name] = compile_template(written.text)
        except TemplateError as error:
            place = written.place(*line_and_column(written.text, error.offset))
            problems.append(Problem(place, f"the template of {name}: {error.reason}"))
    return compiled


def refuse(problems: Iterable[Problem], limit: int = 20) -> None:
    """Raises Rejected with the problems, one a line, if there are any."""
    found = [str(problem) for problem in problems]
    if found:
        more = [f"... and {len(found) - limit} more"] if len(found) > limit else []
        raise Rejected("\n".join([*found[:limit], *more]))
