"""Observation → days with a reading: from a device, or of unknown origin (assessment §4 and §6)."""

from collections.abc import Mapping
from datetime import date, timedelta, tzinfo

from fhir_rpm.mapping.fhir import Json, child, code_of, codings, displays, items, reference_of, string
from fhir_rpm.mapping.fragment import Fragment
from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.people import People
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.month import BillingMonth, parse_fhir_time

_FUNCTION = "event-performerFunction"
_NEVER_SO = {"entered-in-error", "cancelled"}


class ReadingReader:
    """Reads Observations with one vendor's words."""

    def __init__(
        self,
        table: MappingTable,
        people: People,
        resources: Resources,
        zone: tzinfo,
        encounters: Mapping[str, Fragment],
    ) -> None:
        self._table = table.readings
        self._people = people
        self._resources = resources
        self._zone = zone
        self._encounters = encounters

    def days(self, month: BillingMonth) -> tuple[frozenset[date], frozenset[date]]:
        """Local dates of the month with a device's reading, and with a reading of unknown origin."""
        return self._between(month.first_day, month.last_day)

    def days_before(self, month: BillingMonth) -> tuple[frozenset[date], frozenset[date]]:
        """The like of the 31 days before the month, which a supply period that ends in it can reach back to."""
        return self._between(month.first_day - timedelta(days=31), month.first_day - timedelta(days=1))

    def _between(self, first: date, last: date) -> tuple[frozenset[date], frozenset[date]]:
        device: set[date] = set()
        other: set[date] = set()
        for _, observation in self._resources.of_type("Observation"):
            day = self._day(observation)
            if day is None or not first <= day <= last or not self._is_reading(observation):
                continue
            (device if self._names_device(observation) else other).add(day)
        return frozenset(device), frozenset(other)

    def _day(self, observation: Json) -> date | None:
        """The local date of effective[x]; of a period, the day it begins."""
        timing = child(observation, "effectiveTiming").get("event")
        values = [
            observation.get("effectiveDateTime"),
            observation.get("effectiveInstant"),
            child(observation, "effectivePeriod").get("start"),
            child(observation, "effectivePeriod").get("end"),
            timing[0] if isinstance(timing, list) and timing else None,
        ]
        moment = next((found for value in values if (found := parse_fhir_time(value, self._zone))), None)
        return moment.day if moment else None

    def _is_reading(self, observation: Json) -> bool:
        categories = {code for item in items(observation.get("category")) for _, code in codings(item)}
        kinds = {self._table.categories[code] for code in categories if code in self._table.categories}
        code = observation.get("code")
        if "never" in kinds or not (kinds or any(self._table.codes.in_(code))):
            return False
        if code_of(observation, "status") in _NEVER_SO or not _has_value(observation):
            return False
        return not (self._is_average(code) or self._is_by_hand(observation) or self._is_of_a_visit(observation))

    def _is_average(self, code: object) -> bool:
        return any(self._table.average_codes.in_(code)) or any(map(self._table.average_words.match, displays(code)))

    def _is_by_hand(self, observation: Json) -> bool:
        texts = list(displays(observation.get("method")))
        texts += [text for note in items(observation.get("note")) if (text := string(note.get("text")))]
        if any(map(self._table.manual_words.match, texts)):
            return True
        tags = {code for _, code in codings({"coding": child(observation, "meta").get("tag")})}
        return bool(tags & set(self._table.patient_tags)) and not self._names_device(observation)

    def _is_of_a_visit(self, observation: Json) -> bool:
        """Whether staff took it during a visit: by its Encounter, or by who performed it."""
        key = self._resources.key_of(observation.get("encounter"))
        encounter = self._encounters.get(key) if key else None
        if encounter is not None and encounter.modality == "in_person":
            return True
        if self._names_device(observation):
            return False
        people = [
            self._people.read(performer, observation, _function(performer))
            for performer in items(observation.get("performer"))
        ]
        return any(person.side == "staff" and person.role is not None for person in people)

    def _names_device(self, observation: Json) -> bool:
        device = observation.get("device")
        named = isinstance(device, dict) and bool(
            reference_of(device) or string(device.get("display")) or child(device, "identifier").get("value")
        )
        performers = [self._resources.key_of(performer) or "" for performer in items(observation.get("performer"))]
        categories = {code for item in items(observation.get("category")) for _, code in codings(item)}
        fed = any(self._table.categories.get(code) == "device" for code in categories)
        return named or fed or any(key.startswith("Device/") for key in performers)


def _function(performer: Json) -> object:
    """In what function a performer acted, which Oracle says in an extension."""
    extensions = items(performer.get("extension"))
    return next((x.get("valueCodeableConcept") for x in extensions if _FUNCTION in str(x.get("url"))), None)


def _has_value(observation: Json) -> bool:
    """Whether the Observation, or a component of it, carries a value."""
    parts = [observation, *items(observation.get("component"))]
    return any(_carries_value(part) for part in parts if "dataAbsentReason" not in part)


def _carries_value(part: Json) -> bool:
    for key, value in part.items():
        if not key.startswith("value"):
            continue
        inner = (
            (value.get("value"), value.get("data"), value.get("text"), value.get("coding"))
            if isinstance(value, dict)
            else (value,)
        )
        if any(item is not None and item != "" for item in inner):
            return True
    return False
