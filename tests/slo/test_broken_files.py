"""Whatever is wrong with a file, it is said; nothing is raised."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.slo.export import rules
from streams.slo.files import read_objectives
from streams.slo.importing import convert
from tests.slo.test_howto import FILES
from tests.slo.test_importing import PYRRA, SLOTH

JUNK = [
    None,
    "",
    "x",
    0,
    -1.5,
    True,
    [],
    {},
    [1],
    {"a": {"b": 1}},
    "99.9%",
    "9" * 30 + "d",
    "{",
    "nan",
    "\x85",
    [[]],
    "1e999999",
]


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(each for key, child in children for each in paths(child, (*path, key)))]


def broken(text: str, path: tuple[Any, ...], junk: Any) -> str:
    """The document with something else in one place."""
    root = {"": copy.deepcopy(yaml.safe_load(text))}
    *way, last = ("", *path)
    node: Any = root
    for key in way:
        node = node[key]
    node[last] = junk
    return yaml.safe_dump(root[""])


@pytest.mark.parametrize("text", FILES, ids=["short", "openslo"])
@given(data=st.data())
def test_files_of_objectives(text: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(yaml.safe_load(text))))
    found = read_objectives({"f.yml": broken(text, path, data.draw(st.sampled_from(JUNK)))})

    if not found.problems:
        rules(found.objectives)
    assert all(problem.place.line >= 1 for problem in found.problems)


@pytest.mark.parametrize(
    "text", [SLOTH, PYRRA.replace("INDICATOR", "{latencyNative: {latency: 1s, total: {metric: h}}}")]
)
@given(data=st.data())
def test_files_of_other_tools(text: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(yaml.safe_load(text))))
    converted = convert(broken(text, path, data.draw(st.sampled_from(JUNK))), "f.yml")

    assert (
        read_objectives({"o.yml": yaml.safe_dump_all(converted.documents)} if converted.documents else {}) is not None
    )
