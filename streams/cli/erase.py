"""``tidewatch erase``: destroy the keys of a person: nobody can read again who it was."""

from typing import Any

import click

from sinks import subject_keys
from sinks.chdb_directory import quoted
from sinks.subject_keys import Erasure
from streams.api.parameters import DEFAULT_TENANT
from streams.cli._answers import print_json
from streams.cli._clickhouse import sentences
from streams.cli._counted import counted
from streams.cli._protected import Desk, author, desk, now_ms, reason, record
from streams.cli._publishing import kafka_options, settings
from streams.privacy.protection import without

_ROWS = """SELECT sum(rows) AS rows FROM (
SELECT count() AS rows FROM raw_security
WHERE tenant = {tenant} AND has([actor, address, if(sealed['target'] = '', '', target)], {person})
UNION ALL
SELECT count() FROM raw_processing
WHERE tenant = {tenant} AND has([data_subject, consent_id, actor, recipient], {person}))"""


@click.command()
@click.option("--subject", required=True, help="The person, as events name it.")
@kafka_options
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person.")
@reason
@author
@click.option("--yes", is_flag=True, help="Do not ask: it cannot be undone.")
@click.option("--json", "as_json", is_flag=True, help="Print what was destroyed, and its proof, as an object.")
def command(
    subject: str,
    path: str | None,
    bootstrap_servers: str | None,
    tenant: str,
    reason: str,
    author: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a person unreadable in all that Tidewatch has stored.

    The keys of the person are destroyed, in ClickHouse and on its disk: what they encrypt cannot be read again, in
    rows, reports and backups of other tables. Rows stay, and what was counted stays true. The act goes to the ledger,
    with a proof that names the keys.

    The topics that services publish to are theirs: what they still hold goes away with their retention. Backups of
    the table subject_keys, and of the master keys, must not be kept for longer than you may take to forget.
    """
    config = settings(path, bootstrap_servers)
    if not yes:
        click.confirm(f"Destroy the keys of this person of tenant {tenant}? It cannot be undone.", abort=True, err=True)
    with sentences(), desk(config) as at:
        told = erase(at, tenant, subject, reason, author)
    if as_json:
        print_json(told)
    else:
        click.echo(
            f"erased: {told['person']}, {counted(len(told['keys']), 'key')} destroyed, "
            f"{counted(told['rows'], 'row')} stay without a name"
        )
        click.echo(f"proof: {told['proof']}")


def erase(at: Desk, tenant: str, subject: str, reason: str, author: str) -> dict[str, Any]:
    """Record the erasure, tell the ledger, and destroy the keys; what was destroyed.

    The order holds against workers that meet the person meanwhile (:mod:`streams.stages.keyring`), and nothing is
    destroyed that no ledger knows of. Done again after a failure, it does what is missing.
    """
    person = at.pseudonym(tenant, subject)
    keys = subject_keys.keys_of(at.clickhouse, tenant, [person])
    reason = without(subject, person, reason)
    erasure = Erasure(tenant, person, now_ms())
    subject_keys.record_erasure(at.clickhouse, erasure, reason, author, keys)
    destroyed = {"person": person, "keys": sorted(key.key_id for key in keys), "proof": subject_keys.proof(keys)}
    record(at.config, tenant, "erasure", author, {**destroyed, "reason": reason, "erased_ms": erasure.erased_ms})
    subject_keys.destroy(at.clickhouse, tenant, person)
    rows = at.clickhouse.query(_ROWS.format(tenant=quoted(tenant), person=quoted(person)))[0]["rows"]
    return {"tenant": tenant, **destroyed, "erased_ms": erasure.erased_ms, "rows": rows}
