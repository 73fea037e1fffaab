"""Assessment §2 and §6: threads, sittings and answers."""

from typing import Any

import pytest

from fhir_rpm.mapping import read_month
from fhir_rpm.model import InteractiveCommunication
from fhir_rpm.month import BillingMonth
from tests.builders import NURSE, PATIENT, SPOKE, concept, encounter, message, note

MAY = BillingMonth.parse("2026-05", "America/New_York")
HEADER = {"reference": "Communication/h"}
DOCTOR = {"reference": "Practitioner/d1", "display": "R. Moss, MD"}
HUSBAND = {"reference": "RelatedPerson/r1", "display": "Dan Bond"}
DEVICE = {"reference": "Device/hub", "display": "RPM hub"}


def _contacts(*messages: dict[str, Any]) -> tuple[InteractiveCommunication, ...]:
    return read_month(messages, MAY).contacts


def _thread(*turns: tuple[str, Any], day: str = "2026-05-12") -> tuple[InteractiveCommunication, ...]:
    """Turns of one thread as (clock, sender); the header carries no payload."""
    header = message("h", None, None, topic={"text": "Weight alert"})
    messages = [
        message(
            f"m{place}",
            f"{day}T{clock}:00-04:00" if "T" not in clock else clock,
            "Weight 214, took it",
            sender=sender,
            partOf=[HEADER],
        )
        for place, (clock, sender) in enumerate(turns)
    ]
    return _contacts(header, *messages)


def test_a_live_thread_is_one_two_way_contact_from_first_to_last_message() -> None:
    (contact,) = _thread(("17:00", NURSE), ("17:02", "patient"), ("17:05", NURSE), ("17:12", "patient"))
    assert (contact.modality, contact.exchange, contact.participant) == ("secure_message", "two_way", "patient")
    assert (contact.minutes, contact.sources) == (12, tuple(f"Communication/m{place}" for place in range(4)))


def test_minutes_that_messages_talk_about_are_not_the_length_of_the_sitting() -> None:
    asked = message("m1", "2026-05-12T17:00:00-04:00", "Pulse 128. Do you feel palpitations?")
    felt = message("m2", "2026-05-12T17:06:00-04:00", "Fluttering for ten minutes, no pain.", sender="patient")
    told = message("m3", "2026-05-12T17:18:00-04:00", "Take metoprolol now, new reading in 15 minutes.")
    (contact,) = _contacts(*(turn | {"partOf": [HEADER]} for turn in (asked, felt, told)))
    assert contact.minutes == 18


def test_an_unlinked_note_about_a_sitting_is_the_same_event_and_two_sittings_are_two() -> None:
    asked = message("m1", "2026-05-12T09:00:00-04:00", "Weight 214. Any swelling?")
    told = message("m2", "2026-05-12T09:12:00-04:00", "No, took it", sender="patient", partOf=[_to("m1")])
    other = message("m3", "2026-05-12T09:05:00-04:00", "Your new scale was shipped.")
    text = "Secure message exchange with patient in the portal, 12 min. Weight 214, no swelling. No medication change."
    about = note("d1", text, "2026-05-12T09:13:00-04:00", type=concept("Nurse Note"))
    first, second = _contacts(asked, told, other, about)
    assert first.sources == ("Communication/m1", "Communication/m2", "DocumentReference/d1")
    assert (first.minutes, second.sources) == (12, ("Communication/m3",))


def _to(identity: str) -> dict[str, str]:
    return {"reference": f"Communication/{identity}"}


def test_a_thread_header_without_payload_is_no_contact() -> None:
    assert _contacts(message("h", None, None, topic={"text": "Hello"})) == ()


def test_an_answer_within_thirty_minutes_is_live_and_a_later_one_is_delayed() -> None:
    assert [contact.exchange for contact in _thread(("10:00", NURSE), ("10:30", "patient"))] == ["two_way"]
    (late,) = _thread(("10:00", NURSE), ("10:31", "patient"))
    assert (late.exchange, late.barred, late.minutes) == ("delayed", "delayed_reply", None)


