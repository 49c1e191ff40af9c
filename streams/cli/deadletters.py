"""``tidewatch deadletters``: what could not be processed, and why."""

from base64 import b64decode

import click

from sinks.chdb_directory import quoted
from streams.cli._answers import Answer, ask_for, print_json
from streams.cli._clickhouse import asking, sentences, settings

_SUMMARY = """SELECT reason, count() AS records, max(record_time) AS latest, arraySort(groupUniqArray(_topic)) AS topics
FROM dead_letters WHERE {condition} GROUP BY reason ORDER BY records DESC, reason"""

_LATEST = """SELECT record_time, _topic AS topic, _partition AS partition, _offset AS offset, reason, detail,
length(value) AS bytes{value} FROM dead_letters WHERE {condition}
ORDER BY ingested_at DESC, topic, partition, offset DESC LIMIT {limit}"""


@click.command()
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--reason", help="Only this reason.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=10, show_default=True, help="How many latest ones to show."
)
@click.option("--value", "with_value", is_flag=True, help="Show the form of the records too: letters are x, digits 0.")
@click.option("--json", "as_json", is_flag=True, help='Print {"reasons": [...], "latest": [...]}; values as base64.')
def command(path: str | None, reason: str | None, limit: int, with_value: bool, as_json: bool) -> None:
    """Show which records could not be processed, and why: a count for each reason, and the latest ones.

    Topic, partition and offset say where the record stands in Kafka.
    """
    condition = f"reason = {quoted(reason)}" if reason else "true"
    value = ", base64Encode(value) AS value_base64" if with_value else ""
    with sentences(), asking(settings(path)) as ask:
        reasons = ask_for(ask, _SUMMARY.format(condition=condition))
        latest = ask_for(ask, _LATEST.format(condition=condition, value=value, limit=limit))
    if as_json:
        print_json({"reasons": reasons.objects(), "latest": latest.objects()})
        return
    if not reasons.rows:
        click.echo("No dead letters" + (f" with the reason {reason}." if reason else "."))
        return
    reasons.show()
    if latest.rows:
        click.echo()
        _readable(latest).show()


def _readable(latest: Answer) -> Answer:
    """With the values as text, bytes that are none as \\xNN."""
    if latest.columns.pop("value_base64", None):
        latest.columns["value"] = "String"
        latest.rows = [[*row[:-1], b64decode(row[-1]).decode(errors="backslashreplace")] for row in latest.rows]
    return latest
