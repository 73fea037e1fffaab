"""Contact → outcome, reason and missing elements: the contract's §2 "Outcome" and §6, sentence by sentence."""

from typing import Any, get_args

import pytest

from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.billing.terms import ClinicalRole
from fhir_rpm.model import AssessedContact, Participant
from fhir_rpm.model.terms import REASONS
from tests.unit.billing.examples import BOT, FRONT_DESK, NAMELESS_RN, NO_ROLE, RN, contact, review, terms


def outcome(policy: str = "rpm-us", **changes: Any) -> AssessedContact:
    return assess_contact(contact(**changes), terms(policy))


def told(found: AssessedContact) -> tuple[str, str | None, tuple[str, ...]]:
    return found.outcome, found.reason, found.missing


def test_qualifies_when_two_way_by_clinical_staff_with_the_patient_over_an_accepted_channel_with_all_elements() -> None:
    assert told(outcome()) == ("qualifies", None, ())


@pytest.mark.parametrize("side", ["patient", "caregiver", "both"])
def test_the_patient_or_a_caregiver_may_take_part(side: str) -> None:
    assert outcome(participant=side).outcome == "qualifies"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"at": None}, "date"),
        ({"at": "2026-05"}, "date"),
        ({"staff": NAMELESS_RN}, "staff_name"),
        ({"staff": NO_ROLE}, "staff_role"),
        ({"participant": None}, "participant"),
        ({"minutes": None}, "minutes"),
        ({"content": False}, "content"),
        ({"decision": False}, "decision"),
    ],
)
def test_two_way_with_any_of_the_seven_elements_missing_is_insufficient(changes: dict[str, Any], missing: str) -> None:
    assert told(outcome(**changes)) == ("insufficient", None, (missing,))


def test_missing_elements_are_listed_in_the_contracts_order() -> None:
    found = outcome(minutes=None, at=None, staff=(), participant=None, content=False, decision=False)
    assert found.missing == ("date", "staff_name", "staff_role", "participant", "minutes", "content", "decision")


def test_a_local_date_without_a_time_is_a_date() -> None:
    assert outcome(at="2026-05-14").outcome == "qualifies"


def test_a_date_of_year_and_month_only_places_the_contact_and_leaves_its_date_missing() -> None:
    found = outcome(at="2026-05")
    assert (found.start, found.missing) == ("2026-05", ("date",))


def test_an_unclear_contact_lists_contact_and_participant_too_unless_the_record_shows_who_took_part() -> None:
    assert outcome(exchange="unclear", participant=None).missing == ("contact", "participant")
    assert outcome(exchange="unclear").missing == ("contact",)


def test_a_call_of_less_than_a_minute_has_known_minutes() -> None:
    found = outcome(minutes=0.5)
    assert (found.outcome, found.minutes) == ("qualifies", 0)


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_barred_is_excluded_with_that_reason_and_lists_nothing_missing(reason: str) -> None:
    assert told(outcome(barred=reason, content=False)) == ("excluded", reason, ())


@pytest.mark.parametrize("earlier", REASONS[: REASONS.index("non_clinical")])
def test_the_first_reason_that_applies_is_given_before_non_clinical(earlier: str) -> None:
    assert outcome(barred=earlier, staff=FRONT_DESK, modality="email_or_letter").reason == earlier


@pytest.mark.parametrize("later", ["no_reply", "delayed_reply", "channel"])
def test_non_clinical_comes_before_unanswered_and_channel(later: str) -> None:
    assert outcome(barred=later, staff=FRONT_DESK).reason == "non_clinical"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exchange": "one_way", "modality": "secure_message"}, "no_reply"),
        ({"exchange": "one_way"}, "no_answer"),
        ({"exchange": "one_way", "modality": "video"}, "no_answer"),
        ({"exchange": "delayed", "modality": "secure_message"}, "delayed_reply"),
        ({"exchange": "none", "modality": "internal"}, "internal"),
        ({"exchange": "none", "modality": "chart_review"}, "data_review"),
        ({"exchange": "none"}, "wrong_party"),
        ({"exchange": "none", "modality": "unknown"}, "internal"),
        ({"exchange": "unclear", "modality": "voicemail"}, "voicemail"),
        ({"modality": "automated"}, "automated"),
        ({"modality": "internal"}, "internal"),
    ],
)
def test_what_is_not_barred_but_plainly_no_exchange_is_excluded_all_the_same(
    changes: dict[str, Any], reason: str
) -> None:
    assert told(outcome(**changes)) == ("excluded", reason, ())


