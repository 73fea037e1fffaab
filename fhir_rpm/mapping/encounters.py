"""Encounter → fragment: how it took place, when, how long, and who acted for the practice."""

import re
from datetime import timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from fhir_rpm.mapping.fhir import Json, child, code_of, codings, displays, items, string
from fhir_rpm.mapping.fragment import Fragment, Length, lengths_in
from fhir_rpm.mapping.people import People, Person
from fhir_rpm.mapping.table import EncounterKind, MappingTable
from fhir_rpm.model import Evidence
from fhir_rpm.model.terms import Modality, Reason
from fhir_rpm.month import FhirTime, Interval, parse_fhir_time

NEVER_SO = {"entered-in-error", "cancelled", "planned"}
"""Statuses of what never took place (assessment §2, rule 1); others, `in-progress` included, do not disqualify."""

_CPT_SYSTEM = re.compile(r"|.*(?:cpt|hcpcs|2\.16\.840\.1\.113883\.6\.(?:12|285)$).*", re.IGNORECASE)
"""CPT and HCPCS by name or OID; where no system is given, the code speaks for itself."""

_CPT_CODE = re.compile(r"\d{4}[\dA-Z]|[A-Z]\d{4}")
_UNITS = {1: "s sec second seconds", 60: "min mins minute minutes", 3600: "h hr hrs hour hours", 86400: "d day days"}
_SECONDS = {name: seconds for seconds, names in _UNITS.items() for name in names.split()}


class EncounterReader:
    """Reads Encounters with one vendor's words."""

    def __init__(self, table: MappingTable, people: People, zone: tzinfo) -> None:
        self._table = table
        self._people = people
        self._zone = zone

    def read(self, source: str, encounter: Json) -> Fragment | None:
        """The Encounter as a fragment; None when it only bills, orders or refills."""
        kinds = self._kinds(encounter)
        if "administrative" in kinds:
            return None
        start = parse_fhir_time(child(encounter, "period").get("start"), self._zone)
        modality = next((kind for kind in _MODALITIES if kind in kinds), None)
        never = code_of(encounter, "status") in NEVER_SO
        staff, caregiver = self._participants(encounter)
        office_visit = "office_visit" in kinds
        return Fragment(
            sources=(source,),
            start=start,
            modality="in_person" if office_visit and modality is None else modality,
            lengths=() if never else tuple(self._lengths(source, encounter, start)),
            staff=tuple(staff),
            participant="caregiver" if caregiver else None,
            barred="not_done" if never else _WORK.get(modality),
            needs_text=not self._speaks_for_itself(kinds, modality),
            programmes=tuple(self._programmes(encounter)),
            rpm_marked=any(self._table.rpm_words.match(text) for text in self._texts(encounter)),
            office_visit=office_visit,
            evidence=tuple(_evidence(source, start, modality)),
            type="Encounter",
        )

    def _kinds(self, encounter: Json) -> list[EncounterKind]:
        concepts = [*items(encounter.get("type")), *items(encounter.get("serviceType"))]
        kinds = [kind for concept in concepts for kind in self._table.encounter.meanings(concept)]
        for _, code in codings(child(encounter, "class")):
            kinds.append(self._table.encounter.classes.get(code, "silent"))
        if any(kind in ("phone", "video", "secure_message", "no_modality") for kind in kinds):
            kinds = [kind for kind in kinds if kind != "in_person"]
        return kinds

    def _speaks_for_itself(self, kinds: list[EncounterKind], modality: Modality | None) -> bool:
        """Whether it is a contact even without text: a remote one is, a visit in person is not (assessment §6)."""
        if modality is not None:
            return modality not in ("in_person", "secure_message", "email_or_letter")
        return bool({"no_modality", "programme"} & set(kinds)) and "office_visit" not in kinds

    def _texts(self, encounter: Json) -> list[str]:
        concepts = [
            *items(encounter.get("type")),
            *items(encounter.get("serviceType")),
            *items(encounter.get("reasonCode")),
        ]
        return [text for concept in concepts for text in displays(concept)]

    def _programmes(self, encounter: Json) -> list[str]:
        concepts = [*items(encounter.get("type")), *items(encounter.get("serviceType"))]
        codes = {code for concept in concepts for system, code in codings(concept) if _CPT_SYSTEM.fullmatch(system)}
        return sorted(code for code in codes if _CPT_CODE.fullmatch(code))

    def _participants(self, encounter: Json) -> tuple[list[Person], bool]:
        staff, caregiver = [], False
        for participant in items(encounter.get("participant")):
            types = items(participant.get("type"))
            codes = {code for concept in types for _, code in codings(concept)}
            words = {text for concept in types for text in displays(concept)}
            if any(map(self._table.not_taking_part.match, codes | words)):
                continue
            person = self._people.read(participant.get("individual"), encounter, types)
            caregiver = caregiver or person.side == "caregiver"
            display = string(child(participant, "individual").get("display")) or person.name or ""
            if (
                person.side == "staff"
                and not self._table.not_a_person_words.match(display)
                and (person.key or person.role)
            ):
                staff.append(person)
        return staff, caregiver

    def _lengths(self, source: str, encounter: Json, start: FhirTime | None) -> list[Length]:
        lengths = []
        stated = duration_seconds(child(encounter, "length"))
        instant = start.instant if start else None
        if stated:
            lengths.append(Length(stated, source, "Encounter.length", interval_from(start, stated)))
        end = parse_fhir_time(child(encounter, "period").get("end"), self._zone)
        if instant is not None and end is not None and end.instant is not None:
            lengths += lengths_in(Interval(instant, end.instant), source, "Encounter.period")
        return lengths


def duration_seconds(duration: Json) -> int | None:
    """A FHIR Duration in whole seconds, rounded down; None when absent, negative or in an unknown unit."""
    names = [(string(duration.get(key)) or "").lower() for key in ("code", "unit")]
    unit = next((_SECONDS[name] for name in names if name in _SECONDS), None)
    try:
        seconds = Decimal(str(duration.get("value"))) * unit if unit else Decimal(0)
        return int(seconds) if 0 < seconds < Decimal(10) ** 9 else None
    except (InvalidOperation, TypeError, ValueError):
        return None


def interval_from(start: FhirTime | None, seconds: int) -> Interval | None:
    """The interval of that length from `start`, when `start` has a time of day."""
    if start is None or start.instant is None:
        return None
    opening = Interval(start.instant, start.instant)
    try:
        return Interval(opening.start, opening.start + timedelta(seconds=seconds))
    except OverflowError:
        return None


def _evidence(source: str, start: FhirTime | None, modality: Modality | None) -> list[Evidence]:
    found = []
    if start is not None:
        found.append(Evidence(element="date", value=str(start), source=source, path="Encounter.period.start"))
    if modality is not None:
        found.append(Evidence(element="modality", value=modality, source=source, path="Encounter.type"))
    return found


_MODALITIES: tuple[Modality, ...] = (
    "chart_review",
    "internal",
    "phone",
    "video",
    "secure_message",
    "email_or_letter",
    "in_person",
)
"""Where several words match, the one that speaks against billing comes first."""
_WORK: dict[Modality | None, Reason] = {"chart_review": "data_review", "internal": "internal"}
