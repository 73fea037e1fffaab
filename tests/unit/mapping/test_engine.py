"""Assessment §2 and §6: from resources to contacts."""

from typing import Any

import pytest

from fhir_rpm.mapping import read_month
from fhir_rpm.model import Gap, InteractiveCommunication, MonthRecord
from fhir_rpm.month import BillingMonth
from tests.builders import NURSE, PATIENT, SPOKE, concept, encounter, message, note, reading

MAY = BillingMonth.parse("2026-05", "America/New_York")
CALL = ("2026-05-14T14:02:00-04:00", "2026-05-14T14:14:00-04:00")


def _record(*resources: dict[str, Any], vendor: str = "generic", month: BillingMonth = MAY) -> MonthRecord:
    return read_month(resources, month, vendor=vendor)


def _contact(*resources: dict[str, Any], vendor: str = "generic") -> InteractiveCommunication:
    contacts = _record(*resources, vendor=vendor).contacts
    assert len(contacts) == 1
    return contacts[0]


def test_an_encounter_and_its_note_are_one_contact_with_all_elements() -> None:
    contact = _contact(encounter("e1", *CALL), note("d1", SPOKE, about="e1"))
    assert contact.sources == ("Encounter/e1", "DocumentReference/d1")
    assert (contact.modality, contact.exchange, contact.participant) == ("phone", "two_way", "patient")
    assert (contact.minutes, contact.content, contact.decision) == (12, True, True)
    assert [(person.name, person.role) for person in contact.staff] == [("Ana Ruiz", "rn")]
    assert str(contact.start) == "2026-05-14T14:02:00-04:00"


def test_each_fact_carries_its_evidence() -> None:
    contact = _contact(encounter("e1", *CALL), note("d1", SPOKE, about="e1"))
    found = {(item.element, item.source, item.path) for item in contact.evidence}
    assert ("minutes", "Encounter/e1", "Encounter.period") in found
    assert ("staff_role", "DocumentReference/d1", "DocumentReference.author") in found
    assert {item.element for item in contact.evidence if item.words} >= {"contact", "content", "decision"}
    assert all(item.words in SPOKE for item in contact.evidence if item.words)


@pytest.mark.parametrize("status", ["entered-in-error", "entered-in-error ", "cancelled", "planned", "Cancelled"])
def test_an_encounter_that_never_was_is_listed_as_not_done(status: str) -> None:
    contact = _contact(encounter("e1", *CALL, status=status))
    assert (contact.barred, contact.minutes, contact.intervals) == ("not_done", None, ())


@pytest.mark.parametrize("status", ["in-progress", "unknown", "arrived", "finished"])
def test_other_statuses_do_not_disqualify(status: str) -> None:
    assert _contact(encounter("e1", *CALL, status=status), note("d1", SPOKE, about="e1")).barred is None


@pytest.mark.parametrize("status", ["preparation", "not-done", "stopped", "on-hold", "entered-in-error"])
def test_a_communication_that_never_was_is_listed_as_not_done(status: str) -> None:
    phone = message("c1", CALL[0], SPOKE, medium=[concept("telephone", "PHONE")], received=CALL[1], status=status)
    assert (_contact(phone).barred, _contact(phone).minutes) == ("not_done", None)


def test_an_unlinked_call_of_the_same_nurse_within_fifteen_minutes_is_the_same_event() -> None:
    phone = message("c1", "2026-05-14T18:17:00Z", "Called, spoke with him.", medium=[concept("telephone", "PHONE")])
    assert _contact(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), phone).minutes == 12


@pytest.mark.parametrize(
    "changes",
    [
        {"sent": "2026-05-14T18:18:00Z"},
        {"sender": {"reference": "Practitioner/n2", "display": "Bea Lund, RN"}},
        {"medium": [concept("videoconferencing", "VIDEOCONF")]},
        {"sent": "2026-05-14"},
    ],
)
def test_records_that_differ_in_time_staff_or_modality_are_separate(changes: dict[str, Any]) -> None:
    phone = message("c1", "2026-05-14T18:05:00Z", None, medium=[concept("telephone", "PHONE")]) | changes
    assert len(_record(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), phone).contacts) == 2


