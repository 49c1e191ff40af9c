"""Events that mean harm: those of the policies' own tests with other values, of any type and spelling."""

import copy
import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.events import Processing, Security
from streams.compliance.attributes import SHIPPED
from streams.compliance.shipped import shipped
from tests.fuzz.cel import literals, read

_BASES = [json.loads(msgspec.json.encode(test.event)) for policy in shipped().policies for test in policy.tests]
_WORDS = sorted(
    {
        word
        for policy in shipped().policies
        for conditions in policy.conditions.values()
        for condition in (conditions.when, conditions.require)
        if condition is not None
        for word in literals(read(condition.text))
    }
)
_FIELDS = {
    "tidewatch.security": Security.__struct_fields__,
    "tidewatch.processing": Processing.__struct_fields__,
}
_NUMBERS = [
    "0",
    "-1",
    "+10",
    " 10",
    "10 ",
    "1e1",
    "10.0",
    "0x0a",
    "NaN",
    "Infinity",
    "٣",
    "१०",
    "9" * 15,
    "9" * 16,
    "1_0",
]
_TRUTHS = ["true", "false", "TRUE", " False ", "True\u200b", "yes", "1", "null", "ｔｒｕｅ"]
_TIMES = [
    "2026-11-22T10:00:00Z",
    "2026-11-22T10:00:00.000001+00:00",
    "2026-11-22",
    "2026-11-22T10:00:00",
    "20261122T100000Z",
]
_TIMES += [
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-W47-7T10:00:00Z",
    "2026-11-22T10:00:00+24:00",
    "now",
]
_TIMES += ["2026-11-22 10:00Z", "2026-11-22T10:00:00+00:00:30", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z"]
_PLACES = ["EU", "eu", " de ", "DE", "US", "EEA", "ＤＥ", "D\u0130", "\u017f\u017f", "CHE", "ı1", "GB"]
_MARKS = {
    "dataclassification": ["public", "Restricted", "CONFIDENTIAL", "internal", "secret", ""],
    "dataregulation": ["GDPR", "hipaa, pci-dss", "SOC-2", "GDPR,,", "LGPD", "PCI,GDPR"],
    "datacategory": ["phi", "non-pii", "special-category", "sensitive", "PHI", "cards", "standard"],
}


@st.composite
def spelt(draw: st.DrawFn) -> str:
    """A word that policies know, in a spelling that means the same, or that only looks like it."""
    word = draw(st.sampled_from(_WORDS))
    change = draw(st.integers(0, 8))
    return [
        word,
        word.upper(),
        word.replace("_", " "),
        f" {word.replace('_', '-')}\u00a0",
        word + "\u200b",
        word.replace("i", "\u0456").replace("s", "\u017f"),
        word.title().replace("I", "\u0130"),
        word.ljust(70, "_") + "x",
        "_".join(word),
    ][change]


texts = spelt() | st.text(max_size=6) | st.sampled_from(["", " ", "_", "root", "ADMIN", "alice", *_PLACES])
_WRITTEN = {"int": _NUMBERS, "bool": _TRUTHS, "time": _TIMES}
anything: st.SearchStrategy[Any] = st.one_of(
    texts, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(texts, max_size=2),
    st.dictionaries(texts, texts, max_size=2), st.integers(-3, 4000),
)  # fmt: skip


def entries(kind: str) -> st.SearchStrategy[str]:
    """Of an attribute: most are written nearly as its type says."""
    others = spelt() | st.integers(-3, 4_000).map(str) | st.text(max_size=6)
    return st.sampled_from(_WRITTEN[kind]) | others if kind in _WRITTEN else others


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """An event as JSON has it; half of them are of a form that is accepted."""
    record = copy.deepcopy(draw(st.sampled_from(_BASES)))
    data = record["data"]
    for _ in range(draw(st.integers(0, 4))):
        change = draw(st.integers(0, 9))
        if change == 0:
            data.pop(draw(st.sampled_from(sorted(data) or ["service"])), None)
        elif change == 1:
            data[draw(st.sampled_from(_FIELDS[record["type"]]))] = draw(anything)
        elif change == 2:
            name = draw(st.sampled_from(sorted(_MARKS)))
            record[name] = draw(st.sampled_from(_MARKS[name]))
        elif change == 3:
            data["data_categories" if "operation" in data else "target"] = draw(st.lists(texts, max_size=3))
        elif change < 7:
            attributes = data.get("attributes")
            written = attributes if isinstance(attributes, dict) else {}
            name = draw(st.sampled_from(sorted(written.keys() & SHIPPED.keys()) or sorted(SHIPPED)))
            data["attributes"] = {**written, name: draw(entries(SHIPPED[name].type))}
        elif change == 7 and "operation" in data:
            data["location"] = draw(st.sampled_from(_PLACES))
        else:
            fields = [name for name in _FIELDS[record["type"]] if isinstance(data.get(name), str)]
            data[draw(st.sampled_from(fields or ["service"]))] = draw(texts)
    return record


@st.composite
def batches(draw: st.DrawFn) -> list[bytes]:
    """Records of a batch. What repeats, but for its id, is judged by columns: so some do, in a form of their own."""
    values = []
    for number, record in enumerate(draw(st.lists(records(), min_size=1, max_size=4))):
        for copy_ in range(draw(st.sampled_from([1, 1, 3, 12]))):
            record["id"] = f"{number}-{copy_}"
            spaced = draw(st.booleans())
            text = json.dumps(record, ensure_ascii=draw(st.booleans()), separators=None if spaced else (",", ":"))
            values.append(text.encode("utf-8", "surrogatepass"))
    return values
