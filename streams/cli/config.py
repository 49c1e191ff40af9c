"""``tidewatch config``: the configuration in effect, and where each value is from."""

import json

import click
import msgspec

from schemas.failures import Rejected
from streams.config import Loaded, load_with_origins
from streams.config.text import to_toml

HIDDEN = "********"


@click.command()
@click.option("--config", "path", metavar="FILE", help="The file; else TIDEWATCH_CONFIG, else ./tidewatch.toml.")
@click.option("--json", "as_json", is_flag=True, help='Print {"config": {...}, "origins": {...}}.')
def command(path: str | None, as_json: bool) -> None:
    """Print the effective configuration as TOML.

    Passwords are hidden. A comment says where a value comes from: a line of the file, or an environment variable.
    """
    try:
        loaded = load_with_origins(path)
    except Rejected as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(as_json_text(loaded) if as_json else as_toml(loaded))


def as_toml(loaded: Loaded) -> str:
    """The configuration file that would give the same configuration, but for the passwords."""
    lines = []
    for section, settings in visible(loaded).items():
        lines.append(f"[{section}]")
        for name, value in settings.items():
            origin = loaded.origins.get(f"{section}.{name}")
            lines.append(f"{name} = {to_toml(value)}" + (f"  # {origin}" if origin else ""))
        lines.append("")
    return "\n".join(lines).rstrip()


def as_json_text(loaded: Loaded) -> str:
    """The configuration and the origins of the values that were given."""
    return json.dumps({"config": visible(loaded), "origins": loaded.origins}, indent=2)


def visible(loaded: Loaded) -> dict[str, dict[str, object]]:
    """Section -> setting -> value, passwords hidden."""
    sections: dict[str, dict[str, object]] = msgspec.to_builtins(loaded.config)
    for settings in sections.values():
        settings |= dict.fromkeys((name for name in ("password", "key", "keys") if settings.get(name)), HIDDEN)
    return sections
