"""YAML read with the place of every value, so that a mistake can be shown where it is."""

import difflib
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from yaml.constructor import ConstructorError

_LONGEST = 500
_LARGEST = 100_000
"""Values in a document, as many times as they are meant by aliases."""


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(msgspec.Struct, frozen=True, order=True):
    """One mistake: where, what, and what to write instead."""

    place: Place
    text: str
    fix: str = ""

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _LONGEST else f"{self.text[:_LONGEST]} ..."  # it may quote a whole file
        return f"{self.place}: {text}" + (f"; {self.fix}" if self.fix else "")


class YamlText:
    """A file's text, its root node, and the problems found so far."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._lines = text.splitlines()
        self.root: yaml.Node | None = None
        try:
            self.root = _usable(yaml.compose(text, Loader=yaml.SafeLoader))
        except (yaml.YAMLError, RecursionError) as error:
            self.problems.append(_mistake(error, file))

    @classmethod
    def documents(cls, text: str, file: str) -> "list[YamlText]":
        """One for each document of a file; after a mistake in the YAML itself, no more than that problem."""
        found: list[YamlText] = []
        try:
            for root in yaml.compose_all(text, Loader=yaml.SafeLoader):
                document = cls("", file)
                document.root, document._lines = _usable(root), text.splitlines()
                found.append(document)
        except (yaml.YAMLError, RecursionError) as error:
            found.append(cls("", file))
            found[-1].problems.append(_mistake(error, file))
        return found

    def place(self, node: yaml.Node) -> Place:
        """Where a node begins."""
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def place_within(self, node: yaml.Node, line: int, column: int) -> Place:
        """Where the text of a scalar has that line and column, both from 1. Folded text: where the text begins."""
        first, style = node.start_mark.line, getattr(node, "style", None)
        if style in ("|", ">"):
            body = first + 1 + (line - 1 if style == "|" else 0)
            content = self._lines[first + 1] if first + 1 < len(self._lines) else ""
            indent = len(content) - len(content.lstrip(" "))
            return Place(self.file, body + 1, indent + (column if style == "|" else 1))
        if node.start_mark.line != node.end_mark.line or line > 1:
            return self.place(node)
        quoted = 1 if style in ("'", '"') else 0
        return Place(self.file, first + 1, node.start_mark.column + quoted + column)

    def report(self, node: yaml.Node, text: str, fix: str = "") -> None:
        """Adds a problem at a node."""
        self.problems.append(Problem(self.place(node), text, fix))

    def mapping(self, node: yaml.Node, what: str, keys: tuple[str, ...] = ()) -> dict[str, yaml.Node]:
        """The entries of a mapping. Reports anything else, keys that are there twice, and keys that are not known."""
        if not isinstance(node, yaml.MappingNode):
            if not _is_null(node):
                self.report(node, f"{what} has to be a mapping", "write it as key: value lines")
            return {}
        entries: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in entries:
                self.report(key, f"{what} has {name!r} twice", "remove one of them")
            elif keys and name not in keys:
                close = difflib.get_close_matches(name, keys, n=1)
                known = f"known keys are {', '.join(keys)}"
                self.report(key, f"{what} has the unknown key {name!r}", f"write {close[0]!r}" if close else known)
            entries[name] = value
        return entries

    def items(self, node: yaml.Node | None, what: str) -> Iterator[yaml.Node]:
        """The items of a list. Reports anything else."""
        if node is None or _is_null(node):
            return
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        else:
            self.report(node, f"{what} has to be a list", "begin each item with '- '")

    def text_of(self, node: yaml.Node | None, what: str) -> str:
        """The text of a scalar as it is written; empty for null. Reports anything else."""
        if node is None or _is_null(node):
            return ""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.report(node, f"{what} has to be a text", "write it in quotes on one line")
        return ""


def _mistake(error: yaml.YAMLError | RecursionError, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        if error.problem == "but found another document":
            return Problem(place, "the file has more than one document", "write each into a file of its own")
        return Problem(place, f"not YAML: {error.problem or error.context}")
    if isinstance(error, RecursionError):
        return Problem(Place(file, 1, 1), "nested too deeply")
    return Problem(Place(file, 1, 1), f"not YAML: {str(error).splitlines()[0]}")


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and bool(node.tag == "tag:yaml.org,2002:null")


def _usable(root: yaml.Node | None) -> yaml.Node | None:
    """The root of a document of a size that one can work with, every value of which is one. Raises ``YAMLError``."""
    if root is not None:
        _size(root, {})
        plain(root)
    return root


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many nodes there are with every alias written out, which a few lines can make billions."""
    if id(node) not in sizes:
        sizes[id(node)] = _LARGEST  # where an alias stands for what it is a part of
        size = 1
        if isinstance(node, yaml.CollectionNode):
            for each in node.value:
                size += sum(_size(part, sizes) for part in (each if isinstance(each, tuple) else (each,)))
        if size >= _LARGEST:
            raise ConstructorError(None, None, f"aliases stand for more than {_LARGEST:,} values", node.start_mark)
        sizes[id(node)] = size
    return sizes[id(node)]


def plain(node: yaml.Node) -> Any:
    """The Python value of a node, as ``yaml.safe_load`` gives it. That of a ``YamlText`` has one."""
    loader = _Values("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()
        for mapping, entries in loader.merged:
            mapping.value = entries


class _Values(yaml.SafeLoader):
    """Leaves nodes as they were written, and says where a value is that is none."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.merged: list[tuple[yaml.MappingNode, list[Any]]] = []

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        self.merged.append((node, list(node.value)))
        super().flatten_mapping(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError, AttributeError, LookupError, TypeError):  # PyYAML raises any of them
            kind = node.tag.rpartition(":")[2]
            said = f"this is written as a value of type {kind} and is none"
            raise ConstructorError(None, None, said, node.start_mark) from None
