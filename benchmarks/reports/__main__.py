"""``make bench-reports``: a month of synthetic minutes of 200 objectives in chDB, and the time of its report.

Writing the data is not part of the time. The report is made once before it is measured, so that what is measured is
the report and not the first read of a disk.
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.reports.month import OBJECTIVES, objectives, store
from schemas.config import ClickHouse as Settings
from schemas.sla import Sla
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.api.queries import asking
from streams.reports.digest import digest
from streams.reports.period import period
from streams.reports.sla.report import sla_report
from streams.reports.sla.scope import Scope

MADE_MS = 1_796_100_000_000


def main() -> None:
    """Print rows and seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objectives", type=int, default=OBJECTIVES)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidewatch-") as directory:
        sink = ClickHouse(Settings(url=f"chdb:{Path(directory) / 'data'}"))
        migrate(sink)
        rows = store(sink, options.objectives, options.days)
        print(f"{rows:,} rows of objective_minutes: {options.objectives} objectives, {options.days} days")
        scope = Scope(tenant="default", period=period(f"2026-10-01..2026-10-{options.days:02}", "UTC", MADE_MS))
        for number in range(options.rounds + 1):
            began, cpu = time.perf_counter(), time.process_time()
            report = sla_report(asking(sink), scope, objectives(options.objectives), Sla(), MADE_MS, "benchmark")
            seconds, used = time.perf_counter() - began, time.process_time() - cpu
            name = f"round {number}" if number else "first"
            print(f"{name}: {seconds:.2f} s, {used:.2f} s of processor time; {report.summary} {digest(report)[:15]}")
        sink.close()


main()
