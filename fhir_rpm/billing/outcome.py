"""Contact → outcome, reason and missing elements (assessment §2 "Outcome" and §6)."""

from collections.abc import Iterator

from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import AssessedContact, InteractiveCommunication
from fhir_rpm.model.terms import ELEMENTS, REASONS, Element, Modality, Reason

_BY_MODALITY: dict[Modality, Reason] = {
    "voicemail": "voicemail",
    "automated": "automated",
    "internal": "internal",
    "chart_review": "data_review",
}
_NOTHING_HELD = ("not_done", "voicemail", "no_answer", "automated", "no_reply", "delayed_reply")


def assess_contact(contact: InteractiveCommunication, terms: Terms) -> AssessedContact:
    """What the contact amounts to under the terms; only an insufficient one lists missing elements."""
    reason = min(_reasons(contact, terms), key=REASONS.index, default=None)
    missing = () if reason else tuple(sorted(_demanded(contact, terms), key=ELEMENTS.index))
    return AssessedContact(
        sources=contact.sources,
        modality=contact.modality,
        start=None if contact.start is None else str(contact.start),
        minutes=None if reason in _NOTHING_HELD else contact.minutes,
        staff=contact.staff,
        participant=contact.participant,
        outcome="excluded" if reason else "insufficient" if missing else "qualifies",
        reason=reason,
        missing=missing,
        evidence=contact.evidence,
    )


def _reasons(contact: InteractiveCommunication, terms: Terms) -> Iterator[Reason]:
    """Every reason that applies, in no order."""
    found = contact.barred or _BY_MODALITY.get(contact.modality) or _reason_in_exchange(contact)
    if found is not None:
        yield found
    if terms.is_clinical(contact) is False:
        yield "non_clinical"
    if not terms.accepts_channel_of(contact):
        yield "channel"


def _reason_in_exchange(contact: InteractiveCommunication) -> Reason | None:
    """What the mapping has normally barred already; told again here so that nothing it lets pass is billed."""
    spoken = contact.modality in ("phone", "video")
    match contact.exchange:
        case "none":
            return "wrong_party" if spoken else "internal"
        case "one_way":
            return "no_answer" if spoken else "no_reply"
        case "delayed":
            return "delayed_reply"
        case _:
            return None


def _demanded(contact: InteractiveCommunication, terms: Terms) -> Iterator[Element]:
    """What is missing of what the policy demands; whether there was an exchange, and over what, is always asked."""
    wanted = {*terms.elements, "contact", "modality"}
    return (element for element in _missing(contact, terms) if element in wanted)


def _missing(contact: InteractiveCommunication, terms: Terms) -> Iterator[Element]:
    if contact.exchange == "unclear":
        yield "contact"
    if contact.start is None or contact.start.day is None:
        yield "date"
    if not _named(contact, terms):
        yield "staff_name"
    if terms.is_clinical(contact) is None:
        yield "staff_role"
    if contact.participant is None:
        yield "participant"
    if contact.seconds is None:
        yield "minutes"
    if not contact.content:
        yield "content"
    if not contact.decision:
        yield "decision"
    if contact.modality == "unknown" and contact.exchange == "two_way" and not terms.unknown_modality_accepted:
        yield "modality"


def _named(contact: InteractiveCommunication, terms: Terms) -> bool:
    """Whether the one who makes it a clinical contact has a name; while no role is known, anybody who may have one."""
    clinical = [person for person in contact.staff if person.role in terms.roles]
    return any(person.name for person in clinical or [person for person in contact.staff if person.role is None])
