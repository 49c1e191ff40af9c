"""The six rules of the enterprise monitoring guide, word for word, from events to notifications and back."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.events import heartbeat, metric
from tests.e2e.pipeline import pipeline
from tests.servers.alertmanager import Alertmanager

RULES = """\
groups:
- name: guide
  rules:
  - alert: ServiceDown
    expr: up == 0
    for: 30s
    labels:
      severity: critical
      team: platform
    annotations:
      summary: "erlmcp service is down"
      description: "erlmcp service has been down for more than 30 seconds"

  - alert: HighErrorRate
    expr: rate(erlmcp_errors_total[5m]) > 10
    for: 5m
    labels:
      severity: high
    annotations:
      summary: "High error rate detected"
      description: "Error rate is {{ $value }} errors/5m"

  - alert: HighLatency
    expr: histogram_quantile(0.95, erlmcp_request_duration_seconds_bucket) > 1
    for: 5m
    labels:
      severity: high
    annotations:
      summary: "High request latency"
      description: "95th percentile latency is {{ $value }} seconds"

  - alert: LowThroughput
    expr: rate(erlmcp_requests_total[5m]) < 100
    for: 5m
    labels:
      severity: medium
    annotations:
      summary: "Low request throughput"
      description: "Request rate is {{ $value }} req/s"

  - alert: HighMemoryUsage
    expr: (erlmcp_memory_usage_bytes / erlmcp_memory_total_bytes) > 0.8
    for: 5m
    labels:
      severity: high
    annotations:
      summary: "High memory usage"
      description: "Memory usage is {{ $value | humanizePercentage }}"

  - alert: HighCpuUsage
    expr: erlmcp_cpu_usage_percent > 80
    for: 5m
    labels:
      severity: medium
    annotations:
      summary: "High CPU usage"
      description: "CPU usage is {{ $value }}%"
"""

FOR_SECONDS = {"ServiceDown": 30} | dict.fromkeys(
    ("HighErrorRate", "HighLatency", "LowThroughput", "HighMemoryUsage", "HighCpuUsage"), 300
)
SEVERITY = {"ServiceDown": "critical", "LowThroughput": "medium", "HighCpuUsage": "medium"}

STEP = 30
MINUTES = 12


def bad(at: float) -> Iterator[bytes]:
    """Half a minute in which everything is wrong."""
    yield heartbeat(at, "erlmcp", "down")
    yield metric(at, "erlmcp_errors_total", 1200, "counter", "erlmcp")
    yield metric(at, "erlmcp_requests_total", 1500, "counter", "erlmcp")
    yield metric(at, "erlmcp_request_duration_seconds", 4.0, "histogram", "erlmcp")
    yield metric(at, "erlmcp_memory_usage_bytes", 90, service="erlmcp")
    yield metric(at, "erlmcp_memory_total_bytes", 100, service="erlmcp")
    yield metric(at, "erlmcp_cpu_usage_percent", 97.5, service="erlmcp")


def good(at: float) -> Iterator[bytes]:
    """Half a minute in which nothing is, with many fast requests: the guide's quantile is of all so far."""
    yield heartbeat(at, "erlmcp")
    yield metric(at, "erlmcp_requests_total", 6000, "counter", "erlmcp")
    for _ in range(40):
        yield metric(at, "erlmcp_request_duration_seconds", 0.02, "histogram", "erlmcp")
    yield metric(at, "erlmcp_memory_usage_bytes", 50, service="erlmcp")
    yield metric(at, "erlmcp_memory_total_bytes", 100, service="erlmcp")
    yield metric(at, "erlmcp_cpu_usage_percent", 20, service="erlmcp")


@pytest.mark.slow
def test_the_rules_of_the_guide_fire_and_resolve(
    kafka: str, start_alertmanager: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    """Each after its `for`, each told once with the annotations that the guide writes, each over when it is over."""
    server = start_alertmanager()
    rules, told = tmp_path / "alert_rules.yml", server.webhook
    rules.write_text(RULES)
    begin = int(time.time()) // 60 * 60 - 2 * MINUTES * 60
    times = range(begin, begin + MINUTES * 60, STEP)
    with pipeline(
        tmp_path, kafka, f"[alertmanager]\nurls = ['{server.url}']\n[rules]\nfiles = ['{rules}']\n"
    ) as running:
        running.start()
        running.send("metrics", *(record for at in times for record in bad(at)))
        fired = {name: told.wait_for("firing", 60, alertname=name) for name in FOR_SECONDS}
        for name, each in fired.items():
            assert each["labels"]["severity"] == SEVERITY.get(name, "high")
            assert each["labels"]["service"] == "erlmcp"
        described = {name: each["annotations"]["description"] for name, each in fired.items()}
        assert described["HighMemoryUsage"] == "Memory usage is 90%"
        assert described["HighCpuUsage"] == "CPU usage is 97.5%"
        assert described["ServiceDown"] == "erlmcp service has been down for more than 30 seconds"

        running.send("metrics", *(record for at in times for record in good(at + MINUTES * 60)))
        for name in FOR_SECONDS:
            told.wait_for("resolved", 60, alertname=name)
        for name, seconds in FOR_SECONDS.items():
            pending, firing, resolved = running.history(name)
            assert [row["state"] for row in (pending, firing, resolved)] == ["pending", "firing", "resolved"]
            assert firing["changed"] - pending["active"] == seconds
            assert len(told.notified("firing", alertname=name)) == 1
        running.stop()
