"""§2, rules 4 to 6 and the table of elements: where each fact of a contact comes from."""

from typing import Any

import pytest

from tests.builders import NURSE, PATIENT, Json, concept, encounter, message, note
from tests.contract.month import (
    CALL,
    DETAILS,
    HUDDLE,
    LIVE,
    PHONE,
    REVIEW,
    TALK,
    VIDEO,
    VOICEMAIL,
    call,
    contact,
    each_vendor,
    finding_codes,
    judged,
    outcome,
    thread,
)
from tests.contract.sentences import sentence

MODALITIES = "Modality: `phone`, `video`, `secure_message`, `in_person`, `voicemail`, `automated`, `internal`"
WHO = "| `staff_name`, `staff_role` | Encounter.participant (not referrers, not rooms), Communication.sender/recipient"
SIDE = "| `participant` | a message **from** Patient or RelatedPerson; RelatedPerson as Encounter participant."
LENGTH = "| `minutes` | Encounter.length; Encounter.period with times on both ends; sent→received only when"
ROLE_URL = "http://open.epic.com/FHIR/StructureDefinition/extension/clinical-note-author-provider-type"


@sentence("2.4", MODALITIES)
@each_vendor
@pytest.mark.parametrize(
    ("text", "modality"),
    [
        (TALK, "phone"),
        (f"Spoke with patient on video visit. {DETAILS}", "video"),
        (f"Spoke with patient in person for RPM. {DETAILS}", "in_person"),
        (VOICEMAIL, "voicemail"),
        ("Automated text message sent: please take your reading.", "automated"),
        (HUDDLE, "internal"),
        (REVIEW, "chart_review"),
        ("Letter mailed to the patient about missing readings.", "email_or_letter"),
    ],
)
def test_a_note_alone_tells_the_modality(text: str, modality: str, vendor: str) -> None:
    progress = concept("Progress note", "11506-3", "http://loinc.org")
    assert contact(note("d1", text, type=progress), vendor=vendor)["modality"] == modality


@sentence("2.4", MODALITIES)
@each_vendor
@pytest.mark.parametrize(
    ("kind", "modality"),
    [
        ("Telephone", "phone"),
        ("Telephone encounter", "phone"),
        ("Video Visit", "video"),
        ("Chart Review", "chart_review"),
        ("Care Conference", "internal"),
        ("Remote patient monitoring", "unknown"),
    ],
)
def test_an_encounter_without_text_tells_its_modality_by_type(kind: str, modality: str, vendor: str) -> None:
    assert contact(encounter("e1", *CALL, type=[concept(kind)]), vendor=vendor)["modality"] == modality


@sentence("2.4", MODALITIES)
@each_vendor
def test_messages_are_secure_messages_unless_their_medium_says_otherwise(vendor: str) -> None:
    assert contact(*thread(*LIVE), vendor=vendor)["modality"] == "secure_message"
    for medium, modality in (("PHONE", "phone"), ("VIDEOCONF", "video"), ("EMAILWRIT", "email_or_letter")):
        sent = message("c1", CALL[0], "Please send your readings.", medium=[concept("", medium)])
        assert contact(sent, vendor=vendor)["modality"] == modality


@sentence("2.4", "Encounter class `VR` alone does not tell phone from video.")
@each_vendor
def test_class_vr_alone_is_unknown_and_the_note_decides(vendor: str) -> None:
    bare = encounter("e1", *CALL, type=[])
    assert contact(bare, vendor=vendor)["modality"] == "unknown"
    progress = concept("Progress note", "11506-3", "http://loinc.org")
    assert contact(bare, note("d1", TALK, about="e1", type=progress), vendor=vendor)["modality"] == "phone"


AGAINST = "Where sources disagree, the one that speaks against billing wins, and the disagreement is reported"


