"""The configuration file, ``tidewatch.toml``: one struct a section, each field with its default and unit.

Every field can also be set by an environment variable ``TIDEWATCH_<SECTION>_<FIELD>``, such as
``TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS``. Secrets are given by environment or by a file (``*_file``), never inline
on a command line; ``tidewatch config`` prints the effective configuration with them hidden.
"""

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0)]
SecondsOrZero = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. An unknown key is an error: a misspelt limit must not be ignored."""


class Kafka(Section, frozen=True, kw_only=True):
    """Where events come from."""

    bootstrap_servers: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1:9092"])
    """Brokers to ask first, HOST:PORT."""
    group: str = "tidewatch"
    """Consumer group; also the name of the pipeline in deduplication tokens."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Whether connections use TLS (``SSL``) and a password (``SASL``)."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is proved."""
    username: str = ""
    """For SASL."""
    password: str = ""
    """Better given by ``password_file`` or the environment."""
    password_file: str = ""
    """File that holds the password; read again when a connection is made."""
    ca_file: str = ""
    """PEM file of the authorities to trust; empty: those of the system."""
    cert_file: str = ""
    """PEM file of the client certificate; empty: none is shown."""
    key_file: str = ""
    """PEM file of its key, not encrypted."""
    session_timeout: Seconds = 30.0
    """How long a worker may be silent before its partitions go to another."""
    heartbeat_interval: Seconds = 3.0
    """How often a worker says that it lives; at most a third of ``session_timeout``."""
    partitions: Count = 8
    """Partitions of the event topics when Tidewatch creates them."""
    replication: Count = 1
    """Replicas of the topics that Tidewatch creates; 3 in production."""


class Topics(Section, frozen=True, kw_only=True):
    """Names of the topics."""

    metrics: str = "metrics"
    """Metric and health events."""
    security: str = "security"
    """Security events."""
    processing: str = "data-processing"
    """Processing events."""
    panes: str = "panes"
    """What ingest has folded, for the windows: written and read by Tidewatch alone."""
    snapshots: str = "tidewatch-snapshots"
    """The state of the windows, for a restart: written and read by Tidewatch alone."""
    alerts: str = "alerts"
    """Every transition of every alert."""
    evidence: str = "evidence"
    """What the evidence ledger is made of: violations and administrative acts."""
    dead_letters: str = "dead-letters"
    """Records that were refused, with the reason."""


class ClickHouse(Section, frozen=True, kw_only=True):
    """Where results go."""

    url: str = "chdb:data/clickhouse"
    """``chdb:DIRECTORY`` for the engine in the worker, or ``http://HOST:8123/DATABASE``, ``https://HOST:8443/DATABASE``."""
    username: str = "default"
    """For a server."""
    password: str = ""
    """Better given by ``password_file`` or the environment."""
    password_file: str = ""
    """File that holds the password; read again when a connection is made."""
    ca_file: str = ""
    """PEM file of the authorities to trust; empty: those of the system."""
    cert_file: str = ""
    """PEM file of the client certificate; empty: none is shown."""
    key_file: str = ""
    """PEM file of its key, not encrypted."""
    embedded_port: Port = 8123
    """Where a worker with an embedded engine answers the ClickHouse HTTP protocol, read-only; 0 picks a free port."""
    retention_days: Count = 365
    """How long rows are kept."""
    retention: list[str] = []
    """Other days for a table or a category of its rows, such as "dead_letters = 30" or "raw_processing phi = 2190"."""


class Alertmanager(Section, frozen=True, kw_only=True):
    """Where alerts go: every address gets every alert."""

    urls: list[str] = []
    """Such as http://127.0.0.1:9093; every one of a cluster, never a load balancer."""
    username: str = ""
    """For basic authentication; empty: none."""
    password: str = ""
    """Better given by ``password_file`` or the environment."""
    password_file: str = ""
    """File that holds the password; read again when a connection is made."""
    ca_file: str = ""
    """PEM file of the authorities to trust; empty: those of the system."""
    timeout: Seconds = 10.0
    """How long a request may take."""
    resend_delay: Seconds = 60.0
    """How often a firing alert is sent again."""


class Escalation(Section, frozen=True, kw_only=True):
    """Who is told next while nobody takes an alert up."""

    file: str = ""
    """A YAML file of ladders; empty: the one that Tidewatch ships."""


class Windows(Section, frozen=True, kw_only=True):
    """Event time."""

    sizes: list[Count] = msgspec.field(default_factory=lambda: [60, 300, 3600])
    """Tumbling windows, seconds; each a multiple of ``pane``."""
    pane: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10
    """Seconds of event time in one pane of a metric series."""
    security_pane: Annotated[int, msgspec.Meta(ge=1, le=60)] = 1
    """Seconds in one pane of a series made from security, processing or health events."""
    out_of_orderness: SecondsOrZero = 0.5
    """How far the watermark stays behind the latest event time of a partition."""
    lateness: SecondsOrZero = 600.0
    """How long after its end a window still takes late events; later ones are counted as late_dropped."""
    idle_timeout: Seconds = 1.0
    """A partition read to its end no longer holds the watermark back after this long without a record."""
    max_future_skew: Seconds = 300.0
    """An event further ahead of the clock than this is refused."""


class Rules(Section, frozen=True, kw_only=True):
    """Alert rules in Prometheus' format."""

    files: list[str] = []
    """Files or globs; empty: the rules that Tidewatch ships."""
    evaluation_interval: Seconds = 0.5
    """Of groups that name none, in event time."""
    external_url: str = "http://localhost:8080"
    """Where the links of alerts lead."""


class Compliance(Section, frozen=True, kw_only=True):
    """Policies that judge security and processing events."""

    policies: list[str] = []
    """Files or globs of your own policies, beside those that Tidewatch ships."""
    without: list[str] = []
    """Ids of policies that judge nothing, such as those of a law that you are not subject to."""


