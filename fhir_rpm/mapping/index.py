"""One patient's resources, de-duplicated, with references that resolve however they are written."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from fhir_rpm.mapping.fhir import Json, items, reference_of, string
from fhir_rpm.model import Finding

_KEY = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([^/|#?]+)(?:/_history/[^/]+)?$")
_EVIDENCE = ("Encounter", "Communication", "DocumentReference", "Observation")


class Resources:
    """Resources by `Type/id`.

    Accepts a Bundle or an iterable of resources; entries that are no resources are passed over. Of one id read twice
    the highest versionId wins, then the latest lastUpdated (assessment §6).
    """

    def __init__(self, source: Mapping[str, Any] | Iterable[Any]) -> None:
        self._by_key: dict[str, Json] = {}
        self._aliases: dict[str, str] = {}
        self.outcomes: list[Json] = []
        for full_url, resource in _entries(source):
            self._add(full_url, resource)

    def _add(self, full_url: str | None, resource: Json) -> None:
        kind = string(resource.get("resourceType"))
        if kind is None:
            return
        if kind == "OperationOutcome":
            self.outcomes.append(resource)
            return
        identity = string(resource.get("id")) or (full_url or "").removeprefix("urn:uuid:") or _fingerprint(resource)
        key = f"{kind}/{identity}"
        known = self._by_key.get(key)
        if known is None or _version(resource) >= _version(known):
            self._by_key[key] = resource
        if full_url is not None:
            self._aliases[full_url] = key
        for identifier in items(resource.get("identifier")):
            self._aliases.setdefault(_business_key(identifier), key)

    def of_type(self, kind: str) -> list[tuple[str, Json]]:
        """`(Type/id, resource)` of a type, in order of id, so that the order of arrival never matters."""
        return sorted((key, resource) for key, resource in self._by_key.items() if key.startswith(f"{kind}/"))

    def key_of(self, value: object) -> str | None:
        """A Reference as `Type/id`, whether or not the resource was read; None when it does not say."""
        reference = reference_of(value)
        if reference is not None and not reference.startswith("#"):
            return self.key(reference)
        if isinstance(value, dict) and isinstance(value.get("identifier"), dict):
            return self._aliases.get(_business_key(value["identifier"]))
        return None

    def key(self, reference: str) -> str | None:
        """A literal reference (relative, absolute, versioned, urn:uuid) as `Type/id`."""
        if reference in self._aliases:
            return self._aliases[reference]
        match = _KEY.search(reference)
        return f"{match[1]}/{match[2]}" if match else None

    def get(self, key: str | None) -> Json | None:
        """The resource behind `Type/id`, when it was read."""
        return self._by_key.get(key) if key is not None else None

    def target(self, value: object, holder: Json) -> Json | None:
        """The resource a Reference points at, `#contained` ones included."""
        reference = reference_of(value)
        if reference is not None and reference.startswith("#"):
            return next((inner for inner in items(holder.get("contained")) if inner.get("id") == reference[1:]), None)
        return self.get(self.key_of(value))

    def subject(self, resource: Json) -> str | None:
        """`Patient/id` that a resource is about."""
        for element in ("subject", "patient"):
            key = self.key_of(resource.get(element))
            if key is not None and key.startswith("Patient/"):
                return key
        return None

    def patient(self) -> str | None:
        """The patient that most of the evidence is about, else the only Patient resource."""
        evidence = [resource for kind in _EVIDENCE for _, resource in self.of_type(kind)]
        votes = Counter(key for key in map(self.subject, evidence) if key is not None)
        if votes:
            return min(votes, key=lambda key: (-votes[key], key))
        patients = [key for key, _ in self.of_type("Patient")]
        return patients[0] if patients else None

    def of_patient(self, patient: str | None) -> tuple["Resources", list[Finding]]:
        """These resources without evidence about anybody else, and a finding when there was some."""
        foreign = [
            key
            for kind in _EVIDENCE
            for key, resource in self.of_type(kind)
            if self.subject(resource) not in (None, patient)
        ]
        if not foreign:
            return self, []
        mine = Resources(())
        mine._by_key = {key: resource for key, resource in self._by_key.items() if key not in set(foreign)}
        mine._aliases, mine.outcomes = self._aliases, self.outcomes
        message = "These resources are about another patient and were left out."
        return mine, [Finding(code="other_patient", severity="warning", sources=tuple(foreign), message=message)]


def _entries(source: Mapping[str, Any] | Iterable[Any]) -> Iterable[tuple[str | None, Json]]:
    if not isinstance(source, Mapping):
        for resource in source:
            yield from _entries(resource) if isinstance(resource, Mapping) else ()
    elif source.get("resourceType") == "Bundle":
        for entry in items(source.get("entry")):
            resource = entry.get("resource")
            if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
                yield from _entries(resource)
            elif isinstance(resource, dict):
                yield string(entry.get("fullUrl")), resource
    else:
        yield None, dict(source)


def _fingerprint(resource: Json) -> str:
    """A name for a resource without id that does not depend on the order of arrival."""
    return "unnamed-" + sha256(json.dumps(resource, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _version(resource: Json) -> tuple[int, str]:
    meta = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    version = str(meta.get("versionId") or "")
    return (int(version) if version.isascii() and version.isdigit() else -1, str(meta.get("lastUpdated") or ""))


def _business_key(identifier: Json) -> str:
    return f"{identifier.get('system')}|{identifier.get('value')}"
