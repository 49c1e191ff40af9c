"""Who is told of what: the routes and inhibitions that are deployed, by amtool and by a real Alertmanager."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from schemas.config import Alertmanager as Settings
from sinks.alertmanager import AlertmanagerSink, shown_labels
from streams.alerts.alertmanager import read_config
from streams.config.files import load_ladders
from streams.promql.matcher import matches_all
from tests.alerts.examples import alert
from tests.deploy.dashboards import DEPLOY
from tests.servers.alertmanager import Alertmanager

CONFIG = DEPLOY / "alertmanager/alertmanager.yml"
README = DEPLOY / "alertmanager/secrets/README.md"

ROUTES = [
    ({"severity": "critical"}, "on-call"),
    ({"severity": "critical", "escalation": "manager"}, "manager"),
    ({"severity": "critical", "escalation": "vp"}, "vp"),
    ({"severity": "critical", "escalation": "unheard-of"}, "on-call"),
    ({"severity": "high"}, "channel"),
    ({"severity": "high", "escalation": "backup"}, "backup"),
    ({"severity": "high", "escalation": "lead"}, "lead"),
    ({"severity": "medium"}, "medium"),
    ({"severity": "low"}, "low"),
    ({"severity": "unheard-of"}, "low"),
    ({}, "low"),
]


@pytest.fixture(scope="module")
def amtool() -> str:
    """The path of Alertmanager's own checker."""
    found = shutil.which("amtool")
    if found is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("Alertmanager's routes are checked with amtool: apt-get install prometheus-alertmanager")
    return found


def run(*command) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True)


def test_alertmanager_accepts_its_configuration(amtool):
    """`amtool check-config` finds nothing."""
    checked = run(amtool, "check-config", CONFIG)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("labels", "receiver"), ROUTES)
def test_each_severity_and_each_step_has_its_route(amtool, labels, receiver):
    """What nobody knows is told to whoever has its severity, or to the last; nothing is lost."""
    given = [f"{name}={value}" for name, value in labels.items()]
    route = run(amtool, "config", "routes", "test", f"--config.file={CONFIG}", *given)
    assert route.stdout.strip() == receiver


@pytest.mark.parametrize(("labels", "receiver"), ROUTES)
def test_tidewatch_finds_the_same_route_as_amtool(labels, receiver):
    config, problems, remarks = read_config(CONFIG.read_text(), "alertmanager.yml")
    assert (problems, remarks) == ([], [])
    assert [route.receiver for route in config.route.reached(labels)] == [receiver]


def test_every_receiver_has_a_route_that_is_tested():
    assert {each["name"] for each in yaml.safe_load(CONFIG.read_text())["receivers"]} == {name for _, name in ROUTES}


def test_every_step_of_the_shipped_ladders_has_a_receiver_of_its_own():
    """A step at once is the alert itself; every later one is told by its label."""
    routes = {(labels.get("severity"), labels.get("escalation")): receiver for labels, receiver in ROUTES}
    for ladder in load_ladders(""):
        [severity] = [level for level in ("critical", "high") if matches_all(ladder.matchers, {"severity": level})]
        for step in ladder.steps:
            assert routes[severity, step.name if step.after_ms else None] == step.name


def test_alertmanager_holds_no_secret():
    """Every credential is a file, which the page about secrets names."""
    text = CONFIG.read_text()
    for inline in ("api_url:", "routing_key:", "service_key:", "password:", "credentials:"):
        assert inline not in text
    files = {line.rsplit("/", 1)[1] for line in text.splitlines() if "_file: /etc/alertmanager/secrets/" in line}
    named = {line.split("`")[1] for line in README.read_text().splitlines() if line.startswith("| `")}
    assert files == named


