"""§6, contacts: the points that were settled after the rules were written."""

from typing import Any, get_args

import pytest

from fhir_rpm.billing import load_policy
from fhir_rpm.billing.terms import ClinicalRole
from fhir_rpm.month import BillingMonth
from tests.builders import NURSE, PATIENT, Json, concept, encounter, message, note
from tests.contract.month import (
    CALL,
    CLERK,
    CLERK_ROLE,
    DETAILS,
    LIVE,
    PHONE,
    TALK,
    VAGUE,
    VOICEMAIL,
    call,
    call_of,
    contact,
    contacts,
    each_vendor,
    finding_codes,
    judged,
    outcome,
    thread,
)
from tests.contract.sentences import sentence

ASK = "Your BP was 150/95 today. How do you feel?"
ANSWER = "No dizziness, I took my lisinopril."
PLAN = "Please continue the current plan; recheck Thursday."
PROGRESS = concept("Progress note", "11506-3", "http://loinc.org")


def _shape(*resources: Json, **settings: str) -> list[tuple[str, int]]:
    """Each contact's outcome in short, and how many sources it has."""
    found = contacts(*resources, **settings)
    return [(item["reason"] or " ".join(item["missing"]) or item["outcome"], len(item["sources"])) for item in found]


@sentence("6", "An unclear contact lists `contact`, and `participant` too unless the record shows who took part.")
@each_vendor
def test_an_unclear_contact_lists_the_participant_unless_shown(vendor: str) -> None:
    daughter = {"individual": {"reference": "RelatedPerson/rp1"}}
    assert contact(encounter("e1", *CALL), vendor=vendor)["missing"][:2] == ["contact", "participant"]
    shown = contact(encounter("e1", *CALL, participant=[{"individual": NURSE}, daughter]), vendor=vendor)
    assert shown["missing"] == ["contact", "content", "decision"]
    asked = thread(("09:00", f"My BP is 150/95. {ANSWER}", "patient"), ("09:10", PLAN, NURSE))
    assert outcome(*asked, vendor=vendor) == "contact"


@sentence("6", "`contacts[].minutes` is the recorded length, credited or not, of what was held or worked;")
@each_vendor
def test_recorded_lengths_are_told_even_if_not_credited(vendor: str) -> None:
    clerk = [encounter("e1", *CALL, participant=[{"individual": CLERK}]), note("d1", TALK, about="e1", author=[CLERK])]
    month = judged(*clerk, CLERK_ROLE, vendor=vendor)
    assert ([found["minutes"] for found in month["contacts"]], month["minutes"]["certain"]) == ([12], 0)
    office = call("1", *CALL, f"Office visit with patient in clinic. {DETAILS}", type=[concept("Office Visit")])
    month = judged(*office, vendor=vendor)
    assert ([found["minutes"] for found in month["contacts"]], month["minutes"]["certain"]) == ([12], 0)


@sentence(
    "6", "`null` where nobody was reached, for single messages, `not_done`, automated, unanswered and delayed ones."
)
@each_vendor
@pytest.mark.parametrize(
    "resources",
    [
        call("1", *CALL, VOICEMAIL),
        call("1", *CALL, "Called patient. No answer, no message left."),
        [message("c1", CALL[0], ASK, received=CALL[1])],
        [message("c1", CALL[0], ASK, "patient", received=CALL[1])],
        call("1", *CALL, status="cancelled"),
        [message("c1", CALL[0], ASK, {"reference": "Device/hub"}, medium=PHONE, received=CALL[1])],
        thread(("09:00", ASK, NURSE), ("09:10", PLAN, NURSE)),
        thread(("09:00", ASK, NURSE), ("10:00", ANSWER, "patient")),
    ],
    ids=["voicemail", "no answer", "message", "patient's message", "not done", "automated", "unanswered", "delayed"],
)
def test_where_nobody_was_reached_there_are_no_minutes(resources: list[Json], vendor: str) -> None:
    assert contact(*resources, vendor=vendor)["minutes"] is None


