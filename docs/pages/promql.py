"""What of PromQL is evaluated, and what is refused and why: asked of the evaluator itself."""

import importlib
import inspect
import pkgutil

from docs.structs import GENERATED, code, docstring, table
from schemas.failures import Rejected
from streams.promql import compile_expression, functions
from streams.promql.aggregation import AGGREGATORS
from streams.promql.operators import ARITHMETIC, COMPARISONS, SET_OPERATORS

FILE = "promql.md"

REFUSED = (
    "histogram_avg(x)",
    "histogram_count(x)",
    "histogram_stddev(x)",
    "histogram_stdvar(x)",
    "histogram_sum(x)",
    "x >/ 2",
    "info(x)",
    "mad_over_time(x[5m])",
    "ts_of_first_over_time(x[5m])",
    "ts_of_last_over_time(x[5m])",
    "ts_of_max_over_time(x[5m])",
    "ts_of_min_over_time(x[5m])",
    'sort_by_label(x, "a")',
    'sort_by_label_desc(x, "a")',
    "limitk(1, x)",
    "limit_ratio(0.5, x)",
    "max_of(1, 2)",
    "min_of(1, 2)",
    "start()",
    "end()",
    "range()",
    "step()",
    "x[1m + 1s]",
    "rate(x[5m] anchored)",
    "rate(x[5m] smoothed)",
)
"""One expression for each thing that stable Prometheus does not have, or that reads native histograms."""


def text() -> str:
    """Functions by subject, aggregations, operators; then every refusal in its own words."""
    subjects = []
    for found in pkgutil.iter_modules(functions.__path__):
        module = importlib.import_module(f"{functions.__name__}.{found.name}")
        names = ", ".join(code(f"{name}()") for name in sorted(module.TABLE))
        subjects.append([docstring(inspect.getmodule(module)).splitlines()[0].partition(":")[0], names])
    subjects.append(["Aggregations, with `by` and `without`", ", ".join(map(code, sorted(AGGREGATORS)))])
    operators = [*ARITHMETIC, *COMPARISONS, *sorted(SET_OPERATORS)]
    subjects.append(
        ["Operators, with `bool`, `on`, `ignoring`, `group_left`, `group_right`", " ".join(map(code, operators))]
    )
    refused = [[code(expression), reason] for expression in REFUSED if (reason := _refusal(expression))]
    parts = [
        GENERATED,
        "# PromQL",
        "Selectors with all matchers, `offset`, `@` and subqueries; strings, numbers and durations. The semantics are "
        "those of Prometheus 3.",
        table(["what it is about", "names"], subjects),
        "## What is refused",
        "A rule or query that uses one of these is refused when it is loaded, with its place in the expression. "
        "`tidewatch test promql --skipped FILES` counts them in a test script of Prometheus.",
        table(["for instance", "answer"], refused),
    ]
    return "\n\n".join(parts) + "\n"


def _refusal(expression: str) -> str | None:
    try:
        compile_expression(expression)
    except Rejected as refusal:
        return str(refusal)
    return None
