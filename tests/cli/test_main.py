"""``tidewatch`` itself: what there is, at once, and what was probably meant."""

import subprocess
import sys

from click.testing import CliRunner

from streams.cli import main

LISTED = """
import sys
from click.testing import CliRunner
from streams.cli import main
print(CliRunner().invoke(main, ["--help"]).output.count("\\n  "))
print(CliRunner().invoke(main, [], env={"_TIDEWATCH_COMPLETE": "bash_complete"}, prog_name="tidewatch").output)
print([name for name in sys.modules if name.startswith("streams.cli.")])
"""


def test_help_and_completion_import_no_command() -> None:
    """Some need a second for that, and Tab is pressed more often than once."""
    done = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()

    assert int(lines[0]) > 25
    assert lines[-1] == "[]"


def test_tab_completes_commands_and_options() -> None:
    def completed(words: str, at: int) -> list[str]:
        env = {"_TIDEWATCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        return CliRunner().invoke(main, [], env=env, prog_name="tidewatch").output.split()

    assert completed("tidewatch sta", 1) == ["plain,status"]
    assert completed("tidewatch --ver", 1) == ["plain,--version"]
    assert "plain,--json" in completed("tidewatch sql --", 2)
    assert completed("tidewatch report s", 2) == ["plain,sla"]


def test_a_misspelt_command_is_told_what_was_probably_meant() -> None:
    result = CliRunner().invoke(main, ["wroker"])

    assert result.exit_code == 2
    assert "No such command 'wroker'. Did you mean worker?" in result.output
