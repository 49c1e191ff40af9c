"""Native blocks of the embedded endpoint: what newer clients expect around the data that chDB writes."""

from collections.abc import Iterator
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from embedded.clickhouse import application
from embedded.native import BLOCK_INFO
from schemas.config import ClickHouse as Settings
from sinks.clickhouse import ClickHouse
from tests.serving import serving


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('native')}"))
    with serving(lambda: application(sink)) as port:
        yield port
    sink.close()


def native(port: int, sql: str, **parameters: str) -> bytes:
    query = urlencode({"query": f"{sql} FORMAT Native", **parameters})
    with urlopen(f"http://127.0.0.1:{port}/?{query}") as answer:
        return bytes(answer.read())


EXPRESSIONS = [
    "number",
    "toString(number)",
    "toNullable(number)",
    "[toString(number)]",
    "map('k', [number])",
    "(number, 'x')",
    "CAST((1, 'a'), 'Tuple(`a, b` UInt8, c String)')",
    "toLowCardinality(toString(number % 2))",
    "[toLowCardinality(toNullable('a')), NULL]",
    "map(toLowCardinality('k'), 1)",
    "toFixedString('ab', 3)",
    "toDecimal64(1.5, 3)",
    "toDecimal256(1.5, 3)",
    "CAST('a,(', 'Enum8(\\'a,(\\' = 1, \\'b\\' = 2)')",
    "toDate('2026-01-01')",
    "toDateTime64('2026-01-01 00:00:00', 6, 'UTC')",
    "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
    "toIPv4('1.2.3.4')",
    "INTERVAL 1 DAY",
    "[[number], []]",
    "emptyArrayString()",
    "NULL",
]


def test_blocks_have_a_header_and_columns_a_byte_before_their_data(port: int) -> None:
    """What a block of many columns must be follows from the blocks of each: chDB tells where a column ends."""
    columns = {f"c{number}": expression for number, expression in enumerate(EXPRESSIONS)}
    expected = BLOCK_INFO + bytes((len(columns), 3))
    for name, expression in columns.items():
        alone = native(port, f"SELECT {expression} AS {name} FROM numbers(3)")[2:]
        type_at = 1 + len(name)
        data_at = type_at + 1 + alone[type_at]
        expected += alone[:data_at] + b"\x00" + alone[data_at:]
    select = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    assert native(port, f"SELECT {select} FROM numbers(3)", client_protocol_version="54460") == expected


def test_several_blocks_have_a_header_each(port: int) -> None:
    data = native(port, "SELECT number FROM numbers(200000)", client_protocol_version="54460")
    assert len(data) > 1_600_000
    assert data.count(BLOCK_INFO + b"\x01") > 1


def test_a_client_of_an_older_revision_gets_the_plain_blocks(port: int) -> None:
    plain = b"\x01\x01\x01x\x05UInt8\x01"
    assert native(port, "SELECT 1 AS x", client_protocol_version="54405") == native(port, "SELECT 1 AS x") == plain


def test_an_empty_answer_still_names_its_columns(port: int) -> None:
    empty = b"\x02\x00\x01x\x05UInt8\x01y\x06String"
    assert native(port, "SELECT 1 AS x, 'a' AS y WHERE false") == empty
