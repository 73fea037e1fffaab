"""Whom to check: the patients of a programme, with what is known of each beside their record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from fhir_rpm.errors import ConfigurationError, InputError
from fhir_rpm.model.base import Frozen
from fhir_rpm.month import zone_named
from fhir_rpm.tables import Row, RowProblem, read_table, resource_id


class RosterEntry(Frozen):
    """One patient to check.

    Attributes:
        patient: the Patient's id, without `Patient/`.
        monitoring_start: first day of monitoring; the supply codes are judged on periods from then (assessment §6).
        time_zone: IANA zone of the patient's practice; None is that of the settings.
    """

    patient: str
    monitoring_start: date | None = None
    time_zone: str | None = None


@dataclass(frozen=True)
class Roster:
    """The patients that could be read, and what could not.

    Attributes:
        entries: each patient once, in order of first mention.
        problems: what names a patient and could not be read, in words; the run is then incomplete.
        notes: what else a person should know of the roster.
    """

    entries: tuple[RosterEntry, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, patient: str | None) -> RosterEntry | None:
        """The entry of a patient, by id or `Patient/id`."""
        wanted = (patient or "").removeprefix("Patient/")
        return next((entry for entry in self.entries if entry.patient == wanted), None)

    def needed(self, name: str) -> "Roster":
        """This roster.

        Raises:
            InputError: it holds no patient; nothing judged would look like nothing to judge.
        """
        if self.entries:
            return self
        remedy = f"First problem: {self.problems[0]}" if self.problems else "Check that it is the right one."
        raise InputError(f"{name} names no patient that could be read.", remedy)


def read_roster(text: str, file: str) -> Roster:
    """Read a CSV roster: columns `patient`, `monitoring_start` (YYYY-MM-DD) and `time_zone`, in any order.

    Other columns are passed over and never shown. A row that cannot be read becomes a problem.

    Raises:
        InputError: there is no column `patient`, or no row can be read.
    """
    table = read_table(text, file)
    table.require("patient", "patient_id")
    read = [_entry(file, row) for row in table.rows]
    problems = sorted([*table.problems, *(item for item in read if isinstance(item, RowProblem))], key=_line)
    entries = [item for item in read if isinstance(item, RosterEntry)]
    return unique(entries, map(str, problems)).needed(file)


def _line(problem: RowProblem) -> int:
    return problem.line


def _entry(file: str, row: Row) -> RosterEntry | RowProblem:
    values = row.values
    patient = resource_id(values.get("patient") or values.get("patient_id"), "Patient")
    if patient is None:
        return RowProblem(file, row.line, "patient", "this is no patient id. Write the id of the FHIR Patient.")
    start, zone = values.get("monitoring_start"), values.get("time_zone")
    try:
        begun = date.fromisoformat(start) if start else None
    except ValueError:
        return RowProblem(file, row.line, "monitoring_start", "this is no date. Write it as YYYY-MM-DD.")
    try:
        named = zone_named(zone).key if zone else None
    except ConfigurationError as error:
        return RowProblem(file, row.line, "time_zone", f"this is no known time zone. {error.remedy}")
    return RosterEntry(patient=patient, monitoring_start=begun, time_zone=named)


def unique(entries: Iterable[RosterEntry], problems: Iterable[str] = (), notes: Iterable[str] = ()) -> Roster:
    """A roster that holds each patient once; where mentions differ, what they differ in is not known."""
    kept: dict[str, RosterEntry] = {}
    said = list(notes)
    for entry in entries:
        known = kept.setdefault(entry.patient, entry)
        if known is entry:
            continue
        kept[entry.patient] = _agreed(known, entry)
        differ = "" if known == entry else ", and the mentions differ: what they differ in is taken as unknown"
        said.append(f"Patient/{entry.patient} is named more than once{differ}.")
    return Roster(tuple(kept.values()), tuple(problems), tuple(dict.fromkeys(said)))


def _agreed(left: RosterEntry, right: RosterEntry) -> RosterEntry:
    return RosterEntry(
        patient=left.patient,
        monitoring_start=left.monitoring_start if left.monitoring_start == right.monitoring_start else None,
        time_zone=left.time_zone if left.time_zone == right.time_zone else None,
    )
