"""Escalation told as a timeline: what is written to the alerts topic at which second, and read back at once."""

from collections.abc import Mapping

from schemas.alert import Alert, AlertReason
from streams.alerts.escalation import Escalations, Identity
from streams.alerts.ladders import LABEL, Ladder, read_ladders
from tests.alerts.examples import NOW, alert

LADDERS = """
ladders:
  - match: [severity = critical]
    steps:
      - {name: on-call, after: 0s}
      - {name: manager, after: 5m}
      - {name: vp, after: 15m}
  - match: ['severity =~ "high|medium"', team != web]
    steps: [{name: lead, after: 1h}]
"""

RESEND_S = 60


def ladders(text: str = LADDERS) -> list[Ladder]:
    found, problems = read_ladders(text, "ladders.yml")
    assert not problems
    return found


def critical(name: str = "Down", **fields: object) -> Alert:
    return alert(name, labels={"severity": "critical"}, **fields)


def identity(of: Alert) -> Identity:
    return of.tenant, of.key


class Told:
    """A partition of the alerts topic and whoever reads it; seconds count from NOW."""

    def __init__(self, text: str = LADDERS) -> None:
        self.text = text
        self.second = 0
        self.log: list[tuple[Alert, int]] = []
        self.steps: list[tuple[int, str]] = []
        """When each step took effect."""
        self.reasons: list[tuple[int, str]] = []
        """When anything else did that is no transition."""
        self.firing: dict[Identity, Alert] = {}
        self.muted: Mapping[Identity, AlertReason] = {}
        self.state = self.anew()

    def anew(self) -> Escalations:
        return Escalations(ladders(self.text), RESEND_S * 1000)

    @property
    def now_ms(self) -> int:
        return NOW + self.second * 1000

    def put(self, record: Alert) -> list[Alert]:
        """A record is written and read; what Alertmanager is told of."""
        self.log.append((record, self.now_ms))
        if not record.noted_at_ms:
            self.firing.pop(identity(record), None)
            if record.state == "firing":
                self.firing[identity(record)] = record
        heard = self.state.take(record, self.now_ms)
        if heard.is_news and record.noted_at_ms:
            entry = (self.second, record.step or record.reason)
            (self.steps if record.step else self.reasons).append(entry)
        return heard.tell

    def until(self, second: int) -> "Told":
        """Let time pass, second by second, with repetitions as the stage of windows sends them."""
        while self.second < second:
            self.second += 1
            if self.second % RESEND_S == 0:
                for each in list(self.firing.values()):
                    self.put(resent(each))
            for record in self.state.noticed(self.muted, self.now_ms) + self.state.due(self.now_ms):
                self.put(record)
        return self


def resent(firing: Alert) -> Alert:
    return alert_with(firing, reason="resend")


def alert_with(of: Alert, **changes: object) -> Alert:
    """The alert with some fields changed."""
    return type(of)(**{name: getattr(of, name) for name in of.__struct_fields__} | changes)


def acknowledged(of: Alert, at_ms: int, until_ms: int = 0) -> Alert:
    return alert_with(of, reason="acknowledged", noted_at_ms=at_ms, until_ms=until_ms, author="ada")


def resolved(of: Alert, at_ms: int) -> Alert:
    return alert_with(of, state="resolved", reason="condition_false", changed_at_ms=at_ms)


def labels_of(alerts: list[Alert]) -> list[str]:
    """The step that each alert is a copy for; empty for the alert itself."""
    return [each.labels.get(LABEL, "") for each in alerts]
