"""``tidewatch report``: reports to hand over, and whether a copy is unaltered.

Every module here whose name begins with ``_report_`` is one.
"""

import importlib
import pkgutil

import click

from streams import cli

_PREFIX = "_report_"


class _Reports(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = (module.name for module in pkgutil.iter_modules(cli.__path__))
        return sorted(name.removeprefix(_PREFIX) for name in modules if name.startswith(_PREFIX))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"{cli.__name__}.{_PREFIX}{cmd_name}").command
        return found


@click.group(cls=_Reports)
def command() -> None:
    """Reports that can be handed over, as HTML, PDF, Markdown, CSV or JSON, and whether a copy is unaltered."""
