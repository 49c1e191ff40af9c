"""Minutes of many objectives, made by ClickHouse itself: counts of requests with an incident now and then."""

from datetime import UTC, datetime
from fractions import Fraction

from schemas.slo import Objective, Occurrences, Ratio, Rolling, Slices, Source
from schemas.yamltext import Place
from sinks.clickhouse import ClickHouse
from streams.slo.ledger import UNIT

OBJECTIVES = 200

FIRST = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) // 60
"""Minutes since the epoch."""

_PLACE = Place("benchmark.yml", 1, 1)


def objectives(count: int) -> list[Objective]:
    """Every fourth one counts slices of five minutes, the others events."""
    return [
        Objective(
            name=f"objective-{number:03}",
            service=f"service-{number % 40:02}",
            indicator=Ratio(bad=Source(series=("b",), place=_PLACE), total=Source(series=("t",), place=_PLACE)),
            target=Fraction(999, 1000),
            method=Slices(minutes=5, target=Fraction(99, 100)) if number % 4 == 3 else Occurrences(),
            window=Rolling(43_200),
            place=_PLACE,
        )
        for number in range(count)
    ]


def store(sink: ClickHouse, count: int, days: int) -> int:
    """A row an objective and minute; gives how many. In each objective an hour of every fourth day fails a lot."""
    minutes = days * 1440
    sink.command(
        "INSERT INTO objective_minutes (tenant, objective, service, minute, version, bad, total) SELECT 'default', "
        "concat('objective-', leftPad(toString(o), 3, '0')), concat('service-', leftPad(toString(o % 40), 2, '0')), "
        f"fromUnixTimestamp64Milli(toInt64({FIRST} + m) * 60000, 'UTC'), 1, "
        "if((o * 97 + m) % 5760 < 60, 40 + cityHash64(o, m) % 60, cityHash64(o, m) % 400 = 0) "
        f"* {UNIT}, toInt64(900 + cityHash64(m, o) % 200) * {UNIT} "
        f"FROM (SELECT intDiv(number, {minutes}) AS o, number % {minutes} AS m FROM numbers({count * minutes}))"
    )
    return count * minutes
