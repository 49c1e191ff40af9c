"""A setting as people read and write it: its line in the file, its type in words, its value as text."""

import difflib
import re
from collections.abc import Collection

import msgspec
from msgspec import inspect

_HEADER = re.compile(r'\s*\[+\s*"?([^\]"]+?)"?\s*\]')
_KEY = re.compile(r"\s*([\w.\"' -]+?)\s*=")


def line_of(text: str, section: str, name: str = "") -> int:
    """The line (from 1) of a TOML text that sets ``section.name``, else the first line of its section, else 1."""
    found, current = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            current = header[1]
        key = re.sub(r"[\s\"']", "", match[1]) if (match := _KEY.match(line)) else ""
        path = f"{current}.{key}.".lstrip(".")
        if name and path.startswith(f"{section}.{name}."):
            return number
        if not found and path.startswith(f"{section}."):
            found = number
    return found or 1


def did_you_mean(given: str, known: Collection[str]) -> str:
    """The end of a sentence: the nearest known name, or where the names are listed."""
    close = difflib.get_close_matches(given, known, n=1)
    return f"did you mean {close[0]}?" if close else "`tidewatch config` lists every one"


def describe(setting: msgspec.structs.FieldInfo) -> str:
    """What a setting must be, such as ``a whole number above 0``."""
    info = inspect.type_info(setting.type)
    if isinstance(info, inspect.ListType):
        return f"a list, each item {_describe(info.item_type)}"
    return _describe(info)


def _describe(info: inspect.Type) -> str:
    if isinstance(info, inspect.LiteralType):
        return "one of " + ", ".join(str(value) for value in info.values)
    if not isinstance(info, inspect.IntType | inspect.FloatType):
        return "text"
    noun = "a whole number" if isinstance(info, inspect.IntType) else "a number"
    limits = {"above": info.gt, "at least": info.ge, "below": info.lt, "at most": info.le}
    bounds = " and ".join(f"{word} {limit}" for word, limit in limits.items() if limit is not None)
    return f"{noun} {bounds}".rstrip()


def default(setting: msgspec.structs.FieldInfo) -> object:
    """The value of a setting that nobody gave."""
    return setting.default if setting.default is not msgspec.NODEFAULT else setting.default_factory()


def to_toml(value: object) -> str:
    """A value as TOML. A JSON string is a TOML basic string, but for the delete character."""
    if isinstance(value, list):
        return f"[{', '.join(to_toml(item) for item in value)}]"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
    return repr(value)


def to_variable(value: object) -> str:
    """A value as the text of an environment variable; a list by commas."""
    return ",".join(str(item) for item in value) if isinstance(value, list) else str(value)


def from_variable(text: str, setting: msgspec.structs.FieldInfo) -> str | list[str]:
    """The text of an environment variable, split by commas when the setting is a list; not converted yet."""
    if isinstance(inspect.type_info(setting.type), inspect.ListType):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
