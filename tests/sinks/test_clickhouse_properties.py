"""Whatever text or number an event holds comes out of ClickHouse as it went in, and no text is taken for SQL."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.readonly import Reader
from embedded.refused import Refused
from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected, Unavailable
from schemas.tables import Coded
from sinks.chdb_directory import quoted
from sinks.clickhouse import ClickHouse
from sinks.clickhouse_failures import REJECTED
from sinks.migrations import migrate
from tests.sinks import rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MILLISECONDS = st.integers(min_value=0, max_value=4_102_444_800_000)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('properties')}"))
    migrate(sink)
    yield sink
    sink.close()


quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quickly
@given(st.lists(st.tuples(MILLISECONDS, TEXT, st.floats(), TEXT, st.binary(max_size=9)), min_size=1, max_size=9))
def test_what_goes_in_comes_out(sink: ClickHouse, given_rows: list[tuple[int, str, float, str, bytes]]) -> None:
    times, texts, numbers, names, _ = (list(column) for column in zip(*given_rows, strict=True))
    codes = [names.index(name) for name in names]
    sink.command("TRUNCATE TABLE raw_metrics")
    batch = {**rows.columns("raw_metrics", len(texts)), "time": times, "event_id": texts, "value": numbers}
    sink.insert("raw_metrics", {**batch, "name": Coded(codes, names), "service": names}, "token")
    got = sink.query("SELECT time, event_id, value, name, service FROM raw_metrics ORDER BY _offset")
    assert [row["time"] for row in got] == [datetime.fromtimestamp(time / 1000, UTC) for time in times]
    assert [row["event_id"] for row in got] == texts
    assert [row["name"] for row in got] == [row["service"] for row in got] == names
    for row, number in zip(got, numbers, strict=True):
        assert row["value"] == number or (math.isnan(row["value"]) and math.isnan(number))


@quickly
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_is_one_text(sink: ClickHouse, text: str) -> None:
    assert sink.query(f"SELECT {quoted(text)} AS text, 1 AS x") == [{"text": text, "x": 1}]
    assert sink.directory
    answer = Reader(sink.directory).answer(f"SELECT {quoted(text)}", database="tidewatch", output_format="RawBLOB")
    assert answer.body == text.encode()


@quickly
@given(
    st.lists(
        st.sampled_from(
            [
                *("'", '"', "`", "\\", "--", "/*", "*/", "#!", "$a$", ";", "\n", " ", "(", ")", ",", "1", "x", "AS"),
                *("SELECT", "DROP TABLE raw_health", "INTO OUTFILE 'x'", "INSERT INTO raw_health VALUES"),
                *("file", "file('/etc/passwd')", "'/etc/passwd'"),
            ]
        ),
        max_size=12,
    )
)
def test_no_mixture_of_quotes_comments_and_statements_gets_through(sink: ClickHouse, pieces: list[str]) -> None:
    """A statement either is answered, reading nothing from outside, or refused; the tables stay."""
    assert sink.directory
    try:
        answer = Reader(sink.directory).answer("SELECT " + " ".join(pieces), database="tidewatch")
    except Refused:
        pass
    else:
        assert b"root:" not in answer.body
    assert sink.query("EXISTS TABLE raw_health")[0]["result"] == 1


def test_threads_may_share_a_sink(sink: ClickHouse) -> None:
    def insert(number: int) -> None:
        sink.insert("raw_health", rows.columns("raw_health", 100, first=100 * number), f"token {number}")
        assert sink.stored_offsets("raw_health", "metrics", "one", 3, 100 * number) >= {100 * number}

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(insert, range(24)))
    assert sink.query("SELECT uniqExact(_offset) AS n, count() AS rows FROM raw_health") == [{"n": 2400, "rows": 2400}]


def test_the_codes_that_are_final_are_named_as_clickhouse_names_them(sink: ClickHouse) -> None:
    for code, name in REJECTED.items():
        assert sink.query(f"SELECT errorCodeToName({code}) AS name") == [{"name": name}]


def test_too_many_parts_and_too_little_memory_pass(sink: ClickHouse) -> None:
    sink.command("CREATE TABLE many (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS parts_to_throw_insert = 1")
    sink.command("SYSTEM STOP MERGES many")
    sink.command("INSERT INTO many VALUES (1)")
    with pytest.raises(Unavailable, match=r"TOO_MANY_PARTS \(too many parts: merges lag behind"):
        sink.command("INSERT INTO many VALUES (2)")
    with pytest.raises(Unavailable, match="MEMORY_LIMIT_EXCEEDED"):
        sink.query("SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 1000000")
    with pytest.raises(Unavailable, match="TIMEOUT_EXCEEDED"):
        sink.query("SELECT count() FROM numbers(1000000000000) SETTINGS max_execution_time = 0.1")
    with pytest.raises(Rejected, match=r"TYPE_MISMATCH|CANNOT_PARSE"):
        sink.command("INSERT INTO many SELECT 'x'")
