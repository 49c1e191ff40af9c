"""Which elements of two vectors belong together: ``on``, ``ignoring``, ``group_left``, ``group_right``."""

from typing import Literal

import msgspec

from streams.promql.values import METADATA, NAME, Labels

Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]


class Matching(msgspec.Struct, frozen=True):
    """``included``: the labels that ``group_left`` or ``group_right`` take over from the one side.

    ``fill_left``, ``fill_right``: the value that stands in for a missing partner on that side.
    """

    cardinality: Cardinality = "one-to-one"
    on: bool = False
    names: frozenset[str] = frozenset()
    included: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None

    def signature(self, labels: Labels) -> Labels:
        """The labels that have to be equal on both sides."""
        return labels.keep(self.names) if self.on else labels.drop(self.names | {NAME})

    def result_labels(self, many: Labels, one: Labels, changes_meaning: bool) -> Labels:
        """The labels of the result of matching these two."""
        result = many.drop(METADATA) if changes_meaning else many
        if self.cardinality == "one-to-one":
            result = result.keep(self.names) if self.on else result.drop(self.names)
        if self.included:
            result = result.changed((name, one.get(name, "")) for name in self.included)
        return result
