"""Contacts → minutes: the contract's §3 and the minutes of §6, sentence by sentence."""

from typing import Any

import pytest

from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import (
    BOT,
    FRONT_DESK,
    NAMELESS_RN,
    NO_ROLE,
    ZONE,
    bounds,
    contact,
    finding_codes,
    interval,
    judged,
    review,
)

CHRONIC_CARE = ["99490", "99439", "99487", "99489", "99491", "99437"]
PRINCIPAL_CARE = ["99424", "99425", "99426", "99427"]
BEHAVIORAL = ["99484", "99492", "99493", "99494"]
THERAPEUTIC_MONITORING = ["98975", "98976", "98977", "98978", "98979", "98980", "98981"]
PRIMARY_CARE = ["G0556", "G0557", "G0558"]
OTHER_PROGRAMMES = [*CHRONIC_CARE, *PRINCIPAL_CARE, *BEHAVIORAL, *THERAPEUTIC_MONITORING, *PRIMARY_CARE]


def test_certain_counts_contacts_that_qualify() -> None:
    assert bounds(judged(contact(12), contact(9, "2026-05-20T10:00:00"))) == (21, 21)


@pytest.mark.parametrize(
    "changes",
    [{"content": False}, {"decision": False}, {"participant": None}, {"staff": NAMELESS_RN}, {"at": "2026-05"}],
)
def test_certain_counts_two_way_contacts_with_clinical_staff_that_are_insufficient_for_another_reason(
    changes: dict[str, Any],
) -> None:
    assert bounds(judged(contact(12, **changes))) == (12, 12)


def test_two_way_minutes_of_unknown_modality_are_certain_under_the_strict_policy_too() -> None:
    assert bounds(judged(contact(12, modality="unknown"), policy="rpm-us-strict")) == (12, 12)


@pytest.mark.parametrize("reason", ["data_review", "internal"])
def test_certain_counts_review_and_team_work_by_clinical_staff_with_known_minutes(reason: str) -> None:
    assert bounds(judged(review(8, barred=reason))) == (8, 8)
    assert bounds(judged(review(8, barred=reason, staff=FRONT_DESK))) == (0, 0)


def test_work_without_minutes_credits_nothing_and_leaves_possible_bounded() -> None:
    assert bounds(judged(review(None), contact(12))) == (12, 12)


def test_possible_adds_the_minutes_of_unclear_contacts() -> None:
    assert bounds(judged(contact(12), contact(9, "2026-05-20T10:00:00", exchange="unclear"))) == (12, 21)


def test_possible_adds_the_minutes_of_contacts_whose_staff_role_is_missing() -> None:
    assert bounds(judged(contact(12), contact(9, "2026-05-20T10:00:00", staff=NO_ROLE))) == (12, 21)
    assert bounds(judged(contact(12), review(8, staff=NO_ROLE))) == (12, 20)


def test_possible_is_null_as_soon_as_an_insufficient_contact_has_no_minutes() -> None:
    assert bounds(judged(contact(12), contact(None))) == (12, None)
    assert bounds(judged(contact(12), contact(None, exchange="unclear"))) == (12, None)


def test_an_excluded_contact_without_minutes_leaves_possible_bounded() -> None:
    assert bounds(judged(contact(12), contact(None, barred="no_reply"))) == (12, 12)


@pytest.mark.parametrize(
    "changes",
    [
        {"barred": "voicemail"},
        {"barred": "no_answer"},
        {"barred": "no_reply"},
        {"barred": "delayed_reply"},
        {"barred": "automated"},
        {"barred": "wrong_party"},
        {"barred": "not_done"},
        {"staff": FRONT_DESK},
        {"staff": BOT},
        {"modality": "email_or_letter"},
        {"modality": "in_person"},
    ],
)
def test_attempts_delayed_automated_wrong_party_non_clinical_and_other_channels_are_not_credited(
    changes: dict[str, Any],
) -> None:
    assert bounds(judged(contact(12, **changes))) == (0, 0)


def test_messages_are_not_credited_under_the_strict_policy() -> None:
    chat = contact(12, modality="secure_message")
    assert bounds(judged(chat)) == (12, 12)
    assert bounds(judged(chat, policy="rpm-us-strict")) == (0, 0)


@pytest.mark.parametrize("code", OTHER_PROGRAMMES)
def test_a_call_coded_for_another_programme_keeps_its_outcome_and_loses_its_minutes(code: str) -> None:
    month = judged(contact(24, programmes=(code,)))
    assert (month.contacts[0].outcome, month.contacts[0].minutes, bounds(month)) == ("qualifies", 24, (0, 0))
    assert "other_programme" in finding_codes(month)


def test_codes_of_rpm_itself_are_no_other_programme() -> None:
    month = judged(contact(24, programmes=("99457", "99458", "99470", "99454")))
    assert (bounds(month), "other_programme" in finding_codes(month)) == ((24, 24), False)


@pytest.mark.parametrize("code", ["99202", "99203", "99204", "99205", "99211", "99212", "99213", "99214", "99215"])
def test_an_office_visit_is_never_credited(code: str) -> None:
    assert bounds(judged(contact(24, "2026-05-14T09:00:00", work_seconds=600, programmes=(code,)))) == (0, 0)
    assert bounds(judged(contact(24, office_visit=True, modality="in_person", rpm_marked=True))) == (0, 0)
    assert bounds(judged(review(24, office_visit=True))) == (0, 0)


