"""What a configuration contradicts itself in: checks that need more than one setting, or more than a type."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from schemas.config import Config
from schemas.failures import Rejected
from schemas.retention import read_rules
from streams.privacy.rules import read_rule

Problem = tuple[str, str]
"""The setting (``windows.sizes``) and the rest of a sentence about it."""


def contradictions(config: Config) -> Iterator[Problem]:
    """Every contradiction; nothing when the configuration can be used."""
    yield from _kafka(config)
    yield from _topics(config)
    yield from _clickhouse(config)
    yield from _alertmanager(config)
    yield from _windows(config)
    yield from _reports(config)
    yield from _privacy(config)
    yield from _secrets(config)


def _kafka(config: Config) -> Iterator[Problem]:
    kafka = config.kafka
    if not kafka.bootstrap_servers:
        yield "kafka.bootstrap_servers", 'is empty; name at least one broker, such as ["127.0.0.1:9092"]'
    for server in kafka.bootstrap_servers:
        if not _is_host_and_port(server):
            yield "kafka.bootstrap_servers", f"has {server!r}, which is not HOST:PORT, such as 127.0.0.1:9092"
    if kafka.heartbeat_interval * 3 > kafka.session_timeout:
        yield (
            "kafka.heartbeat_interval",
            f"must be at most a third of kafka.session_timeout, so at most {kafka.session_timeout / 3:g}",
        )
    if kafka.security_protocol.startswith("SASL"):
        if not kafka.username or not (kafka.password or kafka.password_file):
            yield "kafka.security_protocol", "uses SASL; set kafka.username and kafka.password_file too"
    elif kafka.username or kafka.password or kafka.password_file:
        yield "kafka.security_protocol", "ignores kafka.username and its password; write SASL_SSL, or remove them"
    if not kafka.security_protocol.endswith("SSL") and (kafka.ca_file or kafka.cert_file or kafka.key_file):
        yield "kafka.security_protocol", "ignores the TLS files of [kafka]; write SSL or SASL_SSL, or remove them"


def _reports(config: Config) -> Iterator[Problem]:
    try:
        ZoneInfo(config.reports.zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        yield "reports.zone", f"is no IANA time zone: {config.reports.zone!r}; write one such as Europe/Berlin"


def _topics(config: Config) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for key, topic in msgspec.structs.asdict(config.topics).items():
        if not topic:
            yield f"topics.{key}", "is empty; name a topic"
        elif topic in seen:
            yield f"topics.{key}", f"is the same topic as topics.{seen[topic]}: {topic}; give each its own"
        seen.setdefault(topic, key)


def _clickhouse(config: Config) -> Iterator[Problem]:
    url = config.clickhouse.url
    if url == "chdb:":
        yield "clickhouse.url", "names no directory; write for example chdb:data/clickhouse"
    elif not url.startswith("chdb:"):
        instead = "write chdb:DIRECTORY, http://HOST:8123/DATABASE or https://HOST:8443/DATABASE"
        yield from _url("clickhouse", "url", url, instead)
    yield from _tls_files("clickhouse", url.startswith("https://"), config.clickhouse)


def _alertmanager(config: Config) -> Iterator[Problem]:
    urls = config.alertmanager.urls
    for url in urls:
        yield from _url("alertmanager", "urls", url, "write for example http://127.0.0.1:9093")
    yield from _tls_files("alertmanager", any(url.startswith("https://") for url in urls), config.alertmanager)


def _url(section: str, name: str, url: str, instead: str) -> Iterator[Problem]:
    if "@" in url:  # not repeated in the message: it may hold a password
        yield f"{section}.{name}", f"holds credentials; move them to {section}.username and {section}.password_file"
        return
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        yield f"{section}.{name}", f"is {url!r}, which is not an address; {instead}"
    elif section == "clickhouse" and (parts.query or "/" in parts.path.strip("/")):
        yield f"{section}.{name}", f"is {url!r}; only one database name may follow the port; {instead}"


def _tls_files(section: str, tls: bool, settings: object) -> Iterator[Problem]:
    files = [name for name in ("ca_file", "cert_file", "key_file") if getattr(settings, name, "")]
    if files and not tls:
        yield (
            f"{section}.{files[0]}",
            "is for TLS, but no address of its section begins with https://; change that, or remove it",
        )


def _windows(config: Config) -> Iterator[Problem]:
    windows = config.windows
    if not windows.sizes:
        yield "windows.sizes", "is empty; name at least one length in seconds, such as [60]"
    if len(set(windows.sizes)) != len(windows.sizes):
        yield "windows.sizes", "names a length twice; write each once"
    for pane in ("pane", "security_pane"):
        seconds: int = getattr(windows, pane)
        for size in windows.sizes:
            if size % seconds:
                near = max(seconds, round(size / seconds) * seconds)
                yield (
                    "windows.sizes",
                    f"has {size}, which is not a multiple of windows.{pane} = {seconds}; "
                    f"windows are made of whole panes, so write for example {near}",
                )


def _privacy(config: Config) -> Iterator[Problem]:
    given = [name for name in ("keys", "keys_file", "vault_url") if getattr(config.privacy, name)]
    if len(given) > 1:
        yield f"privacy.{given[0]}", f"and privacy.{given[1]} are both set; the keys can be in one place only"
    if config.privacy.vault_url and not config.privacy.vault_token_file:
        yield "privacy.vault_url", "needs privacy.vault_token_file, the file that holds the token"
    for key, rules, read in (
        ("privacy.fields", config.privacy.fields, read_rule),
        ("clickhouse.retention", config.clickhouse.retention, lambda rule: read_rules([rule])),
    ):
        for rule in rules:
            try:
                read(rule)
            except Rejected as rejected:
                yield key, f"has a rule that cannot be used: {rejected}"


def _secrets(config: Config) -> Iterator[Problem]:
    for section in ("kafka", "clickhouse", "alertmanager"):
        settings = getattr(config, section)
        if settings.password and settings.password_file:
            yield f"{section}.password", f"and {section}.password_file are both set; keep the file and remove the other"
        if bool(getattr(settings, "cert_file", "")) != bool(getattr(settings, "key_file", "")):
            yield f"{section}.cert_file", f"and {section}.key_file belong together; set both or neither"


def _is_host_and_port(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(host) and "/" not in server and port.isdecimal() and 0 < int(port) < 65536
