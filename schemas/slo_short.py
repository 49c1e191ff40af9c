"""The short form of objectives: one file, the four that every service has, and maintenance.

.. code-block:: yaml

    defaults: {window: 30d, burn_rates: google}
    services:
      checkout:
        uptime: 99.9%            # requests that succeed
        response_time: 100ms     # 95 % of requests within it
        error_rate: 0.01         # at most
        throughput: 1000/s       # in 95 % of the minutes
      search:
        response_time: {value: 250ms, target: 99%}
    maintenance:
      - {name: patches, days: [sun], at: "02:00", for: 2h, zone: Europe/Berlin, by: ops}
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import yaml

from schemas.sla import Indicators
from schemas.slo import (
    Calendar,
    Indicator,
    Maintenance,
    Method,
    Objective,
    Occurrences,
    Ratio,
    Rolling,
    Source,
    Threshold,
    Unit,
    Window,
)
from schemas.slo_maintenance import read_maintenance
from schemas.slo_values import decimal, no_data, rolling, share, whole, zone
from schemas.yamltext import Problem, YamlText

KINDS = ("uptime", "response_time", "error_rate", "throughput")
GOOGLE = "google"

_FILE = ("defaults", "services", "maintenance")
_OPTIONS = ("window", "zone", "minimum_events", "no_data", "burn_rates", "severities")
_UNITS = {"ms": Fraction(1, 1000), "s": Fraction(1)}
_CALENDAR: dict[str, Unit] = {"day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
_MONDAY = "2024-01-01 00:00:00"
"""Days, ISO weeks, months, quarters and years begin at it."""
_TARGET = Fraction(95, 100)


def read_short(text: str, file: str) -> tuple[list[Objective], list[Maintenance], list[Problem]]:
    """The objectives and the maintenance of a file, and its problems in order of their places."""
    reader = _Reader(YamlText(text, file))
    objectives, maintenance = reader.read()
    return objectives, maintenance, sorted(reader.yaml.problems)


class _Reader:
    def __init__(self, text: YamlText) -> None:
        self.yaml = text
        self._names = Indicators()

    def read(self) -> tuple[list[Objective], list[Maintenance]]:
        text = self.yaml
        if text.root is None:
            return [], []
        entries = text.mapping(text.root, "the file", _FILE)
        defaults = text.mapping(entries["defaults"], "defaults", _OPTIONS) if "defaults" in entries else {}
        services = text.mapping(entries["services"], "services") if "services" in entries else {}
        found = [
            objective for service, node in services.items() for objective in self._service(service, node, defaults)
        ]
        return found, list(read_maintenance(text, entries.get("maintenance")))

    def _service(self, service: str, node: yaml.Node, defaults: Mapping[str, yaml.Node]) -> Iterator[Objective]:
        entries = self.yaml.mapping(node, f"the service {service!r}", (*KINDS, *_OPTIONS))
        options = {**defaults, **{key: value for key, value in entries.items() if key in _OPTIONS}}
        for kind in KINDS:
            if kind in entries:
                yield self._objective(service, kind, entries[kind], options)

    def _objective(self, service: str, kind: str, node: yaml.Node, options: dict[str, yaml.Node]) -> Objective:
        value, target = node, _TARGET
        if isinstance(node, yaml.MappingNode):
            entries = self.yaml.mapping(node, kind, ("value", "target", *_OPTIONS))
            options = {**options, **{key: given for key, given in entries.items() if key in _OPTIONS}}
            if "value" not in entries:
                self.yaml.report(node, f"{kind} has no value", "add value:")
            value = entries.get("value", node)
            target = share(self.yaml, entries["target"], f"{kind}.target") if "target" in entries else _TARGET
        indicator, target, method = getattr(self, f"_{kind}")(service, value, target)
        return Objective(
            name=f"{service}-{kind}",
            service=service,
            indicator=indicator,
            target=target,
            method=method,
            place=self.yaml.place(node),
            **self._read(options),
        )

    def _uptime(self, service: str, node: yaml.Node, _: Fraction) -> tuple[Indicator, Fraction, Method]:
        return self._requests(service, node), share(self.yaml, node, "uptime"), Occurrences()

    def _error_rate(self, service: str, node: yaml.Node, _: Fraction) -> tuple[Indicator, Fraction, Method]:
        allowed = share(self.yaml, node, "error_rate")
        if not allowed:
            self.yaml.report(node, "error_rate leaves no budget", "write a small share, such as 0.001")
        return self._requests(service, node), 1 - (allowed or Fraction(1)), Occurrences()

    def _response_time(self, service: str, node: yaml.Node, target: Fraction) -> tuple[Indicator, Fraction, Method]:
        seconds = self._quantity(node, "response_time", r"(ms|s)", "write it like 100ms or 1.5s")
        names = [name for name in self._names.latency if name.endswith("_seconds")]
        source = Source(series=self._of(service, names), place=self.yaml.place(node))
        return Threshold(source=source, op="lte", value=float(seconds)), target, Occurrences()

    def _throughput(self, service: str, node: yaml.Node, target: Fraction) -> tuple[Indicator, Fraction, Method]:
        least = self._quantity(node, "throughput", r"/(s)", "write it like 1000/s")
        rates = " or ".join(f"sum(rate({series}[1m]))" for series in self._of(service, self._names.requests))
        source = Source(query=rates, place=self.yaml.place(node))
        return Threshold(source=source, op="gte", value=float(least)), target, Occurrences()

    def _requests(self, service: str, node: yaml.Node) -> Indicator:
        place = self.yaml.place(node)
        bad = (*self._of(service, self._names.requests, 'outcome="error"'), *self._of(service, self._names.errors))
        total = Source(series=self._of(service, self._names.requests), place=place)
        return Ratio(bad=Source(series=bad, place=place), total=total)

    def _of(self, service: str, names: list[str], *more: str) -> tuple[str, ...]:
        quoted = service.replace("\\", "\\\\").replace('"', '\\"')
        matchers = ",".join((f'service="{quoted}"', *more))
        return tuple(f"{name}{{{matchers}}}" for name in names)

    def _quantity(self, node: yaml.Node, what: str, unit: str, hint: str) -> Fraction:
        written = self.yaml.text_of(node, what)
        found = re.fullmatch(rf"([0-9.]+)\s*{unit}", written)
        if found is None:
            self.yaml.report(node, f"{what} is not understood: {written!r}", hint)
            return Fraction(0)
        return decimal(self.yaml, node, what, found[1]) * _UNITS[found[2]]

    def _read(self, options: Mapping[str, yaml.Node]) -> dict[str, Any]:
        text = self.yaml
        found: dict[str, Any] = {"burn_rates": GOOGLE, "window": Rolling(minutes=43_200)}
        if "window" in options:
            found["window"] = self._window(options["window"], options.get("zone"))
        if "minimum_events" in options:
            found["minimum_events"] = whole(text, options["minimum_events"], "minimum_events")
        if "no_data" in options:
            found["no_data"] = no_data(text, options["no_data"], "no_data")
        if "burn_rates" in options:
            named = text.text_of(options["burn_rates"], "burn_rates")
            found["burn_rates"] = "" if named == "none" else named
        if "severities" in options:
            listed = text.items(options["severities"], "severities")
            found["severities"] = tuple(text.text_of(item, "severities") for item in listed)
        return found

    def _window(self, node: yaml.Node, zone_node: yaml.Node | None) -> Window:
        written = self.yaml.text_of(node, "window")
        if written not in _CALENDAR:
            return rolling(self.yaml, node, "window")
        name = zone(self.yaml, zone_node, "zone") if zone_node is not None else "UTC"
        return Calendar(unit=_CALENDAR[written], anchor=_MONDAY, zone=name)
