"""Conditions of policies in CEL (https://cel.dev), type-checked when they are read; true, false or undecided.

A variable that an event does not state has no value. CEL's logic then is Kleene's: ``a || b`` is true when either is,
``a && b`` is false when either is, whatever the other; anything else that needs the missing value is undecided. So a
field is needed when the values that are there leave the result open.
"""

import difflib
import re
from collections.abc import Iterator, Mapping

import msgspec
from cel_expr_python import cel

from schemas.rules import Written
from schemas.yamltext import Problem
from streams.compliance.vocabulary import Facts, VariableType

_TYPES = {
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "text": cel.Type.STRING,
    "texts": cel.Type.List(cel.Type.STRING),
}
_NAMES = {"bool": "true or false", "int": "a whole number", "string": "a text", "list": "a list"}

_ERROR = re.compile(r"^(?:.*?ERROR: )?<input>:(\d+):(\d+): (.*?)(?: \(in container ''\))?$", re.M)
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_STRING = re.compile(r"""\"(?:[^"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'""")
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


class Language:
    """CEL with the variables of one event type."""

    def __init__(self, variables: Mapping[str, VariableType]) -> None:
        self.variables = variables
        self._environment = cel.NewEnv(variables={name: _TYPES[kind] for name, kind in variables.items()})

    def compile(self, written: Written) -> "Expression | list[Problem]":
        """The condition, or what is wrong with it, each with its place in the file."""
        try:
            compiled = self._environment.compile(written.text)
        except RuntimeError as error:
            return list(self._problems(str(error), written))
        if compiled.return_type() != cel.Type.BOOL:
            kind = compiled.return_type().name()
            text = f"the condition gives {_NAMES.get(kind, kind)} and not true or false"
            return [Problem(written.place(1, 1), text, "compare it with something")]
        return Expression(written.text, self._read_by(written.text), compiled)

    def _problems(self, message: str, written: Written) -> Iterator[Problem]:
        found = list(_ERROR.finditer(message))
        if not found:
            yield Problem(written.place(1, 1), f"not a condition of CEL: {message.splitlines()[0]}")
        for error in found:
            line, column, said = int(error[1]), int(error[2]), error[3]
            undeclared = _UNDECLARED.search(said)
            yield Problem(written.place(line, column), said, self._meant(undeclared[1]) if undeclared else "")

    def _meant(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.variables, n=1)
        return f"write {close[0]!r}" if close else "docs/reference/policies.md lists what there is"

    def _read_by(self, text: str) -> tuple[str, ...]:
        """The variables in a condition. It is given no others, so that one overlooked here could decide nothing."""
        names = set(_NAME.findall(re.sub(r"\s*\.\s*", ".", _STRING.sub("''", text))))
        return tuple(
            variable for variable in self.variables if any(f"{name}.".startswith(f"{variable}.") for name in names)
        )


class Expression(msgspec.Struct, frozen=True):
    """A condition."""

    text: str
    reads: tuple[str, ...]
    """The variables in it."""
    compiled: cel.Expression

    def __call__(self, facts: Facts) -> bool | None:
        """True, false, or None: undecided, because a value is missing or cannot be computed with."""
        given = {name: _plain(facts[name]) for name in self.reads if name in facts}
        found = self.compiled.eval(data=given).value()
        return found if found is True or found is False else None


def _plain(fact: object) -> object:
    return list(fact) if isinstance(fact, tuple) else fact
