"""Policy files that mean harm: shipped ones with parts changed, and YAML and CEL of any kind."""

import random
from typing import Any

import yaml
from hypothesis import strategies as st

from streams.compliance.attributes import SHIPPED
from streams.compliance.judging import Vocabulary
from streams.compliance.shipped import shipped_texts

_FILES = [text for _, text in shipped_texts()]
_TREES = [yaml.safe_load(text) for text in _FILES]
_KEYS = ["id", "title", "frameworks", "applies_to", "require", "reason", "tests", "attributes", "when", "events", "x"]
_NAMES = sorted({name for event in ("security", "processing") for name in Vocabulary(SHIPPED).variables(event)})  # type: ignore[arg-type]
_WORDS = ["true", "1", "-1", "0x1f", "1u", "1.5", "1e400", "9" * 30, "null", "''", "'a'", '"\\u0000"', "[]", "{}"]
_MACROS = ["has({})", "size({})", "[{0}].all(x, x == {0})", "[1, 2].exists(x, {})", "{}.matches('(a*)*b')", "type({})"]
_MACROS += ["string({})", "{}.map(x, x)", "duration({})", "timestamp({})", "{0} in [{0}]", "!{}", "-{}", "({})"]
_MACROS += ["{}.startsWith('a')", "dyn({})", "{0} ? {0} : {0}", "{0}[0]", "{0}.a", "{{{0}: {0}}}"]
_OPERATORS = ["==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "in", "", "=", "&", "."]

_LONGEST = 20_000
"""Characters of a condition."""

conditions = st.recursive(
    st.sampled_from(_NAMES) | st.sampled_from(_WORDS) | st.text(max_size=4),
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(_OPERATORS), inner)
        | st.builds(lambda macro, text: macro.format(text), st.sampled_from(_MACROS), inner)
        | st.builds(lambda text, times: "(" * times + text + ")" * times, inner, st.sampled_from([1, 30, 300]))
        | st.builds(lambda text, times: f" {text} &&" * times + " true", inner, st.sampled_from([2, 30, 100]))
    ),
    max_leaves=6,
).map(lambda text: text[:_LONGEST])
"""Anything that looks like CEL, and much that is."""

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.dates() | st.datetimes()
    | st.binary(max_size=4) | st.sampled_from(["compliant", "{mfa}", "{actor}", "high", "gdpr", "9" * 5_000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(_KEYS), inner),
    max_leaves=8,
)  # fmt: skip

BOMBS = [
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "a: &a {b: *a}",
    "&a [*a, *a]",
    "[" * 2_000,
    "{a: " * 1_000,
    "- " * 1_000 + "x",
    "? " * 1_000 + "x",
    "a: !!python/object/apply:os.system [ls]",
    "a: !!timestamp 2026-99-99",
    "a: !!int x",
    "a: !!timestamp",
    "a: !!int",
    "a: !!float",
    "a: !!bool x",
    "a: !!null x",
    "a: !!set {b: c}",
    "a: !!omap [b]",
    "a: !!pairs {b: c}",
    "a: !!map b",
    "a: !!seq {}",
    "a: !!str [b]",
    "a: !!int [b]",
    "a: !!float x",
    "a: !!binary '='",
    "<<: [1]",
    "a: {<<: *b}",
    "a: " + "9" * 100_000,
    "1_000:59:59: 0b",
    "%YAML 9.9\n---\na: b",
    "a: 2026-11-22T10:00:00+99:99",
    "a: !<tag:yaml.org,2002:set> {b}",
    "? [a]\n: b",
    "? {a: b}\n: c",
]


@st.composite
def changed_trees(draw: st.DrawFn) -> str:
    """A shipped policy of which some parts were replaced, left out or taken from another."""
    tree = yaml.safe_load(draw(st.sampled_from(_FILES)))
    chosen = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(tree))
        holder, key = chosen.choice(places)
        kind = draw(st.integers(0, 4))
        if kind == 0:
            del holder[key]
        elif kind == 1:
            other, name = chosen.choice(list(_places(chosen.choice(_TREES))))
            holder[key] = other[name]
        else:
            holder[key] = draw(conditions if kind == 2 else values)
        if not tree:
            break
    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=draw(st.booleans())))


@st.composite
def changed_conditions(draw: st.DrawFn) -> str:
    """A shipped policy that asks for something else."""
    tree = yaml.safe_load(draw(st.sampled_from(_FILES)))
    if "sequence" in tree:
        chosen = draw(st.sampled_from(tree["sequence"]["steps"]))
        chosen["when"] = draw(conditions)
    else:
        tree["require"] = draw(conditions)
        if draw(st.booleans()):
            tree["applies_to"]["when"] = draw(conditions)
    return str(yaml.safe_dump(tree, sort_keys=False))


@st.composite
def changed_texts(draw: st.DrawFn) -> str:
    """A shipped file, some characters of which are others, or with something hostile in it."""
    text = draw(st.sampled_from(_FILES))
    for _ in range(draw(st.integers(1, 3))):
        at, cut = draw(st.integers(0, len(text))), draw(st.integers(0, 30))
        text = text[:at] + draw(st.text(max_size=8) | st.sampled_from(BOMBS)) + text[at + cut :]
    return text


@st.composite
def bombs_in_tests(draw: st.DrawFn) -> str:
    """A shipped file with a bomb where the tests give the fields of an event."""
    bomb = draw(st.sampled_from(BOMBS))
    indented = "".join(f"      {line}\n" for line in bomb.splitlines())
    under = draw(st.sampled_from(["", "      attributes:\n  "]))
    return draw(st.sampled_from(_FILES)) + "  not_concerned:\n    -\n" + under + indented


files: st.SearchStrategy[str] = st.one_of(
    changed_trees(),
    changed_conditions(),
    changed_texts(),
    bombs_in_tests(),
    values.map(lambda value: str(yaml.safe_dump(value))),
    st.sampled_from(BOMBS),
    st.text(),
)


def _places(tree: Any) -> Any:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        yield tree, key
        yield from _places(value)
