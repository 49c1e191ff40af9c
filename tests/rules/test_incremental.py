"""A rule that is evaluated only when it has to be gives what one gives that is evaluated at every instant."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alert import Alert
from streams.promql.moment import LOOKBACK_MS
from streams.rules import CompiledGroup, RuleEngine, compile_rules
from streams.windows.history import History
from streams.windows.panes import Cell, Series

SECOND = 1000
START = 1_700_000_000_000
PANE = 10 * SECOND

VECTORS = (
    "c",
    'c{a="x"}',
    'g{a=~"x|y"}',
    "g offset 20s",
    "c offset 30s",
    "g offset -10s",
    "g @ 1700000060",
    "rate(c[30s])",
    "increase(c[1m])",
    "rate(c[15s])",
    "irate(c[1m])",
    "delta(g[1m])",
    "idelta(g[40s])",
    "rate(h_bucket[1m])",
    "resets(g[1m])",
    "changes(c[1m])",
    "avg_over_time(g[40s])",
    "count_over_time(c[35s])",
    "max_over_time(g[1m] offset 10s)",
    "last_over_time(g[1m])",
    "deriv(g[1m])",
    "predict_linear(g[1m], 10)",
    "max_over_time(rate(c[20s])[1m:10s])",
    "timestamp(g)",
    "absent(g)",
    'absent(c{a="x"})',
    "absent_over_time(g[30s])",
    "r",
    "timestamp(r)",
    "g unless g offset 5m",
    "rate(r[1m])",
    "count_over_time(r[1m])",
    "absent(r)",
    'ALERTS{alertstate="firing"}',
    "count_over_time(ALERTS_FOR_STATE[30s])",
    "vector(time() % 70)",
    "minute()",
    "h_sum / h_count",
)
LARGER = (
    "{}",
    "sum({})",
    "sum by (a) ({})",
    "count without (a) ({})",
    "topk(1, {})",
    "-{}",
    "abs({})",
    "histogram_quantile(0.5, sum by (le, a) ({}))",
    "label_replace({}, 'b', '$1', 'a', '(.*)')",
    "vector(scalar({}))",
)
JOINED = ("{0}", "{0} > 1", "{0} == 0", "{0} or {1}", "{0} and on (a) {1}", "{0} unless on (a) {1}")
JOINED += ("{0} / on (a) group_left () {1} > 0.5", "{0} > on (a) group_left () {1}")

RULE = st.fixed_dictionaries(
    {
        "vectors": st.lists(
            st.tuples(st.sampled_from(LARGER), st.sampled_from(VECTORS)).map(lambda pair: pair[0].format(pair[1])),
            min_size=2,
            max_size=2,
        ),
        "joined": st.sampled_from(JOINED),
        "record": st.booleans(),
        "for": st.sampled_from(["0s", "20s"]),
        "keep_firing_for": st.sampled_from(["0s", "15s"]),
        "summary": st.sampled_from(["{{ $value }}", '{{ query "sum(c)" }}']),
    }
)
GROUP = st.fixed_dictionaries(
    {
        "interval": st.sampled_from(["1s", "1s", "5s", "15s"]),
        "query_offset": st.sampled_from(["0s", "0s", "20s"]),
        "rules": st.lists(RULE, min_size=1, max_size=4),
    }
)
EVENT = st.tuples(
    st.sampled_from("cgh"), st.sampled_from("xyz"), st.integers(-25, 30), st.sampled_from([0.0, 1.0, 1.0, 2.0, 5.0])
)
STEP = st.tuples(st.sampled_from([1, 2, 3, 7, 20, 40, 290]), st.booleans(), st.lists(EVENT, max_size=4))
"""Seconds that pass, whether the live edge is reached then, and what is merged before: when relative to the clock."""


def compiled(groups: Sequence[dict[str, Any]]) -> list[CompiledGroup]:
    written = []
    for number, group in enumerate(groups):
        rules = []
        for at, rule in enumerate(group["rules"]):
            expression = {"expr": rule["joined"].format(*(f"({vector})" for vector in rule["vectors"]))}
            if rule["record"]:
                rules.append({"record": "r", **expression, "labels": {"by": f"{number}.{at}"}})
            else:
                annotations = {"annotations": {"summary": rule["summary"]}}
                held = {"for": rule["for"], "keep_firing_for": rule["keep_firing_for"]}
                rules.append({"alert": f"A{number}.{at}", **expression, **held, **annotations})
        named = {"name": f"g{number}", "interval": group["interval"], "query_offset": group["query_offset"]}
        written.append({**named, "rules": rules})
    found, problems = compile_rules(msgspec.json.encode({"groups": written}).decode(), "r.json")
    assert not problems, problems
    return found


class Unwatched:
    """A storage that tells nothing of its changes: everything over it is evaluated every time."""

    def __init__(self, storage: History) -> None:
        self.select = storage.select


class World:
    """An engine over a history."""

    def __init__(self, groups: list[CompiledGroup], watched: bool) -> None:
        self.history = History(lambda name: True, 3_600_000)
        self.engine = RuleEngine(groups, "t")
        self.storage = self.history if watched else Unwatched(self.history)
        self.now = START

    def merge(self, kind: str, label: str, at: int, value: float) -> None:
        names = {"c": "counter", "g": "gauge", "h": "histogram"}
        series = Series(kind, names[kind], (("a", label),), PANE)  # type: ignore[arg-type]
        time = self.now + at * SECOND
        buckets = {int(value * 20): 1} if kind == "h" else {}
        self.history.merge(series, time // PANE * PANE, Cell(1, value, value, value, value, time, 0, buckets))

    def tick(self, live: bool) -> list[Alert]:
        self.now += SECOND
        self.history.clock.set(self.now, live)
        return self.engine.evaluate(self.now, self.storage)

    def shown(self) -> Any:
        """Everything that can be seen of it. What is older is forgotten, sooner or later."""
        reached = self.now - LOOKBACK_MS
        samples = {
            str(each.labels): [
                (at, repr(value)) for at, value in zip(each.timestamps, each.values, strict=True) if at > reached
            ]
            for each in self.engine.recorded
        }
        series = {labels: found for labels, found in samples.items() if found}
        active = sorted(repr(alert) for alert in self.engine.active())
        return series, active, dict(self.engine.errors), self.engine.failures


def played(world: World, steps: Sequence[Any], skips: bool) -> Iterator[tuple[int, list[str], Any]]:
    """What an engine gives and shows at each instant at which it gives anything, and at the end of each step."""
    for seconds, live, events in steps:
        for event in events:
            world.merge(*event)
        end = world.now + seconds * SECOND
        while world.now < end:
            if skips:
                following = min(world.engine.next_ms(world.now), end)
                if following > world.now + SECOND:
                    world.engine.pass_over(following)
                    world.now = following - SECOND
            alerts = world.tick(live and world.now + SECOND == end)
            if alerts:
                yield world.now, [repr(alert) for alert in alerts], None
        yield world.now, [], world.shown()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(GROUP, min_size=1, max_size=2), st.lists(STEP, min_size=1, max_size=8))
def test_what_is_not_evaluated_would_have_given_the_same(groups: list[Any], steps: list[Any]) -> None:
    """Transition by transition, with values and annotations, and every sample that rules write."""
    rules = compiled(groups)
    expected = list(played(World(rules, watched=False), steps, skips=False))
    assert list(played(World(rules, watched=True), steps, skips=False)) == expected
    assert list(played(World(rules, watched=True), steps, skips=True)) == expected
