"""Events that hold who somebody is, and numbers of cards, wherever and however a publisher may write them."""

import json
import unicodedata
from typing import Any, NamedTuple

from hypothesis import strategies as st

from schemas.events import health, metric, processing, security
from streams.privacy.cards import has_luhn_digit
from streams.privacy.rules import FIELDS

_NAMES = [
    "Zaphod.Q-Beeblebrox",
    "jürgen.müller-lüdenscheid",
    "ΟΔΥΣΣΕΥΣ-42x",
    "李小龍先生-bruce",
    "st\u0131ller\u0130-z",
    "straße-weiß",
]
_MAILS = ["{}@betelgeuse.example", "<{}@x-y.co.uk>", "mailto:{}@bücher.example", "{}+tag@a.b.museum", "{}@例子.公司"]
_EXAMPLES: list[Any] = [metric.EXAMPLE, security.EXAMPLE, processing.EXAMPLE, health.EXAMPLE]
_TEXTS = {
    "security": ("target", "action", "reason", "purpose"),
    "processing": ("purpose", "location", "operation"),
    "health": ("message",),
    "metric": (),
}
_GAPS = ["", " ", "-", ".", "\u00a0", "/", "\u2009", "\u00ad", "\u200b", "·", "_"]
_DIGITS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９"]


class Told(NamedTuple):
    """Records, and what nothing that becomes of them may hold."""

    values: list[bytes]
    names: list[str]
    cards: list[str]
    """Digits alone."""


@st.composite
def cards(draw: st.DrawFn) -> str:
    """The digits of a card's number."""
    length = draw(st.sampled_from([13, 15, 16, 19]))
    begin = draw(st.sampled_from(["4", "51", "34", "6011", "3530", "62"]))
    rest = draw(st.text("0123456789", min_size=length - len(begin) - 1, max_size=length - len(begin) - 1))
    return next(f"{begin}{rest}{digit}" for digit in range(10) if has_luhn_digit(f"{begin}{rest}{digit}"))


@st.composite
def written(draw: st.DrawFn, card: str) -> str:
    """A number as people write it."""
    gap, digits = draw(st.sampled_from(_GAPS)), draw(st.sampled_from(_DIGITS))
    sizes = draw(st.sampled_from([(4,), (4, 6), (1,), (19,), (6, 4)]))
    groups, at = [], 0
    while at < len(card):
        size = sizes[min(len(groups), len(sizes) - 1)]
        groups.append(card[at : at + size])
        at += size
    return gap.join(groups).translate({ord("0") + number: digit for number, digit in enumerate(digits)})


def forms(name: str) -> list[str]:
    """A name as its own event may repeat it."""
    return [name, name.upper(), name.lower(), unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name)]


@st.composite
def told(draw: st.DrawFn) -> Told:
    """A batch."""
    values, names, numbers = [], [], []
    for _ in range(draw(st.integers(1, 3))):
        record = json.loads(json.dumps(draw(st.sampled_from(_EXAMPLES))))
        kind = record["type"].partition(".")[2]
        secrets = []
        if kind in FIELDS:
            name = draw(st.sampled_from(_NAMES))
            record["data"][draw(st.sampled_from(sorted(FIELDS[kind])))] = name
            names.append(name)
            secrets += forms(name)
        mail = draw(st.sampled_from(_NAMES[:3]))
        names.append(mail)
        card = draw(cards())
        numbers.append(card)
        secrets += [draw(st.sampled_from(_MAILS)).format(mail), draw(written(card))]
        for _ in range(draw(st.integers(1, 4))):
            _put(draw, record, kind, draw(st.sampled_from(secrets)))
        values += [draw(_bytes(record))] * draw(st.sampled_from([1, 1, 8]))
    return Told(values, names, numbers)


def _put(draw: Any, record: dict[str, Any], kind: str, secret: str) -> None:
    around = draw(st.sampled_from(["{}", "by {}, at last", "({})", "x={};", '"{}"', "/{}/", "{} {}", "é {}\t"]))
    text = around.format(*[secret] * around.count("{}"))
    where = draw(st.integers(0, 6))
    data = record["data"]
    if where == 0:
        record[draw(st.sampled_from(["id", "source"]))] = text
    elif where == 1:
        record[draw(st.sampled_from(["subject", "partitionkey", "traceparent"]))] = text
    elif where == 2 and kind != "health":
        labels = "labels" if kind == "metric" else "attributes"
        data.setdefault(labels, {})[draw(st.sampled_from(["note", "region", "pan", "user_id"]))] = text.replace(
            "\t", " "
        )
    elif where == 3 and kind == "processing":
        data["data_categories"] = [*data["data_categories"], text.replace("\t", " ")]
    elif where == 4:
        data["unheard_of"] = {"deep": [text]}  # a dead letter
    elif _TEXTS[kind]:
        data[draw(st.sampled_from(_TEXTS[kind]))] = text


@st.composite
def _bytes(draw: st.DrawFn, record: dict[str, Any]) -> bytes:
    """In JSON that says the same in other bytes, or in JSON that is broken."""
    text = json.dumps(record, ensure_ascii=draw(st.booleans()))
    change = draw(st.integers(0, 5))
    if change == 0:
        text = "".join(
            f"\\u{ord(c):04x}" if c.isalpha() and ord(c) < 0x10000 and at % 3 else c for at, c in _inside(text)
        )
    elif change == 1:
        text = text.replace('"id":', '"id": "first", "id":', 1)
    elif change == 2:
        text = text[: draw(st.integers(0, len(text)))]
    encoded = text.encode("utf-8", "surrogatepass")
    return encoded.replace(b'"source"', b'"s\xff"', 1) if change == 3 else encoded


def _inside(text: str) -> Any:
    """Characters, with a count that is no multiple of three only where an escape means the same: within texts."""
    is_text, escaped = False, False
    for at, character in enumerate(text, 1):
        yield (at * 3 if not is_text or escaped or character in '"\\u' else at * 3 + 1), character
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            is_text = not is_text
