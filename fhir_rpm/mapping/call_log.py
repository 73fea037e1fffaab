"""A phone system's or monitoring platform's CSV of calls → calls; a row that cannot be read is told, never dropped."""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator

from fhir_rpm.errors import ConfigurationError, InputError
from fhir_rpm.model import Call, CallLog, UnreadCall
from fhir_rpm.model.base import Frozen
from fhir_rpm.model.calls import CallOutcome
from fhir_rpm.month import parse_fhir_time, zone_named
from fhir_rpm.tables import Row, column_name, read_table, resource_id

_A_DAY = 24 * 60 * 60


class CallColumns(Frozen):
    """Which column of a call log says what: the `[calls]` table of a column map; columns match in any case.

    Attributes:
        patient, start: columns that every row needs.
        end, duration: columns for the length; where both stand, the smaller counts.
        duration_unit: how `duration` is written.
        time_format: `strptime` formats of `start` and `end`; without any, ISO 8601.
        time_zone: IANA zone of times without one; None is the practice's.
        zone: column with a zone for each row, before `time_zone`.
        outcome, channel, direction: columns whose words the tables `outcomes`, `channels`, `directions` explain.
        staff_name, staff_id, staff_role, call_id, encounter: further columns.
        note: the column, or columns, with what was written about the call.
    """

    patient: str
    start: str
    end: str | None = None
    duration: str | None = None
    duration_unit: Literal["seconds", "minutes", "hh:mm:ss", "mm:ss"] = "seconds"
    time_format: tuple[str, ...] = ()
    time_zone: str | None = None
    zone: str | None = None
    outcome: str | None = None
    outcomes: dict[str, CallOutcome] = Field(default_factory=dict)
    channel: str | None = None
    channels: dict[str, Literal["phone", "video"]] = Field(default_factory=dict)
    direction: str | None = None
    directions: dict[str, Literal["inbound", "outbound"]] = Field(default_factory=dict)
    staff_name: str | None = None
    staff_id: str | None = None
    staff_role: str | None = None
    call_id: str | None = None
    encounter: str | None = None
    note: tuple[str, ...] = ()

    @field_validator("note", "time_format", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("outcomes", "channels", "directions", mode="before")
    @classmethod
    def _in_any_case(cls, value: Any) -> Any:
        return {_plain(str(word)): meaning for word, meaning in value.items()} if isinstance(value, Mapping) else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        try:
            return None if value is None else zone_named(value).key
        except ConfigurationError as error:
            raise ValueError(str(error)) from None


def call_columns(data: Mapping[str, Any], file: str) -> CallColumns:
    """The column map that a TOML file holds in its table `[calls]`.

    Raises:
        ConfigurationError: the table is missing, or a field of it is unknown or wrong.
    """
    try:
        return CallColumns.model_validate(data.get("calls") or {})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(("calls", *map(str, first["loc"])))
        raise ConfigurationError(f"{file}, {field}: {first['msg']}.", "Correct it there.") from None


def read_calls(text: str, file: str, columns: CallColumns, time_zone: str) -> CallLog:
    """Read a CSV of calls.

    Args:
        text: the file's content.
        file: its name; sources are `call-log:NAME#line`.
        columns: which column says what.
        time_zone: the practice's zone, for times without one where the map names none.

    Raises:
        InputError: a mapped column is missing, or there are rows and none can be read.
    """
    table = read_table(text, file, multiline=tuple(map(column_name, columns.note)))
    for name in _named(columns):
        table.require(column_name(name))
    reader = _Reader(Path(file).name, columns, zone_named(columns.time_zone or time_zone))
    broken = [
        UnreadCall(source=reader.source(bad.line), field=bad.field, problem=bad.problem) for bad in table.problems
    ]
    read = [reader.read(row) for row in table.rows]
    calls, torn = _of_one_patient([item for item in read if isinstance(item, Call)], reader.zone)
    unread = (*broken, *(item for item in read if isinstance(item, UnreadCall)), *torn)
    if unread and not calls:
        raise InputError(f"No row of {file} can be read.", f"First problem: {unread[0]}")
    return CallLog(calls=calls, unread=unread)


def _of_one_patient(calls: list[Call], zone: ZoneInfo) -> tuple[tuple[Call, ...], list[UnreadCall]]:
    """The calls whose rows agree whose they are; no call is counted for two patients."""
    owners: dict[str | None, set[str]] = defaultdict(set)
    for call in calls:
        owners[call.call_id].add(call.subject)
    torn = [call for call in calls if call.call_id is not None and len(owners[call.call_id]) > 1]
    problem = "rows of one call name different patients. Correct them."
    unread = [
        UnreadCall(
            source=call.source,
            field="patient",
            problem=problem,
            patient=call.subject,
            day=call.start.astimezone(zone).date(),
        )
        for call in torn
    ]
    return tuple(call for call in calls if call not in torn), unread


def _named(columns: CallColumns) -> list[str]:
    """Every column that the map names."""
    single = (columns.patient, columns.start, columns.end, columns.duration, columns.zone, columns.outcome)
    more = (columns.channel, columns.direction, columns.staff_name, columns.staff_id, columns.staff_role)
    every = (*single, *more, columns.call_id, columns.encounter, *columns.note)
    return [name for name in every if name is not None]


class _UnreadableError(Exception):
    """A field that cannot be read: its name, and what is wrong with the remedy."""


class _Reader:
    """Reads rows of one file with one column map."""

    def __init__(self, file: str, columns: CallColumns, zone: ZoneInfo) -> None:
        self._file = file
        self._columns = columns
        self.zone = zone

    def source(self, line: int) -> str:
        """Where a row stands."""
        return f"call-log:{self._file}#{line}"

    def read(self, row: Row) -> Call | UnreadCall:
        """A row as a call, or what is wrong with it and whose it may be."""
        patient = resource_id(self._value(row, self._columns.patient), "Patient")
        start: datetime | None = None
        try:
            zone = self._zone_of(row)
            start = self._time(row, "start", self._columns.start, zone)
            return self._call(row, patient, start, zone)
        except _UnreadableError as error:
            field, problem = error.args
            day = None if start is None else start.astimezone(self.zone).date()
            subject = None if patient is None else f"Patient/{patient}"
            return UnreadCall(source=self.source(row.line), field=field, problem=problem, patient=subject, day=day)

    def _call(self, row: Row, patient: str | None, start: datetime | None, zone: tzinfo) -> Call:
        if patient is None:
            raise _UnreadableError("patient", "this is no patient id. Write the id of the FHIR Patient.")
        if start is None:
            raise _UnreadableError("start", "it is empty. Write when the call began.")
        columns = self._columns
        notes = [text for name in columns.note if (text := self._value(row, name))]
        return Call(
            source=self.source(row.line),
            patient=patient,
            start=start,
            seconds=self._seconds(row, start, zone),
            outcome=_meaning(self._value(row, columns.outcome), "outcome", _OUTCOMES | columns.outcomes),
            channel=_meaning(self._value(row, columns.channel), "channel", _CHANNELS | columns.channels)
            if columns.channel
            else "phone",
            direction=(_DIRECTIONS | columns.directions).get(_plain(self._value(row, columns.direction) or "")),
            staff_name=self._value(row, columns.staff_name),
            staff_id=self._value(row, columns.staff_id),
            staff_role=self._value(row, columns.staff_role),
            note="\n".join(notes) or None,
            call_id=self._value(row, columns.call_id),
            encounter=self._encounter(row),
        )

    def _value(self, row: Row, column: str | None) -> str | None:
        return None if column is None else row.values.get(column_name(column))

    def _encounter(self, row: Row) -> str | None:
        stated = self._value(row, self._columns.encounter)
        identity = resource_id(stated, "Encounter")
        if stated and identity is None:
            raise _UnreadableError("encounter", "this is no Encounter's id. Write its id, or nothing.")
        return f"Encounter/{identity}" if identity else None

    def _zone_of(self, row: Row) -> tzinfo:
        named = self._value(row, self._columns.zone)
        try:
            return zone_named(named) if named else self.zone
        except ConfigurationError as error:
            raise _UnreadableError("zone", f"this is no known time zone. {error.remedy}") from None

    def _time(self, row: Row, field: str, column: str | None, zone: tzinfo) -> datetime | None:
        text = self._value(row, column)
        if text is None:
            return None
        if not self._columns.time_format:
            moment = parse_fhir_time(text, zone)
            if moment is not None and moment.instant is not None:
                return moment.instant
        for form in self._columns.time_format:
            try:
                read = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added below
            except ValueError:
                continue
            return read.replace(tzinfo=zone) if read.tzinfo is None else read
        raise _UnreadableError(field, "this is no date and time as the column map writes it. Set time_format.")

    def _seconds(self, row: Row, start: datetime, zone: tzinfo) -> int | None:
        """The length: the smaller of what duration and end tell; nothing and zero are unknown."""
        end = self._time(row, "end", self._columns.end, zone)
        known = [] if end is None else [_between(start, end)]
        stated = self._value(row, self._columns.duration)
        if stated is not None:
            known.append(_duration(stated, self._columns.duration_unit))
        if any(seconds >= _A_DAY for seconds in known):
            field = "duration" if stated is not None else "end"
            raise _UnreadableError(field, "the call would have lasted a day or more. Check the times and the unit.")
        return min(known, default=0) or None


def _between(start: datetime, end: datetime) -> int:
    """Whole seconds; of the readings of an hour that comes twice, the shortest that is none of the past."""
    starts, ends = ([time.replace(fold=fold).astimezone(UTC) for fold in (0, 1)] for time in (start, end))
    lengths = [(last - first) // timedelta(seconds=1) for first in starts for last in ends if last >= first]
    if not lengths:
        raise _UnreadableError("end", "the call would have ended before it began. Check both times.")
    return min(lengths)


def _duration(text: str, unit: str) -> int:
    clock = re.fullmatch(r"(?:(\d+):)?(\d{1,2}):([0-5]\d)", text)
    seconds = None
    if unit in ("seconds", "minutes") and re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text):
        seconds = Decimal(text) * (60 if unit == "minutes" else 1)
    elif clock is not None and unit == ("mm:ss" if clock[1] is None else "hh:mm:ss"):
        seconds = Decimal(int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3]))
    if seconds is None:
        raise _UnreadableError("duration", f"this is no length in {unit}. Correct it, or set duration_unit.")
    return int(seconds)


def _meaning(text: str | None, field: str, words: Mapping[str, Any]) -> Any:
    """What a word of the log means; one that the map does not explain could hide an attempt."""
    if text is None:
        return None
    if _plain(text) not in words:
        raise _UnreadableError(field, f"the column map does not explain this word. Add it to [calls.{field}s].")
    return words[_plain(text)]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


_OUTCOMES: dict[str, CallOutcome] = {
    "answered": "answered",
    "voicemail": "voicemail",
    "no_answer": "no_answer",
    "no answer": "no_answer",
    "failed": "failed",
}
_CHANNELS = {"phone": "phone", "video": "video"}
_DIRECTIONS: dict[str, Literal["inbound", "outbound"]] = {"inbound": "inbound", "outbound": "outbound"}
