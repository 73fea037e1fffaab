"""Communication → fragments: calls, and sittings of messages (assessment §2 and §6)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from fhir_rpm.mapping.bodies import payload_text, plain_text, should_hold_text
from fhir_rpm.mapping.fhir import Json, code_of, codings, displays, items, string
from fhir_rpm.mapping.fragment import Fragment, Length, elapsed, lengths_in, rank_of
from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.notes import told_date, told_evidence
from fhir_rpm.mapping.people import People, Person
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.model import Evidence, NoteFacts
from fhir_rpm.model.terms import Exchange, Modality, PatientSide, Reason
from fhir_rpm.month import FhirTime, Interval, parse_fhir_time
from fhir_rpm.narrative import read_note

NEVER_SO = {"preparation", "not-done", "stopped", "on-hold", "entered-in-error"}
"""Statuses of what never took place (assessment §2, rule 1); Medplum leaves live messages `in-progress`."""

_PATIENT_SIDE = ("patient", "caregiver")
_BY_WORD: tuple[Modality, ...] = ("phone", "video", "email_or_letter")


@dataclass(frozen=True)
class Message:
    """A Communication as one turn.

    Attributes:
        voice: who speaks: staff, patient, caregiver, device, unknown, or `automatic` for replies that nobody wrote.
        to_patient: a recipient is on the patient's side; None when no recipient is known.
        written: it has a payload, be it a picture; a thread header has none.
        unreadable: its payload should hold text, and none could be read.
        thread: the root of its thread.
        encounters: `Encounter/id` of those it references.
    """

    source: str
    resource: Json
    modality: Modality
    start: FhirTime | None
    end: FhirTime | None
    sender: Person
    voice: str
    to_patient: bool | None
    recipients: tuple[Person, ...]
    text: str | None
    written: bool
    unreadable: bool
    never: bool
    thread: str
    encounters: tuple[str, ...]


class MessageReader:
    """Reads Communications with one vendor's words."""

    def __init__(
        self, table: MappingTable, people: People, resources: Resources, zone: tzinfo, max_gap: timedelta
    ) -> None:
        self._table = table
        self._people = people
        self._resources = resources
        self._zone = zone
        self._max_gap = max_gap

    def read_all(self) -> list[Fragment]:
        """Every call and every sitting of messages."""
        communications = dict(self._resources.of_type("Communication"))
        roots = _Threads(communications, self._resources)
        messages = [self._message(key, resource, roots) for key, resource in communications.items()]
        calls = [message for message in messages if message.modality in ("phone", "video", "in_person")]
        threads: dict[str, list[Message]] = defaultdict(list)
        for message in messages:
            if message not in calls:
                threads[message.thread].append(message)
        told = [self._call(call) for call in calls]
        for thread in threads.values():
            told += self._sittings(thread)
        return told

    def _message(self, key: str, resource: Json, roots: "_Threads") -> Message:
        sender = self._people.read(resource.get("sender"), resource)
        recipients = tuple(self._people.read(item, resource) for item in items(resource.get("recipient")))
        sides = {person.side for person in recipients}
        linked = [resource.get("encounter"), *items(resource.get("partOf")), *items(resource.get("basedOn"))]
        keys = [self._resources.encounter_within(key, item) for item in linked]
        text = self._text(resource)
        payloads = [payload for payload in items(resource.get("payload")) if any(payload.values())]
        return Message(
            source=key,
            resource=resource,
            modality=self._modality(resource),
            start=self._time(resource, "sent") or self._time(resource, "received"),
            end=self._time(resource, "received"),
            sender=sender,
            voice="automatic" if self._is_automatic(resource, text) else sender.side,
            to_patient=bool(sides & set(_PATIENT_SIDE)) if sides - {"unknown"} else None,
            recipients=recipients,
            text=text,
            written=text is not None or bool(payloads),
            unreadable=text is None and any(map(should_hold_text, payloads)),
            never=code_of(resource, "status") in NEVER_SO,
            thread=roots.of(key),
            encounters=tuple(item for item in keys if item is not None and item.startswith("Encounter/")),
        )

    def _time(self, resource: Json, element: str) -> FhirTime | None:
        return parse_fhir_time(resource.get(element), self._zone)

    def _text(self, resource: Json) -> str | None:
        texts = [payload_text(payload, self._resources) for payload in items(resource.get("payload"))]
        texts += [plain_text(text, "") for note in items(resource.get("note")) if (text := string(note.get("text")))]
        return "\n".join(text for text in texts if text) or None

    def _modality(self, resource: Json) -> Modality:
        for medium in items(resource.get("medium")):
            for _, code in codings(medium):
                if code.upper() in self._table.medium:
                    return self._table.medium[code.upper()]
        concepts = [*items(resource.get("medium")), *items(resource.get("category"))]
        kinds = [kind for concept in concepts for kind in self._table.encounter.meanings(concept)]
        return next((kind for kind in _BY_WORD if kind in kinds), "secure_message")

    def _is_automatic(self, resource: Json, text: str | None) -> bool:
        opening = (text or "")[:80].partition("\n")[0].partition(".")[0]
        labels = [label for concept in items(resource.get("category")) for label in displays(concept)]
        return any(map(self._table.automatic_words.match, [*labels, opening.partition(":")[0]]))

    def _call(self, message: Message) -> Fragment:
        """A phone or video Communication: one call, told by its payload."""
        told = read_note(message.text) if message.text else None
        barred: Reason | None = "not_done" if message.never else "automated" if message.voice == "device" else None
        staff = [person for person in (message.sender, *message.recipients) if person.side == "staff"]
        return Fragment(
            sources=(message.source,),
            start=message.start or told_date(told, self._zone),
            modality="automated" if barred == "automated" else message.modality,
            lengths=() if barred else tuple(_call_length(message)),
            staff=tuple(person for person in staff if person.key or person.role),
            participant=_side([message]),
            told=told,
            named=self._table.modalities_named(message.text),
            clocked=told.begins if told is not None else None,
            barred=barred,
            needs_text=message.modality == "in_person",
            rpm_marked=told is not None and told.rpm_marked,
            evidence=tuple(_sent_evidence(message) + told_evidence(message.source, told, "Communication.payload")),
            unreadable=message.unreadable and not message.never,
            encounters=message.encounters,
            rank=rank_of(0, message.start, message.source),
        )

    def _sittings(self, thread: list[Message]) -> list[Fragment]:
        """The sittings of one thread, each with the answer that the next one opens with (assessment §6)."""
        turns = [message for message in thread if message.written and not message.never]
        if not turns:
            return self._unsent([message for message in thread if message.written])
        dated = sorted((turn for turn in turns if turn.start is not None), key=_order)
        undated = [self._sitting([turn], thread) for turn in turns if turn.start is None]
        runs = self._runs(dated)
        contacts = [self._sitting(run, thread, runs[place + 1 :]) for place, run in enumerate(runs)]
        return contacts + undated

    def _unsent(self, drafts: list[Message]) -> list[Fragment]:
        """The sittings that a thread without a single live message would have been."""
        dated = sorted((draft for draft in drafts if draft.start is not None), key=_order)
        undated = [[draft] for draft in drafts if draft.start is None]
        return [_unsent(run) for run in (*self._runs(dated), *undated)]

    def _runs(self, turns: list[Message]) -> list[list[Message]]:
        live = [turn for turn in turns if turn.voice not in ("automatic", "device")] or turns
        runs: list[list[Message]] = []
        for turn in live:
            if runs and not _is_later(runs[-1][-1], turn, self._max_gap):
                runs[-1].append(turn)
            else:
                runs.append([turn])
        for turn in turns:
            if turn not in live:
                _nearest(runs, turn).append(turn)
        runs = [sorted(run, key=_order) for run in runs]
        return self._joined(runs)

    def _joined(self, runs: list[list[Message]]) -> list[list[Message]]:
        """Runs of one side only, joined with the run that opens by answering them."""
        joined: list[list[Message]] = []
        for run in runs:
            if joined and _answers(joined[-1], run):
                joined[-1] = joined[-1] + run
            else:
                joined.append(run)
        return joined

    def _sitting(self, run: list[Message], thread: list[Message], later: Iterable[list[Message]] = ()) -> Fragment:
        exchange = self._exchange(run, later)
        staff = _staff_of(run)
        told = _told(run)
        barred = self._barred(run, thread, exchange)
        lengths = [] if barred in ("automated", "internal") or exchange in ("one_way", "delayed") else self._span(run)
        return Fragment(
            sources=tuple(message.source for message in run),
            start=run[0].start,
            modality=_barred_modality(barred) or run[0].modality,
            lengths=tuple(lengths),
            staff=tuple(staff),
            participant=_side(run),
            told=told,
            exchange="none" if barred == "internal" else exchange,
            barred=barred,
            unreadable=any(message.unreadable for message in run),
            encounters=_encounters_of(run),
            rpm_marked=True,
            evidence=tuple(_sitting_evidence(run, told)),
            rank=rank_of(0, run[0].start, run[0].source),
        )

    def _exchange(self, run: list[Message], later: Iterable[list[Message]]) -> Exchange:
        voices = [turn for turn in run if turn.voice not in ("automatic", "device", "unknown")]
        patient = [turn for turn in voices if turn.voice in _PATIENT_SIDE]
        if not patient:
            return "one_way"
        for before, after in pairwise(voices):
            if before.voice == "staff" and after.voice in _PATIENT_SIDE and self._is_live(before, after):
                return "two_way"
        gaps = [_is_later(before, after, self._max_gap) for before, after in pairwise(voices)]
        if any(gaps):
            return "delayed"
        if any(turn.voice == "staff" for turn in voices):
            return "unclear"
        return "delayed" if any(turn.voice == "staff" for run_ in later for turn in run_) else "one_way"

    def _is_live(self, before: Message, after: Message) -> bool:
        """Whether the record shows that `after` came within the gap; two dates of one day do not."""
        timed = all(turn.start is not None and turn.start.instant is not None for turn in (before, after))
        return timed and not _is_later(before, after, self._max_gap)

    def _barred(self, run: list[Message], thread: list[Message], exchange: Exchange) -> Reason | None:
        voices = {turn.voice for turn in run} - {"automatic", "unknown"}
        if "device" in voices and "staff" not in voices and not _only_acknowledged(run):
            return "automated"
        if not voices & set(_PATIENT_SIDE) and self._is_among_staff(run, thread):
            return "internal"
        return {"one_way": "no_reply", "delayed": "delayed_reply"}.get(exchange)  # type: ignore[return-value]

    def _is_among_staff(self, run: list[Message], thread: list[Message]) -> bool:
        """Every known recipient is staff, and nobody on the patient's side writes in the thread."""
        if any(turn.voice in _PATIENT_SIDE or turn.to_patient for turn in thread):
            return False
        return any(turn.to_patient is False for turn in (*run, *thread))

    def _span(self, run: list[Message]) -> list[Length]:
        """First to last message of the live sitting; a patient-side turn must be among them (assessment §6)."""
        turns = [turn for turn in run if turn.voice in ("staff", *_PATIENT_SIDE)]
        while len(turns) > 1 and _is_later(turns[0], turns[1], self._max_gap):
            turns = turns[1:]
        times = [turn.start.instant for turn in turns if turn.start is not None and turn.start.instant is not None]
        if len(times) < 2 or not any(turn.voice in _PATIENT_SIDE for turn in turns):
            return []
        return lengths_in(Interval(times[0], times[-1]), turns[0].source, "Communication.sent")