def test_intervals_with_clock_times_are_united_before_they_are_added() -> None:
    call = contact(12, "2026-05-14T10:00:00")
    seen = review(12, "2026-05-14T09:57:00")
    assert bounds(judged(call, seen)) == (15, 15)


def test_two_records_of_the_same_minutes_count_once_in_possible_too() -> None:
    call = contact(12, "2026-05-14T10:00:00")
    unclear = contact(20, "2026-05-14T10:00:00", exchange="unclear", sources=("Encounter/e2",))
    assert bounds(judged(call, unclear)) == (12, 20)


def test_seconds_without_clock_times_are_added() -> None:
    assert bounds(judged(contact(12, "2026-05-14"), contact(8, "2026-05-14"))) == (20, 20)


def test_seconds_are_added_and_the_sum_is_floored_once() -> None:
    calls = contact(9 + 35 / 60, "2026-05-14T10:00:00"), contact(10.5, "2026-05-15T10:00:00")
    assert bounds(judged(*calls)) == (20, 20)


def test_nothing_is_ever_rounded_up() -> None:
    assert bounds(judged(contact(19 + 59 / 60))) == (19, 19)


def test_a_call_across_the_months_end_is_split_at_the_boundary_for_minutes_only() -> None:
    call = contact(24, "2026-05-31T23:48:00")
    month = judged(call)
    assert (bounds(month), month.contacts[0].minutes) == ((12, 12), 24)
    june = judged(month=BillingMonth.parse("2026-06", ZONE), carried=(call,))
    assert (bounds(june), june.contacts) == ((12, 12), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({"exchange": "unclear"}, (0, 12)), ({"staff": FRONT_DESK}, (0, 0)), ({"programmes": ("99490",)}, (0, 0))],
)
def test_a_carried_call_is_credited_by_the_same_rules(changes: dict[str, Any], expected: tuple[int, int]) -> None:
    call = contact(24, "2026-05-31T23:48:00", **changes)
    assert bounds(judged(month=BillingMonth.parse("2026-06", ZONE), carried=(call,))) == expected


def test_review_work_told_beside_a_carried_call_stays_in_its_own_month() -> None:
    call = contact(24, "2026-05-31T23:48:00", work_seconds=600)
    assert bounds(judged(call)) == (22, 22)
    assert bounds(judged(month=BillingMonth.parse("2026-06", ZONE), carried=(call,))) == (12, 12)


def test_a_change_of_clocks_adds_and_takes_nothing() -> None:
    call = contact(30, "2026-03-08T01:50:00")
    assert bounds(judged(call, month=BillingMonth.parse("2026-03", ZONE))) == (30, 30)


def test_work_told_only_in_text_counts_like_a_review() -> None:
    assert bounds(judged(contact(12, work_seconds=480))) == (20, 20)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exchange": "unclear"}, (8, 20)),
        ({"minutes": None}, (8, None)),
        ({"barred": "voicemail"}, (8, 8)),
        ({"barred": "no_reply"}, (8, 8)),
        ({"barred": "wrong_party"}, (8, 8)),
        ({"barred": "voicemail", "staff": NO_ROLE}, (0, 8)),
        ({"barred": "voicemail", "staff": FRONT_DESK}, (0, 0)),
        ({"barred": "not_done"}, (0, 0)),
        ({"barred": "automated"}, (0, 0)),
        ({"programmes": ("99490",)}, (0, 0)),
    ],
)
def test_work_told_beside_an_exchange_is_credited_by_who_did_it(changes: dict[str, Any], expected: Any) -> None:
    assert bounds(judged(contact(**{"minutes": 12, "work_seconds": 480, **changes}))) == expected


def test_intervals_longer_than_the_recorded_length_count_for_that_length_from_their_start() -> None:
    shorter = contact(18, "2026-05-14T15:00:00", intervals=(interval("2026-05-14T15:00", "2026-05-14T15:21"),))
    assert bounds(judged(shorter)) == (18, 18)
    then = contact(5, "2026-05-14T15:16:00")
    assert bounds(judged(shorter, then)) == (21, 21)


def test_several_intervals_longer_than_the_recorded_length_are_used_up_in_order_of_time() -> None:
    late, early = interval("2026-05-14T16:00", "2026-05-14T16:10"), interval("2026-05-14T15:00", "2026-05-14T15:10")
    assert bounds(judged(contact(15, intervals=(late, early)))) == (15, 15)


def test_a_recorded_length_beyond_the_intervals_counts_for_no_more_than_they_show() -> None:
    assert bounds(judged(contact(30, intervals=(interval("2026-05-14T15:00", "2026-05-14T15:10"),)))) == (10, 10)


def test_empty_intervals_are_no_place_in_time() -> None:
    assert bounds(judged(contact(12, intervals=(interval("2026-05-14T15:00", "2026-05-14T15:00"),)))) == (12, 12)


def test_impossible_lengths_take_nothing_away() -> None:
    assert bounds(judged(contact(12), review(8, "2026-05-15", seconds=-600, work_seconds=-60))) == (12, 12)