@sentence("6", "A zero-length period is unknown, not 0.")
@each_vendor
def test_a_period_of_no_length_is_unknown(vendor: str) -> None:
    for start in (CALL[0], "2026-05-14"):
        month = judged(*call("1", start, start), vendor=vendor)
        assert ([found["minutes"] for found in month["contacts"]], month["minutes"]["possible"]) == ([None], None)
    told = call("1", CALL[0], CALL[0], TALK.replace("by phone", "by phone for 9 minutes"))
    assert contact(*told, vendor=vendor)["minutes"] == 9


@sentence("6", "A call across midnight at month's end belongs to the month in which it began, with its full length;")
@sentence(
    "6",
    "only the totals are split, so the next month counts its share without listing it (the pull starts a day before",
)
@each_vendor
def test_a_call_across_midnight_is_listed_where_it_began(vendor: str) -> None:
    late = [
        *call("1", "2026-05-31T23:55:00-04:00", "2026-06-01T00:20:00-04:00"),
        *call("2", "2026-06-02T09:00:00-04:00", "2026-06-02T09:03:00-04:00"),
    ]
    may, june = judged(*late, vendor=vendor), judged(*late, month="2026-06", vendor=vendor)
    assert ([found["minutes"] for found in may["contacts"]], may["minutes"]["certain"]) == ([25], 5)
    assert ([found["minutes"] for found in june["contacts"]], june["minutes"]["certain"]) == ([3], 23)
    assert june["codes"]["99457"]["verdict"] == "supported"
    month = BillingMonth.parse("2026-06", "America/New_York")
    assert month.pull_start.isoformat() == "2026-05-31T00:00:00-04:00"


@sentence(
    "6", "Members of a thread that are no patient-side message (read receipts, automatic replies) stay in `sources`;"
)
@sentence("6", "unsent drafts are ignored when the thread has other messages.")
@each_vendor
def test_receipts_stay_among_the_sources_and_drafts_do_not(vendor: str) -> None:
    turns = thread(*LIVE, ("09:13", "Automatic reply: we are away.", "patient"), ("09:14", "Draft", NURSE))
    turns[-1]["status"] = "preparation"
    found = contact(*turns, vendor=vendor)
    assert found["sources"] == [f"Communication/t{place}" for place in (1, 2, 3, 4)]
    assert (found["outcome"], found["minutes"]) == ("qualifies", 12)
    assert outcome(turns[0], turns[-1], vendor=vendor) == "not_done"


@sentence("6", "A sitting is a run of messages of one thread with gaps of at most `max_reply_gap_minutes`;")
@sentence("6", "each sitting is a contact.")
@each_vendor
def test_a_longer_gap_opens_a_new_sitting(vendor: str) -> None:
    again = [("14:00", ASK, NURSE), ("14:30", ANSWER, "patient"), ("15:00", PLAN, NURSE)]
    found = contacts(*thread(*LIVE, *again), vendor=vendor)
    assert [(item["outcome"], item["minutes"], len(item["sources"])) for item in found] == [
        ("qualifies", 12, 3),
        ("qualifies", 60, 3),
    ]
    other = thread(*[(f"2026-05-14T09:{at[3:]}:30-04:00", *rest) for at, *rest in LIVE], root="u")
    assert len(contacts(*thread(*LIVE), *other, vendor=vendor)) == 2


@sentence("6", "A sitting of staff messages only that the next sitting opens by answering is one contact with it")
@each_vendor
def test_a_staff_sitting_is_joined_with_the_sitting_that_answers_it(vendor: str) -> None:
    late = (("09:00", ASK, NURSE), ("15:00", ANSWER, "patient"), ("15:05", PLAN, NURSE))
    assert _shape(*thread(*late), vendor=vendor) == [("delayed_reply", 3)]
    live = contact(*thread(*late, ("15:10", "Thank you.", "patient")), vendor=vendor)
    assert (live["outcome"], len(live["sources"]), live["minutes"]) == ("qualifies", 4, 10)
    assert live["start"] == "2026-05-14T09:00:00-04:00"
    reminded = (("09:00", ASK, NURSE), ("15:00", "Did you see this?", NURSE), ("15:05", ANSWER, "patient"))
    assert _shape(*thread(*reminded), vendor=vendor)[0] == ("no_reply", 1)


