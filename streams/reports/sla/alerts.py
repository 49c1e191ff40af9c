"""Which alerts fired in a period, so that bad times can be told with what was said about them."""

from collections.abc import Iterable, Sequence

import msgspec

from streams.reports.asking import Ask, instant, rows
from streams.reports.sla.scope import Scope
from streams.stored.sql import text


class Fired(msgspec.Struct, frozen=True):
    """An alert while it fired; epoch ms."""

    rule: str
    severity: str
    service: str
    objective: str
    start_ms: int
    end_ms: int
    """Of the period, when it went on beyond."""
    cause: str = ""
    """The root cause, where the alert named one when it fired."""

    @property
    def told(self) -> str:
        """The rule, and the root cause if it is known."""
        return f"{self.rule} (because of {self.cause})" if self.cause else self.rule


def question(scope: Scope) -> str:
    """Transitions of alerts up to the end of the period, in order."""
    of_service = scope.of_service("labels['service']")
    return (
        "SELECT\n    fingerprint,\n    rule,\n    labels['severity'] AS severity,\n    labels['service'] AS service,\n"
        "    labels['objective'] AS objective,\n    annotations['root_cause'] AS cause,\n    state,\n"
        "    toUnixTimestamp64Milli(changed_at) AS at_ms\n"
        f"FROM alert_history FINAL\nWHERE tenant = {text(scope.tenant)}\n"
        "    AND reason IN ('condition_true', 'held_for', 'condition_false') AND state IN ('firing', 'resolved')\n"
        f"    AND changed_at < {instant(scope.period.end_ms)}{of_service}\n"
        "ORDER BY fingerprint, changed_at, state DESC"
    )


def fired(ask: Ask, scope: Scope) -> list[Fired]:
    """The alerts that fired in the period, in order of time."""
    found: list[Fired] = []
    since: dict[int, int] = {}
    last: dict[int, dict[str, str]] = {}

    def ended(key: int, end_ms: int) -> None:
        row, start = last[key], since.pop(key)
        if end_ms > scope.period.start_ms:
            identity = (row["rule"], row["severity"], row["service"], row["objective"])
            found.append(Fired(*identity, start, end_ms, row["cause"]))

    for row in rows(ask, question(scope)):
        key = row["fingerprint"]
        if row["state"] == "firing":
            since.setdefault(key, row["at_ms"])
            last[key] = row
        elif key in since:
            ended(key, row["at_ms"])
    for key in list(since):
        ended(key, scope.period.end_ms)
    return sorted(found, key=lambda one: (one.start_ms, one.rule))


def names(alerts: Iterable[Fired], service: str, objective: str, start_ms: int, end_ms: int) -> str:
    """The rules that fired in ``[start, end)`` for a service or an objective, with root causes, as text."""
    found: Sequence[str] = sorted(
        {
            alert.told
            for alert in alerts
            if alert.start_ms < end_ms
            and alert.end_ms > start_ms
            and ((alert.objective == objective) if alert.objective and objective else alert.service == service)
        }
    )
    return ", ".join(found) or "none"
