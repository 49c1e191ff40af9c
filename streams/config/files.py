"""The files that a worker reads when it starts: rules, ladders and service levels, explained when they are wrong."""

import tomllib
from glob import escape, glob
from importlib.resources import files
from pathlib import Path

import msgspec

from schemas.config import Compliance, Evidence, Slo
from schemas.failures import Rejected
from schemas.sla import Sla
from streams.alerts.ladders import Ladder, read_ladders
from streams.compliance.judging import Judge, compile_policies
from streams.compliance.reading import read_policy
from streams.compliance.shipped import shipped_files
from streams.evidence.signing import SigningKey
from streams.rules.compiled import CompiledGroup, compile_rules, refuse
from streams.slo.files import Objectives, read_objectives


def load_rules(patterns: list[str]) -> list[CompiledGroup]:
    """The groups of every file that a pattern names; of the shipped file when there are no patterns.

    Raises Rejected with file, line and what to write instead for the first things that are wrong.
    """
    groups: list[CompiledGroup] = []
    for name, text in _texts(patterns):
        found, problems = compile_rules(text, name)
        refuse(problems)
        groups += found
    return groups


def _texts(patterns: list[str]) -> list[tuple[str, str]]:
    if not patterns:
        shipped = files("streams.rules") / "shipped" / "tidewatch.yml"
        return [("tidewatch.yml", shipped.read_text(encoding="utf-8"))]
    return _texts_of(patterns, "rules.files")


def _texts_of(patterns: list[str], setting: str) -> list[tuple[str, str]]:
    """Name and text of every file that a pattern of a setting names."""
    found: list[tuple[str, str]] = []
    for pattern in patterns:
        names = sorted(glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not names:
            raise Rejected(
                f"{setting}: no file matches {pattern}; name existing files, or leave it out for what is shipped"
            )
        for name in names:
            try:
                found.append((name, Path(name).read_text(encoding="utf-8")))
            except (OSError, UnicodeDecodeError):
                raise Rejected(f"{setting}: {name} is not a readable text file") from None
    return found


def load_policies(compliance: Compliance) -> Judge:
    """The shipped policies and those of the configuration, without those that it leaves out.

    Raises Rejected with file, line and what to write instead for the first things that are wrong.
    """
    files, problems = list(shipped_files()), []
    for name, text in _texts_of(compliance.policies, "compliance.policies"):
        policy, found = read_policy(text, name)
        problems += found
        files += [policy] if policy else []
    unknown = set(compliance.without) - {file.id for file in files}
    if unknown:
        raise Rejected(f"compliance.without: no policy is called {', '.join(sorted(unknown))}; tidewatch policy list")
    judge, found = compile_policies([file for file in files if file.id not in compliance.without])
    refuse(sorted(problems + found))
    return judge


def load_signing_key(evidence: Evidence) -> SigningKey | None:
    """The key that signs the evidence ledger; None when none is configured. Raises Rejected, without the key."""
    if not evidence.key_file:
        return SigningKey(evidence.key) if evidence.key else None
    try:
        mode, text = Path(evidence.key_file).stat().st_mode, Path(evidence.key_file).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise Rejected(
            f"evidence.key_file: {evidence.key_file} cannot be read; make one with tidewatch audit keygen"
        ) from None
    if mode & 0o077:
        raise Rejected(f"evidence.key_file: others may read it; run: chmod 600 {evidence.key_file}")
    return SigningKey(text)


def load_ladders(path: str) -> list[Ladder]:
    """The ladders in ``path``, or those shipped when it is empty.

    Raises Rejected with file, line and what to write instead for the first things that are wrong.
    """
    try:
        shipped = files("streams.alerts") / "shipped" / "escalation.yml"
        text = (Path(path) if path else shipped).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Rejected(
            f"escalation.file: {path} cannot be read; give a YAML file, or leave it out for the shipped ladders"
        ) from None
    ladders, problems = read_ladders(text, path or "escalation.yml")
    refuse(problems)
    return ladders


def load_objectives(slo: Slo) -> Objectives:
    """The objectives and the maintenance of the files, and of the file of maintenance when there is one.

    Raises Rejected with file, line and what to write instead for the first things that are wrong.
    """
    texts = dict(_texts_of(slo.files, "slo.files"))
    if slo.maintenance and Path(slo.maintenance).exists():
        texts |= dict(_texts_of([escape(slo.maintenance)], "slo.maintenance"))
    found = read_objectives(texts)
    refuse(found.problems)
    return found


def load_sla(path: str) -> Sla:
    """The targets in ``path``, or the defaults when it is empty. Raises Rejected with file and place."""
    if not path:
        return Sla()
    try:
        return msgspec.convert(tomllib.loads(Path(path).read_text(encoding="utf-8")), Sla)
    except (OSError, UnicodeDecodeError):
        raise Rejected(f"sla.file: {path} cannot be read; give a TOML file, or leave it out for the defaults") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Rejected(f"{path}: {error}; the tables are [targets], [indicators] and [services.NAME]") from None
