"""``tidewatch check``: say what is wrong with rule files and the configuration before a worker does."""

import json
from collections.abc import Iterator
from glob import glob
from importlib import resources
from pathlib import Path

import click
import msgspec

from schemas.failures import Rejected
from streams.config import load
from streams.rules.compiled import compile_rules

SHIPPED = "tidewatch.yml"


class Finding(msgspec.Struct, frozen=True):
    """One mistake. ``line`` and ``column`` count from 1; 0 where the text itself names the place."""

    file: str
    line: int
    column: int
    error: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        return f"{place}{self.error}" + (f"; {self.fix}" if self.fix else "")


@click.command()
@click.argument("paths", metavar="[FILES]...", nargs=-1)
@click.option(
    "--config", "config_path", metavar="FILE", help="The configuration; else TIDEWATCH_CONFIG, else ./tidewatch.toml."
)
@click.option("--json", "as_json", is_flag=True, help='Print {"files": [...], "rules": N, "errors": [...]}.')
def command(paths: tuple[str, ...], config_path: str | None, as_json: bool) -> None:
    """Check rule files (.yml, .yaml) and configuration files (.toml).

    Without FILES: the configuration in effect and the rule files that it names. Each error is one line with file,
    line, column, what is wrong and what to write instead. The exit status is 1 when there is any.
    """
    checked, rules, findings = _check(paths, config_path)
    if as_json:
        errors = [msgspec.to_builtins(finding) for finding in findings]
        click.echo(json.dumps({"files": checked, "rules": rules, "errors": errors}, indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
        verdict = f"{len(findings)} error{'s' * (len(findings) != 1)}" if findings else "no errors"
        click.echo(f"{', '.join(checked) or 'nothing'}: {rules} rules, {verdict}")
    if findings:
        raise SystemExit(1)


def _check(paths: tuple[str, ...], config_path: str | None) -> tuple[list[str], int, list[Finding]]:
    """The files that were read, how many rules they have, and what is wrong."""
    findings: list[Finding] = []
    if not paths:
        checked, rules = _check_rules(_check_config(config_path, findings), findings)
        return [config_path or "configuration", *checked], rules, findings
    configs = [path for path in paths if Path(path).suffix == ".toml"]
    for path in configs:
        _check_config(path, findings)
    patterns = [path for path in paths if path not in configs]
    checked, rules = _check_rules(patterns, findings) if patterns else ([], 0)
    return configs + checked, rules, findings


def _check_config(path: str | None, findings: list[Finding]) -> list[str]:
    """The rule files that the configuration names; its mistakes are added to the findings."""
    try:
        return list(load(path).rules.files)
    except Rejected as error:
        findings += [Finding(path or "", 0, 0, line) for line in str(error).splitlines()]
        return []


def _check_rules(patterns: list[str], findings: list[Finding]) -> tuple[list[str], int]:
    """The files that were read, and how many rules they have; without patterns, the file that is shipped."""
    checked, rules = [], 0
    for name, text in _texts(patterns, findings):
        checked.append(name)
        groups, problems = compile_rules(text, name)
        rules += sum(len(group.rules) for group in groups)
        for problem in problems:
            place = problem.place
            findings.append(Finding(place.file, place.line, place.column, problem.text, problem.fix))
    return checked, rules


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