class _Threads:
    """The root of each Communication's thread, by `partOf` and `inResponseTo`."""

    def __init__(self, communications: dict[str, Json], resources: Resources) -> None:
        self._parent = {key: key for key in communications}
        for key, resource in communications.items():
            for link in (*items(resource.get("partOf")), *items(resource.get("inResponseTo"))):
                other = resources.key_of(link)
                if other is not None and other.startswith("Communication/"):
                    self._parent.setdefault(other, other)
                    self._parent[self.of(key)] = self.of(other)

    def of(self, key: str) -> str:
        """The root of a thread; a Communication without links is its own."""
        while self._parent[key] != key:
            key = self._parent[key]
        return key


def _order(message: Message) -> tuple[datetime, str]:
    start = message.start.earliest.astimezone(UTC) if message.start else datetime.max.replace(tzinfo=UTC)
    return (start, message.source)


def _is_later(before: Message, after: Message, limit: timedelta) -> bool:
    """Whether `after` comes more than `limit` after `before`; without a time of day only another day is later."""
    if before.start is None or after.start is None:
        return True
    if before.start.instant is None or after.start.instant is None:
        return before.start.day is None or before.start.day != after.start.day
    return elapsed(before.start.instant, after.start.instant) > limit


def _nearest(runs: list[list[Message]], turn: Message) -> list[Message]:
    before = [run for run in runs if _order(run[0]) <= _order(turn)]
    return before[-1] if before else runs[0]


