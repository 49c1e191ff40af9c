"""From tokens to the parts of a template. Unknown functions and variables are errors here, not when an alert fires."""

import ast
import difflib
from collections.abc import Iterable

from streams.rules.templates.lexer import TemplateError, Token, lex
from streams.rules.templates.tree import (
    Action,
    Branch,
    Field,
    Function,
    Include,
    Literal,
    Operand,
    Parenthesised,
    Parsed,
    Part,
    Pipeline,
    Text,
    Variable,
)

_BRANCHES = ("if", "with", "range")
_UNSUPPORTED = ("break", "continue")
_CONSTANTS = {"true": True, "false": False, "nil": None}


def parse(text: str, functions: Iterable[str], variables: Iterable[str]) -> Parsed:
    """The parts, and the templates defined among them. Raises TemplateError."""
    return _Parser(text, frozenset(functions), list(variables)).template()


class _Parser:
    def __init__(self, text: str, functions: frozenset[str], variables: list[str]) -> None:
        self._tokens = list(lex(text))
        self._index = 0
        self._functions = functions
        self._variables = variables
        self._defined: dict[str, tuple[Part, ...]] = {}
        self._included: list[Include] = []

    def template(self) -> Parsed:
        parts, stopped_by = self._parts()
        if stopped_by is not None:
            raise TemplateError(stopped_by.offset, f"{stopped_by.text} without if, with or range before it")
        for include in self._included:
            if include.name not in self._defined:
                hint = _hint(include.name, self._defined)
                raise TemplateError(include.offset, f"there is no template {include.name!r}{hint}")
        return Parsed(parts, self._defined)

    def _peek(self) -> Token | None:
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    def _take(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _parts(self) -> tuple[tuple[Part, ...], Token | None]:
        """The parts up to ``else``, ``end`` or the end of the text, and which of them it was."""
        parts: list[Part] = []
        while (token := self._peek()) is not None:
            if token.kind == "text":
                self._take()
                if token.text:
                    parts.append(Text(token.text))
            elif token.text in ("else", "end"):
                return tuple(parts), self._take()
            elif token.text in _UNSUPPORTED:
                raise TemplateError(token.offset, f"{token.text} is not supported in templates of rules")
            elif token.text in _BRANCHES:
                parts.append(self._branch(self._take()))
            elif token.text == "define":
                self._define(self._take())
            elif token.text in ("template", "block"):
                parts.append(self._include(self._take()))
            else:
                parts.append(Action(self._pipeline("end")))
        return tuple(parts), None

    def _define(self, keyword: Token) -> None:
        name = self._name_after(keyword)
        self._end()
        self._body(keyword, name)

    def _include(self, keyword: Token) -> Include:
        name = self._name_after(keyword)
        following = self._peek()
        if following is not None and following.kind == "end":
            self._end()
            pipeline = None
        else:
            pipeline = self._pipeline("end")
        include = Include(name, pipeline, keyword.offset)
        self._included.append(include)
        if keyword.text == "block":
            self._body(keyword, name)
        return include

    def _name_after(self, keyword: Token) -> str:
        token = self._take()
        if token.kind != "string":
            raise TemplateError(token.offset, f'{keyword.text} needs a name in quotes, as in {keyword.text} "name"')
        return _unquoted(token)

    def _body(self, keyword: Token, name: str) -> None:
        outside, self._variables = self._variables, ["$"]
        parts, stopped_by = self._parts()
        if stopped_by is None or stopped_by.text != "end":
            raise TemplateError(keyword.offset, f"{keyword.text} is not closed; write {{{{ end }}}} after it")
        self._end()
        self._variables = outside
        self._defined[name] = parts

    def _branch(self, keyword: Token) -> Branch:
        scope = len(self._variables)
        pipeline = self._pipeline("end")
        body, stopped_by = self._parts()
        otherwise: tuple[Part, ...] = ()
        if stopped_by is not None and stopped_by.text == "else":
            otherwise = self._otherwise(keyword)
        elif stopped_by is not None:
            self._end()
        else:
            raise TemplateError(keyword.offset, f"{keyword.text} is not closed; write {{{{ end }}}} after it")
        del self._variables[scope:]
        return Branch(keyword.text, pipeline, body, otherwise)

    def _otherwise(self, keyword: Token) -> tuple[Part, ...]:
        following = self._peek()
        if following is not None and following.text in ("if", "with"):
            return (self._branch(self._take()),)
        self._end()
        parts, stopped_by = self._parts()
        if stopped_by is None or stopped_by.text != "end":
            raise TemplateError(keyword.offset, f"{keyword.text} is not closed; write {{{{ end }}}} after its else")
        self._end()
        return parts

    def _end(self) -> None:
        token = self._take()
        if token.kind != "end":
            raise TemplateError(token.offset, f"unexpected {token.text}")

    def _pipeline(self, closing: str) -> Pipeline:
        start = self._tokens[self._index].offset
        declared, assigns = self._declarations()
        commands = [self._command()]
        while (token := self._take()).text == "|":
            commands.append(self._command())
        if token.kind != closing and token.text != closing:
            raise TemplateError(token.offset, f"unexpected {token.text.strip()}")
        self._check(commands, start)
        self._variables.extend(declared if not assigns else ())
        return Pipeline(tuple(commands), declared, assigns, start)

    def _declarations(self) -> tuple[tuple[str, ...], bool]:
        """``$x :=``, ``$i, $x :=`` or ``$x =``."""
        texts = [token.text for token in self._tokens[self._index : self._index + 4]]
        for signs in (1, 3):
            names = tuple(texts[0:signs:2])
            sets = texts[signs : signs + 1] in ([":="], ["="]) and (signs == 1 or texts[1] == ",")
            if sets and all(name.startswith("$") for name in names):
                self._index += signs + 1
                return names, texts[signs] == "="
        return (), False

    def _check(self, commands: list[tuple[Operand, ...]], start: int) -> None:
        for index, command in enumerate(commands):
            takes = isinstance(command[0], Function)
            if not takes and (index or len(command) > 1):
                raise TemplateError(start, "only a function can be given arguments")

    def _command(self) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while (token := self._peek()) is not None and token.kind != "end" and token.text not in ("|", ")"):
            operands.append(self._operand(self._take()))
        if not operands:
            raise TemplateError(token.offset if token else 0, "a value is missing")
        return tuple(operands)

    def _operand(self, token: Token) -> Operand:
        if token.kind == "string":
            return Literal(_unquoted(token))
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "variable":
            name, *fields = token.text.split(".")
            if name not in self._variables:
                raise TemplateError(token.offset, f"undefined variable {name}{_hint(name, self._variables)}")
            return Variable(name, tuple(fields))
        if token.kind == "field":
            return Field(tuple(token.text[1:].split(".")))
        if token.text == ".":
            return Field(())
        if token.text == "(":
            return self._parenthesised()
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text])
        if token.kind == "word" and token.text in self._functions:
            return Function(token.text)
        if token.kind == "word":
            raise TemplateError(token.offset, f"unknown function {token.text}{_hint(token.text, self._functions)}")
        raise TemplateError(token.offset, f"unexpected {token.text}")

    def _parenthesised(self) -> Parenthesised:
        pipeline = self._pipeline(")")
        following = self._peek()
        if following is not None and following.kind == "field" and not following.spaced:
            self._take()
            return Parenthesised(pipeline, tuple(following.text[1:].split(".")))
        return Parenthesised(pipeline, ())


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _unquoted(token: Token) -> str:
    if token.text.startswith("`"):
        return token.text[1:-1]
    try:
        return str(ast.literal_eval(token.text))
    except (SyntaxError, ValueError):
        raise TemplateError(token.offset, f"{token.text} is not a valid string") from None


def _number(text: str) -> int | float:
    try:
        return int(text, 0)
    except ValueError:
        return float(text)
