"""The assessment as a whole: the facts' test vectors, the month's status, findings, sources and determinism."""

from collections.abc import Sequence

import pytest

from fhir_rpm.model import Finding, InteractiveCommunication
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import (
    BOT,
    FRONT_DESK,
    NAMELESS_RN,
    ZONE,
    bounds,
    contact,
    days,
    finding_codes,
    judged,
    management,
    review,
    verdicts,
)

YES, HOLD, NO = "supported", "hold", "not_supported"
NOTHING = (NO, NO, NO)
Contacts = Sequence[InteractiveCommunication]

VECTORS: list[tuple[str, Contacts, tuple[str, str, str]]] = [
    ("1 a nurse's call of 12 minutes", [contact(12)], (NO, NO, YES)),
    ("2 19:59 in total", [contact(19 + 59 / 60)], (NO, NO, YES)),
    ("3 20:00 with a contact", [contact(20)], (YES, NO, NO)),
    ("4 45 minutes without a contact", [review(45)], NOTHING),
    ("5 voicemail 6 and review 20", [contact(6, barred="voicemail"), review(20)], NOTHING),
    ("6 portal chat only", [contact(12, modality="secure_message")], (NO, NO, YES)),
    ("7 portal alert without reply", [contact(None, modality="automated", barred="automated")], NOTHING),
    ("8 caregiver's call", [contact(12, participant="caregiver")], (NO, NO, YES)),
    ("9 front desk call", [contact(12, staff=FRONT_DESK)], NOTHING),
    ("10 bot call", [contact(12, staff=BOT)], NOTHING),
    ("12 39 minutes", [contact(39)], (YES, NO, NO)),
    ("12 40 minutes", [contact(40)], (YES, YES, NO)),
    ("13 120 minutes", [contact(120)], (YES, YES, NO)),
    ("14 25 minutes of another programme", [contact(25, programmes=("99490",))], NOTHING),
    ("15 the source's good note", [contact(None, staff=NAMELESS_RN)], (HOLD, HOLD, HOLD)),
    ("18 huddle without the patient", [review(15, modality="internal", barred="internal")], NOTHING),
]


@pytest.mark.parametrize(("contacts", "expected"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_the_facts_vectors(contacts: Contacts, expected: tuple[str, str, str]) -> None:
    assert management(judged(*contacts)) == expected


def test_vector_6_a_portal_chat_fails_under_the_strict_policy() -> None:
    assert management(judged(contact(12, modality="secure_message"), policy="rpm-us-strict")) == NOTHING


def test_vector_11_a_contact_on_31_may_and_minutes_in_june_leave_june_without_a_contact() -> None:
    june = BillingMonth.parse("2026-06", ZONE)
    month = judged(review(25, "2026-06-03"), month=june, carried=(contact(30, "2026-05-31T23:50:00"),))
    assert (bounds(month), management(month)) == ((45, 45), NOTHING)


def test_vector_13_120_minutes_are_capped_at_3_units() -> None:
    assert judged(contact(120)).codes["99458"].units == 3


def test_vector_14_minutes_of_another_programme_are_flagged() -> None:
    assert "other_programme" in finding_codes(judged(contact(25, programmes=("99490",))))


def test_vector_15_the_good_note_lacks_the_name_and_the_duration() -> None:
    assert judged(contact(None, staff=NAMELESS_RN)).contacts[0].missing == ("staff_name", "minutes")


@pytest.mark.parametrize(("count", "expected"), [(15, (NO, YES)), (16, (YES, NO))])
def test_vector_16_distinct_days_decide_between_99445_and_99454(count: int, expected: tuple[str, str]) -> None:
    codes = judged(device_days=days(*range(1, count + 1))).codes
    assert (codes["99454"].verdict, codes["99445"].verdict) == expected


def test_vector_17_14_minutes_in_december_2025_support_nothing() -> None:
    december = BillingMonth.parse("2025-12", ZONE)
    month = judged(contact(14, "2025-12-09T10:00:00"), month=december)
    assert (management(month), month.status) == (NOTHING, "not_met")


@pytest.mark.parametrize(
    ("contacts", "status"),
    [
        ([contact(20)], "ready"),
        ([contact(12)], "ready"),
        ([contact(12), contact(None)], "ready"),
        ([contact(25, decision=False)], "hold"),
        ([contact(None)], "hold"),
        ([contact(9)], "not_met"),
        ([review(30)], "not_met"),
        ([], "not_met"),
    ],
)
def test_the_month_is_ready_when_99457_or_99470_is_supported_else_on_hold_else_not_met(
    contacts: Contacts, status: str
) -> None:
    assert judged(*contacts).status == status


def test_the_assessment_says_whose_month_it_is_under_which_policy() -> None:
    month = judged(contact(12))
    assert (month.patient, month.month, month.time_zone, month.policy) == ("Patient/p1", "2026-05", ZONE, "rpm-us")
    assert not month.strict_differs
    assert list(month.codes) == ["99457", "99458", "99470", "99454", "99445"]


def test_units_are_1_for_a_supported_99457_or_99470_and_0_for_a_supply_code() -> None:
    month = judged(contact(45), device_days=days(*range(1, 17)))
    assert verdicts(month) == {
        "99457": (YES, 1), "99458": (YES, 1), "99470": (NO, 0), "99454": (YES, 0), "99445": (NO, 0),
    }  # fmt: skip


def test_the_records_own_findings_come_first() -> None:
    own = Finding(code="minutes_conflict", severity="warning", message="Two lengths.")
    month = judged(contact(12), findings=(own,), device_days=days(1))
    assert finding_codes(month) == ["minutes_conflict", "device_period_unknown"]


def test_a_two_way_contact_of_unknown_modality_is_accepted_with_a_finding() -> None:
    unknown = contact(12, modality="unknown")
    assert management(judged(unknown)) == (NO, NO, YES)
    assert "modality_unknown" in finding_codes(judged(unknown))
    assert "modality_unknown" not in finding_codes(judged(unknown, policy="rpm-us-strict"))
    assert "modality_unknown" not in finding_codes(judged(unknown.model_copy(update={"exchange": "unclear"})))


def test_an_office_visit_is_reported() -> None:
    month = judged(contact(25, modality="in_person", office_visit=True))
    assert (month.contacts[0].reason, management(month)) == ("channel", NOTHING)
    assert "visit" in finding_codes(month)


def test_a_month_without_readings_warns() -> None:
    assert "no_readings" in finding_codes(judged(contact(25)))
    assert "no_readings" not in finding_codes(judged(contact(25), other_days=days(3)))


def test_a_month_after_the_policy_was_last_checked_warns() -> None:
    january = BillingMonth.parse("2027-01", ZONE)
    assert "policy_not_checked" in finding_codes(judged(contact(25, "2027-01-04T10:00:00"), month=january))
    assert "policy_not_checked" not in finding_codes(judged(contact(25)))


def test_verdicts_carry_their_sources_and_what_was_not_checked() -> None:
    month = judged(contact(12))
    base = next(citation for citation in month.citations if citation.rule == "codes.99457")
    assert (base.value, "AAPC" in base.citation) == ("20", True)
    assert any("Medical necessity" in line for line in month.not_checked)
    assert any("consent" in line for line in month.not_checked)


def test_equal_input_gives_equal_bytes_and_nothing_is_empty_text() -> None:
    first, second = (judged(contact(None), review(8), device_days=days(*range(3, 20))).to_json() for _ in range(2))
    assert first == second
    assert '""' not in first
