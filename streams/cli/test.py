"""``tidewatch test``: run unit tests of rules and of policies, and Prometheus' own test scripts."""

import glob
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from schemas.failures import Rejected
from streams.cli._counted import counted
from streams.cli._policies import policies as read_policies
from streams.compliance.controls import controls
from streams.compliance.inline import coverage
from streams.compliance.inline import run_tests as run_policy_tests
from streams.promql.testrun import Outcome, run_script
from streams.rules.unittests import Result, run_tests

_T = TypeVar("_T")

_GROUPS = re.compile(r"^groups\s*:", re.M)


@click.group()
def command() -> None:
    """Test rules, policies and expressions."""


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help='Print {"passed": N, "failed": N, "tests": [...]}.')
def rules(files: tuple[str, ...], as_json: bool) -> None:
    """Run unit tests of rules, in the format of promtool test rules.

    The files named in rule_files are relative to the test file. The exit status is 1 when a test fails.
    """
    results = {file: _read(file, partial(_run_tests, file)) for file in files}
    failed = sum(bool(result.failures) for found in results.values() for result in found)
    passed = sum(len(found) for found in results.values()) - failed
    if as_json:
        tests = [{"file": file, **msgspec.to_builtins(result)} for file, found in results.items() for result in found]
        click.echo(json.dumps({"passed": passed, "failed": failed, "tests": tests}, indent=2))
    else:
        for file, found in results.items():
            _show_failures(file, found)
        click.echo(f"{passed} passed, {failed} failed")
    _finish(failed)


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help='Print {"passed": N, "failed": N, "skipped": N, "evals": [...]}.')
@click.option("--skipped", "show_skipped", is_flag=True, help="List why expressions were skipped, and how many.")
def promql(files: tuple[str, ...], as_json: bool, show_skipped: bool) -> None:
    """Run Prometheus' test scripts (promqltest) against the evaluator.

    Expressions over native histograms and of the experimental kind are skipped: rules that use them are refused. The
    exit status is 1 when an expression fails.
    """
    outcomes = {file: _read(file, lambda text: list(run_script(text))) for file in files}
    counts = Counter(outcome.verdict for found in outcomes.values() for outcome in found)
    if as_json:
        evals = [{"file": file, **msgspec.to_builtins(each)} for file, found in outcomes.items() for each in found]
        totals = {verdict: counts[verdict] for verdict in ("passed", "failed", "skipped")}
        click.echo(json.dumps({**totals, "evals": evals}, indent=2))
    else:
        for file, found in outcomes.items():
            _show_failed(file, found)
        if show_skipped:
            _show_skipped(outcomes)
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        click.echo(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    _finish(counts["failed"])


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--json", "as_json", is_flag=True, help='Print {"passed", "failed", "tests": [...], "coverage": {...}}.')
def policies(paths: tuple[str, ...], as_json: bool) -> None:
    """Run the tests inside policy files, and say what they leave uncovered.

    PATHS are files or directories; without any, the shipped policies and those of the configuration in effect. Named
    are the controls for which there is no policy, and the policies that found no violation in any test. The exit status
    is 1 when a test fails.
    """
    judge = read_policies(paths)
    results = run_policy_tests(judge)
    uncovered = coverage(judge.every, results, controls())
    wrong = [result for result in results if not result.passed]
    if as_json:
        tests = [{**msgspec.to_builtins(result), "passed": result.passed} for result in results]
        counts = {"passed": len(results) - len(wrong), "failed": len(wrong)}
        click.echo(json.dumps({**counts, "tests": tests, "coverage": msgspec.to_builtins(uncovered)}, indent=2))
    else:
        for result in wrong:
            said = f" ({result.reason})" if result.reason else ""
            click.echo(f"FAILED {result.place}: {result.policy}: {result.found}{said}, expected {result.expected}")
        click.echo(f"{counted(len(judge.every), 'policy')}: {len(results) - len(wrong)} passed, {len(wrong)} failed")
        click.echo(f"controls without a policy: {', '.join(uncovered.controls) or 'none'}")
        click.echo(f"policies that never fired: {', '.join(uncovered.never_fired) or 'none'}")
    _finish(len(wrong))


def _read(file: str, run: Callable[[str], _T]) -> _T:
    try:
        return run(Path(file).read_text(encoding="utf-8"))
    except (Rejected, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from None


def _run_tests(file: str, text: str) -> list[Result]:
    if _GROUPS.search(text):
        raise Rejected(f"this is a file of rules and no test; look at it with tidewatch check {file}, and write a test")
    return run_tests(text, file, _find(file))


def _find(test_file: str) -> Callable[[str], list[tuple[str, str]]]:
    """Finds rule files beside the test file."""

    def find(pattern: str) -> list[tuple[str, str]]:
        matches = sorted(glob.glob(str(Path(test_file).parent / pattern)))  # noqa: PTH207 - patterns may be absolute
        if not matches:
            click.echo(f"{test_file}: no file matches {pattern}", err=True)
        return [(match, Path(match).read_text(encoding="utf-8")) for match in matches]

    return find


def _show_failures(file: str, found: Sequence[Result]) -> None:
    for result in found:
        for failure in result.failures:
            click.echo(f"FAILED {file}: {result.name}\n  " + failure.replace("\n", "\n  "))


def _show_failed(file: str, found: Sequence[Outcome]) -> None:
    for outcome in found:
        if outcome.verdict == "failed":
            click.echo(f"FAILED {file}:{outcome.line}: {outcome.expression}\n  {outcome.detail}")


def _show_skipped(outcomes: dict[str, list[Outcome]]) -> None:
    reasons = Counter(
        each.detail.rsplit(": ", 1)[-1] for found in outcomes.values() for each in found if each.verdict == "skipped"
    )
    for reason, count in reasons.most_common():
        click.echo(f"skipped {count}: {reason}")


def _finish(failed: int) -> None:
    if failed:
        raise SystemExit(1)
