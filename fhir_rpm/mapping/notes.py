"""DocumentReference → fragment: what the text tells, who wrote it, and which Encounter it belongs to."""

import re
from datetime import time, tzinfo

from fhir_rpm.mapping.bodies import attachment_text, note_attachments
from fhir_rpm.mapping.fhir import Json, child, code_of, displays, items, string
from fhir_rpm.mapping.fragment import Fragment, rank_of
from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.people import People, Person
from fhir_rpm.mapping.table import MappingTable, NoteKind
from fhir_rpm.model import Evidence, NoteFacts
from fhir_rpm.model.terms import Modality
from fhir_rpm.month import FhirTime, parse_fhir_time
from fhir_rpm.narrative import read_note

_DROPPED = {"entered-in-error", "superseded"}
_SAME_EVENT = {"appends", "transforms", "signs"}
"""Relations to a note about the same event; `replaces` drops the other note instead."""
_REMOTE: tuple[Modality, ...] = ("phone", "video")
_CLOCK = re.compile(
    r"\A(?:\W*|[^.;\n]{0,80}?\b(?:call(?:ed)?|phoned|spoke|reached|attempt\w*|message|voicemail|l?vm)\b"
    r"(?:(?!\b(?:back|ask\w*|will|until|before)\b)[^.;\n]){0,60}?\bat )"
    r"(?:(?P<h>[012]?\d):|(?P<hh>[012]\d))(?P<m>[0-5]\d)(?!\d|/|-\d\d-)(?:\s*(?P<half>[ap])\.?m)?",
    re.IGNORECASE,
)
"""A single clock time of the event: at the opening of a note, or in its first sentence after an attempt."""
_RANGE = re.compile(
    r"(?<![\d/:.])([012]?\d(?=:)|[012]\d):?([0-5]\d)\s?(?:-|–|to)\s?([012]?\d(?=:)|[012]\d):?([0-5]\d)(?![\d/:])"
)
"""From one clock time to another, `10:00-10:15` or `1000-1015`."""
_PERSONAL = re.compile(
    r"^[^\S\n]*(?:patient(?: name)?:.*\b(?:mr#|mrn|dob|acct)|(?:mr#|mrn|dob|acct|age/sex|loc)) ?:.*$",
    re.IGNORECASE | re.MULTILINE,
)
"""A printed letterhead's lines on who the patient is: `Patient: Roth,Alma  MR#: 77` is nobody's turn to speak."""
_AUTHOR_ROLE = "clinical-note-author-provider-type"
_ATTESTER = "DocumentReference.attester"


