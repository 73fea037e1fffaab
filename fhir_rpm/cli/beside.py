"""What a run knows beside the EHR: roster, staff directory and call log, with every row that could not be read told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from fhir_rpm.cli.inputs import read_text
from fhir_rpm.data_files import read_toml
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.mapping.call_log import call_columns, read_calls
from fhir_rpm.mapping.staff import read_staff
from fhir_rpm.model import CallLog
from fhir_rpm.roster import Roster, RosterEntry, read_roster

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_rpm.client import EhrSession
    from fhir_rpm.config import ConnectionSettings
    from fhir_rpm.model import StaffMember
    from fhir_rpm.month import BillingMonth


@dataclass(frozen=True)
class Beside:
    """What stands beside the record.

    Attributes:
        calls: logged calls of any patient.
        staff: who is what.
        roster: what a CSV roster knows of patients; empty without one.
        incomplete: rows of the roster or the directory could not be read, which no month's gaps tell.
    """

    calls: CallLog
    staff: tuple[StaffMember, ...]
    roster: Roster
    incomplete: bool

    def of(self, patient: str | None) -> RosterEntry:
        """What the roster knows of a patient; somebody who is not on it is known by id alone."""
        identity = (patient or "").removeprefix("Patient/")
        return self.roster.of(identity) or RosterEntry(patient=identity)

    def arguments(self, patient: str | None, settings: ConnectionSettings) -> dict[str, Any]:
        """What `assess` and `explain` take for one patient, beside its resources and the month."""
        entry = self.of(patient)
        return {
            "vendor": settings.vendor,
            "policy": settings.policy,
            "time_zone": entry.time_zone or settings.required_time_zone(),
            "monitoring_start": entry.monitoring_start,
            "calls": self.calls if patient is None else self.calls.of(patient),
            "staff": self.staff,
        }

    def count_calls(self, patients: Iterable[str | None]) -> None:
        """Say how many logged calls there are, and how many are nobody's of those judged."""
        if not self.calls.calls and not self.calls.unread:
            return
        judged = {f"Patient/{(patient or '').removeprefix('Patient/')}" for patient in patients}
        others = sum(call.subject not in judged for call in self.calls.calls)
        read, unread = len(self.calls.calls), len(self.calls.unread)
        click.echo(f"call log: {read} rows read, {others} of other patients, {unread} not read", err=True)


def read_beside(settings: ConnectionSettings) -> Beside:
    """Read what the settings name, and tell each row that cannot be read on standard error.

    Raises:
        ConfigurationError: a call log stands without its column map, or that is wrong.
        InputError: a file cannot be read at all.
    """
    staff_problems: list[str] = []
    members: tuple[StaffMember, ...] = ()
    if settings.staff is not None:
        file = read_staff(read_text(str(settings.staff)), str(settings.staff), settings.vendor)
        members, staff_problems = file.members, list(map(str, file.problems))
    calls = _calls(settings)
    path = settings.roster_file
    roster = read_roster(read_text(str(path)), str(path)) if path is not None else Roster()
    tell([*staff_problems, *map(str, calls.unread)])
    tell_roster(roster)
    return Beside(calls, members, roster, incomplete=bool(staff_problems or roster.problems))


def _calls(settings: ConnectionSettings) -> CallLog:
    if settings.call_log is None:
        return CallLog()
    if settings.call_columns is None:
        remedy = "Set call_columns or --call-columns to a TOML file with a table [calls]."
        raise ConfigurationError("A call log needs a map of its columns.", remedy)
    columns = call_columns(read_toml(settings.call_columns), str(settings.call_columns))
    name = str(settings.call_log)
    return read_calls(read_text(name), name, columns, settings.required_time_zone())


def roster_from(
    session: EhrSession, settings: ConnectionSettings, month: BillingMonth, known: Roster, asked: str | None
) -> Roster:
    """Whom to check: what was asked for, else what the settings name.

    Args:
        session: the EHR, for a Group, a List or orders.
        settings: with the roster of the configuration.
        month: whose members are wanted.
        known: the CSV roster, which also completes entries from elsewhere.
        asked: `Group/ID`, `List/ID` or `orders` from the command line; None takes the setting.

    Raises:
        ConfigurationError: no roster is named, or the server does not answer such a search.
        InputError: it holds nobody.
    """
    from fhir_rpm.client.roster import group_roster, list_roster, order_roster

    source = asked or settings.roster
    if source is None:
        remedy = "Give --roster FILE, --group ID, --list ID, --patients FILE or --orders, or set roster."
        raise ConfigurationError("No roster is named.", remedy)
    if asked is None and settings.roster_file is not None:
        return known
    if source == "orders":
        found = order_roster(session)
    else:
        found = group_roster(session, source, month) if source.startswith("Group/") else list_roster(session, source)
    tell_roster(found)
    return completed(found, known)


def completed(roster: Roster, known: Roster) -> Roster:
    """A roster with what a CSV knows of its patients."""
    entries = tuple(known.of(entry.patient) or entry for entry in roster.entries)
    return Roster(entries, roster.problems, roster.notes)


def tell_roster(roster: Roster) -> None:
    """Say on standard error what of a roster could not be read, and what else there is to know."""
    tell(roster.problems)
    tell(roster.notes, "note")


def tell(lines: Iterable[str], how: str = "not read") -> None:
    """Lines on standard error; they name places, never people."""
    for line in lines:
        click.echo(f"{how}: {line}", err=True)
