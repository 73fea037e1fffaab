"""A patient's month out of an EHR: each kind of evidence by itself, so that one refusal never loses the others."""

from collections.abc import Callable

from fhir_rpm.client.communication import StaffInboxes, pull_communications
from fhir_rpm.client.encounter import pull_encounters, pull_linked_encounters
from fhir_rpm.client.inquiry import Inquiry, failed
from fhir_rpm.client.notes import pull_notes
from fhir_rpm.client.observation import pull_observations
from fhir_rpm.client.people import PeopleReader, keys_in
from fhir_rpm.client.pull import Pull
from fhir_rpm.client.search import newest
from fhir_rpm.errors import AccessError, FhirRpmError, UnavailableError

_Failures = list[AccessError | UnavailableError]


def pull_evidence(inquiry: Inquiry, people: PeopleReader, inboxes: StaffInboxes) -> Pull:
    """Encounters, notes, readings and messages of the month, and the people in them.

    Raises:
        AccessError, UnavailableError: no kind of evidence could be read at all.
    """
    failures: _Failures = []
    pulled = _tried("Encounter", lambda: pull_encounters(inquiry), failures)
    pulled += _tried("DocumentReference", lambda: pull_notes(inquiry), failures)
    pulled += _tried("Observation", lambda: pull_observations(inquiry), failures)
    teams = _care_teams(inquiry)
    staff = [key for key in keys_in((pulled + teams).resources) if key.startswith("Practitioner/")]
    pulled += _tried("Communication", lambda: pull_communications(inquiry, inboxes, staff), failures)
    asked = sum(bool(inquiry.recipe_for(kind).searches) for kind in _KINDS)
    if failures and len(failures) == asked:
        raise failures[0]
    pulled += pull_linked_encounters(inquiry, pulled)
    found = pulled + teams + people.pull_people(pulled)
    return Pull(newest(found.resources), tuple(dict.fromkeys(found.gaps)))


def pull_readings(inquiry: Inquiry) -> Pull:
    """The readings of a month, and its visits, whose readings are none; what is refused is a gap in the readings."""
    failures: _Failures = []
    pulled = _tried("Observation", lambda: pull_observations(inquiry), failures)
    visits = _tried("Encounter", lambda: pull_encounters(inquiry), failures)
    unread = tuple(gap.model_copy(update={"resource_type": "Observation"}) for gap in visits.gaps)
    return pulled + Pull(visits.resources, unread)


_KINDS = ("Encounter", "DocumentReference", "Observation", "Communication")


def _tried(resource_type: str, step: Callable[[], Pull], failures: _Failures) -> Pull:
    try:
        return step()
    except (AccessError, UnavailableError) as error:
        failures.append(error)
        return failed(resource_type, error)


def _care_teams(inquiry: Inquiry) -> Pull:
    """Care teams name roles and recipients; a server without them loses nothing."""
    if not inquiry.capability.declares("CareTeam"):
        return Pull()
    try:
        found = inquiry.searcher.search("CareTeam", {"patient": inquiry.patients[0]}, inquiry.extent("CareTeam"))
    except FhirRpmError:
        return Pull()
    return Pull(found.resources)
