"""Hypothesis strategies for realistic months of FHIR resources, said in the words of each EHR."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from fhir_rpm import assess
from fhir_rpm.model import Assessment
from tests.builders import PATIENT, Json, concept, encounter, message, note, reading

EPIC_TYPE = "urn:oid:1.2.840.114350.1.13.188.1.7.10.698084.30"
SNOMED = "http://snomed.info/sct"
WORDS: dict[str, dict[str, Json]] = {
    "generic": {"phone": concept("Telephone encounter"), "video": concept("Video visit")},
    "epic": {"phone": concept("Telephone", "70", EPIC_TYPE), "video": concept("Telemedicine", "76", EPIC_TYPE)},
    "oracle": {"phone": concept("Outpatient Phone Message"), "video": concept("Telehealth Video Visit")},
    "medplum": {"phone": concept("Call", "185317003", SNOMED), "video": concept("Video", "448337001", SNOMED)},
    "meditech": {"phone": concept("Telephone Visit"), "video": concept("Video Visit")},
}
"""How each EHR names a call and a video visit."""

VENDORS = tuple(WORDS)
POLICIES = ("rpm-us", "rpm-us-strict")
DETAILS = (
    "Reviewed home BP readings 148/92 to 152/94 this week, no dizziness. "
    "Dr. Moss notified; increase lisinopril to 20 mg daily, recheck in one week."
)
WHOLE = f"Spoke with patient by phone. {DETAILS}"
HELD = (
    WHOLE,
    f"Spoke with daughter by phone. {DETAILS}",
    f"Spoke with patient for 14 minutes. {DETAILS}",
    "Spoke with patient by phone. Reviewed home BP readings 148/92 this week, no dizziness.",
    "Patient contacted monthly.",
    "RPM call done.",
)
"""Texts of what was or may have been held, whole or not."""

UNHELD = (
    "No answer. Left voicemail asking him to call back.",
    "Called patient. No answer, no message left.",
    "Patient did not pick up; voicemail box full.",
)
ELSEWHERE = ("Called the pharmacy about the refill of lisinopril, spoke with the pharmacist. Patient not contacted.",)
"""A call with somebody who speaks for nobody; its length never counts (assessment §3)."""

WORK = (
    "Reviewed RPM data. BP 140/85, stable. No patient contact. 8 minutes.",
    "Care team huddle, patient not present. Discussed readings for 10 minutes.",
)
"""Work without the patient, whose minutes count (assessment §3)."""

STAFF: tuple[Json, ...] = (
    {"reference": "Practitioner/n1", "display": "Ana Ruiz, RN"},
    {"reference": "Practitioner/n2", "display": "Ben Cole"},
    {"reference": "Practitioner/n3"},
    {"display": "Eve Long, LPN"},
    {"reference": "Practitioner/n4", "display": "Kim Lee"},
)
PEOPLE: tuple[Json, ...] = (
    {"resourceType": "PractitionerRole", "id": "r3", "practitioner": {"reference": "Practitioner/n3"}}
    | {"code": [concept("Registered nurse")]},
    {"resourceType": "PractitionerRole", "id": "r4", "practitioner": {"reference": "Practitioner/n4"}}
    | {"code": [concept("Front desk")]},
)
"""n2 lacks a role, n3 a name, and n4 is no clinical staff."""


@dataclass(frozen=True)
class Month:
    """A patient's month: what happened, each event as its own resources, and who is who."""

    vendor: str
    zone: str
    label: str
    policy: str
    events: tuple[tuple[Json, ...], ...]

    @property
    def resources(self) -> list[Json]:
        """Everything an EHR would answer."""
        return [*PEOPLE, *(resource for event in self.events for resource in event)]

    def judged(self, *extra: Json, of: list[Json] | None = None, zone: str | None = None) -> Assessment:
        """The month with something added, or of other resources, or in another zone."""
        resources = [*(self.resources if of is None else of), *extra]
        settings = {"vendor": self.vendor, "policy": self.policy, "month": self.label}
        return assess(resources, time_zone=zone or self.zone, **settings)


# --- When -------------------------------------------------------------------------------------------------------------


def in_may(zone: str) -> st.SearchStrategy[datetime]:
    """Moments of May 2026, crowded into a few days so that events meet."""
    first = datetime(2026, 5, 1, tzinfo=ZoneInfo(zone))
    days, minutes = st.sampled_from((0, 13, 14, 15, 30)), st.integers(0, 1439) | st.integers(840, 900)
    return st.builds(lambda day, minute, second: first + timedelta(days=day, minutes=minute, seconds=second),
                     days, minutes, st.sampled_from((0, 0, 30, 59)))  # fmt: skip


def written(moment: datetime, hours: int | None = None) -> str:
    """A moment as FHIR writes it, with its own offset or that of so many hours."""
    return (moment if hours is None else moment.astimezone(timezone(timedelta(hours=hours)))).isoformat()


# --- What happened ----------------------------------------------------------------------------------------------------


SHAPES = ("both", "both", "note", "communication", "encounter")
"""What a call leaves in the chart; all but the last tell what happened."""


