"""OpenSLO alert policies and their conditions, inline and by reference."""

from collections.abc import Iterator, Mapping

import yaml

from schemas.openslo_indicators import comparison
from schemas.slo import Condition
from schemas.slo_values import decimal, minutes
from schemas.yamltext import YamlText

_POLICY = (
    *("description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions"),
    "notificationTargets",
)
_CONDITION = ("kind", "op", "threshold", "lookbackWindow", "alertAfter")

Documents = Mapping[tuple[str, str], tuple[YamlText, dict[str, yaml.Node]]]
"""The documents of every file by kind and name, each with its entries."""


def conditions(text: YamlText, node: yaml.Node | None, documents: Documents) -> Iterator[Condition]:
    """The conditions of ``alertPolicies``."""
    for item in text.items(node, "alertPolicies"):
        found = _resolved(text, item, "AlertPolicy", "alertPolicyRef", documents)
        if found is None:
            continue
        where, entries = found
        spec = where.mapping(entries["spec"], "spec of an AlertPolicy", _POLICY) if "spec" in entries else {}
        for condition in where.items(spec.get("conditions"), "conditions"):
            found = _resolved(where, condition, "AlertCondition", "conditionRef", documents)
            if found is not None and "spec" in found[1]:
                read = _condition(found[0], found[1])
                if read is not None:
                    yield read


def _resolved(
    text: YamlText, node: yaml.Node, kind: str, reference: str, documents: Documents
) -> tuple[YamlText, dict[str, yaml.Node]] | None:
    entries = text.mapping(node, f"an inline {kind}", (reference, "apiVersion", "kind", "metadata", "spec"))
    if reference not in entries:
        return text, entries
    name = text.text_of(entries[reference], reference)
    if (kind, name) not in documents:
        text.report(entries[reference], f"there is no {kind} {name!r}", "give the file that has it too")
        return None
    return documents[kind, name]


def _condition(text: YamlText, entries: Mapping[str, yaml.Node]) -> Condition | None:
    spec = text.mapping(entries["spec"], "spec of an AlertCondition", ("description", "severity", "condition"))
    if "condition" not in spec:
        text.report(entries["spec"], "an AlertCondition has no condition", "add condition: with kind: burnrate")
        return None
    found = text.mapping(spec["condition"], "condition", _CONDITION)
    kind = text.text_of(found.get("kind"), "condition.kind")
    missing = [key for key in _CONDITION[:-1] if key not in found]
    if missing:
        text.report(spec["condition"], f"condition has no {', '.join(missing)}", "a burn rate needs all of them")
        return None
    if kind != "burnrate":
        text.report(found["kind"], f"condition.kind {kind!r} is not supported", "write burnrate")
        return None
    metadata = text.mapping(entries["metadata"], "metadata") if "metadata" in entries else {}
    return Condition(
        name=text.text_of(metadata.get("name"), "metadata.name") or "burnrate",
        severity=text.text_of(spec.get("severity"), "severity") or "page",
        op=comparison(text, found["op"], "condition.op"),
        threshold=decimal(text, found["threshold"], "condition.threshold"),
        lookback_minutes=minutes(text, found["lookbackWindow"], "condition.lookbackWindow"),
        after_minutes=minutes(text, found["alertAfter"], "condition.alertAfter") if "alertAfter" in found else 0,
        place=text.place(spec["condition"]),
    )
