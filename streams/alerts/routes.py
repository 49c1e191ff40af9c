"""Alertmanager's tree of routes: which receivers an alert reaches, and which it may reach.

A route is entered when all of its matchers fit. Its first child that fits takes the alert, and those after it too while
``continue`` is set; when no child fits, the route itself does (Alertmanager, ``dispatch/route.go``).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec
import yaml

from schemas.failures import Rejected
from schemas.yamltext import Place, YamlText
from streams.alerts.matchers import parse_matchers
from streams.promql.matcher import Matcher, matches_all

Fits = Literal["no", "perhaps", "surely"]


class Known(msgspec.Struct, frozen=True):
    """What is known beforehand of an alert's labels."""

    values: Mapping[str, str | None]
    """None: it may have any."""
    has_others: bool
    """Whether it may have further labels."""

    def of(self, label: str) -> str | None:
        """The value of a label, empty when it cannot have it; None: it may be anything."""
        return self.values.get(label, None if self.has_others else "")

    def with_label(self, label: str, value: str) -> "Known":
        """The same alert with one more label."""
        return Known({**self.values, label: value}, self.has_others)

    def fits(self, matchers: Iterable[Matcher]) -> Fits:
        """Whether the matchers fit."""
        found: Fits = "surely"
        for matcher in matchers:
            value = self.of(matcher.name)
            if value is None:
                found = "perhaps"
            elif not matcher.test()(value):
                return "no"
        return found


class Route(msgspec.Struct, frozen=True):
    """A node of the tree."""

    receiver: str
    matchers: tuple[Matcher, ...]
    goes_on: bool
    """``continue``: siblings after it are looked at too."""
    routes: tuple["Route", ...]
    group_wait: str
    place: Place

    def reached(self, labels: Mapping[str, str]) -> list["Route"]:
        """The routes that an alert ends in; none when this one does not fit."""
        if not matches_all(self.matchers, labels):
            return []
        found: list[Route] = []
        for child in self.routes:
            reached = child.reached(labels)
            found += reached
            if reached and not child.goes_on:
                break
        return found or [self]

    def reachable(self, known: Known) -> Iterator["Route"]:
        """The routes that an alert may end in, whatever its other labels are."""
        is_taken = False
        for child in self.routes:
            fits = known.fits(child.matchers)
            if fits == "no":
                continue
            yield from child.reachable(known)
            is_taken = is_taken or fits == "surely"
            if fits == "surely" and not child.goes_on:
                break
        if not is_taken:
            yield self

    def paths(self, above: tuple["Route", ...] = ()) -> Iterator[tuple["Route", ...]]:
        """Every route of the tree, with those above it first."""
        path = (*above, self)
        yield path
        for child in self.routes:
            yield from child.paths(path)


def read_routes(text: YamlText, node: yaml.Node, above: Route | None = None) -> Route:
    """The tree below a node of the configuration; mistakes are reported there."""
    entries = text.mapping(node, "a route")
    receiver = text.text_of(entries.get("receiver"), "receiver") or (above.receiver if above else "")
    matchers = tuple(_matchers(text, entries))
    if above is None and not receiver:
        text.report(node, "the first route names no receiver", "add receiver: with the name of one")
    if above is None and matchers:
        text.report(node, "the first route has matchers, but every alert has to enter it", "move them to a child route")
    route = Route(
        receiver,
        matchers,
        text.text_of(entries.get("continue"), "continue") == "true",
        (),
        text.text_of(entries.get("group_wait"), "group_wait") or (above.group_wait if above else "30s"),
        text.place(entries.get("receiver", node)),
    )
    children = tuple(read_routes(text, child, route) for child in text.items(entries.get("routes"), "routes"))
    return msgspec.structs.replace(route, routes=children)


def _matchers(text: YamlText, entries: Mapping[str, yaml.Node]) -> Iterator[Matcher]:
    for item in text.items(entries.get("matchers"), "matchers"):
        try:
            yield from parse_matchers(text.text_of(item, "a matcher"))
        except Rejected as error:
            text.report(item, str(error))
    for key, op in (("match", "="), ("match_re", "=~")):
        node = entries.get(key)
        for name, value in text.mapping(node, key).items() if node is not None else ():
            yield Matcher(name, "=" if op == "=" else "=~", text.text_of(value, name))
