"""Logged calls → fragments, beside the FHIR evidence about the same events and merged with it by the same rules."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta, tzinfo

from fhir_rpm.mapping.encounters import interval_from
from fhir_rpm.mapping.fhir import Json
from fhir_rpm.mapping.fragment import Fragment, Length, rank_of
from fhir_rpm.mapping.notes import told_evidence
from fhir_rpm.mapping.people import People, Person
from fhir_rpm.mapping.staff import role_named, settled_role
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.model import Call, CallLog, Evidence, Finding, Gap
from fhir_rpm.month import BillingMonth, FhirTime
from fhir_rpm.narrative import read_note

CALL = "Call"
"""The kind of a fragment that comes from a call log."""

_WORST_FIRST = ("failed", "no_answer", "voicemail", None, "answered")


class CallReader:
    """Reads one patient's logged calls with one vendor's words."""

    def __init__(self, table: MappingTable, people: People, zone: tzinfo) -> None:
        self._table = table
        self._people = people
        self._zone = zone

    def read_all(self, log: CallLog) -> tuple[list[Fragment], list[Finding]]:
        """A fragment for each call, told once however often it is logged, and what rows of one call disagree on."""
        fragments, findings = [], []
        for rows in _by_call(log.calls):
            counted = min(rows, key=_against_billing)
            fragments.append(self._fragment(counted))
            if not _may_have_reached(counted) and counted.note and read_note(counted.note).contact == "two_way":
                message = "The call log says that nobody was reached, its note tells of a call; the log decides."
                findings.append(_warning("sources_disagree", (counted.source,), message))
            if any(_said(row) != _said(counted) for row in rows):
                sources = tuple(row.source for row in rows)
                message = "Rows of one call differ; the one that speaks against billing counts."
                findings.append(_warning("call_log_conflict", sources, message))
        return fragments, findings

    def _fragment(self, call: Call) -> Fragment:
        """A call that reached nobody has no length, and its note shows nothing: what it tells is filed elsewhere."""
        start = FhirTime(call.start.astimezone(self._zone), "time")
        note = call.note if _may_have_reached(call) else None
        told = read_note(note) if note else None
        held = call.seconds is not None and _may_have_reached(call)
        length = Length(call.seconds or 0, call.source, "duration", interval_from(start, call.seconds or 0))
        return Fragment(
            sources=(call.source,),
            start=start,
            modality=call.channel,
            lengths=(length,) if held and length.seconds else (),
            staff=self._staff(call),
            told=told,
            named=self._table.modalities_named(note),
            logged=call.outcome,
            encounters=(call.encounter,) if call.encounter else (),
            rpm_marked=told is not None and told.rpm_marked,
            office_visit=told is not None and told.office_visit,
            evidence=(
                Evidence(element="date", value=str(start), source=call.source, path="start"),
                *told_evidence(call.source, told, "note"),
            ),
            type=CALL,
            rank=rank_of(0, start, call.source),
        )

    def _staff(self, call: Call) -> tuple[Person, ...]:
        """Who held it, with the role that the row and everything else known of them come to."""
        key = self._people.record_key(call.staff_id) if call.staff_id else None
        reference: Json = {"reference": key} if key else {}
        if call.staff_name:
            reference["display"] = call.staff_name
        person = self._people.read(reference, {}) if reference else Person("staff")
        if person.side != "staff":
            return ()
        if call.staff_id and person.role is None and key is None:
            other = self._people.listed(Person("staff", f"Practitioner/{call.staff_id}"))
            person = replace(person, role=other.role, listed=other.listed)
        stated = role_named(call.staff_role, self._table.roles) if call.staff_role else None
        first, second = (stated, person.role) if person.listed else (person.role, stated)
        role = settled_role(first, second)
        person = replace(person, role=role, listed=person.listed and role != stated)
        return (person,) if person.key or person.role else ()


def _by_call(calls: Iterable[Call]) -> list[list[Call]]:
    """The rows of each call, by the log's own id; without one, rows that say the same are one call."""
    found: dict[object, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: (call.start, call.source)):
        found[call.call_id or _said(call)].append(call)
    return list(found.values())


def _said(call: Call) -> tuple[object, ...]:
    return tuple(value for name, value in call if name != "source")


def _may_have_reached(call: Call) -> bool:
    return call.outcome in ("answered", None)


def _against_billing(call: Call) -> tuple[int, int, str]:
    """What orders rows of one call: the worst outcome, then an unknown or the smallest length."""
    return _WORST_FIRST.index(call.outcome), call.seconds or 0, call.source


def unread_calls(log: CallLog, month: BillingMonth) -> tuple[list[Gap], list[Finding]]:
    """Rows that could not be read and may tell of the month: what they hold is missing, so the month is incomplete."""
    days = (month.first_day - timedelta(days=1), month.last_day)
    rows = [row for row in log.unread if row.day is None or days[0] <= row.day <= days[1]]
    if not rows:
        return [], []
    reason = f"Rows of the call log that may be this patient's could not be read: {', '.join(map(_place, rows))}."
    message = "These rows of the call log could not be read; correct them and judge the month again."
    sources = tuple(row.source for row in rows)
    gap = Gap(resource_type="call-log", code="call_log_row_unread", reason=reason)
    return [gap], [_warning("call_log_row_unread", sources, message)]


def foreign_calls(log: CallLog, mine: CallLog) -> list[Finding]:
    """How many calls of a log were left out because they are other patients'."""
    others = len(log.calls) - len(mine.calls)
    message = f"Calls of other patients in the log were left out: {others}."
    return [Finding(code="other_patient_calls", severity="information", message=message)] if others else []


def _place(row: object) -> str:
    return str(row).partition(": ")[0]


def _warning(code: str, sources: tuple[str, ...], message: str) -> Finding:
    return Finding(code=code, severity="warning", sources=sources, message=message)
