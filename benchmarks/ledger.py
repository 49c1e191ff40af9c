"""A ledger that workers wrote while they were killed, and how long its proof takes.

``pytest tests/e2e/test_evidence.py --ledger-events 112000 --ledger-result benchmarks/results/ledger-DATE.json``
"""

import msgspec

from benchmarks.machine import Machine


class Took(msgspec.Struct, frozen=True):
    """What a command took."""

    wall_seconds: float
    cpu_seconds: float
    rss_bytes: int
    """The most memory it ever had."""


class Ledger(msgspec.Struct, frozen=True):
    """One run."""

    date: str
    machine: Machine
    events: int
    entries: int
    chains: int
    seals: int
    partitions: int
    workers: int
    sigkills: int
    """Of workers, while they wrote."""
    seconds: float
    """From the first event to the last entry, publishing and all restarts included."""
    rss_bytes: int
    """The most memory that any worker ever had."""
    export_bytes: int
    commands: dict[str, Took]
    """As typed by a user, in the order in which they ran."""


def table(ledger: Ledger) -> str:
    """How it was written, and a row for each command."""
    rows = [
        f"| `{name}` | {took.wall_seconds:.1f} | {took.cpu_seconds:.1f} | {took.rss_bytes / 2**20:,.0f} |"
        for name, took in ledger.commands.items()
    ]
    on = ledger.machine
    versions = ", ".join(f"{name} {number}" for name, number in on.versions.items())
    lines = [
        f"{ledger.date}, {on.cpu}, {on.cores} cores, {on.memory_gb:.0f} GB, {on.system}; "
        f"Python {on.python}, {versions}.",
        "",
        f"{ledger.entries:,} entries of {ledger.chains} chains with {ledger.seals} seals, out of {ledger.events:,} "
        f"events in {ledger.partitions} partitions, written by {ledger.workers} workers that got {ledger.sigkills} "
        f"SIGKILLs meanwhile, in {ledger.seconds:,.0f} s with all restarts; no worker had more than "
        f"{ledger.rss_bytes / 2**20:,.0f} MB. The export has {ledger.export_bytes / 1e6:,.0f} MB.",
        "",
        "| | seconds | CPU seconds | peak MB |",
        "|---|---|---|---|",
        *rows,
    ]
    return "\n".join(lines)
