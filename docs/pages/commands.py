"""The commands, as their ``--help`` says."""

import click

from docs.structs import GENERATED
from streams.cli import main

FILE = "commands.md"

WIDTH = 100


def text() -> str:
    """``tidewatch`` itself, then every command, then the commands below it."""
    parts = [GENERATED, "# Commands", "Exit status: 0 when it worked, 1 when it did not, 2 for a wrong command line."]
    parts += _help(main, None, "tidewatch")
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, parent: click.Context | None, name: str) -> list[str]:
    command._help_option = None  # click keeps the first it made, for whoever asked for it
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    context.terminal_width = WIDTH
    parts = [f"## {context.command_path}", f"```text\n{command.get_help(context)}\n```"]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                parts += _help(found, context, below)
    return parts
