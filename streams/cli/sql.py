"""``tidewatch sql``: ask ClickHouse."""

import sys

import click

from streams.cli._answers import ask_for, print_json
from streams.cli._clickhouse import asking, sentences, settings


@click.command()
@click.argument("statement")
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--json", "output", flag_value="json", help="A JSON array with an object a row; UTC times as ISO 8601.")
@click.option("--csv", "output", flag_value="csv", help="CSV with a line of column names.")
def command(statement: str, path: str | None, output: str | None) -> None:
    """Run one SQL STATEMENT that reads (- takes it from standard input) and print its rows.

    It goes to the ClickHouse server of the configuration; with chDB to the worker that has the directory open, on
    clickhouse.embedded_port, or into the directory when no process has it open. Begin with the views: sla, error_rates,
    compliance_scores, security_summary, alerts. "SHOW TABLES" and "DESCRIBE sla" explain what there is.
    """
    sql = (sys.stdin.read() if statement == "-" else statement).strip().rstrip(";")
    with sentences(), asking(settings(path)) as ask:
        if output == "csv":
            click.echo(ask(sql, "CSVWithNames"), nl=False)
            return
        answer = ask_for(ask, sql)
    if output == "json":
        print_json(answer.objects())
        return
    answer.show()
    count = len(answer.rows)
    click.echo(f"{count} row{'' if count == 1 else 's'}", err=True)
