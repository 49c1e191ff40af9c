"""``/rules`` and ``/alerts``: what the rules of one tenant are, and which of their alerts are active."""

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.alert import Alert
from streams.api.answers import instant, scientific
from streams.api.parameters import BadParameter, Parameters
from streams.rules.compiled import CompiledGroup, CompiledRule
from streams.rules.engine import RuleEngine


def groups(loaded: Sequence[CompiledGroup], engine: RuleEngine | None, interval_ms: int, asked: Parameters) -> Any:
    """The groups with their rules. ``engine``: None while the tenant has sent nothing to this worker."""
    kind = asked.text("type")
    if kind not in ("", "alert", "record"):
        raise BadParameter("type", f"not supported value {kind!r}")
    names = asked.texts("rule_name[]")
    found = []
    for each in loaded:
        group = each.group
        if not _is_among(group.name, asked.texts("rule_group[]")) or not _is_among(group.file, asked.texts("file[]")):
            continue
        rules = [
            _rule(rule, group.key, engine, asked.text("exclude_alerts") == "true")
            for rule in each.rules
            if _is_among(rule.rule.name, names) and kind in ("", "alert" if rule.rule.is_alert else "record")
        ]
        if rules or not (names or kind):
            found.append(_group(each, rules, engine, interval_ms))
    return {"groups": found}


def alerts(active: Iterable[Alert]) -> Any:
    """Pending and firing alerts."""
    return {"alerts": [_alert(alert) for alert in active]}


def _group(each: CompiledGroup, rules: list[Any], engine: RuleEngine | None, interval_ms: int) -> dict[str, Any]:
    group = each.group
    return {
        "name": group.name,
        "file": group.file,
        "rules": rules,
        "interval": (group.interval_ms or interval_ms) / 1000,
        "limit": group.limit,
        "evaluationTime": 0,
        "lastEvaluation": instant(engine.evaluated_at_ms(group.key) if engine else None),
    }


def _rule(each: CompiledRule, group: str, engine: RuleEngine | None, without_alerts: bool) -> dict[str, Any]:
    rule = each.rule
    error = engine.errors.get(f"{group}/{each.key}", "") if engine else ""
    evaluated_at = engine.evaluated_at_ms(group) if engine else None
    common = {
        "name": rule.name,
        "query": rule.expression.text,
        "labels": {name: written.text for name, written in rule.labels.items()},
        "health": "err" if error else ("unknown" if evaluated_at is None else "ok"),
        **({"lastError": error} if error else {}),
        "evaluationTime": 0,
        "lastEvaluation": instant(evaluated_at),
        "type": "alerting" if rule.is_alert else "recording",
    }
    if not rule.is_alert:
        return common
    active = [alert for alert in engine.active() if _is_of(alert, each, group)] if engine else []
    states = {alert.state for alert in active}
    return common | {
        "state": "firing" if "firing" in states else ("pending" if states else "inactive"),
        "duration": rule.for_ms / 1000,
        "keepFiringFor": rule.keep_firing_for_ms / 1000,
        "annotations": {name: written.text for name, written in rule.annotations.items()},
        "alerts": [] if without_alerts else [_alert(alert) for alert in active],
    }


def _is_of(alert: Alert, each: CompiledRule, group: str) -> bool:
    return (alert.group, alert.rule, alert.expression) == (group, each.rule.name, each.rule.expression.text)


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": alert.state,
        "activeAt": instant(alert.active_at_ms),
        "value": scientific(alert.value),
    }


def _is_among(value: str, wanted: list[str]) -> bool:
    return not wanted or value in wanted
