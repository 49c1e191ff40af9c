"""What is stored of an event: pseudonyms for identifiers, nothing of secrets, and texts without anybody's name."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Processing, Security
from schemas.failures import Rejected
from streams.privacy.protection import Protection
from streams.privacy.rules import FIELDS, Classes
from tests.privacy.events import NOW, processing, protection, pseudonym, security

ALICE = "alice@example.com"


def test_the_types_of_events_say_which_fields_identify_somebody() -> None:
    assert FIELDS == {
        "security": {"actor": "direct_identifier", "address": "quasi_identifier"},
        "processing": {
            "data_subject": "direct_identifier",
            "consent_id": "quasi_identifier",
            "actor": "direct_identifier",
            "recipient": "direct_identifier",
        },
    }


def test_identifiers_become_pseudonyms_and_each_is_sealed_under_its_person() -> None:
    stored = protection()(processing(data_subject=ALICE, consent_id="c-77", actor="dr.house"), NOW)

    assert stored.fields["data_subject"] == pseudonym(ALICE)
    assert stored.fields["actor"] == pseudonym("dr.house")
    assert [(s.field, s.text, s.person) for s in stored.secrets] == [
        ("data_subject", ALICE, pseudonym(ALICE)),
        ("consent_id", "c-77", pseudonym(ALICE)),
        ("actor", "dr.house", pseudonym("dr.house")),
    ]


def test_an_address_belongs_to_its_actor_and_without_one_to_itself() -> None:
    with_actor = protection()(security(actor="bob", address="203.0.113.9"), NOW)
    alone = protection()(security(address="203.0.113.9"), NOW)

    assert with_actor.secrets[1].person == pseudonym("bob")
    assert alone.secrets[0].person == pseudonym("203.0.113.9")
    assert with_actor.fields["address"] == alone.fields["address"] == pseudonym("203.0.113.9")


def test_tenants_share_no_pseudonym() -> None:
    assert pseudonym("bob", "a") != pseudonym("bob", "b")


def test_two_spellings_of_the_same_characters_are_one_person() -> None:
    assert pseudonym("J\u00fcrgen") == pseudonym("Ju\u0308rgen")


def test_the_record_that_was_accessed_names_a_person() -> None:
    stored = protection()(security(kind="phi_access", actor="dr", target="patient-9"), NOW)

    assert stored.fields["target"] == pseudonym("patient-9")
    assert protection()(security(kind="data_access", target="bucket"), NOW).fields["target"] == "bucket"


def test_texts_of_the_event_do_not_repeat_its_identifiers() -> None:
    event = security(
        {"id": "login-bob.smith-1", "source": "/sshd"},
        actor="bob.smith",
        address="203.0.113.9",
        reason="Failed password for BOB.SMITH from 203.0.113.9 port 22",
        attributes={"home": "/home/bob.smith"},
    )

    stored = protection()(event, NOW)

    assert "bob" not in repr((stored.fields, stored.event_id)).lower()
    assert (
        stored.fields["reason"]
        == f"Failed password for {pseudonym('bob.smith')} from {pseudonym('203.0.113.9')} port 22"
    )


def test_names_are_found_in_any_case_but_not_within_other_words() -> None:
    stored = protection()(security(actor="\u0130van", reason="by \u0130van, not by \u0130vana"), NOW)

    assert stored.fields["reason"] == f"by {pseudonym(chr(0x130) + 'van')}, not by \u0130vana"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("straße-weiß", "STRASSE-WEISS"),
        ("st\u0131ller\u0130-z", "st\u0131lleri\u0307-z"),
        ("jürgen.müller", "ju\u0308rgen.mu\u0308ller"),
        ("ju\u0308rgen", "JÜRGEN"),
    ],
)
def test_a_name_is_found_in_other_letters_that_mean_the_same(name: str, text: str) -> None:
    """Found by fuzzing: letters that have another number of letters in another case, or are put together."""
    stored = protection()(security(actor=name, reason=f"by {text}, at last"), NOW)

    assert stored.fields["reason"] == f"by {pseudonym(name)}, at last"


def test_a_category_of_data_does_not_repeat_who_it_is() -> None:
    stored = protection()(processing(data_subject="bob.smith", data_categories=["personal", "file of Bob.Smith"]), NOW)

    assert stored.fields["data_categories"] == ["personal", f"file of {pseudonym('bob.smith')}"]


def test_rules_classify_attributes_and_the_last_one_counts() -> None:
    rules = (
        "*.attributes.ward = phi",
        "security.target = public",
        "*.attributes.note = phi",
        "*.attributes.note = secret",
    )
    event = security(
        actor="bob",
        target="mail bob.b@x.org",
        attributes={"ward": "7b", "note": "x", "password": "pw", "pan": "4" * 16},
    )

    stored = protection(*rules)(event, NOW)

    assert stored.fields["attributes"] == {
        "ward": "[phi]",
        "note": "[secret]",
        "password": "[secret]",
        "pan": "444444******4444",
    }
    assert stored.fields["target"] == "mail bob.b@x.org"
    assert [(s.field, s.person) for s in stored.secrets if s.field == "attributes.ward"] == [
        ("attributes.ward", pseudonym("bob"))
    ]


@pytest.mark.parametrize(
    "rule", ["x", "security.foo = phi", "security.kind = phi", "security.actor = foo", "health.message = phi"]
)
def test_a_rule_that_means_nothing_is_refused(rule: str) -> None:
    with pytest.raises(Rejected, match=rule):
        Classes([rule])


def test_without_keys_identifiers_stay_and_card_numbers_do_not() -> None:
    stored = Protection(Classes(), None)(security(actor="4111111111111111", reason="for bob@x.org"), NOW)

    assert (stored.fields["actor"], stored.fields["reason"]) == ("411111******1111", "for [email]")
    assert not stored.secrets


def test_a_card_number_is_not_even_sealed() -> None:
    (secret,) = protection()(security(actor="4111111111111111"), NOW).secrets

    assert secret.text == "411111******1111"


NAMES = st.text(min_size=6).filter(lambda text: not text.isspace() and not pseudonym("").startswith(text))


def test_a_name_is_found_as_it_is_written_when_unicode_has_another_form_of_it() -> None:
    """U+F900 is U+8C48 in every form of normalisation."""
    name = "a\uf900b"

    stored = protection()(security(actor=name, reason=f"as {name} said"), NOW)

    assert stored.fields["reason"] == f"as {pseudonym(name)} said"


@given(st.sampled_from(["security", "processing"]), NAMES, st.data())
def test_no_classified_value_is_stored_anywhere(kind: str, name: str, data: Any) -> None:
    """Whatever the text, and wherever else in the event it stands by itself."""
    marked = f"<{name}>"
    struct = Security if kind == "security" else Processing
    field = data.draw(st.sampled_from(sorted(FIELDS[kind])))
    if field == "address":
        marked = marked[:100]
    fields = {field: marked} | (
        {"reason": f"as {marked} said"} if struct is Security else {"purpose": f"as {marked} said"}
    )

    stored = protection()((security if kind == "security" else processing)(**fields), NOW)

    assert marked not in msgspec.json.encode((stored.fields, stored.event_id, stored.source)).decode()
    assert marked not in repr(list(stored.fields.values()))


def test_a_key_of_several_values_is_a_pseudonym_of_all_of_them() -> None:
    """The same in every event, another for each tenant, and none that stands in a row."""
    key = protection().key("default", [ALICE, "203.0.113.9"])
    assert key == protection().key("default", [ALICE, "203.0.113.9"])
    others = [
        protection().key("other", [ALICE, "203.0.113.9"]),
        protection().key("default", ["203.0.113.9", ALICE]),
        protection().key("default", [ALICE]),
        bytes.fromhex(pseudonym(ALICE).removeprefix("p-")),
    ]
    assert len({key, *others}) == 5
    assert len(key) == 12


def test_letters_that_only_are_written_otherwise_give_the_same_key() -> None:
    assert protection().key("default", ["Zoe\u0308"]) == protection().key("default", ["Zo\u00eb"])


def test_without_keys_events_are_told_apart_all_the_same() -> None:
    unkeyed = Protection(Classes(()), None)
    assert unkeyed.key("default", [ALICE]) == unkeyed.key("default", [ALICE])
    assert unkeyed.key("default", [ALICE]) != unkeyed.key("default", ["bob"])
