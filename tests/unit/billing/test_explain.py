"""The reasons behind a month: each requirement, what met it, under which rule, and what the strict policy says."""

from typing import Any

import pytest
from hypothesis import given

from fhir_rpm.billing import compare_strict, explain_month, judge
from fhir_rpm.model import Basis, Evidence, Explanation, Gap, InteractiveCommunication, MonthRecord, Requirement
from tests.unit.billing.examples import FRONT_DESK, MAY, NO_ROLE, contact, days, review, terms
from tests.unit.billing.test_properties import MONTHS, repeatable

LENGTH = Evidence(element="minutes", value=12, source="Encounter/e1", path="Encounter.period")
MET = {"supported": {"met"}, "hold": {"met", "possible"}, "not_supported": {"met", "possible", "not_met"}}


def explained(*contacts: InteractiveCommunication, policy: str = "rpm-us", **record: Any) -> Explanation:
    read = MonthRecord(patient="Patient/p1", contacts=contacts, **record)
    under = terms(policy)
    assessment = judge(read, MAY, under)
    strict = judge(read, MAY, terms(under.strict)) if under.strict else None
    return explain_month(read, MAY, under, assessment if strict is None else compare_strict(assessment, strict), strict)


def required(found: Explanation, code: str, name: str) -> Requirement:
    return next(item for item in found.codes[code].requirements if item.requirement == name)


def basis(found: Explanation, code: str = "99457", name: str = "contact") -> Basis:
    (only,) = required(found, code, name).basis
    return only


def test_each_code_says_what_it_asks_for() -> None:
    asked = {code: [item.requirement for item in why.requirements] for code, why in explained(contact()).codes.items()}
    assert asked == {
        "99457": ["contact", "minutes"],
        "99458": ["base_code", "minutes"],
        "99470": ["contact", "minutes"],
        "99454": ["device_days"],
        "99445": ["device_days"],
    }


def test_what_met_a_requirement_is_named_with_its_evidence() -> None:
    found = explained(contact(evidence=(LENGTH,)), device_days=days(1, 2, 3), other_days=days(3, 9))
    assert (required(found, "99470", "contact").met, basis(found).words) == ("met", "qualifies")
    minutes = basis(found, "99470", "minutes")
    assert (minutes.words, minutes.evidence, minutes.sources) == ("12 minutes credited", (LENGTH,), ("Encounter/e1",))
    read = required(found, "99445", "device_days")
    assert (read.met, [item.words for item in read.basis]) == (
        "met",
        ["read by a device: 2026-05-01, 2026-05-02, 2026-05-03", "of unknown origin: 2026-05-09"],
    )


@pytest.mark.parametrize(
    ("changes", "words", "met", "rule"),
    [
        ({"minutes": None, "decision": False}, "not on record: minutes, decision", "possible", "contacts.elements"),
        ({"barred": "voicemail"}, "excluded: voicemail", "not_met", "contacts.needed"),
        ({"staff": FRONT_DESK}, "excluded: non clinical", "not_met", "contacts.roles"),
        ({"exchange": "delayed", "modality": "secure_message"}, "excluded: delayed reply", "not_met",
         "contacts.max_reply_gap_minutes"),
        ({"modality": "email_or_letter"}, "excluded: channel", "not_met", "contacts.channels"),
        ({"modality": "in_person"}, "excluded: channel", "not_met", "contacts.channels_when_marked"),
        ({"modality": "in_person", "office_visit": True}, "excluded: channel", "not_met", "minutes.visits"),
    ],
)  # fmt: skip
def test_what_met_no_requirement_says_why_and_by_which_rule(
    changes: dict[str, Any], words: str, met: str, rule: str
) -> None:
    found = explained(contact(**changes))
    assert (basis(found).words, basis(found).met, basis(found).rule) == (words, met, rule)
    assert rule in {item.rule for item in found.rules}


def test_a_modality_not_on_record_is_the_strict_policys_own_rule() -> None:
    found = explained(contact(modality="unknown"), policy="rpm-us-strict")
    assert basis(found).rule == "contacts.unknown_modality_accepted"


