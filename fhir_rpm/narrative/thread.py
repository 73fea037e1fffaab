"""Message threads and transcripts: who wrote when, and whether the answers came in the same sitting."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from fhir_rpm.narrative.lexicon import Span, lexicon
from fhir_rpm.narrative.text import Note
from fhir_rpm.narrative.when import clock_at, day_at

SITTING = timedelta(minutes=30)

_CLOCK = re.compile(r"\b(\d{1,2}):(\d\d)(?::\d\d)?\s*([ap]\.?m?\.?)?\b|(?<![\d/.-])([01]\d|2[0-3])([0-5]\d)(?![\d/.-])")
_STAFF = re.compile(r"\b(?:nurse|care ?team|staff|clinic|provider|team|agent|you wrote|dr)\b|-out\b")
_LABEL = re.compile(r"\b(?:signed|author|by|caller|contact|participants?|who|to|date|name|mr|dob|spoke|reason)\b")
_PATIENT = re.compile(r"\b(?:patient|pt|you|me|member|client|self|paciente|customer|-in)\b")


@dataclass(frozen=True)
class Turn:
    """One message: its side, when it was sent as far as stated, and where it stands."""

    side: str
    when: datetime | None
    span: Span
    said: Span


@dataclass(frozen=True)
class Thread:
    """The turns of a transcript, and what they amount to."""

    turns: tuple[Turn, ...]
    exchange: str
    seconds: int | None


def thread_of(note: Note) -> Thread | None:
    """The note as a transcript of at least two turns of which one side is staff and one the patient's, else None."""
    turns: list[Turn] = []
    day: date | None = None
    voices: dict[str, str] = {}
    offset = 0
    for line in note.low.split("\n"):
        day = day_at(line) or day
        turn = _turn(line, offset, day, voices)
        if turn is not None:
            turns.append(turn)
        offset += len(line) + 1
    sides = {turn.side for turn in turns}
    if len(turns) < 2 or not sides & {"patient", "caregiver"}:
        return None
    if not any(turn.when for turn in turns) and not lexicon().has("contact.message", note.low):
        return None
    return Thread(tuple(turns), *_exchange(turns))


def _turn(line: str, offset: int, day: date | None, voices: dict[str, str]) -> Turn | None:
    clocks = list(_CLOCK.finditer(line[:60]))
    head, colon, said = _head(line, clocks[0].end() if clocks else 0)
    if not colon or not said.strip() or len(head) > 90:
        return None
    name = _CLOCK.sub(" ", head).strip(" -[]()|•*\t,:")
    side = _side(name, voices)
    if side is None:
        return None
    when = clock_at(clocks[0][0], day) if clocks else None
    start = offset + len(line) - len(said)
    return Turn(side, when, (offset, offset + len(line)), (start, offset + len(line)))


def _head(line: str, after: int) -> tuple[str, str, str]:
    for place in range(after, min(len(line), 110)):
        if line[place] in ":>" and not (line[place] == ":" and line[place + 1 : place + 2].isdigit()):
            return line[:place], line[place], line[place + 1 :]
    return line, "", ""


def _side(name: str, voices: dict[str, str]) -> str | None:
    words = lexicon()
    if not name or len(name.split()) > 9 or _LABEL.search(name):
        return None
    if words.has("roles.bot", name) or re.search(r"\bauto", name):
        return "bot"
    if any(words.has(f"roles.{role}", name) for role in _CLINICAL) or _STAFF.search(name):
        return "staff"
    if words.has("roles.non_clinical", name):
        return "clerk"
    if words.has("person.caregiver", name):
        return "caregiver"
    if words.has("person.patient", name) or _PATIENT.search(name):
        return "patient"
    return voices.get(name)


_CLINICAL = (
    "rn",
    "lpn",
    "np",
    "pa",
    "physician",
    "ma",
    "pharmacist",
    "dietitian",
    "health_coach",
    "care_manager",
    "respiratory_therapist",
    "social_worker",
)


def _exchange(turns: list[Turn]) -> tuple[str, int | None]:
    live = [turn for turn in turns if turn.side != "bot"] or turns
    theirs = ("patient", "caregiver")
    ours = ("staff", "clerk", "bot")
    for before, after in pairwise(live):
        if before.side in ours and after.side in theirs:
            if before.when is None or after.when is None:
                return "two_way", None
            if timedelta(0) <= after.when - before.when <= SITTING:
                return "two_way", _seconds(live, before)
    if any(turn.side in theirs for turn in live) and any(turn.side in ours for turn in live):
        first = live[0].side in theirs
        last = live[-1].side in ours
        return ("unclear" if first and last and _close(live) else "delayed"), None
    return "one_way", None


def _close(live: list[Turn]) -> bool:
    return all(a.when is None or b.when is None or b.when - a.when <= SITTING for a, b in pairwise(live))


def _seconds(live: list[Turn], inside: Turn) -> int | None:
    """First to last message of the sitting that `inside` belongs to."""
    place = live.index(inside)
    first = last = place
    while first > 0 and _near(live[first - 1], live[first]):
        first -= 1
    while last + 1 < len(live) and _near(live[last], live[last + 1]):
        last += 1
    start, end = live[first].when, live[last].when
    return int((end - start).total_seconds()) if start and end else None


def _near(before: Turn, after: Turn) -> bool:
    return bool(before.when and after.when and timedelta(0) <= after.when - before.when <= SITTING)
