"""The embedded ClickHouse HTTP endpoint, asked by real clients: it reads for everyone and writes for one."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import clickhouse_connect
import pytest
from aiohttp import web
from clickhouse_connect.driver.exceptions import DatabaseError

from embedded.clickhouse import application
from embedded.readonly import Limits
from schemas.config import ClickHouse as Settings
from schemas.failures import Rejected, Unavailable
from sinks.clickhouse import ClickHouse
from sinks.migrations import migrate
from tests.serving import serving
from tests.sinks import rows

CREDENTIAL = "sesame"
LIMITS = Limits(max_execution_time=1, max_result_rows=100_000)


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """The sink of the process that owns the directory."""
    sink = ClickHouse(Settings(url=f"chdb:{tmp_path_factory.mktemp('http')}"))
    migrate(sink)
    sink.insert("raw_security", rows.columns("raw_security", 5), "given")
    yield sink
    sink.close()


@pytest.fixture(scope="module")
def port(owner: ClickHouse) -> Iterator[int]:
    with serving(lambda: application(owner, CREDENTIAL, LIMITS)) as port:
        yield port


@pytest.fixture
def writer(port: int) -> Iterator[ClickHouse]:
    """The sink of another worker on the same machine."""
    sink = ClickHouse(Settings(url=f"http://127.0.0.1:{port}/tidewatch", password=CREDENTIAL))
    yield sink
    for table in ("raw_metrics", "raw_health"):
        sink.command(f"TRUNCATE TABLE {table}")
    sink.close()


def ask(port: int, sql: str, body: bytes | None = None, **parameters: str) -> str:
    query = urlencode({"query": sql, **parameters} if sql else parameters)
    with urlopen(Request(f"http://127.0.0.1:{port}/?{query}", data=body), timeout=20) as answer:
        return str(answer.read().decode())


def refused(port: int, sql: str, body: bytes | None = None, **parameters: str) -> tuple[int, int, str]:
    """Status, ClickHouse's error code and text."""
    with pytest.raises(HTTPError) as error:
        ask(port, sql, body, **parameters)
    text = error.value.read().decode()
    return error.value.code, int(error.value.headers["X-ClickHouse-Exception-Code"]), text


def test_clickhouse_connect_reads_tables_and_views(port: int) -> None:
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port)
    result = client.query("SELECT kind, mfa, attributes, _offset FROM raw_security ORDER BY _offset LIMIT 2")
    assert result.column_names == ("kind", "mfa", "attributes", "_offset")
    assert result.result_rows == [("text 0", None, {}, 0), ("text 1", True, {"key": "value 1"}, 1)]
    assert client.query("SELECT events FROM security_summary").first_row == (1,)
    text = "it's\n\t\\ here"
    assert client.query("SELECT {text:String} AS t", parameters={"text": text}).result_rows == [(text,)]
    assert client.query("SELECT {text:String} AS t", parameters={"text": text * 9000}).result_rows == [(text * 9000,)]
    assert client.query("SELECT service, total FROM sla").column_names == ("service", "total")
    client.close()


def test_a_browser_or_curl_gets_any_format(port: int) -> None:
    assert ask(port, "SELECT 1, 'a'") == "1\ta\n"
    assert ask(port, "", b"SELECT 1 AS x FORMAT JSONEachRow") == '{"x":1}\n'
    assert ask(port, "SELECT 1 AS x", default_format="CSVWithNames") == '"x"\n1\n'
    assert ask(port, "SELECT {a:Int32} + 1", param_a="41") == "42\n"
    assert json.loads(ask(port, "SELECT 1 AS x", b"FORMAT JSON"))["data"] == [{"x": 1}]
    assert ask(port, "") == "Ok.\n"
    with urlopen(f"http://127.0.0.1:{port}/ping") as answer:
        assert (answer.read(), answer.headers["X-ClickHouse-Server-Display-Name"]) == (b"Ok.\n", "tidewatch")
    with urlopen(f"http://127.0.0.1:{port}/?{urlencode({'query': 'SELECT 1 FORMAT JSON'})}") as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-ClickHouse-Format"] == "JSON"
        assert json.loads(answer.headers["X-ClickHouse-Summary"])["read_rows"] == "1"


