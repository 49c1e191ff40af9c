"""Expressions give the same in Tidewatch as in Prometheus itself: random ones, and ones that teams run."""

import random
from pathlib import Path

import msgspec
import pytest

from streams.promql import compile_expression
from tests.e2e.data import whole
from tests.promql.asking import Questions, differences
from tests.promql.corpus.suited import suited
from tests.promql.expressions import Expressions, series

RANDOM = 300
"""Random expressions in one run of the tests; other seeds and larger numbers are one call away."""
SHIPPED = Path(__file__).parent / "corpus" / "rules.ndjson"


def corpus(file: Path) -> list[str]:
    """Unique expressions. ``§`` stands where the source has a template's placeholder, which is no PromQL."""
    rules = msgspec.json.decode(b"[" + b",".join(file.read_bytes().splitlines()) + b"]")
    return list(dict.fromkeys(rule["expr"] for rule in rules if "§" not in rule["expr"]))


@pytest.mark.parametrize("seed", [1])
def test_random_expressions_give_what_prometheus_gives(promtool: str, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    data = series(rng)
    expressions = Expressions(rng)
    asked = Questions(data, [expressions.vector() for _ in range(RANDOM)])
    different, answered = differences(promtool, [asked], tmp_path)
    assert not different, "\n".join(different)
    assert answered > RANDOM / 2, "most expressions have to give something"


@pytest.mark.parametrize("file", [SHIPPED, *whole("rules/corpus-visible.ndjson")], ids=lambda file: file.stem)
def test_rules_in_use_give_what_prometheus_gives(promtool: str, tmp_path: Path, file: Path) -> None:
    """Series are made up to suit each expression, so that most of them compare something."""
    expressions = corpus(file)
    rng = random.Random(7)
    different, answered = differences(
        promtool, [Questions(suited(rng, each), [each]) for each in expressions], tmp_path
    )
    assert not different, "\n".join(different)
    assert answered > len(expressions) / 2, "most expressions have to give something"


@pytest.mark.parametrize("file", [SHIPPED, *whole("rules/corpus-visible.ndjson")], ids=lambda file: file.stem)
def test_every_rule_in_use_loads(file: Path) -> None:
    for expression in corpus(file):
        compile_expression(expression)
