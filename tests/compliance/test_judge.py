"""Judging events: verdicts per control, memory that never mixes two events, and the guide's one-answer check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.classification import classification
from schemas.events import Processing, Security
from schemas.failures import Rejected
from schemas.policy import Verdict
from streams.compliance import check_policy_compliance, judge, shipped
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


def verdicts(data, **extensions) -> dict[str, str]:
    return {found.policy: found.verdict for found in judge(event_of(data, **extensions))}


def changed(**fields) -> Processing:
    return Processing(**{name: getattr(EXPORT, name) for name in EXPORT.__struct_fields__} | fields)


def test_an_event_gets_one_verdict_for_each_control_that_concerns_it():
    """The documented processing event is compliant with every control that it witnesses."""
    assert verdicts(EXPORT) == dict.fromkeys(
        [
            *("consent-given", "cross-border-transfer", "handed-over-encrypted", "lawful-basis", "purpose-limitation"),
            "retention-limit",
        ],
        "compliant",
    )
    assert {found.control for found in judge(event_of(EXPORT)) if found.policy == "handed-over-encrypted"} == {
        "art-32",
        "CC6.7",
    }


def test_a_violation_says_why():
    """The verdict names policy and its version, framework, control, reason and severity."""
    [found] = [found for found in judge(event_of(changed(location="US"))) if found.verdict != "compliant"]
    reason = "processed outside the EEA and the countries with adequate protection, without a stated safeguard"
    policy = next(policy for policy in shipped().policies if policy.id == "cross-border-transfer")
    assert found == Verdict(policy.id, "gdpr", "art-44", "non_compliant", reason, "high", policy.digest)


def test_a_reason_quotes_the_number_that_decided():
    found = {each.policy: each.reason for each in judge(event_of(changed(retention_days=4000)))}
    assert found["retention-limit"] == "kept for 4000 days, more than 2557"


def test_what_is_not_stated_is_named_in_the_words_of_the_event():
    """A publisher reads which fields to add."""
    found = {each.policy: each.reason for each in judge(event_of(Processing(service="x", operation="read")))}
    assert found["lawful-basis"] == "not stated in a form that policies know: data_categories"
    access = event_of(Security(service="x", kind="phi_access", outcome="success"))
    found = {each.policy: each.reason for each in judge(access)}
    assert found["phi-access-identified"] == "not stated in a form that policies know: actor"
    assert found["phi-minimum-necessary"] == "not stated in a form that policies know: attributes.minimum_necessary"


def test_events_that_state_nothing_are_compliant_with_nothing():
    """An empty processing event leaves every policy open that could concern it."""
    found = verdicts(Processing(service="x", operation="read"))
    assert set(found.values()) == {"not_evaluated"}
    assert len(found) >= 7
    assert judge(event_of(Security(service="x", kind="auth_success"))) == ()


def test_spelling_does_not_change_a_verdict():
    """Case, spaces, hyphens, underscores and common names of a category mean the same."""
    assert verdicts(changed(data_categories=["PII"], location=" de ", purpose="User Request")) == verdicts(EXPORT)
    assert verdicts(changed(data_categories=["special category"])) == verdicts(
        changed(data_categories=["special-category"])
    )


def test_one_unknown_category_beside_a_known_one_leaves_the_others_open():
    """Known categories are judged; a policy for another category cannot rule itself out."""
    found = verdicts(changed(data_categories=["personal", "shoe-size"]))
    assert found["lawful-basis"] == "compliant"
    assert found["phi-encrypted"] == "not_evaluated"


def test_an_attribute_that_is_not_written_as_its_type_is_as_one_that_is_missing():
    """Neither a time without an offset nor a truth in another language decides anything."""
    late = {"request_received_at": "2026-01-01T00:00:00+00:00"}
    assert verdicts(changed(attributes=late))["request-answered"] == "non_compliant"
    assert "request-answered" not in verdicts(changed(attributes={"request_received_at": "2026-01-01T00:00:00"}))
    assert "objection-respected" not in verdicts(changed(attributes={"objected": "ja"}))


def test_the_classification_of_cloudevents_says_what_the_data_are():
    """`datacategory` stands in for `data_categories`, and adds to them."""
    marked = {"dataclassification": "restricted", "datacategory": "phi"}
    assert verdicts(changed(data_categories=[], encrypted=False), **marked)["phi-encrypted"] == "non_compliant"
    assert verdicts(changed(encrypted=False), **marked)["phi-encrypted"] == "non_compliant"
    assert verdicts(changed(encrypted=False), **marked)["restricted-encrypted"] == "non_compliant"
    security = Security(service="s", kind="data_access", outcome="success", encrypted=False)
    assert verdicts(security, **marked)["phi-encrypted"] == "non_compliant"


@pytest.mark.parametrize(
    "extensions",
    [
        {"dataclassification": "cosmic"},
        {"dataclassification": "public", "dataregulation": "GDPR,LGPD"},
        {"dataclassification": "public", "datacategory": "canary"},
        {"datacategory": "phi"},
        {"dataregulation": "GDPR"},
    ],
)
def test_a_classification_that_is_not_understood_is_rejected(extensions):
    """The extension's rule for a consumer that is unsure; the detail quotes nothing."""
    with pytest.raises(Rejected) as refused:
        classification(event_of(EXPORT, **extensions))
    assert refused.value.category == "unknown_classification"
    assert "canary" not in str(refused.value)


texts = st.sampled_from(["", "treatment", "marketing", "any", "x" * 5000, "canary"])
flags = st.sampled_from([None, True, False])
truths = st.sampled_from(["true", "false", "perhaps", "canary"])
times = st.sampled_from(["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-01-01", "canary"])
attributes = st.fixed_dictionaries(
    {},
    optional={
        "transfer_safeguard": st.sampled_from(["scc", "canary"]),
        **dict.fromkeys(("minimum_necessary", "emergency", "legal_hold", "objected", "approved"), truths),
        **dict.fromkeys(("consent_withdrawn_at", "delete_by", "request_received_at", "employment_ended_at"), times),
        "digits_shown": st.sampled_from(["10", "11", "many"]),
        "undeclared": st.just("canary"),
    },
)
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
    attributes=attributes,
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
    action=st.sampled_from(["", "canary", "StopLogging", "deploy"]),
    attributes=attributes,
)


@given(processing | security)
def test_memory_never_changes_a_verdict_and_reasons_quote_nothing(data):
    """The remembered verdicts equal fresh ones; no text of the event is in them."""
    event = event_of(data)
    found = judge(event)
    fresh = {each.policy.id: each.verdict for each in shipped().explain(event)}
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
                "severity": "high",
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
    """The guide's two security events: what they state is compliant, what they leave out is not evaluated."""
    phi = Security(
        service="clinic", kind="phi_access", outcome="success", actor="doctor123", purpose="treatment", encrypted=True
    )
    assert verdicts(phi) == {
        "phi-access-identified": "compliant",
        "phi-access-purpose": "compliant",
        "phi-access-recorded": "non_compliant",
        "phi-encrypted": "compliant",
        "phi-treatment-relationship": "not_evaluated",
    }
    card = Security(service="billing", kind="cardholder_data_access", encrypted=True, authorized=True)
    assert verdicts(card) == {
        "cardholder-access-authorised": "compliant",
        "cardholder-access-identified": "not_evaluated",
        "cardholder-access-mfa": "not_evaluated",
        "cardholder-encrypted": "compliant",
    }
