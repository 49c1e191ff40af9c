"""The whole report on compliance, out of what was found."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streams.compliance.policy import Policy
from streams.reports.asking import Ask, rows
from streams.reports.compliance import controls, seals, violations
from streams.reports.compliance.controls import Attestation, Control
from streams.reports.compliance.scope import Scope
from streams.reports.compliance.seals import Sealed
from streams.reports.compliance.violations import Violation
from streams.reports.document import Chart, Column, Figure, Line, Report, Row, Section, Table, Tone
from streams.reports.numbers import written

FRAMEWORKS = {"gdpr": "GDPR", "hipaa": "HIPAA", "pci": "PCI DSS", "soc2": "SOC 2"}
COURSE = "course of scores"
_DAY_MS = 86_400_000


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to report."""

    controls: tuple[Control, ...]
    attestations: tuple[Attestation, ...]
    violations: tuple[Violation, ...]
    seals: tuple[Sealed, ...]
    course: tuple[dict[str, Any], ...]
    """Framework, day (epoch ms), score of the verdicts of the day in percent."""

    def of(self, framework: str) -> list[Control]:
        """The controls of a framework."""
        return [each for each in self.controls if each.name.startswith(f"{framework} ")]


def find(ask: Ask, scope: Scope, catalogue: Mapping[str, str], policies: Mapping[str, Policy]) -> Found:
    """Ask for everything. Raises what asking raises."""
    attested = controls.attestations(ask, scope)
    return Found(
        controls=tuple(controls.controls(ask, scope, catalogue, attested)),
        attestations=tuple(attested),
        violations=tuple(violations.violations(ask, scope, policies)),
        seals=tuple(seals.seals(ask, scope)),
        course=tuple(rows(ask, _course(scope))),
    )


def compliance_report(scope: Scope, found: Found, made_at_ms: int, made_by: str) -> Report:
    """What was found, for people."""
    sections = [_of_framework(name, found.of(name), scope, found) for name in scope.frameworks]
    asked = (controls.queries(scope), violations.queries(scope), seals.queries(scope), {COURSE: _course(scope)})
    return Report(
        kind="compliance",
        title="Compliance",
        tenant=scope.tenant,
        period=scope.period,
        made_at_ms=made_at_ms,
        made_by=made_by,
        summary=_summary(scope, found),
        sections=(*sections, _violations(found, made_at_ms), _attestations(found, scope), _seals(found)),
        queries={name: query for queries in asked for name, query in queries.items()},
    )


def _summary(scope: Scope, found: Found) -> str:
    scores = [(FRAMEWORKS[name], controls.score(found.of(name))) for name in scope.frameworks]
    said = ", ".join(f"{name} {written(score, '%')}" for name, score in scores if score is not None)
    events = sum(each.events for each in found.violations)
    violations = f"Events that violate a policy: {events}." if events else "No violations."
    return f"{said or 'Nothing was evaluated'}. {violations}" + (
        "" if scope.until_ms >= scope.period.end_ms else " The period is not over: this is what is known until now."
    )


def _of_framework(name: str, found: Sequence[Control], scope: Scope, all_: Found) -> Section:
    score, evaluated = controls.score(found), [each for each in found if each.score is not None]
    asked = sum(each.compliant + each.violations + each.not_evaluated for each in found)
    unknown = sum(each.not_evaluated for each in found)
    share = 100 * unknown / asked if asked else None
    return Section(
        title=FRAMEWORKS[name],
        text="The score is the mean over the controls that were witnessed or attested to; each counts alike.",
        figures=(
            Figure(name="score", value=score, unit="%", tone=_tone(score), query=controls.COUNTED),
            Figure(
                name="controls with a score",
                value=f"{len(evaluated)} of {len(found)}",
                note="the others nothing witnesses, and nobody attests to",
            ),
            Figure(name="violations", value=sum(each.violations for each in found), note="verdicts, one a control"),
            Figure(name="not evaluated", value=share, unit="%", note="of verdicts: the events do not say enough"),
        ),
        charts=tuple(_chart(name, scope, all_)),
        tables=(_controls(found),),
    )


