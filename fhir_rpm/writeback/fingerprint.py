"""What a month's document says, without its wording: equal fingerprints are one document."""

import hashlib
import json

from fhir_rpm.model import AssessedContact, Assessment
from fhir_rpm.model.write import Outline


def content_hash(assessment: Assessment) -> str:
    """SHA-256 over the facts of a month in a fixed order.

    Neither the order of what was read, nor the time of writing, nor the wording of messages and citations is part of
    it: a newer release that says the same thing better must not file a second note in every chart.
    """
    facts = {
        "patient": assessment.patient,
        "month": assessment.month,
        "time_zone": assessment.time_zone,
        "policy": assessment.policy,
        "status": assessment.status,
        "minutes": [assessment.minutes.certain, assessment.minutes.possible],
        "device_days": [assessment.device_days.certain, assessment.device_days.possible],
        "codes": {code: [found.verdict, found.units] for code, found in assessment.codes.items()},
        "strict_differs": assessment.strict_differs,
        "contacts": sorted(_contact(contact) for contact in assessment.contacts),
        "findings": sorted(f"{item.code} {' '.join(sorted(item.sources))}" for item in assessment.findings),
        "gaps": gaps_of(assessment),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def outline_of(assessment: Assessment) -> Outline:
    """The month as ids, codes and numbers, from which an amendment tells what changed."""
    outline = {"status": assessment.status, "minutes": str(assessment.minutes.certain)}
    outline["device days"] = str(assessment.device_days.certain)
    outline |= {code: f"{found.verdict} x{found.units}" for code, found in assessment.codes.items()}
    outline |= {" ".join(sorted(contact.sources)): _outcome(contact) for contact in assessment.contacts}
    return outline | {"gaps": " ".join(gaps_of(assessment))}


def gaps_of(assessment: Assessment) -> list[str]:
    """What could not be read, as `Type:code`."""
    return sorted({f"{gap.resource_type or 'Any'}:{gap.code}" for gap in assessment.gaps})


def _contact(contact: AssessedContact) -> str:
    staff = sorted(f"{person.name} ({person.role})" for person in contact.staff)
    parts = [sorted(contact.sources), contact.modality, contact.start, contact.minutes, staff, contact.participant]
    return json.dumps([*parts, _outcome(contact)])


def _outcome(contact: AssessedContact) -> str:
    detail = contact.reason or ", ".join(sorted(contact.missing))
    return contact.outcome + (f": {detail}" if detail else "")
