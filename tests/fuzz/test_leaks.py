"""Whatever is published, no name, address or card number is in anything that ingest stores, sends or logs."""

import base64
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from schemas.config import Limits, Windows
from schemas.tables import Coded
from streams.batch import Partition, RecordBatch
from streams.compliance import judge
from streams.evidence.records import encode
from streams.ingest.ingest import Ingest, Ingested
from streams.windows import deltas
from tests.fuzz.running import Fuzz
from tests.fuzz.secrets import Told, forms, told
from tests.privacy.events import NOW, protection

_NO_DIGITS = re.compile(r"\D+")


def becomes(result: Ingested) -> Iterator[str]:
    """Every text that leaves the fold, but for what is sealed before it is stored."""
    for rows in result.raw.values():
        for name, column in rows.items():
            if name != "sealed":
                yield from _texts(list(column.values) if isinstance(column, Coded) else list(column))
    for letter in result.dead:
        yield from (letter.reason, letter.detail, (letter.value or b"").decode(errors="replace"))
    for packed in (*map(deltas.encode, result.deltas), *map(encode, result.findings)):
        yield packed.decode(errors="replace")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        yield from _texts(value.tolist())


def check(batch: Told, caplog: pytest.LogCaptureFixture) -> None:
    """Names in any case and Unicode form, in base64 and hexadecimal; numbers whatever stands between their digits."""
    values = batch.values
    caplog.clear()
    records = RecordBatch(Partition("security", 0), range(len(values)), values, None, [NOW] * len(values), len(values))
    result = Ingest(Windows(), Limits(), judge, protection())(records, NOW, "one")
    said = [*becomes(result), caplog.text]
    everything = "\n".join(said)
    plain = unicodedata.normalize("NFC", everything).casefold()
    for name in batch.names:
        assert unicodedata.normalize("NFC", name).casefold() not in plain
        for form in forms(name):
            assert form.encode().hex() not in everything
            assert base64.b64encode(form.encode())[:-4].decode() not in everything
    digits = [_NO_DIGITS.sub("", unicodedata.normalize("NFKC", text)) for text in said]
    for card in batch.cards:
        assert not any(card in each for each in digits)
    assert msgspec.json.encode([letter.detail for letter in result.dead])


def test_nothing_hostile_makes_a_name_or_a_number_leave(fuzz: Fuzz, caplog: pytest.LogCaptureFixture) -> None:
    fuzz(told(), lambda batch: check(batch, caplog))
