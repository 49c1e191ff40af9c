"""Configuration: where it is looked for, what overrides what, and what a mistake is answered with."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import Config
from schemas.failures import Rejected
from streams.cli.config import command
from streams.config import SETTINGS, load, load_with_origins, secret, variable
from streams.config.text import default, to_toml, to_variable


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    """No tidewatch.toml of the checkout and no variable of the developer takes part."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "tidewatch.toml") -> str:
    Path(name).write_text(text)
    return name


def problems(environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Rejected) as caught:
        load(environment=environment or {})
    return str(caught.value).splitlines()


def test_without_a_file_the_defaults_hold():
    """No file and no variables give the defaults."""
    assert load(environment={}) == Config()


def test_the_search_order_is_argument_variable_working_directory():
    """An explicit path beats TIDEWATCH_CONFIG, which beats ./tidewatch.toml."""
    write('[kafka]\ngroup = "here"')
    assert load(environment={}).kafka.group == "here"
    named = {"TIDEWATCH_CONFIG": write('[kafka]\ngroup = "named"', "named.toml")}
    assert load(environment=named).kafka.group == "named"
    assert load(write('[kafka]\ngroup = "given"', "given.toml"), named).kafka.group == "given"


@pytest.mark.parametrize(("path", "environment"), [("absent.toml", {}), (None, {"TIDEWATCH_CONFIG": "absent.toml"})])
def test_a_named_file_that_is_missing_is_an_error(path, environment):
    """Defaults never replace a file that somebody named."""
    write("[kafka]")
    with pytest.raises(Rejected, match=r"^absent\.toml: no such file, named by (--config|TIDEWATCH_CONFIG); "):
        load(path, environment)


def test_a_variable_overrides_the_file():
    """A variable wins over the file, and each value knows its origin."""
    write('[kafka]\ngroup = "file"\n\n[limits]\nlabels = 7\n')
    loaded = load_with_origins(environment={"TIDEWATCH_KAFKA_GROUP": "variable"})
    assert (loaded.config.kafka.group, loaded.config.limits.labels) == ("variable", 7)
    assert loaded.origins == {"kafka.group": "TIDEWATCH_KAFKA_GROUP", "limits.labels": "tidewatch.toml:5"}


@pytest.mark.parametrize(
    ("name", "text", "section", "setting", "value"),
    [
        ("TIDEWATCH_WINDOWS_SIZES", "60, 120", "windows", "sizes", [60, 120]),
        ("TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2", "kafka", "bootstrap_servers", ["a:1", "b:2"]),
        ("TIDEWATCH_ALERTMANAGER_URLS", "", "alertmanager", "urls", []),
        ("TIDEWATCH_LIMITS_BATCH_WAIT", "0", "limits", "batch_wait", 0.0),
        ("TIDEWATCH_HTTP_PORT", "0", "http", "port", 0),
        ("TIDEWATCH_KAFKA_USERNAME", "", "kafka", "username", ""),
    ],
)
def test_variables_become_the_type_of_their_setting(name, text, section, setting, value):
    """Text becomes numbers and lists by the type that the setting has."""
    assert getattr(getattr(load(environment={name: text}), section), setting) == value


