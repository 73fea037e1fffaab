"""§3: minutes, certain and possible."""

import pytest

from tests.builders import NURSE, Json, concept, encounter, message, note
from tests.contract.month import (
    CLERK,
    CLERK_ROLE,
    HUDDLE,
    LIVE,
    NO_ANSWER,
    PHONE,
    REVIEW,
    TALK,
    VAGUE,
    VOICEMAIL,
    call,
    call_of,
    contact,
    each_vendor,
    finding_codes,
    judged,
    thread,
)
from tests.contract.sentences import sentence

UNNAMED = {"reference": "Practitioner/x1", "display": "Lee Park"}


def _minutes(*resources: Json, **settings: str) -> tuple[int, int | None]:
    bounds = judged(*resources, **settings)["minutes"]
    return bounds["certain"], bounds["possible"]


def _by(person: Json, minutes: int, text: str = TALK, day: int = 20) -> list[Json]:
    event, document = call_of(minutes, "9", day, text, participant=[{"individual": person}])
    return [event, document | {"author": [person]}]


@sentence("3", "`certain` = distinct minutes of: contacts that qualify;")
@sentence("3", "two_way contacts with clinical staff and known minutes that are insufficient for another reason;")
@each_vendor
def test_qualifying_and_incomplete_two_way_calls_are_certain(vendor: str) -> None:
    assert _minutes(
        *call_of(12), *thread(*[(f"2026-05-15T{at}:00-04:00", *rest) for at, *rest in LIVE]), vendor=vendor
    ) == (24, 24)
    assert _minutes(*call_of(12), *call_of(9, "2", 15, "Spoke with patient by phone."), vendor=vendor) == (21, 21)


@sentence("3", "`data_review` and `internal` work by clinical staff with known minutes.")
@each_vendor
def test_review_and_team_work_of_clinical_staff_is_certain(vendor: str) -> None:
    work = [*call_of(8, "2", 5, REVIEW), *call_of(6, "3", 6, HUDDLE)]
    assert _minutes(*call_of(12), *work, vendor=vendor) == (26, 26)
    typed = encounter("e4", "2026-05-07T09:00:00-04:00", "2026-05-07T09:07:00-04:00", type=[concept("Chart Review")])
    assert _minutes(*call_of(12), typed, vendor=vendor) == (19, 19)
    unmeasured = call("5", "2026-05-08", None, REVIEW)
    assert _minutes(*call_of(12), *unmeasured, vendor=vendor) == (12, 12)


@sentence("3", "`possible` = `certain` plus minutes of unclear contacts, and of contacts whose staff role is missing;")
@each_vendor
def test_unclear_calls_and_unknown_roles_are_possible(vendor: str) -> None:
    assert _minutes(*call_of(12), *call_of(9, "2", 15, VAGUE), vendor=vendor) == (12, 21)
    assert _minutes(*call_of(12), *_by(UNNAMED, 9), vendor=vendor) == (12, 21)
    assert _minutes(*call_of(12), *_by(UNNAMED, 9, REVIEW), vendor=vendor) == (12, 21)


@sentence("3", "`null` as soon as an insufficient contact has no minutes.")
@each_vendor
def test_an_insufficient_contact_without_minutes_leaves_no_bound(vendor: str) -> None:
    assert _minutes(*call_of(12), *call("2", "2026-05-15"), vendor=vendor) == (12, None)
    assert _minutes(*call_of(12), *call("2", "2026-05-15", None, VOICEMAIL), vendor=vendor) == (12, 12)


CREDIT = "Not credited: attempts (voicemail, no_answer, no_reply), delayed messages, automated, wrong party"


@sentence("3", CREDIT)
@each_vendor
@pytest.mark.parametrize(
    "extra",
    [
        call_of(9, "2", 15, VOICEMAIL),
        call_of(9, "2", 15, NO_ANSWER),
        [message("c1", "2026-05-15T09:00:00-04:00", "Please call us.", received="2026-05-15T09:30:00-04:00")],
        thread(("09:00", "How do you feel?", NURSE), ("10:00", "Fine.", "patient"), ("10:20", "Good.", NURSE)),
        [
            message(
                "c1",
                "2026-05-15T09:00:00-04:00",
                "Take your reading.",
                {"reference": "Device/hub"},
                medium=PHONE,
                received="2026-05-15T09:09:00-04:00",
            )
        ],
        [*_by(CLERK, 9), CLERK_ROLE],
        [*_by(CLERK, 9, REVIEW), CLERK_ROLE],
        call_of(9, "2", 15, TALK, status="cancelled"),
    ],
    ids=["voicemail", "no answer", "no reply", "delayed", "automated", "clerk's call", "clerk's review", "cancelled"],
)
def test_what_is_not_credited(extra: list[Json], vendor: str) -> None:
    assert _minutes(*call_of(12), *extra, vendor=vendor) == (12, 12)


@sentence("3", "and time recorded for another programme (Encounter coded 99490, 99439, 99487, 99489, 99491")
@each_vendor
@pytest.mark.parametrize("system", ["http://www.ama-assn.org/go/cpt", "urn:oid:2.16.840.1.113883.6.12", None])
@pytest.mark.parametrize("code", ["99490", "99439", "99487", "99489", "99491", "99424", "99427", "99484", "98980"])
def test_time_of_another_programme_is_not_credited(code: str, system: str | None, vendor: str) -> None:
    coding = {"code": code} | ({"system": system} if system else {})
    other = call_of(9, "2", 15, type=[concept("Telephone"), {"coding": [coding]}])
    month = judged(*call_of(12), *other, vendor=vendor)
    assert month["minutes"] == {"certain": 12, "possible": 12}
    assert "other_programme" in finding_codes(month)
    assert [found["outcome"] for found in month["contacts"]] == ["qualifies", "qualifies"]


