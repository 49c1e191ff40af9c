"""Burn rates that alert, as files: those shipped here by name, or a user's own in the same form."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib import resources

import msgspec
import yaml

from schemas.slo_values import decimal, minutes
from schemas.yamltext import Problem, YamlText

_FILE = ("period", "alerts")
_ALERT = ("severity", "factor", "short", "long")


class BurnRate(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that is due while the budget burns faster than ``factor`` over both windows; they are in minutes."""

    severity: str
    factor: Fraction
    short: int
    long: int

    def share(self, period: int) -> Fraction:
        """How much of the budget of a period is gone after the long window at that rate."""
        return self.factor * self.long / period


class BurnRates(msgspec.Struct, frozen=True):
    """The alerts of a file, and the period (minutes) that they are made for."""

    period: int
    alerts: tuple[BurnRate, ...]

    def scaled(self, period: int, severities: Sequence[str] = ()) -> list[BurnRate]:
        """Those for another period; ``severities`` names which, all if it is empty.

        A shorter period has shorter windows, in proportion, so that an alert still comes when the same share of the
        budget is gone. A longer one has the same, so that it comes as soon. Windows are whole minutes; an alert whose
        long window would be less than two is left out.
        """
        shorter = min(Fraction(period, self.period), Fraction(1))
        found = [
            msgspec.structs.replace(alert, short=max(round(alert.short * shorter), 1), long=round(alert.long * shorter))
            for alert in self.alerts
            if not severities or alert.severity in severities
        ]
        return [alert for alert in found if alert.long >= 2]


def names() -> list[str]:
    """What is shipped."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".yml") for file in files if file.name.endswith(".yml"))


def shipped(name: str) -> BurnRates:
    """The file of that name, one of :func:`names`."""
    text = (resources.files(__name__) / f"{name}.yml").read_text(encoding="utf-8")
    return read_burn_rates(text, f"{name}.yml")[0]


def read_burn_rates(text: str, file: str) -> tuple[BurnRates, list[Problem]]:
    """The burn rates of a file and its problems."""
    read = YamlText(text, file)
    entries = read.mapping(read.root, "the file", _FILE) if read.root is not None else {}
    if read.root is not None and "period" not in entries:
        read.report(read.root, "the file has no period", "write the window that the alerts are made for: period: 30d")
    period = minutes(read, entries["period"], "period") if "period" in entries else 0
    return BurnRates(period, tuple(_alerts(read, entries.get("alerts")))), sorted(read.problems)


def _alerts(read: YamlText, node: yaml.Node | None) -> Iterator[BurnRate]:
    for item in read.items(node, "alerts"):
        entries = read.mapping(item, "an alert", _ALERT)
        if missing := [key for key in _ALERT if key not in entries]:
            read.report(item, f"an alert has no {', '.join(missing)}", "add what is missing")
            continue
        found = BurnRate(
            severity=read.text_of(entries["severity"], "severity"),
            factor=decimal(read, entries["factor"], "factor"),
            short=minutes(read, entries["short"], "short"),
            long=minutes(read, entries["long"], "long"),
        )
        if found.short >= found.long:
            read.report(entries["short"], "short is not shorter than long", "exchange them")
        yield found
