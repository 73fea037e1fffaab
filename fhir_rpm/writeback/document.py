"""Assessment → the month's DocumentReference, in the shape a vendor accepts."""

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fhir.resources.R4B.documentreference import DocumentReference

from fhir_rpm.config import Part, WriteSettings
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import Assessment
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import BillingMonth, FhirTime, parse_fhir_time
from fhir_rpm.writeback.pdf import can_render_pdf, render_pdf
from fhir_rpm.writeback.render import render_text
from fhir_rpm.writeback.rules import WriteRules

IDENTIFIER_SYSTEM = "https://fhir-rpm.org/fhir/sid/month-summary"
PROFILE = "https://fhir-rpm.org/fhir/StructureDefinition/rpm-month-summary"

Json = dict[str, Any]
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_LOINC = "http://loinc.org"
_NEVER_SO = ("entered-in-error", "cancelled", "planned")


class DocumentShape(Frozen):
    """What a vendor accepts of a DocumentReference: the `[write]` table of its mapping file explains each field."""

    content_type: str = "text/plain"
    parts: tuple[Part, ...] = ("text",)
    keeps_identifier: bool = True
    needs_encounter: bool = False
    relates: bool = True
    category: bool = True
    security_label: bool = True
    own_type_ending: str | None = None
    provider_is_author: bool = False
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
        settings: type, category, docStatus, author, parts and label.
        created: when it is written; the only clock in it.
        anchor: `Encounter/id` that carries the note, where the vendor needs one.
        replaces: `DocumentReference/id` of an earlier summary, where the vendor accepts relatesTo.

    Raises:
        ConfigurationError: the settings ask for what the vendor does not take, or the text alone is too large.
        pydantic.ValidationError: it would be no valid R4 resource; nothing invalid is ever sent.
    """
    refuse_what_the_vendor_refuses(shape, settings)
    period = {"start": month.start.isoformat(), "end": (month.end - timedelta(seconds=1)).isoformat()}
    document: Json = {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": settings.doc_status,
        "type": {"coding": [{"system": settings.type_system, "code": settings.type_code}]},
        "subject": {"reference": assessment.patient},
        "date": created.isoformat(timespec="seconds"),
        "content": [{"attachment": part} for part in attachments(assessment, month, shape, settings)],
        "context": {"period": period},
    }
    if shape.keeps_identifier:
        document |= {"identifier": [identifier_of(assessment)], "meta": {"profile": [PROFILE]}}
    if shape.category:
        document["category"] = [{"coding": [{"system": settings.category_system, "code": settings.category_code}]}]
    if settings.security_label is not None:
        document["securityLabel"] = [{"coding": [{"system": _CONFIDENTIALITY, "code": settings.security_label}]}]
    if settings.author is not None:
        document["author"] = [{"reference": settings.author}]
    if anchor is not None:
        document["context"]["encounter"] = [{"reference": anchor}]
    if replaces is not None and shape.relates:
        document["relatesTo"] = [{"code": "replaces", "target": {"reference": replaces}}]
    DocumentReference.model_validate(document)
    return document


def refuse_what_the_vendor_refuses(shape: DocumentShape, settings: WriteSettings) -> None:
    """Say before anything is sent what the vendor would refuse or drop without a word.

    Raises:
        ConfigurationError: it names the setting.
    """
    unwanted = [part for part in settings.parts or () if part not in shape.parts]
    if unwanted:
        problem = f"write.parts: this EHR takes no {unwanted[0]} (it takes {', '.join(shape.parts)})."
        raise ConfigurationError(problem, "Leave it out.")
    if settings.security_label is not None and not shape.security_label:
        raise ConfigurationError("write.security_label: this EHR does not keep security labels.", "Leave it out.")
    if settings.tier == "provider" and shape.provider_is_author and settings.author is None:
        problem = "write.author is missing: an app of the provider tier must name the Practitioner who is signed in."
        raise ConfigurationError(problem, 'Set write.author = "Practitioner/id".')
    own = shape.own_type_ending
    if own is not None and settings.type_system != _LOINC and not settings.type_system.endswith(own):
        problem = f"write.type_system: this EHR types notes by LOINC or by its own system that ends in {own}."
        raise ConfigurationError(problem, "Use one of the two.")


def attachments(
    assessment: Assessment, month: BillingMonth, shape: DocumentShape, settings: WriteSettings
) -> list[Json]:
    """The document's parts, the text first; the others are left out where they would make it larger than is allowed.

    Raises:
        ConfigurationError: the text alone is too large, or a PDF is asked for that cannot be made.
    """
    wanted = settings.parts or tuple(part for part in shape.parts if part != "pdf" or can_render_pdf())
    text = render_text(assessment, month)
    made = [_attachment(shape.content_type, text.encode()) | {"title": f"RPM documentation summary {month}"}]
    room = settings.max_bytes - _size(made)
    if room < 0:
        problem = f"The text of {month} for {assessment.patient} is larger than write.max_bytes = {settings.max_bytes}."
        raise ConfigurationError(problem, "Raise write.max_bytes if the EHR takes more.")
    makers = {
        "assessment": lambda: _attachment("application/json", assessment.to_json().encode()),
        "pdf": lambda: _attachment("application/pdf", render_pdf(assessment, month)),
    }
    for part in ("assessment", "pdf"):
        if part in wanted:
            extra = makers[part]()
            if _size([extra]) <= room:
                made.append(extra)
                room -= _size([extra])
    return made


def _attachment(content_type: str, body: bytes) -> Json:
    return {"contentType": content_type, "data": base64.b64encode(body).decode()}


def _size(parts: list[Json]) -> int:
    return sum(len(part["data"]) for part in parts)


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
