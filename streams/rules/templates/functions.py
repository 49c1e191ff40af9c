"""The functions of templates: Go's own and Prometheus'. Adding one is adding one entry to ``FUNCTIONS``."""

import html
import ipaddress
import json
import operator
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlsplit

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.promql.regex import anchored, expanded, translate
from streams.rules.templates.gofmt import shown, sprintf
from streams.rules.templates.humanize import (
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    number,
    to_time,
)

CONTEXTUAL = frozenset({"query", "now", "externalURL", "pathPrefix", "tmpl", "and", "or"})
"""Functions that need more than their arguments; the renderer has them."""


def _index(collection: Any, *keys: Any) -> Any:
    for key in keys:
        try:
            collection = collection.get(key, "") if isinstance(collection, dict) else collection[key]
        except (TypeError, IndexError, KeyError):
            raise Rejected(f"there is no element {shown(key)}") from None
    return collection


def _length(collection: Any) -> int:
    try:
        return len(collection)
    except TypeError:
        raise Rejected(f"{shown(collection)} has no length") from None


def _slice(collection: Any, *bounds: int) -> Any:
    return collection[slice(*(bounds if len(bounds) > 1 else (*bounds, None)))]


def _kind(value: Any) -> type:
    return bool if isinstance(value, bool) else type(value)


def _equal(first: Any, *others: Any) -> bool:
    if any(_kind(other) is not _kind(first) for other in others if other is not None and first is not None):
        raise Rejected("eq: incompatible types for comparison; compare a float with a number such as 10.0")
    return any(first == other for other in others)


def _ordered(name: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def comparison(left: Any, right: Any) -> bool:
        if _kind(left) is not _kind(right) or isinstance(left, bool) or not isinstance(left, int | float | str):
            raise Rejected(f"{name}: incompatible types for comparison; compare a float with a number such as 10.0")
        return compare(left, right)

    return comparison


def _print(*values: Any) -> str:
    out = ""
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            out += " "
        out += shown(value)
    return out


def truth(value: Any) -> bool:
    """Go's idea of truth: not the zero value, not empty."""
    return bool(value)


def _first(vector: Any) -> Any:
    if not vector:
        raise Rejected("first() called on a vector with no elements")
    return vector[0]


def _label(name: str, sample: Any) -> str:
    return str(sample["Labels"].get(name, ""))


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    compiled = _pattern(pattern)
    return compiled.sub(lambda found: expanded(replacement, found), text)


def _pattern(pattern: str) -> re.Pattern[str]:
    anchored(pattern)  # raises Rejected when it is not usable
    return re.compile(translate(pattern), re.ASCII)


def _title(text: str) -> str:
    return re.sub(r"[^\W\d_][\w']*", lambda word: word[0][0].upper() + word[0][1:], text)


def _host_and_port(text: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*)):([^:]*)", text)
    return (found[1] or found[2] or "", found[3]) if found else None


def _strip_port(text: str) -> str:
    found = _host_and_port(text)
    return found[0] if found else text


def _strip_domain(text: str) -> str:
    host, port = _host_and_port(text) or (text, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        short = host.split(".")[0]
        return f"{short}:{port}" if port else short
    return text


def _graph_link(tab: int) -> Callable[[str], str]:
    return lambda expression: f"/graph?g0.expr={quote_plus(expression)}&g0.tab={tab}"


def _to_duration(value: Any) -> timedelta:
    return timedelta(seconds=number(value))


def _parse_duration(text: str) -> float:
    negative = text.startswith("-")
    seconds = milliseconds(text.removeprefix("-")) / 1000
    return -seconds if negative else seconds


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "args": lambda *values: {f"arg{index}": value for index, value in enumerate(values)},
    "eq": _equal,
    "first": _first,
    "ge": _ordered("ge", operator.ge),
    "graphLink": _graph_link(0),
    "gt": _ordered("gt", operator.gt),
    "html": lambda *values: html.escape(_print(*values)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "index": _index,
    "js": lambda *values: json.dumps(_print(*values))[1:-1],
    "label": _label,
    "le": _ordered("le", operator.le),
    "len": _length,
    "lt": _ordered("lt", operator.lt),
    "match": lambda pattern, text: _pattern(pattern).search(text) is not None,
    "ne": lambda left, right: not _equal(left, right),
    "not": lambda value: not truth(value),
    "parseDuration": _parse_duration,
    "print": _print,
    "printf": sprintf,
    "println": lambda *values: " ".join(shown(value) for value in values) + "\n",
    "reReplaceAll": _replace_all,
    "safeHtml": lambda text: text,
    "slice": _slice,
    "sortByLabel": lambda name, vector: sorted(vector, key=lambda sample: _label(name, sample)),
    "stripDomain": _strip_domain,
    "stripPort": _strip_port,
    "strvalue": lambda sample: _label("__value__", sample),
    "tableLink": _graph_link(1),
    "title": _title,
    "toDuration": _to_duration,
    "toLower": str.lower,
    "toTime": to_time,
    "toUpper": str.upper,
    "urlQueryEscape": quote_plus,
    "urlquery": lambda *values: quote_plus(_print(*values)),
    "value": lambda sample: sample["Value"],
}


def path_of(url: str) -> str:
    """The path of a URL, without the slash at its end."""
    return urlsplit(url).path