class Evidence(Section, frozen=True, kw_only=True):
    """The evidence ledger."""

    key: str = ""
    """Ed25519 key that signs seals and heads; given by the environment, or better by ``key_file``."""
    key_file: str = ""
    """File that holds the key, for its owner's eyes alone (mode 0600); empty: nothing is signed."""


class Privacy(Section, frozen=True, kw_only=True):
    """Personal data: keys, and what is personal."""

    keys: str = ""
    """The master keys, as `tidewatch keys create` writes them; only by the environment. Empty: see the next two."""
    keys_file: str = ""
    """File that holds them, mode 0600. Empty, with chDB: beside its directory, made when it is not there."""
    vault_url: str = ""
    """Transit key of Vault or OpenBao instead, such as https://vault:8200/v1/transit/tidewatch."""
    vault_token_file: str = ""
    """File that holds the token; read again at each request."""
    vault_ca_file: str = ""
    """PEM file of the authorities to trust; empty: those of the system."""
    fields: list[str] = []
    """Path rules, such as "security.attributes.patient_id = direct_identifier", that come before the event types."""
    reveal_roles: list[str] = msgspec.field(default_factory=lambda: ["tidewatch_auditor"])
    """Roles of ClickHouse of which one is needed to reveal who somebody is; with chDB the master keys are enough."""


class Sla(Section, frozen=True, kw_only=True):
    """Service levels."""

    file: str = ""
    """Targets per service; empty: the defaults of ``schemas/sla.py``."""


class Slo(Section, frozen=True, kw_only=True):
    """Objectives and their error budgets."""

    files: list[str] = []
    """Files or globs of objectives, in OpenSLO v1 or in the short form; empty: there are none."""
    maintenance: str = "maintenance.yml"
    """A file of maintenance, which need not exist: ``tidewatch maintenance add`` writes it, workers read it again when
    it changes."""


class Reports(Section, frozen=True, kw_only=True):
    """The report on service levels that is written every day."""

    directory: str = ""
    """Where to, a folder for each tenant; empty: none is written."""
    zone: str = "UTC"
    """IANA time zone of the days."""
    after: SecondsOrZero = 900.0
    """How long after midnight, so that what comes late is in it."""
    formats: list[Literal["html", "md", "csv", "json", "pdf"]] = msgspec.field(default_factory=lambda: ["html", "json"])
    """One file each; ``pdf`` needs WeasyPrint."""


class Health(Section, frozen=True, kw_only=True):
    """What the health of services is judged by."""

    dependencies: list[str] = []
    """Who depends on what, beside what health events say: ``shop -> postgres``, ``shop/api -> payments/gateway``."""
    own: Literal["logged", "published"] = "logged"
    """What becomes of what a worker finds of Kafka, ClickHouse, Alertmanager, its disk and its stages: a log line and a
    metric; or also health events of the service ``tidewatch``. With these, event time goes with the clock on the wall,
    and history that is replayed comes too late."""


class Limits(Section, frozen=True, kw_only=True):
    """What bounds memory and hostile input."""

    record_bytes: Count = 262_144
    """Longest record, value and headers."""
    labels: Count = 64
    """Most labels of an event."""
    label_name_bytes: Count = 128
    """Longest name of a label."""
    label_value_bytes: Count = 1024
    """Longest value of a label."""
    tenants: Count = 1_000
    """Most tenants of one partition of ``panes`` or ``evidence``; further ones count for ``__overflow__``."""
    series_per_tenant: Count = 200_000
    """Most series of a tenant in one partition of ``panes``; observations of further ones go to one series of their
    metric, with the label ``__overflow__="true"``, and past 1,000 of these to one of the metric ``__overflow__``."""
    sequence_keys: Count = 100_000
    """Most accounts, requests and the like that each policy about a sequence follows of a tenant; events about further
    ones are counted and not followed."""
    interned_series: Count = 1_000_000
    """Series that a worker recognises at once; when there are more, it learns them anew."""
    batch_rows: Annotated[int, msgspec.Meta(gt=0, le=50_000)] = 50_000
    """Rows of one insert; more than 50,000 would be split into blocks and could not be deduplicated."""
    batch_wait: SecondsOrZero = 2.0
    """How long rows wait for others, so that inserts are few: the knob between throughput and the age of rows in
    ClickHouse. Windows and alerts do not wait for it; who is behind fills batches before."""
    buffered_bytes: Count = 33_554_432
    """Records fetched and not yet stored; past it fetching pauses. Of memory they take about four times as much."""
    dead_letter_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Past this share of rejected records in a minute (of at least 1,000) the worker stops instead of draining on."""


class Http(Section, frozen=True, kw_only=True):
    """Where the worker answers ``/metrics``, ``/healthz``, ``/readyz`` and Prometheus' HTTP API."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: Port = 8080
    """0 picks a free one."""


class Log(Section, frozen=True, kw_only=True):
    """Structured logs on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is written."""
    format: Literal["json", "console"] = "json"
    """``json``: one object a line; ``console``: for people."""


class Config(Section, frozen=True, kw_only=True):
    """The whole file."""

    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    clickhouse: ClickHouse = ClickHouse()
    alertmanager: Alertmanager = Alertmanager()
    escalation: Escalation = Escalation()
    windows: Windows = Windows()
    rules: Rules = Rules()
    compliance: Compliance = Compliance()
    privacy: Privacy = Privacy()
    evidence: Evidence = Evidence()
    sla: Sla = Sla()
    slo: Slo = Slo()
    reports: Reports = Reports()
    health: Health = Health()
    limits: Limits = Limits()
    http: Http = Http()
    log: Log = Log()
