"""The internal interactive-communication model: frozen values, no I/O."""

from fhir_rpm.model.assessment import AssessedContact, Assessment, Bounds, CodeVerdict, PolicyCitation
from fhir_rpm.model.calls import Call, CallLog, UnreadCall
from fhir_rpm.model.contact import Evidence, InteractiveCommunication, Participant
from fhir_rpm.model.explanation import Basis, CodeExplanation, Explanation, Fix, Requirement, StrictVerdict
from fhir_rpm.model.note import NoteFacts, TextSpan
from fhir_rpm.model.policy import PolicyProblem, PolicyRule, RuleChange
from fhir_rpm.model.record import Finding, Gap, MonthRecord
from fhir_rpm.model.staff import StaffMember

__all__ = [
    "AssessedContact",
    "Assessment",
    "Basis",
    "Bounds",
    "Call",
    "CallLog",
    "CodeExplanation",
    "CodeVerdict",
    "Evidence",
    "Explanation",
    "Finding",
    "Fix",
    "Gap",
    "InteractiveCommunication",
    "MonthRecord",
    "NoteFacts",
    "Participant",
    "PolicyCitation",
    "PolicyProblem",
    "PolicyRule",
    "Requirement",
    "RuleChange",
    "StaffMember",
    "StrictVerdict",
    "TextSpan",
    "UnreadCall",
]
