"""What a worker is told by files: rules, service levels, objectives, ladders, policies and keys."""

import asyncio
from typing import NamedTuple

from schemas.config import Config
from schemas.keys import MasterKeys
from schemas.sla import Sla
from streams.alerts.ladders import Ladder
from streams.compliance.judging import Judge
from streams.config.files import load_ladders, load_objectives, load_policies, load_rules, load_signing_key, load_sla
from streams.config.masterkeys import load_master_keys
from streams.evidence.signing import SigningKey
from streams.rules.compiled import CompiledGroup
from streams.slo.promises import Promises


class Definitions(NamedTuple):
    """Read once, when a worker starts; maintenance alone is read again while it runs."""

    groups: list[CompiledGroup]
    sla: Sla
    promises: Promises
    ladders: list[Ladder]
    judge: Judge
    signing_key: SigningKey | None
    master_keys: MasterKeys


async def read_definitions(config: Config) -> Definitions:
    """Raises Rejected, naming file and line, for the first that is missing or wrong."""
    groups, sla = load_rules(config.rules.files), load_sla(config.sla.file)
    objectives = load_objectives(config.slo)
    return Definitions(
        groups,
        sla,
        Promises(objectives.objectives, objectives.maintenance),
        load_ladders(config.escalation.file),
        load_policies(config.compliance),
        load_signing_key(config.evidence),
        await asyncio.to_thread(load_master_keys, config),
    )
