"""auth.log becomes security events, one a line, as grep would count them."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.events import SecurityEvent
from schemas.failures import Rejected
from sources import Options, authlog

FILE = Path(__file__).parents[2] / "demo" / "data" / "authlog" / "auth.log"
LINES = FILE.read_bytes().splitlines()


def parse(*lines: str, year: int = 2017) -> list[SecurityEvent]:
    encoded = [line.encode("utf-8", "surrogateescape") for line in lines]
    return list(authlog.events(encoded, Options(year=year)))


def ssh(text: str, clock: str = "Mar 30 15:54:46") -> SecurityEvent:
    (event,) = parse(f"{clock} ip-10-77-20-248 sshd[1291]: {text}")
    return event


def test_failures_a_minute_equal_those_of_grep() -> None:
    """Counted by text alone: lines with ``Failed password`` by their minute."""
    grep = Counter(line[7:12].decode() for line in LINES if b"Failed password" in line)
    failures = [event for event in authlog.events(LINES, Options()) if event.data.kind == "auth_failure"]
    assert Counter(event.time.strftime("%H:%M") for event in failures) == grep


def test_the_shipped_extract_holds_a_burst() -> None:
    """At least ten failures from one address within five minutes, found with a regular expression of its own."""
    failures = []
    for line in LINES:
        found = re.search(rb" (\d+):(\d+):(\d+) .*Failed password .* from (\S+) port", line)
        if found and found[4] == b"24.151.103.17":
            failures.append(int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]))
    assert any(later - earlier < 300 for earlier, later in zip(failures, failures[9:], strict=False))


def test_a_failed_password() -> None:
    """Who, from where, when; the year is the reader's."""
    event = ssh("Failed password for root from 203.0.113.9 port 4242 ssh2")
    assert (event.data.kind, event.data.outcome, event.data.service) == ("auth_failure", "failure", "sshd")
    assert (event.data.actor, event.data.address) == ("root", "203.0.113.9")
    assert event.time == datetime(2017, 3, 30, 15, 54, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, actor, address",
    [
        ("Failed password for invalid user  from 1.2.3.4 port 1 ssh2", "", "1.2.3.4"),
        ("Failed password for invalid user a b from 1.2.3.4 port 1 ssh2", "a b", "1.2.3.4"),
        ("Failed password for root from fe80::1%eth0 port 1 ssh2", "root", "fe80::1%eth0"),
        (
            "Failed password for invalid user x from 9.9.9.9 port 22 ssh2 from 1.2.3.4 port 1 ssh2",
            "x from 9.9.9.9 port 22 ssh2",
            "1.2.3.4",
        ),
        ("Failed password for invalid user \udcff from 1.2.3.4 port 1 ssh2", "\ufffd", "1.2.3.4"),
    ],
    ids=["empty name", "name with a space", "IPv6", "name that feigns an address", "name that is not UTF-8"],
)
def test_names_are_the_attackers_text(text: str, actor: str, address: str) -> None:
    """Whatever the name holds, the address is the one that sshd wrote."""
    assert (ssh(text).data.actor, ssh(text).data.address) == (actor, address)


def test_a_repeated_message_is_one_line() -> None:
    """As grep counts; how often is kept."""
    event = ssh("message repeated 4 times: [ Failed password for root from 1.2.3.4 port 1 ssh2]")
    assert (event.data.kind, event.data.actor, event.data.attributes) == ("auth_failure", "root", {"repeated": "4"})


SUDO = "TTY=pts/1 ; PWD=/home/ubuntu ; USER=root ; COMMAND=/bin/ls"
FACTS = {
    "sshd[1]: Accepted publickey for ann from 1.2.3.4 port 1 ssh2: RSA x": ("auth_success", "success", "ann", ""),
    "sshd[1]: Invalid user eve from 1.2.3.4": ("unauthorized_attempt", "failure", "eve", ""),
    f"sudo:      ann : {SUDO}": ("privileged_action", "success", "ann", "root"),
    f"sudo: eve : user NOT in sudoers ; {SUDO}": ("privileged_action", "denied", "eve", "root"),
    "su[1]: Successful su for root by ann": ("privileged_action", "success", "ann", "root"),
    "su[1]: FAILED su for root by eve": ("privileged_action", "denied", "eve", "root"),
}


@pytest.mark.parametrize("line, expected", FACTS.items())
def test_other_facts(line: str, expected: tuple[str, ...]) -> None:
    """Logins, unknown users, sudo and su: kind, outcome, actor and target."""
    (event,) = parse(f"Mar 30 15:54:46 host {line}")
    assert (event.data.kind, event.data.outcome, event.data.actor, event.data.target) == expected


@pytest.mark.parametrize(
    "line",
    [
        "Mar 30 15:54:46 host sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 rhost=1.2.3.4",
        "Mar 30 15:54:46 host sshd[1]: Failed publickey for root from 1.2.3.4 port 1 ssh2: RSA SHA256:x",
        "Mar 30 15:54:46 host sudo: pam_unix(sudo:session): session opened for user root by ubuntu(uid=0)",
        "Mar 30 15:54:46 host cron[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "Foo 30 15:54:46 host sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "",
    ],
)
def test_other_lines_give_nothing(line: str) -> None:
    """Repetitions of another line's fact, other programs, and what is no syslog line."""
    assert parse(line) == []


def test_december_is_followed_by_the_next_year() -> None:
    """syslog writes no year."""
    text = "h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2"
    events = parse(f"Dec 31 23:59:59 {text}", f"Jan  1 00:00:00 {text}", f"Feb  2 00:00:00 {text}")
    assert [event.time.year for event in events] == [2017, 2018, 2018]


def test_a_day_that_the_year_does_not_have_is_rejected() -> None:
    """With the right year it is an event."""
    text = "Feb 29 12:00:00 h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2"
    assert parse(text, year=2020)[0].time.day == 29
    with pytest.raises(Rejected, match=r"line 1: 2017 has no such day or time; see --year"):
        parse(text)