def test_every_setting_has_a_variable_that_takes_its_default():
    """The text of each default, given by variable, gives the defaults back."""
    every = {
        variable(section, name): to_variable(default(setting))
        for section, names in SETTINGS.items()
        for name, setting in names.items()
    }
    assert len(every) > 50
    assert load(environment=every) == Config()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[kafka]\n\ngrup = "x"', "tidewatch.toml:3: kafka.grup is not a setting; did you mean group?"),
        ("\n[kafak]\n", "tidewatch.toml:2: [kafak] is not a section; did you mean kafka?"),
        ("[zzz]\n", "tidewatch.toml:1: [zzz] is not a section; `tidewatch config` lists every one"),
        ("[kafka]\ngroup = ", "tidewatch.toml:2: not TOML: "),
        ("[kafka]\ngroup = 1\ngroup = 2\n\n", "tidewatch.toml:3: not TOML: Cannot overwrite a value"),
        ("x = '''", "tidewatch.toml:1: not TOML: "),
        ("# a comment\ngroup = 'x'", "tidewatch.toml:2: group is outside a section; move it below [kafka]"),
        ("kafka = 'x'", "tidewatch.toml:1: kafka is a section; write [kafka] and its settings below"),
        (
            "[http]\nport = 8080\n[kafka]\nsession_timeout = '30'",
            "tidewatch.toml:4: kafka.session_timeout must be a number above 0; for example: session_timeout = 30.0",
        ),
        ("kafka.partitions = true", "tidewatch.toml:1: kafka.partitions must be a whole number above 0; "),
        ("[limits]\nbatch_rows = 50001", "must be a whole number above 0 and at most 50000; "),
        ("[windows]\nlateness = inf", "tidewatch.toml:2: windows.lateness must be a number at least 0; "),
        ("[windows]\nlateness = nan", "tidewatch.toml:2: windows.lateness must be a number at least 0; "),
        ("[log]\nlevel = 'loud'", "log.level must be one of debug, error, info, warning; for example: level = "),
        (
            "[windows]\nsizes = [60, 'x']",
            "must be a list, each item a whole number above 0; for example: sizes = [60, 300, 3600]",
        ),
        ("[windows]\nsizes = [65]", "has 65, which is not a multiple of windows.pane = 10; "),
        (
            "[windows]\nsizes = [90]\nsecurity_pane = 60",
            "has 90, which is not a multiple of windows.security_pane = 60",
        ),
        ("[windows]\nsizes = []", "windows.sizes is empty; "),
        ("[windows]\nsizes = [60, 60]", "windows.sizes names a length twice; "),
        ("[kafka]\nbootstrap_servers = []", "kafka.bootstrap_servers is empty; "),
        ("[kafka]\nbootstrap_servers = ['localhost']", "'localhost', which is not HOST:PORT"),
        ("[kafka]\nbootstrap_servers = ['kafka://h:9092']", "which is not HOST:PORT"),
        ("[kafka]\nheartbeat_interval = 11", "must be at most a third of kafka.session_timeout, so at most 10"),
        ("[kafka]\nsecurity_protocol = 'SASL_SSL'", "tidewatch.toml:2: kafka.security_protocol uses SASL; set "),
        ("[kafka]\nusername = 'u'", "kafka.security_protocol ignores kafka.username"),
        ("[kafka]\nca_file = 'ca.pem'", "kafka.security_protocol ignores the TLS files"),
        ("[kafka]\nsecurity_protocol = 'SSL'\ncert_file = 'c.pem'", "kafka.cert_file and kafka.key_file belong"),
        ("[topics]\nmetrics = 'alerts'", "is the same topic as topics.metrics: alerts; "),
        ("[topics]\nmetrics = ''", "topics.metrics is empty"),
        ("[clickhouse]\nurl = 'chdb:'", "clickhouse.url names no directory; "),
        ("[clickhouse]\nurl = 'clickhouse://h'", "which is not an address; write chdb:DIRECTORY, http://"),
        ("[clickhouse]\nurl = 'http://h:99999/d'", "which is not an address; "),
        ("[clickhouse]\nurl = 'http://h:8123/a/b'", "only one database name may follow"),
        ("[clickhouse]\nca_file = 'ca.pem'", "clickhouse.ca_file is for TLS, but no address"),
        ("[clickhouse]\npassword = 'a'\npassword_file = 'b'", "are both set; keep the file"),
        (
            "[clickhouse]\nretention = ['windows phi = 3']",
            "only raw_processing, raw_security, verdicts have",
        ),
        ("[privacy]\nfields = ['security.nobody = phi']", "names no field of a security or processing event"),
        (
            "[privacy]\nkeys_file = 'k'\nvault_url = 'https://v:8200/v1/transit/t'\nvault_token_file = 't'",
            "in one place",
        ),
        ("[privacy]\nvault_url = 'https://v:8200/v1/transit/t'", "needs privacy.vault_token_file"),
        ("[alertmanager]\nurls = ['127.0.0.1:9093']", "tidewatch.toml:2: alertmanager.urls is '127.0.0.1:9093', which"),
    ],
)
def test_a_mistake_names_its_place_and_what_to_write(text, expected):
    """Each mistake is one line: file, line, section.setting, what is wrong, what to write instead."""
    write(text)
    [problem] = problems()
    assert problem.startswith(("tidewatch.toml:", "configuration:"))
    assert expected in problem


def test_all_mistakes_are_told_at_once():
    """Somebody with three mistakes needs one run to learn of them."""
    write("[kafka]\ngrup = 1\n[limits]\nlabels = 0\n")
    assert [line.split(" ")[0] for line in problems({"TIDEWATCH_HTTP_PRT": "1"})] == [
        "tidewatch.toml:2:",
        "tidewatch.toml:4:",
        "TIDEWATCH_HTTP_PRT:",
    ]


