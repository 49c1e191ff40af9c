"""What is asked of ClickHouse: costs, budgets, utilisation, and what the pipeline itself took in.

Costs are asked of the events themselves and not of windows, which bills of last month would be too late for.
"""

from streams.cost.advice import Resource, Spend, Utilisation
from streams.reports.asking import Ask, between, listed, rows
from streams.reports.document import Period
from streams.stored.sql import text

SPENT, COURSE, BUDGETS, USED, TAKEN = "costs", "course of costs", "budgets", "utilisation", "events taken in"

HOUR_MS, DAY_MS = 3_600_000, 86_400_000

_RESOURCES: dict[str, Resource] = {
    "cost_cpu_total": "cpu",
    "cost_memory_total": "memory",
    "compute": "cpu",
    "cpu": "cpu",
    "memory": "memory",
}
"""By the series' name, or by its component."""

_NAME = "replaceOne(e.name, '.', '_')"
"""As rules see it: both ways of writing it are one."""
_NET = f"sum(if({_NAME} = 'cost_credits_total', -value, value))"


class Asked:
    """The questions about one tenant and period. ``sizes_s``: lengths of the windows that are kept, seconds."""

    def __init__(self, tenant: str, period: Period, sizes_s: list[int]) -> None:
        self.tenant = tenant
        self.period = period
        edges = (period.start_ms, period.end_ms)
        fitting = [size for size in sizes_s if size <= 3600 and not any(edge % (size * 1000) for edge in edges)]
        self.window_s = max(fitting, default=min(sizes_s))
        self.step_ms = HOUR_MS if period.end_ms - period.start_ms <= 2 * DAY_MS else DAY_MS

    def queries(self) -> dict[str, str]:
        """SQL by name."""
        return {
            SPENT: self._spent(),
            COURSE: self._course(),
            BUDGETS: self._budgets(),
            USED: self._used(),
            TAKEN: self._taken(),
        }

    def _spent(self) -> str:
        return (
            "SELECT\n    service,\n    label['component'] AS component,\n    label['currency'] AS currency,\n"
            f"    {_NAME} AS series,\n    {_NET} AS amount\n{self._costs()}\n"
            "GROUP BY service, component, currency, series\nORDER BY service, component, currency, series"
        )

    def _course(self) -> str:
        bucket = f"intDiv(toUnixTimestamp64Milli(time), {self.step_ms}) * {self.step_ms}"
        return (
            f"SELECT\n    service,\n    label['currency'] AS currency,\n    {bucket} AS at_ms,\n    {_NET} AS amount\n"
            f"{self._costs()}\nGROUP BY service, currency, at_ms\nORDER BY service, at_ms"
        )

    def _budgets(self) -> str:
        return (
            "SELECT\n    service,\n    label['currency'] AS currency,\n"
            "    argMax(value, time) AS budget\n"
            f"{self._events()}\n    AND {_NAME} = 'cost_budget' AND kind = 'gauge'\n"
            "GROUP BY service, currency\nORDER BY service, currency"
        )

    def _used(self) -> str:
        levels = ",\n    ".join(f"quantileExact({level / 100})(value) AS p{level}" for level in (50, 95, 99))
        cpu = self._gauge("cpu_usage_percent", "erlmcp_cpu_usage_percent")
        return (
            f"SELECT\n    service,\n    resource,\n    {levels},\n    max(value) AS peak,\n"
            "    uniqExact(toStartOfHour(window_start)) AS hours\nFROM\n(\n"
            f"    SELECT 'cpu' AS resource, service, window_start, value FROM\n    ({cpu})\n    UNION ALL\n"
            f"    SELECT 'memory' AS resource, service, window_start, value FROM\n    ({self._memory()})\n"
            ")\nGROUP BY service, resource\nORDER BY service, resource"
        )

    def _memory(self) -> str:
        used = self._gauge("memory_usage_bytes", "erlmcp_memory_usage_bytes")
        total = self._gauge("memory_total_bytes", "erlmcp_memory_total_bytes")
        return (
            "SELECT u.service AS service, u.window_start AS window_start, 100 * u.value / t.value AS value\n"  # noqa: S608
            f"    FROM ({used}) AS u\n    INNER JOIN ({total}) AS t\n"
            "    ON u.service = t.service AND u.window_start = t.window_start WHERE t.value > 0"
        )

    def _gauge(self, *names: str) -> str:
        """Its mean in each window, over all that a service has of it."""
        return (
            "SELECT service, window_start, sum(w.sum) / sum(w.count) AS value\n"
            f"    {self._from()} AND name IN {listed(names)} AND kind = 'gauge'\n    GROUP BY service, window_start"
        )

    def _taken(self) -> str:
        """Bytes are estimated by the mean size of a row of the tables of raw events."""
        return (
            "SELECT\n    count() AS events,\n    events * (\n"  # noqa: S608 - quoted
            "        SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts\n"
            "        WHERE active AND database = currentDatabase() AND startsWith(table, 'raw_')\n    ) AS bytes\n"
            f"FROM merge(currentDatabase(), '^raw_')\nWHERE tenant = {text(self.tenant)}"
            f" AND {between('time', self.period.start_ms, self.period.end_ms)}"
        )

    def _costs(self) -> str:
        return f"{self._events()}\n    AND startsWith({_NAME}, 'cost_') AND kind = 'counter'"

    def _events(self) -> str:
        when = between("time", self.period.start_ms, self.period.end_ms)
        return f"FROM raw_metrics AS e\nWHERE tenant = {text(self.tenant)} AND {when}"

    def _from(self) -> str:
        when = between("window_start", self.period.start_ms, self.period.end_ms)
        whose = f"tenant = {text(self.tenant)} AND window_seconds = {self.window_s}"
        return f"FROM windows AS w FINAL\nWHERE {whose}\n    AND {when}"


def spends(ask: Ask, asked: Asked) -> list[Spend]:
    """What each component cost; credits are deducted."""
    return [
        Spend(
            row["service"],
            row["component"],
            row["currency"] or "USD",
            _RESOURCES.get(row["series"]) or _RESOURCES.get(row["component"].lower()),
            row["amount"],
        )
        for row in rows(ask, asked.queries()[SPENT])
    ]


def utilisations(ask: Ask, asked: Asked) -> list[Utilisation]:
    """How much of their resources services used."""
    return [Utilisation(**row) for row in rows(ask, asked.queries()[USED])]