@sentence("6", "Spans of messages give minutes only when the patient side took part.")
@each_vendor
def test_staff_messages_alone_give_no_minutes(vendor: str) -> None:
    month = judged(*thread(("09:00", ASK, NURSE), ("09:20", PLAN, NURSE)), vendor=vendor)
    assert ([found["minutes"] for found in month["contacts"]], month["minutes"]) == (
        [None],
        {"certain": 0, "possible": 0},
    )
    internal = thread(("09:00", ASK, NURSE), ("09:20", PLAN, NURSE), recipient=[{"reference": "Practitioner/d1"}])
    month = judged(*internal, vendor=vendor)
    assert ([found["reason"] for found in month["contacts"]], month["minutes"]["certain"]) == (["internal"], 0)


@sentence("6", "A thread header is never among the `sources`.")
@each_vendor
def test_a_header_is_never_a_source(vendor: str) -> None:
    header, *turns = thread(*LIVE)
    header |= {"sent": "2026-05-14T09:00:00-04:00", "topic": concept("Blood pressure")}
    assert "Communication/t" not in contact(header, *turns, vendor=vendor)["sources"]
    told = contact(*turns, vendor=vendor)
    assert len(told["sources"]) == 3


@sentence("6", "Notes of one Encounter whose stated times differ by more than 15 minutes are separate contacts;")
@sentence("6", "otherwise the last event told decides (voicemail, then reached: reached).")
@each_vendor
@pytest.mark.parametrize(
    "first",
    ["Left voicemail at 14:02.", "1402: left voicemail for patient.", "Called at 2:02 pm, no answer. Left voicemail."],
)
def test_notes_of_one_encounter_are_apart_only_by_their_stated_times(first: str, vendor: str) -> None:
    event = encounter("e1", "2026-05-14")
    tried = note("d1", first, date="2026-05-14T14:05:00-04:00", about="e1")
    later = TALK.replace("by phone", "by phone from 14:40 to 14:52")
    second = note("d2", later, date="2026-05-14T14:55:00-04:00", about="e1")
    assert [found["reason"] or found["outcome"] for found in contacts(event, tried, second, vendor=vendor)] in (
        ["voicemail", "qualifies"],
        ["qualifies", "voicemail"],
    )
    near = note(
        "d2", later.replace("14:40", "14:10").replace("14:52", "14:22"), date="2026-05-14T14:30:00-04:00", about="e1"
    )
    untimed = note("d2", TALK, date="2026-05-14T16:30:00-04:00", about="e1")
    assert _shape(event, tried, near, vendor=vendor) == [("qualifies", 3)]
    assert _shape(event, tried, untimed, vendor=vendor) == [("minutes", 3)]


@sentence("6", "Rule 2.5 speaks of sources that contradict each other about one event.")
@each_vendor
def test_a_later_note_is_another_event_and_no_contradiction(vendor: str) -> None:
    notes = [
        note("d1", VOICEMAIL, date="2026-05-14T14:05:00-04:00", about="e1"),
        note("d2", TALK, date="2026-05-14T14:30:00-04:00", about="e1"),
    ]
    month = judged(encounter("e1", *CALL), *notes, vendor=vendor)
    assert [found["outcome"] for found in month["contacts"]] == ["qualifies"]
    assert "sources_disagree" not in finding_codes(month)


@sentence("6", "Without a link, records are never merged when one side has no time.")
@each_vendor
def test_records_without_a_time_stay_apart(vendor: str) -> None:
    unlinked = note("d2", TALK, date="2026-05-14")
    assert len(contacts(encounter("e1", *CALL), unlinked, vendor=vendor)) == 2
    assert len(contacts(encounter("e1", "2026-05-14"), unlinked, vendor=vendor)) == 2
    assert len(contacts(encounter("e1", *CALL), note("d2", TALK, date=CALL[0]), vendor=vendor)) == 1


