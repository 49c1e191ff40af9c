"""The parts of a parsed template."""

from typing import Any

import msgspec


class Literal(msgspec.Struct, frozen=True):
    """A string, number, boolean or nil."""

    value: Any


class Variable(msgspec.Struct, frozen=True):
    """``$name.Field.Field``."""

    name: str
    fields: tuple[str, ...]


class Field(msgspec.Struct, frozen=True):
    """``.Field.Field`` of the dot; without fields, the dot itself."""

    fields: tuple[str, ...]


class Function(msgspec.Struct, frozen=True):
    """The name of a function."""

    name: str


class Parenthesised(msgspec.Struct, frozen=True):
    """``(pipeline).Field``."""

    pipeline: "Pipeline"
    fields: tuple[str, ...]


Operand = Literal | Variable | Field | Function | Parenthesised


class Pipeline(msgspec.Struct, frozen=True):
    """Commands joined by ``|``; each is an operand with its arguments. ``declared``: the variables it sets."""

    commands: tuple[tuple[Operand, ...], ...]
    declared: tuple[str, ...]
    assigns: bool
    offset: int


class Text(msgspec.Struct, frozen=True):
    """Text that stays as it is."""

    text: str


class Action(msgspec.Struct, frozen=True):
    """A pipeline whose value is written, unless it sets a variable."""

    pipeline: Pipeline


class Branch(msgspec.Struct, frozen=True):
    """``if``, ``with`` or ``range``."""

    kind: str
    pipeline: Pipeline
    body: tuple["Part", ...]
    otherwise: tuple["Part", ...]


class Include(msgspec.Struct, frozen=True):
    """``{{ template "name" pipeline }}``."""

    name: str
    pipeline: Pipeline | None
    offset: int


Part = Text | Action | Branch | Include


class Parsed(msgspec.Struct, frozen=True):
    """A whole template: its parts, and the templates that it defines."""

    parts: tuple[Part, ...]
    defined: dict[str, tuple[Part, ...]]