@pytest.mark.parametrize(
    "text", ["Orders Only", "Refill", "Ancillary Orders", "Resolute Professional Billing Hospital Prof Fee"]
)
def test_an_encounter_that_only_bills_orders_or_refills_is_no_contact(text: str) -> None:
    assert _record(encounter("e1", *CALL, type=[concept(text)]), vendor="epic").contacts == ()


@pytest.mark.parametrize("text", ["Care Coordination", "Social Work Encounter", "Office Visit", "Outpatient"])
def test_encounters_that_may_be_anything_are_no_contact_without_text(text: str) -> None:
    outpatient = {"code": "AMB"}
    assert _record(encounter("e1", *CALL, type=[concept(text)], **{"class": outpatient}), vendor="epic").contacts == ()


def test_class_vr_alone_does_not_tell_phone_from_video() -> None:
    contact = _contact(encounter("e1", *CALL, type=[]))
    assert (contact.modality, contact.exchange) == ("unknown", "unclear")


def test_a_phone_encounter_without_text_is_unclear_and_keeps_its_minutes() -> None:
    contact = _contact(encounter("e1", *CALL))
    assert (contact.exchange, contact.participant, contact.minutes) == ("unclear", None, 12)


def test_the_text_that_speaks_against_billing_wins_and_the_disagreement_is_reported() -> None:
    record = _record(
        encounter("e1", *CALL), note("d1", "No answer. Left voicemail asking him to call back.", about="e1")
    )
    (contact,) = record.contacts
    assert (contact.modality, contact.barred, contact.minutes) == ("voicemail", "voicemail", None)
    assert [finding.code for finding in record.findings] == ["sources_disagree"]


@pytest.mark.parametrize(
    ("told", "minutes", "conflict"), [("9 min", 9, True), ("12 min", 12, False), ("15 min", 12, True)]
)
def test_the_smaller_of_structured_and_narrated_minutes_counts(told: str, minutes: int, conflict: bool) -> None:
    record = _record(encounter("e1", *CALL), note("d1", f"{SPOKE} Call lasted {told}.", about="e1"))
    (contact,) = record.contacts
    assert contact.minutes == minutes
    assert sum(interval.seconds for interval in contact.intervals) == contact.seconds
    assert contact.intervals[0].start.isoformat() == "2026-05-14T18:02:00+00:00"
    assert [finding.code for finding in record.findings] == (["minutes_conflict"] if conflict else [])


def test_two_structured_lengths_that_differ_give_the_smaller_and_a_finding() -> None:
    record = _record(encounter("e1", *CALL, length={"value": 8, "unit": "min"}), note("d1", SPOKE, about="e1"))
    assert record.contacts[0].minutes == 8
    assert [finding.code for finding in record.findings] == ["minutes_conflict"]


@pytest.mark.parametrize(
    ("length", "seconds"),
    [
        ({"value": 14, "code": "min"}, 840),
        ({"value": 0.5, "unit": "h"}, 1800),
        ({"value": 90, "unit": "seconds"}, 90),
        ({"value": 12}, None),
        ({"value": -3, "unit": "min"}, None),
        ({"value": "twelve", "unit": "min"}, None),
        ({"value": 12, "unit": "parsecs"}, None),
    ],
)
def test_encounter_length_is_read_in_its_unit(length: dict[str, Any], seconds: int | None) -> None:
    assert _contact(encounter("e1", CALL[0], length=length)).seconds == seconds


