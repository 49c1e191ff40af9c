"""Which policies a command is about: the files that are named, else those that a worker would judge by."""

from collections.abc import Sequence
from pathlib import Path

import click

from schemas.failures import Rejected
from streams.compliance.judging import Judge, compile_policies
from streams.compliance.reading import read_policy
from streams.config import load
from streams.config.files import load_policies
from streams.rules.compiled import refuse


def policies(paths: Sequence[str], config: str | None = None) -> Judge:
    """The policies in ``paths`` (files, or directories with all that is below), ready to judge.

    Without any: the shipped ones and those of the configuration. Ends the command when something is wrong with them.
    """
    try:
        return _of_files(paths) if paths else load_policies(load(config).compliance)
    except Rejected as rejected:
        raise click.ClickException(str(rejected)) from None


def _of_files(paths: Sequence[str]) -> Judge:
    files, problems = [], []
    for path in _files(paths):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise Rejected(f"{path} is not a readable text file; name a policy or a directory of them") from None
        policy, found = read_policy(text, str(path))
        problems += found
        files += [policy] if policy else []
    judge, found = compile_policies(files)
    refuse(sorted(problems + found))
    return judge


def _files(paths: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, paths):
        below = (
            sorted(each for each in path.rglob("*") if each.suffix in (".yml", ".yaml")) if path.is_dir() else [path]
        )
        if not below:
            raise Rejected(f"there is no policy in {path}; name a directory with .yml files")
        found += below
    return found
