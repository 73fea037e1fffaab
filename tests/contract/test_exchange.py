"""§2, exchange and outcome: whether anybody answered, and what a contact amounts to."""

from typing import Any

import pytest

from tests.builders import NURSE, PATIENT, Json, concept, encounter, message, note
from tests.contract.month import (
    CALL,
    CLERK,
    CLERK_ROLE,
    DETAILS,
    HUDDLE,
    LIVE,
    NO_ANSWER,
    PHONE,
    REVIEW,
    TALK,
    VAGUE,
    VIDEO,
    VOICEMAIL,
    call,
    contact,
    contacts,
    each_vendor,
    outcome,
    thread,
)
from tests.contract.sentences import sentence

DEVICE = {"reference": "Device/hub", "display": "RPM hub"}
ASK = "Your BP was 150/95 today. How do you feel?"
ANSWER = "No dizziness, I took my lisinopril."
PLAN = "Please continue the current plan; recheck Thursday."
REASONS = "`excluded` with the first that applies: `not_done`, `voicemail`, `no_answer`, `automated`, `internal`"


@sentence("2", "Text: decided as in `note-rubric.md` (`contact`: two_way, one_way, delayed, none, unclear).")
@each_vendor
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TALK, "qualifies"),
        (VOICEMAIL, "voicemail"),
        (NO_ANSWER, "no_answer"),
        (REVIEW, "data_review"),
        (HUDDLE, "internal"),
        (VAGUE, "contact participant content decision"),
    ],
)
def test_the_text_decides_whether_there_was_an_exchange(text: str, expected: str, vendor: str) -> None:
    assert outcome(*call("1", *CALL, text), vendor=vendor) == expected


@sentence("2", "Messages: `two_way` when a patient-side message follows a staff message within 30 minutes")
@sentence("2", "`delayed` when every patient-side answer comes later than that;")
@each_vendor
@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ("09:01", "qualifies"),
        ("09:30", "qualifies"),
        ("2026-05-14T13:30:00Z", "qualifies"),
        ("2026-05-14T09:30:01-04:00", "delayed_reply"),
        ("12:00", "delayed_reply"),
        ("2026-05-16T09:05:00-04:00", "delayed_reply"),
    ],
)
def test_an_answer_is_live_within_thirty_minutes(answered: str, expected: str, vendor: str) -> None:
    assert outcome(*thread(("09:00", f"{ASK} {PLAN}", NURSE), (answered, ANSWER, "patient")), vendor=vendor) == expected


@sentence("2", "`delayed` when every patient-side answer comes later than that;")
@each_vendor
def test_one_live_answer_among_late_ones_is_an_exchange(vendor: str) -> None:
    turns = (
        ("09:00", ASK, NURSE),
        ("13:00", ANSWER, "patient"),
        ("13:10", PLAN, NURSE),
        ("13:20", "Thanks.", "patient"),
    )
    found = contact(*thread(*turns), vendor=vendor)
    assert (found["outcome"], found["minutes"], len(found["sources"])) == ("qualifies", 20, 4)


@sentence("2", "`one_way` when the patient side never wrote;")
@each_vendor
def test_what_nobody_answered_is_one_way(vendor: str) -> None:
    assert outcome(*thread(("09:00", ASK, NURSE), ("09:10", PLAN, NURSE)), vendor=vendor) == "no_reply"
    assert outcome(message("c1", CALL[0], ASK), vendor=vendor) == "no_reply"


@sentence("2", "`unclear` when the patient wrote first, staff answered and nothing followed.")
@each_vendor
def test_a_question_that_staff_answered_is_unclear(vendor: str) -> None:
    turns = (("09:00", f"My BP is 150/95. {ANSWER}", "patient"), ("09:10", PLAN, NURSE))
    assert outcome(*thread(*turns), vendor=vendor) == "contact"


