"""Which alerts Alertmanager must be told of now: transitions at once, repetitions so that it does not forget.

Alertmanager keeps no alerts over a restart and ends a firing one that is not repeated; so a firing alert is sent again
every resend delay, and a resolved one too, for 15 minutes (Prometheus, ``rules/alerting.go``: ``needsSending`` and
``resolvedRetention``).
"""

from dataclasses import dataclass

from schemas.alert import Alert

RESOLVED_RETENTION_MS = 15 * 60_000


@dataclass(slots=True)
class _Held:
    """An alert, when its state came here, and when it was last handed out in that state (None: not yet)."""

    alert: Alert
    since_ms: int
    sent_ms: int | None = None

    def is_over(self, now_ms: int) -> bool:
        was_told = self.alert.state == "resolved" and self.sent_ms is not None
        return was_told and now_ms - self.since_ms > RESOLVED_RETENTION_MS

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
        """Take up a transition or a repetition. Pending and inactive alerts are nobody's business yet: no change.

        An alert older than the one held is a replay of its topic and must not undo what came later.
        """
        if alert.state not in ("firing", "resolved"):
            return
        identity = (alert.tenant, alert.key)
        held = self._held.get(identity)
        if held and alert.changed_at_ms < held.alert.changed_at_ms:
            return
        if held and alert.state == held.alert.state:
            held.alert = alert  # its new value and annotations go out with the next repetition, as in Prometheus
        else:
            self._held[identity] = _Held(alert, since_ms=now_ms)

    def due(self, now_ms: int) -> list[Alert]:
        """The alerts to send now, which then count as sent. Resolved ones are forgotten after their 15 minutes."""
        self._held = {identity: held for identity, held in self._held.items() if not held.is_over(now_ms)}
        due = [held for held in self._held.values() if held.is_due(now_ms, self._resend_delay_ms)]
        for held in due:
            held.sent_ms = now_ms
        return [held.alert for held in due]
