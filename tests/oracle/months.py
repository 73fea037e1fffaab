"""Seeded patient-months that reach every rule of minutes and codes, and their FHIR form for the oracle."""

import calendar
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fhir_rpm.model import Gap, InteractiveCommunication, MonthRecord, Participant
from fhir_rpm.model.terms import REASONS
from fhir_rpm.month import BillingMonth, FhirTime, Interval, parse_fhir_time

Json = dict[str, Any]
VOCABULARY = "https://fhir-rpm.org/fhir/CodeSystem/rpm-assessment"
ZONES = ("America/Chicago", "America/New_York", "America/Los_Angeles", "America/Phoenix", "Pacific/Guam", "Etc/UTC")
MONTHS = (
    *("2021-01", "2023-02", "2024-02", "2024-03", "2025-03", "2025-11", "2025-12"),  # before 99470 and 99445
    *("2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-08", "2026-11", "2026-12"),
)
CLINICAL = ("physician", "np", "pa", "rn", "lpn", "ma", "pharmacist", "respiratory_therapist", "dietitian")
CLINICAL += ("health_coach", "care_manager", "social_worker")
ROLES = ((None,), ("non_clinical",), ("bot",), (), ("rn", "non_clinical"), (None, "bot"), ("ma", None))
PROGRAMMES = ("99490", "99427", "98980", "G0556", "99091", "99213", "99457", "99470", "99441")
EDGES = (0, 10, 20, 40, 60, 80, 100)
"""Minutes at which a verdict or a unit changes."""

BARRED = {
    "not_done": ("none", ("phone", "video", "secure_message")),
    "voicemail": ("one_way", ("voicemail", "phone")),
    "no_answer": ("one_way", ("phone", "video")),
    "automated": ("one_way", ("automated", "secure_message")),
    "internal": ("none", ("internal",)),
    "data_review": ("none", ("chart_review",)),
    "wrong_party": ("two_way", ("phone",)),
    "non_clinical": ("two_way", ("phone", "secure_message")),
    "no_reply": ("one_way", ("secure_message", "email_or_letter")),
    "delayed_reply": ("delayed", ("secure_message", "email_or_letter")),
    "channel": ("two_way", ("email_or_letter",)),
}
"""For each reason a record can give by itself: the exchange and the modalities that go with it."""


@dataclass(frozen=True)
class PatientMonth:
    """A patient's month as billing judges it."""

    number: int
    month: BillingMonth
    record: MonthRecord

    @property
    def label(self) -> str:
        return f"{self.number} {self.month} {self.month.zone.key}"


def patient_months(count: int, seed: int) -> Iterator[PatientMonth]:
    """That many months; equal seeds give equal months."""
    for number in range(count):
        yield _Maker(number, random.Random(f"{seed}/{number}")).made()