@sentence("6", "A date of year and month only places the contact in that month and leaves its `date` element missing.")
@each_vendor
def test_a_month_places_a_contact_without_dating_it(vendor: str) -> None:
    event = encounter("e1", "2026-05", length={"value": 12, "unit": "min"})
    month = judged(event, note("d1", TALK, date="2026-05", about="e1"), vendor=vendor)
    assert [found["missing"] for found in month["contacts"]] == [["date"]]
    assert month["minutes"]["certain"] == 12
    assert contacts(event, vendor=vendor, month="2026-06") == []
    assert contacts(encounter("e1", "2026"), vendor=vendor) == []


@sentence("6", "A patient's message that staff answered within the gap, and nothing after: `unclear`;")
@sentence("6", "answered later: `delayed_reply`;")
@sentence("6", "never answered, or only by an automatic acknowledgement: `no_reply`.")
@each_vendor
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("09:30", PLAN, NURSE), "contact"),
        (("09:31", PLAN, NURSE), "delayed_reply"),
        (("2026-05-16T09:00:00-04:00", PLAN, NURSE), "delayed_reply"),
        (("09:01", "Automatic acknowledgement: we received your message.", NURSE), "no_reply"),
        (("09:01", "We received your message.", {"reference": "Device/portal"}), "no_reply"),
        (None, "no_reply"),
    ],
    ids=["in time", "a minute late", "two days later", "acknowledged", "by the portal", "never"],
)
def test_a_question_of_the_patient(answer: tuple[str, str, Any] | None, expected: str, vendor: str) -> None:
    turns = [("09:00", f"My BP is 150/95. {ANSWER}", "patient"), *([answer] if answer else [])]
    assert _shape(*thread(*turns), vendor=vendor) == [(expected, len(turns))]


@sentence("6", "A video no-show is `no_answer` with modality `video`.")
@each_vendor
def test_a_video_no_show(vendor: str) -> None:
    told = "Video visit: patient did not join, no show."
    for text in (told, "Patient did not join. No answer."):
        document = note("d1", text, about="e1", type=PROGRESS)
        found = contact(encounter("e1", *CALL, type=[concept("Video Visit")]), document, vendor=vendor)
        assert (found["reason"], found["modality"], found["minutes"]) == ("no_answer", "video", None)


@sentence("6", "A superseded note is dropped;")
@sentence("6", "a preliminary one is read, with a finding.")
@each_vendor
def test_superseded_notes_are_dropped_and_drafts_are_read(vendor: str) -> None:
    event = encounter("e1", *CALL)
    old = note("d1", VOICEMAIL, about="e1")
    new = note(
        "d2", TALK, about="e1", relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/d1"}}]
    )
    for first in (old | {"status": "superseded"}, old):
        found = contact(event, first, new, vendor=vendor)
        assert (found["outcome"], found["sources"]) == ("qualifies", ["Encounter/e1", "DocumentReference/d2"])
    month = judged(event, note("d1", TALK, about="e1", docStatus="preliminary"), vendor=vendor)
    assert [found["outcome"] for found in month["contacts"]] == ["qualifies"]
    assert "preliminary_note" in finding_codes(month)


@sentence(
    "6",
    "A staff-inbox message that narrates a call with the patient is `internal`, with a finding that asks for a note",
)
@each_vendor
def test_a_call_told_to_the_staff_inbox_is_internal(vendor: str) -> None:
    inbox = message("c1", CALL[0], TALK, recipient=[{"reference": "Group/nurses", "display": "Nurse pool"}])
    month = judged(inbox, vendor=vendor)
    assert [(found["reason"], found["modality"]) for found in month["contacts"]] == [("internal", "internal")]
    assert "note_of_contact_needed" in finding_codes(month)


