"""What judging an event leaves behind: one verdict for each control that a policy speaks for."""

from typing import Literal

import msgspec

Framework = Literal["gdpr", "hipaa", "pci", "soc2"]

Severity = Literal["critical", "high", "medium", "low"]

VerdictKind = Literal["compliant", "non_compliant", "not_evaluated"]
"""``not_evaluated``: the event does not state what the policy needs to know. It never counts as compliant."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """One policy's finding about one event, for one control of one framework."""

    policy: str
    framework: Framework
    control: str
    """The control's number in its framework, such as ``art-32`` or ``164.312(b)``."""
    verdict: VerdictKind
    reason: str
    """Why it is not compliant or could not be evaluated, without anything that identifies a person; else empty."""
    severity: Severity
    """Of the policy."""
    policy_digest: str
    """SHA-256 of the policy's file, hexadecimal: which version of it judged."""
