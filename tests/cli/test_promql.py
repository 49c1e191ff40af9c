"""``tidewatch promql`` against a worker's API."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from tests.api.stored import T, application, database, observed, shard
from tests.serving import serving

AT = T // 1000
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    directory = tmp_path_factory.mktemp("promql")
    sink = database(directory)
    observed(sink, [(at, "requests_total", "counter", 5.0, "{}") for at in range(0, 60_000, 10_000)])
    observed(sink, [(at, "renamed", "gauge", 5.0, "{}") for at in (0, 30_000)])
    observed(sink, [(0, "other", "gauge", 1.0, "{}")], tenant="other")
    with serving(lambda: application(sink, [shard()])) as port:
        yield runner(directory, port)
    sink.close()


def runner(directory: Path, port: int) -> Run:
    file = directory / "tidewatch.toml"
    file.write_text(f"[http]\nhost = '0.0.0.0'\nport = {port}\n")

    def invoke(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(main, ["promql", *arguments, "--config", str(file)], input=text)

    return invoke


def test_an_instant_query_prints_a_line_a_series(run: Run) -> None:
    result = run("requests_total", "--time", str(AT + 60))
    assert (result.exit_code, result.stdout) == (0, 'requests_total{service="shop"}  30\n')
    assert run("-", "--time", str(AT + 60), text="2 * 3\n").stdout == "6\n"


def test_a_range_query_prints_times_and_values(run: Run) -> None:
    result = run("requests_total", "--time", str(AT + 60), "--range", "20s", "--step", "10s")
    lines = result.stdout.splitlines()
    assert lines[0] == 'requests_total{service="shop"}'
    assert [line.split()[1] for line in lines[1:]] == ["20", "25", "30"]
    assert lines[1].split()[0].endswith(":00:40Z")


def test_json_is_that_of_the_api(run: Run) -> None:
    found = json.loads(run("requests_total", "--time", str(AT + 60), "--json").stdout)
    assert found["result"][0]["value"] == [AT + 60, "30"]


def test_a_tenant_is_chosen(run: Run) -> None:
    assert run("other", "--time", str(AT + 10), "--tenant", "other").stdout.startswith("other{")
    result = run("other", "--time", str(AT + 10))
    assert (result.stdout, result.stderr) == ("", "no series\n")


def test_remarks_stand_beside_the_result(run: Run) -> None:
    result = run("rate(other[1m])", "--time", str(AT + 10), "--tenant", "other", "--range", "1m", "--json")
    assert json.loads(result.stdout)["result"] == []
    assert "might not be a counter" in run("rate(renamed[1m])", "--time", str(AT + 60)).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["sum("], 1, "invalid parameter"),
        (["x", "--step", "5s"], 2, "--step needs --range"),
        (["x", "--range", "soon"], 2, "--range: cannot parse 'soon'"),
        (["x", "--range", "0"], 2, "have to be positive"),
        (["x", "--time", "soon"], 2, "'--time': 'soon' is no time"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, arguments: list[str], code: int, text: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert text in result.stderr


def test_without_a_worker_it_says_how_to_start_one(tmp_path: Path) -> None:
    result = runner(tmp_path, 1)("up")
    assert result.exit_code == 1
    assert "start one with `tidewatch worker`" in result.stderr
