"""``make bench-latency``: a worker as it is shipped, on real Kafka and Alertmanager, at rates that are kept.

First it catches up with a topic that is full. Then it gets no events, and 20,000 a second; then as many as a publisher
beside it publishes, which shows the maximum of this machine; then, with probes among them, 1,000 a second, 20,000, half
of the maximum and 80 % of it. Prints a table and, with ``--write``, keeps the result in ``benchmarks/results``; what
the columns mean is said in docs/performance.md.
"""

import argparse
import datetime
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks import events, machine, report, topic
from benchmarks.latency.cpu import Cpu, cpu
from benchmarks.latency.publisher import Sent
from benchmarks.latency.results import Alone, Delays, Latency, Live, table
from benchmarks.latency.watching import Panes, Rows, first_firing, watching
from tests.e2e.pipeline import Pipeline, pipeline
from tests.servers.alertmanager import Alertmanager, Webhook
from tests.servers.kafka import KafkaServer

_RULES = """\
groups:
  - name: latency
    rules:
      - alert: Probe
        expr: probe > 0
        for: 0s
"""
_SHIPPED = Path(__file__).parents[2] / "streams" / "rules" / "shipped" / "tidewatch.yml"
_WARM_S, _AFTER_S, _REST_S = 10.0, 3.0, 5.0
"""Before what counts, behind it at the same rate, and behind that without events."""

_IDLE_S, _MOST_S, _PATIENCE_S = 30.0, 20.0, 300.0

_PROBES = 5.0
"""A second."""
_ALONE = 20_000.0
"""Events a second."""


