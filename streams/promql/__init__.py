"""PromQL, evaluated over any set of series: ``compile_expression(text).evaluate(storage, at_ms)``."""

from streams.promql.expression import Expression, compile_expression
from streams.promql.matcher import Matcher
from streams.promql.memory import MemoryStorage
from streams.promql.moment import Note, Resolver
from streams.promql.storage import STALE, Series, Storage, is_stale
from streams.promql.values import Labels, Matrix, RangeSeries, Sample, Value, Vector

__all__ = [
    "STALE",
    "Expression",
    "Labels",
    "Matcher",
    "Matrix",
    "MemoryStorage",
    "Note",
    "RangeSeries",
    "Resolver",
    "Sample",
    "Series",
    "Storage",
    "Value",
    "Vector",
    "compile_expression",
    "is_stale",
]