def test_gaps_are_real_time_when_the_clocks_change() -> None:
    def exchanges(month: str, *turns: tuple[str, Any]) -> list[str]:
        sent = [
            message(f"m{at}", time, "Weight 214", sender=by, partOf=[HEADER]) for at, (time, by) in enumerate(turns)
        ]
        return [
            contact.exchange for contact in read_month(sent, BillingMonth.parse(month, "America/New_York")).contacts
        ]

    spring = (("2026-03-08T06:50:00Z", NURSE), ("2026-03-08T07:05:00Z", "patient"))
    autumn = (("2026-11-01T05:20:00Z", NURSE), ("2026-11-01T06:30:00Z", "patient"))
    assert exchanges("2026-03", *spring) == ["two_way"]
    assert exchanges("2026-11", *autumn) == ["delayed"]


def test_dates_without_a_time_leave_open_whether_the_answer_was_live() -> None:
    def exchanges(answered: str) -> list[str]:
        turns = (("m1", "2026-05-12", NURSE), ("m2", answered, "patient"))
        sent = [message(name, day, "Weight 214", sender=by, partOf=[HEADER]) for name, day, by in turns]
        return [contact.exchange for contact in _contacts(*sent)]

    assert (exchanges("2026-05-12"), exchanges("2026-05-13")) == (["unclear"], ["delayed"])


def test_a_picture_is_an_answer() -> None:
    picture = [{"contentAttachment": {"contentType": "image/jpeg", "url": "Binary/p"}}]
    answer = message("m2", "2026-05-12T10:05:00-04:00", None, sender="patient", partOf=[HEADER], payload=picture)
    record = read_month([message("m1", "2026-05-12T10:00:00-04:00", "Weight?", partOf=[HEADER]), answer], MAY)
    assert ([contact.exchange for contact in record.contacts], record.gaps) == (["two_way"], ())


@pytest.mark.parametrize("more", [{}, {"medium": [concept("", "PHONE")]}, {"recipient": [DOCTOR]}], ids=str)
def test_a_message_whose_body_was_not_read_is_a_gap(more: dict[str, Any]) -> None:
    body = [{"contentReference": {"reference": "Binary/lost"}}]
    record = read_month([message("m1", "2026-05-12T10:00:00-04:00", None, payload=body, **more)], MAY)
    assert [contact.sources for contact in record.contacts] == [("Communication/m1",)]
    assert [(gap.resource_type, gap.code) for gap in record.gaps] == [("Binary", "unreadable_body")]


def test_a_thread_that_was_all_an_error_is_one_contact() -> None:
    turns = [
        message(
            f"m{at}", f"2026-05-12T10:0{at}:00-04:00", "Weight?", sender=by, partOf=[HEADER], status="entered-in-error"
        )
        for at, by in enumerate((NURSE, "patient"))
    ]
    (contact,) = _contacts(*turns)
    assert (contact.barred, len(contact.sources)) == ("not_done", 2)


def test_a_message_nobody_answered_is_no_reply() -> None:
    (contact,) = _thread(("10:00", NURSE))
    assert (contact.exchange, contact.barred, contact.minutes) == ("one_way", "no_reply", None)


def test_a_patients_message_that_staff_answered_in_time_is_unclear() -> None:
    (contact,) = _thread(("10:00", "patient"), ("10:16", NURSE))
    assert (contact.exchange, contact.barred, contact.minutes, contact.participant) == ("unclear", None, 16, "patient")


def test_a_patients_message_that_staff_answered_late_is_delayed() -> None:
    (contact,) = _thread(("10:00", "patient"), ("15:00", NURSE))
    assert (contact.exchange, contact.barred) == ("delayed", "delayed_reply")


def test_a_patients_message_that_nobody_answered_is_no_reply() -> None:
    (contact,) = _thread(("10:00", "patient"))
    assert (contact.exchange, contact.barred) == ("one_way", "no_reply")


def test_each_sitting_of_a_thread_is_a_contact() -> None:
    contacts = _thread(("10:00", NURSE), ("10:05", "patient"), ("15:00", NURSE), ("15:03", "patient"))
    assert [(contact.exchange, contact.minutes) for contact in contacts] == [("two_way", 5), ("two_way", 3)]