def test_a_wrong_variable_is_named_with_an_example():
    """A variable's example is written as a variable."""
    [problem] = problems({"TIDEWATCH_WINDOWS_SIZES": "60,x"})
    assert problem.startswith("TIDEWATCH_WINDOWS_SIZES: windows.sizes must be a list")
    assert problem.endswith("for example: TIDEWATCH_WINDOWS_SIZES=60,300,3600")


def test_a_misspelt_variable_is_an_error_but_a_kubernetes_service_link_is_not():
    """A limit that is misspelt must not be ignored; what Kubernetes injects is not ours."""
    [problem] = problems({"TIDEWATCH_LIMITS_LABLES": "5"})
    assert problem == "TIDEWATCH_LIMITS_LABLES: no setting has this variable; did you mean TIDEWATCH_LIMITS_LABELS?"
    links = ["TIDEWATCH_SERVICE_HOST", "TIDEWATCH_PORT", "TIDEWATCH_PORT_8080_TCP_ADDR", "TIDEWATCH_SERVICE_PORT_HTTP"]
    assert load(environment=dict.fromkeys(links, "tcp://10.0.0.1:8080")) == Config()


@pytest.mark.parametrize(
    "text",
    [
        "[clickhouse]\nurl = 'http://me:canary@h:8123/d'",
        "[clickhouse]\nurl = 'me:canary@h'",
        "[alertmanager]\nurls = ['http://me:canary@h']",
        "[kafka]\npassword = ['canary']",
        "[kafka]\npassword = 'canary'\npassword_file = 'f'",
    ],
)
def test_a_mistake_never_repeats_a_secret(text):
    """A password in the wrong place is not printed."""
    write(text)
    assert "canary" not in "".join(problems())


def test_bytes_that_are_not_text_are_refused_with_their_position():
    """A file in another encoding is an error with a sentence."""
    Path("tidewatch.toml").write_bytes(b"[kafka]\n\xff")
    assert problems() == ["tidewatch.toml: byte 8 is not UTF-8; save the file as UTF-8"]


def test_a_secret_file_is_read_at_each_use():
    """A rotated secret is taken up; the line end of an editor is not part of it."""
    assert secret("inline", "") == "inline"
    Path("secret").write_text("first\n")
    assert secret("", "secret") == "first"
    Path("secret").write_text(" second ")
    assert secret("", "secret") == " second "
    with pytest.raises(Rejected, match="secret file absent: No such file or directory; create it"):
        secret("", "absent")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.integers(1, 10**9) | st.floats(0.001, 1e9))
def test_a_value_written_as_toml_reads_back(value):
    """TOML output is TOML, also for quotes, line ends and control characters."""
    assert tomllib.loads(f"x = {to_toml(value)}") == {"x": value}


PASSWORD = {"TIDEWATCH_CLICKHOUSE_PASSWORD": "canary", "TIDEWATCH_LOG_LEVEL": "debug"}


def test_the_command_prints_a_file_that_can_be_read_again():
    """`tidewatch config` prints TOML with origins, without the password."""
    result = CliRunner().invoke(command, env=PASSWORD)
    assert result.exit_code == 0
    assert "canary" not in result.output
    assert 'level = "debug"  # TIDEWATCH_LOG_LEVEL' in result.output
    assert 'password = "********"  # TIDEWATCH_CLICKHOUSE_PASSWORD' in result.output
    again = load(write(result.output, "again.toml"), {"TIDEWATCH_CLICKHOUSE_PASSWORD": "canary"})
    assert again == load(environment=PASSWORD)


def test_the_command_prints_json_for_machines():
    """`--json` holds the configuration and the origins, without the password."""
    result = CliRunner().invoke(command, ["--json"], env=PASSWORD)
    assert "canary" not in result.output
    answer = json.loads(result.output)
    assert answer["config"]["windows"]["sizes"] == [60, 300, 3600]
    assert answer["origins"]["log.level"] == "TIDEWATCH_LOG_LEVEL"


def test_the_command_fails_with_the_sentence():
    """A wrong configuration is exit status 1 and the sentence on standard error; a wrong option is 2."""
    write("[kafka]\ngrup = 1")
    result = CliRunner().invoke(command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "did you mean group?" in result.stderr
    assert CliRunner().invoke(command, ["--no-such-option"]).exit_code == 2
