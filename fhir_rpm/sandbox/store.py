"""What the sandbox holds: synthetic resources, and the documents that clients filed."""

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Store:
    """Resources by type and id; safe to share between requests.

    Args:
        resources: what is there from the start.
        state: a folder in which filed documents are kept for later runs; None keeps them in memory.
    """

    def __init__(self, resources: list[Json], state: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._state = state
        self._held: dict[str, dict[str, Json]] = {}
        for resource in [*resources, *self._kept()]:
            self._held.setdefault(resource["resourceType"], {})[resource["id"]] = resource

    def _kept(self) -> Iterator[Json]:
        if self._state is None:
            return
        self._state.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._state.glob("*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))

    def get(self, kind: str, identity: str) -> Json | None:
        """One resource."""
        return self._held.get(kind, {}).get(identity)

    def of_type(self, kind: str) -> list[Json]:
        """Every resource of a type."""
        return list(self._held.get(kind, {}).values())

    def knows(self, kind: str) -> bool:
        """Whether the type is served."""
        return kind in self._held or kind in ("DocumentReference", "Communication", "Binary", "CareTeam")

    def add(self, resource: Json) -> Json:
        """File a resource under a new id as its first version; on disk before it is visible."""
        with self._lock:
            return self._file(resource, f"filed-{uuid.uuid4().hex[:12]}", 1)

    def put(self, held: Json, resource: Json) -> Json | None:
        """File the next version in the place of `held`; None when another one is there by now."""
        with self._lock:
            if self._held[held["resourceType"]][held["id"]] is not held:
                return None
            return self._file(resource, held["id"], int((held.get("meta") or {}).get("versionId", 1)) + 1)

    def _file(self, resource: Json, identity: str, version: int) -> Json:
        stored = {**resource, "id": identity, "meta": {**(resource.get("meta") or {}), "versionId": str(version)}}
        if self._state is not None:
            path = self._state / f"{stored['resourceType']}-{identity}.json"
            draft = path.with_suffix(".tmp")
            draft.write_text(json.dumps(stored), encoding="utf-8")
            draft.replace(path)
        self._held.setdefault(resource["resourceType"], {})[identity] = stored
        return stored


def matches(resource: Json, name: str, value: str) -> bool:
    """Whether a resource matches one search parameter; a parameter that is not known matches everything."""
    plain = value.rpartition("|")[2]
    match name:
        case "patient" | "subject":
            wanted = value.rpartition("/")[2]
            return any(_reference(resource.get(key)) == f"Patient/{wanted}" for key in ("subject", "patient"))
        case "_id":
            return resource["id"] in value.split(",")
        case "encounter":
            context = resource.get("context") or {}
            references = [_reference(item) for item in [resource.get("encounter"), *context.get("encounter", [])]]
            return f"Encounter/{value.rpartition('/')[2]}" in references
        case "category" | "code" | "type" | "class":
            return bool(set(plain.split(",")) & set(_codes(resource.get(name))))
        case "status":
            return resource.get("status") in value.split(",")
        case "identifier":
            return any(_is_identifier(item, value) for item in resource.get("identifier", []))
        case "date" | "period" | "sent" | "received":
            return _in_range(resource, name, value)
        case "recipient" | "part-of":
            held = resource.get({"part-of": "partOf"}.get(name, name)) or []
            return value.rpartition("/")[2] in {(_reference(item) or "").rpartition("/")[2] for item in held}
        case "-email-status":
            return value in {extension.get("valueCode") for extension in resource.get("extension") or []}
        case _:
            return True


def in_order(resources: list[Json], *, newest_first: bool) -> list[Json]:
    """Resources in order of time, undated ones last."""

    def when(resource: Json) -> float:
        start = _times(resource, "date")[0]
        return inf if start is None else start.timestamp() * (-1 if newest_first else 1)

    return sorted(resources, key=when)


def _reference(value: object) -> str | None:
    return value.get("reference") if isinstance(value, dict) else None


def _codes(value: object) -> Iterator[str]:
    for concept in value if isinstance(value, list) else [value]:
        if isinstance(concept, dict):
            yield from (str(coding.get("code")) for coding in concept.get("coding") or [concept])


def _is_identifier(identifier: Json, value: str) -> bool:
    system, bar, plain = value.rpartition("|")
    return identifier.get("value") == plain and (not bar or identifier.get("system") == system)


def _in_range(resource: Json, name: str, value: str) -> bool:
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    try:
        low, high = _bounds(text)
    except ValueError:
        return False
    start, end = _times(resource, name)
    if start is None or end is None:
        return False
    match prefix:
        case "ge":
            return end > low
        case "gt":
            return end > high
        case "lt":
            return start < low
        case "le":
            return start < high
        case _:
            return low <= start and end <= high


def _times(resource: Json, name: str) -> tuple[datetime | None, datetime | None]:
    period = resource.get("period") or {}
    if name == "period":
        period = (resource.get("context") or {}).get("period") or {}
    keys = (name,) if name in ("sent", "received") else ("effectiveDateTime", "date", "sent")
    point = next((resource[key] for key in keys if key in resource), None)
    first = period.get("start") if name == "period" or "period" in resource else point
    last = period.get("end") or first
    return (_bounds(first)[0], _bounds(last)[1]) if first and last else (None, None)


def _bounds(text: str) -> tuple[datetime, datetime]:
    """The first instant a FHIR date can mean, and the first instant after it."""
    if "T" in text:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment, moment + timedelta(seconds=1)
    year, month, day = (*map(int, text.split("-")), 1, 1)[:3]
    start = datetime(year, month, day, tzinfo=UTC)
    if text.count("-") == 2:
        return start, start + timedelta(days=1)
    nearly = date(year, month, 1) + timedelta(days=31 if text.count("-") == 1 else 366)
    return start, datetime(nearly.year, nearly.month if text.count("-") == 1 else 1, 1, tzinfo=UTC)