def test_errors_look_like_those_of_clickhouse(port: int) -> None:
    status, code, text = refused(port, "SELECT colour FROM sla")
    assert (status, code) == (400, 47)
    assert text.startswith("Code: 47. DB::Exception: ")
    assert "formatQuery" not in text
    assert refused(port, "SELECT * FROM nothing")[:2] == (404, 60)
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port)
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM nothing")
    client.close()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO raw_health (message) VALUES ('x')",
        "INSERT INTO raw_health SELECT * FROM raw_health",
        "WITH x AS (SELECT 1) INSERT INTO raw_health SELECT * FROM raw_health",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE t (a Int8)",
        "ATTACH TABLE t (a Int8) ENGINE = File(CSV)",
        "DROP TABLE raw_security",
        "/* SELECT */ DROP TABLE raw_security",
        "ALTER TABLE raw_security DELETE WHERE true",
        "DELETE FROM raw_security WHERE true",
        "TRUNCATE TABLE raw_security",
        "OPTIMIZE TABLE raw_security",
        "RENAME TABLE raw_security TO gone",
        "SYSTEM SHUTDOWN",
        "KILL QUERY WHERE true",
        "SELECT 1 PARALLEL WITH KILL QUERY WHERE true",
        "BACKUP TABLE raw_security TO File('/tmp/x')",
        "SET readonly = 0",
        "USE system",
        "GRANT ALL ON *.* TO default",
        "SELECT 1; DROP TABLE raw_security",
        "SELECT 1;SELECT 2",
        "SELECT 1 /*;*/; /**/ SELECT 2",
        "SELECT 1 --\n; SELECT 2",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_execution_time = 1000",
        "SELECT 1 INTO OUTFILE 'out.tsv'",
        "SELECT 1 INTO/**/OUTFILE 'out.tsv' TRUNCATE FORMAT CSV",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM\tFile\n(\n'/etc/passwd')",
        "SELECT * FROM `file`('/etc/passwd', 'LineAsString')",
        "SELECT * FROM \"file\" /**/ ('/etc/passwd')",
        "SELECT file('/etc/passwd')",
        "file('/etc/passwd')",
        "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
        "SELECT 1 IN file('/etc/passwd', 'LineAsString')",
        "DESCRIBE TABLE file('/etc/passwd')",
        "DESCRIBE (SELECT file('/etc/passwd'))",
        "EXPLAIN SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM view(SELECT file('/etc/passwd'))",
        "SELECT * FROM eval('SELECT file(\\'/etc/passwd\\')')",
        "SELECT * FROM eval(concat('SELECT fi', 'le(\\'/etc/passwd\\')'))",
        "SELECT * FROM filesystem('/')",
        "SELECT * FROM default.`/etc/passwd`",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "DESCRIBE TABLE url('http://127.0.0.1:1/', 'CSV')",
        "DESCRIBE TABLE s3('http://127.0.0.1:1/bucket/file.csv', 'CSV')",
        "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
        "SELECT * FROM cluster('default', system.one)",
        "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
        "SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e String')",
        "SELECT * FROM sqlite('/tmp/x', 'y')",
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "SELECT * FROM Python(owner)",
        "SELECT * FROM dictionary('x')",
        "SELECT aiGenerate('x')",
        "SELECT sleep(3)",
        "SELECT sleepEachRow(1) FROM numbers(3)",
        "SELECT (" * 3000 + "1" + ")" * 3000,
        "SELECT " + "1 + " * 20_000 + "1",
        "SELECT '" + "a" * 200_000 + "'",
        "",
    ],
    ids=lambda sql: sql[:60],
)
def test_what_is_no_single_harmless_reading_statement_is_refused(port: int, owner: ClickHouse, sql: str) -> None:
    status, _, text = refused(port, "", sql.encode() or b";")
    assert 400 <= status < 500 or "(READONLY)" in text or "(TOO_DEEP" in text or "(UNKNOWN_FUNCTION" in text, text
    assert "root:" not in text
    assert owner.query("SELECT count() AS n FROM raw_security") == [{"n": 5}]


