"""The people that evidence refers to: who is staff, who is family, and in which role."""

import re
from collections.abc import Iterator
from typing import Any

from fhir_rpm.client.gaps import code_of_error, gap
from fhir_rpm.client.page import refusal_code
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import Transport, same_origin
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.model import Gap

_KEY = re.compile(
    r"(?:^|/)((?:Practitioner|PractitionerRole|RelatedPerson|Device|CareTeam)/[^/?#]+)(?:/_history/[^/]+)?$"
)

_STAFF = ("Practitioner/", "PractitionerRole/", "CareTeam/")
"""Whom many patients share; relatives and devices are one patient's, and are not kept."""


class PeopleReader:
    """Reads staff once each, for all patients of a session; somebody who cannot be read stays a bare reference."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[str, Json | Gap | None] = {}

    def pull_people(self, pull: Pull) -> Pull:
        """The people that the resources of a pull refer to, and those behind their roles.

        A refused read is a gap of the person's type: it never changes a verdict, for without a role a contact waits
        anyway, but it says why. Somebody who is not there is none.
        """
        found: dict[str, Json] = {}
        gaps: list[Gap] = []
        waiting = sorted(keys_in(pull.resources) - {_name(item) for item in pull.resources})
        while waiting:
            key = waiting.pop()
            try:
                known = self._read(key)
            except (AccessError, UnavailableError) as error:
                gaps.append(gap(key.partition("/")[0], code_of_error(error)))
                break
            if isinstance(known, Gap):
                gaps.append(known)
            elif known is not None and key not in found:
                found[key] = known
                waiting += sorted(keys_in([known]) - found.keys())
        return Pull(tuple(found[key] for key in sorted(found)), tuple(dict.fromkeys(gaps)))

    def _read(self, key: str) -> Json | Gap | None:
        if key in self._known:
            return self._known[key]
        read = _read_person(self._transport, key)
        if key.startswith(_STAFF):
            self._known[key] = read
        return read


def _read_person(transport: Transport, key: str) -> Json | Gap | None:
    url = transport.url(key)
    if not same_origin(url, transport.base_url):
        return None
    answer = transport.get(url)
    body = answer.json()
    kind = key.partition("/")[0]
    if answer.status == 200 and body is not None and body.get("resourceType") == kind:
        return body
    return None if answer.status in (404, 410) else gap(kind, refusal_code(answer, body))


def read_resource(transport: Transport, reference: str) -> Json | None:
    """One resource, or None when the server does not give it.

    Raises:
        UnavailableError: the server could not be reached.
    """
    url = transport.url(reference)
    if not same_origin(url, transport.base_url):
        return None
    answer = transport.get(url)
    resource = answer.json()
    kind = reference.rstrip("/").split("/")[-2] if "/" in reference else None
    return resource if answer.status == 200 and resource is not None and resource.get("resourceType") == kind else None


def keys_in(node: Any) -> set[str]:
    """`Type/id` of every person, device or team that something refers to."""
    return set(_keys(node))


def _name(resource: Json) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("reference")
        match = _KEY.search(reference) if isinstance(reference, str) else None
        if match is not None:
            yield match[1]
        for value in node.values():
            yield from _keys(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _keys(value)
