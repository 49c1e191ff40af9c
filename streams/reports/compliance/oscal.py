"""The same as OSCAL 1.2.3 assessment results (NIST): findings and observations by control, for programs of auditors."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.reports.compliance.controls import Attestation, Control
from streams.reports.compliance.report import FRAMEWORKS, Found
from streams.reports.compliance.scope import Scope
from streams.reports.compliance.violations import Violation

Identify = Callable[[str], str]
"""A UUID of version 5 for a name: the same name, the same UUID."""

_NO_TOKEN = re.compile(r"[^A-Za-z0-9.\-_]+")


def oscal(scope: Scope, found: Found, made_at_ms: int, made_by: str, identify: Identify) -> bytes:
    """The document. Identifiers follow from tenant, period and content, so the same report has the same ones."""

    def named(what: str) -> str:
        return identify(f"{scope.tenant} {scope.period.start_ms} {scope.period.end_ms} {what}")

    results = [_result(name, found, scope, made_at_ms, named) for name in scope.frameworks]
    metadata = {
        "title": f"Compliance of {scope.tenant}, {scope.period.name}",
        "last-modified": _instant(made_at_ms),
        "version": made_by,
        "oscal-version": "1.2.3",
    }
    document = {"uuid": named("document"), "metadata": metadata, "import-ap": {"href": "#"}, "results": results}
    return orjson.dumps({"assessment-results": document}, option=orjson.OPT_INDENT_2)


def _result(framework: str, found: Found, scope: Scope, made_at_ms: int, named: Identify) -> dict[str, Any]:
    controls = [each for each in found.of(framework) if each.score is not None]
    observations = [
        *(_violation(each, named) for each in found.violations if _of(framework, each.controls)),
        *(_attestation(each, scope, named) for each in found.attestations if _of(framework, [each.control])),
    ]
    result: dict[str, Any] = {
        "uuid": named(f"result {framework}"),
        "title": FRAMEWORKS[framework],
        "description": "Controls as an event stream witnesses them, and as people attest to them.",
        "start": _instant(scope.period.start_ms),
        "end": _instant(scope.until_ms),
        "reviewed-controls": {"control-selections": [_reviewed(controls)]},
    }
    if observations:
        result["observations"] = observations
    if controls:
        result["findings"] = [_finding(each, found, named) for each in controls]
    return result


def _reviewed(controls: Sequence[Control]) -> dict[str, Any]:
    if not controls:
        return {"description": "No control was witnessed or attested to."}
    return {"include-controls": [{"control-id": token(each.name)} for each in controls]}


def _finding(control: Control, found: Found, named: Identify) -> dict[str, Any]:
    state = "satisfied" if control.score == 100 else "not-satisfied"
    related = [
        *(named(_name(each)) for each in found.violations if control.name in each.controls),
        *(named(f"attestation {each.control}") for each in found.attestations if each.control == control.name),
    ]
    finding: dict[str, Any] = {
        "uuid": named(f"finding {control.name}"),
        "title": control.name,
        "description": f"Score {control.score:.4g} %: {control.compliant} verdicts compliant, {control.violations} "
        f"violations, {control.not_evaluated} not evaluated.",
        "target": {"type": "objective-id", "target-id": token(control.name), "status": {"state": state}},
    }
    if control.says:
        finding["target"]["description"] = control.says
    if related:
        finding["related-observations"] = [{"observation-uuid": uuid} for uuid in related]
    return finding


def _violation(each: Violation, named: Identify) -> dict[str, Any]:
    observation: dict[str, Any] = {
        "uuid": named(_name(each)),
        "title": f"{each.service} violates {each.policy}",
        "description": f"{each.events} events: {each.reason}",
        "methods": ["TEST"],
        "types": ["finding"],
        "collected": _instant(each.last_ms),
    }
    if each.entry:
        said = f"Entry {each.entry} of the evidence ledger, hash {each.digest}."
        observation["relevant-evidence"] = [{"description": said}]
    if each.remediation:
        observation["remarks"] = each.remediation
    return observation


def _attestation(each: Attestation, scope: Scope, named: Identify) -> dict[str, Any]:
    state = "holds" if each.until_ms > scope.until_ms else "has expired"
    observation: dict[str, Any] = {
        "uuid": named(f"attestation {each.control}"),
        "title": f"Attestation to {each.control}",
        "description": f"{each.author} attests: {each.statement or each.control}. It {state}.",
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "collected": _instant(each.attested_ms),
        "expires": _instant(each.until_ms),
    }
    if each.evidence:
        observation["relevant-evidence"] = [
            {"description": "What supports it.", "links": [{"href": link}]} for link in each.evidence
        ]
    return observation


def token(control: str) -> str:
    """A control's name as OSCAL writes identifiers: ``hipaa 164.312(b)`` becomes ``hipaa_164.312_b``."""
    return _NO_TOKEN.sub("_", control).strip("_")


def _of(framework: str, controls: Sequence[str]) -> bool:
    return any(each.startswith(f"{framework} ") for each in controls)


def _name(violation: Violation) -> str:
    return f"violation {violation.policy} {violation.service}"


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
