"""What a person can do next: specific, deterministic, and without a name."""

from typing import Any

import pytest

from fhir_rpm.model import Gap
from fhir_rpm.month import BillingMonth
from tests.unit.billing.examples import FRONT_DESK, NO_ROLE, RN, ZONE, contact, days, judged, review

ENOUGH = contact(25, "2026-05-02T10:00:00", sources=("Encounter/e9",))


def test_a_month_with_nothing_to_do_has_no_actions() -> None:
    assert judged(ENOUGH, device_days=days(*range(1, 17))).actions == ()


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"minutes": None}, "Add how long the call of 2026-05-14 lasted (Encounter/e1)."),
        (
            {"decision": False, "modality": "video"},
            "Add to the record of the video visit of 2026-05-14 (Encounter/e1): "
            "what was decided, even if nothing changes.",
        ),
        (
            {"exchange": "unclear", "participant": None, "content": False},
            "Add to the record of the call of 2026-05-14 (Encounter/e1): whether anyone was reached; "
            "who took part on the patient's side; what was discussed.",
        ),
        (
            {"staff": (), "at": "2026-05", "modality": "unknown"},
            "Add to the record of the contact of 2026-05 (Encounter/e1): on which day it took place; who held it; "
            "the role of who held it.",
        ),
        (
            {"programmes": ("99490",)},
            "Check that the call of 2026-05-14 (Encounter/e1) belongs to 99490; its minutes are not credited.",
        ),
        (
            {"barred": "data_review", "modality": "chart_review", "exchange": "none", "staff": NO_ROLE},
            "Add the role of who did the work to the review of 2026-05-14 (Encounter/e1); its minutes wait for it.",
        ),
    ],
)
def test_each_record_that_falls_short_says_what_to_add(changes: dict[str, Any], action: str) -> None:
    assert judged(ENOUGH, contact(**changes)).actions == (action,)


def test_an_excluded_contact_asks_for_nothing() -> None:
    assert judged(ENOUGH, contact(None, barred="voicemail", staff=NO_ROLE), contact(staff=FRONT_DESK)).actions == ()


@pytest.mark.parametrize(
    ("minutes", "action"),
    [
        (4, "6 more creditable minutes by 2026-05-31 would support 99470."),
        (10, "10 more creditable minutes by 2026-05-31 would support 99457."),
        (16, "4 more creditable minutes by 2026-05-31 would support 99457."),
        (19, "1 more creditable minute by 2026-05-31 would support 99457."),
    ],
)
def test_the_next_tier_says_how_many_minutes_are_left_to_it(minutes: int, action: str) -> None:
    assert judged(contact(minutes)).actions == (action,)


def test_minutes_that_the_record_to_be_completed_may_bring_are_not_asked_for_beside_it() -> None:
    assert judged(contact(None)).actions == (
        "Add how long the call of 2026-05-14 lasted (Encounter/e1); 10 minutes or more would support 99470.",
    )
    assert len(judged(contact(12, exchange="unclear")).actions) == 1
    assert judged(contact(6, exchange="unclear")).actions[1] == (
        "4 more creditable minutes by 2026-05-31 would then support 99470."
    )


def test_any_length_will_do_where_the_minutes_are_there_already() -> None:
    assert judged(contact(None), review(10)).actions == ("Add how long the call of 2026-05-14 lasted (Encounter/e1).",)


def test_the_length_that_a_record_with_more_gaps_must_show_is_said_too() -> None:
    assert judged(contact(None, decision=False), review(4)).actions == (
        "Add to the record of the call of 2026-05-14 (Encounter/e1): how long it lasted; what was decided, even if "
        "nothing changes (6 minutes or more would support 99470).",
    )


def test_what_makes_the_month_ready_comes_before_what_may_be_done_besides() -> None:
    long, short = ("Encounter/long",), ("Encounter/short",)
    actions = judged(
        contact(4, decision=False, sources=short), contact(12, "2026-05-20T09:00:00", content=False, sources=long)
    ).actions
    assert ["long" in action for action in actions] == [False, True]  # both have their minutes: the earlier one will do
    actions = judged(
        contact(4, exchange="unclear", sources=short),
        contact(12, "2026-05-20T09:00:00", exchange="unclear", sources=long),
    ).actions
    assert ["long" in action for action in actions] == [True, False]


def test_at_20_minutes_no_more_are_asked_for() -> None:
    assert judged(contact(20)).actions == ()


def test_before_2026_the_next_tier_is_99457() -> None:
    december = BillingMonth.parse("2025-12", ZONE)
    month = judged(contact(4, "2025-12-03T10:00:00"), month=december)
    assert month.actions == ("16 more creditable minutes by 2025-12-31 would support 99457.",)


def test_without_a_contact_an_exchange_is_asked_for_first() -> None:
    assert judged(review(14)).actions == (
        "Hold and document an exchange of 1 minute or more with the patient or a caregiver by 2026-05-31 (call, video "
        "visit, message exchange) to support 99470.",
    )
    assert "an exchange of 6 minutes or more" in judged(review(4)).actions[0]
    assert "(call, video visit)" in judged(review(14), policy="rpm-us-strict").actions[0]


def test_withheld_data_says_what_is_missing_and_why() -> None:
    gap = Gap(resource_type="DocumentReference", code="59204", reason="Part of the data was withheld.")
    other = Gap(resource_type=None, code="timeout", reason="A page could not be read.")
    assert judged(ENOUGH, gaps=(gap, gap, other)).actions == (
        "See that DocumentReference (59204) can be read in full, then judge the month again: "
        "Part of the data was withheld.",
        "See that data (timeout) can be read in full, then judge the month again: A page could not be read.",
    )


def test_while_data_is_unread_nothing_is_held_or_worked_that_may_be_on_record_already() -> None:
    gap = Gap(resource_type="Encounter", code="59204", reason="Part of the data was withheld.")
    for month in (judged(gaps=(gap,)), judged(contact(4), gaps=(gap,))):
        assert [action.partition(" (")[0] for action in month.actions] == ["See that Encounter"]
    two = judged(contact(12, decision=False), gaps=(gap,)).actions
    assert [action.split()[0] for action in two] == ["See", "Add"]


def test_readings_of_unknown_origin_are_asked_for_when_a_supply_code_waits_for_them() -> None:
    waiting = judged(ENOUGH, device_days=days(*range(1, 9)), other_days=days(*range(5, 19)))
    assert waiting.actions == ("Show which device took the readings of unknown origin (10 days): 99454 waits for it.",)
    assert judged(ENOUGH, other_days=days(*range(1, 19))).actions[0].endswith("99454 and 99445 wait for it.")
    assert judged(ENOUGH, device_days=days(1, 2), other_days=days(3)).actions == ()


def test_no_action_and_no_finding_names_a_person() -> None:
    month = judged(
        contact(None, programmes=("99490",)), contact(7, staff=NO_ROLE, modality="unknown"), review(8, staff=NO_ROLE)
    )
    said = " ".join((*month.actions, *(finding.message for finding in month.findings)))
    assert said
    assert not [person.name for person in RN if person.name and person.name.split()[1] in said]