def test_a_review_stays_a_review_although_nobody_was_reached() -> None:
    assert assess_contact(review(), terms()).reason == "data_review"


@pytest.mark.parametrize("staff", [FRONT_DESK, BOT, FRONT_DESK + BOT])
def test_front_desk_scheduler_billing_tech_support_and_bots_are_not_clinical_staff(staff: Any) -> None:
    assert told(outcome(staff=staff)) == ("excluded", "non_clinical", ())


def test_clinical_staff_beside_the_front_desk_make_it_a_clinical_contact() -> None:
    assert outcome(staff=FRONT_DESK + RN).outcome == "qualifies"


def test_the_name_must_be_that_of_the_clinical_one() -> None:
    assert outcome(staff=FRONT_DESK + NAMELESS_RN).missing == ("staff_name",)
    assert outcome(staff=NO_ROLE + NAMELESS_RN).missing == ("staff_name",)


def test_an_unknown_role_is_a_missing_staff_role() -> None:
    assert outcome(staff=NO_ROLE).missing == ("staff_role",)
    assert outcome(staff=FRONT_DESK + NO_ROLE).missing == ("staff_role",)
    assert outcome(staff=(*FRONT_DESK, Participant())).missing == ("staff_name", "staff_role")


@pytest.mark.parametrize("role", get_args(ClinicalRole))
def test_which_roles_are_clinical_staff_is_the_policys_list(role: str) -> None:
    assert outcome(staff=(Participant(name="A", role=role),)).outcome == "qualifies"


def test_a_known_role_that_the_policy_does_not_accept_is_not_clinical_staff() -> None:
    nurses_only = terms().model_copy(update={"roles": ("rn",)})
    coach = contact(staff=(Participant(name="A", role="health_coach"),))
    assert told(assess_contact(coach, nurses_only)) == ("excluded", "non_clinical", ())


@pytest.mark.parametrize(
    ("changes", "usual", "strict"),
    [
        ({"modality": "phone"}, "qualifies", "qualifies"),
        ({"modality": "video"}, "qualifies", "qualifies"),
        ({"modality": "secure_message"}, "qualifies", "channel"),
        ({"modality": "secure_message", "exchange": "unclear"}, "insufficient", "channel"),
        ({"modality": "in_person"}, "channel", "channel"),
        ({"modality": "in_person", "rpm_marked": True}, "qualifies", "channel"),
        ({"modality": "in_person", "rpm_marked": True, "office_visit": True}, "channel", "channel"),
        ({"modality": "in_person", "rpm_marked": True, "programmes": ("99213",)}, "channel", "channel"),
        ({"modality": "video", "programmes": ("99213",)}, "channel", "channel"),
        ({"modality": "email_or_letter"}, "channel", "channel"),
        ({"modality": "email_or_letter", "rpm_marked": True}, "channel", "channel"),
        ({"modality": "email_or_letter", "exchange": "one_way"}, "no_reply", "no_reply"),
        ({"modality": "unknown", "exchange": "unclear"}, "insufficient", "insufficient"),
        ({"modality": "unknown"}, "qualifies", "insufficient"),
    ],
)
def test_the_policy_in_force_decides_the_channel(changes: dict[str, Any], usual: str, strict: str) -> None:
    for policy, expected in (("rpm-us", usual), ("rpm-us-strict", strict)):
        found = outcome(policy, **changes)
        assert expected in (found.outcome, found.reason), policy


def test_two_way_of_unknown_modality_is_insufficient_with_modality_missing_under_the_strict_policy() -> None:
    assert outcome("rpm-us-strict", modality="unknown").missing == ("modality",)


def test_unclear_of_unknown_modality_stays_insufficient_and_modality_is_not_asked_for() -> None:
    assert outcome("rpm-us-strict", modality="unknown", exchange="unclear").missing == ("contact",)


def test_minutes_are_the_recorded_length_credited_or_not() -> None:
    assert outcome(minutes=12.9).minutes == 12
    assert outcome(staff=FRONT_DESK).minutes == 12
    assert outcome(modality="email_or_letter").minutes == 12
    assert assess_contact(review(11), terms()).minutes == 11


@pytest.mark.parametrize("reason", ["not_done", "voicemail", "no_answer", "automated", "no_reply", "delayed_reply"])
def test_minutes_are_null_where_nobody_was_reached(reason: str) -> None:
    assert outcome(barred=reason).minutes is None


def test_start_is_written_as_precisely_as_it_is_stated() -> None:
    assert outcome().start == "2026-05-14T14:02:00-05:00"
    assert outcome(at="2026-05-14").start == "2026-05-14"
    assert outcome(at=None).start is None
