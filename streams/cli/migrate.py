"""``tidewatch migrate``: make the tables on a ClickHouse server, and upgrade them."""

import click

from schemas.tables import MIGRATIONS
from sinks.clickhouse import ClickHouse
from sinks.cluster import statements
from sinks.migrations import Step, migrate, review
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences, settings


@click.command()
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 when anything is pending or has drifted.")
@click.option("--cluster", metavar="NAME", help="Change nothing; print the DDL for a ClickHouse cluster.")
@click.option("--json", "as_json", is_flag=True, help='Print {"applied": [...], "pending": [...], "drift": [...]}.')
def command(path: str | None, check: bool, cluster: str | None, as_json: bool) -> None:
    """Apply the DDL files to the ClickHouse of the configuration, each once, in order.

    The database is made when it is not there. What was applied is remembered in the table tidewatch_migrations. Stops
    without a change when an applied file or a table was changed by hand, and says what to do. A worker with an embedded
    ClickHouse does this by itself when it starts.
    """
    with sentences():
        if cluster is not None:
            for statement in statements(cluster, settings(path).retention_days):
                click.echo(f"{statement};\n")
            return
        clickhouse = ClickHouse(settings(path))
        try:
            steps = review(clickhouse)
            drift = [step for step in steps if step.kind == "drift"]
            applied = [] if check or drift else migrate(clickhouse)
        finally:
            clickhouse.close()
    pending = [step for step in steps if step.kind == "pending"] if check or drift else []
    if as_json:
        print_json({"applied": applied, "pending": _named(pending), "drift": _named(drift)})
    else:
        for line in applied or [f"{step.kind} {step.name}: {step.text}" for step in drift + pending]:
            click.echo(line)
        if not steps:
            click.echo(f"Nothing to do: all {len(MIGRATIONS)} files are applied.")
    if drift or pending:
        raise SystemExit(1)


def _named(steps: list[Step]) -> list[dict[str, str]]:
    return [{"name": step.name, "text": step.text} for step in steps]
