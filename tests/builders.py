"""Short ways to write FHIR R4 resources of one patient in tests."""

import base64
from typing import Any

Json = dict[str, Any]
PATIENT = {"reference": "Patient/p1"}
NURSE = {"reference": "Practitioner/n1", "display": "Ana Ruiz, RN"}
SPOKE = (
    "Spoke with patient by phone. Reviewed home BP readings 148/92 to 152/94 this week, no dizziness. "
    "Dr. Moss notified; increase lisinopril to 20 mg daily, recheck in one week."
)


def concept(text: str, code: str | None = None, system: str = "http://example.org/codes") -> Json:
    """A CodeableConcept."""
    return {"text": text} | ({"coding": [{"system": system, "code": code}]} if code else {})


def encounter(identity: str, start: str | None, end: str | None = None, **more: Any) -> Json:
    """A finished telephone Encounter by the nurse, unless told otherwise."""
    period = {key: value for key, value in (("start", start), ("end", end)) if value}
    return (
        {
            "resourceType": "Encounter",
            "id": identity,
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"},
            "type": [concept("Telephone encounter")],
            "subject": PATIENT,
            "participant": [{"individual": NURSE}],
        }
        | ({"period": period} if period else {})
        | more
    )


def note(
    identity: str, text: str, date: str = "2026-05-14T14:20:00-04:00", about: str | None = None, **more: Any
) -> Json:
    """A signed plain-text note by the nurse, of the Encounter `about`."""
    data = base64.b64encode(text.encode()).decode()
    return (
        {
            "resourceType": "DocumentReference",
            "id": identity,
            "status": "current",
            "docStatus": "final",
            "type": concept("Telephone encounter Note", "34748-4", "http://loinc.org"),
            "subject": PATIENT,
            "date": date,
            "author": [NURSE],
            "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
        }
        | ({"context": {"encounter": [{"reference": f"Encounter/{about}"}]}} if about else {})
        | more
    )


def message(identity: str, sent: str | None, text: str | None, sender: Any = NURSE, **more: Any) -> Json:
    """A portal message from the nurse to the patient, unless told otherwise."""
    to = NURSE if sender in (PATIENT, "patient") else PATIENT
    resource: Json = {
        "resourceType": "Communication",
        "id": identity,
        "status": "completed",
        "subject": PATIENT,
        "sender": PATIENT if sender == "patient" else sender,
        "recipient": [to],
    }
    resource |= {"sent": sent} if sent else {}
    resource |= {"payload": [{"contentString": text}]} if text is not None else {}
    return resource | more


def reading(identity: str, when: str, **more: Any) -> Json:
    """A weight from a scale, unless told otherwise."""
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "category": [concept("Vital Signs", "vital-signs")],
        "code": concept("Body weight", "29463-7", "http://loinc.org"),
        "subject": PATIENT,
        "effectiveDateTime": when,
        "valueQuantity": {"value": 180.2, "unit": "lb"},
        "device": {"display": "Cellular scale"},
    } | more