def test_nobody_learns_which_files_there_are(port: int, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    for path in (tmp_path / "secret.csv", tmp_path / "nothing.csv"):
        assert ask(port, f"EXISTS TABLE default.`{path}`") == "0\n"
        assert ask(port, "EXISTS TABLE {d:Identifier}.{t:Identifier}", param_d="default", param_t=str(path)) == "0\n"


def test_words_that_are_forbidden_as_functions_are_free_as_names_and_texts(port: int) -> None:
    sql = "SELECT 'file(); INTO OUTFILE x' AS file, 1 AS url, number AS `remote(` FROM numbers(1) -- ; DROP TABLE x"
    assert ask(port, sql) == "file(); INTO OUTFILE x\t1\t0\n"


def test_a_statement_that_takes_too_long_or_returns_too_much_is_stopped(port: int) -> None:
    assert refused(port, "SELECT count() FROM numbers(1000000000000)")[:2] == (408, 159)
    assert refused(port, "SELECT number FROM numbers(200000)")[1] == 396


def test_a_reader_may_tighten_limits_but_not_loosen_them(port: int) -> None:
    assert refused(port, "SELECT number FROM numbers(20)", max_result_rows="10")[1] == 396
    assert refused(port, "SELECT number FROM numbers(200000)", max_result_rows="1000000")[1] == 396
    assert refused(port, "SELECT 1", format_schema="/etc/passwd")[:2] == (403, 164)
    assert refused(port, "SELECT 1", None, **{"limit = 1, readonly": "0"})[:2] == (400, 115)
    assert ask(port, "SELECT toUInt64(1) AS x FORMAT JSONEachRow", output_format_json_quote_64bit_integers="1") == (
        '{"x":"1"}\n'
    )


def test_a_reader_may_not_send_much(port: int) -> None:
    assert refused(port, "SELECT 1", b" " * 2_000_000)[:2] == (413, 229)


def test_readers_do_not_disturb_each_other(port: int) -> None:
    def each(number: int) -> bool:
        timezone = ("UTC", "Asia/Tokyo")[number % 2]
        return ask(port, f"SELECT {number}, timezone()", session_timezone=timezone) == f"{number}\t{timezone}\n"

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(each, range(60)))


