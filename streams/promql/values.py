"""What an expression evaluates to: a scalar, a string, an instant vector or a range vector."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

NAME = "__name__"
METADATA = frozenset({NAME, "__type__", "__unit__"})
"""The labels that say what a series is; an operation that changes its meaning drops them."""


class Labels(dict[str, str]):
    """An immutable label set. It remembers the label sets derived from it, since rules derive the same ones again and
    again from the same series."""

    __slots__ = ("_derived", "_hash")
    _derived: dict[tuple[bool, frozenset[str]], "Labels"]
    _hash: int

    def __hash__(self) -> int:  # type: ignore[override]
        try:
            return self._hash
        except AttributeError:
            self._hash = hash(frozenset(self.items()))
            return self._hash

    def keep(self, names: frozenset[str]) -> "Labels":
        """Only these labels."""
        return self._derive(True, names)

    def drop(self, names: frozenset[str]) -> "Labels":
        """All but these labels."""
        return self._derive(False, names)

    def _derive(self, kept: bool, names: frozenset[str]) -> "Labels":
        try:
            return self._derived[kept, names]
        except AttributeError:
            self._derived = {}
        except KeyError:
            pass
        derived = Labels((name, value) for name, value in self.items() if (name in names) is kept)
        self._derived[kept, names] = derived
        return derived

    def changed(self, changes: Iterable[tuple[str, str]]) -> "Labels":
        """With these values; an empty value removes the label."""
        merged = {**self, **dict(changes)}
        return Labels((name, value) for name, value in merged.items() if value)

    def __str__(self) -> str:
        """As Prometheus writes a series: ``name{a="b"}``."""
        return series_text(self)


NO_LABELS = Labels()


class Sample(msgspec.Struct, gc=False):
    """One element of an instant vector.

    ``drop_name``: the metadata labels no longer apply and go when the expression is done. They stay until then, so
    that ``label_replace`` and ``by (__name__)`` can still see them (Prometheus calls it delayed name removal).
    """

    labels: Labels
    value: float
    drop_name: bool = False


Vector = list[Sample]


class RangeSeries(msgspec.Struct):
    """One element of a range vector: timestamps in epoch ms, ascending; no stale markers."""

    labels: Labels
    timestamps: Sequence[int]
    values: Sequence[float]
    drop_name: bool = False


class Matrix(msgspec.Struct):
    """A range vector: the samples of each series in ``(start_ms, end_ms]``."""

    series: list[RangeSeries]
    start_ms: int
    end_ms: int


Value = float | str | Vector | Matrix
Kind = Literal["scalar", "string", "vector", "matrix"]


def labels_text(labels: Mapping[str, str]) -> str:
    """A label set in braces, the name among the other labels, as Prometheus' errors show it."""
    return "{" + ", ".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items())) + "}"


def series_text(labels: Mapping[str, str]) -> str:
    """A label set as Prometheus writes it, labels in order of their names."""
    pairs = ", ".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()) if name != NAME)
    name = labels.get(NAME, "")
    return f"{name}{{{pairs}}}" if pairs or not name else name


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
