"""Which alerts Alertmanager must be told of now: transitions at once, repetitions so that it does not forget.

Alertmanager keeps no alerts over a restart and ends a firing one that is not repeated; so a firing alert is sent again
every resend delay, and a resolved one too, for 15 minutes (Prometheus, ``rules/alerting.go``: ``needsSending`` and
``resolvedRetention``).
"""

from dataclasses import dataclass

from schemas.alert import Alert

RESOLVED_RETENTION_MS = 15 * 60_000

_MISSED_REPETITIONS = 4
"""The rule engine repeats its firing alerts every resend delay. One it no longer knows of (its rule was deleted, its
tenant lost) is let go after so many, as Alertmanager does when Prometheus goes silent."""


@dataclass(slots=True)
class _Held:
    """An alert, when its state came here, and when it was last handed out in that state (None: not yet)."""

    alert: Alert
    since_ms: int
    heard_ms: int
    """When it was last stated, as a transition or a repetition."""
    sent_ms: int | None = None

    def is_over(self, now_ms: int, resend_delay_ms: int) -> bool:
        if self.sent_ms is None:
            return False
        if self.alert.state == "resolved":
            return now_ms - self.since_ms > RESOLVED_RETENTION_MS
        return now_ms - self.heard_ms > _MISSED_REPETITIONS * resend_delay_ms

    def is_due(self, now_ms: int, resend_delay_ms: int) -> bool:
        return self.sent_ms is None or now_ms - self.sent_ms >= resend_delay_ms


class Notifications:
    """The firing alerts, and those resolved in the last 15 minutes. ``now_ms`` is the time of day in UTC epoch ms.

    An instance belongs to the partitions of alerts that feed it: when they move to another worker, drop it.
    """

    def __init__(self, resend_delay_ms: int = 60_000) -> None:
        self._resend_delay_ms = resend_delay_ms
        self._held: dict[tuple[str, tuple[tuple[str, str], ...]], _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def apply(self, alert: Alert, now_ms: int) -> None:
        """Take up a transition or a repetition.

        Pending and inactive alerts are nobody's business yet; but while one is pending, it is not said to be resolved.
        An alert older than the one held is a replay of its topic and must not undo what came later.
        """
        identity = (alert.tenant, alert.key)
        held = self._held.get(identity)
        if held and alert.changed_at_ms < held.alert.changed_at_ms:
            return
        if alert.state not in ("firing", "resolved"):
            if alert.state == "pending" and held and held.alert.state == "resolved":
                del self._held[identity]
        elif held and alert.state == held.alert.state:
            held.alert = alert  # its new value and annotations go out with the next repetition, as in Prometheus
            held.heard_ms = now_ms
        else:
            self._held[identity] = _Held(alert, since_ms=now_ms, heard_ms=now_ms)

    def due(self, now_ms: int) -> list[Alert]:
        """The alerts to send now, which then count as sent. Resolved ones are forgotten after their 15 minutes."""
        delay = self._resend_delay_ms
        self._held = {identity: held for identity, held in self._held.items() if not held.is_over(now_ms, delay)}
        due = [held for held in self._held.values() if held.is_due(now_ms, delay)]
        for held in due:
            held.sent_ms = now_ms
        return [held.alert for held in due]
