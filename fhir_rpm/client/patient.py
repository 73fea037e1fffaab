"""The patient of a month: read first, and followed to the record in force when the EHR merged it."""

import re
from dataclasses import dataclass

from fhir_rpm.client.gaps import gap
from fhir_rpm.client.pull import Json
from fhir_rpm.client.transport import Answer, Transport
from fhir_rpm.errors import AccessError, FhirRpmError, UnavailableError
from fhir_rpm.model import Gap
from fhir_rpm.outcome import OutcomeCodes, codes_in

MERGES = 5
"""How many merges in a row are followed."""

_MERGED = "4107"
_PATIENT = re.compile(r"(?:^|/)Patient/([^/?#|]+)(?:/_history/[^/]+)?$")


class UnknownPatientError(FhirRpmError):
    """The server has no such patient."""

    exit_code = 2


@dataclass(frozen=True)
class PatientRead:
    """The record in force.

    Attributes:
        resource: the Patient.
        ids: the id in force, then those that were merged into it.
        gaps: that the patient was merged, and into whom.
    """

    resource: Json
    ids: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()


def read_patient(transport: Transport, codes: OutcomeCodes, identity: str) -> PatientRead:
    """Read a patient, following redirects and `replaced-by` links of merged records (facts: quirk 36).

    Raises:
        AccessError: the patient may not be read.
        UnknownPatientError: there is none.
        UnavailableError: the server could not be reached, or failed.
    """
    resource = _read(transport, codes, identity)
    ids = [identity]
    for _ in range(MERGES):
        _add(ids, resource.get("id"))
        successor = _successor(resource)
        if successor is None or successor in ids:
            break
        try:
            resource = _read(transport, codes, successor)
        except FhirRpmError:
            # The evidence may stand under a record that cannot be read: nothing proves absence.
            return PatientRead(resource, tuple(ids), (gap(None, "merged_patient", f"Patient/{successor}"),))
        _add(ids, successor)
    merged = (gap("Patient", "merged_patient", f"Patient/{ids[0]}"),) if len(ids) > 1 else ()
    return PatientRead(resource, tuple(ids), merged)


def _add(ids: list[str], identity: object) -> None:
    """The newest id goes first."""
    if isinstance(identity, str) and identity and identity not in ids:
        ids.insert(0, identity)


def _successor(resource: Json) -> str | None:
    links = resource.get("link")
    for link in links if isinstance(links, list) else ():
        other = link.get("other") if isinstance(link, dict) and link.get("type") == "replaced-by" else None
        reference = other.get("reference") if isinstance(other, dict) else None
        match = _PATIENT.search(reference) if isinstance(reference, str) else None
        if match is not None:
            return match[1]
    return None


def _read(transport: Transport, codes: OutcomeCodes, identity: str) -> Json:
    answer = transport.get(transport.url(f"Patient/{identity}"))
    resource = answer.json()
    if answer.status == 200 and resource is not None and resource.get("resourceType") == "Patient":
        return resource
    raise _refused(answer, resource or {}, codes, identity)


def _refused(answer: Answer, body: Json, codes: OutcomeCodes, identity: str) -> FhirRpmError:
    said = codes_in(body)
    why = next((codes.reasons[code] for code in said if code in codes.reasons), None)
    if answer.status in (401, 403):
        remedy = why or "Check the app's scopes and whether the patient is restricted."
        return AccessError(f"Patient/{identity} may not be read (HTTP {answer.status}).", remedy)
    if _MERGED in said:
        remedy = "Look up the surviving record in the EHR and use its id."
        return UnknownPatientError(f"Patient/{identity} was merged into another record.", remedy)
    if answer.status in (404, 410):
        return UnknownPatientError(f"There is no Patient/{identity} on this server.", "Check the id.")
    if 200 <= answer.status < 300 and not said:
        remedy = "Check base_url, and whether a sign-in page or a proxy answers instead."
        return UnavailableError(f"The answer for Patient/{identity} is no Patient (HTTP {answer.status}).", remedy)
    remedy = why or "Try again later."
    return UnavailableError(f"Patient/{identity} could not be read (HTTP {answer.status}).", remedy)
