"""The evidence ledger byte by byte, for whoever verifies it without Tidewatch."""

from collections.abc import Mapping
from pathlib import Path

from docs.structs import GENERATED, code, descriptions, table
from streams.evidence.canonical import Head, Seal

FILE = "evidence.md"

_ENTRY = {
    "tenant": "Whose chain it is",
    "chain": "Which chain of the tenant",
    "seq": "Number in the chain, from 0 on without gaps",
    "at": "When it was entered: epoch ms, by the clock of the Kafka broker; never less than that of the entry before",
    "offset": "Of the record of the topic `evidence` that it comes from; never less than that of the entry before",
    "previous": "The hash of the entry before; 64 zeros for entry 0",
    "kind": "`violation`, `policies`, `attestation`, or the name of another act",
}

_VIOLATION = {
    "time": "When the event happened, epoch ms",
    "record": "Which record it was: `topic`, `incarnation` of the topic, `partition`, `offset`",
    "event_digest": "SHA-256 over the value of that record",
    "policy": "The policy that judged",
    "policy_digest": "SHA-256 over the file of the policy",
    "controls": "The controls that it speaks for, such as `gdpr art-32`",
    "severity": "Of the policy",
    "reason": "Why it is a violation, without content of the event",
    "service": "Who published the event",
    "of": "Only in the chain of `__overflow__`, which tenants beyond `limits.tenants` share: whose it is; of acts too",
}


def text() -> str:
    """The form of entries, seals and heads, and how to verify them."""
    parts = [
        GENERATED,
        "# Evidence",
        "The evidence ledger has a chain for each tenant. An entry is a violation of a policy, or an act of "
        "administration. [How to keep it and hand it over](../how-to/evidence.md); "
        "[why it is as it is](../decisions/0012-evidence-in-the-log.md).",
        Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").rstrip(),
        "## Entries",
        _fields({**_ENTRY, "body": "What it says, by kind; see below"}),
        "### `violation`",
        _fields(_VIOLATION),
        "### `policies`",
        "Which policies judge from then on: `policies` maps ids to digests; `added`, `removed` and `changed` list ids. "
        "Each chain begins with one.",
        "### Acts",
        "`by`, `time` (epoch ms), and what the kind of act says besides.",
        "## Seals",
        _fields(descriptions(Seal)),
        "## Heads",
        _fields(descriptions(Head)),
    ]
    return "\n\n".join(parts) + "\n"


def _fields(says: Mapping[str, str]) -> str:
    return table(["field", "what it is"], [[code(name), text] for name, text in says.items()])