def _controls(found: Sequence[Control]) -> Table:
    return Table(
        title="Controls",
        columns=(
            Column(name="control"),
            Column(name="score", unit="%"),
            Column(name="compliant"),
            Column(name="violations"),
            Column(name="not evaluated"),
            Column(name="attested"),
            Column(name="what it asks for"),
            Column(name="worst reasons"),
        ),
        rows=tuple(
            Row(
                cells=(
                    *(each.name.partition(" ")[2], each.score, each.compliant, each.violations, each.not_evaluated),
                    {None: "", True: "yes", False: "expired"}[each.attested],
                    *(each.says, "; ".join(each.reasons)),
                ),
                tone=_tone(each.score),
            )
            for each in sorted(found, key=lambda each: (each.score is None, each.score or 0.0))
        ),
        query=controls.COUNTED,
    )


def _chart(name: str, scope: Scope, found: Found) -> list[Chart]:
    """The score of all verdicts of each day; nothing for a single day."""
    days = {row["day_ms"]: row["score"] for row in found.course if row["framework"] == name}
    times = tuple(range(scope.period.start_ms // _DAY_MS * _DAY_MS, scope.until_ms, _DAY_MS))
    if len(times) < 2 or not days:
        return []
    line = Line(name="compliant verdicts", values=tuple(days.get(at) for at in times))
    return [Chart(title="Compliant verdicts by day", unit="%", times_ms=times, lines=(line,), query=COURSE)]


def _violations(found: Found, made_at_ms: int) -> Section:
    columns = ("severity", "policy", "service", "events", "controls")
    more = ("owner", "reason", "what to do", "evidence")
    table = Table(
        title="By policy and service",
        columns=(
            *(Column(name=name) for name in columns),
            Column(name="first", unit="time"),
            Column(name="last", unit="time"),
            Column(name="age", unit="min"),
            *(Column(name=name) for name in more),
        ),
        rows=tuple(
            Row(
                cells=(
                    *(each.severity, each.policy, each.service, each.events, ", ".join(each.controls)),
                    *(each.first_ms, each.last_ms, (made_at_ms - each.first_ms) // 60_000),
                    *(each.owner, each.reason, each.remediation, f"{each.entry} {each.digest[:16]}".strip()),
                ),
                tone="bad" if each.severity in ("critical", "high") else "warning",
            )
            for each in found.violations
        ),
        none="No violation was found.",
        note="Age: since the first one of the period. Evidence: chain and number of the latest entry of the ledger, "
        "and the first digits of its hash.",
        query=violations.VIOLATED,
    )
    return Section(title="Violations", tables=(table,))


def _attestations(found: Found, scope: Scope) -> Section:
    rows_ = tuple(
        Row(
            cells=(
                *(each.control, each.author, each.attested_ms, each.until_ms),
                "holds" if each.until_ms > scope.until_ms else "expired",
                *(each.statement, ", ".join(each.evidence)),
            ),
            tone="good" if each.until_ms > scope.until_ms else "bad",
        )
        for each in found.attestations
    )
    names: list[tuple[str, str]] = [("control", ""), ("by", ""), ("from", "time"), ("until", "time"), ("state", "")]
    names += [("statement", ""), ("evidence", "")]
    table = Table(
        title="What people vouch for",
        columns=tuple(Column(name=name, unit=unit) for name, unit in names),
        rows=rows_,
        none="Nobody has attested to anything.",
        query=controls.ATTESTED,
    )
    return Section(title="Attestations", tables=(table,))


def _seals(found: Found) -> Section:
    table = Table(
        title="Seals of the evidence ledger",
        columns=(
            *(Column(name="chain"), Column(name="sealed hours"), Column(name="entries")),
            *(Column(name="last hour", unit="time"), Column(name="its root"), Column(name="signed by")),
        ),
        rows=tuple(
            Row(cells=(each.chain, each.seals, each.entries, each.hour_ms, each.root, each.key or "nobody"))
            for each in found.seals
        ),
        none="No hour of this period is sealed.",
        note="tidewatch audit verify proves them.",
        query=seals.SEALED,
    )
    return Section(title="Evidence", tables=(table,))


def _tone(score: float | None) -> Tone:
    if score is None:
        return ""
    return "good" if score == 100 else "warning" if score >= 95 else "bad"


def _course(scope: Scope) -> str:
    return (
        "SELECT\n    framework,\n    toUnixTimestamp(toStartOfDay(hour)) * 1000 AS day_ms,\n"
        "    100 * sum(s.compliant) / nullIf(sum(s.evaluated), 0) AS score\n"
        f"FROM compliance_control_scores AS s\nWHERE {scope.of('hour')}\n"
        "GROUP BY framework, day_ms\nORDER BY framework, day_ms"
    )