@sentence("6", "Which roles are clinical staff is the policy's list.")
@sentence("6", "Accepted: physician, np, pa, rn, lpn, ma, pharmacist, respiratory_therapist, dietitian, health_coach")
@sentence("6", "`non_clinical` and `bot` never.")
@each_vendor
@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Physician", "qualifies"),
        ("Nurse Practitioner", "qualifies"),
        ("Physician Assistant", "qualifies"),
        ("Registered Nurse", "qualifies"),
        ("Licensed Practical Nurse", "qualifies"),
        ("Medical Assistant", "qualifies"),
        ("Pharmacist", "qualifies"),
        ("Respiratory Therapist", "qualifies"),
        ("Dietitian", "qualifies"),
        ("Health Coach", "qualifies"),
        ("Care Manager", "qualifies"),
        ("Social Worker", "qualifies"),
        ("Receptionist", "non_clinical"),
        ("Virtual assistant", "non_clinical"),
    ],
)
def test_who_is_clinical_staff(title: str, expected: str, vendor: str) -> None:
    person = {"reference": "Practitioner/x1", "display": "Lee Park"}
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": person, "code": [concept(title)]}
    event = encounter("e1", *CALL, participant=[{"individual": person}])
    assert outcome(event, note("d1", TALK, about="e1", author=[person]), role, vendor=vendor) == expected
    in_force = load_policy("rpm-us").in_force(BillingMonth.parse("2026-05", "UTC")).roles
    assert set(in_force) == set(get_args(ClinicalRole))


@sentence("6", "Undated evidence is listed in no month and reported (`undated_evidence`);")
@sentence("6", "a phone or video Encounter without a date counts as incomplete data.")
@each_vendor
def test_undated_evidence_is_reported(vendor: str) -> None:
    for kind in ("Telephone", "Video Visit"):
        month = judged(encounter("e1", None, type=[concept(kind)]), vendor=vendor)
        assert (month["contacts"], month["status"]) == ([], "hold")
        assert {"undated_evidence", "incomplete_data"} <= finding_codes(month)
    quiet = judged(message("c1", None, ASK), vendor=vendor)
    assert (quiet["contacts"], quiet["status"]) == ([], "not_met")
    assert "undated_evidence" in finding_codes(quiet)


@sentence("6", "In-person encounters without text, and Epic care-coordination or social-work encounters without text")
@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle", "medplum", "meditech"])
@pytest.mark.parametrize(
    "event",
    [
        encounter("e1", *CALL, type=[], **{"class": {"code": "AMB"}}),
        encounter("e1", *CALL, type=[concept("Office Visit")]),
        encounter("e1", *CALL, type=[concept("Care Coordination")], **{"class": {"code": "13"}}),
        encounter("e1", *CALL, type=[concept("Social Work Encounter")], **{"class": {"code": "13"}}),
    ],
    ids=["ambulatory", "office visit", "care coordination", "social work"],
)
def test_silent_encounters_are_no_contact_without_text(event: Json, vendor: str) -> None:
    assert contacts(event, vendor=vendor) == []
    assert len(contacts(event, note("d1", TALK, about="e1"), vendor=vendor)) == 1


