"""Events and keys that the tests of this folder share."""

from typing import Any

import msgspec

from schemas.events import ProcessingEvent, SecurityEvent
from streams.privacy.masterkeys import LocalKeys, read_keys, written
from streams.privacy.protection import Protection
from streams.privacy.pseudonyms import Pseudonyms
from streams.privacy.rules import Classes

KEYS_TEXT = written(b"P" * 32, {1: b"1" * 32, 2: b"2" * 32}, 2)
NOW = 1_795_342_530_000


def keys() -> LocalKeys:
    return read_keys(KEYS_TEXT)


def protection(*rules: str) -> Protection:
    return Protection(Classes(rules), Pseudonyms(b"P" * 32))


def pseudonym(value: str, tenant: str = "default") -> str:
    return Pseudonyms(b"P" * 32).of(tenant, value)


def _event(kind: str, struct: Any, data: dict[str, Any], envelope: dict[str, Any]) -> Any:
    base = {"specversion": "1.0", "type": f"tidewatch.{kind}", "id": "1", "source": "/test"}
    return msgspec.convert(
        {**base, "time": "2026-11-22T10:15:30Z", **envelope, "data": {"service": "s", **data}}, struct
    )


def security(envelope: dict[str, Any] | None = None, **data: Any) -> SecurityEvent:
    return _event("security", SecurityEvent, {"kind": "other", **data}, envelope or {})  # type: ignore[no-any-return]


def processing(envelope: dict[str, Any] | None = None, **data: Any) -> ProcessingEvent:
    return _event("processing", ProcessingEvent, {"operation": "read", **data}, envelope or {})  # type: ignore[no-any-return]
