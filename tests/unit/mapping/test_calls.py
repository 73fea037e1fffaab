"""Logged calls beside the record: one event once, never better than the worst that is told, no minute twice."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from fhir_rpm import assess
from fhir_rpm.model import Assessment, Call, CallLog, Participant, StaffMember, UnreadCall
from tests.builders import PATIENT, SPOKE, encounter, message, note

AT = datetime.fromisoformat("2026-05-14T14:02:00-04:00")
VOICEMAIL = "Called patient, no answer. Left voicemail asking to call back."


def call(line: int = 2, at: datetime = AT, minutes: float | None = 12, **more: Any) -> Call:
    """An answered call by the nurse, without a note unless told otherwise."""
    seconds = None if minutes is None else round(minutes * 60)
    told = {"outcome": "answered", "staff_name": "Ana Ruiz", "staff_role": "RN"}
    source = f"call-log:calls.csv#{line}"
    return Call.model_validate({"source": source, "patient": "p1", "start": at, "seconds": seconds} | told | more)


def judged(*resources: dict[str, Any], calls: Any = (), **more: Any) -> Assessment:
    patient = {"resourceType": "Patient", "id": "p1"}
    return assess(
        [patient, *resources], month="2026-05", time_zone="America/New_York", vendor="epic", calls=calls, **more
    )


def findings(month: Assessment) -> set[str]:
    return {finding.code for finding in month.findings}


def test_a_programme_whose_calls_are_only_logged_can_be_judged_by_their_notes() -> None:
    month = judged(calls=[call(note=SPOKE)])
    (contact,) = month.contacts
    assert (contact.sources, contact.outcome, contact.minutes) == (("call-log:calls.csv#2",), "qualifies", 12)
    assert contact.staff == (Participant(name="Ana Ruiz", role="rn"),)
    assert month.codes["99470"].verdict == "supported"


def test_a_logged_call_without_a_note_proves_no_exchange_and_no_content() -> None:
    month = judged(calls=[call(minutes=25)])
    (contact,) = month.contacts
    assert contact.outcome == "insufficient"
    assert {"contact", "participant", "content", "decision"} <= set(contact.missing)
    assert month.codes["99457"].verdict == "hold"
    assert month.minutes.certain == 0


@pytest.mark.parametrize(
    ("outcome", "reason", "modality"),
    [("voicemail", "voicemail", "voicemail"), ("no_answer", "no_answer", "phone"), ("failed", "no_answer", "phone")],
)
def test_a_call_that_reached_nobody_is_excluded_whatever_its_note_says(
    outcome: str, reason: str, modality: str
) -> None:
    (contact,) = judged(calls=[call(outcome=outcome, note=SPOKE)]).contacts
    assert (contact.outcome, contact.reason, contact.modality, contact.minutes) == ("excluded", reason, modality, None)


def test_a_note_in_the_log_that_tells_of_a_voicemail_beats_the_word_answered() -> None:
    (contact,) = judged(calls=[call(note=VOICEMAIL)]).contacts
    assert (contact.outcome, contact.reason) == ("excluded", "voicemail")


def test_a_logged_call_and_its_encounter_are_one_contact_and_its_minutes_count_once() -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00")
    month = judged(held, note("d1", SPOKE, about="e1"), calls=[call(minutes=12)])
    (contact,) = month.contacts
    assert contact.sources == ("Encounter/e1", "call-log:calls.csv#2", "DocumentReference/d1")
    assert (contact.outcome, month.minutes.certain) == ("qualifies", 12)


def test_lengths_that_differ_count_as_the_smaller_with_a_finding() -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:20:00-04:00")
    month = judged(held, note("d1", SPOKE, about="e1"), calls=[call(minutes=12)])
    assert (month.minutes.certain, "minutes_conflict" in findings(month)) == (12, True)


def test_a_log_gives_an_encounter_the_minutes_it_lacks() -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00")
    assert judged(held, note("d1", SPOKE, about="e1")).codes["99470"].verdict == "hold"
    assert judged(held, note("d1", SPOKE, about="e1"), calls=[call()]).codes["99470"].verdict == "supported"


@pytest.mark.parametrize("outcome", ["voicemail", "no_answer", "failed"])
def test_a_log_that_reached_nobody_beats_a_record_that_tells_of_a_call(outcome: str) -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00")
    month = judged(held, note("d1", SPOKE, about="e1"), calls=[call(outcome=outcome)])
    (contact,) = month.contacts
    assert (contact.outcome, month.minutes.certain) == ("excluded", 0)
    assert "sources_disagree" in findings(month)


def test_a_record_that_tells_of_a_voicemail_beats_a_log_that_says_answered() -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00")
    month = judged(held, note("d1", VOICEMAIL, about="e1"), calls=[call(note=SPOKE)])
    assert [contact.reason for contact in month.contacts] == ["voicemail"]
    assert "sources_disagree" in findings(month)


def test_an_attempt_and_the_call_that_followed_are_two_events_of_which_the_last_decides_the_record() -> None:
    held = encounter("e1", "2026-05-14T14:06:00-04:00", "2026-05-14T14:18:00-04:00")
    attempt = call(2, outcome="no_answer", minutes=1)
    spoken = call(3, AT + timedelta(minutes=4))
    month = judged(held, note("d1", SPOKE, about="e1"), calls=[attempt, spoken])
    assert [(contact.outcome, contact.minutes) for contact in month.contacts] == [("qualifies", 12)]


@pytest.mark.parametrize(
    ("more", "contacts"),
    [
        ({"at": AT + timedelta(minutes=13)}, 1),
        ({"at": AT + timedelta(minutes=14)}, 2),
        ({"staff_name": "Kim Lee"}, 2),
        ({"staff_name": None, "staff_role": None}, 1),
        ({"channel": "video"}, 2),
        ({"channel": None}, 1),
        ({"at": AT + timedelta(hours=3), "encounter": "Encounter/e1"}, 1),
        ({"at": AT + timedelta(hours=3), "encounter": "Encounter/e2"}, 2),
    ],
)
def test_a_call_joins_by_channel_staff_and_nearness_or_by_the_encounter_it_names(
    more: dict[str, Any], contacts: int
) -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00")
    assert len(judged(held, note("d1", SPOKE, about="e1"), calls=[call(**more)]).contacts) == contacts


def test_a_long_call_is_found_by_its_overlap() -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:40:00-04:00")
    assert len(judged(held, calls=[call(at=AT + timedelta(minutes=20))]).contacts) == 1


def test_a_call_never_joins_a_visit_or_a_sitting_of_messages() -> None:
    visit = encounter("e1", "2026-05-14T14:00:00-04:00", type=[{"text": "Office Visit"}])
    seen = note("d1", "Office visit. Patient seen in clinic, BP 148/92, lisinopril increased to 20 mg.", about="e1")
    asked = message("m1", "2026-05-14T14:00:00-04:00", "How are your readings?", recipient=[PATIENT])
    answered = message(
        "m2", "2026-05-14T14:05:00-04:00", "148/92", PATIENT, inResponseTo=[{"reference": "Communication/m1"}]
    )
    sources = {contact.sources for contact in judged(visit, seen, asked, answered, calls=[call()]).contacts}
    assert ("call-log:calls.csv#2",) in sources


def test_a_cancelled_encounter_beside_a_logged_call_is_reported() -> None:
    never = encounter("e1", "2026-05-14T14:00:00-04:00", status="cancelled")
    month = judged(never, calls=[call(note=SPOKE)])
    assert [contact.reason for contact in month.contacts] == ["not_done", None]
    assert "sources_disagree" in findings(month)
    assert [contact.reason for contact in judged(never, calls=[call(encounter="Encounter/e1")]).contacts] == [
        "not_done"
    ]


def test_a_note_filed_later_and_the_logged_call_it_may_be_about_count_once() -> None:
    filed = note("d1", "RN " + SPOKE + " 12 minutes.", date="2026-05-15T09:30:00-04:00")
    alone = judged(filed)
    both = judged(filed, calls=[call(note=SPOKE)])
    assert alone.minutes.certain == both.minutes.certain == 12
    assert "call_may_be_on_record" in findings(both)
    assert both.codes["99457"].verdict == "hold"


def test_such_a_note_stands_for_one_call_at_most() -> None:
    filed = note("d1", "RN " + SPOKE + " 12 minutes.", date="2026-05-15T09:30:00-04:00")
    earlier = call(2, AT - timedelta(days=2), note=SPOKE)
    month = judged(filed, calls=[earlier, call(3, note=SPOKE)])
    assert month.minutes.certain == 24


def test_an_encounter_with_a_date_alone_and_a_call_of_that_day_count_once() -> None:
    held = encounter("e1", "2026-05-14", length={"value": 12, "code": "min"})
    month = judged(held, note("d1", SPOKE, date="2026-05-14", about="e1"), calls=[call(note=SPOKE)])
    assert month.minutes.certain == 12


def test_rows_of_one_call_count_once_and_the_worst_of_them_counts() -> None:
    rows = [call(2, note=SPOKE, call_id="c1"), call(3, call_id="c1", outcome="voicemail")]
    for order in (rows, rows[::-1]):
        month = judged(calls=order)
        assert [contact.reason for contact in month.contacts] == ["voicemail"]
        assert "call_log_conflict" in findings(month)


def test_a_row_repeated_without_an_id_counts_once() -> None:
    month = judged(calls=[call(2, note=SPOKE), call(3, note=SPOKE)])
    assert (len(month.contacts), month.minutes.certain) == (1, 12)
    assert "call_log_conflict" not in findings(month)


def test_calls_of_other_patients_are_left_out_and_counted() -> None:
    month = judged(calls=[call(), call(3, patient="Patient/p2"), call(4, patient="p3")])
    assert len(month.contacts) == 1
    assert next(f.message for f in month.findings if f.code == "other_patient_calls").endswith("left out: 2.")


def test_a_patient_known_only_by_the_log_is_judged() -> None:
    month = assess([], month="2026-05", time_zone="America/New_York", calls=[call(note=SPOKE)])
    assert (month.patient, len(month.contacts)) == ("Patient/p1", 1)


@pytest.mark.parametrize(
    ("row", "concerns"),
    [
        ({}, True),
        ({"patient": "Patient/p1"}, True),
        ({"patient": "Patient/p2"}, False),
        ({"patient": "Patient/p1", "day": "2026-05-31"}, True),
        ({"patient": "Patient/p1", "day": "2026-04-30"}, True),
        ({"patient": "Patient/p1", "day": "2026-04-29"}, False),
        ({"day": "2026-06-01"}, False),
    ],
)
def test_a_row_that_may_be_this_patient_s_makes_the_month_incomplete(row: dict[str, Any], concerns: bool) -> None:
    lost = UnreadCall.model_validate({"source": "call-log:calls.csv#9", "field": "start", "problem": "no time."} | row)
    month = judged(calls=CallLog(unread=(lost,)))
    assert [gap.code for gap in month.gaps] == (["call_log_row_unread"] if concerns else [])
    assert month.codes["99457"].verdict == ("hold" if concerns else "not_supported")
    assert month.codes["99454"].verdict == "not_supported"
    if concerns:
        assert "calls.csv line 9" in month.gaps[0].reason
        assert "call_log_row_unread" in findings(month)


@pytest.mark.parametrize(
    ("role", "outcome"), [("Scheduler", "excluded"), ("virtual agent", "excluded"), ("wizard", "insufficient")]
)
def test_who_is_no_clinician_by_the_log_is_none(role: str, outcome: str) -> None:
    text = SPOKE.replace("Dr. Moss notified; ", "")
    assert judged(calls=[call(staff_role=role, note=text)]).contacts[0].outcome == outcome


def test_the_log_s_non_clinical_role_beats_the_record_s() -> None:
    held = encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00")
    month = judged(held, note("d1", SPOKE, about="e1", author=[]), calls=[call(staff_role="Scheduler")])
    assert [contact.reason for contact in month.contacts] == ["non_clinical"]


def test_roles_of_agents_come_from_the_staff_directory_by_name_or_by_the_system_s_id() -> None:
    agent = call(staff_role=None, note=SPOKE)
    listed = StaffMember(role="lpn", name="Ruiz, Ana")
    (contact,) = judged(calls=[agent], staff=[listed]).contacts
    assert contact.staff == (Participant(name="Ana Ruiz", role="lpn"),)
    assert ("staff-directory", "role") in [(item.source, item.path) for item in contact.evidence]
    numbered = call(staff_role=None, staff_id="agt-7", note=SPOKE)
    by_id = StaffMember(role="ma", practitioner="agt-7")
    assert judged(calls=[numbered], staff=[by_id]).contacts[0].staff == (Participant(name="Ana Ruiz", role="ma"),)


def test_a_name_told_only_by_a_note_has_the_directory_s_role_and_a_contradiction_is_reported() -> None:
    plain = {"reference": "Practitioner/n1", "display": "Ana Ruiz"}
    held = encounter(
        "e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00", participant=[{"individual": plain}]
    )
    told = note("d1", SPOKE, about="e1", author=[plain])
    assert judged(held, told).contacts[0].missing == ("staff_role",)
    assert judged(held, told, staff=[StaffMember(role="rn", name="Ana Ruiz")]).contacts[0].outcome == "qualifies"
    credited = encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00")
    against = judged(credited, note("d1", SPOKE, about="e1"), staff=[StaffMember(role="non_clinical", name="Ana Ruiz")])
    assert [contact.reason for contact in against.contacts] == ["non_clinical"]
    assert "staff_role_conflict" in findings(against)


def test_no_name_of_a_caller_or_note_is_in_a_source() -> None:
    month = judged(calls=[call(note=SPOKE)])
    assert {item.source for item in month.contacts[0].evidence} == {"call-log:calls.csv#2"}


def test_the_order_of_the_rows_makes_no_difference() -> None:
    rows = [call(line, AT + timedelta(minutes=7 * line), note=SPOKE if line % 2 else None) for line in range(2, 9)]
    held = encounter("e1", "2026-05-14T14:20:00-04:00", "2026-05-14T14:32:00-04:00")
    expected = judged(held, calls=rows)
    random.Random(7).shuffle(rows)
    assert judged(held, calls=rows) == expected


_RANK = {"not_supported": 0, "hold": 1, "supported": 2}
_STATUS = {"not_met": 0, "hold": 1, "ready": 2}
_RECORDS: tuple[tuple[dict[str, Any], ...], ...] = (
    (),
    (encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:25:00-04:00"), note("d1", SPOKE, about="e1")),
    (encounter("e1", "2026-05-14T14:00:00-04:00"), note("d1", SPOKE + " 22 minutes.", about="e1")),
    (note("d1", "RN " + SPOKE + " 22 minutes.", date="2026-05-14T16:00:00-04:00"),),
    (encounter("e1", "2026-05-14T14:00:00-04:00"), note("d1", VOICEMAIL, about="e1")),
    (encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:25:00-04:00"),),
    (
        encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00"),
        note("d1", "Reviewed readings, 12 min.", about="e1"),
        encounter("e2", "2026-05-20T10:00:00-04:00", "2026-05-20T10:12:00-04:00"),
        note("d2", SPOKE, date="2026-05-20T10:20:00-04:00", about="e2"),
    ),
)


@pytest.mark.parametrize("record", _RECORDS)
@pytest.mark.parametrize("others", [(), (call(3, note=SPOKE),), (call(3, AT + timedelta(minutes=5), minutes=25),)])
@pytest.mark.parametrize("outcome", ["voicemail", "no_answer", "failed"])
@pytest.mark.parametrize("noted", [None, SPOKE, VOICEMAIL, "Reviewed readings, 25 min."])
def test_a_call_that_reached_nobody_never_improves_a_verdict(
    record: tuple[dict[str, Any], ...], others: tuple[Call, ...], outcome: str, noted: str | None
) -> None:
    before = judged(*record, calls=others)
    for shift in (-20, -3, 0, 9, 300):
        attempt = call(2, AT + timedelta(minutes=shift), outcome=outcome, note=noted)
        after = judged(*record, calls=(attempt, *others))
        for code in ("99457", "99458"):
            assert after.minutes.certain <= before.minutes.certain
            assert _RANK[after.codes[code].verdict] <= _RANK[before.codes[code].verdict], shift
        assert _STATUS[after.status] <= _STATUS[before.status]


def test_a_call_of_the_record_s_own_length_adds_no_minutes_wherever_it_lies() -> None:
    record = (
        encounter("e1", "2026-05-14T14:00:00-04:00", "2026-05-14T14:12:00-04:00"),
        note("d1", SPOKE, about="e1"),
    )
    for shift in range(-2, 3):
        month = judged(*record, calls=[call(at=AT + timedelta(minutes=shift - 2), note=SPOKE)])
        assert month.minutes.certain <= 12
