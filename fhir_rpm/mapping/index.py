"""One patient's resources, de-duplicated, with references that resolve however they are written."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from fhir_rpm.mapping.fhir import Json, child, code_of, codings, items, reference_of, string
from fhir_rpm.model import Finding
from fhir_rpm.month import parse_fhir_time

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
        self._identified: dict[tuple[str, str], set[str]] = {}
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
        identity = string(resource.get("id")) or _identity_in(full_url) or _fingerprint(resource)
        key = f"{kind}/{identity}"
        known = self._by_key.get(key)
        if known is None or _version(resource) > _version(known):
            self._by_key[key] = resource
        if full_url is not None:
            self._aliases[full_url] = key
        for identifier in items(resource.get("identifier")):
            if (name := _business_key(identifier)) is not None:
                self._identified.setdefault(name, set()).add(key)

    def of_type(self, kind: str) -> list[tuple[str, Json]]:
        """`(Type/id, resource)` of a type, in order of id, so that the order of arrival never matters."""
        return sorted((key, resource) for key, resource in self._by_key.items() if key.startswith(f"{kind}/"))

    def key_of(self, value: object) -> str | None:
        """A Reference as `Type/id`, whether or not the resource was read; None when it does not say."""
        reference = reference_of(value)
        if reference is not None and not reference.startswith("#"):
            return self.key(reference)
        if isinstance(value, dict) and reference is None and isinstance(value.get("identifier"), dict):
            return self._key_identified(value["identifier"], string(value.get("type")))
        return None

    def _key_identified(self, identifier: Json, kind: str | None) -> str | None:
        """The first resource, of the type asked for, with a business identifier."""
        name = _business_key(identifier)
        known = self._identified.get(name, set()) if name is not None else set()
        return min((key for key in known if kind is None or key.startswith(f"{kind}/")), default=None)

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

    def key_within(self, holder: str, value: object) -> str | None:
        """A Reference that stands in the resource `holder`, `#contained` ones as `Type/holder#id`."""
        reference = reference_of(value)
        if reference is None or not reference.startswith("#"):
            return self.key_of(value)
        inner = self.target(value, self.get(holder) or {}) or {}
        return f"{string(inner.get('resourceType'))}/{holder}{reference}" if inner else None

    def encounter_within(self, holder: str, value: object) -> str | None:
        """An Encounter that the resource `holder` names; one combined into another is that one (facts: quirk 55)."""
        key, visited = self.key_within(holder, value), set[str]()
        while key is not None and key not in visited and _is_combined(self.get(key) or {}):
            visited.add(key)
            key = self.key_of((self.get(key) or {}).get("partOf")) or key
        return key

    def contained(self, kind: str) -> Iterator[tuple[str, str, Json]]:
        """`(key, holder, resource)` of every contained resource of a type; it exists only within its holder."""
        for holder, resource in sorted(self._by_key.items()):
            for inner in items(resource.get("contained")):
                if inner.get("resourceType") == kind and (identity := string(inner.get("id"))) is not None:
                    yield f"{kind}/{holder}#{identity}", holder, inner

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
        mine._aliases, mine._identified, mine.outcomes = self._aliases, self._identified, self.outcomes
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


def _is_combined(encounter: Json) -> bool:
    """Whether an Encounter is left over from a merge: unknown in all but the Encounter that it became part of."""
    return (
        code_of(encounter, "status") == "unknown"
        and "period" not in encounter
        and not any(codings(child(encounter, "class")))
        and reference_of(encounter.get("partOf")) is not None
    )


def _identity_in(full_url: str | None) -> str:
    """The id that a fullUrl tells."""
    match = _KEY.search(full_url or "")
    return match[2] if match else (full_url or "").removeprefix("urn:uuid:")


def _fingerprint(resource: Json) -> str:
    """A name for a resource without id that does not depend on the order of arrival."""
    return "unnamed-" + sha256(_text_of(resource).encode()).hexdigest()[:12]


def _text_of(resource: Json) -> str:
    return json.dumps(resource, sort_keys=True, default=str)


def _version(resource: Json) -> tuple[int, datetime, str]:
    """What orders two readings of one id; should nothing tell, their text does, so that arrival never matters."""
    meta = resource.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    version = str(meta.get("versionId") or "")
    updated = parse_fhir_time(meta.get("lastUpdated"), UTC)
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 20 else -1
    return (number, updated.earliest if updated else datetime.min.replace(tzinfo=UTC), _text_of(resource))


def _business_key(identifier: Json) -> tuple[str, str] | None:
    value = string(identifier.get("value"))
    return None if value is None else (string(identifier.get("system")) or "", value)
