"""``tidewatch reveal``: who is behind a pseudonym, for whoever may know; recorded first."""

import re
from collections.abc import Iterator

import click

from schemas.failures import Rejected
from schemas.keys import Wrapped
from sinks import subject_keys
from streams.api.parameters import DEFAULT_TENANT
from streams.cli._answers import print_json
from streams.cli._audited import tell
from streams.cli._clickhouse import sentences
from streams.cli._protected import Desk, author, desk, reason, record
from streams.cli._publishing import kafka_options, settings
from streams.privacy.freetext import masked
from streams.privacy.sealing import Cipher, binding, read
from streams.stages.keyring import key_binding

_COLUMNS = {
    "raw_security": ("actor", "address", "target"),
    "raw_processing": ("data_subject", "consent_id", "actor", "recipient"),
}
_RECORD = re.compile(r"(?P<topic>[\w.-]+)/(?P<partition>\d+)/(?P<offset>\d+)")
_PSEUDONYM = re.compile(r"p-[0-9a-f]{24}")


@click.command()
@click.argument("what", metavar="PSEUDONYM|TOPIC/PARTITION/OFFSET")
@kafka_options
@click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose person.")
@reason
@author
@click.option(
    "--json", "as_json", is_flag=True, help="Print an object: field -> value, null when its key was destroyed."
)
def command(
    what: str, path: str | None, bootstrap_servers: str | None, tenant: str, reason: str, author: str, as_json: bool
) -> None:
    """Decrypt who is behind a pseudonym, or all that was sealed in one record.

    Needs the master keys, and on a ClickHouse server one of the roles of privacy.reveal_roles. Who asked, for what and
    why goes to the ledger, and as a security event to the policies, before anything is shown: where that cannot be
    stored, nothing is.
    """
    config = settings(path, bootstrap_servers)
    with sentences(), desk(config) as at:
        _permit(at)
        sealed = _sealed(at, tenant, what)
        reason = masked(reason)
        record(config, tenant, "access", author, {"what": what, "reason": reason, "fields": sorted(sealed)})
        tell(config, tenant, author, what, reason)
        revealed = {field: _opened(at, tenant, field, text) for field, text in sealed.items()}
        if not any(revealed.values()):
            raise Rejected(f"the keys behind {what} were destroyed: nobody can read it again")
    if as_json:
        print_json(revealed)
    else:
        for field, value in revealed.items():
            click.echo(f"{field}: {value or '(its key was destroyed)'}")


def _permit(at: Desk) -> None:
    """On a server by role; on chDB there are no users, and the master keys are enough."""
    scheme, _, _ = at.config.clickhouse.url.partition(":")
    if scheme == "chdb":
        return
    roles = {row["role_name"] for row in at.clickhouse.query("SELECT role_name FROM system.enabled_roles")}
    if roles.isdisjoint(at.config.privacy.reveal_roles):
        wanted = " or ".join(at.config.privacy.reveal_roles)
        raise Rejected(f"the user {at.config.clickhouse.username} may not reveal: it needs the role {wanted}")


def _sealed(at: Desk, tenant: str, what: str) -> dict[str, str]:
    """Field -> ciphertext. Raises ``Rejected`` when there is none."""
    place = _RECORD.fullmatch(what)
    if place is None and not _PSEUDONYM.fullmatch(what):
        raise Rejected(f"{what} is no pseudonym (p- and 24 digits) and no record (TOPIC/PARTITION/OFFSET)")
    rows = at.clickhouse.query(
        " UNION ALL ".join(_of_a_record() if place else _of_a_pseudonym()),
        {"tenant": tenant, "what": what, **(place.groupdict() if place else {})},
    )
    if not rows:
        raise Rejected(f"nothing is sealed under {what} of tenant {tenant}: erased before it was stored, or not there")
    return {row["field"]: row["value"] for row in rows}


def _of_a_record() -> Iterator[str]:
    for table in _COLUMNS:
        yield (
            "SELECT pair.1 AS field, pair.2 AS value FROM ("  # noqa: S608 - a table of ours
            f"SELECT arrayJoin(sealed) AS pair FROM {table} WHERE tenant = {{tenant:String}}"
            " AND _topic = {topic:String} AND _partition = {partition:Int32} AND _offset = {offset:Int64})"
        )


def _of_a_pseudonym() -> Iterator[str]:
    """The latest row of each column that has it: an older one may have been sealed under a key that is gone."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            yield (
                f"(SELECT '{column}' AS field, sealed['{column}'] AS value FROM {table}"  # noqa: S608
                f" WHERE tenant = {{tenant:String}} AND {column} = {{what:String}} AND value != ''"
                " ORDER BY ingested_at DESC LIMIT 1)"
            )


def _opened(at: Desk, tenant: str, field: str, text: str) -> str | None:
    """The value; None when its key was destroyed."""
    key_id, body = read(text)
    rows = at.clickhouse.query(
        "SELECT person FROM subject_keys FINAL WHERE tenant = {tenant:String} AND key_id = {key:String}",
        {"tenant": tenant, "key": key_id},
    )
    if not rows:
        return None
    person = rows[0]["person"]
    (key,) = [key for key in subject_keys.keys_of(at.clickhouse, tenant, [person]) if key.key_id == key_id]
    (material,) = at.master.unwrap(tenant, [Wrapped(key_binding(key), key.wrapped)])
    return Cipher(material).open(body, binding(tenant, person, field)).decode()
