"""Rule files in Prometheus' format: groups of alert and recording rules.

``read_rules`` checks everything that can be checked without evaluating: structure, names, durations. Expressions and
templates are texts here; ``streams.rules.load`` compiles them.
"""

from collections.abc import Callable

import msgspec
import yaml

from schemas.duration import milliseconds
from schemas.failures import Rejected
from schemas.yamltext import Place, Problem, YamlText

_FILE_KEYS = ("groups",)
_GROUP_KEYS = ("name", "interval", "query_offset", "limit", "labels", "rules")
_RULE_KEYS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")


class Written(msgspec.Struct, frozen=True):
    """A text of the file that is compiled later: an expression or a template."""

    text: str
    place: Callable[[int, int], Place]
    """Where in the file a line and a column of the text are, all counted from 1."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An alert rule or a recording rule; durations in ms."""

    name: str
    is_alert: bool
    expression: Written
    for_ms: int = 0
    keep_firing_for_ms: int = 0
    labels: dict[str, Written] = {}
    annotations: dict[str, Written] = {}
    place: Place


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that are evaluated together, one after the other."""

    name: str
    file: str
    rules: list[Rule]
    interval_ms: int | None = None
    """None: the interval of the worker."""
    limit: int = 0
    """The most alerts or series a rule may give; 0: any number."""
    query_offset_ms: int = 0
    labels: dict[str, Written] = {}
    """Added to each result, unless the rule itself has the label."""
    place: Place

    @property
    def key(self) -> str:
        """``file;group``, as Prometheus names it."""
        return f"{self.file};{self.name}"


def read_rules(text: str, file: str) -> tuple[list[Group], list[Problem]]:
    """The groups of a rule file and its problems, in order of their places. With problems, the groups are not whole."""
    reader = _Reader(text, file)
    groups = reader.groups()
    return groups, sorted(reader.yaml.problems)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.yaml = YamlText(text, file)
        self._file = file

    def groups(self) -> list[Group]:
        if self.yaml.root is None:
            return []
        entries = self.yaml.mapping(self._document(self.yaml.root), "the file", _FILE_KEYS)
        groups: dict[str, Group] = {}
        for node in self.yaml.items(entries.get("groups"), "groups"):
            group = self._group(node)
            if group.name in groups:
                self.yaml.report(node, f"there is another group {group.name!r} in this file", "give it another name")
            groups[group.name] = group
        return list(groups.values())

    def _document(self, root: yaml.Node) -> yaml.Node:
        """The groups of a Kubernetes PrometheusRule stand under ``spec``."""
        if isinstance(root, yaml.MappingNode):
            entries: dict[str, yaml.Node] = {str(key.value): value for key, value in root.value}
            if "spec" in entries and "groups" not in entries:
                return entries["spec"]
        return root

    def _group(self, node: yaml.Node) -> Group:
        entries = self.yaml.mapping(node, "a group", _GROUP_KEYS)
        name = self.yaml.text_of(entries.get("name"), "name")
        if not name:
            self.yaml.report(node, "a group has no name", "add name: with a name that no other group of the file has")
        what = f"the group {name!r}"
        labels = entries.get("labels")
        return Group(
            name=name,
            file=self._file,
            rules=[self._rule(rule) for rule in self.yaml.items(entries.get("rules"), f"rules of {what}")],
            interval_ms=self._duration(entries.get("interval"), f"interval of {what}") or None,
            limit=self._limit(entries.get("limit"), f"limit of {what}"),
            query_offset_ms=self._duration(entries.get("query_offset"), f"query_offset of {what}"),
            labels=self._labels(labels, f"labels of {what}"),
            place=self.yaml.place(node),
        )

    def _rule(self, node: yaml.Node) -> Rule:
        entries = self.yaml.mapping(node, "a rule", _RULE_KEYS)
        name, is_alert = self._name(node, entries)
        what = f"{'alert' if is_alert else 'recording'} rule {name!r}"
        if not is_alert:
            for key in ("for", "keep_firing_for", "annotations"):
                if key in entries:
                    self.yaml.report(entries[key], f"{what} has {key}, which only alert rules have", f"remove {key}")
        return Rule(
            name=name,
            is_alert=is_alert,
            expression=self._expression(node, entries.get("expr"), what),
            for_ms=self._duration(entries.get("for"), f"for of {what}"),
            keep_firing_for_ms=self._duration(entries.get("keep_firing_for"), f"keep_firing_for of {what}"),
            labels=self._labels(entries.get("labels"), f"labels of {what}"),
            annotations=self._texts(entries.get("annotations"), f"annotations of {what}"),
            place=self.yaml.place(node),
        )

    def _name(self, node: yaml.Node, entries: dict[str, yaml.Node]) -> tuple[str, bool]:
        if ("alert" in entries) == ("record" in entries):
            given = "both alert and record" if "alert" in entries else "neither alert nor record"
            self.yaml.report(node, f"a rule has {given}", "give it exactly one of the two")
        is_alert = "record" not in entries
        key = "alert" if is_alert else "record"
        name = self.yaml.text_of(entries.get(key), key)
        if key in entries and not name:
            self.yaml.report(entries[key], f"{key} is empty", "write the name of the rule")
        if not is_alert and set(name) & set("{}"):
            self.yaml.report(
                entries[key], f"{name!r} is not a name for a series", "labels of the series are set with labels:"
            )
        return name, is_alert

    def _expression(self, rule: yaml.Node, node: yaml.Node | None, what: str) -> Written:
        text = self.yaml.text_of(node, f"expr of {what}")
        if not text.strip():
            self.yaml.report(node or rule, f"{what} has no expr", "add expr: with a PromQL expression")
        return self._written(node or rule, text)

    def _written(self, node: yaml.Node, text: str) -> Written:
        return Written(text, lambda line, column: self.yaml.place_within(node, line, column))

    def _duration(self, node: yaml.Node | None, what: str) -> int:
        text = self.yaml.text_of(node, what)
        if node is None or not text:
            return 0
        try:
            return milliseconds(text)
        except Rejected as error:
            hint = f'write "{text}s" for {text} seconds' if text.isdigit() else ""
            self.yaml.report(node, f"{what}: {error}", hint)
            return 0

    def _limit(self, node: yaml.Node | None, what: str) -> int:
        text = self.yaml.text_of(node, what)
        if node is not None and text and not text.isdigit():
            self.yaml.report(node, f"{what} has to be a whole number", "write 0 for no limit")
            return 0
        return int(text or 0)

    def _labels(self, node: yaml.Node | None, what: str) -> dict[str, Written]:
        labels = self._texts(node, what)
        if node is not None and "__name__" in labels:
            self.yaml.report(node, f"{what} contain __name__", "the name of a series is set with record:")
        return labels

    def _texts(self, node: yaml.Node | None, what: str) -> dict[str, Written]:
        if node is None:
            return {}
        entries = self.yaml.mapping(node, what)
        for name in entries:
            if not name:
                self.yaml.report(node, f"{what} contain an empty name", "use letters, digits and _")
        return {
            name: self._written(value, self.yaml.text_of(value, f"{name} in {what}")) for name, value in entries.items()
        }
