"""The configuration, section by section."""

import msgspec

from docs.structs import GENERATED, annotations, code, descriptions, docstring, table
from schemas import config
from streams.config import SECTIONS, SETTINGS, variable
from streams.config.text import default, describe, to_toml

FILE = "configuration.md"


def text() -> str:
    """Every setting: what it is, its default, its unit, its variable."""
    parts = [
        GENERATED,
        "# Configuration",
        docstring(config),
        "The file is the one of `--config`, else of `TIDEWATCH_CONFIG`, else `tidewatch.toml` in the working "
        "directory. Lists in variables are separated by commas.",
    ]
    for name, section in SECTIONS.items():
        parts += [f"## [{name}]", docstring(section), _settings(name, section)]
    return "\n\n".join(parts) + "\n"


def _settings(section: str, struct: type[msgspec.Struct]) -> str:
    said, written = descriptions(struct), annotations(struct)
    rows = [
        [
            code(name),
            code(to_toml(default(setting))),
            describe(setting) + _unit(name, written[name]),
            said.get(name, ""),
            code(variable(section, name)),
        ]
        for name, setting in SETTINGS[section].items()
    ]
    return table(["setting", "default", "must be", "what it does", "variable"], rows)


def _unit(name: str, annotation: str) -> str:
    if annotation.startswith("Seconds"):
        return ", seconds"
    for unit in ("bytes", "days"):
        if name.endswith(f"_{unit}"):
            return f", {unit}"
    return ""