@pytest.mark.parametrize(
    "period", [{"start": CALL[0]}, {"start": CALL[0], "end": CALL[0]}, {"start": "2026-05-14", "end": "2026-05-14"}]
)
def test_a_period_without_two_different_times_gives_no_minutes(period: dict[str, str]) -> None:
    assert _contact(encounter("e1", None, period=period)).minutes is None


def test_a_contact_belongs_to_the_month_in_which_it_starts_locally() -> None:
    late = encounter("e1", "2026-06-01T03:30:00Z", "2026-06-01T03:44:00Z")
    assert len(_record(late).contacts) == 1
    assert _record(late, month=BillingMonth.parse("2026-06", "America/New_York")).contacts == ()
    assert _record(late, month=BillingMonth.parse("2026-06", "Europe/London")).contacts[0].minutes == 14


def test_a_call_across_midnight_is_carried_into_the_next_month() -> None:
    night = encounter("e1", "2026-04-30T23:48:00-04:00", "2026-05-01T00:12:00-04:00")
    record = _record(night, note("d1", SPOKE, date="2026-05-01T00:20:00-04:00", about="e1"))
    assert (record.contacts, [contact.minutes for contact in record.carried]) == ((), [24])


def test_undated_evidence_is_reported_and_a_call_without_date_is_incomplete_data() -> None:
    record = _record(encounter("e1", None))
    assert record.contacts == ()
    assert [finding.code for finding in record.findings] == ["undated_evidence"]
    assert [(gap.resource_type, gap.code) for gap in record.gaps] == [("Encounter", "undated")]


def test_a_stay_or_a_series_is_not_the_length_of_a_call() -> None:
    series = encounter("e1", "2026-05-01T00:00:00-04:00", "2026-05-31T23:59:59-04:00", type=[concept("RPM")])
    assert _contact(series, note("d1", SPOKE, about="e1")).minutes is None
    assert _contact(series, note("d1", f"{SPOKE} Call lasted 9 minutes.", about="e1")).minutes == 9


def test_an_addendum_belongs_to_the_event_of_its_note() -> None:
    later = {"date": "2026-05-16T09:00:00-04:00"}
    first = {"relatesTo": [{"code": "appends", "target": {"reference": "DocumentReference/d1"}}]}
    second = {"relatesTo": [{"code": "appends", "target": {"reference": "DocumentReference/d2"}}]}
    addenda = [note("d2", f"Addendum: {SPOKE}", **later, **first), note("d3", f"Addendum: {SPOKE}", **later, **second)]
    alone, *more = _record(note("d1", SPOKE), *addenda).contacts
    assert (alone.sources, more) == (("DocumentReference/d1", "DocumentReference/d2", "DocumentReference/d3"), [])
    linked = _contact(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), *addenda)
    assert linked.sources[0] == "Encounter/e1"
    assert str(linked.start).startswith("2026-05-14")


def test_notes_that_append_each_other_do_no_harm() -> None:
    circle = [
        note(one, SPOKE, relatesTo=[{"code": "appends", "target": {"reference": f"DocumentReference/{other}"}}])
        for one, other in (("d1", "d2"), ("d2", "d1"), ("d3", "d3"))
    ]
    assert {source for contact in _record(*circle).contacts for source in contact.sources} == {
        "DocumentReference/d1",
        "DocumentReference/d2",
        "DocumentReference/d3",
    }


def test_a_note_dates_an_encounter_without_period() -> None:
    assert _contact(encounter("e1", None), note("d1", SPOKE, about="e1")).start is not None


def test_a_date_of_year_and_month_only_places_the_contact() -> None:
    assert str(_contact(encounter("e1", "2026-05")).start) == "2026-05"


def test_a_date_of_year_and_month_is_completed_by_the_text_never_by_the_filing() -> None:
    def start(text: str) -> str:
        return str(_contact(encounter("e1", "2026-05"), note("d1", text, date="2026-05-20", about="e1")).start)

    assert start(SPOKE) == "2026-05"
    assert start(f"RN called patient on May 14, 2026. {SPOKE}") == "2026-05-14"
    assert start(f"RN called patient on April 14, 2026. {SPOKE}") == "2026-05"