def with_webhooks_only() -> str:
    """The configuration with its routes and inhibitions, without its pauses, and with one receiver for all names."""
    config = yaml.safe_load(CONFIG.read_text())
    config["receivers"] = [
        {"name": each["name"], "webhook_configs": [{"url": "{webhook}"}]} for each in config["receivers"]
    ]
    del config["global"]
    for route in routes_of(config["route"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    return yaml.safe_dump(config)


def routes_of(route: dict[str, Any]) -> list[dict[str, Any]]:
    return [route, *(inner for each in route.get("routes", []) for inner in routes_of(each))]


async def test_a_real_alertmanager_tells_each_receiver_its_own_and_mutes_what_follows(
    start_alertmanager: Callable[..., Alertmanager],
) -> None:
    """ServiceDown mutes what follows from it at the same service, escalated or not, and nothing else."""
    server, now_ms = start_alertmanager(config=with_webhooks_only()), time.time_ns() // 1_000_000
    sink = AlertmanagerSink(Settings(urls=[server.url]), "http://tidewatch.example", patience_s=10.0)
    told = [alert(f"Told{n}", labels=labels, changed_at_ms=now_ms) for n, (labels, _) in enumerate(ROUTES)]
    down = alert("ServiceDown", labels={"severity": "critical", "service": "shop"}, changed_at_ms=now_ms)
    follows = [
        alert("HighLatency", labels={"severity": "high", "service": "shop"}, changed_at_ms=now_ms),
        alert("HighLatency", labels={"severity": "high", "service": "shop", "escalation": "lead"}),
        alert("SLABreach", labels={"severity": "critical", "service": "shop"}, changed_at_ms=now_ms),
    ]
    await sink.post([down], now_ms)
    server.webhook.wait_for("firing", alertname="ServiceDown")
    await sink.post([*follows, *told], now_ms)
    for each in told:
        server.webhook.wait_for("firing", alertname=each.rule)

    receivers = {a["labels"]["alertname"]: p["receiver"] for p in server.webhook.payloads for a in p["alerts"]}
    assert receivers == {"ServiceDown": "on-call"} | {f"Told{n}": name for n, (_, name) in enumerate(ROUTES)}
    assert await sink.muted() == {shown_labels(each.tenant, each.labels): "inhibited" for each in follows}
    await sink.close()


async def test_the_root_cause_pages_and_consequences_do_not(
    start_alertmanager: Callable[..., Alertmanager],
) -> None:
    """The database is silent, and so down; the shop needs it, is down as well, and fails its callers."""
    server, now_ms = start_alertmanager(config=with_webhooks_only()), time.time_ns() // 1_000_000
    sink = AlertmanagerSink(Settings(urls=[server.url]), "http://tidewatch.example", patience_s=10.0)

    def fired(name: str, severity: str, service: str, **labels: str) -> Any:
        return alert(name, labels={"severity": severity, "service": service, **labels}, changed_at_ms=now_ms)

    silent = fired("ServiceSilent", "critical", "postgres")
    follows = [
        fired("ServiceDown", "critical", "postgres"),
        fired("ServiceDown", "critical", "shop", component="api"),
        fired("SLABreach", "critical", "shop"),
        fired("HighErrorRate", "high", "shop"),
    ]
    marker = fired("DependencyDown", "low", "shop", component="api", cause="postgres", monitored="true")
    others = [
        fired("ServiceDown", "critical", "shop", component="search"),
        fired("HighErrorRate", "high", "cart"),
    ]
    await sink.post([silent, marker], now_ms)
    for each in (silent, marker):
        server.webhook.wait_for("firing", alertname=each.rule)
    await sink.post([*follows, *others], now_ms)
    for each in others:
        server.webhook.wait_for("firing", **each.labels)

    told = {shown_labels("default", a["labels"]) for p in server.webhook.payloads for a in p["alerts"]}
    assert told == {shown_labels(each.tenant, each.labels) for each in (silent, marker, *others)}
    muted = await sink.muted()
    assert muted is not None
    assert {shown_labels(each.tenant, each.labels) for each in follows} <= set(muted)
    await sink.close()