class _Maker:
    """Makes one month; every choice comes from its own source of chance."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.number, self.chance = number, chance
        self.month = BillingMonth.parse(chance.choice(MONTHS), chance.choice(ZONES))
        self.moments = [self.month.start + timedelta(days=3, hours=15)]

    def made(self) -> PatientMonth:
        contacts = self._aimed() if self._happens(0.3) else [self._contact() for _ in range(self.chance.randrange(7))]
        if contacts and self._happens(0.3):
            contacts += [self._review() for _ in range(self.chance.randrange(1, 4))]
        carried = [self._carried() for _ in range(self.chance.choice((0, 0, 0, 1, 2)))]
        device, other = self._days(), self._days()
        record = MonthRecord(
            patient=f"Patient/p{self.number}",
            contacts=tuple(_named(contacts, "c")),
            carried=tuple(_named(carried, "d")),
            device_days=device,
            other_days=other if self._happens(0.4) else frozenset(),
            gaps=self._gaps(),
        )
        return PatientMonth(self.number, self.month, record)

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share

    # --- contacts -----------------------------------------------------------------------------------------------------

    def _aimed(self) -> list[Json]:
        """Complete contacts whose lengths add up to just under, at or over an edge."""
        left = self.chance.choice(EDGES) * 60 + self.chance.choice((-1, 0, 1, 30))
        parts = []
        while left > 0:
            part = min(left, self.chance.randrange(1, 30 * 60))
            parts.append(part)
            left -= part
        made = [self._complete(part, None) for part in parts]
        if made and self._happens(0.5):
            self.chance.choice(made).update(self._incomplete())
        return made

    def _contact(self) -> Json:
        kind = self.chance.choices(("whole", "flawed", "unclear", "delayed", "barred"), (4, 4, 3, 1, 4))[0]
        length = self._length()
        made = self._complete(length, self._moment() if self._happens(0.7) else None)
        if kind == "flawed":
            made |= self._incomplete()
        if kind == "unclear":
            made |= {"exchange": "unclear"} | self._incomplete()
        if kind == "delayed":
            made |= {"exchange": "delayed", "modality": "secure_message"}
        if kind == "barred":
            reason = self.chance.choice(REASONS)
            exchange, modalities = BARRED[reason]
            made |= {"barred": reason, "exchange": exchange, "modality": self.chance.choice(modalities)}
            made |= {"staff": self._staff()}
        return made | self._marks()

    def _complete(self, length: int | None, moment: datetime | None) -> Json:
        """A contact that lacks nothing but, perhaps, its length."""
        modality = self.chance.choices(("phone", "video", "secure_message", "in_person", "unknown"), (6, 3, 3, 1, 1))[0]
        begins = moment or self.month.start + timedelta(hours=self.chance.randrange(30, 24 * 27))
        return {
            "modality": modality,
            "start": begins if moment or self._happens(0.5) else begins.date(),
            "exchange": "two_way",
            "staff": (Participant(name="Ana Ruiz", role=self.chance.choice(CLINICAL)),),
            "participant": self.chance.choice(("patient", "caregiver", "both")),
            "seconds": length,
            "intervals": self._placed(moment, length),
            "content": True,
            "decision": True,
            "rpm_marked": modality == "in_person" and self._happens(0.7),
        }

    def _incomplete(self) -> Json:
        """What a record may lack, and whose work it may be."""
        lacks: list[Json] = [
            {"content": False},
            {"decision": False},
            {"participant": None},
            {"staff": (Participant(role="rn"),)},
            {"staff": self._staff()},
            {"start": str(self.month)},
            {"seconds": None, "intervals": ()},
        ]
        found: Json = {}
        for lack in self.chance.sample(lacks, self.chance.choice((0, 1, 1, 1, 2))):
            found |= lack
        return found

    def _staff(self) -> tuple[Participant, ...]:
        roles = self.chance.choice((*ROLES, (self.chance.choice(CLINICAL),)))
        return tuple(Participant(name="Ana Ruiz", role=role) for role in roles)

    def _marks(self) -> Json:
        marks: Json = {}
        if self._happens(0.1):
            marks["programmes"] = tuple(self.chance.sample(PROGRAMMES, self.chance.choice((1, 1, 2))))
        if self._happens(0.03):
            marks["office_visit"] = True
        if self._happens(0.1):
            marks["work_seconds"] = self.chance.randrange(1, 15) * 60
        return marks

    def _review(self) -> Json:
        """Work without the patient, often beside or over a contact."""
        made = self._complete(self._length(), self._moment() if self._happens(0.5) else None)
        reason = self.chance.choice(("data_review", "internal"))
        exchange, modalities = BARRED[reason]
        return made | {
            "barred": reason,
            "exchange": exchange,
            "modality": modalities[0],
            "participant": None,
            "staff": self._staff(),
        }

    def _carried(self) -> Json:
        """A contact of the day before; some run into the month."""
        begins = self.month.start - timedelta(seconds=self.chance.randrange(60, 3600))
        made = self._complete(self.chance.randrange(60, 5400), begins) | self._marks()
        return made | (self._incomplete() | {"start": begins} if self._happens(0.4) else {})

    # --- time ---------------------------------------------------------------------------------------------------------

    def _length(self) -> int | None:
        return self.chance.choice(
            (
                None,
                self.chance.randrange(1, 60),
                self.chance.randrange(60, 1800),
                self.chance.randrange(1, 31) * 60,
                self.chance.randrange(1, 31) * 60 + self.chance.choice((0, 29, 30, 59)),
            )
        )

    def _moment(self) -> datetime:
        """A start: beside an earlier one, across the month's end, around a change of clocks, or anywhere."""
        where = self.chance.choice(("near", "near", "end", "clocks", "anywhere"))
        if where == "near":
            moment = self.chance.choice(self.moments) + timedelta(seconds=self.chance.randrange(-1200, 1200))
            moment = min(moment, self.month.end - timedelta(seconds=2))
        elif where == "end":
            moment = self.month.end.astimezone(UTC) - timedelta(seconds=self.chance.randrange(1, 1500))
        elif where == "clocks":
            sundays = [day for day in range(1, 15) if date(self.month.year, self.month.month, day).weekday() == 6]
            day = sundays[1] if self.month.month == 3 else sundays[0]
            midnight = self.month.start.replace(day=day)
            moment = midnight.astimezone(UTC) + timedelta(seconds=self.chance.randrange(1800, 4 * 3600))
        else:
            moment = self.month.start + timedelta(seconds=self.chance.randrange(0, 27 * 86400))
        self.moments.append(moment)
        odd = self.chance.choice((0, 0, 0, self.chance.randrange(1000)))
        return moment.astimezone(self.month.zone) + timedelta(milliseconds=odd)

    def _placed(self, moment: datetime | None, length: int | None) -> tuple[Interval, ...]:
        """The length as one stretch of time, or as two with a pause."""
        if moment is None or not length:
            return ()
        begins = moment.astimezone(UTC)
        if length < 60 or self._happens(0.8):
            return (Interval(begins, begins + timedelta(seconds=length)),)
        first, pause = self.chance.randrange(1, length), self.chance.randrange(0, 900)
        resumed = begins + timedelta(seconds=first + pause)
        return (
            Interval(begins, begins + timedelta(seconds=first)),
            Interval(resumed, resumed + timedelta(seconds=length - first)),
        )

    # --- device days and gaps -----------------------------------------------------------------------------------------

    def _days(self) -> frozenset[date]:
        last = calendar.monthrange(self.month.year, self.month.month)[1]
        count = min(last, self.chance.choice((0, 1, 2, 3, 15, 16, 17, 30, 31, self.chance.randrange(32))))
        return frozenset(self.month.first_day.replace(day=day) for day in self.chance.sample(range(1, last + 1), count))

    def _gaps(self) -> tuple[Gap, ...]:
        if not self._happens(0.25):
            return ()
        types = ("Encounter", "Communication", "DocumentReference", "Binary", "Observation", "Practitioner", None)
        return tuple(Gap(resource_type=name, code="59204", reason="refused") for name in self.chance.sample(types, 1))

    # --- the model ----------------------------------------------------------------------------------------------------


