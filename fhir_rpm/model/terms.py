"""The closed vocabularies of the assessment contract and of the note rubric."""

from typing import Literal, get_args

Modality = Literal[
    "phone",
    "video",
    "secure_message",
    "in_person",
    "voicemail",
    "automated",
    "internal",
    "chart_review",
    "email_or_letter",
    "unknown",
]
"""How a contact took place."""

Exchange = Literal["two_way", "one_way", "delayed", "none", "unclear"]
"""Whether the patient's side took part in real time."""

PatientSide = Literal["patient", "caregiver", "both"]
"""Who took part on the patient's side."""

StaffRole = Literal[
    "physician",
    "np",
    "pa",
    "rn",
    "lpn",
    "ma",
    "pharmacist",
    "dietitian",
    "health_coach",
    "care_manager",
    "respiratory_therapist",
    "social_worker",
    "non_clinical",
    "bot",
]
"""A staff member's role, normalised; `non_clinical` is front desk, scheduling, billing or technical support."""

Outcome = Literal["qualifies", "insufficient", "excluded"]
"""What a contact amounts to under a policy."""

Reason = Literal[
    "not_done",
    "voicemail",
    "no_answer",
    "automated",
    "internal",
    "data_review",
    "wrong_party",
    "non_clinical",
    "no_reply",
    "delayed_reply",
    "channel",
]
"""Why a contact is excluded. The order is the order of precedence: the first that applies is reported."""

REASONS: tuple[Reason, ...] = get_args(Reason)

Element = Literal[
    "contact",
    "date",
    "staff_name",
    "staff_role",
    "participant",
    "minutes",
    "content",
    "decision",
    "modality",
]
"""What a record must show. `contact`: that an exchange took place at all; `modality`: over an accepted channel."""

ELEMENTS: tuple[Element, ...] = get_args(Element)

Verdict = Literal["supported", "hold", "not_supported"]
"""What the record says about one code."""

MonthStatus = Literal["ready", "hold", "not_met"]
"""What the record says about the month."""

Severity = Literal["information", "warning", "error"]
"""How much a finding matters."""
