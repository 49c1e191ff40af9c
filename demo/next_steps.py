"""What to try after the demo: commands that work as they stand."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from demo.stack import LOG, SETTINGS

_STEPS = (
    (
        'sql "SELECT service, window_start, availability_percent FROM sla WHERE window_seconds = 60 LIMIT 5"',
        "",
    ),
    ("sql \"SELECT rule, labels['service'] AS service, state, fired FROM alerts ORDER BY fired DESC\"", ""),
    ("sql \"SELECT control, reason, count() FROM verdicts WHERE verdict = 'non_compliant' GROUP BY ALL\"", ""),
    ("deadletters --value", "what was refused, and why"),
    ("demo --forever", "goes on, so that you can query it while it runs"),
)
"""Arguments of ``tidewatch``, and what is not obvious about them."""


def next_steps(data: str, tidewatch: str) -> RenderableType:
    """``data``: the directory of the run; ``tidewatch``: how the command is called from here."""
    lines = [
        Text("Next", "bold"),
        Text(f"  export TIDEWATCH_CONFIG={Path(data) / SETTINGS}"),
        *(_line(f"{tidewatch} {arguments}", told) for arguments, told in _STEPS),
        Text("  docs/tutorial.md: from here to an alert of your own", "dim"),
        Text(f"Everything is kept in {data}, with the worker's log in {LOG}. Delete it when you are done.", "dim"),
    ]
    return Group(*lines)


def _line(command: str, told: str) -> Text:
    return Text.assemble(f"  {command}", (f"   # {told}" if told else "", "dim"))
