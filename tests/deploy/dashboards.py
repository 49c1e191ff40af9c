"""The shipped Grafana dashboards: their panels' queries, and SQL as Grafana and its ClickHouse plugin would expand it.

Macros: grafana/clickhouse-datasource, docs/sources/query-editor.md.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(DEPLOY.glob("grafana/dashboards/*.json"))}


class Query(NamedTuple):
    """One query of one dashboard; ``place`` says which."""

    place: str
    datasource: str
    """``grafana-clickhouse-datasource`` or ``prometheus``."""
    text: str
    time_series: bool


def queries(datasource: str) -> list[Query]:
    """All queries to one kind of data source, of panels and of variables."""
    return [
        query for name, board in DASHBOARDS.items() for query in _queries(name, board) if query.datasource == datasource
    ]


def _queries(name: str, board: dict[str, Any]) -> Iterator[Query]:
    for panel in board["panels"]:
        for target in panel["targets"]:
            place = f"{name}: {panel['title']}"
            text = target.get("rawSql") or target["expr"]
            yield Query(place, target["datasource"]["type"], text, target.get("format") == 0)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            place = f"{name}: variable {variable['name']}"
            yield Query(place, variable["datasource"]["type"], variable["query"]["rawSql"], False)


def expand_sql(sql: str, since: int, until: int, variables: Mapping[str, str]) -> str:
    """SQL with macros and variables replaced; the times are UTC epoch seconds. An unknown one is a KeyError."""
    macros = {
        "timeFilter": lambda column: f"{column} >= toDateTime({since}) AND {column} <= toDateTime({until})",
        "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL 60 second)",
        "fromTime": lambda _: f"toDateTime({since})",
        "toTime": lambda _: f"toDateTime({until})",
    }
    sql = re.sub(r"\$__(\w+)(?:\((\w+)\))?", lambda found: macros[found[1]](found[2]), sql)
    return re.sub(r"\$\{(\w+)(:singlequote)?\}", lambda found: _variable(variables, found), sql)


def _variable(variables: Mapping[str, str], found: re.Match[str]) -> str:
    value = variables[found[1]]
    return "'" + value.replace("'", "\\'") + "'" if found[2] else value


def expand_promql(expression: str) -> str:
    """PromQL with Grafana's own intervals replaced."""
    return expression.replace("$__rate_interval", "5m").replace("$__range", "3h")