@st.composite
def calls(
    draw: st.DrawFn,
    name: str,
    vendor: str,
    moments: st.SearchStrategy[datetime],
    texts: tuple[str, ...] = HELD,
    shapes: tuple[str, ...] = SHAPES,
) -> tuple[Json, ...]:
    """A call or a video visit: as an Encounter, a note, both, or a Communication; some without length or text."""
    start, who = draw(moments), draw(st.sampled_from(STAFF))
    minutes = draw(st.none() | st.integers(1, 45))
    end = None if minutes is None else written(start + timedelta(minutes=minutes))
    kind, text = draw(st.sampled_from(("phone", "phone", "video"))), draw(st.sampled_from(texts))
    shape = draw(st.sampled_from(shapes))
    if shape == "communication":
        medium = {"phone": concept("telephone", "PHONE"), "video": concept("video", "VIDEOCONF")}[kind]
        more = {"medium": [medium]} | ({"received": end} if end else {})
        return (message(f"{name}-m", written(start), text, sender=who, **more),)
    held = encounter(f"{name}-e", written(start), end, type=[WORDS[vendor][kind]], participant=[{"individual": who}])
    about = f"{name}-e" if shape == "both" else None
    told = note(f"{name}-d", text, written(start + timedelta(minutes=20)), about, author=[who])
    return {"both": (held, told), "encounter": (held,), "note": (told,)}[shape]


TURNS: tuple[tuple[Any, str], ...] = (
    (STAFF[0], "Your readings were 150/90 this week. Any dizziness? Please take 20 mg lisinopril from tomorrow."),
    (STAFF[1], "Good morning, how are you feeling today?"),
    ("patient", "No dizziness, and I will take 20 mg from tomorrow."),
    ("patient", "Thank you."),
    ({"reference": "Device/bot", "display": "Care bot"}, "Automatic reply: we have received your message."),
)


@st.composite
def threads(draw: st.DrawFn, name: str, moments: st.SearchStrategy[datetime]) -> tuple[Json, ...]:
    """A thread of messages under a header without payload."""
    sent, turns = draw(moments), []
    for number in range(draw(st.integers(1, 4))):
        sender, text = draw(st.sampled_from(TURNS))
        part = {"partOf": [{"reference": f"Communication/{name}-h"}]}
        turns.append(message(f"{name}-{number}", written(sent), text, sender=sender, **part))
        sent += timedelta(minutes=draw(st.sampled_from((1, 5, 12, 29, 31, 600))))
    header = {"resourceType": "Communication", "id": f"{name}-h", "status": "in-progress", "subject": PATIENT}
    return (header, *turns)


@st.composite
def readings(draw: st.DrawFn, name: str, moments: st.SearchStrategy[datetime]) -> tuple[Json, ...]:
    """Readings of a few days, from a device or of unknown origin."""
    start, count = draw(moments), draw(st.integers(1, 17))
    known = draw(st.booleans())
    made = [reading(f"{name}-{day}", written(start - timedelta(days=day))) for day in range(count)]
    return tuple(made if known else [{key: value for key, value in item.items() if key != "device"} for item in made])


@st.composite
def excluded(draw: st.DrawFn, name: str, vendor: str, moments: st.SearchStrategy[datetime]) -> tuple[Json, ...]:
    """What is clearly no interactive communication."""
    sent = written(draw(moments))
    unsent = {"status": draw(st.sampled_from(("cancelled", "planned")))}
    email = {"medium": [concept("e-mail", "EMAILWRIT")]}
    bot = {"reference": "Device/hub", "display": "Hub"}
    return draw(
        calls(name, vendor, moments, UNHELD, SHAPES[:-1])
        | calls(name, vendor, moments, ELSEWHERE, ("both",))
        | st.just((message(f"{name}-m", sent, "Please call us about your readings."),))
        | st.just((message(f"{name}-m", sent, "BP 190/110, threshold exceeded.", sender=bot),))
        | st.just((message(f"{name}-m", sent, "Please see the leaflet.", **email),))
        | st.just((encounter(f"{name}-e", sent, **unsent),))
        | calls(name, vendor, moments, WORK, SHAPES[:-1])
    )


@st.composite
def months(
    draw: st.DrawFn,
    zone: str = "America/Chicago",
    moments: Callable[[str], st.SearchStrategy[datetime]] = in_may,
    label: str = "2026-05",
) -> Month:
    """A month of up to five events for any EHR and policy."""
    vendor, when, events = draw(st.sampled_from(VENDORS)), moments(zone), []
    for number in range(draw(st.integers(0, 5))):
        name = f"v{number}"
        kinds = (calls(name, vendor, when), threads(name, when), readings(name, when), excluded(name, vendor, when))
        events.append(draw(kinds[draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3)))]))
    return Month(vendor, zone, label, draw(st.sampled_from(POLICIES)), tuple(events))


# --- The same month, told otherwise -----------------------------------------------------------------------------------


def retimed(value: Any, change: Callable[[datetime], datetime]) -> Any:
    """A copy of a payload with every point in time changed."""
    if isinstance(value, dict):
        return {key: retimed(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [retimed(inner, change) for inner in value]
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] == "T":
        return change(datetime.fromisoformat(value)).isoformat()
    return value


def stretches(resources: list[Json]) -> Iterator[tuple[datetime, datetime]]:
    """The periods of the Encounters."""
    for resource in resources:
        period = resource.get("period", {})
        if "end" in period:
            yield tuple(datetime.fromisoformat(period[key]).astimezone(UTC) for key in ("start", "end"))  # type: ignore[misc]
