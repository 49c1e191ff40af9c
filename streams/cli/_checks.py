"""What ``tidewatch check`` looks at: each file by what it is, and then all of them together."""

import re
from collections.abc import Iterable
from glob import glob
from importlib import resources
from pathlib import Path

import msgspec

from schemas.config import Config
from schemas.failures import Rejected
from schemas.openslo import is_openslo
from schemas.yamltext import Problem
from streams.alerts.alertmanager import AlertmanagerConfig, is_alertmanager_config, read_config
from streams.alerts.ladders import Ladder, read_ladders
from streams.alerts.reach import unreached, unrouted
from streams.compliance.judging import compile_policies
from streams.compliance.reading import AnyPolicyFile, read_policy
from streams.compliance.shipped import shipped_files
from streams.config import load
from streams.config.files import load_sla
from streams.rules.advice import advise
from streams.rules.compiled import CompiledGroup, compile_rules
from streams.slo.advice import advice
from streams.slo.files import read_objectives

SHIPPED = {"tidewatch.yml": "streams.rules", "escalation.yml": "streams.alerts"}
"""The files that are used when the configuration names no others, and where they are."""

_UNIT_TEST = re.compile(r"^(rule_files|tests)\s*:", re.M)
_LADDERS = re.compile(r"^ladders\s*:", re.M)
_POLICY = re.compile(r"^(applies_to|require|sequence)\s*:", re.M)
_OBJECTIVES = re.compile(r"^(services|maintenance|defaults)\s*:", re.M)
_TARGETS = re.compile(r"^\[(targets|indicators|services[.\w-]*)\]", re.M)


class Finding(msgspec.Struct, frozen=True):
    """One mistake or remark. ``line`` and ``column`` count from 1; 0 where the text itself names the place."""

    file: str
    line: int
    column: int
    error: str
    fix: str = ""

    def __str__(self) -> str:
        return self.line_of("")

    def line_of(self, kind: str) -> str:
        """One line: place, ``kind``, what is wrong, what to write instead."""
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        return f"{place}{kind}{self.error}" + (f"; {self.fix}" if self.fix else "")


class Checked(msgspec.Struct):
    """What was looked at, and what was found."""

    files: list[str] = []
    rules: int = 0
    policies: int = 0
    objectives: int = 0
    errors: list[Finding] = []
    warnings: list[Finding] = []


class Checks:
    """Look at files one after the other; ``finish`` compares them."""

    def __init__(self, strict: bool) -> None:
        self.checked = Checked()
        self._strict = strict
        self._groups: list[CompiledGroup] = []
        self._ladders: list[Ladder] = []
        self._alertmanagers: list[AlertmanagerConfig] = []
        self._policies: list[AnyPolicyFile] = []
        self._without: list[str] = []
        self._objectives: dict[str, str] = {}

    def configuration(self, path: str | None) -> None:
        """The configuration, and the files that it names or that are shipped."""
        self.checked.files.append(path or "configuration")
        config = self._config(path)
        if config is None:
            return
        self._files(config.rules.files or ["tidewatch.yml"], bool(config.rules.files))
        if config.escalation.file:  # those that are shipped are right
            self._files([config.escalation.file], True)
        if config.sla.file:
            self._file(config.sla.file)
        if config.slo.files:
            self._files(config.slo.files, True)
        if config.slo.maintenance and Path(config.slo.maintenance).exists():
            self._file(config.slo.maintenance)
        self._without = config.compliance.without
        if config.compliance.policies:
            self._files(config.compliance.policies, True)

    def named(self, patterns: Iterable[str]) -> None:
        """Files, or patterns of files."""
        self._files(patterns, True)

    def finish(self) -> Checked:
        """What was found."""
        if self._policies:
            shipped = [policy for policy in shipped_files() if policy.id not in self._without]
            self._problems(compile_policies([*shipped, *self._policies])[1])
        promised = read_objectives(self._objectives)
        self.checked.objectives = len(promised.objectives)
        self._problems(promised.problems)
        self.checked.warnings += map(_finding, advice(promised.objectives))
        self.checked.warnings += map(_finding, advise(self._groups, self._strict))
        ladders = self._ladders or read_ladders(_shipped("escalation.yml"), "escalation.yml")[0]
        for alertmanager in self._alertmanagers:
            self.checked.warnings += map(_finding, unreached(alertmanager, self._groups, ladders))
            self.checked.warnings += map(_finding, unrouted(alertmanager, ladders))
        return self.checked

    def _config(self, path: str | None) -> Config | None:
        try:
            return load(path)
        except Rejected as error:
            self.checked.errors += [Finding(path or "", 0, 0, line) for line in str(error).splitlines()]
            return None

    def _files(self, patterns: Iterable[str], are_given: bool) -> None:
        for pattern in patterns:
            names = sorted(glob(pattern, recursive=True)) if are_given else [pattern]  # noqa: PTH207 - may be absolute
            if not names:
                self._error(pattern, f"there is no file {pattern}", "name a file that exists")
            for name in names:
                self._file(name, None if are_given else _shipped(name))

    def _file(self, name: str, text: str | None = None) -> None:
        self.checked.files.append(name)
        try:
            text = Path(name).read_text(encoding="utf-8") if text is None else text
        except (OSError, UnicodeDecodeError) as error:
            self.checked.files.pop()
            self._error(name, f"{name} is not a readable text file: {error}")
            return
        if Path(name).suffix == ".toml":
            self._toml(name, text)
        elif is_alertmanager_config(text):
            found, problems, remarks = read_config(text, name)
            self._alertmanagers.append(found)
            self._problems(problems)
            self.checked.warnings += map(_finding, remarks)
        elif _OBJECTIVES.search(text) or ("openslo/" in text and is_openslo(text, name)):
            self._objectives[name] = text
        elif _LADDERS.search(text):
            ladders, problems = read_ladders(text, name)
            self._ladders += ladders
            self._problems(problems)
        elif _POLICY.search(text):
            policy, problems = read_policy(text, name)
            self._policies += [policy] if policy else []
            self.checked.policies += 1
            self._problems(problems)
        elif _UNIT_TEST.search(text):
            self._error(name, f"{name} is a test of rules", f"run it: tidewatch test rules {name}")
        else:
            self._rules(name, text)

    def _toml(self, name: str, text: str) -> None:
        if not _TARGETS.search(text):
            self._config(name)
            return
        try:
            load_sla(name)
        except Rejected as error:
            self._error(name, str(error))

    def _rules(self, name: str, text: str) -> None:
        groups, problems = compile_rules(text, name)
        self._groups += groups
        self.checked.rules += sum(len(group.rules) for group in groups)
        self._problems(problems)

    def _problems(self, problems: Iterable[Problem]) -> None:
        self.checked.errors += map(_finding, problems)

    def _error(self, name: str, text: str, fix: str = "") -> None:
        self.checked.errors.append(Finding(name, 0, 0, text, fix))


def _shipped(name: str) -> str:
    return (resources.files(SHIPPED[name]) / "shipped" / name).read_text(encoding="utf-8")


def _finding(problem: Problem) -> Finding:
    place = problem.place
    return Finding(place.file, place.line, place.column, problem.text, problem.fix)
