"""The month's summary as plain text that a nurse manager or an auditor can read in a chart."""

import re
import textwrap
import unicodedata
from collections.abc import Iterator

from fhir_rpm.model import AssessedContact, Assessment, CodeVerdict
from fhir_rpm.month import BillingMonth
from fhir_rpm.writeback.fingerprint import content_hash

WIDTH = 76
HASH_LINE = "fhir-rpm content hash: "

_HASH = re.compile(r"fhir-rpm\s+content\s+hash:\s*([0-9a-f]{64})\b")
DISCLAIMER = (
    '"Supported" means that the documentation elements were found in the record; it never means that a payer pays.'
)
SUMMARIES = {
    "ready": "the record shows what the code below asks for.",
    "hold": "the record does not show it yet; see what is missing.",
    "not_met": "nothing in the record could support the codes below.",
}
_STATUS = {"ready": "READY", "hold": "ON HOLD", "not_met": "NOT MET"}
_REASONS = {
    "not_done": "never took place",
    "voicemail": "a voicemail",
    "no_answer": "nobody answered",
    "automated": "automated, no clinical staff",
    "internal": "among staff, without the patient",
    "data_review": "review of data, without the patient",
    "wrong_party": "with somebody who is neither patient nor caregiver",
    "non_clinical": "not held by clinical staff",
    "no_reply": "sent, never answered",
    "delayed_reply": "answered too late to be real-time",
    "channel": "over a channel that the policy does not accept",
}


def render_text(assessment: Assessment, month: BillingMonth) -> str:
    """The body of the monthly document.

    Deterministic and ASCII, since charts mangle the rest. The last line carries a hash of what the month says, by which
    the document is found again on servers that drop identifiers.
    """
    lines = list(_lines(assessment, month))
    body = "\n".join(_ascii(line) for line in lines).rstrip() + "\n"
    return f"{body}\n{HASH_LINE}{content_hash(assessment)}\n"


def hash_in(text: str) -> str | None:
    """The hash that a document of ours carries, or None when it is not ours; charts re-wrap text."""
    match = _HASH.search(text)
    return match[1] if match else None


def _lines(assessment: Assessment, month: BillingMonth) -> Iterator[str]:
    yield "REMOTE PATIENT MONITORING: MONTHLY DOCUMENTATION SUMMARY"
    yield ""
    yield f"Patient:   {assessment.patient or 'not stated'}"
    yield f"Month:     {month} ({month.first_day} to {month.last_day}, {assessment.time_zone})"
    yield f"Policy:    {assessment.policy}"
    yield f"Verdict:   {_STATUS[assessment.status]}: {SUMMARIES[assessment.status]}"
    possible = "not bounded" if assessment.minutes.possible is None else str(assessment.minutes.possible)
    yield f"Minutes:   {assessment.minutes.certain} certain, {possible} possible"
    days = assessment.device_days
    yield f"Days:      {days.certain} with a device reading, {days.possible} possible"
    yield from _section("CODES", (_code(code, verdict) for code, verdict in assessment.codes.items()))
    contacts = [_contact(place, contact) for place, contact in enumerate(assessment.contacts, 1)]
    yield from _section("CONTACTS", contacts or [["None was found in the month."]])
    yield from _section("WHAT TO DO", ([action] for action in assessment.actions))
    yield from _section(
        "WHAT COULD NOT BE READ", ([f"{gap.resource_type or 'Any'}: {gap.reason}"] for gap in assessment.gaps)
    )
    yield from _section("REMARKS", ([finding.message] for finding in assessment.findings))
    strict = "would change a verdict" if assessment.strict_differs else "would change no verdict"
    yield from _section("STRICT POLICY", [[f"Accepting phone and video only {strict}."]])
    yield from _section(
        "RULES APPLIED",
        ([f"{item.rule} = {item.value}: {item.title}. {item.citation}."] for item in assessment.citations),
    )
    yield from _section("NOT CHECKED", ([item] for item in assessment.not_checked))
    yield ""
    yield from textwrap.wrap(DISCLAIMER, WIDTH)


def _section(title: str, entries: object) -> Iterator[str]:
    blocks = list(entries)  # type: ignore[call-overload]
    if not blocks:
        return
    yield ""
    yield title
    for block in blocks:
        for place, line in enumerate(block):
            lead = "- " if place == 0 else "    "
            yield from textwrap.wrap(line, WIDTH, initial_indent=lead, subsequent_indent="    ", break_on_hyphens=False)


def _code(code: str, verdict: CodeVerdict) -> list[str]:
    units = f", {verdict.units} unit{'s' if verdict.units != 1 else ''}" if verdict.units else ""
    return [f"{code}: {verdict.verdict.replace('_', ' ')}{units}", *(finding.message for finding in verdict.findings)]


def _contact(place: int, contact: AssessedContact) -> list[str]:
    length = "length not stated" if contact.minutes is None else f"{contact.minutes} min"
    if contact.reason is not None and contact.minutes is None:
        length = "no minutes"
    return [
        f"{place}. {contact.start or 'no date'}, {contact.modality.replace('_', ' ')}, {length}",
        f"staff: {staff_of(contact)}; with: {contact.participant or 'not shown'}",
        outcome_of(contact),
        f"sources: {', '.join(contact.sources)}",
    ]


def staff_of(contact: AssessedContact) -> str:
    """Who of the staff took part, with their roles."""
    people = [f"{person.name or 'name not stated'} ({person.role or 'role not stated'})" for person in contact.staff]
    return "; ".join(people) or "not stated"


def outcome_of(contact: AssessedContact) -> str:
    """What a contact amounts to, and why."""
    why = why_of(contact)
    return f"{contact.outcome}: {why}" if why else contact.outcome


def why_of(contact: AssessedContact) -> str:
    """Why a contact does not qualify; empty when it does."""
    if contact.reason is not None:
        return _REASONS[contact.reason]
    return f"missing {', '.join(contact.missing).replace('_', ' ')}" if contact.missing else ""


def _ascii(line: str) -> str:
    plain = line.translate({0x2019: "'", 0x2018: "'", 0x201C: '"', 0x201D: '"', 0x2013: "-", 0x2014: "-", 0x2265: ">="})
    return unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
