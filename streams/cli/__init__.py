"""The ``tidewatch`` command. The folder is the registry: every module here that has a ``command`` is a subcommand."""

import importlib
import pkgutil

import click


class _Folder(click.Group):
    """Loads a subcommand's module only when it is named, so that ``--help`` of one does not import them all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name}").command
        return command


@click.group(cls=_Folder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tidewatch", prog_name="tidewatch")
def main() -> None:
    """Streaming SLA, security and compliance monitor: Kafka in, ClickHouse and Alertmanager out."""
