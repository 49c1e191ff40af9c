"""``tidewatch audit`` on a real chDB: what is altered in the tables is found and named; exports verify elsewhere."""

import json
import random
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embedded.readonly import Reader
from schemas.config import ClickHouse as Settings
from schemas.tables import COLUMNS
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from streams.cli import main
from streams.cli._clickhouse import Ask
from streams.cli._evidence import Reading, Stored, chains
from streams.evidence.chain import HOUR_MS, EntryRow, SealRow
from streams.evidence.export import Verdict, verified
from streams.evidence.signing import SigningKey
from streams.evidence.verifying import Bad
from tests.api.stored import insert
from tests.evidence.ledgers import KEY, KEYS, NOON_MS, RECORDS, taken

Tables = dict[str, list[list[Any]]]


def tables(key: SigningKey = KEY) -> Tables:
    """The rows of a small ledger."""
    rows, heads = taken(key=key)
    return {
        "evidence": [list(row) for row in rows if isinstance(row, EntryRow)],
        "evidence_seals": [[*row[:-1], *row.signed] for row in rows if isinstance(row, SealRow)],
        "evidence_heads": [[*row[:-1], *row.signed] for row in heads],
    }


def put(sink: ClickHouse, content: Tables) -> None:
    for table, rows in content.items():
        sink.command(f"TRUNCATE TABLE {table}")
        if rows:
            sink.insert(table, dict(zip(COLUMNS[table], zip(*rows, strict=True), strict=True)), f"{random.random()}")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def sink(directory: Path) -> Iterator[ClickHouse]:
    made = ClickHouse(Settings(url=f"chdb:{directory / 'clickhouse'}", retention_days=20_000))
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def verify(sink: ClickHouse, monkeypatch: pytest.MonkeyPatch) -> Callable[[Tables], list[str]]:
    """Put rows and verify them; the problems."""
    monkeypatch.setattr("streams.cli._evidence._CATCH_UP_SECONDS", 0.0)

    assert sink.directory is not None
    reader = Reader(sink.directory)

    def ask(sql: str, output_format: str) -> bytes:
        return reader.answer(sql, database=sink.database, output_format=output_format).body

    def run(content: Tables) -> list[str]:
        put(sink, content)
        return [problem for chain in chains(ask, None) if (problem := problem_of(ask, *chain))]

    return run


def problem_of(ask: Ask, tenant: str, chain: str) -> str:
    try:
        reading = Reading(ask, Stored(tenant, chain, 0, None))
    except Bad as bad:
        return str(bad)
    found: Verdict = verified(tenant, chain, reading.lines(), KEYS, reading.is_whole)
    return found.problem


def test_a_ledger_that_nobody_touched_is_good(verify: Callable[[Tables], list[str]]) -> None:
    assert verify(tables()) == []


def test_rows_that_were_written_twice_are_there_once(verify: Callable[[Tables], list[str]]) -> None:
    once = tables()
    assert verify({name: rows + rows for name, rows in once.items()}) == []


CELLS = [(table, column) for table in tables() for column in COLUMNS[table]]


@pytest.mark.parametrize(("table", "column"), CELLS, ids=lambda value: str(value))
def test_a_changed_cell_is_found(table: str, column: str, verify: Callable[[Tables], list[str]]) -> None:
    """One bit of one row, drawn anew in each run; hypothesis tries every bit of exports in tests/evidence."""
    chance = random.Random()
    seed = chance.randrange(2**32)
    chance.seed(seed)
    content = tables()
    row = chance.choice(content[table])
    at = list(COLUMNS[table]).index(column)
    row[at] = _flipped(row[at], chance)

    assert verify(content), f"seed {seed}: {column} of {table} became {row[at]!r}"


