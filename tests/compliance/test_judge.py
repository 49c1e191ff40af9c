"""Judging events: verdicts per control, memory that never mixes two events, and the guide's one-answer check."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Processing, Security
from schemas.policy import Verdict
from streams.compliance import POLICIES, check_policy_compliance, judge
from streams.compliance.facts import Facts, facts, raw_facts
from tests.compliance.test_policies import event_of

EXPORT = Processing(
    service="profile-api",
    operation="export",
    data_categories=["personal"],
    data_subject="user-123",
    purpose="user_request",
    legal_basis="consent",
    consent=True,
    consent_id="consent-123",
    location="EU",
    encrypted=True,
    retention_days=30,
)


def verdicts(data) -> dict[str, str]:
    return {f"{found.framework} {found.control}": found.verdict for found in judge(event_of(data))}


def changed(**fields) -> Processing:
    return Processing(**{name: getattr(EXPORT, name) for name in EXPORT.__struct_fields__} | fields)


def test_an_event_gets_one_verdict_for_each_control_that_concerns_it():
    """The documented processing event is compliant with every control of GDPR that an event can witness."""
    assert verdicts(EXPORT) == dict.fromkeys(
        ["gdpr art-7", "gdpr art-44", "gdpr art-6", "gdpr art-5(1)(b)", "gdpr art-5(1)(e)"], "compliant"
    )


def test_a_violation_says_why():
    """The verdict names policy, framework, control and reason."""
    [found] = [found for found in judge(event_of(changed(location="US"))) if found.verdict != "compliant"]
    reason = "processed outside the EEA and the countries with adequate protection, without a stated safeguard"
    assert found == Verdict("cross-border-transfer", "gdpr", "art-44", "non_compliant", reason)


def test_events_that_state_nothing_are_compliant_with_nothing():
    """An empty processing event leaves every policy open that could concern it."""
    found = verdicts(Processing(service="x", operation="read"))
    assert set(found.values()) == {"not_evaluated"}
    assert len(found) >= 7
    assert judge(event_of(Security(service="x", kind="auth_success"))) == []


def test_spelling_does_not_change_a_verdict():
    """Case, spaces, hyphens, underscores and common names of a category mean the same."""
    assert verdicts(changed(data_categories=["PII"], location=" de ", purpose="User Request")) == verdicts(EXPORT)
    assert verdicts(changed(data_categories=["special category"])) == verdicts(
        changed(data_categories=["special-category"])
    )


def test_one_unknown_category_beside_a_known_one_leaves_the_others_open():
    """Known categories are judged; a policy for another category cannot rule itself out."""
    found = verdicts(changed(data_categories=["personal", "shoe-size"]))
    assert found["gdpr art-6"] == "compliant"
    assert found["hipaa 164.312(a)(2)(iv)"] == "not_evaluated"


texts = st.sampled_from(["", "treatment", "marketing", "any", "x" * 5000, "canary"])
flags = st.sampled_from([None, True, False])
processing = st.builds(
    Processing,
    service=st.just("s"),
    operation=st.sampled_from(["read", "write", "share"]),
    data_categories=st.lists(st.sampled_from(["personal", "phi", "cardholder", "none", "canary"]), max_size=2),
    data_subject=texts,
    purpose=texts,
    legal_basis=st.sampled_from(["", "consent", "contract", "legitimate_interests"]),
    consent=flags,
    consent_id=texts,
    actor=texts,
    location=st.sampled_from(["", "EU", "US", "canary", "ch"]),
    encrypted=flags,
    retention_days=st.sampled_from([None, 0, 2557, 2558]),
    attributes=st.sampled_from([{}, {"transfer_safeguard": "scc"}, {"transfer_safeguard": "canary"}]),
)
security = st.builds(
    Security,
    service=st.just("s"),
    kind=st.sampled_from(["phi_access", "cardholder_data_access", "unauthorized_attempt", "policy_change", "api_call"]),
    outcome=st.sampled_from(["success", "failure", "denied", "unknown"]),
    actor=st.sampled_from(["", "root", "canary"]),
    purpose=texts,
    encrypted=flags,
    authorized=flags,
    mfa=flags,
)


@given(processing | security)
def test_memory_never_changes_a_verdict_and_reasons_quote_nothing(data):
    """The remembered verdicts equal fresh ones; no text of the event is in them."""
    found = judge(event_of(data))
    fresh = {policy.id: policy.judge(facts(raw_facts(event_of(data)))) for policy in POLICIES}
    assert {(item.policy, item.verdict, item.reason) for item in found} == {
        (name, *judged) for name, judged in fresh.items() if judged
    }
    assert "canary" not in str(found)


@given(processing | security)
def test_the_check_agrees_with_the_verdicts(data):
    """Non-compliant before not evaluated before compliant; compliant only when something was evaluated."""
    kinds = [found.verdict for found in judge(event_of(data))]
    worst = next(
        (kind for kind in ("non_compliant", "not_evaluated") if kind in kinds),
        "compliant" if kinds else "not_evaluated",
    )
    assert check_policy_compliance(event_of(data))[0] == worst


def test_the_raw_facts_have_a_place_for_each_fact():
    """The tuple taken from an event lines up with the fields of Facts."""
    stated = facts(raw_facts(event_of(EXPORT)))
    assert stated == Facts(
        event="processing",
        act="export",
        outcome="",
        data_categories=("personal",),
        purpose="user_request",
        legal_basis="consent",
        consent=True,
        consent_id=True,
        actor=None,
        authorized=None,
        mfa=None,
        encrypted=True,
        location="EU",
        transfer_safeguard="",
        retention_days=30,
    )


def test_the_guides_check_answers_compliant_or_a_reason_with_details():
    """`check_policy_compliance` as in the guide: {compliant, #{}} or {non_compliant, Reason, #{details}}."""
    assert check_policy_compliance(event_of(EXPORT)) == ("compliant", {})
    answer, reason, details = check_policy_compliance(event_of(changed(consent=False)))
    assert answer == "non_compliant"
    assert reason == "consent-given: processed on the ground of a consent that was not given or was withdrawn"
    assert details == {
        "policies": [
            {
                "policy": "consent-given",
                "title": "Consent as the ground of processing is given and can be shown",
                "controls": ["gdpr art-7"],
                "reason": "processed on the ground of a consent that was not given or was withdrawn",
                "remediation": "Stop the processing, or obtain consent and state its consent_id.",
            }
        ]
    }


def test_the_check_of_an_event_without_policies_is_not_evaluated():
    """Nobody looked, so nobody may call it compliant."""
    event = event_of(Security(service="x", kind="auth_success"))
    assert check_policy_compliance(event) == ("not_evaluated", "no policy concerns this event", {"policies": []})


def test_the_guides_access_to_cardholder_data():
    """The guide's two security events: the access to health and to cardholder data."""
    phi = Security(
        service="clinic", kind="phi_access", outcome="success", actor="doctor123", purpose="treatment", encrypted=True
    )
    assert set(verdicts(phi).values()) == {"compliant"}
    card = Security(service="billing", kind="cardholder_data_access", encrypted=True, authorized=True)
    assert verdicts(card) == {"pci 7.2.1": "compliant", "pci 3.5.1": "compliant"}
