"""PromQL over what ClickHouse holds. Pure: how to ask ClickHouse arrives as an argument."""

from collections.abc import Callable

from streams.stored.sql import Resolution
from streams.stored.storage import Extent, TooMuch, extent_of, load

Ask = Callable[[str, str], bytes]
"""Statement, output format -> the answer of ClickHouse."""

__all__ = ["Ask", "Extent", "Resolution", "TooMuch", "extent_of", "load"]
