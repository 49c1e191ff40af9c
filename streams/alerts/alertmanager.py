"""Alertmanager's configuration, as far as it says who is told: receivers, routes, and mistakes in either."""

import re
from collections.abc import Iterator

import msgspec
import yaml

from schemas.yamltext import Place, Problem, YamlText
from streams.alerts.routes import Route, read_routes

_SECTIONS = (
    *("global", "route", "receivers", "inhibit_rules", "templates", "time_intervals", "mute_time_intervals", "tracing"),
)
_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.S)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_FIELD = re.compile(r"(?<![\w$).])\.([A-Za-z]\w*)")
_FIELDS = frozenset(
    {
        *("Receiver", "Status", "Alerts", "GroupLabels", "CommonLabels", "CommonAnnotations", "ExternalURL"),
        *("Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"),
        *("Firing", "Resolved", "Names", "Values", "SortedPairs", "Name"),
        *("GroupKey", "TruncatedAlerts", "NotificationReason"),
    }
)
"""Of what templates get (Alertmanager, ``template/template.go``: ``Data``, ``Alert``, ``Alerts``, ``KV``, ``Pair``)."""

_MISTAKEN_KEYS = {
    ("email_configs", "subject"): "write headers: {Subject: ...}",
    ("email_configs", "body"): "write html: or text:",
}
_INLINE_SECRETS = re.compile(
    r"(smtp_auth_password|auth_password|password|api_url|routing_key|service_key|bearer_token|credentials|api_key)$"
)


class Receiver(msgspec.Struct, frozen=True):
    """Somebody who is told, and by what: ``email``, ``slack`` ..."""

    name: str
    kinds: tuple[str, ...]
    place: Place


class AlertmanagerConfig(msgspec.Struct, frozen=True):
    """Who is told of what."""

    route: Route | None
    receivers: tuple[Receiver, ...]


def is_alertmanager_config(text: str) -> bool:
    """Whether a YAML file is one, and not a file of rules or ladders."""
    return re.search(r"^receivers\s*:", text, re.M) is not None and re.search(r"^route\s*:", text, re.M) is not None


def read_config(text: str, file: str) -> tuple[AlertmanagerConfig, list[Problem], list[Problem]]:
    """The configuration, the mistakes for which Alertmanager refuses it or fails to notify, and remarks."""
    reader = _Reader(text, file)
    config = reader.config()
    return config, sorted(reader.yaml.problems), sorted(reader.remarks)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.yaml = YamlText(text, file)
        self.remarks: list[Problem] = []

    def config(self) -> AlertmanagerConfig:
        if self.yaml.root is None:
            return AlertmanagerConfig(None, ())
        entries = self.yaml.mapping(self.yaml.root, "the file", _SECTIONS)
        receivers = tuple(self._receiver(node) for node in self.yaml.items(entries.get("receivers"), "receivers"))
        for node in entries.values():
            self._secrets(node)
        if "route" not in entries:
            self.yaml.report(self.yaml.root, "the file has no route", "add route: with a receiver")
            return AlertmanagerConfig(None, receivers)
        route = read_routes(self.yaml, entries["route"])
        names = {receiver.name for receiver in receivers}
        for *_, each in route.paths():
            if each.receiver and each.receiver not in names:
                text = f"the route names the receiver {each.receiver!r}, which is not there"
                known = ", ".join(sorted(names)) or "none yet"
                self.yaml.problems.append(Problem(each.place, text, f"add it to receivers, or name one of {known}"))
        return AlertmanagerConfig(route, receivers)

    def _receiver(self, node: yaml.Node) -> Receiver:
        entries = self.yaml.mapping(node, "a receiver")
        name = self.yaml.text_of(entries.get("name"), "name")
        if not name:
            self.yaml.report(node, "a receiver has no name", "add name:, which routes refer to")
        kinds = [key for key in entries if key.endswith("_configs")]
        for kind in kinds:
            for item in self.yaml.items(entries[kind], kind):
                self._integration(kind, item)
        return Receiver(name, tuple(kind.removesuffix("_configs") for kind in kinds), self.yaml.place(node))

    def _integration(self, kind: str, node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                fix = _MISTAKEN_KEYS.get((kind, str(key.value)))
                if fix:
                    self.yaml.report(key, f"{kind} has no {key.value}", fix)
                for scalar in _scalars(value):
                    self._template(scalar)

    def _template(self, node: yaml.ScalarNode) -> None:
        for action in _ACTION.finditer(node.value):
            code = _STRING.sub('""', action[1])
            line = node.value.count("\n", 0, action.start()) + 1
            column = action.start() - (node.value.rfind("\n", 0, action.start()) + 1) + 1
            place = self.yaml.place_within(node, line, column)
            for field in sorted(set(_FIELD.findall(code)) - _FIELDS):
                text = f"templates of Alertmanager have no .{field}: the notification would fail"
                self.yaml.problems.append(Problem(place, text, _instead(field)))
            for variable in sorted(set(re.findall(r"\$(?:value|labels)\b", code))):
                text = f"{variable} is for the templates of rules, and not there in those of Alertmanager"
                self.yaml.problems.append(Problem(place, text, _instead(variable)))

    def _secrets(self, node: yaml.Node) -> None:
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self._secrets(item)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = str(key.value)
                if isinstance(value, yaml.ScalarNode) and value.value and _INLINE_SECRETS.fullmatch(name):
                    text = f"{name} holds a secret in a file that many can read"
                    self.remarks.append(Problem(self.yaml.place(key), text, f"put it into a file named by {name}_file"))
                self._secrets(value)


def _instead(word: str) -> str:
    if word in ("Value", "$value"):
        return "put {{ $value }} into an annotation of the rule, and .Annotations.NAME here"
    return "labels are .Labels.NAME inside {{ range .Alerts }}, and .CommonLabels.NAME outside"


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """The texts below a node."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _scalars(value)