@sentence("2", "Automatic replies, read receipts and Device senders are not patient-side messages.")
@each_vendor
@pytest.mark.parametrize(
    ("text", "sender", "more"),
    [
        ("Automatic reply: I am away until Monday.", "patient", {}),
        ("Automatic Reply - thank you for your message", "patient", {}),
        ("Out of office: back on Monday", "patient", {}),
        ("Message was opened.", "patient", {"category": [concept("Read receipt")]}),
        ("Message read.", DEVICE, {}),
        ("BP 150/90 received.", DEVICE, {}),
    ],
)
def test_what_no_person_wrote_is_no_answer(text: str, sender: Any, more: Json, vendor: str) -> None:
    turns = thread(("09:00", ASK, NURSE), ("09:01", text, sender), ("09:10", PLAN, NURSE))
    turns[2] |= more
    found = contact(*turns, vendor=vendor)
    assert (found["reason"], found["participant"]) == ("no_reply", None)
    assert len(found["sources"]) == 3


@sentence("2", "A phone or video Encounter or Communication with no text at all is `unclear`.")
@each_vendor
@pytest.mark.parametrize(
    "event",
    [
        encounter("e1", *CALL),
        encounter("e1", *CALL, type=[concept("Video Visit")]),
        message("c1", CALL[0], None, medium=PHONE, received=CALL[1]),
        message("c1", CALL[0], None, medium=VIDEO, received=CALL[1]),
    ],
    ids=["phone encounter", "video encounter", "phone communication", "video communication"],
)
def test_a_call_without_text_is_unclear(event: Json, vendor: str) -> None:
    assert outcome(event, vendor=vendor) == "contact participant content decision"
    assert contact(event, vendor=vendor)["minutes"] == 12


@sentence("2", REASONS)
@each_vendor
@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (call("1", *CALL, VOICEMAIL, status="cancelled"), "not_done"),
        (call("1", *CALL, VOICEMAIL), "voicemail"),
        (call("1", *CALL, NO_ANSWER), "no_answer"),
        ([message("c1", CALL[0], "Please take your reading.", DEVICE)], "automated"),
        (call("1", *CALL, HUDDLE), "internal"),
        (call("1", *CALL, REVIEW), "data_review"),
        (
            [
                *call("1", *CALL, participant=[{"individual": CLERK}])[:1],
                note("d1", TALK, about="e1", author=[CLERK]),
                CLERK_ROLE,
            ],
            "non_clinical",
        ),
        ([message("c1", CALL[0], ASK)], "no_reply"),
        (thread(("09:00", ASK, NURSE), ("15:00", ANSWER, "patient")), "delayed_reply"),
        (
            call("1", *CALL, f"Office visit with patient in clinic. {DETAILS}", type=[concept("Office Visit")]),
            "channel",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_reason_to_exclude(resources: list[Json], reason: str, vendor: str) -> None:
    found = contact(*resources, vendor=vendor)
    assert (found["outcome"], found["reason"], found["missing"]) == ("excluded", reason, [])


@sentence("2", REASONS)
@each_vendor
def test_the_first_reason_that_applies_is_given(vendor: str) -> None:
    def by_clerk(text: str, **more: Any) -> list[Json]:
        event = encounter("e1", *CALL, participant=[{"individual": CLERK}], **more)
        return [event, note("d1", text, about="e1", author=[CLERK]), CLERK_ROLE]

    assert outcome(*by_clerk(VOICEMAIL), vendor=vendor) == "voicemail"
    assert outcome(*by_clerk(NO_ANSWER), vendor=vendor) == "no_answer"
    assert outcome(*by_clerk(HUDDLE), vendor=vendor) == "internal"
    assert outcome(*by_clerk(TALK), policy="rpm-us-strict", vendor=vendor) == "non_clinical"
    late = thread(("09:00", ASK, NURSE), ("15:00", ANSWER, "patient"))
    assert outcome(*late, policy="rpm-us-strict", vendor=vendor) == "delayed_reply"
    clerks = thread(("09:00", ASK, CLERK))
    assert outcome(*clerks, CLERK_ROLE, vendor=vendor) == "non_clinical"


@sentence("2", "`no_reply` (sent, never answered), `delayed_reply`, `channel` (modality not accepted by the policy")
@sentence("2", "messages under `rpm-us-strict`).")
@each_vendor
def test_e_mail_never_counts_and_messages_not_under_the_strict_policy(vendor: str) -> None:
    mail = thread(*LIVE, medium=[concept("", "EMAILWRIT")])
    for policy in ("rpm-us", "rpm-us-strict"):
        assert outcome(*mail, policy=policy, vendor=vendor) == "channel"
    assert outcome(*thread(*LIVE), vendor=vendor) == "qualifies"
    assert outcome(*thread(*LIVE), policy="rpm-us-strict", vendor=vendor) == "channel"


@sentence("2", "`insufficient` when contact is unclear, or two_way with any of the seven elements missing.")
@each_vendor
@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"start": "2026-05"}, "date minutes"),
        ({"person": {"reference": "PractitionerRole/r1"}}, "staff_name"),
        ({"person": {"display": "Ana Ruiz"}}, "staff_role"),
        ({"start": "2026-05-14"}, "minutes"),
        ({"text": "Spoke with patient by phone."}, "content decision"),
    ],
    ids=str,
)
def test_any_missing_element_is_insufficient(changes: dict[str, Any], missing: str, vendor: str) -> None:
    person = changes.get("person", NURSE)
    role = {"resourceType": "PractitionerRole", "id": "r1", "code": [concept("Registered Nurse")]}
    start = changes.get("start", CALL[0])
    event = encounter("e1", start, CALL[1] if "T" in start else None, participant=[{"individual": person}])
    document = note("d1", changes.get("text", TALK), about="e1", author=[])
    found = contact(event, document, role, vendor=vendor)
    assert found["outcome"] == ("insufficient" if missing else "qualifies")
    assert " ".join(found["missing"]) == missing


