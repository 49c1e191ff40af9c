"""Whose fault it is: chains, diamonds, rings, and all graphs of a few components."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Rejected
from streams.health.graph import Component, edge, resolve, root_causes

A, B, C, D = (Component(name) for name in "abcd")


def test_a_fault_is_followed_to_where_it_began() -> None:
    """a needs b, b needs c; c is down, and so both others."""
    assert root_causes({A: [B], B: [C]}, {A, B, C}) == {A: [C], B: [C]}


def test_what_works_stands_between() -> None:
    """b copes without c: that a is down has another reason."""
    assert root_causes({A: [B], B: [C]}, {A, C}) == {B: [C]}


def test_a_component_that_is_well_suffers_too() -> None:
    """It is up, but what it needs is not."""
    assert root_causes({A: [B]}, {B}) == {A: [B]}


def test_a_diamond_has_one_root() -> None:
    """Both ways from a lead to d."""
    assert root_causes({A: [B, C], B: [D], C: [D]}, {A, B, C, D}) == {A: [D], B: [D], C: [D]}


def test_two_faults_at_once_are_both_named() -> None:
    """Repairing one does not help."""
    assert root_causes({A: [B, C]}, {A, B, C}) == {A: [B, C]}


def test_nobody_in_a_ring_is_to_blame_more_than_another() -> None:
    """a and b wait for each other; c waits for them."""
    assert root_causes({A: [B], B: [A], C: [A]}, {A, B, C}) == {C: [A, B]}


def test_a_ring_that_needs_something_else_is_a_consequence() -> None:
    """Then that is to blame."""
    assert root_causes({A: [B], B: [A, C]}, {A, B, C}) == {A: [C], B: [C]}


def test_who_needs_itself_is_its_own_root() -> None:
    """And no consequence of itself."""
    assert root_causes({A: [A]}, {A}) == {}


@given(st.sets(st.sampled_from(list(product((A, B, C, D), repeat=2)))), st.sets(st.sampled_from((A, B, C, D))))
def test_every_fault_has_a_root_that_is_down_and_has_none_itself(
    edges: set[tuple[Component, Component]], down: set[Component]
) -> None:
    """Unless all that it leads to leads back, in any graph."""
    needs = {each: [to for start, to in edges if start == each] for each in (A, B, C, D)}
    found = root_causes(needs, down)
    for component, causes in found.items():
        assert causes, "somebody is to blame"
        assert component not in causes
        assert set(causes) <= down - set(found)
    for component in {A, B, C, D} - set(found):
        if component not in down:
            assert not set(needs[component]) & down


def test_a_dependency_is_a_part_of_the_service_or_another_service() -> None:
    """One's own part goes first."""
    known = {Component("shop", "db"), Component("db")}
    assert resolve("db", "shop", known) == Component("shop", "db")
    assert resolve("db", "cart", known) == Component("db")
    assert resolve("cart/db", "shop", known) == Component("cart", "db")


def test_a_configured_dependency_says_who_needs_whom() -> None:
    """And is refused when it does not."""
    assert edge("shop/api -> postgres") == (Component("shop", "api"), Component("postgres"))
    for wrong in ("shop", "-> postgres", "shop ->"):
        with pytest.raises(Rejected, match="SERVICE -> SERVICE"):
            edge(wrong)
