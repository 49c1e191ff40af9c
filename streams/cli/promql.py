"""``tidewatch promql``: ask a worker in PromQL."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from schemas.failures import Rejected
from streams.api.parameters import DEFAULT_TENANT, duration_ms
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences
from streams.cli._prometheus import answer_of
from streams.cli._times import TIME
from streams.config import load
from streams.promql.values import series_text

_STEPS = 60
"""Of a range query that names no step, at most; steps are no shorter than a pane."""


@click.command()
@click.argument("expression")
@click.option("--time", "at_ms", type=TIME, help="When: such as 2026-11-22T10:15Z. Default: now.")
@click.option("--range", "reach", metavar="DURATION", help="The values over this long before TIME, such as 1h.")
@click.option("--step", metavar="DURATION", help="Between two values of a range, such as 15s.")
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose series.")
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print the data as Prometheus' HTTP API gives them.")
def command(
    expression: str,
    at_ms: int | None,
    reach: str | None,
    step: str | None,
    tenant: str,
    path: str | None,
    as_json: bool,
) -> None:
    """Evaluate a PromQL EXPRESSION (- takes it from standard input) and print one line a series.

    A running worker answers, on http.host and http.port of the configuration. It reads what ClickHouse holds, and what
    rules have recorded in the last minutes.
    """
    if step and not reach:
        raise click.UsageError("--step needs --range")
    query = sys.stdin.read() if expression == "-" else expression
    with sentences():
        route, parameters = _asked(query, at_ms, reach, step)
        answer = answer_of(load(path).http, route, parameters, tenant)
    for remark in [*answer.get("warnings", []), *answer.get("infos", [])]:
        click.echo(remark, err=True)
    if as_json:
        print_json(answer["data"])
        return
    lines = list(_lines(answer["data"]))
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("no series", err=True)


def _asked(query: str, at_ms: int | None, reach: str | None, step: str | None) -> tuple[str, dict[str, str]]:
    end_ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    if not reach:
        return "/query", {"query": query, "time": f"{end_ms / 1000}"}
    reach_ms = _duration("--range", reach)
    step_ms = _duration("--step", step) if step else max(reach_ms // _STEPS // 1000 * 1000, 10_000)
    if reach_ms <= 0 or step_ms <= 0:
        raise click.UsageError("--range and --step have to be positive")
    times = {"start": end_ms - reach_ms, "end": end_ms, "step": step_ms}
    return "/query_range", {"query": query, **{name: f"{ms / 1000}" for name, ms in times.items()}}


def _duration(option: str, text: str) -> int:
    try:
        return duration_ms(text)
    except Rejected as error:
        raise click.UsageError(f"{option}: {error}") from None


def _lines(data: dict[str, Any]) -> Iterator[str]:
    if data["resultType"] in ("scalar", "string"):
        yield data["result"][1]
        return
    for series in data["result"]:
        name = series_text(series["metric"])
        if "value" in series:
            yield f"{name}  {series['value'][1]}"
            continue
        yield name
        yield from (f"  {_clock(at)}  {value}" for at, value in series["values"])


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