@pytest.mark.parametrize(
    ("item", "words", "met", "rule"),
    [
        (contact(programmes=("99490",)), "12 minutes, not credited: recorded for 99490", "not_met",
         "minutes.other_programmes"),
        (contact(modality="in_person", office_visit=True), "12 minutes, not credited: a visit", "not_met",
         "minutes.visits"),
        (contact(staff=FRONT_DESK), "12 minutes, not credited: not by clinical staff", "not_met", "contacts.roles"),
        (contact(barred="voicemail"), "12 minutes, not credited: voicemail", "not_met", None),
        (contact(exchange="unclear"), "12 minutes; counts once the record is complete", "possible",
         "contacts.elements"),
        (contact(None), "length not on record", "possible", "contacts.elements"),
        (review(8, staff=NO_ROLE), "8 minutes; counts once the record is complete", "possible", "contacts.elements"),
        (contact(12, work_seconds=300), "12 minutes and 5 minutes of work beside it credited", "met", None),
    ],
)  # fmt: skip
def test_what_each_contact_brings_to_the_minutes(
    item: InteractiveCommunication, words: str, met: str, rule: str | None
) -> None:
    found = basis(explained(item), "99457", "minutes")
    assert (found.words, found.met, found.rule) == (words, met, rule)


def test_minutes_carried_in_from_the_day_before_are_told_as_such() -> None:
    found = explained(carried=(contact(30, "2026-04-30T23:50:00"),))
    assert basis(found, "99457", "minutes").words.endswith("(its share of a call that began before the month)")


def test_every_rule_named_is_listed_once_with_its_source() -> None:
    found = explained(contact(staff=FRONT_DESK), contact(modality="in_person"))
    named = {
        rule
        for code in found.codes.values()
        for item in code.requirements
        for rule in (*item.rules, *(part.rule for part in item.basis if part.rule))
    }
    listed = [rule.rule for rule in found.rules]
    assert (set(listed), len(listed)) == (named, len(named))
    assert all(rule.title and rule.citation and rule.read and rule.file for rule in found.rules)


def test_the_strict_policy_is_told_for_each_code() -> None:
    found = explained(contact(modality="secure_message"))
    told = {code: (why.strict.policy, why.strict.verdict) for code, why in found.codes.items() if why.strict}
    assert told["99470"] == ("rpm-us-strict", "not_supported")
    assert told["99445"] == ("rpm-us-strict", "not_supported")
    assert all(why.strict is None for why in explained(contact(), policy="rpm-us-strict").codes.values())


def test_data_that_could_not_be_read_leaves_every_requirement_possible() -> None:
    gap = Gap(resource_type=None, code="59204", reason="Part of the data was withheld.")
    found = explained(gaps=(gap,))
    assert {item.met for why in found.codes.values() for item in why.requirements} == {"possible"}
    assert [fix.kind for fix in found.fixes] == ["reread"]
    assert found.fixes[0].gap == gap


def test_a_code_that_is_not_in_force_says_so() -> None:
    from fhir_rpm.month import BillingMonth

    december = BillingMonth.parse("2025-12", "America/Chicago")
    under, read = terms(month=december), MonthRecord(patient="Patient/p1")
    found = explain_month(read, december, under, judge(read, december, under))
    assert [item.requirement for item in found.codes["99470"].requirements] == ["in_force"]
    assert found.codes["99470"].strict is None


@repeatable
@given(MONTHS)
def test_the_reasons_agree_with_the_verdict(month: list[InteractiveCommunication]) -> None:
    found = explained(*month)
    for code, why in found.codes.items():
        met = {item.met for item in why.requirements}
        assert met <= MET[why.verdict]
        if why.verdict == "hold":
            assert "possible" in met
        if why.verdict == "not_supported" and code != "99470":
            assert "not_met" in met


@repeatable
@given(MONTHS)
def test_the_actions_are_the_fixes_and_steps_in_words(month: list[InteractiveCommunication]) -> None:
    found = explained(*month)
    said = dict.fromkeys(fix.text for fix in (*found.fixes, *found.next_steps))
    assert found.assessment.actions == tuple(said)
    assert bool(found.fixes) == (found.assessment.status != "ready")
    assert explained(*month).to_json() == found.to_json()