@sentence("2.5", AGAINST)
@each_vendor
@pytest.mark.parametrize(("text", "reason"), [(VOICEMAIL, "voicemail"), (HUDDLE, "internal"), (REVIEW, "data_review")])
def test_the_note_that_speaks_against_billing_wins_over_a_telephone_encounter(
    text: str, reason: str, vendor: str
) -> None:
    month = judged(*call("1", *CALL, text), vendor=vendor)
    assert [found["reason"] for found in month["contacts"]] == [reason]
    assert "sources_disagree" in finding_codes(month)


@sentence("2.5", AGAINST)
@each_vendor
def test_an_encounter_that_speaks_against_billing_wins_over_its_note(vendor: str) -> None:
    month = judged(*call("1", *CALL, type=[concept("Chart Review")]), vendor=vendor)
    assert [found["reason"] for found in month["contacts"]] == ["data_review"]
    assert "note_of_contact_needed" in finding_codes(month)


@sentence("2.5", "Structured and narrated minutes that differ: the smaller counts.")
@each_vendor
@pytest.mark.parametrize(("told", "minutes", "conflict"), [(9, 9, True), (12, 12, False), (30, 12, True)])
def test_of_structured_and_narrated_minutes_the_smaller_counts(
    told: int, minutes: int, conflict: bool, vendor: str
) -> None:
    month = judged(*call("1", *CALL, TALK.replace("by phone", f"by phone for {told} minutes")), vendor=vendor)
    assert month["contacts"][0]["minutes"] == minutes
    assert month["minutes"] == {"certain": minutes, "possible": minutes}
    assert ("minutes_conflict" in finding_codes(month)) is conflict


@sentence("2.6", "Parts of a resource that are absent, malformed or extensions-only never raise;")
@sentence("2.6", "they are missing elements.")
@each_vendor
@pytest.mark.parametrize("broken", [None, [], {}, "", 7, [None], {"extension": [{"url": "x"}]}, [["a"]], True])
def test_broken_parts_are_missing_elements(broken: Any, vendor: str) -> None:
    for part, missing in (("period", "minutes"), ("participant", "")):
        event = encounter("e1", *CALL) | {part: broken}
        assert outcome(event, note("d1", TALK, about="e1"), vendor=vendor) == (missing or "qualifies")
    document = note("d1", TALK, about="e1") | {"author": broken}
    assert outcome(encounter("e1", *CALL, participant=broken), document, vendor=vendor) == "staff_name staff_role"
    for part in ("status", "class", "type", "length", "subject", "meta", "identifier", "contained", "reasonCode"):
        event = encounter("e1", *CALL) | {part: broken}
        assert outcome(event, note("d1", TALK, about="e1"), vendor=vendor) == "qualifies", part
    for part in ("docStatus", "type", "category", "date", "relatesTo", "custodian", "subject", "meta"):
        document = note("d1", TALK, about="e1") | {part: broken}
        assert outcome(encounter("e1", *CALL), document, vendor=vendor) == "qualifies", part
    for part in ("medium", "category", "recipient", "received", "status", "subject", "topic", "note"):
        assert outcome(*thread(*LIVE, **{part: broken}), vendor=vendor) == "qualifies", part


@sentence("2.6", "they are missing elements.")
@each_vendor
def test_primitives_that_are_extensions_only_are_missing(vendor: str) -> None:
    absent = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
    event = encounter("e1", None, period={"_start": absent, "_end": absent}, _status=absent)
    document = note("d1", TALK, about="e1") | {"_date": absent}
    assert outcome(event, document, vendor=vendor) == "minutes"
    del document["date"]
    assert judged(event, document, vendor=vendor)["contacts"] == []


