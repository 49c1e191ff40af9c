"""Generated acts of data processing, because no permissive stream of real ones could be found.

The file is a recipe; the same recipe gives the same events. What happens how often is set below, not measured: mostly
lawful acts, a few that a GDPR, HIPAA, PCI DSS or SOC 2 policy objects to, and a few that do not say enough to judge.
"""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from schemas.events import Processing, ProcessingEvent
from schemas.failures import Rejected
from sources import Options

NAME = "processing"
DESCRIPTION = (
    'Generated processing events, from a recipe: {"generate": "processing", "seed", "events", "start", "seconds"}.'
)


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    generate: Literal["processing"]
    seed: int
    events: Annotated[int, msgspec.Meta(ge=1)]
    start: Annotated[datetime, msgspec.Meta(tz=True)]
    seconds: Annotated[float, msgspec.Meta(gt=0)]
    """Over how long the events spread, evenly but for some jitter."""


_EU = {"location": "EU", "encrypted": True}
_CONSENTED = {"legal_basis": "consent", "consent": True, "purpose": "personalisation", "retention_days": 30, **_EU}
_CLINICAL = {"data_categories": ["phi"], "retention_days": 2190, **_EU}
_PAYMENT = {"data_categories": ["cardholder"], "purpose": "payment", "legal_basis": "contract", "encrypted": True}

ACTS: tuple[tuple[int, str, str, dict[str, Any]], ...] = (
    (30, "profile-api", "read", {"data_categories": ["personal"], **_CONSENTED}),
    (15, "profile-api", "export", {"data_categories": ["personal"], **_CONSENTED, "purpose": "user_request"}),
    (4, "profile-api", "delete", {"data_categories": ["personal"], **_CONSENTED, "purpose": "erasure_request"}),
    (18, "clinic-records", "read", {**_CLINICAL, "purpose": "treatment", "legal_basis": "vital_interests"}),
    (8, "clinic-records", "write", {**_CLINICAL, "purpose": "treatment", "legal_basis": "vital_interests"}),
    (14, "payments", "read", {**_PAYMENT, "location": "EU", "retention_days": 7}),
    (6, "payments", "write", {**_PAYMENT, "location": "EU", "retention_days": 7}),
    (9, "analytics", "read", {"data_categories": ["pseudonymous"], "purpose": "statistics", "retention_days": 90,
                              "legal_basis": "legitimate_interests", **_EU}),
    # What somebody should object to:
    (3, "marketing", "share", {"data_categories": ["personal"], **_CONSENTED, "consent": False, "recipient": "ads"}),
    (2, "marketing", "export", {"data_categories": ["personal"], **_CONSENTED, "location": "US"}),
    (2, "clinic-records", "share", {**_CLINICAL, "purpose": "marketing", "legal_basis": "consent", "consent": True}),
    (2, "clinic-records", "export", {**_CLINICAL, "purpose": "treatment", "encrypted": False}),
    (2, "payments", "export", {**_PAYMENT, "location": "EU", "encrypted": False, "retention_days": 7}),
    (1, "payments", "write", {**_PAYMENT, "location": "EU", "retention_days": 3650}),
    # What does not say enough:
    (4, "analytics", "read", {"data_categories": ["personal"], "purpose": "statistics"}),
)  # fmt: skip
"""How often of 120, the service, the operation, and what is stated."""


def detect(name: str, first: bytes) -> bool:
    """A recipe says what it generates."""
    return first.lstrip().startswith(b"{") and b'"generate"' in first


def events(lines: Iterable[bytes], options: Options) -> Iterator[ProcessingEvent]:
    """The events of a recipe, in time order. Raises ``Rejected`` for a file that is none."""
    try:
        recipe = msgspec.json.decode(b"".join(lines), type=Recipe)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(f"{options.name}: not a recipe for processing events: {error}") from None
    chance = random.Random(recipe.seed)  # noqa: S311 - it has to be repeatable, not secret
    step = recipe.seconds / recipe.events
    for number in range(recipe.events):
        moment = recipe.start + timedelta(seconds=(number + chance.random()) * step)
        yield _event(chance, number, moment)


def _event(chance: random.Random, number: int, moment: datetime) -> ProcessingEvent:
    _, service, operation, stated = chance.choices(ACTS, [act[0] for act in ACTS])[0]
    subject = chance.randrange(400)
    if stated.get("consent"):
        stated = {**stated, "consent_id": f"consent-{subject}"}
    actor = f"{service}-user-{chance.randrange(12)}"
    return ProcessingEvent(
        specversion="1.0",
        id=f"generated-{number}",
        source=f"/{service}/{chance.randrange(3)}",
        time=moment,
        data=Processing(service=service, operation=operation, data_subject=f"subject-{subject}", actor=actor, **stated),
    )
