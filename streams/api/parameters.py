"""What a request asks for: Prometheus' forms of times, durations and selectors."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import promql_parser

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.promql import Expression, Matcher, compile_expression

TENANT_HEADER = "X-Scope-OrgID"
DEFAULT_TENANT = "default"

MOST_POINTS = 11_000
"""Of one series in the answer to a range query, as in Prometheus."""

_LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""


class BadRequest(Rejected):
    """The request cannot be understood, whatever the data are."""


class BadParameter(BadRequest):
    """A parameter is missing or cannot be understood."""

    def __init__(self, name: str, why: object) -> None:
        super().__init__(f'invalid parameter "{name}": {why}')


class Parameters:
    """Parameters of a request, from the address and from a form in its body."""

    def __init__(self, values: Mapping[str, Sequence[str]], tenant: str) -> None:
        self._values = values
        self.tenant = tenant or DEFAULT_TENANT

    def text(self, name: str) -> str:
        """The first value; empty when there is none."""
        return next(iter(self._values.get(name, ())), "")

    def texts(self, *names: str) -> list[str]:
        """Every value of any of these names."""
        return [value for name in names for value in self._values.get(name, ())]

    def expression(self) -> Expression:
        """``query``, compiled."""
        text = self.text("query")
        try:
            return compile_expression(text)
        except Rejected as error:
            raise BadParameter("query", error) from None

    def time_ms(self, name: str, otherwise: int | None = None) -> int:
        """A time: Unix seconds or RFC 3339."""
        given = self.text(name)
        if not given and otherwise is not None:
            return otherwise
        try:
            return time_ms(given)
        except Rejected as error:
            raise BadParameter(name, error) from None

    def duration_ms(self, name: str, otherwise: int | None = None) -> int:
        """A duration: seconds, or as Prometheus writes them. Positive."""
        given = self.text(name)
        if not given and otherwise is not None:
            return otherwise
        try:
            found = duration_ms(given)
        except Rejected as error:
            raise BadParameter(name, error) from None
        if found <= 0:
            raise BadParameter(
                name, "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        return found

    def limit(self) -> int:
        """``limit``: 0 for none."""
        given = self.text("limit") or "0"
        if not given.isdecimal():
            raise BadParameter("limit", f"{given!r} is not a whole number, 0 or more")
        return int(given)

    def selectors(self) -> list[tuple[Matcher, ...]]:
        """``match[]``, each as its matchers."""
        return [_selector(text) for text in self.texts("match[]")]

    def steps(self) -> tuple[int, int, int]:
        """Start, end and step of a range query, in ms."""
        start, end = self.time_ms("start"), self.time_ms("end")
        if end < start:
            raise BadParameter("end", "end timestamp must not be before start time")
        step = self.duration_ms("step")
        if (end - start) // step > MOST_POINTS:
            raise BadRequest(
                f"exceeded maximum resolution of {MOST_POINTS:,} points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        return start, end, step


def time_ms(text: str) -> int:
    """Epoch ms of Unix seconds or an RFC 3339 time. Raises Rejected."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise Rejected(f"cannot parse {text!r} to a valid timestamp") from None
        seconds = moment.timestamp()
    if not math.isfinite(seconds) or abs(seconds) * 1000 > _LATEST_MS:
        raise Rejected(f"cannot parse {text!r} to a valid timestamp: it is out of range")
    return round(seconds * 1000)


def duration_ms(text: str) -> int:
    """Milliseconds of a number of seconds or a Prometheus duration. Raises Rejected."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            return milliseconds(text)
        except Rejected:
            raise Rejected(f"cannot parse {text!r} to a valid duration") from None
    if not math.isfinite(seconds) or abs(seconds) * 1000 > _LATEST_MS:
        raise Rejected(f"cannot parse {text!r} to a valid duration: it is out of range")
    return round(seconds * 1000)


def _selector(text: str) -> tuple[Matcher, ...]:
    try:
        expression = compile_expression(text)
        found = expression.selectors()
        if len(found) != 1 or not isinstance(promql_parser.parse(text), promql_parser.VectorSelector):
            raise Rejected(f"{text!r} is not a selector")
    except Rejected as error:
        raise BadParameter("match[]", error) from None
    return tuple(found[0][0])
