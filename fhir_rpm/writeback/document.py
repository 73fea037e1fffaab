"""Assessment → the month's DocumentReference, in the shape a vendor accepts."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fhir.resources.R4B.documentreference import DocumentReference

from fhir_rpm.config import WriteSettings
from fhir_rpm.model import Assessment
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth, FhirTime, parse_fhir_time
from fhir_rpm.writeback.render import render_text
from fhir_rpm.writeback.rules import WriteRules

IDENTIFIER_SYSTEM = "https://fhir-rpm.org/fhir/sid/month-summary"
PROFILE = "https://fhir-rpm.org/fhir/StructureDefinition/rpm-month-summary"

Json = dict[str, Any]
_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_NEVER_SO = ("entered-in-error", "cancelled", "planned")


class DocumentShape(Frozen):
    """What a vendor accepts of a DocumentReference: the `[write]` table of its mapping file explains each field."""

    content_type: str = "text/plain"
    keeps_identifier: bool = True
    needs_encounter: bool = False
    attaches_assessment: bool = True
    relates: bool = True
    category: bool = True
    protocol: WriteRules = WriteRules()


def build_document(
    assessment: Assessment,
    month: BillingMonth,
    *,
    shape: DocumentShape,
    settings: WriteSettings,
    created: datetime,
    anchor: str | None = None,
    replaces: str | None = None,
) -> Json:
    """The DocumentReference of a patient's month.

    Args:
        assessment: what the month shows; its patient must be known.
        month: `context.period`, as instants from its first to its last second.
        shape: what the vendor accepts.
        settings: type, docStatus and author.
        created: when it is written; the only clock in it.
        anchor: `Encounter/id` that carries the note, where the vendor needs one.
        replaces: `DocumentReference/id` of an earlier summary, where the vendor accepts relatesTo.

    Raises:
        pydantic.ValidationError: it would be no valid R4 resource; nothing invalid is ever sent.
    """
    text = render_text(assessment, month)
    period = {"start": month.start.isoformat(), "end": (month.end - timedelta(seconds=1)).isoformat()}
    attachment = {
        "contentType": shape.content_type,
        "data": _encoded(text),
        "title": f"RPM documentation summary {month}",
    }
    document: Json = {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": settings.doc_status,
        "type": {"coding": [{"system": settings.type_system, "code": settings.type_code}]},
        "subject": {"reference": assessment.patient},
        "date": created.isoformat(timespec="seconds"),
        "content": [{"attachment": attachment}],
        "context": {"period": period},
    }
    if shape.keeps_identifier:
        document |= {"identifier": [identifier_of(assessment)], "meta": {"profile": [PROFILE]}}
    if shape.category:
        document["category"] = [{"coding": [{"system": _CATEGORY, "code": "clinical-note"}]}]
    if shape.attaches_assessment:
        json_attachment = {"contentType": "application/json", "data": _encoded(assessment.to_json())}
        document["content"].append({"attachment": json_attachment})
    if settings.author is not None:
        document["author"] = [{"reference": settings.author}]
    if anchor is not None:
        document["context"]["encounter"] = [{"reference": anchor}]
    if replaces is not None and shape.relates:
        document["relatesTo"] = [{"code": "replaces", "target": {"reference": replaces}}]
    DocumentReference.model_validate(document)
    return document


def identifier_of(assessment: Assessment) -> Json:
    """The business identifier of a patient's month."""
    value = f"{(assessment.patient or '').removeprefix('Patient/')}-{assessment.month}"
    return {"system": IDENTIFIER_SYSTEM, "value": value}


def choose_anchor(
    assessment: Assessment, resources: Iterable[Mapping[str, Any]], month: BillingMonth
) -> tuple[str, str] | None:
    """The Encounter that carries the note, and why: a monthly summary has none of its own (facts: quirk 21)."""
    encounters = [
        (key, parse_fhir_time((item.get("period") or {}).get("start"), month.zone))
        for item in resources
        if item.get("resourceType") == "Encounter"
        and (item.get("subject") or {}).get("reference", "").endswith(assessment.patient or "?")
        and str(item.get("status")).strip() not in _NEVER_SO
        and (key := f"Encounter/{item.get('id')}")
    ]
    known = {key for key, _ in encounters}
    for outcomes, why in (
        (("qualifies",), "the latest qualifying contact"),
        (("insufficient",), "the latest insufficient contact"),
        (("excluded",), "the latest contact of the month"),
    ):
        sources = [
            s for contact in assessment.contacts if contact.outcome in outcomes for s in contact.sources if s in known
        ]
        if sources:
            return sources[-1], why
    dated = sorted((start.earliest.isoformat(), key, start) for key, start in encounters if start is not None)
    inside = [key for _, key, start in dated if _inside(start, month)]
    if inside:
        return inside[-1], "the latest Encounter of the month"
    return (dated[-1][1], "the latest Encounter read") if dated else None


def _inside(start: FhirTime, month: BillingMonth) -> bool:
    return month.holds(start)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
