"""Roles and row policies: what ClickHouse's parser says of them, and that no table of a tenant is forgotten.

The embedded engine has no users, so what the statements do is not tried here; that they are statements, about tables
and columns that there are, is.
"""

import re
from pathlib import Path

import pytest

from schemas.config import ClickHouse as Settings
from schemas.config import Privacy
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse

FOLDER = Path(__file__).parents[2] / "deploy" / "clickhouse"
ROLES, POLICIES = ((FOLDER / name).read_text() for name in ("roles.sql", "row_policies.sql"))


def statements(text: str) -> list[str]:
    return [each.strip() for each in re.sub(r"^--.*\n", "", text, flags=re.M).split(";") if each.strip()]


def test_clickhouse_parses_every_statement(tmp_path: Path) -> None:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path}/clickhouse"))
    for statement in [*statements(ROLES), *statements(POLICIES)]:
        assert sink.query("SELECT formatQuery({sql:String}) AS sql", {"sql": statement})
    sink.close()


def test_an_analyst_sees_only_rows_of_its_tenants_in_every_table() -> None:
    """A table that has tenants, and no policy, would show them all."""
    limited = set(re.findall(r"tidewatch_own_tenants ON tidewatch\.(\w+) USING", POLICIES))
    others = set(
        re.findall(r"tidewatch_all_tenants ON tidewatch\.(\w+) USING true TO ALL EXCEPT tidewatch_analyst", POLICIES)
    )

    assert limited == others == {table for table, columns in COLUMNS.items() if "tenant" in columns} | {"dead_letters"}
    assert POLICIES.count("TO ALL EXCEPT tidewatch_analyst") == len(limited)


def test_what_is_granted_and_revoked_is_there() -> None:
    for columns, table in re.findall(r"(?:SELECT)\(([\w, ]+)\) ON tidewatch\.(\w+)", ROLES):
        assert set(columns.split(", ")) <= COLUMNS[table].keys()
    assert set(re.findall(r" ON tidewatch\.(\w+)", ROLES)) <= COLUMNS.keys()


@pytest.mark.parametrize("table", [table for table, columns in COLUMNS.items() if "sealed" in columns])
def test_an_analyst_sees_no_ciphertext(table: str) -> None:
    assert f"REVOKE SELECT(sealed) ON tidewatch.{table} FROM tidewatch_analyst" in ROLES


def test_an_analyst_and_an_operator_see_no_more_than_their_task_needs() -> None:
    assert "REVOKE SELECT ON tidewatch.subject_keys FROM tidewatch_analyst" in ROLES
    granted = re.findall(r"GRANT (.+) ON tidewatch\.(\S+) TO tidewatch_operator", ROLES)
    assert not [table for rights, table in granted if table == "*" and "SELECT" in rights]
    assert set(re.findall(r"GRANT (\w+).* TO tidewatch_auditor", ROLES)) == {"SELECT"}


def test_the_role_that_may_reveal_is_the_auditor() -> None:
    assert Privacy().reveal_roles == ["tidewatch_auditor"]
    assert "CREATE ROLE IF NOT EXISTS tidewatch_auditor" in ROLES
