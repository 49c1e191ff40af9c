"""Objectives in OpenSLO v1 (https://github.com/OpenSLO/OpenSLO).

Service, SLI, SLO, AlertPolicy and AlertCondition are read, DataSource for the type of what refers to it; an
AlertNotificationTarget says nothing here, since Alertmanager decides whom to tell. Annotations of an SLO say what
OpenSLO has no field for; see ``ANNOTATIONS``.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import yaml

from schemas.openslo_alerts import Documents, conditions
from schemas.openslo_indicators import Indicators, comparison
from schemas.slo import Indicator, Method, Objective, Occurrences, RatioSlices, Rolling, Slices, Threshold, Window
from schemas.slo_values import calendar, no_data, rolling, share, slice_minutes, wall_time, whole, zone
from schemas.yamltext import Problem, YamlText

API_VERSION = "openslo/v1"
KINDS = ("DataSource", "SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service")
ANNOTATIONS = ("tidewatch/burn-rates", "tidewatch/severities", "tidewatch/minimum-events", "tidewatch/no-data")

_DOCUMENT = ("apiVersion", "kind", "metadata", "spec")
_METADATA = ("name", "displayName", "labels", "annotations")
_SLO = (
    *("description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives"),
    "alertPolicies",
)
_DATA_SOURCE = ("description", "type", "connectionDetails")
_OBJECTIVE = ("displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow")


def read_openslo(files: Mapping[str, str]) -> tuple[list[Objective], list[Problem]]:
    """The objectives of files (name to text), which may refer to one another, and every problem."""
    texts = [text for name, content in files.items() for text in YamlText.documents(content, name)]
    documents: dict[tuple[str, str], tuple[YamlText, dict[str, yaml.Node]]] = {}
    for text in texts:
        _register(text, documents)
    objectives = [
        objective
        for (kind, _), (text, entries) in documents.items()
        if kind == "SLO"
        for objective in _Slo(text, entries, documents).objectives()
    ]
    return objectives, sorted({problem for text in texts for problem in text.problems})


def is_openslo(text: str, file: str) -> bool:
    """Whether a file says so itself: its first document has an ``apiVersion`` of openslo."""
    documents = YamlText.documents(text, file)
    root = documents[0].root if documents else None
    entries = {str(key.value): value for key, value in root.value} if isinstance(root, yaml.MappingNode) else {}
    version = entries.get("apiVersion")
    return isinstance(version, yaml.ScalarNode) and str(version.value).startswith("openslo")


def _register(text: YamlText, documents: dict[tuple[str, str], tuple[YamlText, dict[str, yaml.Node]]]) -> None:
    if text.root is None:
        return
    entries = text.mapping(text.root, "an OpenSLO document", _DOCUMENT)
    version = text.text_of(entries.get("apiVersion"), "apiVersion")
    kind = text.text_of(entries.get("kind"), "kind")
    if version != API_VERSION:
        hint = "convert it with tidewatch slo import" if version == "openslo/v1alpha" else f"write {API_VERSION}"
        text.report(entries.get("apiVersion", text.root), f"apiVersion {version!r} is not supported", hint)
        return
    if kind not in KINDS:
        text.report(entries.get("kind", text.root), f"kind {kind!r} is not supported", f"known are {', '.join(KINDS)}")
        return
    metadata = text.mapping(entries["metadata"], "metadata", _METADATA) if "metadata" in entries else {}
    name = text.text_of(metadata.get("name"), "metadata.name")
    if not name:
        text.report(text.root, f"the {kind} has no metadata.name", "give it a name")
    elif (kind, name) in documents:
        text.report(metadata["name"], f"there is another {kind} {name!r}", "give it another name")
    else:
        documents[kind, name] = text, entries


class _Slo:
    """One document of the kind SLO."""

    def __init__(self, text: YamlText, entries: dict[str, yaml.Node], documents: Documents) -> None:
        self._text = text
        self._documents = documents
        self._entries = entries
        self._node = entries.get("spec", text.root)
        self._spec = text.mapping(entries["spec"], "spec of an SLO", _SLO) if "spec" in entries else {}
        metadata = text.mapping(entries["metadata"], "metadata")
        self._name = text.text_of(metadata["name"], "metadata.name")
        self._labels = self._texts(metadata.get("labels"), "metadata.labels")
        self._annotations = metadata.get("annotations")

    def objectives(self) -> Iterator[Objective]:
        text, spec = self._text, self._spec
        service = text.text_of(spec.get("service"), "spec.service")
        assert self._node is not None
        if not service:
            text.report(self._node, f"the SLO {self._name!r} has no spec.service", "name the service")
        window = self._window()
        more = self._extensions()
        found = list(conditions(text, spec.get("alertPolicies"), self._documents))
        nodes = list(text.items(spec.get("objectives"), "objectives"))
        if not nodes:
            text.report(self._node, f"the SLO {self._name!r} has no spec.objectives", "add one with a target")
        for index, node in enumerate(nodes, 1):
            entries = text.mapping(node, "an objective", _OBJECTIVE)
            indicator = self._indicator(entries)
            if indicator is None:
                continue
            yield Objective(
                name=self._name if len(nodes) == 1 else f"{self._name}-{index}",
                service=service,
                description=text.text_of(spec.get("description"), "spec.description"),
                indicator=indicator,
                target=self._target(node, entries),
                method=self._method(node, entries, indicator),
                window=window,
                conditions=tuple(found),
                labels=self._labels,
                place=text.place(node),
                **more,
            )

    def _target(self, node: yaml.Node, entries: dict[str, yaml.Node]) -> Fraction:
        if ("target" in entries) == ("targetPercent" in entries):
            self._text.report(node, "an objective has to have either target or targetPercent", "write target: 0.999")
            return Fraction(0)
        key = "target" if "target" in entries else "targetPercent"
        return share(self._text, entries[key], f"objectives.{key}", is_percent=key == "targetPercent")

    def _indicator(self, objective: dict[str, yaml.Node]) -> Indicator | None:
        text, spec = self._text, self._spec
        assert self._node is not None
        if ("indicator" in spec) == ("indicatorRef" in spec):
            text.report(self._node, "an SLO has to have either indicator or indicatorRef", "keep one of them")
            return None
        if "indicator" in spec:
            where, entries = text, text.mapping(spec["indicator"], "indicator", ("metadata", "spec"))
        else:
            name = text.text_of(spec["indicatorRef"], "indicatorRef")
            if ("SLI", name) not in self._documents:
                text.report(spec["indicatorRef"], f"there is no SLI {name!r}", "give the file that has it too")
                return None
            where, entries = self._documents["SLI", name]
        if "spec" not in entries:
            text.report(self._node, "the indicator has no spec", "add thresholdMetric or ratioMetric")
            return None
        return Indicators(where, self._data_sources()).read(entries["spec"], text, objective)

    def _method(self, node: yaml.Node, entries: dict[str, yaml.Node], indicator: Indicator) -> Method:
        text = self._text
        written = text.text_of(self._spec.get("budgetingMethod"), "budgetingMethod")
        if written == "Occurrences":
            return Occurrences()
        if written not in ("Timeslices", "RatioTimeslices"):
            text.report(
                self._spec.get("budgetingMethod", node),
                f"budgetingMethod is {written!r}",
                "write Occurrences, Timeslices or RatioTimeslices",
            )
            return Occurrences()
        needed = ("timeSliceWindow", "timeSliceTarget") if written == "Timeslices" else ("timeSliceWindow",)
        for key in needed:
            if key not in entries:
                text.report(node, f"{written} needs {key} in each objective", f"add {key}:")
                return Occurrences()
        length = slice_minutes(text, entries["timeSliceWindow"], "timeSliceWindow")
        if written == "RatioTimeslices":
            return RatioSlices(minutes=length)
        target = share(text, entries["timeSliceTarget"], "timeSliceTarget", may_be_all=True)
        is_own_op = "op" in entries and not isinstance(indicator, Threshold)
        op = comparison(text, entries["op"], "objectives.op") if is_own_op else "gte"
        return Slices(minutes=length, op=op, target=target)

    def _window(self) -> Window:
        text = self._text
        nodes = list(text.items(self._spec.get("timeWindow"), "timeWindow"))
        assert self._node is not None
        if len(nodes) != 1:
            text.report(self._spec.get("timeWindow", self._node), "timeWindow has to have one item", "keep one")
            return Rolling(0)
        entries = text.mapping(nodes[0], "timeWindow", ("duration", "isRolling", "calendar"))
        if "duration" not in entries:
            text.report(nodes[0], "timeWindow has no duration", "add duration: 30d")
            return Rolling(0)
        if "calendar" not in entries:
            if text.text_of(entries.get("isRolling"), "isRolling").lower() != "true":
                text.report(nodes[0], "timeWindow is neither rolling nor of a calendar", "add isRolling: true")
            return rolling(text, entries["duration"], "timeWindow.duration")
        if text.text_of(entries.get("isRolling"), "isRolling").lower() == "true":
            text.report(entries["isRolling"], "timeWindow is rolling and has a calendar", "write isRolling: false")
        inner = text.mapping(entries["calendar"], "calendar", ("startTime", "timeZone"))
        if len(inner) != 2:
            text.report(entries["calendar"], "calendar needs startTime and timeZone", "add both")
            return Rolling(0)
        start = wall_time(text, inner["startTime"], "calendar.startTime")
        return calendar(text, entries["duration"], start, zone(text, inner["timeZone"], "calendar.timeZone"))

    def _extensions(self) -> dict[str, Any]:
        """What the annotations say that begin with ``tidewatch/``."""
        text = self._text
        entries = text.mapping(self._annotations, "annotations") if self._annotations is not None else {}
        found: dict[str, Any] = {}
        for name, node in entries.items():
            if name.startswith("tidewatch/") and name not in ANNOTATIONS:
                text.report(node, f"the annotation {name!r} is not known", f"known are {', '.join(ANNOTATIONS)}")
        if "tidewatch/burn-rates" in entries:
            found["burn_rates"] = text.text_of(entries["tidewatch/burn-rates"], "tidewatch/burn-rates")
        if "tidewatch/severities" in entries:
            listed = text.text_of(entries["tidewatch/severities"], "tidewatch/severities")
            found["severities"] = tuple(listed.replace(",", " ").split())
        if "tidewatch/minimum-events" in entries:
            found["minimum_events"] = whole(text, entries["tidewatch/minimum-events"], "tidewatch/minimum-events")
        if "tidewatch/no-data" in entries:
            found["no_data"] = no_data(text, entries["tidewatch/no-data"], "tidewatch/no-data")
        return found

    def _texts(self, node: yaml.Node | None, what: str) -> dict[str, str]:
        """Labels; of a list of values the items with commas between them."""
        found: dict[str, str] = {}
        for name, value in self._text.mapping(node, what).items() if node is not None else ():
            if isinstance(value, yaml.SequenceNode):
                found[name] = ",".join(self._text.text_of(item, what) for item in value.value)
            else:
                found[name] = self._text.text_of(value, what)
        return found

    def _data_sources(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for (kind, name), (text, entries) in self._documents.items():
            if kind == "DataSource" and "spec" in entries:
                spec = text.mapping(entries["spec"], "spec of a DataSource", _DATA_SOURCE)
                found[name] = text.text_of(spec.get("type"), "type")
        return found
