"""Objectives of other tools as OpenSLO documents, which :mod:`schemas.openslo` reads."""

from collections.abc import Callable, Iterator
from typing import Any

from schemas.failures import Rejected
from schemas.yamltext import Place, Problem, YamlText, plain
from streams.slo.importing import openslo_alpha, pyrra, sloth
from streams.slo.importing.converted import Converted, Unreadable

Reader = Callable[[dict[str, Any], Converted], Iterator[dict[str, Any] | Unreadable]]
"""Yields documents, and why what should have been one is none; raises that when nothing else can follow."""

READERS: dict[str, Reader] = {
    "prometheus/v1": sloth.from_file,
    "sloth.slok.dev/v1": sloth.from_kubernetes,
    "pyrra.dev/v1alpha1": pyrra.documents,
    "openslo/v1alpha": openslo_alpha.documents,
}
"""By what a document says of itself: ``version`` or ``apiVersion``."""


def convert(text: str, file: str) -> Converted:
    """The documents of a file converted, what was left out, and what could not be read."""
    found = Converted()
    for document in YamlText.documents(text, file):
        found.problems += document.problems
        if document.root is None:
            continue
        place, given = document.place(document.root), plain(document.root)
        version = given.get("apiVersion", given.get("version")) if isinstance(given, dict) else None
        reader = READERS.get(str(version))
        if reader is None:
            known = f"known are {', '.join(READERS)}"
            found.problems.append(Problem(place, f"version {version!r} is not one of Sloth or Pyrra", known))
            continue
        _read(reader, given, place, found)
    return found


def _read(reader: Reader, given: dict[str, Any], place: Place, found: Converted) -> None:
    try:
        for item in reader(given, found):
            if isinstance(item, Unreadable):
                found.problems.append(Problem(place, item.text, item.fix))
            else:
                found.documents.append(item)
    except Unreadable as error:
        found.problems.append(Problem(place, error.text, error.fix))
    except Rejected as error:
        found.problems.append(Problem(place, str(error)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        found.problems.append(Problem(place, f"a field is missing or of another form: {error}", "add it"))
