"""The event as msgspec decodes and validates it, for the peers that leave decoding to their user."""

from datetime import datetime
from typing import Literal

import msgspec


class Data(msgspec.Struct, gc=False):
    """One observation. ``gc=False`` is what msgspec's documentation advises for many objects without cycles."""

    service: str
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    value: float
    labels: dict[str, str]


class Event(msgspec.Struct, gc=False, tag_field="type", tag="tidewatch.metric"):
    """One CloudEvent."""

    specversion: Literal["1.0"]
    id: str
    source: str
    time: datetime
    data: Data


decode = msgspec.json.Decoder(Event).decode