def test_several_notes_of_one_encounter_are_one_event_and_the_last_decides() -> None:
    first = note("d1", "Left voicemail for patient to call back.", date="2026-05-14T09:12:00-04:00", about="e1")
    second = note("d2", SPOKE, date="2026-05-14T15:30:00-04:00", about="e1")
    contact = _contact(encounter("e1", "2026-05-14"), second, first)
    assert (contact.modality, contact.exchange, contact.barred) == ("phone", "two_way", None)


def test_notes_of_one_encounter_with_stated_times_far_apart_are_separate_contacts() -> None:
    first = note("d1", "0910-0915 Spoke with patient by phone, BP 150/92, no change.", about="e1")
    second = note("d2", "1402-1424 Spoke with patient by phone again, BP 140/88, continue amlodipine.", about="e1")
    record = _record(encounter("e1", "2026-05-14"), first, second)
    assert [contact.minutes for contact in record.contacts] == [5, 22]


@pytest.mark.parametrize(("minutes", "work"), [(5, 300), (12, None)])
def test_work_as_long_as_the_recorded_call_is_not_counted_beside_it(minutes: int, work: int | None) -> None:
    text = f"Data review time {minutes} minutes. {SPOKE}"
    contact = _contact(encounter("e1", *CALL), note("d1", text, about="e1"))
    assert (contact.minutes, contact.work_seconds) == (12, work)


LETTERHEAD = "MAIN SITE\nTelephone Encounter Note\nSigned\n\nPatient: Roth,Alma   MR#: IA000077\nDOB: 03/02/1950\n\n"


def test_a_printed_letterhead_is_neither_a_patients_turn_nor_in_the_way_of_a_clock_time() -> None:
    voicemail = LETTERHEAD + "Called patient, reached voicemail, left message to call the RPM line.\nAna Ruiz RN"
    assert _contact(encounter("e1", *CALL), note("d1", voicemail, about="e1")).barred == "voicemail"
    tried = note("d1", LETTERHEAD + "Called patient at 0905. No answer, no message left.\nMRN: 77", about="e1")
    spoke = note("d2", LETTERHEAD + "1402-1424 " + SPOKE, about="e1")
    record = _record(encounter("e1", "2026-05-14"), tried, spoke)
    assert [contact.barred for contact in record.contacts] == ["no_answer", None]


def test_review_told_by_clock_times_has_its_place_in_time() -> None:
    text = "Chart review 10:00-10:15. Reviewed BP uploads, average 148/88. Patient not contacted."
    contact = _contact(note("d1", text))
    assert (contact.barred, contact.minutes) == ("data_review", 15)
    assert [str(interval.start) for interval in contact.intervals] == ["2026-05-14 14:00:00+00:00"]


@pytest.mark.parametrize(
    "changes", [{"status": "entered-in-error"}, {"status": "superseded"}, {"docStatus": "entered-in-error"}]
)
def test_a_retracted_or_superseded_note_is_dropped_and_its_encounter_is_without_text(changes: dict[str, str]) -> None:
    assert _contact(encounter("e1", *CALL), note("d1", SPOKE, about="e1") | changes).exchange == "unclear"


def test_a_note_that_another_replaces_is_dropped() -> None:
    addendum = note(
        "d2", SPOKE, about="e1", relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/d1"}}]
    )
    assert _contact(encounter("e1", *CALL), note("d1", "Voicemail left.", about="e1"), addendum).sources == (
        "Encounter/e1",
        "DocumentReference/d2",
    )


def test_a_preliminary_note_is_read_with_a_finding() -> None:
    record = _record(encounter("e1", *CALL), note("d1", SPOKE, about="e1", docStatus="preliminary"))
    assert record.contacts[0].exchange == "two_way"
    assert [finding.code for finding in record.findings] == ["preliminary_note"]