class Bench:
    """One live worker, its surroundings, and what is measured on it."""

    def __init__(self, running: Pipeline, notified: Webhook, posted: Webhook) -> None:
        self.running = running
        self.notified = notified
        self.posted = posted

    def idle(self) -> float:
        """Percent of a core without events."""
        time.sleep(_WARM_S)
        before = self._cpu()
        time.sleep(_IDLE_S)
        return self._cpu().since(before).all / _IDLE_S * 100

    def maximum(self) -> float:
        """Events a second that are stored while a publisher publishes as fast as it can."""
        publisher = self._publisher(math.inf, _WARM_S + _MOST_S)
        time.sleep(_WARM_S)
        began, before = time.time(), self._stored()
        time.sleep(_MOST_S)
        most = (self._stored() - before) / (time.time() - began)
        publisher.communicate()
        self.running.wait(lambda: not self.running.lag("metrics"), "what was too much", _PATIENCE_S)
        return most

    def alone(self, rate: float) -> Alone:
        """What it takes to keep up with a rate, and nothing else."""
        publisher = self._publisher(rate, _WARM_S + _IDLE_S + _AFTER_S)
        time.sleep(_WARM_S)
        began, before = time.time(), self._cpu()
        time.sleep(_IDLE_S)
        took, wall = self._cpu().since(before), time.time() - began
        sent = msgspec.json.decode(publisher.communicate()[0], type=Sent)
        return Alone(sent.events / sent.seconds, *(100 * each / wall for each in took))

    def live(self, name: str, rate: float, seconds: float) -> Live:
        """Keep a rate: for a while to warm up, then for ``seconds`` that count."""
        panes = Panes(self.running.bootstrap, self.running.topics["panes"], events.PARTITIONS)
        rows = Rows(self.running.clickhouse_port)
        with watching(panes, rows):
            publisher = self._publisher(rate, _WARM_S + seconds + _AFTER_S, _PROBES)
            time.sleep(_WARM_S)
            began, before = time.time(), self._cpu()
            time.sleep(seconds)
            took, wall = self._cpu().since(before), time.time() - began
            sent = msgspec.json.decode(publisher.communicate()[0], type=Sent)
            time.sleep(_REST_S)
        ended = began + seconds
        probes = {number: when for number, when in sent.probes.items() if began <= when < ended}
        told = [
            _delays(probes, first_firing(receiver), where)
            for receiver, where in ((self.posted, "POST"), (self.notified, "webhook"))
        ]
        self.posted.forget()
        self.notified.forget()
        in_window = _delays(probes, panes.seen, "window")
        window_row = Delays.of(_complete(rows, sent, began, ended))
        used = [100 * each / wall for each in took]
        return Live(name, sent.events / sent.seconds, seconds, *used, in_window, window_row, *told)

    def _publisher(self, rate: float, seconds: float, probes: float = 0) -> "subprocess.Popen[str]":
        arguments = [self.running.bootstrap, self.running.topics["metrics"], str(rate), str(seconds), str(probes)]
        command = [sys.executable, "-m", "benchmarks.latency.publisher", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def _stored(self) -> float:
        return self.running.metric("tidewatch_insert_rows_total", table="raw_metrics")

    def _cpu(self) -> Cpu:
        assert self.running.process is not None
        return cpu(self.running.process.pid)


def _delays(probes: dict[str, float], seen: dict[str, float], where: str) -> Delays:
    if missing := probes.keys() - seen.keys():
        sys.exit(f"{len(missing)} of {len(probes)} probes were never seen: {where}: {sorted(missing)}")
    return Delays.of(seen[number] - when for number, when in probes.items())


def _complete(rows: Rows, sent: Sent, began: float, ended: float) -> Iterator[float]:
    """How long after its end each window that lies in the time that counts could be read with all its events."""
    for start, count in sent.windows.items():
        end = (int(start) + events.WINDOW_MS) / 1000
        if began <= int(start) / 1000 and end < ended:
            found = [when for when, seen in rows.seen.get(int(start), []) if seen == count]
            if not found:
                sys.exit(f"the window that ended at {end} has {rows.seen.get(int(start))} instead of {count} events")
            yield found[0] - end


def catching_up(bootstrap_servers: str, directory: Path, count: int) -> float:
    """Events a second while a worker reads a topic that was full before it started."""
    with pipeline(directory, bootstrap_servers, _settings(directory, [])) as running:
        topic.fill(bootstrap_servers, running.topics["metrics"], count, "lz4")
        running.start()
        times: list[tuple[float, float]] = []

        def all_stored() -> bool:
            try:
                stored = running.metric("tidewatch_insert_rows_total", table="raw_metrics")
            except OSError:
                return False  # when the worker has ended, `wait` says so with its log
            times.append((time.time(), stored))
            return stored >= count

        running.wait(all_stored, "every event to be stored", _PATIENCE_S)
        running.stop()
    first = next(at for at in times if at[1] >= count / 10)
    return (times[-1][1] - first[1]) / (times[-1][0] - first[0])


def _settings(directory: Path, urls: list[str]) -> str:
    rules = directory / "rules.yml"
    rules.write_text(_RULES)
    return (
        f"[windows]\nsizes = [{events.WINDOW_MS // 1000}]\n[rules]\nfiles = ['{_SHIPPED}', '{rules}']\n"
        f"[alertmanager]\nurls = {urls}\n"
    )


@contextmanager
def bench(kafka: str, directory: Path) -> Iterator[Bench]:
    """A live worker that tells a real Alertmanager, and beside it somebody who only notes when."""
    with ExitStack() as stack:
        alertmanager = stack.enter_context(Alertmanager(directory / "alertmanager"))
        posted = Webhook()
        stack.callback(posted.close)
        urls = [alertmanager.url, posted.url]
        running = stack.enter_context(pipeline(directory, kafka, _settings(directory, urls)))
        running.start()
        yield Bench(running, alertmanager.webhook, posted)
        running.stop()


def measure(rates: list[float], shares: list[float], seconds: float, filled: int) -> Latency:
    """Everything, on servers of its own."""
    with tempfile.TemporaryDirectory() as name, KafkaServer(Path(name) / "kafka", heap="1g") as kafka:
        directories = [Path(name) / each for each in ("full", "live")]
        for directory in directories:
            directory.mkdir()
        fastest = catching_up(kafka.bootstrap_servers, directories[0], filled)
        _say(f"catching up: {fastest:,.0f} events/s")
        lives = []
        with bench(kafka.bootstrap_servers, directories[1]) as running:
            idle = running.idle()
            _say(f"idle: {idle:.1f} % of a core")
            alone = running.alone(_ALONE)
            _say(f"nothing but {alone.rate:,.0f} events/s: {alone.cpu_percent:.0f} % of a core")
            most = running.maximum()
            _say(f"maximum beside a publisher: {most:,.0f} events/s")
            wanted = {f"{rate:,.0f}": rate for rate in rates} | {f"{share:.0%} of it": share * most for share in shares}
            for each, rate in wanted.items():
                lives.append(running.live(each, rate, seconds))
                _say(str(msgspec.to_builtins(lives[-1])))
    return Latency(datetime.date.today().isoformat(), machine.this(), fastest, most, idle, alone, lives)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench-latency", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="that count, of each rate; default: %(default)s")
    parser.add_argument("--rates", type=float, nargs="*", default=[1000, 20_000], help="events a second")
    parser.add_argument("--shares", type=float, nargs="*", default=[0.5, 0.8], help="of the maximum")
    parser.add_argument("--events", type=int, default=2_000_000, help="to catch up with")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    given = parser.parse_args()
    latency = measure(given.rates, given.shares, given.seconds, given.events)
    print(table(latency))
    if given.write:
        path = report.RESULTS / f"latency-{latency.date}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(latency)))
        print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