def test_sittings_that_name_one_encounter_stay_apart() -> None:
    visit = encounter("e1", "2026-05-12", type=[concept("Patient message")])
    turns = [("09", NURSE, "z"), ("09", "patient", "y"), ("15", NURSE, "b"), ("15", "patient", "a")]
    sent = [
        message(
            name,
            f"2026-05-12T{hour}:{minute:02d}:00-04:00",
            "Weight 214",
            sender=by,
            partOf=[HEADER],
            encounter={"reference": "Encounter/e1"},
        )
        for minute, (hour, by, name) in enumerate(turns)
    ]
    first, second = _contacts(visit, *sent)
    assert first.sources == ("Encounter/e1", "Communication/z", "Communication/y")
    assert second.sources == ("Communication/b", "Communication/a")


def test_messages_around_a_call_are_events_of_their_own() -> None:
    link = {"encounter": {"reference": "Encounter/e1"}}
    reminder = message("m1", "2026-05-11T08:00:00-04:00", "Reminder: call tomorrow.", sender=DEVICE, **link)
    thanks = message("m2", "2026-05-12T11:00:00-04:00", "Thank you for talking with me.", **link)
    about = note("d1", SPOKE, "2026-05-12T10:20:00-04:00", about="e1")
    event = encounter("e1", "2026-05-12T10:00:00-04:00", "2026-05-12T10:15:00-04:00")
    first, call, last = _contacts(event, about, reminder, thanks)
    assert (call.sources, call.barred, call.minutes) == (("Encounter/e1", "DocumentReference/d1"), None, 15)
    assert (first.barred, last.barred) == ("automated", "no_reply")


@pytest.mark.parametrize(
    ("changes", "barred"),
    [
        ({"status": "not-done", "medium": [concept("", "PHONE")]}, "not_done"),
        ({"status": "preparation"}, "not_done"),
        ({"sender": DEVICE, "medium": [concept("", "PHONE")]}, "automated"),
    ],
)
def test_what_never_was_or_a_machine_did_takes_nothing_from_a_call_that_was_held(
    changes: dict[str, Any], barred: str
) -> None:
    beside = (
        message("m1", "2026-05-12T09:00:00-04:00", "Call at 10.", encounter={"reference": "Encounter/e1"}) | changes
    )
    event = encounter("e1", "2026-05-12T10:00:00-04:00", "2026-05-12T10:15:00-04:00")
    other, call = _contacts(event, note("d1", SPOKE, "2026-05-12T10:20:00-04:00", about="e1"), beside)
    assert (other.barred, call.barred, call.minutes) == (barred, None, 15)
    assert (other.modality == "automated") is (barred == "automated")


def test_of_two_calls_of_one_encounter_the_later_decides() -> None:
    call = {"medium": [concept("", "PHONE")], "encounter": {"reference": "Encounter/e1"}}
    tried = message("b", "2026-05-12T09:00:00-04:00", "Called patient, no answer, left voicemail.", **call)
    reached = message("a", "2026-05-12T09:10:00-04:00", SPOKE, **call)
    (contact,) = _contacts(encounter("e1", "2026-05-12"), tried, reached)
    assert (contact.exchange, contact.modality) == ("two_way", "phone")


def test_staff_messages_that_the_next_sitting_answers_belong_to_it() -> None:
    live = _thread(("10:00", NURSE), ("15:00", "patient"), ("15:02", NURSE), ("15:06", "patient"))
    assert [(contact.exchange, contact.minutes, len(contact.sources)) for contact in live] == [("two_way", 6, 4)]
    slow = _thread(("10:00", NURSE), ("15:00", "patient"), ("15:02", NURSE))
    assert [(contact.exchange, contact.barred, len(contact.sources)) for contact in slow] == [
        ("delayed", "delayed_reply", 3)
    ]


def test_a_relative_who_writes_is_a_caregiver() -> None:
    (contact,) = _thread(("10:00", NURSE), ("10:02", HUSBAND))
    assert contact.participant == "caregiver"