def test_a_note_without_readable_body_is_a_gap_never_an_absence() -> None:
    silent = note("d1", SPOKE, about="e1", content=[{"attachment": {"contentType": "text/html", "url": "Binary/b1"}}])
    record = _record(encounter("e1", *CALL), silent)
    assert [gap.code for gap in record.gaps] == ["unreadable_body"]
    assert record.contacts[0].exchange == "unclear"


def test_one_readable_body_is_enough() -> None:
    bodies = [{"attachment": {"contentType": "application/pdf", "url": "Binary/b1"}}, *note("x", SPOKE)["content"]]
    assert _record(encounter("e1", *CALL), note("d1", SPOKE, about="e1", content=bodies)).gaps == ()


def test_a_note_of_our_own_is_never_evidence() -> None:
    own = note("d1", f"{SPOKE}\nfhir-rpm content hash: 0123abcd")
    assert _record(own).contacts == ()


@pytest.mark.parametrize(
    "kind",
    [concept("Report", "18748-4", "http://loinc.org"), concept("Imaging Narrative"), concept("Pathology Report")],
)
def test_a_report_of_a_test_or_procedure_is_never_a_contact(kind: dict[str, Any]) -> None:
    text = "Chest two views. No acute infiltrate. Called to Dr. Moss. No answer."
    stay = encounter("e1", *CALL, type=[concept("Admitted Inpatient")], **{"class": {"code": "IMP"}})
    assert _record(stay, note("d1", text, about="e1", type=kind)).contacts == ()


def test_a_note_that_only_restates_totals_is_no_contact() -> None:
    assert _record(note("d1", "Total RPM time for May 2026: 22 minutes.", type=concept("Progress note"))).contacts == ()


def test_the_author_of_the_note_is_the_one_who_spoke() -> None:
    both = [{"individual": {"reference": "Practitioner/n2", "display": "Bea Lund, LPN"}}, {"individual": NURSE}]
    contact = _contact(encounter("e1", *CALL, participant=both), note("d1", SPOKE, about="e1"))
    assert [person.name for person in contact.staff] == ["Ana Ruiz"]


def test_referrers_and_rooms_are_no_staff() -> None:
    participants = [
        {"type": [concept("referrer", "REF")], "individual": {"display": "Outside, MD"}},
        {"type": [concept("Referring Physician", "1126")], "individual": {"display": "Elsewhere, MD"}},
        {"individual": {"display": "EMC TELEHEALTH ROOM 2"}},
        {"individual": NURSE},
    ]
    assert [person.name for person in _contact(encounter("e1", *CALL, participant=participants)).staff] == ["Ana Ruiz"]


def test_a_background_author_gives_way_to_the_signature() -> None:
    interconnect = [{"reference": "Practitioner/u", "display": "User Interconnect"}]
    signed = note("d1", f"{SPOKE}\nMegan Alvarez, RN", about="e1", author=interconnect)
    contact = _contact(encounter("e1", *CALL, participant=[]), signed)
    assert [(person.name, person.role) for person in contact.staff] == [("Megan Alvarez", "rn")]


def test_a_background_author_gives_way_to_the_signer_in_the_structure() -> None:
    interconnect = [{"reference": "Practitioner/u", "display": "User Interconnect"}]
    party = {"url": "party", "valueReference": {"reference": "Practitioner/m", "display": "Megan Alvarez, RN"}}
    attester = {
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.attester",
        "extension": [{"url": "mode", "valueCodeableConcept": concept("Signer")}, party],
    }
    for signature in ({"extension": [attester]}, {"authenticator": party["valueReference"]}):
        signed = note("d1", SPOKE, about="e1", author=interconnect, **signature)
        (person,) = _contact(encounter("e1", *CALL), signed).staff
        assert (person.name, person.role) == ("Megan Alvarez", "rn")
        (person,) = _contact(encounter("e1", *CALL), note("d1", SPOKE, about="e1", **signature)).staff
        assert person.name == "Ana Ruiz"


