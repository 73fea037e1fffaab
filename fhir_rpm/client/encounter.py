"""Encounters of a patient's month."""

import re
from collections.abc import Iterator

from fhir_rpm.client.gaps import gap
from fhir_rpm.client.inquiry import Inquiry
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import same_origin
from fhir_rpm.errors import AccessError, UnavailableError

_ENCOUNTER = re.compile(r"(?:^|/)(Encounter/[^/?#|]+)(?:/_history/[^/]+)?$")
_NOT_THERE = (404, 410)


def pull_encounters(inquiry: Inquiry) -> Pull:
    """Every Encounter of the month, calls of the night before included."""
    return inquiry.ask("Encounter")


def pull_linked_encounters(inquiry: Inquiry, pull: Pull) -> Pull:
    """The Encounters that notes and messages refer to and no search brought.

    A note that is filed in this month about a call of another tells the day by its Encounter; and Encounters without
    a period are not found by date (facts: quirk 57).
    """
    known = {f"Encounter/{item.get('id')}" for item in pull.resources if item.get("resourceType") == "Encounter"}
    wanted = {key for resource in pull.resources for key in _encounters_of(resource)}
    return sum((_read(inquiry, key) for key in sorted(wanted - known)), Pull())


def _read(inquiry: Inquiry, key: str) -> Pull:
    transport = inquiry.searcher.transport
    url = transport.url(key)
    if not same_origin(url, transport.base_url):
        return Pull()
    try:
        answer = transport.get(url)
    except (AccessError, UnavailableError):
        return Pull(gaps=(gap("Encounter", "linked_unread", key),))
    body = answer.json()
    if answer.status == 200 and body is not None and body.get("resourceType") == "Encounter":
        return Pull((body,)) if inquiry.extent("Encounter").standing(body) != "foreign" else Pull()
    return Pull() if answer.status in _NOT_THERE else Pull(gaps=(gap("Encounter", "linked_unread", key),))


def _encounters_of(resource: Json) -> Iterator[str]:
    context = resource.get("context")
    held = context.get("encounter") if isinstance(context, dict) else None
    for value in [resource.get("encounter"), *(held if isinstance(held, list) else [held])]:
        reference = value.get("reference") if isinstance(value, dict) else None
        if resource.get("resourceType") in ("DocumentReference", "Communication") and isinstance(reference, str):
            yield from (match[1] for match in [_ENCOUNTER.search(reference)] if match)