def _answers(before: list[Message], after: list[Message]) -> bool:
    """Whether a run of one side only is answered by how the next run opens (assessment §6)."""
    sides = [{_party(turn) for turn in run} - {None} for run in (before, after)]
    opening = next((_party(turn) for turn in after if _party(turn)), None)
    if sides[0] == {"staff"}:
        return opening == "patient"
    return sides[0] == {"patient"} and sides[1] == {"staff"}


def _only_acknowledged(run: list[Message]) -> bool:
    """Whether the patient side wrote first and a machine came last: a message that nobody answered (assessment §6)."""
    voices = [turn.voice for turn in run if turn.voice in ("device", *_PATIENT_SIDE)]
    return voices[0] in _PATIENT_SIDE and voices[-1] == "device"


def _party(turn: Message) -> str | None:
    return "patient" if turn.voice in _PATIENT_SIDE else "staff" if turn.voice == "staff" else None


def _side(run: Iterable[Message]) -> PatientSide | None:
    voices = {turn.voice for turn in run}
    if {"patient", "caregiver"} <= voices:
        return "both"
    return "patient" if "patient" in voices else "caregiver" if "caregiver" in voices else None


def _encounters_of(run: list[Message]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for message in run for key in message.encounters))


def _staff_of(run: list[Message]) -> list[Person]:
    found: dict[str, Person] = {}
    for turn in run:
        if turn.voice == "staff":
            found.setdefault(turn.sender.key or turn.source, turn.sender)
    return list(found.values())


