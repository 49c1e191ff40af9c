"""The ``tidewatch`` command. The folder is the registry: every module here that has a ``command`` is a subcommand."""

import ast
import importlib
import pkgutil
from difflib import get_close_matches
from pathlib import Path

import click
from click.shell_completion import CompletionItem


class _Folder(click.Group):
    """Loads a subcommand's module only when it is named, so that a list of all, or the help of one, imports no others.

    What the list says of a command is the first line of its module, after its name.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := get_close_matches(args[0], self.list_commands(ctx), 1):
                error.message += f" Did you mean {near[0]}?"
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _says(name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [
            *(CompletionItem(name, help=_says(name)) for name in names),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]


def _says(name: str) -> str:
    text = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
    title = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    return title.partition("``: ")[2].removesuffix(".")


@click.group(
    cls=_Folder,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Have Tab complete commands, options and files in this shell:
  eval "$(_TIDEWATCH_COMPLETE=bash_source tidewatch)"     in bash; zsh_source in zsh
  _TIDEWATCH_COMPLETE=fish_source tidewatch | source      in fish""",
)
@click.version_option(package_name="tidewatch", prog_name="tidewatch")
def main() -> None:
    """Streaming SLA, security and compliance monitor: Kafka in, ClickHouse and Alertmanager out."""
