"""What judging a batch gave, as it goes to the evidence ledger: violations one by one, all verdicts in number."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from schemas.policy import Verdict
from streams.batch import RecordBatch
from streams.evidence import records
from streams.evidence.records import Findings, Violation
from streams.ingest.judged import Given

_PLACES = {"compliant": 0, "non_compliant": 1, "not_evaluated": 2}


class _Wrong(NamedTuple):
    """A violated policy, with all of its controls."""

    policy: str
    digest: str
    controls: tuple[str, ...]
    severity: str
    reason: str


def findings(batch: RecordBatch, incarnation: str, given: Given) -> list[Findings]:
    """A record for each tenant, several when it has many violations."""
    violations = _violations(batch, given)
    about = (batch.partition, incarnation, int(batch.offsets[0]), int(batch.offsets[-1]))
    found: list[Findings] = []
    for tenant, tally in _tallies(given).items():
        found += records.in_parts(tenant, *about, violations.get(tenant, []), tally)
    return found


def _tallies(given: Given) -> dict[str, dict[str, tuple[int, int, int]]]:
    """Tenant -> control -> how many verdicts were compliant, violations, not evaluated."""
    counts = np.bincount(given.which, minlength=len(given.distinct)).tolist()
    tallies: dict[str, dict[str, list[int]]] = {}
    for (tenant, _, verdict), count in zip(given.distinct, counts, strict=True):
        controls = tallies.setdefault(tenant, {})
        controls.setdefault(_control(verdict), [0, 0, 0])[_PLACES[verdict.verdict]] += count
    return {
        tenant: {control: (n[0], n[1], n[2]) for control, n in sorted(controls.items())}
        for tenant, controls in sorted(tallies.items())
    }


def _violations(batch: RecordBatch, given: Given) -> dict[str, list[Violation]]:
    """By tenant, in the order of their records."""
    events = given.events
    breaking = np.flatnonzero(given.violating).tolist()
    wrongs = {number: list(_wrongs(events.alike[number].verdicts)) for number in breaking}
    violating = events.some(np.flatnonzero(given.violating[events.codes]))
    offsets = [int(batch.offsets[index]) for index in violating.indexes.tolist()]
    columns = (violating.codes, violating.times, violating.places)
    found: dict[str, list[Violation]] = {}
    for offset, code, time_ms, place in zip(offsets, *(column.tolist() for column in columns), strict=True):
        alike, digest = events.alike[code], events.digests[place]
        found.setdefault(alike.tenant, []).extend(
            Violation(
                offset,
                time_ms,
                alike.service,
                wrong.policy,
                wrong.digest,
                wrong.controls,
                wrong.severity,
                wrong.reason,
                digest,
            )
            for wrong in wrongs[code]
        )
    return found


def _wrongs(verdicts: Sequence[Verdict]) -> Iterator[_Wrong]:
    by_policy: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.verdict == "non_compliant":
            by_policy.setdefault(verdict.policy, []).append(verdict)
    for policy, same in by_policy.items():
        controls = tuple(_control(verdict) for verdict in same)
        yield _Wrong(policy, same[0].policy_digest, controls, same[0].severity, same[0].reason)


def _control(verdict: Verdict) -> str:
    return f"{verdict.framework} {verdict.control}"
