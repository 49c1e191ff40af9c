"""The HTTP API, as Prometheus' own client and Grafana's data source use it."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from sinks.alertmanager import payload
from sinks.clickhouse import ClickHouse
from tests.alerts.examples import alert
from tests.api.stored import T, application, database, insert, observed, shard
from tests.serving import serving

AT = T // 1000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    sink: ClickHouse = database(tmp_path_factory.mktemp("api"))
    observed(sink, [(at, "requests_total", "counter", 5.0, "{}") for at in range(0, 60_000, 10_000)])
    observed(sink, [(at, "temperature", "gauge", -0.5, '{"room":"é"}') for at in (0, 30_000)])
    observed(sink, [(0, "secret", "gauge", 1.0, "{}")], tenant="other")
    insert(sink, "raw_health", [{"time": T, "component": "db", "status": "up", "check_duration_ms": 3.0}])
    with serving(lambda: application(sink, [shard()])) as port:
        yield f"http://127.0.0.1:{port}"
    sink.close()


def ask(url: str, path: str, tenant: str = "", post: bool = False, **parameters: Any) -> tuple[int, Any]:
    """Status and JSON; ``match`` stands for ``match[]``."""
    named = {{"match": "match[]"}.get(name, name): value for name, value in parameters.items()}
    form = urllib.parse.urlencode(named, doseq=True)
    address = f"{url}/api/v1{path}" + ("" if post or not form else f"?{form}")
    request = urllib.request.Request(address, form.encode() if post else None)
    if tenant:
        request.add_header("X-Scope-OrgID", tenant)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def data(url: str, path: str, **parameters: Any) -> Any:
    status, answer = ask(url, path, **parameters)
    assert (status, answer["status"]) == (200, "success"), answer
    return answer["data"]


def test_an_instant_query_by_address_or_form(url: str) -> None:
    expected = {
        "resultType": "vector",
        "result": [{"metric": {"__name__": "requests_total", "service": "shop"}, "value": [AT + 25.5, "15"]}],
    }
    assert data(url, "/query", query="requests_total", time=AT + 25.5) == expected
    assert data(url, "/query", query="requests_total", time=AT + 25.5, post=True) == expected


def test_numbers_texts_and_ranges(url: str) -> None:
    at = {"time": AT}
    assert data(url, "/query", query="1e21 + 0.5", **at) == {"resultType": "scalar", "result": [AT, "1e+21"]}
    assert data(url, "/query", query="1e-7", **at)["result"] == [AT, "1e-07"]
    assert data(url, "/query", query="123456789012345678", **at)["result"] == [AT, "123456789012345680"]
    assert data(url, "/query", query="-1/0", **at)["result"] == [AT, "-Inf"]
    assert data(url, "/query", query='"hello"', **at) == {"resultType": "string", "result": [AT, "hello"]}
    found = data(url, "/query", query="requests_total[10s]", time=AT + 20)
    assert found["resultType"] == "matrix"
    assert found["result"][0]["values"] == [[AT + 20, "10"]]


def test_a_range_query(url: str) -> None:
    asked = {"start": AT, "end": AT + 60, "step": "30s"}
    assert data(url, "/query_range", query="temperature + 0", **asked)["result"] == [
        {"metric": {"room": "é", "service": "shop"}, "values": [[AT + 30, "-0.5"], [AT + 60, "-0.5"]]},
    ]


def test_a_series_that_a_rule_writes_is_answered_while_rules_keep_it(url: str) -> None:
    found = data(url, "/query", query="service:requests:rate1m", time=AT + 60)
    assert found["result"] == [
        {"metric": {"__name__": "service:requests:rate1m", "service": "shop"}, "value": [AT + 60, "0.5"]}
    ]


def test_series_and_labels(url: str) -> None:
    assert data(url, "/series", match=["temperature", "nothing"], start=AT, end=AT + 60) == [
        {"__name__": "temperature", "room": "é", "service": "shop"}
    ]
    names = data(url, "/labels")
    assert {"__name__", "service", "room", "component", "le"} <= set(names)
    assert names == sorted(names)
    assert data(url, "/labels", match="temperature") == ["__name__", "room", "service"]
    assert {"requests_total", "up", "health_check_duration_ms_bucket", "service:requests:rate1m"} <= set(
        data(url, "/label/__name__/values")
    )
    assert data(url, "/label/room/values", start=AT, end=AT + 60) == ["é"]
    _, limited = ask(url, "/labels", limit=1)
    assert (limited["data"], limited["warnings"]) == (["__name__"], ["results truncated due to limit"])


def test_each_tenant_sees_its_own(url: str) -> None:
    assert data(url, "/label/__name__/values", tenant="other") == ["secret"]
    assert data(url, "/query", query="secret", time=AT + 10)["result"] == []
    assert len(data(url, "/query", query="secret", time=AT + 10, tenant="other")["result"]) == 1
    assert data(url, "/alerts", tenant="other") == {"alerts": []}


def test_rules_and_alerts(url: str) -> None:
    (group,) = data(url, "/rules")["groups"]
    recording, alerting = group["rules"]
    assert (group["name"], group["file"], group["interval"]) == ("logins", "rules.yml", 0.5)
    assert (recording["type"], recording["health"], recording["name"]) == ("recording", "ok", "service:requests:rate1m")
    assert (alerting["type"], alerting["state"], alerting["duration"]) == ("alerting", "firing", 20.0)
    assert alerting["lastEvaluation"].endswith("Z")
    assert alerting["alerts"] == data(url, "/alerts")["alerts"]
    (alert,) = alerting["alerts"]
    assert alert["labels"] == {"alertname": "TooMany", "service": "shop", "severity": "high"}
    assert (alert["state"], alert["value"], alert["annotations"]) == ("firing", "3e+01", {"summary": "30 requests"})
    assert [g["rules"][0]["name"] for g in data(url, "/rules", type="alert")["groups"]] == ["TooMany"]
    assert data(url, "/rules", **{"rule_group[]": "others"}) == {"groups": []}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "kind", "text"),
    [
        ("/query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": 1:'),
        ("/query", {}, 400, "bad_data", 'invalid parameter "query"'),
        ("/query", {"query": "1", "time": "soon"}, 400, "bad_data", "cannot parse 'soon' to a valid timestamp"),
        ("/query", {"query": "1", "time": "1e300"}, 400, "bad_data", "out of range"),
        ("/query", {"query": "1", "timeout": "-1"}, 400, "bad_data", 'invalid parameter "timeout"'),
        ("/query", {"query": "1", "limit": "-1"}, 400, "bad_data", 'invalid parameter "limit"'),
        ("/query_range", {"query": "1", "start": 2, "end": 1, "step": 1}, 400, "bad_data", "before start time"),
        ("/query_range", {"query": "1", "start": 1, "end": 2, "step": 0}, 400, "bad_data", "step"),
        ("/query_range", {"query": "1", "start": 0, "end": 11001, "step": 1}, 400, "bad_data", "11,000 points"),
        ("/query_range", {"query": "x[5m]", "start": 0, "end": 1, "step": 1}, 422, "execution", "range query"),
        ("/query", {"query": "{service='shop'} * {service='shop'}", "time": AT + 9}, 422, "execution", "many"),
        ("/query", {"query": "sum_over_time(vector(1)[1y:1ms])", "timeout": "0.2"}, 503, "timeout", "timed out"),
        ("/series", {}, 400, "bad_data", "no match[] parameter"),
        ("/series", {"match": "rate(x[5m])"}, 400, "bad_data", "is not a selector"),
        ("/label/0x/values", {}, 400, "bad_data", "invalid label name"),
        ("/rules", {"type": "x"}, 400, "bad_data", "not supported"),
        ("/nonsense", {}, 404, "not_found", "/api/v1/nonsense"),
    ],
)
def test_failures_are_told_as_prometheus_tells_them(
    url: str, path: str, parameters: dict[str, Any], status: int, kind: str, text: str
) -> None:
    found, answer = ask(url, path, **parameters)
    assert (found, answer["status"], answer["errorType"]) == (status, "error", kind), answer
    assert text in answer["error"]


@pytest.mark.parametrize(
    "query",
    [
        "requests_total[200y]",
        "requests_total offset 200y",
        "requests_total offset -200y",
        "requests_total @ 0x10",
        "requests_total @ 1e12",
        "requests_total @ -5",
        "requests_total offset -0x10",
        "sum_over_time(requests_total[5m:1m] @ end() offset -1m)",
    ],
)
def test_far_away_times_are_answered(url: str, query: str) -> None:
    status, answer = ask(url, "/query", query=query, time=AT + 60)
    assert status == 200, answer


def test_remarks_are_told(url: str) -> None:
    _, answer = ask(url, "/query", query="rate(temperature[1m])", time=AT + 60)
    assert "might not be a counter" in answer["infos"][0]


def test_what_grafana_asks_first(url: str) -> None:
    assert data(url, "/status/buildinfo")["version"] == "2.42.0"
    assert data(url, "/metadata") == {}
    assert data(url, "/query", query="1+1", time=AT, post=True)["result"] == [AT, "2"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["instant", "URL", "requests_total", f"--time={AT + 60}"],
            f'requests_total{{service="shop"}} => 30 @[{AT + 60}]',
        ),
        (
            ["range", "URL", "requests_total", f"--start={AT + 50}", f"--end={AT + 60}", "--step=10s"],
            f'requests_total{{service="shop"}} =>\n25 @[{AT + 50}]\n30 @[{AT + 60}]',
        ),
        (["series", "URL", "--match=temperature"], '{__name__="temperature", room="é", service="shop"}'),
        (["labels", "URL", "room"], "é"),
    ],
)
def test_promtool_can_query(url: str, promtool: str, arguments: list[str], expected: str) -> None:
    given = [url if argument == "URL" else argument for argument in arguments]
    run = subprocess.run([promtool, "query", *given], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout.strip()) == (0, expected), run.stderr


def test_the_link_of_an_alert_opens_its_expression(url: str) -> None:
    """The page is there, asks this worker alone, and asks for the parameters that the link has."""
    link = payload(alert(expression="temperature < 0"), T, 60, 1, url)["generatorURL"]
    with urllib.request.urlopen(link, timeout=30) as answer:
        page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in policy
    given = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)
    for name in ("g0.expr", "tenant"):
        assert f'name="{name}"' in page
    [found] = data(url, "/query", query=given["g0.expr"][0], tenant=given["tenant"][0], time=AT + 30)["result"]
    assert found["value"][1] == "-0.5"