@sentence("6", "In-person encounters without text, and Epic care-coordination or social-work encounters without text")
@pytest.mark.parametrize("code", ["160", "201"])
def test_epics_silent_types_by_code(code: str) -> None:
    kind = {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.99.2.7.10.698084.30", "code": code}]}
    event = encounter("e1", *CALL, type=[kind], **{"class": {"code": "13"}})
    assert contacts(event, vendor="epic") == []
    assert outcome(event, note("d1", TALK, about="e1"), vendor="epic") == "qualifies"


@sentence("6", "In person is accepted by `rpm-us` only when the Encounter or its note marks it as RPM;")
@each_vendor
def test_in_person_counts_only_as_remote_monitoring(vendor: str) -> None:
    text = f"Spoke with patient in clinic, face to face. {DETAILS}"
    ambulatory = {"class": {"code": "AMB"}}
    plain = encounter("e1", *CALL, type=[], **ambulatory)
    document = note("d1", text, about="e1", type=PROGRESS)
    assert outcome(plain, document, vendor=vendor) == "channel"
    marked = encounter("e1", *CALL, type=[concept("RPM")], **ambulatory)
    assert contact(marked, document, vendor=vendor)["outcome"] == "qualifies"
    told = note("d1", text.replace("face to face", "face to face, for RPM"), about="e1", type=PROGRESS)
    assert contact(plain, told, vendor=vendor)["outcome"] == "qualifies"


@sentence(
    "6", 'an office visit (Epic type 101, text "Office Visit", CPT 99202–99215) is an E/M service: `excluded/channel`'
)
@each_vendor
@pytest.mark.parametrize(
    "kind",
    [
        concept("Office Visit"),
        {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "99213"}]},
        {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.12", "code": "99202"}]},
        {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "99215"}]},
    ],
    ids=str,
)
def test_an_office_visit_is_no_remote_monitoring(kind: Json, vendor: str) -> None:
    text = f"Spoke with patient in clinic, face to face, for RPM. {DETAILS}"
    document = note("d1", text, about="e1", type=PROGRESS)
    month = judged(encounter("e1", *CALL, type=[kind], **{"class": {"code": "AMB"}}), document, vendor=vendor)
    assert [found["reason"] for found in month["contacts"]] == ["channel"]
    assert month["minutes"] == {"certain": 0, "possible": 0}


@sentence(
    "6", 'an office visit (Epic type 101, text "Office Visit", CPT 99202–99215) is an E/M service: `excluded/channel`'
)
def test_epics_office_visit_by_code() -> None:
    kind = {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.99.2.7.10.698084.30", "code": "101"}]}
    event = encounter("e1", *CALL, type=[kind], **{"class": {"code": "13"}})
    assert outcome(event, note("d1", TALK, about="e1"), vendor="epic") == "channel"


@sentence("6", "A note that only restates the month's totals is no contact.")
@each_vendor
def test_a_note_of_totals_is_no_contact(vendor: str) -> None:
    totals = note("d9", "RPM monthly summary: 42 minutes total in May 2026.", type=PROGRESS)
    month = judged(totals, vendor=vendor)
    assert (month["contacts"], month["minutes"]) == ([], {"certain": 0, "possible": 0})
    assert judged(*call_of(12), totals, vendor=vendor)["minutes"] == {"certain": 12, "possible": 12}


@sentence("6", "An entered-in-error note is dropped;")
@sentence("6", "its Encounter is then without text.")
@each_vendor
@pytest.mark.parametrize("element", ["status", "docStatus"])
def test_a_retracted_note_leaves_its_encounter_without_text(element: str, vendor: str) -> None:
    document = note("d1", TALK, about="e1") | {element: "entered-in-error "}
    found = contact(encounter("e1", *CALL), document, vendor=vendor)
    assert (found["sources"], found["missing"]) == (
        ["Encounter/e1"],
        ["contact", "participant", "content", "decision"],
    )


@sentence("6", "Of one id read twice, the highest versionId, then lastUpdated, wins.")
@each_vendor
@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"versionId": "9"}, {"versionId": "10"}),
        (
            {"versionId": "2", "lastUpdated": "2026-06-01T00:00:00Z"},
            {"versionId": "3", "lastUpdated": "2026-05-01T00:00:00Z"},
        ),
        ({"lastUpdated": "2026-05-14T10:00:00Z"}, {"lastUpdated": "2026-05-14T10:00:00.500Z"}),
        ({"lastUpdated": "2026-05-14T10:00:00Z"}, {"lastUpdated": "2026-05-14T06:30:00-04:00"}),
        (
            {"versionId": "b7c", "lastUpdated": "2026-05-14T10:00:00Z"},
            {"versionId": "a1f", "lastUpdated": "2026-05-15T10:00:00Z"},
        ),
    ],
    ids=str,
)
def test_of_two_versions_the_newest_wins(older: Json, newer: Json, vendor: str) -> None:
    first = encounter("e1", "2026-05-13T09:00:00-04:00", meta=older)
    second = encounter("e1", *CALL, meta=newer)
    for order in ([first, second], [second, first]):
        assert contact(*order, vendor=vendor)["minutes"] == 12


