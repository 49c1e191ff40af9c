"""A template of a rule, compiled once and rendered for each alert."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from schemas.failures import Rejected
from streams.rules.templates.functions import CONTEXTUAL, FUNCTIONS, path_of, truth
from streams.rules.templates.gofmt import shown
from streams.rules.templates.parser import parse
from streams.rules.templates.tree import (
    Branch,
    Field,
    Function,
    Include,
    Literal,
    Operand,
    Part,
    Pipeline,
    Text,
    Variable,
)

_DEEPEST = 100
"""Templates within templates."""

_VARIABLES = ("$", "$labels", "$externalLabels", "$externalURL", "$value")

QuerySamples = list[dict[str, Any]]
"""What ``query`` gives: for each sample its ``Labels`` (a mapping) and its ``Value``."""


class TemplateData(msgspec.Struct, frozen=True):
    """What a template can see. ``now_ms``: epoch ms; ``query``: evaluates an expression, or raises Rejected."""

    labels: Mapping[str, str]
    value: float
    external_url: str
    now_ms: int
    query: Callable[[str], QuerySamples]
    external_labels: Mapping[str, str] = {}


class Template:
    """A compiled template."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._parsed = parse(text, [*FUNCTIONS, *CONTEXTUAL], _VARIABLES)

    def render(self, data: TemplateData) -> str:
        """The text for one alert. Raises Rejected with the reason when a function refuses its arguments."""
        parts = self._parsed.parts
        if all(isinstance(part, Text) for part in parts):
            return "".join(part.text for part in parts if isinstance(part, Text))
        return _Rendering(data, self._parsed.defined).parts(parts)


@lru_cache(maxsize=10_000)
def compile_template(text: str) -> Template:
    """The template, ready to render. Raises TemplateError (a Rejected) with offset and reason."""
    return Template(text)


class _Rendering:
    def __init__(self, data: TemplateData, defined: Mapping[str, tuple[Part, ...]]) -> None:
        self._data = data
        self._defined = defined
        self._depth = 0
        self._dot: Any = _Fields(
            Labels=dict(data.labels),
            ExternalLabels=dict(data.external_labels),
            ExternalURL=data.external_url,
            Value=data.value,
        )
        self._variables: dict[str, Any] = {
            "$": self._dot,
            "$labels": dict(data.labels),
            "$externalLabels": dict(data.external_labels),
            "$externalURL": data.external_url,
            "$value": data.value,
        }

    def parts(self, parts: tuple[Part, ...]) -> str:
        return "".join(self._part(part) for part in parts)

    def _part(self, part: Part) -> str:
        if isinstance(part, Text):
            return part.text
        if isinstance(part, Branch):
            return self._branch(part)
        if isinstance(part, Include):
            return self._include(part.name, self._pipeline(part.pipeline) if part.pipeline is not None else None)
        value = self._pipeline(part.pipeline)
        return "" if part.pipeline.declared else shown(value)

    def _include(self, name: str, data: Any) -> str:
        if name not in self._defined:
            raise Rejected(f"there is no template {name!r}")
        if self._depth >= _DEEPEST:
            raise Rejected(f"the template {name!r} includes itself without end")
        outside, self._variables = self._variables, {"$": data}
        self._depth += 1
        try:
            return self._with_dot(data, self._defined[name])
        finally:
            self._depth -= 1
            self._variables = outside

    def _branch(self, branch: Branch) -> str:
        saved = dict(self._variables)
        value = self._pipeline(branch.pipeline)
        if branch.kind == "range":
            out = self._range(branch, value)
        elif not truth(value):
            out = self.parts(branch.otherwise)
        else:
            out = self._with_dot(value if branch.kind == "with" else self._dot, branch.body)
        self._variables = {name: self._variables[name] for name in saved}
        return out

    def _range(self, branch: Branch, value: Any) -> str:
        if not isinstance(value, dict | list | tuple | int) or isinstance(value, bool):
            raise Rejected(f"range can't iterate over {shown(value)}")
        pairs = (
            sorted(value.items())
            if isinstance(value, dict)
            else list(enumerate(range(value) if isinstance(value, int) else value))
        )
        out = []
        for key, each in pairs:
            names = branch.pipeline.declared
            self._variables.update(zip(names, (key, each) if len(names) == 2 else (each,), strict=False))
            out.append(self._with_dot(each, branch.body))
        return "".join(out) if pairs else self.parts(branch.otherwise)

    def _with_dot(self, dot: Any, parts: tuple[Part, ...]) -> str:
        saved, self._dot = self._dot, dot
        try:
            return self.parts(parts)
        finally:
            self._dot = saved

    def _pipeline(self, pipeline: Pipeline) -> Any:
        value: Any = None
        for index, command in enumerate(pipeline.commands):
            value = self._command(command, (value,) if index else ())
        if len(pipeline.declared) == 1:
            self._variables[pipeline.declared[0]] = value
        return value

    def _command(self, command: tuple[Operand, ...], piped: tuple[Any, ...]) -> Any:
        first = command[0]
        if not isinstance(first, Function):
            return self._operand(first)
        if first.name in ("and", "or"):
            return self._short_circuit(first.name, command[1:], piped)
        arguments = [*(self._operand(operand) for operand in command[1:]), *piped]
        return self._call(first.name, arguments)

    def _short_circuit(self, name: str, operands: tuple[Operand, ...], piped: tuple[Any, ...]) -> Any:
        value: Any = None
        for operand in operands:
            value = self._operand(operand)
            if truth(value) is (name == "or"):
                return value
        return piped[0] if piped else value

    def _call(self, name: str, arguments: list[Any]) -> Any:
        functions: dict[str, Callable[..., Any]] = {
            "query": self._data.query,
            "now": lambda: self._data.now_ms / 1000,
            "externalURL": lambda: self._data.external_url,
            "pathPrefix": lambda: path_of(self._data.external_url),
            "tmpl": self._include,
        }
        function = functions.get(name) or FUNCTIONS[name]
        try:
            return function(*arguments)
        except (TypeError, AttributeError, ValueError, KeyError) as error:
            raise Rejected(f"{name} cannot be called with {', '.join(map(shown, arguments))}: {error}") from None

    def _operand(self, operand: Operand) -> Any:
        if isinstance(operand, Literal):
            return operand.value
        if isinstance(operand, Variable):
            return _fields(self._variables[operand.name], operand.fields)
        if isinstance(operand, Field):
            return _fields(self._dot, operand.fields)
        if isinstance(operand, Function):
            return self._call(operand.name, [])
        return _fields(self._pipeline(operand.pipeline), operand.fields)


class _Fields(dict[str, Any]):
    """A value whose fields are fixed: another name is a mistake, not an empty string."""


def _fields(value: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if not isinstance(value, dict):
            raise Rejected(f"can't evaluate field {name} in {shown(value)}")
        if isinstance(value, _Fields) and name not in value:
            raise Rejected(f"can't evaluate field {name}; there are {', '.join(value)}")
        value = value.get(name, "")
    return value
