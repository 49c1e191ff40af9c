"""Every metric of the pipeline itself, each on one line with its help text.

An attribute is named as its metric without the prefix ``tidewatch_``; durations are seconds, sizes bytes.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DELAY = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


class Metrics:
    """The metrics of one worker, registered in ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tidewatch_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"tidewatch_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = _FAST) -> Histogram:
            return Histogram(f"tidewatch_{name}", text, labels, registry=registry, buckets=buckets)

        self.registry = registry
        self.build = Info("tidewatch_build", "Version of the worker.", registry=registry)
        ProcessCollector(registry=registry)  # memory, CPU and open files of the process

        self.component_up = gauge(
            "component_up", "0 while the last check of a part of the worker failed: kafka, clickhouse, ...", "component"
        )
        self.restarts_total = counter("restarts_total", "Starts of the stages anew, because one of them had failed.")

        # Ingest
        self.records_total = counter("records_total", "Records read from Kafka.", "topic")
        self.record_bytes_total = counter("record_bytes_total", "Bytes of record values read from Kafka.", "topic")
        self.events_total = counter("events_total", "Events decoded.", "type")
        self.dead_letters_total = counter("dead_letters_total", "Records rejected to the dead letters.", "reason")
        self.batch_seconds = histogram("batch_seconds", "From a batch read to its rows and panes stored.")
        self.declare_seconds = histogram("declare_seconds", "Committing the offsets and the extent of a round.")
        self.consumer_lag = gauge("consumer_lag", "Records in Kafka and not yet stored.", "topic", "partition")
        self.buffered_bytes = gauge("buffered_bytes", "Bytes fetched and not yet stored.")
        self.back_pressure_paused = gauge("back_pressure_paused", "1 while fetching pauses because buffers are full.")
        self.rebalances_total = counter("rebalances_total", "Changes of the partitions that this worker owns.")

        # Exactly once
        self.recovered_batches_total = counter(
            "recovered_batches_total", "Batches taken up after a crash: absent, partial or complete.", "outcome"
        )
        self.repaired_rows_total = counter("repaired_rows_total", "Rows that a recovery found missing and inserted.")
        self.protocol_anomalies_total = counter(
            "protocol_anomalies_total", "Gaps, overlaps or backward steps that the auditor saw.", "kind"
        )

        # Evidence
        self.evidence_entries_total = counter("evidence_entries_total", "Entries written to the evidence ledger.")
        self.evidence_seals_total = counter("evidence_seals_total", "Hours of the evidence ledger sealed.")

        # Sinks
        self.insert_seconds = histogram("insert_seconds", "One insert into ClickHouse.", "table")
        self.insert_rows_total = counter("insert_rows_total", "Rows inserted into ClickHouse.", "table")
        self.sink_retries_total = counter("sink_retries_total", "Attempts repeated: the far side was away.", "sink")

        # Windows
        self.panes_records_total = counter("panes_records_total", "Packed pane records sent to Kafka.")
        self.panes_bytes_total = counter("panes_bytes_total", "Bytes of packed pane records sent to Kafka.")
        self.watermark_delay_seconds = gauge("watermark_delay_seconds", "Clock minus watermark, the worst tenant.")
        self.window_delay_seconds = histogram(
            "window_delay_seconds", "From a window's end to its row stored.", buckets=_DELAY
        )
        self.active_series = gauge("active_series", "Series held in memory.", "tenant")
        self.series_overflow_total = counter(
            "series_overflow_total",
            "Events counted into __overflow__ because the tenant has too many series.",
            "tenant",
        )
        self.sequence_keys = gauge(
            "sequence_keys", "Accounts, requests and the like that policies about sequences follow.", "tenant"
        )
        self.sequence_overflow_total = counter(
            "sequence_overflow_total", "Events not followed because policies about sequences follow too many.", "tenant"
        )
        self.sequence_late_total = counter(
            "sequence_late_total", "Events that came too late for the policies about sequences.", "tenant"
        )
        self.interned_series = gauge("interned_series", "Series that this worker recognises at once.")
        self.tenants = gauge("tenants", "Tenants held in memory.")
        self.tenants_overflow_total = counter(
            "tenants_overflow_total", "Cells counted to the tenant __overflow__ because there are too many tenants."
        )
        self.open_windows = gauge("open_windows", "Windows that still take events.")
        self.packed_window_bytes = gauge(
            "packed_window_bytes", "Memory of windows that are closed and still take late events."
        )
        self.waiting_windows = gauge("waiting_windows", "Closed windows whose rows are not yet in ClickHouse.")
        self.waiting_panes_bytes = gauge("waiting_panes_bytes", "Bytes of pane records fetched and not yet merged.")
        self.snapshot_seconds = histogram("snapshot_seconds", "Packing the state of a shard and storing it in Kafka.")
        self.snapshot_bytes = gauge("snapshot_bytes", "Size of the last snapshot, less the windows that it refers to.")
        self.late_revised_total = counter("late_revised_total", "Late events that revised a closed window.", "topic")
        self.late_dropped_total = counter("late_dropped_total", "Events too late for their window.", "topic")

        # Rules and alerts
        self.rule_evaluation_seconds = histogram("rule_evaluation_seconds", "One evaluation of all rules of a tenant.")
        self.rule_errors_total = counter("rule_errors_total", "Rule evaluations that failed.")
        self.alerts = gauge("alerts", "Alerts now, by state.", "state")
        self.alert_posts_total = counter(
            "alert_posts_total",
            "Alerts an Alertmanager accepted or rejected, or that were dropped; requests that found it unavailable.",
            "target",
            "outcome",
        )
