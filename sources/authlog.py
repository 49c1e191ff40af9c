"""``auth.log`` of a Linux host: what sshd, sudo and su write to syslog.

A line gives one event or none, so that counts equal those of ``grep``: lines that repeat another line's fact, such as
PAM's, give none. syslog's ``message repeated N times: [ ... ]`` is one line; N is kept in ``attributes.repeated``.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from schemas.events import Security, SecurityEvent
from schemas.events.security import SecurityKind
from schemas.failures import Rejected
from sources import Options

NAME = "authlog"
DESCRIPTION = "syslog's auth.log: logins, failed passwords, unknown users, sudo and su; --year, as syslog writes none."

_LINE = re.compile(r"(?P<month>[A-Z][a-z]{2}) +(?P<day>\d+) (?P<clock>\d\d:\d\d:\d\d) (?P<host>\S+) (?P<rest>.*)")
_MESSAGE = re.compile(r"(?P<program>[\w.-]+)(?:\[\d+\])?: +(?P<text>.*)")
_REPEATED = re.compile(r"message repeated (?P<times>\d+) times: \[ (?P<text>.*)\]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# The user's name is the attacker's text and may itself say "from 1.2.3.4": the line's last address is the real one.
_FROM = r"(?:invalid user )?(?P<user>.*) from (?P<address>[\w.:%-]{1,128})"
_AS = r"TTY=.* ; USER=(?P<target>\S+) ; COMMAND=(?P<action>.*)"


class _Fact(NamedTuple):
    """What a program's text says. A refused public key is no failed login: clients try one after the other."""

    program: str
    reason: str
    kind: SecurityKind
    outcome: Literal["success", "failure", "denied"]
    pattern: str


_FACTS = (
    _Fact("sshd", "Failed password", "auth_failure", "failure", rf"Failed password for {_FROM} port "),
    _Fact("sshd", "Accepted", "auth_success", "success", rf"Accepted \w+ for {_FROM} port "),
    _Fact("sshd", "Invalid user", "unauthorized_attempt", "failure", rf"Invalid user {_FROM}(?: port \d+)?$"),
    _Fact("sudo", "sudo", "privileged_action", "success", rf"(?P<user>\S+) : {_AS}"),
    _Fact("sudo", "sudo refused", "privileged_action", "denied", rf"(?P<user>\S+) : .* ; {_AS}"),
    _Fact("su", "su", "privileged_action", "success", r"Successful su for (?P<target>\S+) by (?P<user>\S+)"),
    _Fact("su", "su refused", "privileged_action", "denied", r"FAILED su for (?P<target>\S+) by (?P<user>\S+)"),
)


def detect(name: str, first: bytes) -> bool:
    """Lines of syslog, some of them from sshd, sudo or CRON."""
    return bool(re.match(rb"[A-Z][a-z]{2} [ \d]\d [\d:]{8} \S+ ", first) and re.search(rb" (sshd|sudo|CRON)\b", first))


def events(lines: Iterable[bytes], options: Options) -> Iterator[SecurityEvent]:
    """Times are UTC. A month that goes back by more than half a year begins the next year.

    Raises ``Rejected`` for a day that its year does not have.
    """
    year, last = options.year, 0
    for number, raw in enumerate(lines, 1):
        line = _LINE.match(raw.decode("utf-8", "replace"))
        if not line or line["month"] not in _MONTHS:
            continue
        month = _MONTHS.index(line["month"]) + 1
        year, last = (year + 1 if last - month > 6 else year), month
        data = _told(line["rest"])
        if data is not None:
            try:
                moment = datetime.fromisoformat(f"{year}-{month:02}-{int(line['day']):02}T{line['clock']}")
            except ValueError:
                raise Rejected(f"{options.name}, line {number}: {year} has no such day or time; see --year") from None
            yield SecurityEvent(
                specversion="1.0",
                id=f"{line['host']}-{number}",
                source=f"/{data.service}/{line['host']}",
                time=moment.replace(tzinfo=UTC),
                data=data,
            )


def _told(rest: str) -> Security | None:
    """What a line after its host says, when it is one of the facts."""
    message = _MESSAGE.match(rest)
    if not message:
        return None
    program, text = message["program"], message["text"]
    repeated = _REPEATED.match(text)
    if repeated:
        text = repeated["text"]
    for fact in _FACTS:
        found = re.match(fact.pattern, text) if fact.program == program else None
        if found:
            parts = found.groupdict()
            return Security(
                service=program,
                kind=fact.kind,
                outcome=fact.outcome,
                actor=parts["user"][:4096],
                address=parts.get("address", ""),
                target=parts.get("target", "")[:4096],
                action=parts.get("action", "")[:4096],
                reason=fact.reason,
                attributes={"repeated": repeated["times"]} if repeated else {},
            )
    return None
