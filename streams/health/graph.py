"""Which component is to blame: those that are down, followed along what they depend on."""

from collections.abc import Collection, Mapping, Set
from typing import NamedTuple

from schemas.failures import Rejected


class Component(NamedTuple):
    """A part of a service; without a name, the service as a whole."""

    service: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.service}/{self.name}" if self.name else self.service


Dependencies = Mapping[Component, Collection[Component]]
"""What each component needs in order to be well."""


def resolve(text: str, service: str, known: Collection[Component]) -> Component:
    """What a component of ``service`` means by a dependency ``text``.

    ``service/component`` is one; a single word is a component of its own service if it has one of that name, else
    another service.
    """
    owner, slash, name = text.partition("/")
    if slash:
        return Component(owner, name)
    sibling = Component(service, text)
    return sibling if sibling in known else Component(text)


def edge(text: str) -> tuple[Component, Component]:
    """``shop/api -> postgres`` as (who depends, on what). Raises Rejected."""
    dependent, arrow, dependency = (part.strip() for part in text.partition("->"))
    if not (dependent and arrow and dependency):
        raise Rejected(f"`{text}` is no dependency; write it as SERVICE -> SERVICE or SERVICE/COMPONENT -> SERVICE")
    return resolve(dependent, "", ()), resolve(dependency, "", ())


def root_causes(dependencies: Dependencies, down: Set[Component]) -> dict[Component, list[Component]]:
    """For each component with a dependency that is down: where the fault began, sorted.

    A fault is followed as long as what it leads to is down as well. What is down and needs nothing that is down is a
    root cause; so are all of a ring in which each waits for the next, unless the ring needs something else that is
    down. A root cause has no entry.
    """
    broken = {
        each: [needed for needed in dependencies.get(each, ()) if needed in down] for each in {*dependencies, *down}
    }
    behind = {each: _reachable(each, broken) for each in down}
    roots = {each for each in down if all(each in behind[other] for other in behind[each])}
    found = {}
    for each, needed in broken.items():
        if needed and each not in roots:
            reached = set(needed).union(*(behind[other] for other in needed))
            found[each] = sorted(reached & roots)
    return found


def _reachable(start: Component, edges: Dependencies) -> set[Component]:
    found: set[Component] = set()
    waiting = list(edges.get(start, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += edges.get(each, ())
    return found