@sentence(
    "3", "Intervals with clock times are united before they are added, so two records of the same minutes count once."
)
@each_vendor
def test_the_same_minutes_count_once(vendor: str) -> None:
    other = {"reference": "Practitioner/n2", "display": "Bea Lund, RN"}
    event = encounter(
        "e2", "2026-05-14T09:06:00-04:00", "2026-05-14T09:18:00-04:00", participant=[{"individual": other}]
    )
    second = [event, note("d2", TALK, about="e2", author=[other])]
    assert _minutes(*call_of(12), *second, vendor=vendor) == (18, 18)
    review = [event, note("d2", REVIEW, about="e2", author=[other])]
    assert _minutes(*call_of(12), *review, vendor=vendor) == (18, 18)
    zoned = [
        encounter("e2", "2026-05-14T13:00:00Z", "2026-05-14T13:12:00Z", participant=[{"individual": other}]),
        second[1],
    ]
    assert _minutes(*call_of(12), *zoned, vendor=vendor) == (12, 12)


@sentence(
    "3", "Intervals with clock times are united before they are added, so two records of the same minutes count once."
)
@each_vendor
def test_a_start_and_a_stated_length_are_clock_times(vendor: str) -> None:
    other = {"reference": "Practitioner/n2", "display": "Bea Lund, RN"}
    event = encounter("e2", "2026-05-14T09:06:00-04:00", participant=[{"individual": other}])
    told = note("d2", TALK.replace("by phone", "by phone for 12 minutes"), about="e2", author=[other])
    assert _minutes(*call_of(12), event, told, vendor=vendor) == (18, 18)
    stated = event | {"length": {"value": 12, "unit": "min"}}
    assert _minutes(*call_of(12), stated, note("d2", TALK, about="e2", author=[other]), vendor=vendor) == (18, 18)


@sentence("3", "Seconds are added, and the sum is floored to whole minutes once.")
@sentence("3", "Nothing is ever rounded up.")
@each_vendor
def test_seconds_are_added_and_floored_once(vendor: str) -> None:
    def lasting(identity: str, day: int, clock: str) -> list[Json]:
        return call(identity, f"2026-05-{day:02}T09:00:00-04:00", f"2026-05-{day:02}T09:{clock}-04:00")

    assert _minutes(*lasting("1", 4, "09:59"), *lasting("2", 5, "10:01"), vendor=vendor) == (20, 20)
    assert _minutes(*lasting("1", 4, "09:59"), *lasting("2", 5, "10:00.999"), vendor=vendor) == (19, 19)
    assert _minutes(*lasting("1", 4, "19:59"), vendor=vendor) == (19, 19)
    assert contact(*lasting("1", 4, "19:59"), vendor=vendor)["minutes"] == 19
    assert judged(*lasting("1", 4, "19:59"), vendor=vendor)["codes"]["99457"]["verdict"] == "not_supported"


@sentence("3", "A contact across the month's end is split at the boundary for minutes only.")
@each_vendor
def test_a_call_across_the_months_end_is_split_for_minutes_only(vendor: str) -> None:
    late = call("1", "2026-05-31T23:50:00-04:00", "2026-06-01T00:15:00-04:00")
    may, june = judged(*late, vendor=vendor), judged(*late, month="2026-06", vendor=vendor)
    assert [found["minutes"] for found in may["contacts"]] == [25]
    assert (may["minutes"]["certain"], may["codes"]["99470"]["verdict"]) == (10, "supported")
    assert (june["contacts"], june["minutes"]) == ([], {"certain": 15, "possible": 15})


@sentence("3", "A contact across the month's end is split at the boundary for minutes only.")
@each_vendor
def test_a_told_length_from_a_start_across_the_months_end_is_split_too(vendor: str) -> None:
    told = TALK.replace("by phone", "by phone for 25 minutes")
    late = [encounter("e1", "2026-05-31T23:50:00-04:00"), note("d1", told, about="e1")]
    may, june = judged(*late, vendor=vendor), judged(*late, month="2026-06", vendor=vendor)
    assert ([found["minutes"] for found in may["contacts"]], may["minutes"]["certain"]) == ([25], 10)
    assert (june["contacts"], june["minutes"]["certain"]) == ([], 15)


@sentence("3", "A contact across the month's end is split at the boundary for minutes only.")
@each_vendor
def test_a_message_answered_in_the_next_month_gives_its_minutes_there(vendor: str) -> None:
    turns = thread(
        ("2026-05-31T22:00:00-04:00", "Your BP was 150/95. How do you feel?", NURSE),
        ("2026-06-01T09:00:00-04:00", "No dizziness, I took my lisinopril.", "patient"),
        ("2026-06-01T09:05:00-04:00", "Please continue the current plan; recheck Thursday.", NURSE),
        ("2026-06-01T09:12:00-04:00", "I will.", "patient"),
    )
    may, june = judged(*turns, vendor=vendor), judged(*turns, month="2026-06", vendor=vendor)
    assert ([found["minutes"] for found in may["contacts"]], may["minutes"]["certain"]) == ([12], 0)
    assert (june["contacts"], june["minutes"]["certain"]) == ([], 12)
