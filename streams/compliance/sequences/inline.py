"""The tests inside the files of policies about sequences."""

from hashlib import sha256

import msgspec

from streams.batch import Partition
from streams.compliance.sequences.marking import Marker
from streams.compliance.sequences.marks import Seen, Witness
from streams.compliance.sequences.matcher import Matcher
from streams.compliance.sequences.policy import SequencePolicy, SequenceTest
from streams.promql.storage import FOREVER


def violating(policy: SequencePolicy, marker: Marker, test: SequenceTest) -> tuple[int, ...]:
    """Which events of a test are violations, when all time has passed; ``marker`` knows this policy alone."""
    matcher = Matcher(policy, len(test.events), 0)
    for number, event in enumerate(test.events):
        time_ms = round(event.time.timestamp() * 1000)
        witness = Witness(b"", Partition("", 0), "", number, "", "", "")
        for role in marker(event):
            values = role.values(event.data)
            if all(values):
                key = sha256(msgspec.json.encode([event.data.tenant, values])).digest()
                matcher.add(key, Seen(time_ms, role.steps, witness), 0)
    return tuple(sorted(witness.offset for _, witness in matcher.advance(FOREVER // 2)))
