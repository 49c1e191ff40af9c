"""Configuration: the defaults, then one TOML file, then ``TIDEWATCH_*`` variables; each value knows where it came from.

Relative paths in the configuration are relative to the working directory of the command.
"""

import math
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from schemas.config import Config, Section
from schemas.failures import Rejected
from streams.config.checks import contradictions
from streams.config.text import default, describe, did_you_mean, from_variable, line_of, to_toml, to_variable

PATH_VARIABLE = "TIDEWATCH_CONFIG"
DEFAULT_PATH = "tidewatch.toml"

SECTIONS: dict[str, type[Section]] = {field.name: field.type for field in msgspec.structs.fields(Config)}
SETTINGS = {
    name: {field.name: field for field in msgspec.structs.fields(section)} for name, section in SECTIONS.items()
}

# Kubernetes puts these into every container of a namespace that has a Service called tidewatch; they are no settings.
_SERVICE_LINK = re.compile(r"_(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d+_(TCP|UDP)\w*)$")


class Loaded(msgspec.Struct, frozen=True):
    """A configuration and its origins: ``kafka.group`` -> ``tidewatch.toml:4`` or ``TIDEWATCH_KAFKA_GROUP``."""

    config: Config
    origins: dict[str, str]


def load(path: str | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """The effective configuration.

    The file is ``path``, else ``TIDEWATCH_CONFIG``, else ``tidewatch.toml`` in the working directory, else none.
    Raises ``Rejected`` with one line per mistake, each naming file and line or variable, and what to write instead.
    """
    return load_with_origins(path, environment).config


def load_with_origins(path: str | None = None, environment: Mapping[str, str] | None = None) -> Loaded:
    """As ``load``; says too where every value that was given came from."""
    variables = os.environ if environment is None else environment
    draft = _Draft()
    file = _find(path, variables)
    if file is not None:
        draft.read_file(file)
    draft.read_environment(variables)
    return Loaded(draft.finish(), draft.origins)


def secret(value: str, file: str) -> str:
    """A secret given directly or by file; a file is read at each call, so that a rotated one is taken up."""
    if not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Rejected(f"secret file {file}: {reason}; create it or correct the *_file setting") from None


def variable(section: str, name: str) -> str:
    """The environment variable of a setting: ``kafka``, ``group`` -> ``TIDEWATCH_KAFKA_GROUP``."""
    return f"TIDEWATCH_{section}_{name}".upper()


class _Draft:
    """Values accepted so far, their origins, and the mistakes found on the way."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, object]] = {name: {} for name in SECTIONS}
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []

    def read_file(self, file: Path) -> None:
        text = _read_text(file)
        for section, table in _parse(file, text).items():
            place = f"{file}:{line_of(text, section)}"
            homes = [f"[{home}]" for home, names in SETTINGS.items() if section in names]
            if section not in SECTIONS and homes and not isinstance(table, dict):
                self.problems.append(f"{place}: {section} is outside a section; move it below {' or '.join(homes)}")
            elif section not in SECTIONS:
                self.problems.append(f"{place}: [{section}] is not a section; {did_you_mean(section, SECTIONS)}")
            elif not isinstance(table, dict):
                self.problems.append(f"{place}: {section} is a section; write [{section}] and its settings below")
            else:
                for name, raw in table.items():
                    self._take_from_file(section, name, raw, f"{file}:{line_of(text, section, name)}")

    def _take_from_file(self, section: str, name: str, raw: object, place: str) -> None:
        if name not in SETTINGS[section]:
            hint = did_you_mean(name, SETTINGS[section])
            self.problems.append(f"{place}: {section}.{name} is not a setting; {hint}")
            return
        example = f"{name} = {to_toml(default(SETTINGS[section][name]))}"
        self._take(section, name, raw, place, example, strict=True)

    def read_environment(self, environment: Mapping[str, str]) -> None:
        known = {variable(section, name): (section, name) for section, names in SETTINGS.items() for name in names}
        for given, text in environment.items():
            if given in known:
                section, name = known[given]
                setting = SETTINGS[section][name]
                example = f"{given}={to_variable(default(setting))}"
                self._take(section, name, from_variable(text, setting), given, example, strict=False)
            elif given.startswith("TIDEWATCH_") and given != PATH_VARIABLE and not _SERVICE_LINK.search(given):
                self.problems.append(f"{given}: no setting has this variable; {did_you_mean(given, known)}")

    def _take(self, section: str, name: str, raw: object, place: str, example: str, *, strict: bool) -> None:
        setting = SETTINGS[section][name]
        try:
            value = msgspec.convert(raw, setting.type, strict=strict)
        except msgspec.ValidationError:
            value = math.nan
        if isinstance(value, float) and not math.isfinite(value):
            wanted = describe(setting)
            self.problems.append(f"{place}: {section}.{name} must be {wanted}; for example: {example}")
            return
        self.values[section][name] = value
        self.origins[f"{section}.{name}"] = place

    def finish(self) -> Config:
        """Raises ``Rejected`` when anything was wrong."""
        if self.problems:
            raise Rejected("\n".join(self.problems))
        config = msgspec.convert(self.values, Config)
        for key, sentence in contradictions(config):
            self.problems.append(f"{self.origins.get(key, 'configuration')}: {key} {sentence}")
        if self.problems:
            raise Rejected("\n".join(self.problems))
        return config


def _find(path: str | None, environment: Mapping[str, str]) -> Path | None:
    for given, source in ((path, "--config"), (environment.get(PATH_VARIABLE), PATH_VARIABLE)):
        if given:
            if not Path(given).is_file():
                raise Rejected(f"{given}: no such file, named by {source}; create it or correct the name")
            return Path(given)
    return Path(DEFAULT_PATH) if Path(DEFAULT_PATH).is_file() else None


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Rejected(f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise Rejected(f"{file}: {error.strerror}; correct its permissions or name another file") from None


def _parse(file: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+).*|end of document)\)$", str(error))
        line = place[1] if place and place[1] else len(text.splitlines())
        reason = str(error).removesuffix(place[0] if place else "")
        hint = 'a setting is written name = "text" below its [section]'
        raise Rejected(f"{file}:{line}: not TOML: {reason}; {hint}") from None
