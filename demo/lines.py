"""The state of the demo as a line now and then, for where there is no terminal to draw on."""

import asyncio
from typing import TextIO

from demo.state import State

EVERY_SECONDS = 5.0


async def show(state: State, out: TextIO) -> None:
    """Write lines until cancelled."""
    while True:
        print(line(state), file=out, flush=True)
        await asyncio.sleep(EVERY_SECONDS)


def line(state: State) -> str:
    """One look."""
    if not state.published:
        return f"tidewatch demo: {state.phase}"
    alerts = ", ".join(f"{count} {name}" for name, count in sorted(state.alerts.items())) or "none yet"
    return (
        f"tidewatch demo: {state.phase}, {state.progress:.0%}, {state.published:,} published, {state.stored:,} stored "
        f"({state.per_second:,.0f}/s), lag {state.lag:,}, {state.dead_letters} dead letters, "
        f"{state.windows:,} windows, alerts: {alerts}"
    )
