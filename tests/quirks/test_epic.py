"""What Epic does that breaks naive clients (docs/vendors/epic.md, quirks 1 to 41)."""

import base64
from typing import Any

import pytest

from tests.builders import NURSE, SPOKE, concept, encounter, note, reading
from tests.quirks.ehr import (
    CALL,
    binary,
    contact,
    outcome_entry,
    record,
)

CLASS_13 = {"system": "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.13260", "code": "13"}
TYPE_OID = "urn:oid:1.2.840.114350.1.13.{}.2.7.10.698084.30"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def _typed(code: str, text: str, customer: str = "0.1") -> dict[str, Any]:
    return concept(text, code, TYPE_OID.format(customer))


@pytest.mark.quirk(2)
def test_a_withheld_kind_of_note_in_a_saved_bundle_is_a_gap() -> None:
    page = {"resourceType": "Bundle", "type": "searchset", "entry": [outcome_entry(("warning", "59204"))]}
    assert [gap.code for gap in record(page).gaps] == ["59204"]


@pytest.mark.quirk(4)
def test_what_a_wider_answer_brings_along_is_filtered_again() -> None:
    other_patient = encounter("e2", "2026-05-20T09:00:00-04:00", subject={"reference": "Patient/p2"})
    other_month = encounter("e3", "2026-03-14T14:02:00-04:00", "2026-03-14T14:14:00-04:00")
    laboratory = reading("o1", CALL[0], category=[concept("Laboratory", "laboratory")])
    found = record(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), other_patient, other_month, laboratory)
    assert [contact.sources[0] for contact in found.contacts] == ["Encounter/e1"]
    assert found.device_days | found.other_days == set()


@pytest.mark.quirk(11)
def test_class_13_tells_no_modality_and_is_no_contact_by_itself() -> None:
    support = encounter("e1", *CALL, type=[], **{"class": CLASS_13})
    assert record(support).contacts == ()
    assert contact(support, note("d1", SPOKE, about="e1")).modality == "phone"


@pytest.mark.quirk(12)
def test_a_period_of_one_bare_date_is_no_length() -> None:
    call = encounter("e1", "2026-05-14", "2026-05-14", **{"class": CLASS_13})
    assert (contact(call).seconds, contact(call).intervals) == (None, ())
    assert contact(call, note("d1", f"{SPOKE} Call lasted 14 minutes.", about="e1")).minutes == 14


@pytest.mark.quirk(13)
@pytest.mark.parametrize("status", ["in-progress", "unknown"])
def test_an_old_visit_that_was_never_closed_still_counts(status: str) -> None:
    found = contact(encounter("e1", *CALL, status=status), note("d1", SPOKE, about="e1"))
    assert (found.exchange, found.barred) == ("two_way", None)


@pytest.mark.quirk(14)
@pytest.mark.parametrize(
    "kind",
    [
        _typed("115", "Resolute Professional Billing Hospital Prof Fee"),
        _typed("111", "Orders Only"),
        _typed("117", "Ancillary Orders"),
        _typed("107", "Refill"),
        _typed("160", "Care Coordination"),
        _typed("201", "Social Work Encounter"),
    ],
)
def test_an_encounter_that_may_be_paperwork_is_no_contact_by_existing(kind: dict[str, Any]) -> None:
    for known_by in (kind, {"text": kind["text"]}, {"coding": kind["coding"]}):
        assert record(encounter("e1", *CALL, type=[known_by], **{"class": CLASS_13})).contacts == ()


@pytest.mark.quirk(14)
@pytest.mark.parametrize("text", ["Care Coordination", "Social Work Encounter"])
def test_care_coordination_is_a_contact_where_its_note_tells_of_one(text: str) -> None:
    assert contact(encounter("e1", *CALL, type=[concept(text)]), note("d1", SPOKE, about="e1")).exchange == "two_way"


@pytest.mark.quirk(15)
@pytest.mark.parametrize(
    "kind",
    [
        {"coding": [{"system": PARTICIPATION, "code": "REF"}]},
        {"coding": [{"system": "http://hl7.org/fhir/v3/ParticipationType", "code": "REF"}]},
        {"coding": [{"code": "losAuthorizingPhysician"}]},
        {"text": "referrer"},
    ],
)
def test_a_referrer_listed_first_is_not_who_called(kind: dict[str, Any]) -> None:
    referrer = {"type": [kind], "individual": {"reference": "Practitioner/d9", "display": "Otto Referrer, MD"}}
    found = contact(encounter("e1", *CALL, participant=[referrer, {"individual": NURSE}]))
    assert [(person.name, person.role) for person in found.staff] == [("Ana Ruiz", "rn")]


@pytest.mark.quirk(15)
@pytest.mark.parametrize("display", ["EMH X-RAY 1", "RPM NURSE POOL", "Family Med Room 2"])
def test_rooms_and_machines_are_nobody(display: str) -> None:
    assert contact(encounter("e1", *CALL, participant=[{"individual": {"display": display}}])).staff == ()


@pytest.mark.quirk(16)
@pytest.mark.parametrize("customer", ["0.1", "377", "288.3.99"])
def test_a_code_means_the_same_at_every_customer(customer: str) -> None:
    call = encounter("e1", *CALL, type=[{"coding": [{"system": TYPE_OID.format(customer), "code": "70"}]}])
    assert contact(call).modality == "phone"
    elsewhere = encounter("e1", *CALL, type=[{"coding": [{"system": "urn:oid:1.2.3", "code": "70"}]}])
    assert contact(elsewhere).modality == "unknown"