class NoteReader:
    """Reads DocumentReferences with one vendor's words."""

    def __init__(self, table: MappingTable, people: People, resources: Resources, zone: tzinfo) -> None:
        self._table = table
        self._people = people
        self._resources = resources
        self._zone = zone

    def read_all(self) -> list[Fragment]:
        """Every DocumentReference that could document a contact, superseded and retracted ones left out."""
        documents = self._resources.of_type("DocumentReference")
        replaced = {
            self._resources.key_of(relation.get("target"))
            for _, document in documents
            for relation in items(document.get("relatesTo"))
            if code_of(relation, "code") == "replaces" and code_of(document, "status") not in _DROPPED
        }
        notes = [self._read(key, document) for key, document in documents if key not in replaced]
        return [note for note in notes if note is not None]

    def _read(self, source: str, document: Json) -> Fragment | None:
        if {code_of(document, "status"), code_of(document, "docStatus")} & _DROPPED:
            return None
        concepts = [*items(document.get("type")), *items(document.get("category"))]
        claimed = [kind for concept in concepts for kind in self._table.note.meanings(concept)]
        attachments = note_attachments(document)
        text = attachment_text(attachments, self._resources)
        if "no_note" in claimed or (text is not None and self._table.own_words.match(text)):
            return None
        told = read_note(_PERSONAL.sub("", text)) if text is not None else None
        hint = None if told is not None and told.totals_only else self._modality_hint(claimed, document)
        start = self._start(document) or told_date(told, self._zone)
        root = self._root(source)
        return Fragment(
            sources=(source,),
            start=start,
            modality=hint,
            staff=tuple(self._authors(document)),
            signers=tuple(self._signers(document)),
            told=told,
            named=self._table.modalities_named(text),
            clocked=clock_told(told, text),
            needs_text=hint is None or not attachments,
            unreadable=text is None,
            preliminary=code_of(document, "docStatus") == "preliminary",
            encounters=self._encounters(source) or self._encounters(root),
            appends=root if root != source else None,
            rpm_marked=(told is not None and told.rpm_marked) or self._says_rpm(concepts),
            office_visit=told is not None and told.office_visit,
            evidence=tuple(self._evidence(source, start, told)),
            rank=rank_of(1, start, source),
        )

    def _root(self, source: str) -> str:
        """The note at the bottom of a chain of addenda; a note that appends nothing is its own."""
        chain: list[str] = []
        while source not in chain:
            chain.append(source)
            relations = items((self._resources.get(source) or {}).get("relatesTo"))
            targets = [item.get("target") for item in relations if code_of(item, "code") in _SAME_EVENT]
            source = next((key for item in targets if (key := self._resources.key_of(item)) is not None), source)
        return source

    def _encounters(self, source: str) -> tuple[str, ...]:
        references = items(child(self._resources.get(source), "context").get("encounter"))
        keys = (self._resources.encounter_within(source, item) for item in references)
        return tuple(key for key in keys if key is not None)

    def _modality_hint(self, claimed: list[NoteKind], document: Json) -> Modality | None:
        for kind in claimed:
            if kind != "no_note":
                return kind
        display = string(child(document, "context", "encounter").get("display")) or ""
        kinds = self._table.encounter.meanings({"text": display})
        return next((kind for kind in _REMOTE if kind in kinds), None)

    def _says_rpm(self, concepts: list[Json]) -> bool:
        return any(self._table.rpm_words.match(text) for concept in concepts for text in displays(concept))

    def _start(self, document: Json) -> FhirTime | None:
        context = child(document, "context", "period")
        return parse_fhir_time(context.get("start"), self._zone) or parse_fhir_time(document.get("date"), self._zone)

    def _authors(self, document: Json) -> list[Person]:
        extensions = items(child(document, "context").get("extension")) + items(document.get("extension"))
        role = next((x.get("valueCodeableConcept") for x in extensions if _AUTHOR_ROLE in str(x.get("url"))), None)
        people = [self._people.read(author, document, role) for author in items(document.get("author"))]
        return [person for person in people if person.side == "staff" and (person.key or person.role)]

    def _signers(self, document: Json) -> list[Person]:
        """Who signed: R5's attester, which Epic sends as an extension, or the authenticator."""
        attesters = [item for item in items(document.get("extension")) if _ATTESTER in str(item.get("url"))]
        parties = [part.get("valueReference") for item in attesters for part in items(item.get("extension"))]
        people = [self._people.read(item, document) for item in (*parties, document.get("authenticator")) if item]
        return list(dict.fromkeys(person for person in people if person.side == "staff" and person.name))

    def _evidence(self, source: str, start: FhirTime | None, told: NoteFacts | None) -> list[Evidence]:
        found = []
        if start is not None:
            found.append(Evidence(element="date", value=str(start), source=source, path="DocumentReference.date"))
        return found + told_evidence(source, told, "DocumentReference.content.attachment")


def told_date(told: NoteFacts | None, zone: tzinfo) -> FhirTime | None:
    """The full date that a text tells, for what no structure dates."""
    return parse_fhir_time(told.date.isoformat(), zone) if told is not None and told.date is not None else None


def clock_told(told: NoteFacts | None, text: str | None) -> time | None:
    """When the text says that the event began: from a range of clock times, else one at its opening or attempt."""
    if told is None or told.begins is not None:
        return told.begins if told is not None else None
    if told.contact == "none":
        return _work_began(told, text or "")
    opening, *parts = _PERSONAL.split(text or "")
    match = _CLOCK.search(next((part.lstrip() for part in parts if part.strip()), opening))
    if match is None:
        return None
    hour, minute = int(match["h"] or match["hh"]), int(match["m"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    return time(hour, minute) if hour < 24 else None


def _work_began(told: NoteFacts, text: str) -> time | None:
    """When review or team work began whose minutes are told by clock times, `10:00-10:15`."""
    for hour, minute, last_hour, last_minute in (map(int, found) for found in _RANGE.findall(text)):
        minutes = (last_hour - hour) * 60 + last_minute - minute
        if hour < 24 and minutes % 1440 == told.work_minutes:
            return time(hour, minute)
    return None


_TOLD = (
    ("contact", "contact"),
    ("participant", "participant"),
    ("minutes", "minutes"),
    ("staff_name", "staff_name"),
    ("staff_role", "staff_role"),
    ("modality", "modality"),
    ("content", "content"),
    ("decision", "decision"),
)


def told_evidence(source: str, told: NoteFacts | None, path: str) -> list[Evidence]:
    """What the text shows, each fact with the words it came from."""
    found = []
    for element, fact in _TOLD if told is not None else ():
        value = getattr(told, fact)
        words = told.words(fact) if told is not None else None
        if words is not None and value not in (None, False, "none", "unknown", "unclear"):
            found.append(Evidence(element=element, value=value, source=source, path=path, words=words))
    return found
