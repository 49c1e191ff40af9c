"""What is published, and what has to come of it. Event time is made up here, so that nothing depends on the clock.

Every second of event time is the same for all partitions of a topic: values are encoded once and published twelve
times, which makes ten million events cheap.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from time import gmtime, strftime
from typing import NamedTuple

PARTITIONS = 12
TOPICS = ("metrics", "security", "processing")
SERVICES, OVENS = 20, 4
HOLD = 30
"""The ``for`` of the rule, seconds."""

CYCLE = 180
"""Seconds in which every oven is hot once; all of them are cold at the end of one."""
_HOT = ((20, 110), (30, 120), (40, 130), (50, 70))
"""From second to second of a cycle, in steps of a pane. The last oven cools down before the rule has held."""

POISON = (b"{", b"\xff\xfe", b"[]", b'{"specversion":"1.0"}')
"""What nobody can read."""

Window = tuple[str, str, int, int]
"""Name, service, seconds, start."""


class Summary(NamedTuple):
    """Of the values in a window."""

    count: int
    sum: float
    min: float
    max: float


class Transition(NamedTuple):
    """Of an alert. ``since``: the second at which its cause began; rules see it within one pane."""

    oven: str
    state: str
    since: int


class Truth:
    """``seconds`` of event time from ``start``, with ``load`` metric events a second in each of the partitions."""

    def __init__(self, start: int, seconds: int, load: int) -> None:
        assert start % 300 == seconds % 300 == 0
        self.start, self.seconds, self.load = start, seconds, load

    def second(self, topic: str, number: int) -> list[bytes]:
        """The values of second ``number`` that are published to every partition of a topic."""
        return list({"metrics": self._metrics, "security": _security, "processing": _processing}[topic](self, number))

    def poison(self, topic: str, partition: int, number: int) -> bytes | None:
        """What follows them in this partition, if anything does."""
        turn = number * 7 + partition
        return POISON[turn // 11 % len(POISON)] if turn % (11 if topic == "metrics" else 31) == 0 else None

    def closing(self) -> bytes:
        """Published last, everywhere: it lets event time pass the end of every window."""
        return b'{"specversion":"1.0","type":"tidewatch.metric","id":"end","source":"/chaos","time":"%s","data":%s}' % (
            _time(self.start + self.seconds + 400),
            b'{"service":"end","name":"the.end","kind":"counter","value":1}',
        )

    def ends(self, topic: str) -> list[int]:
        """How many records each partition holds, without the closing one."""
        return [list(self._lengths(topic, partition))[-1] for partition in range(PARTITIONS)]

    def dead(self, topic: str, partition: int) -> list[int]:
        """The offsets of the poison in a partition."""
        ends = enumerate(self._lengths(topic, partition))
        return [end - 1 for number, end in ends if self.poison(topic, partition, number) is not None]

    def windows(self) -> dict[Window, Summary]:
        """Of one and five minutes, of the counters and histograms."""
        values: dict[Window, list[tuple[int, float, float, float]]] = defaultdict(list)
        for number in range(self.seconds):
            for (name, service), found in self._values(number).items():
                at = self.start + number
                part = (len(found), sum(found), min(found), max(found))
                for size in (60, 300):
                    values[name, service, size, at - at % size].append(part)
        return {at: _summary(parts) for at, parts in values.items()}

    def transitions(self) -> set[Transition]:
        """Of all ovens, in all cycles."""
        made = set()
        for cycle in range(self.start, self.start + self.seconds - CYCLE + 1, CYCLE):
            for number, (hot, cold) in enumerate(_HOT):
                held = cold - hot > HOLD
                made |= {Transition(f"oven{number}", "pending", cycle + hot)}
                made |= {Transition(f"oven{number}", "firing", cycle + hot)} if held else set()
                made |= {Transition(f"oven{number}", "resolved" if held else "inactive", cycle + cold)}
        return made

    def _lengths(self, topic: str, partition: int) -> Iterator[int]:
        same = self.load if topic == "metrics" else self.load // 20
        return accumulate(same + (self.poison(topic, partition, n) is not None) for n in range(self.seconds))

    def _metrics(self, _: "Truth", number: int) -> Iterator[bytes]:
        time = _time(self.start + number)
        form = (
            b'{"specversion":"1.0","type":"tidewatch.metric","id":"%d-%d","source":"/chaos/%d","time":"%s","data":'
            b'{"service":"%s","name":"%s","kind":"%s","value":%d,"labels":{"region":"eu","zone":"a"}}}'
        )
        for at in range(self.load - OVENS):
            name, kind = (b"jobs.done", b"counter") if at // SERVICES % 2 else (b"work.ms", b"histogram")
            yield form % (number, at, at, time, b"s%d" % (at % SERVICES), name, kind, _value(number, at))
        for oven, (hot, cold) in enumerate(_HOT):
            celsius = 40 if hot <= number % CYCLE < cold and number // CYCLE < self.seconds // CYCLE else 20
            yield form % (number, oven, oven, time, b"oven%d" % oven, b"temperature.celsius", b"gauge", celsius)

    def _values(self, number: int) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at in range(self.load - OVENS):
            found["jobs_done" if at // SERVICES % 2 else "work_ms", f"s{at % SERVICES}"].append(_value(number, at))
        return found


def _security(truth: Truth, number: int) -> Iterator[bytes]:
    for at in range(truth.load // 20):
        yield (
            b'{"specversion":"1.0","type":"tidewatch.security","id":"%d-%d","source":"/door","time":"%s","data":'
            b'{"service":"door","kind":"privileged_action","outcome":"success","actor":"a%d","mfa":true}}'
            % (number, at, _time(truth.start + number), at)
        )


def _processing(truth: Truth, number: int) -> Iterator[bytes]:
    for at in range(truth.load // 20):
        yield (
            b'{"specversion":"1.0","type":"tidewatch.processing","id":"%d-%d","source":"/files","time":"%s","data":'
            b'{"service":"files","operation":"read","data_categories":["personal"],"purpose":"support",'
            b'"legal_basis":"contract","retention_days":30,"actor":"a%d"}}'
            % (number, at, _time(truth.start + number), at)
        )


def _value(number: int, at: int) -> int:
    return (number + at // SERVICES) % 9 + 1


def _summary(parts: list[tuple[int, float, float, float]]) -> Summary:
    """Of a window: every part is in every partition."""
    counts, sums, lows, highs = zip(*parts, strict=True)
    return Summary(sum(counts) * PARTITIONS, float(sum(sums) * PARTITIONS), float(min(lows)), float(max(highs)))


def _time(at: int) -> bytes:
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(at)).encode()
