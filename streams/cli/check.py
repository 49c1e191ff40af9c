"""``tidewatch check``: say what is wrong with rule files and the configuration before a worker does."""

import json
from collections.abc import Iterator
from glob import glob
from importlib import resources
from pathlib import Path

import click
import msgspec

from schemas.failures import Rejected
from schemas.yamltext import Problem
from streams.config import load
from streams.rules.advice import advise
from streams.rules.compiled import CompiledGroup, compile_rules

SHIPPED = "tidewatch.yml"


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
    errors: list[Finding] = []
    warnings: list[Finding] = []


@click.command()
@click.argument("paths", metavar="[FILES]...", nargs=-1)
@click.option(
    "--config", "config_path", metavar="FILE", help="The configuration; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)
@click.option("--strict", is_flag=True, help="Warn of every series that only a metric event can give.")
@click.option(
    "--json", "as_json", is_flag=True, help='Print {"files": [...], "rules": N, "errors": [...], "warnings": [...]}.'
)
def command(paths: tuple[str, ...], config_path: str | None, strict: bool, as_json: bool) -> None:
    """Check rule files (.yml, .yaml) and configuration files (.toml).

    Without FILES: the configuration in effect and the rule files that it names. Each error is one line with file,
    line, column, what is wrong and what to write instead. The exit status is 1 when there is any. Warnings are of what
    loads and probably does not work: a histogram_quantile without rate or le, a rate of a gauge, a template that uses a
    label which the expression drops.
    """
    checked = _check(paths, config_path, strict)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(checked), indent=2))
    else:
        for error in checked.errors:
            click.echo(str(error))
        for warning in checked.warnings:
            click.echo(warning.line_of("warning: "))
        verdict = _counted(checked.errors, "error") or "no errors"
        more = f", {_counted(checked.warnings, 'warning')}" if checked.warnings else ""
        click.echo(f"{', '.join(checked.files) or 'nothing'}: {checked.rules} rules, {verdict}{more}")
    if checked.errors:
        raise SystemExit(1)


def _counted(findings: list[Finding], what: str) -> str:
    return f"{len(findings)} {what}{'s' * (len(findings) != 1)}" if findings else ""


def _check(paths: tuple[str, ...], config_path: str | None, strict: bool) -> Checked:
    checked = Checked()
    if not paths:
        checked.files.append(config_path or "configuration")
        _check_rules(_check_config(config_path, checked.errors), checked, strict)
        return checked
    configs = [path for path in paths if Path(path).suffix == ".toml"]
    checked.files += configs
    for path in configs:
        _check_config(path, checked.errors)
    patterns = [path for path in paths if path not in configs]
    if patterns:
        _check_rules(patterns, checked, strict)
    return checked


def _check_config(path: str | None, findings: list[Finding]) -> list[str]:
    """The rule files that the configuration names; its mistakes are added to the findings."""
    try:
        return list(load(path).rules.files)
    except Rejected as error:
        findings += [Finding(path or "", 0, 0, line) for line in str(error).splitlines()]
        return []


def _check_rules(patterns: list[str], checked: Checked, strict: bool) -> None:
    """Look at rule files; without patterns, at the file that is shipped."""
    loaded: list[CompiledGroup] = []
    for name, text in _texts(patterns, checked.errors):
        checked.files.append(name)
        groups, problems = compile_rules(text, name)
        loaded += groups
        checked.rules += sum(len(group.rules) for group in groups)
        checked.errors += map(_finding, problems)
    checked.warnings += map(_finding, advise(loaded, strict))


def _finding(problem: Problem) -> Finding:
    place = problem.place
    return Finding(place.file, place.line, place.column, problem.text, problem.fix)


def _texts(patterns: list[str], findings: list[Finding]) -> Iterator[tuple[str, str]]:
    if not patterns:
        yield SHIPPED, (resources.files("streams.rules") / "shipped" / SHIPPED).read_text(encoding="utf-8")
    for pattern in patterns:
        names = sorted(glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not names:
            findings.append(Finding(pattern, 0, 0, f"there is no file {pattern}", "name a file that exists"))
        for name in names:
            try:
                text = Path(name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                findings.append(Finding(name, 0, 0, f"{name} is not a readable text file: {error}"))
                continue
            yield name, text
