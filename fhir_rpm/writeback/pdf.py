"""The month's summary as a tagged PDF (PDF/UA-1) for servers that take it; needs the extra `fhir-rpm[pdf]`."""

import json
from importlib.resources import as_file, files
from importlib.util import find_spec
from typing import Any

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model import AssessedContact, Assessment, CodeVerdict
from fhir_rpm.month import BillingMonth
from fhir_rpm.writeback.fingerprint import content_hash
from fhir_rpm.writeback.render import DISCLAIMER, SUMMARIES, staff_of, why_of

TITLE = "Remote patient monitoring: monthly documentation summary"

_TONES = {"ready": "good", "supported": "good", "qualifies": "good", "hold": "wait", "insufficient": "wait"}
_WORDS = {"ready": "Ready", "hold": "On hold", "not_met": "Not met"}


def can_render_pdf() -> bool:
    """Whether the extra is installed."""
    return find_spec("typst") is not None


def render_pdf(assessment: Assessment, month: BillingMonth) -> bytes:
    """The PDF of a patient's month; equal assessments give equal bytes.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        import typst
    except ImportError as error:
        problem = "A PDF is wanted and the package typst is not installed."
        raise ConfigurationError(problem, "Install fhir-rpm[pdf], or leave application/pdf out.") from error
    data = json.dumps(_data(assessment, month), ensure_ascii=False, sort_keys=True)
    with as_file(files("fhir_rpm.writeback") / "month.typ") as template:
        return bytes(
            typst.compile(
                template,
                format="pdf",
                ignore_system_fonts=True,
                sys_inputs={"data": data},
                pdf_standards=["ua-1"],
                timestamp=int(month.end.timestamp()),
            )
        )


def _data(assessment: Assessment, month: BillingMonth) -> dict[str, Any]:
    minutes, days = assessment.minutes, assessment.device_days
    most = "not bounded" if minutes.possible is None else minutes.possible
    strict = "would change a verdict" if assessment.strict_differs else "would change no verdict"
    last = month.last_day
    return {
        "title": TITLE,
        "date": [last.year, last.month, last.day],
        "patient": assessment.patient or "patient not stated",
        "month": str(month),
        "hash": content_hash(assessment),
        "status": _WORDS[assessment.status],
        "tone": _TONES.get(assessment.status, "plain"),
        "summary": SUMMARIES[assessment.status].capitalize(),
        "facts": [
            ["Patient", assessment.patient or "not stated"],
            ["Minutes", f"{minutes.certain} certain, {most} possible"],
            ["Month", f"{month.first_day} to {last}"],
            ["Device days", f"{days.certain} certain, {days.possible} possible"],
            ["Time zone", assessment.time_zone],
            ["Policy", assessment.policy],
            ["Strict policy", f"Accepting phone and video only {strict}"],
        ],
        "codes": [_code(code, verdict) for code, verdict in assessment.codes.items()],
        "contacts": [_contact(place, contact) for place, contact in enumerate(assessment.contacts, 1)],
        "sections": [
            {"title": "What to do", "items": list(assessment.actions)},
            {
                "title": "What could not be read",
                "items": [f"{gap.resource_type or 'Any resource'}: {gap.reason}" for gap in assessment.gaps],
            },
            {"title": "Remarks", "items": [finding.message for finding in assessment.findings]},
            {
                "title": "Rules applied",
                "items": [
                    f"{item.rule} = {item.value}: {item.title}. {item.citation}." for item in assessment.citations
                ],
            },
            {"title": "Not checked", "items": list(assessment.not_checked)},
        ],
        "disclaimer": DISCLAIMER,
    }


def _code(code: str, verdict: CodeVerdict) -> dict[str, str]:
    return {
        "code": code,
        "verdict": verdict.verdict.replace("_", " "),
        "tone": _TONES.get(verdict.verdict, "plain"),
        "units": str(verdict.units or ""),
        "why": " ".join(finding.message for finding in verdict.findings),
    }


def _contact(place: int, contact: AssessedContact) -> dict[str, str]:
    length = "length not stated" if contact.minutes is None else f"{contact.minutes} min"
    return {
        "number": str(place),
        "when": (contact.start or "no date").replace("T", " "),
        "how": f"{contact.modality.replace('_', ' ')}, {length}",
        "who": f"{staff_of(contact)}; with: {contact.participant or 'not shown'}",
        "outcome": contact.outcome,
        "tone": _TONES.get(contact.outcome, "plain"),
        "why": why_of(contact),
        "sources": ", ".join(contact.sources),
    }