def test_a_related_person_in_the_encounter_took_part() -> None:
    wife = [{"individual": {"reference": "RelatedPerson/w"}}, {"individual": NURSE}]
    contact = _contact(encounter("e1", *CALL, participant=wife))
    assert (contact.exchange, contact.participant) == ("unclear", "caregiver")


@pytest.mark.parametrize(
    ("type_", "modality"),
    [
        (concept("", "98005", "http://www.ama-assn.org/go/cpt"), "video"),
        (concept("", "98012", "http://www.ama-assn.org/go/cpt"), "phone"),
        (concept("Telehealth - Audio Only"), "phone"),
        (concept("Telehealth"), "unknown"),
    ],
    ids=str,
)
def test_codes_and_words_tell_phone_from_video(type_: dict[str, Any], modality: str) -> None:
    assert _contact(encounter("e1", *CALL, type=[type_])).modality == modality


def test_codes_of_other_programmes_are_kept_with_the_contact() -> None:
    ccm = [concept("Telephone"), concept("CCM monthly", "99490", "http://www.ama-assn.org/go/cpt")]
    assert _contact(encounter("e1", *CALL, type=ccm), note("d1", SPOKE, about="e1")).programmes == ("99490",)


def test_a_visit_in_person_counts_as_marked() -> None:
    walked_in = {"code": "AMB"}
    marked = encounter("e1", *CALL, type=[concept("RPM nurse visit, in clinic")], **{"class": walked_in})
    plain = encounter("e1", *CALL, type=[concept("Office Visit")], **{"class": walked_in})
    told = note("d1", "Face to face with patient in clinic. BP 138/82, no change in medication.", about="e1")
    assert [(c.modality, c.rpm_marked, c.office_visit) for c in (_contact(marked, told), _contact(plain, told))] == [
        ("in_person", True, False),
        ("in_person", False, True),
    ]


def test_of_one_id_read_twice_the_highest_version_wins() -> None:
    old = encounter("e1", *CALL, meta={"versionId": "9"}, status="cancelled")
    new = encounter("e1", *CALL, meta={"versionId": "10"})
    assert _contact(new, old).barred is None
    assert _contact(old, new).barred is None


def test_evidence_about_another_patient_is_left_out_and_reported() -> None:
    foreign = encounter("e9", *CALL, subject={"reference": "Patient/p2"})
    record = _record(encounter("e1", *CALL), note("d1", SPOKE, about="e1"), foreign)
    assert [contact.sources[0] for contact in record.contacts] == ["Encounter/e1"]
    assert [(finding.code, finding.sources) for finding in record.findings] == [("other_patient", ("Encounter/e9",))]


def test_a_refused_sub_type_is_a_gap_of_that_type_and_an_empty_search_is_none() -> None:
    refused = _outcome("59204", "Client not authorized for DocumentReference - Clinical Notes.")
    record = _record(refused, _outcome("4101", ""), vendor="epic")
    assert [(gap.resource_type, gap.code) for gap in record.gaps] == [("DocumentReference", "59204")]


