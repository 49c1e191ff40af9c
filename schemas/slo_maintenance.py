"""Reads maintenance: ``{name, start, for}`` once, ``{name, days, at, for}`` every week, in a zone, for services."""

import re
from collections.abc import Iterator, Mapping

import yaml

from schemas.slo import Maintenance
from schemas.slo_values import minutes, wall_time, zone
from schemas.yamltext import YamlText

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_KEYS = ("name", "services", "zone", "start", "days", "at", "from", "until", "for", "by", "declared")
_AT = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_EVER = "2000-01-01"


def read_maintenance(text: YamlText, node: yaml.Node | None) -> Iterator[Maintenance]:
    """The items of a list of maintenance."""
    for item in text.items(node, "maintenance"):
        entries = text.mapping(item, "maintenance", _KEYS)
        name = text.text_of(entries.get("name"), "name")
        if not name:
            text.report(item, "maintenance has no name", "say what is done, in a few words")
        if "for" not in entries or ("start" in entries) == ("days" in entries):
            text.report(item, "maintenance needs for: and either start: or days: with at:", "add what is missing")
            continue
        yield Maintenance(
            name=name,
            services=tuple(
                text.text_of(service, "services") for service in text.items(entries.get("services"), "services")
            ),
            zone=zone(text, entries["zone"], "zone") if "zone" in entries else "UTC",
            start=_start(text, item, entries),
            until=wall_time(text, entries["until"], "until") if "until" in entries else "",
            days=_days(text, entries.get("days")),
            minutes=_length(text, entries["for"]),
            declared_by=text.text_of(entries.get("by"), "by"),
            declared_at=text.text_of(entries.get("declared"), "declared"),
            place=text.place(item),
        )


def _start(text: YamlText, item: yaml.Node, entries: Mapping[str, yaml.Node]) -> str:
    if "start" in entries:
        return wall_time(text, entries["start"], "start")
    at = text.text_of(entries.get("at"), "at")
    if not _AT.fullmatch(at):
        text.report(entries.get("at", item), f"at is not a time of day: {at!r}", 'write "02:00"')
        at = "00:00"
    day = wall_time(text, entries["from"], "from")[:10] if "from" in entries else _EVER
    return f"{day} {at}:00"


def _days(text: YamlText, node: yaml.Node | None) -> tuple[int, ...]:
    found = []
    for item in text.items(node, "days"):
        name = text.text_of(item, "days")[:3].lower()
        if name in DAYS:
            found.append(DAYS.index(name))
        else:
            text.report(item, f"{name!r} is no day of the week", f"write {', '.join(DAYS)}")
    return tuple(sorted(set(found)))


def _length(text: YamlText, node: yaml.Node) -> int:
    found = minutes(text, node, "for")
    if not 0 < found <= 7 * 1440:
        text.report(node, "for is not from 1m to 7d", "write it like 90m or 2h")
    return found
