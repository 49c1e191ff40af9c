"""``tidewatch report sla``: what was promised, and what came of it."""

from glob import escape

import click

from schemas.config import Slo
from streams.cli._clickhouse import asking, sentences
from streams.cli._reports import MADE_BY, now_ms, period_option, report_options, write
from streams.config import load
from streams.config.files import load_objectives, load_sla
from streams.reports.sla.report import sla_report
from streams.reports.sla.scope import Scope
from streams.slo.files import Objectives


@click.command()
@report_options
@click.option("--service", "services", multiple=True, help="Only of this service; may be repeated.")
@click.option(
    "--objectives",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="A file of objectives and maintenance, instead of those of the configuration; may be repeated.",
)
def command(
    path: str | None,
    period_text: str,
    zone: str,
    tenant: str,
    format_: str | None,
    output: str | None,
    services: tuple[str, ...],
    files: tuple[str, ...],
) -> None:
    """What was promised over a period, and what came of it.

    Of each objective: target, what was achieved, how much of the error budget that used, downtime, the worst windows
    with the alerts that fired in them, and the trend against the period before. Of each service its service levels.
    Then the maintenance that does not count, with who declared it, and how complete the data is.

    The exit status is 0 whether promises were kept or not.
    """
    made_ms = now_ms()
    period = period_option(period_text, zone, made_ms)
    with sentences():
        config = load(path)
        promised = _promised(files, config.slo)
        scope = Scope(
            tenant=tenant,
            period=period,
            services=services,
            maintenance=tuple(promised.maintenance),
            window_ms=min(config.windows.sizes) * 1000,
            out_of_orderness_ms=int(config.windows.out_of_orderness * 1000),
        )
        with asking(config.clickhouse) as ask:
            report = sla_report(ask, scope, promised.objectives, load_sla(config.sla.file), made_ms, MADE_BY)
        write(report, format_, output)


def _promised(files: tuple[str, ...], slo: Slo) -> Objectives:
    return load_objectives(slo if not files else Slo(files=[escape(file) for file in files], maintenance=""))
