"""The people that evidence refers to: who is staff, who is family, and in which role."""

import re
from collections.abc import Iterator
from typing import Any

from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.transport import Transport, same_origin
from fhir_rpm.errors import UnavailableError

_KEY = re.compile(
    r"(?:^|/)((?:Practitioner|PractitionerRole|RelatedPerson|Device|CareTeam)/[^/?#]+)(?:/_history/[^/]+)?$"
)


class PeopleReader:
    """Reads people once each, for all patients of a session; somebody who cannot be read stays a bare reference."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[str, Json | None] = {}

    def pull_people(self, pull: Pull) -> Pull:
        """The people that the resources of a pull refer to, and those behind their roles."""
        found: dict[str, Json] = {}
        waiting = sorted(set(_keys(pull.resources)))
        while waiting:
            key = waiting.pop()
            resource = self._read(key)
            if resource is not None and key not in found:
                found[key] = resource
                waiting += sorted(set(_keys([resource])) - found.keys())
        return Pull(tuple(found[key] for key in sorted(found)))

    def _read(self, key: str) -> Json | None:
        if key not in self._known:
            try:
                self._known[key] = read_resource(self._transport, key)
            except UnavailableError:
                return None
        return self._known[key]


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