def _flipped(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(40)
    data = bytearray(value.encode())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


@pytest.mark.parametrize("table", list(tables()))
def test_any_row_that_is_deleted_is_found(table: str, verify: Callable[[Tables], list[str]]) -> None:
    content = tables()
    for at in range(len(content[table])):
        assert verify({**content, table: content[table][:at] + content[table][at + 1 :]}), at


def test_entries_that_change_places_or_come_in_addition_are_found(verify: Callable[[Tables], list[str]]) -> None:
    content = tables()
    own: list[list[Any]] = [row for row in content["evidence"] if row[0] == "acme"]
    first, second, last = own[1], own[2], own[-1]
    swapped = [[*first[:2], second[2], *first[3:]], [*second[:2], first[2], *second[3:]]]
    rest = [row for row in content["evidence"] if row not in (first, second)]
    assert verify({**content, "evidence": rest + swapped}) == [
        "entry 1 was altered: the columns of its row say otherwise"
    ]
    for version in (last[4], last[4] + 100):  # as if it were old, and as if it were just being written
        more = [[*last[:2], last[2] + 1, last[3], version, last[5]]]
        assert verify({**content, "evidence": content["evidence"] + more}), version


def test_a_whole_ledger_that_somebody_made_with_another_key_is_found(verify: Callable[[Tables], list[str]]) -> None:
    other = SigningKey("22" * 32)
    assert verify(tables(other)) == [f"the first seal is signed with the key {other.id}, which was not given"] * 2


def test_a_tail_that_is_cut_off_is_found_though_the_head_of_then_is_not(verify: Callable[[Tables], list[str]]) -> None:
    content, whole = tables(), len(tables()["evidence"])
    for left in range(whole):
        assert verify({**content, "evidence": content["evidence"][:left]}), left


def test_the_first_bad_entry_is_named(verify: Callable[[Tables], list[str]]) -> None:
    content = tables()
    row = next(row for row in content["evidence"] if row[0] == "acme" and row[2] == 2)
    row[5] = row[5].replace('"reason":"no"', '"reason":"yes"')
    assert verify(content) == ["entry 2 was altered: seal 0 knows it otherwise"]


def tidewatch(directory: Path, *arguments: str) -> Result:
    config = directory / "tidewatch.toml"
    config.write_text(
        f"[clickhouse]\nurl = 'chdb:{directory / 'clickhouse'}'\nretention_days = 20000\nembedded_port = 1\n"
    )
    named = [] if "keygen" in arguments else ["--config", str(config)]
    return CliRunner().invoke(main, ["audit", *arguments, *named])


def test_the_commands(directory: Path, sink: ClickHouse) -> None:
    """Verify, export all and an hour, and verify those with nothing but the public key."""
    put(sink, tables())
    public, everything, an_hour = directory / "public", directory / "all", directory / "hour"
    public.write_text(KEY.public)

    found = tidewatch(directory, "verify", "--key", str(public), "--json")
    assert found.exit_code == 0, found.output
    assert [(each["tenant"], each["ok"], each["entries"]) for each in json.loads(found.output)] == [
        ("acme", True, 8),
        ("zeta", True, 5),
    ]
    assert "Signatures were not looked at" in tidewatch(directory, "verify").output
    assert tidewatch(directory, "export", str(everything)).exit_code == 0
    assert tidewatch(directory, "verify", str(everything), "--key", KEY.public).output.count("ok ") == 2

    hour = ["--from", str((NOON_MS + HOUR_MS) // 1000), "--to", str((NOON_MS + 2 * HOUR_MS) // 1000)]
    assert tidewatch(directory, "export", str(an_hour), *hour).exit_code == 0
    told = tidewatch(directory, "verify", str(an_hour), "--key", KEY.public)
    assert told.exit_code == 0, told.output
    assert "5 entries from 3 on, sealed from 2026-11-22T13:00Z to 2026-11-22T14:00Z" in told.output
    everything.write_bytes(everything.read_bytes().replace(b"ann", b"bob"))
    told = tidewatch(directory, "verify", str(everything), "--key", KEY.public)
    assert (told.exit_code, "BAD  acme" in told.output) == (1, True)
    assert "entry 3 was altered" in told.output


def test_what_was_kept_earlier_must_be_found_again(directory: Path, sink: ClickHouse) -> None:
    """An older state of the ledger that is put back verifies; but not for who kept what verifying has said since."""
    put(sink, tables())
    kept, key = directory / "kept.json", ["--key", KEY.public]
    kept.write_text(tidewatch(directory, "verify", *key, "--json").output)
    root = json.loads(tables()["evidence_seals"][0][6])["root"]
    whole = directory / "whole"
    assert tidewatch(directory, "export", str(whole)).exit_code == 0
    for anchor in (str(kept), root):
        assert tidewatch(directory, "verify", *key, "--anchor", anchor).exit_code == 0
        assert tidewatch(directory, "verify", str(whole), *key, "--anchor", anchor).exit_code == 0

    rows, heads = taken(RECORDS[:2])
    older = {
        "evidence": [list(row) for row in rows if isinstance(row, EntryRow)],
        "evidence_seals": [],
        "evidence_heads": [[*row[:-1], *row.signed] for row in heads],
    }
    put(sink, older)
    assert tidewatch(directory, "verify", *key).exit_code == 0
    told = tidewatch(directory, "verify", *key, "--anchor", str(kept))
    assert (told.exit_code, "entry 3 is missing: the anchor knows 8 entries" in told.output) == (1, True), told.output
    assert "BAD  zeta" in told.output
    told = tidewatch(directory, "verify", *key, "--anchor", root)
    assert (told.exit_code, f"BAD  anchor ({root}): no hour of a good chain" in told.output) == (1, True), told.output
    assert tidewatch(directory, "verify", *key, "--anchor", "nonsense").exit_code == 1


def test_long_work_says_how_far_it_is_and_not_where_the_answer_goes(
    directory: Path, sink: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(sink, tables())
    monkeypatch.setattr("streams.cli._progress._SECONDS", 0.0)
    found = tidewatch(directory, "verify", "--json")

    assert len(json.loads(found.stdout)) == 2
    assert [line for line in found.stderr.splitlines() if line.startswith("zeta")][-1] == "zeta, entries: 5 of 5"


def test_violations_and_events_of_a_time_go_out_as_ocsf(directory: Path, sink: ClickHouse) -> None:
    put(sink, tables())
    insert(
        sink, "raw_security", [{"tenant": "acme", "time": NOON_MS + 1, "kind": "auth_failure", "outcome": "failure"}]
    )
    hour = ["--from", str(NOON_MS // 1000), "--to", str((NOON_MS + HOUR_MS) // 1000), "--tenant", "acme"]
    told = tidewatch(directory, "ocsf", str(directory / "ocsf"), *hour)

    assert told.exit_code == 0, told.output
    events = [json.loads(line) for line in (directory / "ocsf").read_text().splitlines()]
    assert [event["class_uid"] for event in events] == [2003, 2003, 3002]
    assert {event["metadata"]["tenant_uid"] for event in events} == {"acme"}
    assert tidewatch(directory, "ocsf", *hour[2:4], "--from", hour[3]).exit_code == 2


def test_a_key_is_made_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = tidewatch(tmp_path, "keygen", str(file))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in made.output
    assert (tmp_path / "key.pub").read_text().strip() in made.output
    assert tidewatch(tmp_path, "keygen", str(file)).exit_code == 1