@sentence("6", 'A background author ("User Interconnect") is never `staff_name`: take the signature.')
@each_vendor
def test_a_background_author_gives_way_to_the_signature(vendor: str) -> None:
    author = {"reference": "Practitioner/bg", "display": "User Interconnect"}
    event = encounter("e1", *CALL, participant=[])
    signed = note("d1", f"{TALK}\nElectronically signed by Ana Ruiz, RN", about="e1", author=[author])
    assert contact(event, signed, vendor=vendor)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]
    unsigned = note("d1", TALK, about="e1", author=[author])
    assert outcome(event, unsigned, vendor=vendor) == "staff_name staff_role"


@sentence("6", "With several staff on an Encounter, the note's author is the one who spoke.")
@each_vendor
def test_of_several_staff_the_author_spoke(vendor: str) -> None:
    doctor = {"reference": "Practitioner/m1", "display": "Allen Moss, MD"}
    event = encounter("e1", *CALL, participant=[{"individual": doctor}, {"individual": NURSE}])
    assert contact(event, note("d1", TALK, about="e1"), vendor=vendor)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]
    clerk = encounter("e1", *CALL, participant=[{"individual": NURSE}, {"individual": CLERK}])
    written = note("d1", TALK, about="e1", author=[CLERK])
    assert outcome(clerk, written, CLERK_ROLE, vendor=vendor) == "non_clinical"


@sentence("6", "`unknown` modality is never excluded for its channel: unclear stays insufficient;")
@sentence(
    "6",
    "two-way is accepted by `rpm-us` with a finding, and under `rpm-us-strict` it is insufficient",
)
@each_vendor
def test_an_unknown_modality_is_no_reason_to_exclude(vendor: str) -> None:
    bare = encounter("e1", *CALL, type=[])
    for policy in ("rpm-us", "rpm-us-strict"):
        assert outcome(bare, vendor=vendor, policy=policy) == "contact participant content decision"


@sentence("6", "An e-mail or letter that nobody answered is `no_reply` (the order of reasons decides).")
@each_vendor
def test_an_unanswered_letter_is_no_reply(vendor: str) -> None:
    mail = message("c1", CALL[0], ASK, medium=[concept("", "EMAILWRIT")])
    assert outcome(mail, vendor=vendor) == "no_reply"
    letter = note("d1", "Letter mailed to the patient about missing readings.", type=PROGRESS)
    assert outcome(letter, vendor=vendor) == "no_reply"


@sentence("6", "A message handed to a roommate, neighbour, receptionist or child is `wrong_party`.")
@each_vendor
@pytest.mark.parametrize(
    "text",
    [
        "Roommate answered, patient not home. Asked roommate to have him call.",
        "Neighbor picked up; patient not there.",
        "Receptionist at the facility answered and took a message.",
    ],
)
def test_a_message_handed_to_somebody_else(text: str, vendor: str) -> None:
    found = contact(*call("1", *CALL, text), vendor=vendor)
    assert (found["outcome"], found["reason"]) == ("excluded", "wrong_party")


@sentence(
    "6",
    "A call coded for another programme keeps its outcome and loses its minutes, with the finding",
)
@each_vendor
def test_a_call_for_another_programme_keeps_its_outcome(vendor: str) -> None:
    coded = concept("Telephone", "99490", "http://www.ama-assn.org/go/cpt")
    month = judged(*call("1", *CALL, type=[coded]), vendor=vendor)
    assert [(found["outcome"], found["minutes"]) for found in month["contacts"]] == [("qualifies", 12)]
    assert month["minutes"] == {"certain": 0, "possible": 0}
    assert (month["status"], "other_programme" in finding_codes(month)) == ("not_met", True)


def test_an_unclear_note_stays_on_hold() -> None:
    assert judged(*call("1", *CALL, VAGUE), PATIENT | {"resourceType": "Basic"})["status"] == "hold"