@pytest.mark.quirk(17)
def test_two_renderings_of_a_note_are_one_text() -> None:
    shown = f"<html><body><p>{SPOKE} RN spent 11 minutes.</p></body></html>"
    links = [
        {"attachment": {"contentType": kind, "url": f"Binary/{name}"}}
        for kind, name in (("text/rtf", "rtf"), ("text/html", "html"))
    ]
    html, rtf = binary("html", "text/html", shown), binary("rtf", "text/rtf", r"{\rtf1 Left voicemail, no answer.}")
    found = contact(encounter("e1", "2026-05-14"), note("d1", "", about="e1", content=links), html, rtf)
    assert found.exchange == "two_way"
    assert [item.words for item in found.evidence if item.element == "contact"].count(None) == 0
    assert not any("voicemail" in str(item.words) for item in found.evidence)


@pytest.mark.quirk(17)
def test_a_note_whose_binary_was_not_read_is_a_gap() -> None:
    link = [{"attachment": {"contentType": "text/html", "url": "Binary/refused"}}]
    found = record(encounter("e1", *CALL), note("d1", "", about="e1", content=link))
    assert [(gap.resource_type, gap.code) for gap in found.gaps] == [("Binary", "unreadable_body")]


@pytest.mark.quirk(18)
@pytest.mark.parametrize(
    "content",
    [
        {},
        *({"attachment": told} for told in ({}, {"title": "Scan"}, {"url": "Binary/x"}, {"contentType": "text/html"})),
    ],
)
def test_an_attachment_without_type_or_url_is_passed_over(content: dict[str, Any]) -> None:
    information = note("d2", "", type=concept("Consent Form"), content=[content], about="e9")
    found = record(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), information)
    assert [contact.sources for contact in found.contacts] == [("Encounter/e1", "DocumentReference/d1")]


@pytest.mark.quirk(19)
@pytest.mark.parametrize("family", ["document-information", "summary-document", "imaging-result"])
def test_families_that_are_no_clinical_notes_tell_of_no_contact(family: str) -> None:
    system = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
    document = note(
        "d1", SPOKE, type=concept("x"), category=[concept(family.replace("-", " ").title(), family, system)]
    )
    assert record(document).contacts == ()


@pytest.mark.quirk(20)
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "text/html",
            "<div><h2>PROGRESS NOTE</h2><p>RN called patient. Call&nbsp;lasted&nbsp;12&#160;minutes.</p></div>",
        ),
        ("text/rtf", r"{\rtf1\ansi RN called patient. Call\~lasted\~12\~minutes.\par}"),
        ("text/plain", "RN called patient. Call\u00a0lasted\u00a012\u00a0minutes."),
    ],
)
def test_rendered_text_reads_like_plain_text(kind: str, body: str) -> None:
    attachment = {"contentType": kind, "data": base64.b64encode(body.encode()).decode()}
    found = contact(encounter("e1", "2026-05-14"), note("d1", "", about="e1", content=[{"attachment": attachment}]))
    assert found.minutes == 12


@pytest.mark.quirk(31)
@pytest.mark.parametrize(
    ("start", "inside"),
    [
        ("2026-05-01T03:30:00Z", False),  # 23:30 on 30 April in New York
        ("2026-06-01T03:30:00Z", True),  # 23:30 on 31 May
        ("2026-05-01", True),  # a local date
        ("2026-05-31T23:30:00", True),  # without zone: the practice's clock
        ("2026-06-01T00:30:00", False),
    ],
)
def test_a_month_ends_at_the_practices_midnight(start: str, inside: bool) -> None:
    assert bool(record(encounter("e1", start)).contacts) is inside


BLOOD_PRESSURE = {
    "text": "BP",
    "coding": [
        {"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.707679", "code": "5"},
        {"system": "http://loinc.org", "code": "55284-4"},
        {"system": "http://loinc.org", "code": "85354-9"},
        {"system": "http://loinc.org", "code": "8716-3"},
    ],
}


@pytest.mark.quirk(33)
def test_a_vital_with_several_codings_is_one_reading_of_its_day() -> None:
    found = record(reading("o1", CALL[0], code=BLOOD_PRESSURE), reading("o2", CALL[1], code=BLOOD_PRESSURE))
    assert len(found.device_days) == 1


@pytest.mark.quirk(33)
def test_the_code_that_stands_on_every_vital_tells_nothing() -> None:
    bare = reading("o1", CALL[0], code=concept("Vital signs", "8716-3", "http://loinc.org"), category=[])
    assert record(bare).device_days == set()


@pytest.mark.quirk(34)
def test_a_vital_without_device_is_no_proof_of_a_device() -> None:
    filed = {key: value for key, value in reading("o1", CALL[0]).items() if key != "device"}
    filed["performer"] = [{"reference": "Practitioner/eUI", "display": "User Interconnect"}]
    found = record(filed)
    assert (len(found.device_days), len(found.other_days)) == (0, 1)


@pytest.mark.quirk(34)
def test_the_background_user_is_never_the_member_of_staff() -> None:
    background = {"reference": "Practitioner/eUI", "display": "User Interconnect"}
    found = contact(
        encounter("e1", *CALL, participant=[]),
        note("d1", "Spoke with patient by phone, BP 148/92.", about="e1", author=[background]),
    )
    assert all(person.name is None for person in found.staff)
