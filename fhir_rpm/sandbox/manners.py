"""How each vendor answers: search rules, paging, errors, and what a created document must look like."""

import base64
from dataclasses import dataclass
from typing import Any

from fhir_rpm.sandbox.declared import DECLARED

Json = dict[str, Any]
_EPIC_ERRORS = "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369"


@dataclass(frozen=True)
class Manners:
    """One vendor's habits.

    Attributes:
        page: entries a page, unless `_count` asks for fewer; small, so that paging really happens.
        paging: the parameter that a next link carries.
        keeps_identifier: whether client identifiers survive a create.
        conditional_create: whether If-None-Exist is honoured.
    """

    vendor: str
    page: int
    paging: str
    keeps_identifier: bool
    conditional_create: bool
    software: str


MANNERS = {
    "generic": Manners("generic", 10, "_offset", True, True, "fhir-rpm sandbox"),
    "epic": Manners("epic", 10, "sessionID", False, False, "Epic-like sandbox"),
    "oracle": Manners("oracle", 10, "-pageContext", False, False, "Oracle-Health-like sandbox"),
}


@dataclass(frozen=True)
class Fault:
    """A refusal: HTTP status, the vendor's code where it has one, and a text."""

    status: int
    text: str
    code: str = ""
    issue: str = "invalid"


def outcome(manners: Manners, fault: Fault, severity: str = "error") -> Json:
    """An OperationOutcome in the vendor's style."""
    details: Json = {"text": fault.text}
    if manners.vendor == "epic":
        details["coding"] = [{"system": _EPIC_ERRORS, "code": fault.code or "59100", "display": fault.text}]
        severity = "fatal" if severity == "error" else severity
    issue = {"severity": severity, "code": fault.issue, "details": details}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


WITHHELD = (
    "Client not authorized for DocumentReference - Clinical Notes. Search results of this type have not been included."
)


def passed_over() -> Json:
    """The information that a parameter was ignored (facts: quirk 4)."""
    coding = {"system": _EPIC_ERRORS, "code": "59100"}
    issue = {"severity": "information", "code": "invalid", "details": {"coding": [coding]}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def withheld() -> Json:
    """The warning that part of the answer is missing (facts: quirk 2)."""
    coding = {"system": _EPIC_ERRORS, "code": "59204"}
    issue = {"severity": "warning", "code": "suppressed", "details": {"coding": [coding]}, "diagnostics": WITHHELD}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def create_fault(manners: Manners, document: Json, encounter: Json | None) -> Fault | None:
    """Why the vendor refuses a DocumentReference, if it does (facts: §2.3 and §3.3)."""
    if document.get("status") != "current":
        return Fault(400, "status must be current.", "59100", "value")
    contents = [item.get("attachment") or {} for item in document.get("content") or []]
    if not contents or any(not _is_base64(item.get("data")) for item in contents):
        return Fault(400, "content.attachment.data is required as base64.", "59100", "required")
    if manners.vendor == "epic":
        return _epic_create_fault(document, contents, encounter)
    if manners.vendor == "oracle":
        return _oracle_create_fault(document, contents)
    return None


def update_fault(manners: Manners, held: Json, document: Json, condition: str | None) -> Fault | None:
    """Why the vendor refuses a new version of a DocumentReference, if it does (facts: §2.1 and §3.3)."""
    if manners.vendor == "epic" or held["resourceType"] != "DocumentReference":
        return Fault(405, "It cannot be updated here.", "4100", "not-supported")
    if condition is None:
        return Fault(400, "If-Match is required.", issue="required")
    version = (held.get("meta") or {}).get("versionId", "1")
    if condition.removeprefix("W/").strip('"') != version:
        return Fault(409 if manners.vendor == "oracle" else 412, "The version is stale.", issue="conflict")
    if document.get("id") != held["id"] or document.get("subject") != held.get("subject"):
        return Fault(422, "The id and the patient of a document stay.")
    encounters = [(item.get("context") or {}).get("encounter") or [] for item in (document, held)]
    if manners.vendor == "oracle" and encounters[0] != encounters[1]:
        return Fault(422, "The encounter of a document stays.")
    if document.get("status") == "entered-in-error":
        return None
    return create_fault(manners, document, None)


def _epic_create_fault(document: Json, contents: list[Json], encounter: Json | None) -> Fault | None:
    subject = (document.get("subject") or {}).get("reference")
    if encounter is None or (encounter.get("subject") or {}).get("reference") != subject:
        return Fault(400, "Valid encounter required.", "59100", "required")
    if len(contents) != 1 or contents[0].get("contentType") != "text/plain":
        return Fault(400, "Exactly one text/plain attachment is accepted.", "59100", "value")
    return None


def _oracle_create_fault(document: Json, contents: list[Json]) -> Fault | None:
    end = ((document.get("context") or {}).get("period") or {}).get("end") or ""
    if "T" not in end:
        return Fault(422, "context.period.end with time is required.")
    kind = contents[0].get("contentType") or ""
    if len(contents) != 1 or (kind.startswith("text/") and "charset" not in kind):
        return Fault(422, "Exactly one attachment with charset is accepted.")
    systems = {coding.get("system") for coding in (document.get("type") or {}).get("coding") or []}
    if len(systems) > 1:
        return Fault(422, "LOINC and proprietary types cannot be mixed.")
    return None


def _is_base64(data: object) -> bool:
    try:
        return isinstance(data, str) and bool(base64.b64decode(data, validate=True))
    except ValueError:
        return False


def _writes(manners: Manners) -> list[Json]:
    return [{"code": "create"}] if manners.vendor == "epic" else [{"code": "create"}, {"code": "update"}]


def capability(manners: Manners, token_url: str) -> Json:
    """The CapabilityStatement: what this sandbox really does."""
    read = [{"code": "read"}, {"code": "search-type"}]
    types = ["Patient", "Encounter", "Observation", "DocumentReference", "Binary", "Practitioner", "Group", "CareTeam"]
    types += {"generic": ["Communication", "Device"], "oracle": ["Communication"]}.get(manners.vendor, [])
    declared = DECLARED.get(manners.vendor, {})
    resources = [
        {
            "type": kind,
            "interaction": [*read, *_writes(manners)] if kind == "DocumentReference" else read,
            "conditionalCreate": manners.conditional_create and kind == "DocumentReference",
            **({"searchParam": [{"name": name} for name in declared[kind]]} if kind in declared else {}),
        }
        for kind in types
    ]
    uris = {
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension": [{"url": "token", "valueUri": token_url}],
    }
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "software": {"name": manners.software},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "security": {"extension": [uris]}, "resource": resources}],
    }