@pytest.mark.parametrize("given", [{"X-ClickHouse-Key": "wrong"}, {"Authorization": "Basic !"}])
def test_a_wrong_password_is_refused_and_does_not_read_either(port: int, given: dict[str, str]) -> None:
    with pytest.raises(HTTPError) as error:
        urlopen(Request(f"http://127.0.0.1:{port}/?query=SELECT+1", headers=given))
    assert (error.value.code, error.value.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_without_a_write_credential_nobody_writes(owner: ClickHouse) -> None:
    with serving(lambda: application(owner)) as port, pytest.raises(Unavailable, match="AUTHENTICATION_FAILED"):
        ClickHouse(Settings(url=f"http://127.0.0.1:{port}/tidewatch", password="None"))


def test_other_workers_insert_exactly_once_through_the_owner(writer: ClickHouse, owner: ClickHouse) -> None:
    batch = rows.columns("raw_metrics", 50_000)
    for _ in range(2):
        writer.insert("raw_metrics", batch, "metrics/one/3/0-49999")
    assert owner.query("SELECT count() AS n FROM raw_metrics") == [{"n": 50_000}]
    assert writer.stored_offsets("raw_metrics", "metrics", "one", 3, 49_990) == set(range(49_990, 50_000))
    assert migrate(writer) == []


def test_other_workers_ask_the_owner_for_the_verdicts_of_some_policies(writer: ClickHouse) -> None:
    """Those about single events and those about sequences have rows about the same records."""
    writer.insert("verdicts", rows.columns("verdicts", 14), "token")
    policies = ["text 3", "it's another's"]
    assert writer.stored_offsets("verdicts", "metrics", "one", 3, 0, policies) == {3, 10}
    assert writer.stored_offsets("verdicts", "metrics", "one", 3, 4, policies) == {10}


def test_what_the_owner_refuses_is_rejected_or_unavailable_at_the_worker_too(writer: ClickHouse) -> None:
    with pytest.raises(Rejected, match="UNKNOWN_IDENTIFIER"):
        writer.query("SELECT colour FROM raw_metrics")
    with pytest.raises(Unavailable, match="UNKNOWN_TABLE"):
        writer.query("SELECT * FROM nothing")


def test_clickhouse_connect_writes_with_the_credential_in_its_own_formats(port: int, writer: ClickHouse) -> None:
    client = clickhouse_connect.get_client(host="127.0.0.1", port=port, password=CREDENTIAL, database="tidewatch")
    client.command("CREATE TABLE scratch (a Int32, b String) ENGINE = MergeTree ORDER BY a")
    client.insert("scratch", [[1, "one"], [2, "two"]], column_names=["a", "b"])
    client.command("INSERT INTO scratch VALUES (3, 'three')")
    client.raw_insert("scratch", ["a", "b"], b"4,four\n", fmt="CSV")
    assert client.query("SELECT groupArray(b) AS b FROM (SELECT b FROM scratch ORDER BY a)").first_row == (
        ["one", "two", "three", "four"],
    )
    client.command("DROP TABLE scratch")
    client.close()


def test_an_insert_whose_answer_is_lost_is_not_repeated_by_the_driver_and_stored_once(owner: ClickHouse) -> None:
    """A repetition that succeeds would hide that the rows may be missing; see *Delivery* in the sink."""
    inserts = []

    @web.middleware
    async def cut(request: web.Request, handler: object) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)  # type: ignore[operator]
        if "INSERT" in request.query.get("query", ""):
            inserts.append(request.query["insert_deduplication_token"])
            if len(inserts) == 1:
                assert request.transport
                request.transport.abort()
        return response

    def lossy() -> web.Application:
        app = application(owner, CREDENTIAL)
        app.middlewares.append(cut)
        return app

    batch = rows.columns("raw_health", 100)
    with serving(lossy) as port:
        worker = ClickHouse(Settings(url=f"http://127.0.0.1:{port}/tidewatch", password=CREDENTIAL))
        with pytest.raises(Unavailable, match="inserting into raw_health failed, no answer"):
            worker.insert("raw_health", batch, "token")
        assert inserts == ["token"]
        worker.insert("raw_health", batch, "token")
        assert worker.stored_offsets("raw_health", "metrics", "one", 3, 0) == set(range(100))
        worker.close()
    assert owner.query("SELECT count() AS n FROM raw_health") == [{"n": 100}]
    owner.command("TRUNCATE TABLE raw_health")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``ca.pem``, and ``server`` and ``client`` with ``.pem`` and ``.key``, signed by it."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True, cwd=folder)

    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2")
    for name in ("server", "client"):
        openssl(f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}")
        openssl(f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out {name}.pem")
    return folder


def test_tls_checks_the_server_and_shows_a_certificate(owner: ClickHouse, certificates: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    tls.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    ca, cert, key = (str(certificates / name) for name in ("ca.pem", "client.pem", "client.key"))
    with serving(lambda: application(owner, CREDENTIAL), tls) as port:
        url = f"https://127.0.0.1:{port}/tidewatch"
        sink = ClickHouse(Settings(url=url, password=CREDENTIAL, ca_file=ca, cert_file=cert, key_file=key))
        assert sink.query("SELECT 1 AS x") == [{"x": 1}]
        sink.close()
        with pytest.raises(Unavailable, match="certificate verify failed"):
            ClickHouse(Settings(url=url, cert_file=cert, key_file=key))
        with pytest.raises(Unavailable, match=r"connecting to ClickHouse at 127\.0\.0\.1:\d+ failed"):
            ClickHouse(Settings(url=url, ca_file=ca))
        with pytest.raises(Rejected, match=r"clickhouse\.ca_file: there is no file nothing\.pem"):
            ClickHouse(Settings(url=url, ca_file="nothing.pem"))


def test_https_never_sends_the_password_in_plain_text() -> None:
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            connection, _ = server.accept()
            server.close()
            received.append(connection.recv(4096))
            connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        with pytest.raises(Unavailable, match="connecting to ClickHouse"):
            ClickHouse(Settings(url=f"https://127.0.0.1:{server.getsockname()[1]}/tidewatch", password="secret"))
        thread.join(10)
    assert received[0][:1] == b"\x16", "a TLS handshake"
    assert b"Basic" not in received[0]


@pytest.mark.parametrize(
    "url",
    ["clickhouse://host/db", "http://user:secret@host:8123/db", "https:///db", "http://host:8123/a-b", "https://h:x/d"],
)
def test_an_address_that_makes_no_sense_is_rejected_without_repeating_a_password(url: str) -> None:
    with pytest.raises((Rejected, Unavailable)) as error:
        ClickHouse(Settings(url=url))
    assert "clickhouse" in str(error.value)
    assert "secret" not in str(error.value)


def test_the_password_comes_from_a_file(port: int, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{CREDENTIAL}\n")
    url = f"http://127.0.0.1:{port}/tidewatch"
    ClickHouse(Settings(url=url, password_file=str(tmp_path / "password"))).close()
    with pytest.raises(Rejected, match=r"clickhouse.password_file: .*nothing is not a readable text file"):
        ClickHouse(Settings(url=url, password_file=str(tmp_path / "nothing")))