@sentence(
    "2", "| `date` | Encounter.period.start; Communication.sent, else received; DocumentReference.context.period.start"
)
@each_vendor
def test_where_the_date_comes_from(vendor: str) -> None:
    document = note("d1", TALK, date="2026-05-20T10:00:00-04:00", about="e1")
    assert contact(encounter("e1", *CALL), document, vendor=vendor)["start"] == CALL[0]
    sent = message("c1", CALL[0], TALK, medium=PHONE, received="2026-05-14T14:20:00-04:00")
    assert contact(sent, vendor=vendor)["start"] == CALL[0]
    received = message("c1", None, TALK, medium=PHONE, received=CALL[1])
    assert contact(received, vendor=vendor)["start"] == CALL[1]
    begun = note("d1", TALK, date="2026-05-20", context={"period": {"start": CALL[0]}})
    assert contact(begun, vendor=vendor)["start"] == CALL[0]
    assert contact(note("d1", TALK, date="2026-05-20T10:00:00-04:00"), vendor=vendor)["start"].startswith("2026-05-20")


@sentence("2", "DocumentReference.context.period.start, else date | a full date |")
@each_vendor
def test_a_full_date_in_the_text_dates_what_the_structure_does_not(vendor: str) -> None:
    dated = TALK.replace("by phone", "by phone on May 14, 2026")
    event = encounter("e1", None, length={"value": 12, "unit": "min"})
    document = note("d1", dated, about="e1")
    del document["date"]
    found = contact(event, document, vendor=vendor)
    assert (found["start"], found["outcome"]) == ("2026-05-14", "qualifies")
    other = contact(encounter("e1", *CALL), note("d1", dated.replace("14", "2"), about="e1"), vendor=vendor)
    assert other["start"] == CALL[0]


