"""Records that were refused, so that one can see what is wrong with them and nothing of what they say.

Nobody knows what a refused record holds, or whose it is: no key fits, and no scan finds everything. So every letter
becomes ``x`` and every digit ``0``; punctuation and white space stay, and of the words only those of our own schema.
It needs no key, cannot be undone, and is the same each time. The record itself is in its topic, for as long as that
keeps it.
"""

import re
from typing import get_args

import msgspec

from schemas.events import Envelope, Event, Health, Metric, Processing, Security
from schemas.events.envelope import ClassifiedEnvelope


def _shown(byte: int) -> int:
    if byte > 0x7F:
        return ord("?")
    character = chr(byte)
    return ord("x") if character.isalpha() else ord("0") if character.isdecimal() else byte


_HIDDEN = bytes(map(_shown, range(256)))
"""Byte -> what is shown of it; ``?`` for any that is not ASCII."""

_TYPES = [event.__struct_config__.tag for event in get_args(Event)]
_FIELDS = {
    field.encode_name
    for struct in (Envelope, ClassifiedEnvelope, Metric, Security, Processing, Health)
    for field in msgspec.structs.fields(struct)
}
_KNOWN = re.compile(
    rb'"(?:%b)"|\b(?:true|false|null)\b'
    % "|".join(map(re.escape, sorted({*_FIELDS, "type", "data", *map(str, _TYPES)}))).encode()
)
"""Words of the schema between quotation marks: they say where one is, and nothing about anybody."""


def hidden(value: bytes) -> bytes:
    """As many bytes as there were, of which only the form can be seen."""
    shown = bytearray(value.translate(_HIDDEN))
    for word in _KNOWN.finditer(value):
        shown[slice(*word.span())] = word[0]
    return bytes(shown)
