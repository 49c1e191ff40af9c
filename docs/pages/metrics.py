"""The metrics of the pipeline itself, as a worker's ``/metrics`` shows them."""

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from docs.structs import GENERATED, code, table
from streams.telemetry.metrics import Metrics

FILE = "metrics.md"


def text() -> str:
    """Name, kind, labels and help text of each."""
    made = [metric for metric in vars(Metrics(CollectorRegistry())).values() if isinstance(metric, MetricWrapperBase)]
    rows = []
    for metric in made:
        (family,) = metric.describe()
        suffix = "_total" if family.type == "counter" else "_info" if family.type == "info" else ""
        labels = ", ".join(code(label) for label in metric._labelnames)
        rows.append([code(family.name + suffix), family.type, labels, family.documentation])
    parts = [
        GENERATED,
        "# Metrics of the pipeline",
        "A worker answers them on `/metrics` of `[http]`, beside the usual `process_*` ones. Durations are seconds.",
        table(["metric", "kind", "labels", "what it counts"], rows),
    ]
    return "\n\n".join(parts) + "\n"
