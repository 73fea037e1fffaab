"""A CSV of calls with its columns mapped in TOML: every row is a call, or is told by line and field."""

import tomllib
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_rpm.errors import ConfigurationError, InputError
from fhir_rpm.mapping.call_log import CallColumns, call_columns, read_calls
from fhir_rpm.model import CallLog

CHICAGO = ZoneInfo("America/Chicago")
COLUMNS = CallColumns(
    patient="Patient",
    start="Started",
    end="Ended",
    duration="Talk Time",
    outcome="Disposition",
    outcomes={"Left VM": "voicemail", "Connected": "answered"},
    channel="Channel",
    channels={"PSTN": "phone"},
    staff_name="Agent",
    staff_role="Title",
    note=("Summary", "Notes"),
    call_id="ID",
    encounter="Visit",
    zone="TZ",
)
HEADER = "ID,Patient,Started,Ended,Talk Time,Disposition,Channel,Agent,Title,Summary,Notes,Visit,TZ"


def _read(*rows: str, **more: Any) -> CallLog:
    return read_calls("\n".join((HEADER, *rows)), "out/calls.csv", COLUMNS.model_copy(update=more), "America/Chicago")


def _one(row: str, **more: Any) -> Any:
    log = _read(row, "c9,p9,2026-05-01T09:00,,,,phone,,,,,,", **more)
    return log.calls[0] if len(log.calls) == 2 else log.unread[0]


def test_a_row_is_read_by_the_map() -> None:
    call = _one('c1,Patient/p1,2026-05-14 14:02:00,,754,left  vm,pstn,Ana Ruiz,RN,Said,"more, later",e1,')
    assert (call.source, call.subject, call.call_id) == ("call-log:calls.csv#2", "Patient/p1", "c1")
    assert call.start == datetime(2026, 5, 14, 14, 2, tzinfo=CHICAGO)
    assert (call.seconds, call.outcome, call.channel, call.encounter) == (754, "voicemail", "phone", "Encounter/e1")
    assert (call.staff_name, call.staff_role, call.note) == ("Ana Ruiz", "RN", "Said\nmore, later")


def test_names_notes_and_numbers_are_not_shown() -> None:
    call = _one('5551234,p1,2026-05-14 14:02,,,,phone,Ana Ruiz,,,"BP 148/92",,')
    assert not [word for word in ("5551234", "Ana", "148") if word in repr(call)]


@pytest.mark.parametrize(
    ("text", "unit", "seconds"),
    [
        ("754", "seconds", 754),
        ("754.9", "seconds", 754),
        ("12.5", "minutes", 750),
        ("0:12:34", "hh:mm:ss", 754),
        ("12:34", "mm:ss", 754),
        ("75:00", "mm:ss", 4500),
        ("0", "seconds", None),
        ("", "seconds", None),
    ],
)
def test_durations_are_read_in_their_unit(text: str, unit: str, seconds: int | None) -> None:
    assert _one(f"c1,p1,2026-05-14 14:02,,{text},,phone,,,,,,", duration_unit=unit).seconds == seconds


