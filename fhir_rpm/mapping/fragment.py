"""What one resource, or one sitting of messages, tells of an event: the pieces contacts are made of."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from fhir_rpm.mapping.people import Person
from fhir_rpm.model import Evidence, NoteFacts
from fhir_rpm.model.calls import CallOutcome
from fhir_rpm.model.terms import Exchange, Modality, PatientSide, Reason
from fhir_rpm.month import FhirTime, Interval


@dataclass(frozen=True)
class Length:
    """A recorded length in seconds, and where it lies in time when that is known."""

    seconds: int
    source: str
    path: str
    interval: Interval | None = None


_A_DAY = 24 * 60 * 60


def lengths_in(interval: Interval, source: str, path: str) -> list[Length]:
    """The length that two times tell: none when they are equal, nor for a day and more, which is a stay or a series."""
    return [Length(interval.seconds, source, path, interval)] if 0 < interval.seconds < _A_DAY else []


@dataclass(frozen=True)
class Fragment:
    """One piece of evidence about one event.

    Attributes:
        sources: the resources it stands for, `Type/id`.
        start: when it says the event began.
        modality: what its structure says; None where it does not tell.
        lengths: recorded lengths in its structure.
        staff: who its structure says acted for the practice.
        signers: who signed it; they speak for a note whose author is nobody (assessment §6).
        participant: who its structure shows on the patient's side.
        told: what its text says; None without readable text.
        named: the modalities that its text names in so many words.
        clocked: the clock time at which its text says that the event began.
        exchange: what its structure shows of the exchange (message sittings).
        barred: why its structure rules an interactive communication out.
        needs_text: it is no contact unless some text tells of one.
        unreadable: it should have had a text that could not be read.
        preliminary: it is not signed yet.
        encounters: `Encounter/id` of those that it references.
        appends: `DocumentReference/id` of the note that it is an addendum to, if any.
        logged: how a phone system says that a call ended.
        withheld: its length may be on record already, so that it is not counted again.
        type: the resource type it comes from, where that is not its source's: a contained Encounter's.
        rank: order among fragments of one event; later ones tell what happened last.
    """

    sources: tuple[str, ...]
    start: FhirTime | None = None
    modality: Modality | None = None
    lengths: tuple[Length, ...] = ()
    staff: tuple[Person, ...] = ()
    signers: tuple[Person, ...] = ()
    participant: PatientSide | None = None
    told: NoteFacts | None = None
    named: frozenset[Modality] = frozenset()
    clocked: time | None = None
    exchange: Exchange | None = None
    barred: Reason | None = None
    needs_text: bool = False
    unreadable: bool = False
    preliminary: bool = False
    encounters: tuple[str, ...] = ()
    appends: str | None = None
    programmes: tuple[str, ...] = ()
    rpm_marked: bool = False
    office_visit: bool = False
    evidence: tuple[Evidence, ...] = ()
    logged: CallOutcome | None = None
    withheld: bool = False
    type: str | None = None
    rank: tuple[int, str] = field(default=(0, ""))

    @property
    def kind(self) -> str:
        """The resource type it comes from."""
        return self.type or self.sources[0].partition("/")[0]

    @property
    def clock(self) -> datetime | None:
        """The point in time at which it says the event began: a clock time told in the text, else its own."""
        if self.start is None:
            return None
        if self.clocked is not None and self.start.day is not None:
            return datetime.combine(self.start.day, self.clocked, self.start.earliest.tzinfo)
        return self.start.instant


def elapsed(before: datetime, after: datetime) -> timedelta:
    """Real time between two moments; Python subtracts wall clocks within one zone, whatever they do in between."""
    return after.astimezone(UTC) - before.astimezone(UTC)


def rank_of(place: int, start: FhirTime | None, source: str) -> tuple[int, str]:
    """Where a fragment stands among those of one event: by kind, then in order of time."""
    return place, f"{start.earliest.astimezone(UTC).isoformat() if start else ''} {source}"


def starts_apart(left: datetime, right: datetime, limit: timedelta) -> bool:
    """Whether two starts are more than `limit` apart."""
    return abs(elapsed(left, right)) > limit


SAME_EVENT = timedelta(minutes=15)
"""Starts at most this far apart can be one event (assessment §2, rule 2)."""
