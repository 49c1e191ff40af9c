"""``tidewatch alerts``: out of the history that a worker wrote."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from schemas.failures import Rejected
from streams.cli import main
from streams.cli._acknowledge import Firing, choose
from tests.alerts.examples import alert
from tests.api.stored import T, database, insert

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Rule A of shop 1 fires, of shop 2 is over; B is pending; another tenant has one of its own."""
    directory = tmp_path_factory.mktemp("alerts")
    sink = database(directory)
    changes = [
        ("default", "A", "1", "pending", 0, "condition_true"),
        ("default", "A", "1", "firing", 60_000, "held_for"),
        ("default", "A", "1", "firing", 60_000, "resend"),
        ("default", "A", "2", "firing", 10_000, "condition_true"),
        ("default", "A", "2", "resolved", 20_000, "condition_false"),
        ("default", "B", "1", "pending", 70_000, "condition_true"),
        ("other", "C", "1", "firing", 0, "condition_true"),
    ]
    rows = [
        {
            "tenant": tenant,
            "rule": rule,
            "rule_group": "g",
            "fingerprint": hash((rule, shop)) % 2**63,
            "labels": {"alertname": rule, "shop": shop, "severity": "high"},
            "annotations": {"summary": f"{rule} at {shop}\x1b[2J"},
            "state": state,
            "reason": reason,
            "value": 2.5,
            "active_at": T,
            "changed_at": T + at,
            "expression": "x",
            "recorded_at": T + at,
        }
        for tenant, rule, shop, state, at, reason in changes
    ]
    insert(sink, "alert_history", rows)
    sink.close()
    config = directory / "tidewatch.toml"
    config.write_text(f"[clickhouse]\nurl = 'chdb:{directory / 'data'}'\nembedded_port = 1\n")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["alerts", *arguments], env={"TIDEWATCH_CONFIG": str(config)})

    yield invoke


def states(result: Result) -> list[tuple[str, str, str]]:
    assert result.exit_code == 0, result.output
    return [(each["rule"], each["labels"]["shop"], each["state"]) for each in json.loads(result.stdout)]


def test_active_alerts_are_listed_firing_ones_first(run: Run) -> None:
    assert states(run("list", "--json")) == [("A", "1", "firing"), ("B", "1", "pending")]
    assert states(run("list", "--json", "--tenant", "other")) == [("C", "1", "firing")]
    assert states(run("list", "--json", "--rule", "B")) == [("B", "1", "pending")]
    assert ("A", "2", "resolved") in states(run("list", "--json", "--all"))


def test_without_a_subcommand_it_is_the_list(run: Run) -> None:
    assert run().stdout == run("list").stdout
    lines = run().stdout.splitlines()
    assert lines[0].split() == [
        "id",
        "changed_at",
        "state",
        "severity",
        "rule",
        "labels",
        "value",
        "active_at",
        "summary",
        "fired",
        "step",
        "acknowledged_by",
        "muted",
    ]
    assert '{severity="high", shop="1"}' in lines[1]
    assert "\x1b" not in run().stdout


def test_history_tells_every_transition_once_latest_first(run: Run) -> None:
    found = states(run("history", "--json"))
    assert found[:2] == [("B", "1", "pending"), ("A", "1", "firing")]
    assert len(found) == 5
    assert len(states(run("history", "--json", "--limit", "2"))) == 2
    assert [state for _, _, state in states(run("history", "--json", "--rule", "A"))] == [
        *("firing", "resolved", "firing", "pending")
    ]


def test_nothing_to_show_is_said(run: Run) -> None:
    assert run("list", "--rule", "none").stdout == "No alert is firing or pending.\n"
    assert json.loads(run("list", "--rule", "it's", "--json").stdout) == []


def test_a_wrong_duration_is_explained(run: Run) -> None:
    result = run("history", "--since", "soon")
    assert result.exit_code == 1
    assert "cannot parse 'soon' to a valid duration" in result.stderr


def firing(id_: str, **labels: str) -> Firing:
    return Firing(id_, alert("A", labels=labels))


@pytest.mark.parametrize(
    ("selectors", "chosen"),
    [
        (["0a1b"], ["000000000000" + "0a1b"]),
        (["A1B", "ffffffffffffffff"], ["0000000000000a1b", "ffffffffffffffff"]),
        (["room = 3"], ["0000000000000a1b"]),
        (['service=front, room=~"3|4"'], ["0000000000000a1b", "ffffffffffffffff"]),
        (["service = front", "room != 3"], ["ffffffffffffffff"]),
    ],
)
def test_alerts_are_chosen_by_ids_or_by_matchers(selectors: list[str], chosen: list[str]) -> None:
    alerts = [firing("0000000000000a1b", room="3"), firing("ffffffffffffffff", room="4")]
    assert [each.id for each in choose(alerts, selectors)] == chosen


@pytest.mark.parametrize("selectors", [["1"], ["room = 5"], ["room ~ 5"]])
def test_what_chooses_nothing_is_refused(selectors: list[str]) -> None:
    with pytest.raises(Rejected):
        choose([firing("0000000000000a1b", room="3")], selectors)


def test_the_ids_are_those_that_the_list_shows(run: Run) -> None:
    [listed, _] = json.loads(run("list", "--json").stdout)
    result = run("ack", listed["id"], "--bootstrap-servers", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "no Kafka broker answers at 127.0.0.1:1" in result.stderr
    result = run("ack", "0", "--bootstrap-servers", "127.0.0.1:1")
    assert "no firing alert fits 0: look at them with tidewatch alerts list" in result.stderr
