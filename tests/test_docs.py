"""What people read first is true: its links lead somewhere, its commands parse, its examples are valid."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import msgspec
import pytest
import yaml
from click.testing import CliRunner

from schemas import cloudevents
from schemas.config import Config
from schemas.events import Event
from schemas.failures import Rejected
from schemas.sla import Sla
from streams.cli import main
from streams.config import SETTINGS, load
from streams.config.files import load_rules
from streams.config.text import default
from streams.rules.compiled import compile_rules

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if "reference" not in page.parts]
"""The pages that people wrote; those of docs/reference are generated, and tested in test_reference.py."""

EXTENSIONS = "py|md|toml|yml|yaml|json|sql|csv|log|txt"


class Fence(NamedTuple):
    """A fenced block, and the name of the file that the sentence before it tells to save it as."""

    language: str
    text: str
    name: str


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    found = []
    for block in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
        before = text[: block.start()].rstrip().rsplit("\n\n", 1)[-1]
        named = re.search(r"\bSave (?:this )?as `([^`]+)`", before)
        found.append(Fence(block[1], block[2], named[1] if named else ""))
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def all_fences(language: str) -> list[Any]:
    """Every block of a language, named after its page."""
    return [
        pytest.param(fence, id=f"{page.relative_to(ROOT)}-{number}")
        for page in WRITTEN
        for number, fence in enumerate(fences(page))
        if fence.language == language
    ]


def by_page(pages: list[Path]) -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


# --- links and names --------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", by_page(PAGES))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """To a file or folder of the repository, and to a heading where it names one."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if link.startswith(("http://", "https://")):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@cache
def names_of_tests() -> set[str]:
    files = (ROOT / "tests").rglob("*.py")
    return {name for file in files for name in re.findall(r"\bdef (test_\w+)", file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", by_page([page for page in WRITTEN if page.name != "CHANGELOG.md"]))
def test_every_file_and_test_that_is_named_exists(page: Path) -> None:
    """In backticks: `streams/windows/panes.py` from the root, and the names of tests anywhere in tests/."""
    named = re.findall(r"`([^`\n]+)`", prose(page))
    tests = {name for name in named if re.fullmatch(r"test_\w+", name)}
    files = {name for name in named if re.fullmatch(rf"\.?[\w-]+(/[\w.-]+)+\.({EXTENSIONS})|\w+(/\w+)*/", name)}

    assert not tests - names_of_tests()
    assert not {name for name in files if not (ROOT / name).exists() and not name.startswith(("mine/", "faust/"))}


def test_every_page_can_be_reached_from_the_readme() -> None:
    """By following links; nothing is written that nobody finds."""
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        waiting += [
            (page.parent / link.split("#")[0]).resolve() for link in re.findall(r"\]\(([^)\s]+)\)", prose(page))
        ]

    assert not {str(page.relative_to(ROOT)) for page in PAGES} - {str(page.relative_to(ROOT)) for page in seen}


# --- tables -----------------------------------------------------------------------------------------------------------


def first_cells(page: str, heading: str) -> list[str]:
    """What stands in backticks in the first column of the table whose head begins with ``heading``."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = takewhile(lambda line: line.startswith("|"), lines[begin + 2 :])
    return [re.findall(r"`([^`]+)`", row.split("|")[1])[0] for row in rows]


def test_the_readme_lists_every_event_type() -> None:
    tags = sorted(str(kind.__struct_config__.tag) for kind in get_args(Event))

    assert sorted(first_cells("README.md", "event type")) == tags


def test_the_readme_lists_every_shipped_alert() -> None:
    shipped = [str(rule.rule.name) for group in load_rules([]) for rule in group.rules]
    [named] = re.findall(r"^These alerts come with it: (.+?)\.$", (ROOT / "README.md").read_text(), re.M | re.S)

    assert sorted(re.findall(r"`(\w+)`", named)) == sorted(shipped)


def test_the_index_lists_every_command() -> None:
    """In the words of ``tidewatch --help``."""
    listed = re.findall(r"^\| `tidewatch (\w+)` \| (.+) \|$", (ROOT / "docs/README.md").read_text(), re.M)
    shown = CliRunner().invoke(main, ["--help"], terminal_width=200).output

    assert sorted(name for name, _ in listed) == main.list_commands(click.Context(main))
    assert not [(name, says) for name, says in listed if not re.search(rf"^  {name} +{re.escape(says)}$", shown, re.M)]


# --- command lines ----------------------------------------------------------------------------------------------------


def in_shell_blocks(page: Path) -> Iterator[list[str]]:
    """The words after ``tidewatch`` in every command of the page's shell blocks."""
    for fence in fences(page):
        if fence.language in ("sh", "console"):
            text = re.sub(r"(^|\s)# .*$", "", fence.text.replace("\\\n", " "), flags=re.M)
            lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>()\n")
            lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
            words: list[str] = []
            for word in [*lexer, "\n"]:
                if not set(word) <= set("|&;<>()\n"):
                    words.append(word)
                    continue
                if "tidewatch" in words:
                    yield words[words.index("tidewatch") + 1 :]
                words = []


def in_prose(page: Path) -> Iterator[list[str]]:
    """The words after ``tidewatch`` in code within sentences and tables."""
    for code in re.findall(r"`(?:[A-Z_]+=\S+ )*tidewatch ([^`]+)`", prose(page)):
        yield shlex.split(code)


def parse(arguments: list[str], is_whole: bool) -> None:
    """Raises click's error for an unknown command or option, and when ``is_whole`` for a missing or extra argument."""
    command: click.Command = main
    context = click.Context(main, info_name="tidewatch", **main.context_settings)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command, context = found, click.Context(found, parent=context, info_name=name)
    given, rest, _ = command.make_parser(context).parse_args(list(arguments))
    needed = [str(p.name) for p in command.params if isinstance(p, click.Argument) and p.required]
    missing = [name for name in needed if not isinstance(given.get(name), str | tuple) or not given[name]]
    if is_whole and (rest or missing):
        raise click.UsageError(f"missing {missing}, too much {rest}", context)


@pytest.mark.parametrize("page", by_page(WRITTEN))
def test_every_command_line_parses(page: Path) -> None:
    """In shell blocks whole, in sentences as far as it is written there."""
    for arguments in in_shell_blocks(page):
        parse(arguments, is_whole=True)
    for arguments in in_prose(page):
        parse(arguments, is_whole=False)


@pytest.mark.parametrize(
    "wrong", [["dmeo"], ["demo", "--for-ever"], ["sql"], ["sql", "SELECT 1", "2"], ["test", "rule", "x.yml"]]
)
def test_the_check_of_commands_sees(wrong: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(wrong, is_whole=True)


def test_shell_blocks_are_read_as_a_shell_does() -> None:
    """Pipes, comments and continued lines."""
    found = [arguments for page in WRITTEN for arguments in in_shell_blocks(page)]

    assert ["publish", "-"] in found
    assert len(found) > 10


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {
        name
        for page in WRITTEN
        for code in [*(f.text for f in fences(page) if f.language == "sh"), *re.findall(r"`([^`]+)`", prose(page))]
        for name in re.findall(r"^make ([a-z][a-z-]*)", code, re.M)
    }

    assert {"demo", "test"} <= named
    assert not {name for name in named if name not in targets and not name.startswith("bench-")}


# --- examples ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", all_fences("json"))
def test_an_event_in_json_is_an_event(fence: Fence) -> None:
    """Any other JSON is at least JSON."""
    if "specversion" in json.loads(fence.text):
        cloudevents.decode(fence.text.encode(), limits=Config().limits)


@pytest.mark.parametrize("fence", all_fences("toml"))
def test_a_configuration_can_be_loaded(fence: Fence, tmp_path: Path) -> None:
    """Or it is a file of service levels."""
    table = tomllib.loads(fence.text)
    if table.keys() <= {"targets", "indicators", "services"}:
        msgspec.convert(table, Sla)
    else:
        (tmp_path / "tidewatch.toml").write_text(fence.text)
        load(str(tmp_path / "tidewatch.toml"), {})


@pytest.mark.parametrize("fence", all_fences("yaml"))
def test_rules_compile(fence: Fence) -> None:
    """Any other YAML is at least YAML."""
    if "groups" in yaml.safe_load(fence.text):
        _, problems = compile_rules(fence.text, fence.name or "rules.yml")
        assert not problems


@pytest.mark.parametrize("fence", all_fences("python"))
def test_python_is_python(fence: Fence) -> None:
    """And what it imports of ours is there."""
    for node in ast.walk(ast.parse(fence.text)):
        if isinstance(node, ast.ImportFrom):
            exec(compile(ast.Module([node], []), fence.name or "example", "exec"), {})


# --- the tutorial -----------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every file that the tutorial tells to save."""
    for fence in fences(ROOT / "docs/tutorial.md"):
        if fence.name:
            (tmp_path / fence.name).write_text(fence.text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_rules_of_the_tutorial_pass_their_tests(saved: Path) -> None:
    result = CliRunner().invoke(main, ["test", "rules", "shop-rules-test.yml"])

    assert (result.exit_code, result.output) == (0, "1 passed, 0 failed\n")


def test_the_configuration_of_the_tutorial_names_its_rules(saved: Path) -> None:
    """With the output that it shows."""
    assert load(None, {}).rules.files == ["shop-rules.yml"]
    assert CliRunner().invoke(main, ["check", "shop-rules.yml"]).output in (ROOT / "docs/tutorial.md").read_text()


def test_what_the_tutorial_calls_broken_is_refused_as_it_says(saved: Path) -> None:
    told = re.findall(r"^line \d: (\w+): (.+)$", (ROOT / "docs/tutorial.md").read_text(), re.M)
    refused = []
    for line in (saved / "broken.ndjson").read_bytes().splitlines():
        with pytest.raises(Rejected) as raised:
            cloudevents.decode(line, limits=Config().limits)
        refused.append((raised.value.category, raised.value.detail))

    assert refused == told


# --- the example of a configuration -----------------------------------------------------------------------------------


def test_the_example_configuration_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    """A setting that was added, or whose default changed, belongs into tidewatch.example.toml."""
    text = (ROOT / "tidewatch.example.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(re.sub(r"^#(?=\w+ = )", "", text, flags=re.M))

    assert shown == {
        section: {name: default(setting) for name, setting in settings.items()}
        for section, settings in SETTINGS.items()
    }


def test_the_example_configuration_can_be_used_as_it_is() -> None:
    assert load(str(ROOT / "tidewatch.example.toml"), {}) == Config()
