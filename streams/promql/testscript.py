"""Prometheus' test scripts, read into commands: ``load``, ``eval instant``, ``eval range``, ``clear``."""

import re
from collections.abc import Iterator

import msgspec

from schemas.duration import milliseconds
from schemas.failures import Rejected
from streams.promql.notation import NativeHistogram, metric, number, series_line, unquoted, values
from streams.promql.values import Labels

_LOAD = re.compile(r"load(_with_nhcb)?\s+(\S+)$")
_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$")
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$")
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(msg|regex):\s*(.+?))?$")
_EXPECT_RANGE = re.compile(r"expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$")
_EXPECT_STRING = re.compile(r"expect\s+string\s+(.+)$")


class Clear(msgspec.Struct, frozen=True):
    """Removes everything that was loaded."""


class Load(msgspec.Struct, frozen=True):
    """Series with a value every ``step_ms`` from time 0 on; ``unsupported``: those that cannot be loaded, and why."""

    step_ms: int
    series: list[tuple[Labels, list[float | None]]]
    unsupported: list[tuple[Labels, str]]


class Expectation(msgspec.Struct, frozen=True):
    """What an ``expect`` line asks for; ``text`` is compared as it is, or searched as a pattern."""

    kind: str
    text: str = ""
    is_pattern: bool = False

    def accepts(self, message: str) -> bool:
        """Whether a message is the one that is expected."""
        if self.is_pattern:
            return re.search(self.text, message) is not None
        return not self.text or self.text == message


class Eval(msgspec.Struct, kw_only=True):
    """An expression and its expected result; times in ms."""

    line: int
    expression: str
    is_range: bool
    start_ms: int
    end_ms: int
    step_ms: int = 0
    expectations: list[Expectation]
    result: dict[Labels, list[float | None]]
    """By series; an instant evaluation has one value each."""
    number: float | None = None
    string: str | None = None
    is_matrix: bool = False
    """An instant evaluation that gives a range vector."""
    unsupported: str = ""
    """Why the expected result cannot be checked."""

    def expects(self, kind: str) -> list[Expectation]:
        """The expectations of that kind."""
        return [each for each in self.expectations if each.kind == kind]


Command = Clear | Load | Eval


def parse_script(text: str) -> Iterator[Command]:
    """The commands of a script. Raises Rejected with the number of the line."""
    lines = [line.strip() for line in text.splitlines()]
    lines = ["" if line.startswith("#") else line for line in lines]
    index = 0
    while index < len(lines):
        start = index
        if not lines[index]:
            index += 1
            continue
        while index < len(lines) and lines[index]:
            index += 1
            if lines[index - 1] == "clear" or _next_is_command(lines, index):
                break
        try:
            yield _command(lines[start], lines[start + 1 : index], start + 1)
        except Rejected as error:
            raise Rejected(f"line {start + 1}: {error}") from None


def _next_is_command(lines: list[str], index: int) -> bool:
    return (
        index < len(lines)
        and lines[index].startswith(("eval ", "eval_", "load ", "load_"))
        and lines[index][4:5] != "{"
    )


def _command(first: str, rest: list[str], line: int) -> Command:
    if first == "clear":
        return Clear()
    if (load := _LOAD.match(first)) is not None:
        return _load(milliseconds(load[2]), load[1] is not None, rest)
    if (instant := _INSTANT.match(first)) is not None:
        at_ms = milliseconds(instant[2] or "0")
        command = _empty_eval(line, instant[3], instant[1])
        command.start_ms = command.end_ms = at_ms
        return _with_expected(command, rest)
    if (over := _RANGE.match(first)) is not None:
        command = _empty_eval(line, over[5], over[1])
        command.is_range = True
        command.start_ms, command.end_ms, command.step_ms = map(milliseconds, over.groups()[1:4])
        return _with_expected(command, rest)
    raise Rejected(f"{first!r} is not a command; there are load, clear, eval instant and eval range")


def _load(step_ms: int, with_nhcb: bool, lines: list[str]) -> Load:
    series: list[tuple[Labels, list[float | None]]] = []
    unsupported: list[tuple[Labels, str]] = []
    for line in lines:
        labels, rest = metric(line)
        if rest.startswith("@st"):
            unsupported.append((labels, "start timestamps of counters are experimental and not supported"))
            continue
        try:
            series.append((labels, values(rest)))
        except NativeHistogram as error:
            unsupported.append((labels, str(error)))
        if with_nhcb:
            name = re.sub("_(bucket|count|sum)$", "", labels.get("__name__", ""))
            native = Labels({**labels.drop(frozenset({"le"})), "__name__": name})
            unsupported.append((native, "native histograms are not supported"))
    return Load(step_ms, series, unsupported)


def _empty_eval(line: int, expression: str, modifier: str | None) -> Eval:
    expectations = [Expectation(modifier)] if modifier else []
    return Eval(
        line=line, expression=expression, is_range=False, start_ms=0, end_ms=0, expectations=expectations, result={}
    )


def _with_expected(command: Eval, lines: list[str]) -> Eval:
    for line in lines:
        if line.startswith(("expected_fail_message", "expected_fail_regexp")):
            kind, _, text = line.partition(" ")
            command.expectations = [Expectation("fail", text.strip(), kind.endswith("regexp"))]
        elif line.split(" ")[0] == "expect":
            _expect(command, line)
        else:
            _expected_values(command, line)
    return command


def _expect(command: Eval, line: str) -> None:
    if (over := _EXPECT_RANGE.match(line)) is not None:
        command.is_matrix = True
        command.start_ms, _, command.step_ms = map(milliseconds, over.groups())
    elif (string := _EXPECT_STRING.match(line)) is not None:
        command.string = unquoted(string[1])
    elif (expected := _EXPECT.match(line)) is not None:
        text = (expected[3] or "").strip()
        command.expectations.append(Expectation(expected[1], text, expected[2] == "regex"))
    else:
        raise Rejected(f"{line!r} is not an expectation")


def _expected_values(command: Eval, line: str) -> None:
    try:
        command.number = number(line)
    except Rejected:
        pass
    else:
        return
    try:
        labels, found = series_line(line)
    except NativeHistogram as error:
        command.unsupported = str(error)
        return
    command.result[labels] = found