def _outcome(code: str, diagnostics: str) -> dict[str, Any]:
    details = {"coding": [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": code}]}
    issue = {"severity": "warning", "code": "processing", "details": details, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def test_what_the_caller_could_not_read_is_kept() -> None:
    gap = Gap(resource_type="Encounter", code="page_lost", reason="A page could not be read.")
    assert read_month([], MAY, unread=[gap]).gaps == (gap,)


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {"resourceType": None},
        {"resourceType": "Encounter", "id": 5, "type": "x", "participant": [None, "y"], "period": [], "class": [1]},
        {"resourceType": "Communication", "payload": [None, {"contentString": 5}], "sender": "x", "sent": {}},
        {"resourceType": "DocumentReference", "content": [None, {}], "context": [], "author": {"reference": 1}},
        {"resourceType": "Observation", "component": {"valueQuantity": 1}, "code": [], "effectiveDateTime": 7},
        {"resourceType": "OperationOutcome", "issue": [None, {"details": "x"}]},
    ],
)
def test_malformed_resources_never_raise_and_never_become_a_contact(junk: dict[str, Any]) -> None:
    assert _record(junk).contacts == ()
    assert _record({"resourceType": "Bundle", "entry": [None, {"resource": junk}, {"resource": None}]}).contacts == ()


def test_of_several_encounters_a_note_belongs_to_one_that_can_be_a_contact() -> None:
    both = {"context": {"encounter": [{"reference": "Encounter/e0"}, {"reference": "Encounter/e1"}]}}
    billed = encounter("e0", *CALL, type=[concept("Professional billing")])
    (contact,) = _record(billed, encounter("e1", *CALL), note("d1", SPOKE, **both)).contacts
    assert contact.sources == ("Encounter/e1", "DocumentReference/d1")


def test_a_contained_encounter_tells_how_and_how_long() -> None:
    text = "Spoke with patient. BP 150/92, no dizziness. Continue lisinopril."
    visit = encounter("e1", *CALL, type=[concept("Video visit")])
    progress = {"type": concept("Progress note", "11506-3"), "context": {"encounter": [{"reference": "#e1"}]}}
    holding = note("d1", text, contained=[visit], **progress)
    contact = _contact(holding)
    assert (contact.sources, contact.modality, contact.minutes) == (("DocumentReference/d1",), "video", 12)
    assert _record(holding | {"status": "entered-in-error"}).contacts == ()


def _page(url: str, following: str | None = None, **more: Any) -> dict[str, Any]:
    links = [{"relation": "self", "url": url}] + ([{"relation": "next", "url": following}] if following else [])
    return {"resourceType": "Bundle", "type": "searchset", "link": links} | more


@pytest.mark.parametrize(
    ("following", "kinds"),
    [
        ("https://ehr.example.org/fhir/DocumentReference?sessionID=2", ["DocumentReference"]),
        ("https://ehr.example.org/fhir?_getpages=2", ["Observation"]),
        ("https://ehr.example.org/fhir/Condition?page=2", []),
    ],
)
def test_a_next_page_that_was_not_read_is_a_gap(following: str, kinds: list[str]) -> None:
    first = _page("https://ehr.example.org/fhir/Observation?patient=p1", following)
    assert [gap.resource_type for gap in _record(first).gaps] == kinds
    assert _record(first, _page(following)).gaps == ()


def test_an_entry_that_the_server_refused_is_a_gap() -> None:
    def codes(status: str) -> list[str]:
        answer = {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": status}}]}
        return [gap.code for gap in _record(answer).gaps]

    assert [codes(status) for status in ("200", "404 Not Found", "403 Forbidden")] == [[], [], ["403"]]


def test_the_order_of_resources_is_irrelevant() -> None:
    resources = [
        encounter("e1", *CALL),
        note("d1", SPOKE, about="e1"),
        message("c1", "2026-05-20T10:00:00-04:00", "How are you?"),
        message(
            "c2",
            "2026-05-20T10:05:00-04:00",
            "Fine, 138/80",
            sender="patient",
            partOf=[{"reference": "Communication/c1"}],
        ),
        reading("o1", "2026-05-03T08:00:00-04:00"),
        {"resourceType": "Patient", "id": "p1"},
    ]
    assert _record(*resources) == _record(*reversed(resources))


def test_an_undated_pull_of_nothing_is_an_empty_record() -> None:
    assert _record() == MonthRecord(patient=None)
    assert _record({"resourceType": "Patient", "id": "p1"}).patient == "Patient/p1"
    assert _record(encounter("e1", *CALL, subject=PATIENT)).patient == "Patient/p1"
