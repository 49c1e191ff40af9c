"""An alert as it crosses from the rule engine to Alertmanager and to the alert history.

The identity of an alert is its label set; value, times and annotations are not part of it.
"""

from typing import Literal

import msgspec

AlertState = Literal["pending", "firing", "resolved", "inactive"]
"""``resolved``: was firing and is over. ``inactive``: was pending and never fired."""

AlertReason = Literal[
    "condition_true",
    "held_for",
    "condition_false",
    "resend",
    "escalated",
    "acknowledged",
    "silenced",
    "inhibited",
    "released",
]
"""Why the record was written: the condition became true, stayed true for ``for``, ended, or it is a repetition.

The others happen to an alert while it fires, and leave its state as it is: the next step of its ladder was told;
somebody took it up; Alertmanager silences it, or inhibits it, or no longer does either.
"""

HANDLING = frozenset({"escalated", "acknowledged", "silenced", "inhibited", "released"})
"""The reasons that are no transition, but what people and Alertmanager make of a firing alert."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One transition (or repetition) of one alert. Times are UTC epoch milliseconds of event time."""

    tenant: str
    rule: str
    """The alert rule's name; also the label ``alertname``."""
    group: str
    """``file;group`` of the rule."""
    labels: dict[str, str]
    annotations: dict[str, str]
    state: AlertState
    reason: AlertReason
    value: float
    active_at_ms: int
    """When the condition became true."""
    changed_at_ms: int
    """When this state was entered (event time of the evaluation)."""
    fired_at_ms: int = 0
    """When it began to fire; 0: it has not, or the record is of an older version."""
    expression: str = ""
    step: str = ""
    """Escalated: the name of the step."""
    author: str = ""
    """Acknowledged: by whom."""
    comment: str = ""
    """Acknowledged: in their words."""
    until_ms: int = 0
    """Acknowledged: until when, by the clock on the wall; 0: until it is resolved."""
    noted_at_ms: int = 0
    """When that happened, by the clock on the wall; 0 for transitions and repetitions."""

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """The identity: the sorted label set."""
        return tuple(sorted(self.labels.items()))