def test_of_an_end_and_a_duration_the_smaller_counts() -> None:
    assert _one("c1,p1,2026-05-14T14:02:00,2026-05-14T14:15:00,720,,phone,,,,,,").seconds == 720
    assert _one("c1,p1,2026-05-14T14:02:00,2026-05-14T14:10:00,720,,phone,,,,,,").seconds == 480


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("c1,,2026-05-14 14:02,,,,phone,,,,,,", "patient"),
        ("c1,Alma Roth,2026-05-14 14:02,,,,phone,,,,,,", "patient"),
        ("c1,p1,,,,,phone,,,,,,", "start"),
        ("c1,p1,2026-05-14,,,,phone,,,,,,", "start"),
        ("c1,p1,5/14/2026 2pm,,,,phone,,,,,,", "start"),
        ("c1,p1,2026-05-14 14:02,2026-05-14 14:01,,,phone,,,,,,", "end"),
        ("c1,p1,2026-05-14 14:02,2026-05-16 14:01,,,phone,,,,,,", "end"),
        ("c1,p1,2026-05-14 14:02,,12:34,,phone,,,,,,", "duration"),
        ("c1,p1,2026-05-14 14:02,,-3,,phone,,,,,,", "duration"),
        ("c1,p1,2026-05-14 14:02,,86400,,phone,,,,,,", "duration"),
        ("c1,p1,2026-05-14 14:02,,,Rang Off,phone,,,,,,", "outcome"),
        ("c1,p1,2026-05-14 14:02,,,,pigeon,,,,,,", "channel"),
        ("c1,p1,2026-05-14 14:02,,,,phone,,,,,Visit 7,", "encounter"),
        ("c1,p1,2026-05-14 14:02,,,,phone,,,,,,Nowhere/City", "zone"),
        ("c1,p1,2026-05-14 14:02,,,,phone,,,,,,,,surplus", "row"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_by_line_and_field_without_its_values(row: str, field: str) -> None:
    unread = _one(row)
    assert str(unread).startswith(f"calls.csv line 2: {field}: ")
    assert not [value for value in row.split(",") if len(value) > 3 and value in str(unread)]


def test_an_unread_row_says_whose_and_when_as_far_as_it_is_read() -> None:
    known = _one("c1,p1,2026-05-14 14:02,,x,,phone,,,,,,")
    assert (known.patient, known.day) == ("Patient/p1", date(2026, 5, 14))
    assert (_one("c1,,2026-05-14 14:02,,,,phone,,,,,,").patient, _one("c1,p1,x,,,,phone,,,,,,").day) == (None, None)


def test_times_without_a_zone_are_in_the_row_s_else_the_map_s_else_the_practice_s() -> None:
    row = "c1,p1,2026-05-14 14:02,,,,phone,,,,,,"
    assert _one(row).start.utcoffset() == timedelta(hours=-5)
    assert _one(row, time_zone="America/Denver").start.utcoffset() == timedelta(hours=-6)
    assert _one(row + "UTC", time_zone="America/Denver").start.utcoffset() == timedelta(0)
    assert _one(row.replace("14:02", "14:02-07:00")).start.utctimetuple().tm_hour == 21


def test_times_are_read_in_the_formats_of_the_map() -> None:
    formats = ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M %z")
    log = read_calls("p,s\np1,05/14/2026 02:02 PM\np2,05/14/2026 14:02 -0500\n", "f.csv", _formats(formats), "UTC")
    assert [call.start.isoformat() for call in log.calls] == ["2026-05-14T14:02:00+00:00", "2026-05-14T14:02:00-05:00"]


def _formats(formats: tuple[str, ...]) -> CallColumns:
    return CallColumns(patient="p", start="s", time_format=formats)


def test_an_hour_that_comes_twice_never_lengthens_a_call() -> None:
    # 2026-11-01 02:00 falls back to 01:00 in Chicago: 01:50 to 02:10 is 20 minutes, or 80.
    assert _one("c1,p1,2026-11-01 01:50,2026-11-01 02:10,,,phone,,,,,,").seconds == 20 * 60
    assert _one("c1,p1,2026-11-01 01:50,2026-11-01 01:05,,,phone,,,,,,").seconds == 15 * 60


def test_without_a_channel_column_calls_are_by_phone_and_an_empty_cell_is_unknown() -> None:
    assert _one("c1,p1,2026-05-14 14:02,,,,,,,,,,").channel is None
    assert _one("c1,p1,2026-05-14 14:02,,,,,,,,,,", channel=None).channel == "phone"


def test_a_column_that_the_map_names_and_the_file_lacks_is_an_error() -> None:
    with pytest.raises(InputError, match="no column 'talk_time'"):
        read_calls(
            "Patient,Started\n", "f.csv", CallColumns(patient="Patient", start="Started", duration="Talk Time"), "UTC"
        )


def test_a_file_of_which_no_row_can_be_read_is_an_error() -> None:
    with pytest.raises(InputError, match="line 2: start"):
        read_calls("p,s\np1,May\n", "f.csv", CallColumns(patient="p", start="s"), "UTC")
    assert read_calls("p,s\n", "f.csv", CallColumns(patient="p", start="s"), "UTC") == CallLog()


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        ("", "calls.patient"),
        ('[calls]\npatient = "p"\nstart = "s"\nstrat = "x"', "calls.strat"),
        ('[calls]\npatient = "p"\nstart = "s"\ntime_zone = "Chicago"', "calls.time_zone"),
        ('[calls]\npatient = "p"\nstart = "s"\n[calls.outcomes]\nx = "reached"', "calls.outcomes.x"),
    ],
)
def test_a_wrong_column_map_names_file_and_field(toml: str, field: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"map\.toml, {field}"):
        call_columns(tomllib.loads(toml), "map.toml")


def test_rows_of_one_call_that_name_two_patients_are_nobody_s() -> None:
    log = _read(
        *(f"c1,{patient},2026-05-14 14:02,,,,phone,,,,,," for patient in ("p1", "p2")), "c2,p3,2026-05-14 14:02"
    )
    assert [call.subject for call in log.calls] == ["Patient/p3"]
    assert [(row.patient, row.field) for row in log.unread] == [("Patient/p1", "patient"), ("Patient/p2", "patient")]