def _named(contacts: list[Json], prefix: str) -> Iterator[InteractiveCommunication]:
    for number, contact in enumerate(contacts):
        ready = contact | {"start": _fhir_time(contact["start"])}
        yield InteractiveCommunication.model_validate({"sources": (f"Encounter/{prefix}{number}",), **ready})


def _fhir_time(value: datetime | date | str) -> FhirTime | None:
    if isinstance(value, datetime):
        return parse_fhir_time(value.isoformat(), value.tzinfo or UTC)
    return parse_fhir_time(str(value), UTC)


# --- the FHIR form (profiles/cql/RpmMonth.cql says what each element means) -------------------------------------------


def bundle_of(case: PatientMonth) -> Json:
    """The month as a FHIR R4 collection that the oracle reads."""
    record, reference = case.record, {"reference": case.record.patient}
    contacts = [_contact_resource(contact, case) for contact in (*record.contacts, *record.carried)]
    readings = [_reading(day, device=True) for day in sorted(record.device_days)]
    readings += [_reading(day, device=False) for day in sorted(record.other_days)]
    issues = [_issue(gap) for gap in record.gaps]
    held = [resource | {"subject": reference} for resource in (*contacts, *readings)]
    held += [issue | {"patient": reference} for issue in issues]
    patient = {"resourceType": "Patient", "id": f"p{case.number}"}
    resources = [patient, *({"id": f"r{case.number}-{index}"} | item for index, item in enumerate(held))]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": item} for item in resources]}


def _contact_resource(contact: InteractiveCommunication, case: PatientMonth) -> Json:
    marks = (("rpm", contact.rpm_marked), ("office-visit", contact.office_visit))
    resource: Json = {
        "resourceType": "Observation",
        "id": contact.sources[0].partition("/")[2],
        "status": "final",
        "category": [{"text": mark} for mark, holds in marks if holds],
        "code": {"coding": [{"system": VOCABULARY, "code": "element-contact"}]},
        "effectiveDateTime": _begun(contact, case),
        "valueString": contact.exchange,
        "component": list(_components(contact, case)),
    }
    return {key: value for key, value in resource.items() if value != []}


def _components(contact: InteractiveCommunication, case: PatientMonth) -> Iterator[Json]:
    yield _fact("element-modality", valueString=contact.modality)
    for person in contact.staff:
        yield _fact("element-staff-role", **({"valueString": person.role} if person.role else {}))
        if person.name:
            yield _fact("element-staff-name", valueString=person.name)
    if contact.participant:
        yield _fact("element-participant", valueString=contact.participant)
    if contact.seconds is not None:
        yield _fact("element-minutes", valueQuantity=_in_seconds(contact.seconds))
    for interval in contact.intervals:
        start, end = (_written(moment, case) for moment in (interval.start, interval.end))
        yield _fact("element-minutes", valuePeriod={"start": start, "end": end})
    yield _fact("element-content", valueBoolean=contact.content)
    yield _fact("element-decision", valueBoolean=contact.decision)
    if contact.barred:
        yield _fact(f"reason-{contact.barred.replace('_', '-')}", valueBoolean=True)
    if contact.work_seconds is not None:
        yield _fact("reason-data-review", valueQuantity=_in_seconds(contact.work_seconds))
    for code in contact.programmes:
        yield _fact(code, system="http://www.ama-assn.org/go/cpt", valueBoolean=True)


def _begun(contact: InteractiveCommunication, case: PatientMonth) -> str:
    moment = contact.start.instant if contact.start else None
    return _written(moment, case) if moment else str(contact.start)


def _written(moment: datetime, case: PatientMonth) -> str:
    local = moment.astimezone(case.month.zone)
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def _fact(code: str, system: str = VOCABULARY, **value: Any) -> Json:
    return {"code": {"coding": [{"system": system, "code": code}]}, **value}


def _in_seconds(value: int) -> Json:
    return {"value": value, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}


def _reading(day: date, *, device: bool) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": system, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "effectiveDateTime": day.isoformat(),
        "valueQuantity": {"value": 180.2, "unit": "lb"},
    } | ({"device": {"display": "Cellular scale"}} if device else {})


def _issue(gap: Gap) -> Json:
    named = {"implicated": [{"type": gap.resource_type, "display": gap.reason}]} if gap.resource_type else {}
    return {"resourceType": "DetectedIssue", "status": "final", "code": {"text": "incomplete_data"}} | named
