"""The internal interactive-communication model: frozen values, no I/O."""

from fhir_rpm.model.assessment import AssessedContact, Assessment, Bounds, CodeVerdict, PolicyCitation
from fhir_rpm.model.contact import Evidence, InteractiveCommunication, Participant
from fhir_rpm.model.note import NoteFacts, TextSpan
from fhir_rpm.model.record import Finding, Gap, MonthRecord

__all__ = [
    "AssessedContact",
    "Assessment",
    "Bounds",
    "CodeVerdict",
    "Evidence",
    "Finding",
    "Gap",
    "InteractiveCommunication",
    "MonthRecord",
    "NoteFacts",
    "Participant",
    "PolicyCitation",
    "TextSpan",
]
