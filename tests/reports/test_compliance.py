"""The report on compliance out of a real ClickHouse, in every format; OSCAL against the official schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import jsonschema_rs
import pytest

from embedded.readonly import Reader
from schemas.tables import COLUMNS
from streams.batch import Partition
from streams.compliance.controls import catalogue
from streams.compliance.shipped import shipped
from streams.evidence.chain import HOUR_MS, EntryRow, SealRow
from streams.evidence.ledger import Row
from streams.evidence.records import Findings, Tick, Violation
from streams.reports.compliance.oscal import oscal
from streams.reports.compliance.report import Found, compliance_report, find
from streams.reports.compliance.scope import Scope
from streams.reports.document import Section
from streams.reports.formats import render
from streams.reports.period import period
from tests.api.stored import database, insert
from tests.evidence.ledgers import KEY, act, taken
from tests.reports.browser import look
from tests.reports.oscal_schema import version
from tests.reports.test_browser import SHOWN, problems

PERIOD = period("2026-11", "UTC", 0)
AT_MS = PERIOD.start_ms + 9 * 24 * HOUR_MS
MADE_MS = PERIOD.end_ms + HOUR_MS
SCOPE = Scope(tenant="acme", period=PERIOD, frameworks=("gdpr", "soc2"), until_ms=PERIOD.end_ms)
REASON = "processed outside the EEA"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """Three transfers of which one is a violation; two controls that people attest to, of which one has expired."""
    sink = database(tmp_path_factory.mktemp("report"))
    verdict = {"tenant": "acme", "framework": "gdpr", "control": "art-44", "policy": "cross-border-transfer"}
    verdict |= {"severity": "high", "service": "crm"}
    insert(
        sink,
        "verdicts",
        [
            {**verdict, "time": AT_MS, "verdict": "compliant", "_offset": 1},
            {**verdict, "time": AT_MS, "verdict": "compliant", "_offset": 2},
            {**verdict, "time": AT_MS, "verdict": "non_compliant", "reason": REASON, "_offset": 3},
            {**verdict, "time": AT_MS, "verdict": "not_evaluated", "control": "art-32", "_offset": 3},
            {**verdict, "time": PERIOD.end_ms, "verdict": "non_compliant", "reason": "of another month", "_offset": 4},
        ],
    )
    violation = Violation(
        3, AT_MS, "crm", "cross-border-transfer", "ab" * 32, ("gdpr art-44",), "high", REASON, bytes(32)
    )
    findings = Findings(
        tenant="acme",
        source=Partition("data-processing", 0),
        incarnation="a",
        first=1,
        last=3,
        part=0,
        violations=[violation],
        tally={"gdpr art-44": (2, 1, 0)},
    )
    said: dict[str, Any] = {"framework": "soc2", "statement": "All were trained.", "evidence": ["https://wiki.example"]}
    rows, _ = taken(
        [
            (findings, AT_MS + 5),
            (act("acme", **said, control="CC1.1", until=PERIOD.end_ms + 1), AT_MS + 6),
            (act("acme", **said, control="CC1.4", until=PERIOD.end_ms - 1), AT_MS + 7),
            (Tick(), AT_MS + HOUR_MS),
        ]
    )
    store(sink, rows)
    reader = Reader(sink.directory)  # type: ignore[arg-type]

    def ask(sql: str, output_format: str) -> bytes:
        return reader.answer(sql, database=sink.database, output_format=output_format).body

    yield find(ask, SCOPE, catalogue(), {policy.id: policy for policy in shipped().policies})
    sink.close()


def store(sink: Any, rows: list[Row]) -> None:
    entries = [row for row in rows if isinstance(row, EntryRow)]
    seals = [(*row[:-1], *row.signed) for row in rows if isinstance(row, SealRow)]
    for table, lines in (("evidence", entries), ("evidence_seals", seals)):
        sink.insert(table, dict(zip(COLUMNS[table], zip(*lines, strict=True), strict=True)), table)


def section(found: Found, title: str) -> Section:
    [one] = [each for each in compliance_report(SCOPE, found, MADE_MS, "test").sections if each.title == title]
    return one


def test_a_score_is_the_mean_of_the_controls_that_have_one(found: Found) -> None:
    """Two of three verdicts on a transfer; of two attestations one holds."""
    scores = {name: section(found, name).figures[0].value for name in ("GDPR", "SOC 2")}
    assert scores == {"GDPR": pytest.approx(200 / 3), "SOC 2": 50.0}
    assert section(found, "GDPR").figures[3].value == 25.0  # one of four verdicts could not be reached
    assert str(section(found, "GDPR").figures[1].value).startswith("1 of ")


def test_a_violation_has_owner_age_remedy_and_its_entry_in_the_ledger(found: Found) -> None:
    [violation] = found.violations
    policy = next(policy for policy in shipped().policies if policy.id == "cross-border-transfer")
    assert (violation.events, violation.first_ms, violation.reason) == (1, AT_MS, REASON)
    assert (violation.owner, violation.remediation) == (policy.owner, policy.remediation)
    assert violation.entry == "topic/0/0 #1"
    assert len(violation.digest) == 64
    [row] = section(found, "Violations").tables[0].rows
    assert (MADE_MS - AT_MS) // 60_000 in row.cells


def test_attestations_and_seals_are_those_of_the_period(found: Found) -> None:
    [table] = section(found, "Attestations").tables
    assert [(row.cells[0], row.cells[4]) for row in table.rows] == [("soc2 CC1.1", "holds"), ("soc2 CC1.4", "expired")]
    [seal] = found.seals
    assert (seal.seals, seal.entries, seal.hour_ms, seal.key) == (1, 4, AT_MS, KEY.id)


@pytest.mark.parametrize("name", ["html", "md", "csv", "json", "pdf"])
def test_every_format_can_be_written(found: Found, name: str) -> None:
    content = render(compliance_report(SCOPE, found, MADE_MS, "test"), name)
    assert len(content) > 1000


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(("width", "dark"), SHOWN)
def test_the_page_fits_every_window(found: Found, width: int, dark: bool, tmp_path: Path) -> None:
    page = render(compliance_report(SCOPE, found, MADE_MS, "test"), "html")
    assert problems(look(page, tmp_path, width, dark=dark), width, dark=dark) == []


def results(found: Found) -> dict[str, Any]:
    written = oscal(SCOPE, found, MADE_MS, "test", lambda name: str(uuid5(NAMESPACE_URL, name)))
    document: dict[str, Any] = json.loads(written)
    return document


def test_oscal_has_a_finding_for_each_control_with_a_score(found: Found) -> None:
    gdpr, soc2 = results(found)["assessment-results"]["results"]
    [finding] = gdpr["findings"]
    assert finding["target"]["target-id"] == "gdpr_art-44"
    assert finding["target"]["status"]["state"] == "not-satisfied"
    [observation] = gdpr["observations"]
    assert finding["related-observations"] == [{"observation-uuid": observation["uuid"]}]
    states = {each["title"]: each["target"]["status"]["state"] for each in soc2["findings"]}
    assert states == {"soc2 CC1.1": "satisfied", "soc2 CC1.4": "not-satisfied"}


def test_oscal_is_valid_by_the_official_schema(found: Found, oscal_schema: dict[str, Any]) -> None:
    """Of the very version that the document states; and the schema is one that notices a mistake."""
    document = results(found)
    assert document["assessment-results"]["metadata"]["oscal-version"] == version(oscal_schema)
    validator = jsonschema_rs.Draft7Validator(oscal_schema)
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)] == []
    document["assessment-results"]["results"][0]["findings"][0]["target"]["target-id"] = "gdpr art-44"
    assert not validator.is_valid(document)


def test_the_same_report_has_the_same_identifiers(found: Found) -> None:
    assert results(found) == results(found)
