"""`tidewatch policy`, `tidewatch test policies` and `tidewatch check` on policy files."""

import json

import pytest
from click.testing import CliRunner

from schemas.events import processing
from streams.cli import main
from tests.compliance.test_files import POLICY


def run(*args: str, given: str | None = None):
    return CliRunner().invoke(main, args, input=given)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "secret-access-identified.yml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def changed(**fields: object) -> str:
    event = dict(processing.EXAMPLE)
    return json.dumps({**event, "data": {**event["data"], **fields}})  # type: ignore[dict-item]


def test_the_tests_of_the_shipped_policies_pass_and_the_gaps_are_named():
    """The controls of the catalogue without a policy, and no policy that never fired."""
    result = run("test", "policies")
    assert result.exit_code == 0
    assert " 0 failed" in result.output
    assert "controls without a policy: gdpr art-16" in result.output
    assert "policies that never fired: none" in result.output


def test_a_failing_test_is_told_with_its_place(file):
    """In a directory, as a file, and for machines."""
    file.write_text(POLICY.replace("actor: root", "actor: bob"), encoding="utf-8")
    for path in (file, file.parent):
        result = run("test", "policies", str(path))
        assert result.exit_code == 1
        assert f"FAILED {file}:18:7: secret-access-identified: compliant, expected non_compliant" in result.output
        assert "policies that never fired: secret-access-identified" in result.output
    answer = json.loads(run("test", "policies", str(file), "--json").stdout)
    assert (answer["passed"], answer["failed"]) == (1, 1)
    assert answer["coverage"]["never_fired"] == ["secret-access-identified"]


def test_check_says_what_is_wrong_with_a_policy(file):
    result = run("check", str(file))
    assert (result.exit_code, result.output) == (0, f"{file}: 0 rules, 1 policy, no errors\n")
    file.write_text(POLICY.replace("!shared_account", "!shard_account"), encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 1
    assert f"{file}:8:12: undeclared reference to 'shard_account'; write 'shared_account'" in result.output


def test_explain_says_what_each_policy_finds_and_why():
    result = run("policy", "explain", "-", given=changed(location="US"))
    assert result.exit_code == 1
    assert "cross-border-transfer: non compliant: processed outside the EEA" in result.output
    assert 'location = "US"' in result.output
    assert "to do: Process it in the EEA" in result.output
    assert "phi-encrypted" not in result.output
    assert "phi-encrypted: not concerned" in run("policy", "explain", "--all", "-", given=changed()).output
    found = {
        each["policy"]: each for each in json.loads(run("policy", "explain", "--json", "-", given=changed()).stdout)
    }
    assert found["consent-given"]["verdict"] == "compliant"
    assert found["phi-encrypted"]["verdict"] == "not_concerned"
    assert found["consent-given"]["facts"]["known.consent_id"] is True


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "malformed_json"),
        (changed(operation=1), "invalid_field"),
        (json.dumps({**processing.EXAMPLE, "datacategory": "phi"}), "unknown_classification"),
    ],
)
def test_explain_refuses_what_is_no_event(given, said):
    result = run("policy", "explain", "-", given=given)
    assert result.exit_code == 1
    assert said in result.output


def test_list_shows_every_policy():
    assert "consent-given" in run("policy", "list").output
    listed = json.loads(run("policy", "list", "--json").stdout)
    assert len(listed) >= 40
    assert all(policy["conditions"] and len(policy["digest"]) == 64 for policy in listed)