@pytest.mark.parametrize("label", ["Automatic reply", "Read receipt", "Out of office"])
def test_what_nobody_wrote_is_no_answer_but_stays_in_the_sources(label: str) -> None:
    sent = message("m1", "2026-05-12T10:00:00-04:00", "Please answer")
    by_category = message(
        "m2",
        "2026-05-12T10:00:09-04:00",
        "I am driving",
        sender="patient",
        category=[concept(label)],
        inResponseTo=[{"reference": "Communication/m1"}],
    )
    by_text = by_category | {"category": [], "payload": [{"contentString": f"{label}: I will see this later."}]}
    for answer in (by_category, by_text):
        (contact,) = _contacts(sent, answer)
        assert (contact.barred, contact.sources) == ("no_reply", ("Communication/m1", "Communication/m2"))


def test_staff_writing_about_the_patient_is_internal() -> None:
    (contact,) = _contacts(
        message("m1", "2026-05-12T10:00:00-04:00", "Please call him", sender=DOCTOR, recipient=[NURSE])
    )
    assert (contact.modality, contact.exchange, contact.barred) == ("internal", "none", "internal")


def test_a_staff_message_that_narrates_a_call_asks_for_a_note() -> None:
    text = "Spoke with pt by phone, BP 150/90, continue lisinopril."
    record = read_month([message("m1", "2026-05-12T10:00:00-04:00", text, recipient=[DOCTOR])], MAY)
    assert record.contacts[0].barred == "internal"
    assert [finding.code for finding in record.findings] == ["note_of_contact_needed"]


def test_a_device_is_no_staff() -> None:
    (alert,) = _thread(("10:00", DEVICE), ("10:01", "patient"))
    assert (alert.modality, alert.barred, alert.minutes) == ("automated", "automated", None)


def test_a_call_by_a_device_is_automated() -> None:
    call = message(
        "m1",
        "2026-05-12T10:00:00-04:00",
        "Agent: Hello. Patient: Yes",
        sender=DEVICE,
        medium=[concept("phone", "PHONE")],
    )
    (contact,) = _contacts(call)
    assert (contact.modality, contact.barred) == ("automated", "automated")


def test_unsent_drafts_are_ignored_when_the_thread_has_other_messages() -> None:
    draft = message("m2", None, "Draft", status="preparation", partOf=[{"reference": "Communication/m1"}])
    assert len(_contacts(message("m1", "2026-05-12T10:00:00-04:00", "Hello"), draft)) == 1
    (alone,) = _contacts(message("m3", "2026-05-12T10:00:00-04:00", "Draft", status="preparation"))
    assert alone.barred == "not_done"


@pytest.mark.parametrize("code", ["EMAILWRIT", "MAILWRIT", "FAXWRIT"])
def test_mail_is_email_or_letter(code: str) -> None:
    (contact,) = _contacts(message("m1", "2026-05-12T10:00:00-04:00", "Dear Mr. Bond", medium=[concept("", code)]))
    assert contact.modality == "email_or_letter"


@pytest.mark.parametrize(("code", "minutes"), [("PHONE", 25), ("VIDEOCONF", 25)])
def test_sent_to_received_is_the_length_of_a_call(code: str, minutes: int) -> None:
    call = message(
        "m1",
        "2026-05-12T10:05:00-04:00",
        "Spoke with pt.",
        received="2026-05-12T10:30:00-04:00",
        medium=[concept("", code)],
    )
    (contact,) = _contacts(call)
    assert contact.minutes == minutes


def test_sent_to_received_is_no_length_of_a_message() -> None:
    (contact,) = _contacts(message("m1", "2026-05-12T10:05:00-04:00", "Hello", received="2026-05-12T10:30:00-04:00"))
    assert contact.minutes is None


def test_received_dates_a_message_that_was_never_sent() -> None:
    (contact,) = _contacts(message("m1", None, "ALERT", received="2026-05-12T10:05:00-04:00", recipient=[PATIENT]))
    assert str(contact.start) == "2026-05-12T10:05:00-04:00"


def test_a_message_of_no_date_is_reported() -> None:
    record = read_month([message("m1", None, "Hello")], MAY)
    assert (record.contacts, [finding.code for finding in record.findings]) == ((), ["undated_evidence"])