def _told(run: list[Message]) -> NoteFacts | None:
    """What the turns say together, as a transcript with the speakers' sides."""
    labels = {"patient": "Patient", "caregiver": "Caregiver"}
    spoken = [turn for turn in run if turn.text is not None and turn.voice not in ("automatic", "device")]
    lines = [f"{labels.get(turn.voice, 'Nurse')}: {turn.text}" for turn in spoken]
    return read_note("\n".join(lines)) if lines else None


def _barred_modality(barred: Reason | None) -> Modality | None:
    return {"automated": "automated", "internal": "internal"}.get(barred or "")  # type: ignore[return-value]


def _unsent(run: list[Message]) -> Fragment:
    return Fragment(
        sources=tuple(draft.source for draft in run),
        start=run[0].start,
        modality=run[0].modality,
        staff=tuple(_staff_of(run)),
        barred="not_done",
        encounters=_encounters_of(run),
        evidence=tuple(_sent_evidence(run[0])),
    )


def _call_length(message: Message) -> list[Length]:
    """Sent to received is a call's length only for phone and video (facts: mail latency is no minutes)."""
    start = message.start.instant if message.start else None
    end = message.end.instant if message.end else None
    if start is None or end is None or message.modality not in ("phone", "video"):
        return []
    return lengths_in(Interval(start, end), message.source, "Communication.sent")


def _sent_evidence(message: Message) -> list[Evidence]:
    if message.start is None:
        return []
    return [Evidence(element="date", value=str(message.start), source=message.source, path="Communication.sent")]


def _sitting_evidence(run: list[Message], told: NoteFacts | None) -> list[Evidence]:
    found = _sent_evidence(run[0])
    for turn in run:
        if turn.voice in _PATIENT_SIDE:
            found.append(
                Evidence(element="participant", value=turn.voice, source=turn.source, path="Communication.sender")
            )
            break
    for element in ("content", "decision"):
        if told is not None and getattr(told, element):
            found.append(
                Evidence(
                    element=element,
                    value=True,
                    source=run[0].source,
                    path="Communication.payload",
                    words=told.words(element),
                )
            )
    return found
