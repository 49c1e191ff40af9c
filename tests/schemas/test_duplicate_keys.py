"""A key that an object of JSON has twice: found at any level, whatever stands around it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import cloudevents

texts = st.text(st.sampled_from('ab"\\\n:,{}é'), max_size=3)
written = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(texts, inner), max_size=4).map(lambda m: Members(m)),
    max_leaves=8,
)


class Members(list[tuple[str, Any]]):
    """The members of an object in the order in which they are written, some of them perhaps twice."""

    def text(self) -> str:
        return "{" + ", ".join(f"{json.dumps(name)}: {text_of(value)}" for name, value in self) + "}"

    def twice(self) -> bool:
        return len(dict(self)) < len(self) or any(has_twice(value) for _, value in self)


def text_of(value: Any) -> str:
    if isinstance(value, Members):
        return value.text()
    return f"[{','.join(map(text_of, value))}]" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def has_twice(value: Any) -> bool:
    return value.twice() if isinstance(value, Members) else isinstance(value, list) and any(map(has_twice, value))


@given(written)
def test_a_key_written_twice_is_found_at_any_level(value: Any) -> None:
    assert cloudevents.has_duplicate_keys(text_of(value).encode()) == has_twice(value)
