"""Judges security and processing events by the policies of the folder ``policies``: the folder is the registry."""

import importlib
import pkgutil
from functools import lru_cache

from schemas.events import ProcessingEvent, SecurityEvent
from schemas.policy import Verdict
from streams.compliance import policies
from streams.compliance.facts import RawFacts, facts, raw_facts
from streams.compliance.policy import Policy

POLICIES: tuple[Policy, ...] = tuple(
    importlib.import_module(f"{policies.__name__}.{module.name}").POLICY
    for module in pkgutil.iter_modules(policies.__path__)
)

Answer = tuple[str, dict[str, object]] | tuple[str, str, dict[str, object]]


def judge(event: SecurityEvent | ProcessingEvent) -> list[Verdict]:
    """One verdict for each control of each policy that the event concerns."""
    return list(_judge(raw_facts(event)))


@lru_cache(maxsize=8192)
def _judge(raw: RawFacts) -> tuple[Verdict, ...]:
    stated = facts(raw)
    verdicts = []
    for policy in POLICIES:
        if (found := policy.judge(stated)) is not None:
            verdicts += [
                Verdict(policy.id, framework, control, *found)
                for framework, controls in policy.controls.items()
                for control in controls
            ]
    return tuple(verdicts)


def check_policy_compliance(event: SecurityEvent | ProcessingEvent) -> Answer:
    """The verdicts of an event as one answer.

    ``("non_compliant", reason, details)`` when any policy is broken; else ``("not_evaluated", reason, details)`` when
    a policy could not be evaluated or none concerns the event; else ``("compliant", {})``. ``details`` lists under
    ``policies`` each policy behind the answer: ``policy, title, controls, reason, remediation``.
    """
    found = [(policy, judged) for policy in POLICIES if (judged := policy.judge(facts(raw_facts(event))))]
    for kind in ("non_compliant", "not_evaluated"):
        listed = [_detail(policy, reason) for policy, (verdict, reason) in found if verdict == kind]
        if listed:
            return kind, "; ".join(f"{item['policy']}: {item['reason']}" for item in listed), {"policies": listed}
    return ("compliant", {}) if found else ("not_evaluated", "no policy concerns this event", {"policies": []})


def _detail(policy: Policy, reason: str) -> dict[str, object]:
    controls = [f"{framework} {control}" for framework, listed in policy.controls.items() for control in listed]
    return {
        "policy": policy.id,
        "title": policy.title,
        "controls": controls,
        "reason": reason,
        "remediation": policy.remediation,
    }
