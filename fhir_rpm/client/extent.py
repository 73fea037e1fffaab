"""What a pull asked for, held against what came: servers ignore parameters and send the whole chart, or another's."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

from fhir_rpm.client.pull import Json
from fhir_rpm.month import BillingMonth, FhirTime, parse_fhir_time

MARGIN = timedelta(days=31)
"""What is dated further than this from the pull's window cannot matter to the month; nearer dates are the mapping's."""

Standing = Literal["mine", "foreign", "far"]
_PATIENT = re.compile(r"(?:^|/)Patient/([^/?#|]+)(?:/_history/[^/]+)?/?$")
_LENGTHS = {"year": timedelta(days=366), "month": timedelta(days=31), "day": timedelta(days=1), "time": timedelta()}
_Span = tuple[datetime | None, datetime | None]


@dataclass(frozen=True)
class Extent:
    """One patient and a stretch of time.

    Attributes:
        patients: the patient's ids; more than one after a merge, the id in force first; none for anybody.
        month: the month that is judged.
        late: how long after its end what belongs to it may be dated.
    """

    patients: tuple[str, ...]
    month: BillingMonth
    late: timedelta = timedelta()

    def standing(self, resource: Json) -> Standing:
        """Whether a resource is the patient's and near the month; what does not say is kept."""
        owner = patient_of(resource)
        if owner is not None and self.patients and owner not in self.patients:
            return "foreign"
        spans = _spans(resource, self.month)
        return "mine" if not spans or any(self._touches(span) for span in spans) else "far"

    def claimed(self, resource: Json) -> Json:
        """The resource under the id in force, when the server still shows it under a merged one."""
        owner = patient_of(resource)
        if owner is None or owner not in self.patients[1:]:
            return resource
        element = "subject" if "subject" in resource else "patient"
        return {**resource, element: {**resource[element], "reference": f"Patient/{self.patients[0]}"}}

    def _touches(self, span: _Span) -> bool:
        start, end = span
        earliest, latest = self._window
        return (end is None or end >= earliest) and (start is None or start <= latest)

    @cached_property
    def _window(self) -> tuple[datetime, datetime]:
        return self.month.pull_start - MARGIN, self.month.end + self.late + MARGIN


def patient_of(resource: Json) -> str | None:
    """The id of the patient that a resource says it is about; None when it does not say."""
    for element in ("subject", "patient"):
        value = resource.get(element)
        reference = value.get("reference") if isinstance(value, dict) else None
        if isinstance(reference, str) and (match := _PATIENT.search(reference.strip())):
            return match[1]
    return None


_DATED = {
    "Encounter": ("period",),
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod"),
    "DocumentReference": ("date",),
    "Communication": ("sent", "received"),
}


def _spans(resource: Json, month: BillingMonth) -> list[_Span]:
    """The stretches of time that a resource is dated to; none when it has no date."""
    kind = resource.get("resourceType")
    if kind == "Communication" and not resource.get("payload"):
        return []  # the header of a thread, which opened long before its last message (facts: quirk 80)
    context = resource.get("context")
    values = [resource.get(name) for name in _DATED.get(str(kind), ())]
    values += [context.get("period")] if kind == "DocumentReference" and isinstance(context, dict) else []
    return [span for value in values if (span := _span(value, month)) is not None]


def _span(value: object, month: BillingMonth) -> _Span | None:
    if isinstance(value, dict):
        start, end = (parse_fhir_time(value.get(name), month.zone) for name in ("start", "end"))
        return None if start is None and end is None else (start.earliest if start else None, _last(end))
    moment = parse_fhir_time(value, month.zone)
    return None if moment is None else (moment.earliest, _last(moment))


def _last(moment: FhirTime | None) -> datetime | None:
    try:
        return moment.earliest + _LENGTHS[moment.precision] if moment is not None else None
    except OverflowError:
        return None