@sentence(
    "2", "`qualifies` when two_way, by clinical staff (or the billing practitioner), with the patient or a caregiver"
)
@each_vendor
@pytest.mark.parametrize("display", ["Allen Moss, MD", "Ana Ruiz, RN", "Lori Finch, CMA", "O. Fournier, FNP-C"])
@pytest.mark.parametrize("side", ["patient", "patient's daughter"])
def test_what_shows_everything_qualifies(display: str, side: str, vendor: str) -> None:
    person = {"display": display}
    text = TALK.replace("with patient", f"with {side}")
    event = encounter("e1", *CALL, participant=[{"individual": person}])
    found = contact(event, note("d1", text, about="e1", author=[person]), vendor=vendor)
    assert (found["outcome"], found["missing"], found["reason"]) == ("qualifies", [], None)


@sentence("2", "Interpreter, front desk, scheduler, billing, tech support and bots are not clinical staff;")
@each_vendor
@pytest.mark.parametrize(
    "role", ["Interpreter", "Front desk", "Scheduler", "Billing specialist", "Technical support", "Chatbot", "Clerk"]
)
def test_who_is_not_clinical_staff(role: str, vendor: str) -> None:
    person = {"reference": "Practitioner/k1", "display": "Kay Long"}
    held = CLERK_ROLE | {"code": [concept(role)]}
    event = encounter("e1", *CALL, participant=[{"individual": person}])
    assert outcome(event, note("d1", TALK, about="e1", author=[person]), held, vendor=vendor) == "non_clinical"


@sentence("2", "Interpreter, front desk, scheduler, billing, tech support and bots are not clinical staff;")
@each_vendor
def test_a_nurse_with_an_interpreter_is_clinical_staff(vendor: str) -> None:
    helper = {"individual": {"display": "Ivo Tran"}, "type": [concept("Interpreter")]}
    event = encounter("e1", *CALL, participant=[{"individual": NURSE}, helper])
    assert outcome(event, note("d1", TALK, about="e1"), vendor=vendor) == "qualifies"


@sentence("2", "an unknown role is a missing `staff_role`.")
@each_vendor
def test_an_unknown_role_is_a_missing_one(vendor: str) -> None:
    person = {"reference": "Practitioner/x1", "display": "Lee Park"}
    event = encounter("e1", *CALL, participant=[{"individual": person}])
    assert outcome(event, note("d1", TALK, about="e1", author=[person]), vendor=vendor) == "staff_role"
    assert contacts(message("c1", CALL[0], TALK, person, medium=PHONE, received=CALL[1], recipient=[PATIENT]))[0][
        "missing"
    ] == ["staff_role"]
