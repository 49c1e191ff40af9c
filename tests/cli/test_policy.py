"""`tidewatch policy`, `tidewatch test policies` and `tidewatch check` on policy files."""

import json

import pytest
from click.testing import CliRunner

from schemas.events import processing, security
from streams.cli import main
from tests.compliance.sequences.test_reading import POLICY as SEQUENCE
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
    assert "controls without a policy: none" in result.output
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
    assert (result.exit_code, result.output) == (0, f"{file}: 1 policy, no errors\n")
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
    assert all(policy.get("conditions") or policy["sequence"] for policy in listed)
    assert all(len(policy["digest"]) == 64 for policy in listed)
    (guessed,) = (policy for policy in listed if policy["id"] == "guessed-password-refused")
    assert guessed["sequence"]["within"] == "10m"
    assert guessed["sequence"]["steps"][0] == "5 x security where kind == 'auth_failure', by actor"


LOGIN = json.dumps({**security.EXAMPLE, "data": {**security.EXAMPLE["data"], "kind": "auth_success"}})  # type: ignore[dict-item]


def test_explain_says_which_step_of_a_sequence_an_event_is():
    """Whether it is a violation, several events decide."""
    result = run("policy", "explain", "-", given=LOGIN)
    assert "guessed-password-refused: step 2 of 2; several events within 10m decide" in result.output
    assert "    1. 5 x security where kind == 'auth_failure', by actor" in result.output
    assert "  > 2. security where kind == 'auth_success', by actor" in result.output
    assert "audit-trail-resumed" not in result.output
    everything = run("policy", "explain", "--all", "-", given=LOGIN).output
    assert "audit-trail-resumed: no step of its sequence" in everything
    found = {each["policy"]: each for each in json.loads(run("policy", "explain", "--json", "-", given=LOGIN).stdout)}
    assert found["guessed-password-refused"]["verdict"] == "step 2 of 2"
    assert found["audit-trail-resumed"]["verdict"] == "not_concerned"


@pytest.fixture
def sequence(tmp_path):
    path = tmp_path / "badge-returned.yml"
    path.write_text(SEQUENCE, encoding="utf-8")
    return path


def test_check_says_what_is_wrong_with_a_policy_about_a_sequence(sequence):
    result = run("check", str(sequence))
    assert (result.exit_code, result.output) == (0, f"{sequence}: 1 policy, no errors\n")
    sequence.write_text(SEQUENCE.replace("kind == 'other'", "knd == 'other'"), encoding="utf-8")
    result = run("check", str(sequence))
    assert result.exit_code == 1
    assert f"{sequence}:11:31: undeclared reference to 'knd'; write 'kind'" in result.output


def test_a_failing_test_of_a_sequence_says_which_event_is_the_violation(sequence):
    """Events are counted from 1, in the order in which they are written."""
    sequence.write_text(SEQUENCE.replace("times: 2", "times: 1"), encoding="utf-8")
    result = run("test", "policies", str(sequence))
    assert result.exit_code == 1
    assert f"{sequence}:25:7: badge-returned: non_compliant at 2, 3 (" in result.output
    assert ", expected non_compliant at 3" in result.output