@sentence("2", "| element | structured | text |")
@sentence("2", WHO)
@each_vendor
def test_referrers_and_rooms_are_not_staff(vendor: str) -> None:
    referrer = {"type": [concept("referrer", "REF")], "individual": {"display": "Omar Referrer, MD"}}
    room = {"individual": {"display": "EMH X-RAY 1"}}
    document = note("d1", TALK, about="e1", author=[])
    event = encounter("e1", *CALL, participant=[referrer, room])
    assert outcome(event, document, vendor=vendor) == "staff_name staff_role"
    both = encounter("e1", *CALL, participant=[referrer, room, {"individual": NURSE}])
    assert contact(both, document, vendor=vendor)["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]


@sentence("2", WHO)
@each_vendor
def test_sender_and_recipient_of_a_call_are_read(vendor: str) -> None:
    for sender, recipient in ((NURSE, PATIENT), (PATIENT, NURSE)):
        phone = message("c1", CALL[0], TALK, sender, recipient=[recipient], medium=PHONE, received=CALL[1])
        assert outcome(phone, vendor=vendor) == "qualifies"


@sentence("2", "DocumentReference.author and the vendor's author-role extension;")
@each_vendor
@pytest.mark.parametrize("place", ["context", "document"])
def test_the_author_role_extension_gives_the_role(place: str, vendor: str) -> None:
    extension = {"extension": [{"url": ROLE_URL, "valueCodeableConcept": concept("Registered Nurse")}]}
    document = note("d1", TALK, about="e1", author=[{"reference": "Practitioner/n9", "display": "Ana Ruiz"}])
    if place == "context":
        document["context"] |= extension
    else:
        document |= extension
    found = contact(encounter("e1", *CALL, participant=[]), document, vendor=vendor)
    assert found["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]


@sentence("2", "participant type, or a credential in the display name")
@each_vendor
@pytest.mark.parametrize(
    ("display", "kind", "role"),
    [
        ("Ana Ruiz, RN", None, "rn"),
        ("Ana Ruiz RN, BSN", None, "rn"),
        ("Ruiz, RN, Ana", None, "rn"),
        ("Ana Ruiz, BSN, RN-BC", None, "rn"),
        ("ANA RUIZ, R.N.", None, "rn"),
        ("Ana Ruiz, LPN", None, "lpn"),
        ("Ana Ruiz, PharmD", None, "pharmacist"),
        ("Ana Ruiz, CMA (AAMA)", None, "ma"),
        ("Ana Ruiz, NP-C", None, "np"),
        ("Ana Ruiz, APRN-CNP", None, "np"),
        ("Ana Ruiz, M.D.", None, "physician"),
        ("Ana Ruiz, D.O.", None, "physician"),
        ("Ana Ruiz, PA-C", None, "pa"),
        ("Ana Ruiz, RDN, LDN", None, "dietitian"),
        ("Ana Ruiz, LCSW", None, "social_worker"),
        ("Ana Ruiz, RRT", None, "respiratory_therapist"),
        ("Ana Ruiz", "Registered Nurse", "rn"),
        ("Ana Ruiz", "Medical Assistant", "ma"),
        ("Ana Ruiz", None, None),
        ("MA, LIN", None, None),
        ("Ma, Lin", None, None),
        ("DO, KIM", None, None),
    ],
)
def test_roles_from_credentials_and_participant_types(
    display: str, kind: str | None, role: str | None, vendor: str
) -> None:
    person: Json = {"individual": {"reference": "Practitioner/n9", "display": display}}
    person |= {"type": [concept(kind)]} if kind else {}
    found = contact(
        encounter("e1", *CALL, participant=[person]), note("d1", TALK, about="e1", author=[]), vendor=vendor
    )
    assert found["staff"][0]["role"] == role
    assert found["outcome"] == ("qualifies" if role else "insufficient")


@sentence("2", '"RN called", signature lines |')
@each_vendor
@pytest.mark.parametrize(
    "text",
    [TALK.replace("Spoke", "RN Ana Ruiz spoke"), f"{TALK}\nElectronically signed by Ana Ruiz, RN"],
    ids=["in a sentence", "in the signature"],
)
def test_staff_is_read_from_the_text(text: str, vendor: str) -> None:
    found = contact(encounter("e1", *CALL, participant=[]), note("d1", text, about="e1", author=[]), vendor=vendor)
    assert found["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]
    assert found["outcome"] == "qualifies"


@sentence("2", SIDE)
@each_vendor
def test_a_related_person_on_the_encounter_takes_part(vendor: str) -> None:
    daughter = {"individual": {"reference": "RelatedPerson/rp1", "display": "Eva Cole"}}
    event = encounter("e1", *CALL, participant=[{"individual": NURSE}, daughter])
    assert contact(event, vendor=vendor)["participant"] == "caregiver"


@sentence("2", "Encounter.subject or a message's recipient alone proves nothing")
@each_vendor
def test_a_subject_or_recipient_proves_nothing(vendor: str) -> None:
    assert contact(encounter("e1", *CALL), vendor=vendor)["participant"] is None
    phone = message("c1", CALL[0], None, medium=PHONE, received=CALL[1])
    assert contact(phone, vendor=vendor)["participant"] is None
    assert contact(message("c1", CALL[0], "Please call us."), vendor=vendor)["participant"] is None


@sentence("2", '"spoke with pt", "daughter answered" |')
@each_vendor
@pytest.mark.parametrize(
    ("text", "side"),
    [
        (TALK, "patient"),
        (TALK.replace("patient", "pt"), "patient"),
        (TALK.replace("with patient", "with patient's daughter"), "caregiver"),
        (f"Daughter answered the phone and spoke for the patient. {DETAILS}", "caregiver"),
    ],
)
def test_the_participant_is_read_from_the_text(text: str, side: str, vendor: str) -> None:
    assert contact(*call("1", *CALL, text), vendor=vendor)["participant"] == side


@sentence("2", LENGTH)
@each_vendor
@pytest.mark.parametrize(
    ("event", "minutes"),
    [
        ({"period": {"start": CALL[0], "end": CALL[1]}}, 12),
        ({"period": {"start": CALL[0]}, "length": {"value": 12, "code": "min"}}, 12),
        ({"period": {"start": CALL[0]}, "length": {"value": 0.2, "unit": "h"}}, 12),
        ({"period": {"start": "2026-05-14"}, "length": {"value": 725, "unit": "seconds"}}, 12),
        ({"period": {"start": CALL[0]}, "length": {"value": 12}}, None),
        ({"period": {"start": CALL[0]}, "length": {"value": -12, "unit": "min"}}, None),
        ({"period": {"start": "2026-05-14", "end": "2026-05-14"}}, None),
        ({"period": {"start": CALL[0], "end": "2026-05-14"}}, None),
        ({"period": {"start": "2026-05-14", "end": CALL[1]}}, None),
        ({"period": {"start": CALL[0]}}, None),
        ({"period": {"start": CALL[1], "end": CALL[0]}}, None),
    ],
    ids=str,
)
def test_minutes_of_an_encounter(event: Json, minutes: int | None, vendor: str) -> None:
    assert contact(encounter("e1", None) | event, vendor=vendor)["minutes"] == minutes


@sentence("2", LENGTH)
@each_vendor
@pytest.mark.parametrize(
    ("medium", "minutes"), [(PHONE, 12), (VIDEO, 12), ([concept("written", "WRITTEN")], None), ([], None)]
)
def test_sent_to_received_is_a_length_only_of_calls(medium: list[Json], minutes: int | None, vendor: str) -> None:
    sent = message("c1", CALL[0], "Please see below.", medium=medium, received=CALL[1])
    assert contact(sent, vendor=vendor)["minutes"] == minutes


@sentence("2", 'first to last message of a sitting | "12 min", "1402–1419" |')
@each_vendor
def test_minutes_of_a_sitting_and_of_texts(vendor: str) -> None:
    assert contact(*thread(*LIVE), vendor=vendor)["minutes"] == 12
    for told, minutes in (("for 12 min", 12), ("1402–1419", 17), ("14:02-14:19", 17), ("for 12 minutes", 12)):
        text = TALK.replace("by phone", f"by phone {told}")
        assert contact(*call("1", "2026-05-14", None, text), vendor=vendor)["minutes"] == minutes, told


@sentence("2", "| `content`, `decision` | – | from the text or message payloads |")
@each_vendor
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Spoke with patient by phone.", "content decision"),
        (
            "Spoke with patient by phone. Reviewed home BP readings 148/92 to 152/94 this week, no dizziness.",
            "decision",
        ),
    ],
)
def test_content_and_decision_come_from_the_text_only(text: str, missing: str, vendor: str) -> None:
    assert outcome(*call("1", *CALL, text), vendor=vendor) == missing
    phone = message("c1", CALL[0], text, medium=PHONE, received=CALL[1])
    assert outcome(phone, vendor=vendor) == missing


@sentence("2", "| `content`, `decision` | – | from the text or message payloads |")
@each_vendor
def test_content_and_decision_come_from_payloads(vendor: str) -> None:
    empty = (("09:00", "Hello?", NURSE), ("09:05", "Hi.", "patient"), ("09:07", "Good, bye.", NURSE))
    assert outcome(*thread(*empty), vendor=vendor) == "content decision"
    assert outcome(*thread(*LIVE), vendor=vendor) == "qualifies"


@sentence("2.4", MODALITIES)
@each_vendor
@pytest.mark.parametrize(
    ("kind", "text", "modality"),
    [
        ("Video Visit", f"Spoke with patient. {DETAILS}", "video"),
        ("Video Visit", f"Video failed, switched to phone; spoke with patient. {DETAILS}", "phone"),
        ("Telephone", f"Spoke with patient. {DETAILS}", "phone"),
        ("Telephone", f"Spoke with patient on video visit. {DETAILS}", "video"),
    ],
)
def test_the_structure_decides_between_phone_and_video_until_the_text_names_one(
    kind: str, text: str, modality: str, vendor: str
) -> None:
    document = note("d1", text, about="e1", type=concept("Progress note", "11506-3", "http://loinc.org"))
    found = contact(encounter("e1", *CALL, type=[concept(kind)]), document, vendor=vendor)
    assert (found["modality"], found["outcome"]) == (modality, "qualifies")
