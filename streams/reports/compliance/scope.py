"""Whom, which time and which frameworks a report on compliance is about."""

import msgspec

from schemas.policy import Framework
from streams.reports.asking import between, listed
from streams.reports.document import Period
from streams.stored.sql import text


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The same for all parts of a report."""

    tenant: str
    period: Period
    frameworks: tuple[Framework, ...]
    until_ms: int
    """The end of the period, or when the report is made if that is earlier."""

    def of(self, column: str) -> str:
        """A condition: rows of the tenant and the frameworks whose ``column`` lies in the period."""
        return (
            f"tenant = {text(self.tenant)} AND framework IN {listed(self.frameworks)}\n"
            f"    AND {between(column, self.period.start_ms, self.period.end_ms)}"
        )

    def concerns(self, control: str) -> bool:
        """Whether a control such as ``gdpr art-32`` is of one of the frameworks."""
        return control.partition(" ")[0] in self.frameworks
