"""What objectives cost a worker that has 200 of them, with a month of minutes: time a minute, memory, and a restart.

``python -m benchmarks.objectives [--services N] [--days N]``. Each service has the four of the short form, and other
numbers in every minute. The time is that of the processor.
"""

import random
import resource
import time

import click
import msgspec

from schemas.slo_short import read_short
from streams.promql import MemoryStorage
from streams.promql.moment import Resolver
from streams.slo.board import MINUTE_MS, Board, BoardState
from streams.slo.ledger import CHUNK_MINUTES, UNIT
from streams.slo.promises import Promises
from streams.windows.panes import Cell, Series

BEGIN = 29_000_160
"""A midnight (UTC) that begins a chunk."""
PANE_MS = 10_000


@click.command()
@click.option("--services", default=50, show_default=True)
@click.option("--days", default=30, show_default=True)
def command(services: int, days: int) -> None:
    """Print the figures."""
    promises, before = promised(services), memory_mb()
    board = Board(promises, "default")
    fill(board, days)
    grown, now = memory_mb() - before, BEGIN + days * 1440
    took = sorted(evaluated(board, at) for at in range(now, now + 31))[15]
    names = {name: dict.fromkeys(packed, "elsewhere") for name, packed in board.packed().items()}
    kept = sum(len(packed) for chunks in board.packed().values() for packed in chunks.values())
    began = time.process_time()
    snapshot = msgspec.msgpack.encode(board.snapshot(names))
    snapped, began = time.process_time() - began, time.process_time()
    state = msgspec.msgpack.decode(snapshot, type=BoardState)
    Board(promises, "default").restore(state, board.packed())
    restored = time.process_time() - began
    click.echo(f"{len(promises.all)} objectives, {days} days")
    click.echo(f"memory                      {grown:8.0f} MB")
    click.echo(f"evaluating a minute         {took * 1000:8.0f} ms")
    click.echo(f"a pane of a series          {taken(board, services) * 1e6:8.1f} us")
    click.echo(f"packed minutes, kept once   {kept / 1e6:8.1f} MB")
    click.echo(f"a snapshot besides          {len(snapshot) / 1e6:8.1f} MB in {snapped * 1000:.0f} ms")
    click.echo(f"taking it up after a restart{restored:8.1f} s")


def promised(services: int) -> Promises:
    """Four objectives for each service, over 30 days."""
    each = "{uptime: 99.9%, response_time: 100ms, error_rate: 0.01, throughput: 1000/s}"
    text = "defaults: {window: 30d, minimum_events: 100, no_data: breach after 10m}\nservices:\n"
    text += "".join(f"  s{number}: {each}\n" for number in range(services))
    objectives, _, problems = read_short(text, "objectives.yml")
    assert not problems
    return Promises(objectives)


def fill(board: Board, days: int) -> None:
    """Minute by minute, as events come; only the budgets in between are not counted."""
    chance = random.Random(7)
    followed = [board.follow(promise) for promise in board.promises.all]
    for minute in range(BEGIN, BEGIN + days * 1440):
        for each in followed:
            bad = chance.randrange(3) if chance.random() < 0.1 else 0
            each.add(minute, bad * UNIT, (1000 + chance.randrange(200)) * UNIT)
        if minute % CHUNK_MINUTES == 0:
            for each in followed:
                each.tidy(minute)
                list(each.take_changed(minute))
    board.minute = BEGIN + days * 1440 - 1


def evaluated(board: Board, now: int) -> float:
    """Seconds for the minute that ends at ``now``, its rows included."""
    for promise in board.promises.all:
        board.follow(promise).add(now - 1, 0, 1000 * UNIT)
    began = time.process_time()
    board.evaluate(now * MINUTE_MS, Resolver(MemoryStorage()))
    list(board.minute_rows(1))
    list(board.budget_rows(1))
    return time.process_time() - began


def taken(board: Board, services: int) -> float:
    """Seconds for a pane of a series that two objectives take."""
    series = [
        Series("requests_total", "counter", (("outcome", "success"), ("service", f"s{number}")), PANE_MS)
        for number in range(services)
    ]
    cell, rounds = Cell(1, 1.0, 1.0, 1.0, 1.0, 0), 200
    for number, each in enumerate(series):
        board.take(number, each, board.minute * MINUTE_MS, cell)
    began = time.process_time()
    for _ in range(rounds):
        for number, each in enumerate(series):
            board.take(number, each, board.minute * MINUTE_MS, cell)
    return (time.process_time() - began) / rounds / services


def memory_mb() -> float:
    """The most that the process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    command()
