"""``python -m benchmarks.nab DIRECTORY``: alerts with fixed thresholds against the Numenta Anomaly Benchmark.

DIRECTORY is a checkout of NAB's ``data`` with ``labels/combined_windows.json`` beside the folders of series
(https://github.com/numenta/NAB, MIT). Each series gets one rule with an upper and a lower threshold, taken from its
first 15 %, which NAB leaves out of the score. The rules run in Tidewatch's own engine, evaluated at every record; each
alert that fires is one detection, at the record at which it fired.

Scored as in "Evaluating Real-time Anomaly Detection Algorithms - the Numenta Anomaly Benchmark" (Lavin and Ahmad 2015,
arXiv 1510.03336), standard profile. 100 is a detection at the first record of each window and no other; 0 is silence.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import exp
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np

from streams.promql import MemoryStorage
from streams.rules import RuleEngine, compile_rules

PROBATION = 0.15
_LONGEST_PROBATION = 750
"""Records: 15 % of at most 5,000."""

HIT, FALSE_ALARM, MISS = 1.0, 0.11, 1.0
"""Weights of NAB's standard profile."""

RULE = """
groups:
  - name: nab
    rules:
      - alert: Unusual
        expr: value > {high!r} or value < {low!r}
        keep_firing_for: {hold}
"""

Bounds = tuple[float, float]


class Scored(msgspec.Struct):
    """A series, or several: windows, how many of them were found, alerts in none, and NAB's score."""

    windows: int = 0
    found: int = 0
    false_alarms: int = 0
    raw: float = 0.0

    @property
    def score(self) -> float | None:
        """0 as if nothing had been said, 100 the best there is; None without a window."""
        return 100 * (self.raw + MISS * self.windows) / ((HIT + MISS) * self.windows) if self.windows else None

    def add(self, other: "Scored") -> None:
        """Put a series to the others."""
        self.windows += other.windows
        self.found += other.found
        self.false_alarms += other.false_alarms
        self.raw += other.raw


def three_sigma(values: Any) -> Bounds:
    """Mean and three standard deviations to either side."""
    mean, sigma = float(np.mean(values)), float(np.std(values))
    return mean - 3 * sigma, mean + 3 * sigma


def outer_fences(values: Any) -> Bounds:
    """Tukey's outer fences: three interquartile ranges beyond the quartiles."""
    first, third = (float(each) for each in np.quantile(values, (0.25, 0.75)))
    return first - 3 * (third - first), third + 3 * (third - first)


def seen_range(values: Any) -> Bounds:
    """What has been seen, and a tenth of its range to either side."""
    low, high = float(np.min(values)), float(np.max(values))
    return low - 0.1 * (high - low), high + 0.1 * (high - low)


METHODS = {each.__name__: each for each in (three_sigma, outer_fences, seen_range)}


def rows(path: Path) -> list[tuple[int, float]]:
    """(epoch ms, value) of a series in the order of time; of equal times the last."""
    with path.open(encoding="utf-8") as file:
        found = [(_epoch_ms(time), float(value)) for time, value in list(csv.reader(file))[1:]]
    return sorted(dict(found).items())


def probation(records: int) -> int:
    """How many of the records are not scored."""
    return min(int(PROBATION * records), _LONGEST_PROBATION)


def alerts(series: Sequence[tuple[int, float]], bounds: Bounds, hold: str) -> list[int]:
    """The indexes of the records at which an alert fires."""
    low, high = bounds
    groups, problems = compile_rules(RULE.format(low=low, high=high, hold=hold), "nab.yml")
    assert not problems, problems
    storage, engine = MemoryStorage(), RuleEngine(groups, "nab")
    values = storage.series({"__name__": "value"})
    fired = []
    for index, (time_ms, value) in enumerate(series):
        values.append(time_ms, value)
        if any(alert.state == "firing" for alert in engine.evaluate(time_ms, storage)):
            fired.append(index)
    return fired


def judge(times: Sequence[int], windows: Sequence[tuple[int, int]], fired: Sequence[int]) -> Scored:
    """Score the alerts of one series; ``windows`` in epoch ms, both ends included."""
    first = probation(len(times))
    limits = [(int(np.searchsorted(times, a)), int(np.searchsorted(times, b, "right")) - 1) for a, b in windows]
    limits = [each for each in limits if each[1] >= first]
    scored = Scored(windows=len(limits))
    best = dict.fromkeys(limits, -MISS)
    for index in (each for each in fired if each >= first):
        window = next((each for each in limits if each[0] <= index <= each[1]), None)
        if window is not None:
            best[window] = max(best[window], HIT * _sigmoid(_within(index, window)) / _sigmoid(-1.0))
        else:
            scored.false_alarms += 1
            scored.raw += FALSE_ALARM * _sigmoid(_behind(index, limits))
    scored.found = sum(each > -MISS for each in best.values())
    scored.raw += sum(best.values())
    return scored


def _within(index: int, window: tuple[int, int]) -> float:
    """-1 at the beginning of the window, just below 0 at its end."""
    begin, end = window
    return -(end - index + 1) / (end - begin + 1)


def _behind(index: int, windows: Sequence[tuple[int, int]]) -> float:
    """How many lengths of the window before it; far, when there is none."""
    before = [each for each in windows if each[1] < index]
    if not before:
        return 3.0
    begin, end = max(before)
    return (index - end) / max(end - begin, 1)


def _sigmoid(position: float) -> float:
    return -1.0 if position >= 3 else 2 / (1 + exp(5 * position)) - 1


def _epoch_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def measure(directory: Path, method: str, hold: str) -> Iterator[tuple[str, Scored]]:
    """Each series that is there, by its path in NAB."""
    labelled: Mapping[str, list[list[str]]] = json.loads((directory / "labels/combined_windows.json").read_text())
    for name, windows in sorted(labelled.items()):
        if (directory / name).exists():
            series = rows(directory / name)
            bounds = METHODS[method]([value for _, value in series[: probation(len(series))]])
            limits = [(_epoch_ms(begin), _epoch_ms(end)) for begin, end in windows]
            yield name, judge([time for time, _ in series], limits, alerts(series, bounds, hold))


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--keep-firing-for", "hold", default="1h", show_default=True, help="Of the rules: one alert, not many.")
@click.option("--json", "as_json", is_flag=True, help="One object a series and method.")
def main(directory: Path, hold: str, as_json: bool) -> None:
    """Score alerts with fixed thresholds by the Numenta Anomaly Benchmark, and print a table."""
    if not as_json:
        click.echo(f"{'thresholds':<14}{'series of':<22}{'windows':>8}{'found':>7}{'false alarms':>14}{'score':>7}")
    for method in METHODS:
        folders: dict[str, Scored] = {}
        for name, scored in measure(directory, method, hold):
            if as_json:
                click.echo(json.dumps({"method": method, "series": name, **msgspec.structs.asdict(scored)}))
            for of in (name.partition("/")[0], "all"):
                folders.setdefault(of, Scored()).add(scored)
        for folder, scored in () if as_json else sorted(folders.items(), key=lambda each: each[0] == "all"):
            score = "-" if scored.score is None else f"{scored.score:.1f}"
            counts = f"{scored.windows:>8}{scored.found:>7}{scored.false_alarms:>14}{score:>7}"
            click.echo(f"{method:<14}{folder:<22}{counts}")


if __name__ == "__main__":
    sys.exit(main())
