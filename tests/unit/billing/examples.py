"""Contacts and months for the billing tests: complete by default, each test takes away what it is about."""

from datetime import datetime, timedelta
from typing import Any

from fhir_rpm.billing import Terms, judge, load_policy
from fhir_rpm.model import Assessment, InteractiveCommunication, MonthRecord, Participant
from fhir_rpm.month import BillingMonth, Interval, parse_fhir_time

ZONE = "America/Chicago"
MAY = BillingMonth.parse("2026-05", ZONE)
RN = (Participant(name="Ana Ruiz", role="rn"),)
NAMELESS_RN = (Participant(role="rn"),)
NO_ROLE = (Participant(name="Ana Ruiz"),)
FRONT_DESK = (Participant(name="Kim Lee", role="non_clinical"),)
BOT = (Participant(name="Nova", role="bot"),)


def terms(policy: str = "rpm-us", month: BillingMonth = MAY) -> Terms:
    return load_policy(policy).in_force(month)


def contact(
    minutes: float | None = 12, at: str | None = "2026-05-14T14:02:00", **changes: Any
) -> InteractiveCommunication:
    """A complete call of a nurse with the patient, placed in time when `at` has a time of day."""
    start = parse_fhir_time(at, MAY.zone)
    seconds = None if minutes is None else round(minutes * 60)
    instant = start.instant if start else None
    placed = (Interval(instant, instant + timedelta(seconds=seconds)),) if instant and seconds else ()
    complete = {
        "sources": ("Encounter/e1",),
        "modality": "phone",
        "start": start,
        "exchange": "two_way",
        "staff": RN,
        "participant": "patient",
        "seconds": seconds,
        "intervals": placed,
        "content": True,
        "decision": True,
    }
    return InteractiveCommunication.model_validate(complete | changes)


def review(minutes: float | None = 8, at: str | None = "2026-05-20", **changes: Any) -> InteractiveCommunication:
    """A nurse's chart review: work without the patient."""
    work = {"modality": "chart_review", "exchange": "none", "barred": "data_review", "participant": None}
    return contact(minutes, at, **{"sources": ("DocumentReference/r1",), **work, **changes})


def day(number: int) -> Any:
    return MAY.first_day.replace(day=number)


def days(*numbers: int) -> frozenset[Any]:
    return frozenset(day(number) for number in numbers)


def interval(start: str, end: str) -> Interval:
    return Interval(
        datetime.fromisoformat(start).replace(tzinfo=MAY.zone), datetime.fromisoformat(end).replace(tzinfo=MAY.zone)
    )


def judged(
    *contacts: InteractiveCommunication, policy: str = "rpm-us", month: BillingMonth = MAY, **record: Any
) -> Assessment:
    """The month of these contacts under a shipped policy."""
    return judge(MonthRecord(patient="Patient/p1", contacts=contacts, **record), month, terms(policy, month))


def verdicts(assessment: Assessment) -> dict[str, tuple[str, int]]:
    return {code: (verdict.verdict, verdict.units) for code, verdict in assessment.codes.items()}


def management(assessment: Assessment) -> tuple[str, str, str]:
    """The verdicts on 99457, 99458 and 99470."""
    return tuple(assessment.codes[code].verdict for code in ("99457", "99458", "99470"))  # type: ignore[return-value]


def bounds(assessment: Assessment) -> tuple[int, int | None]:
    return assessment.minutes.certain, assessment.minutes.possible


def finding_codes(assessment: Assessment) -> list[str]:
    return [finding.code for finding in assessment.findings]
