"""A roster read from CSV: whom to check, since when, in which zone; nobody is lost without a word."""

from datetime import date

import pytest

from fhir_rpm.errors import InputError
from fhir_rpm.roster import RosterEntry, read_roster


def test_columns_stand_in_any_order_and_others_are_passed_over() -> None:
    text = "name,time_zone,patient,monitoring_start\nAlma Roth,America/Denver,Patient/p1,2026-04-12\n,,p2,\n"
    assert read_roster(text, "r.csv").entries == (
        RosterEntry(patient="p1", monitoring_start=date(2026, 4, 12), time_zone="America/Denver"),
        RosterEntry(patient="p2"),
    )


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("Alma Roth,2026-04-12,", "patient"),
        (",2026-04-12,", "patient"),
        ("p1,04/12/2026,", "monitoring_start"),
        ("p1,2026-02-30,", "monitoring_start"),
        ("p1,,Nowhere/City", "time_zone"),
        ("p1,,,,surplus", "row"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_by_line_and_field_without_its_values(row: str, field: str) -> None:
    roster = read_roster(f"patient,monitoring_start,time_zone\n{row}\np9,,\n", "r.csv")
    assert [entry.patient for entry in roster.entries] == ["p9"]
    assert roster.problems[0].startswith(f"r.csv line 2: {field}: ")
    assert not any(value in roster.problems[0] for value in row.split(",") if value)


def test_problems_stand_in_the_order_of_the_file() -> None:
    roster = read_roster("patient,time_zone\np1,nowhere\np2,a,b\np3,\n,UTC\n", "r.csv")
    assert [problem[:12] for problem in roster.problems] == ["r.csv line 2", "r.csv line 3", "r.csv line 5"]


def test_a_patient_named_twice_is_kept_once_with_a_note() -> None:
    roster = read_roster("patient\np1\np2\nPatient/p1\n", "r.csv")
    assert [entry.patient for entry in roster.entries] == ["p1", "p2"]
    assert roster.notes == ("Patient/p1 is named more than once.",)


def test_what_two_mentions_differ_in_is_unknown() -> None:
    text = "patient,monitoring_start,time_zone\np1,2026-04-12,UTC\np1,2026-04-13,UTC\n"
    roster = read_roster(text, "r.csv")
    assert roster.entries == (RosterEntry(patient="p1", time_zone="UTC"),)
    assert "unknown" in roster.notes[0]


@pytest.mark.parametrize("text", ["patient\n", "patient\nAlma Roth\n", "name\nAlma Roth\n"])
def test_a_roster_of_nobody_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match=r"r\.csv") as caught:
        read_roster(text, "r.csv")
    assert "Alma" not in str(caught.value)


def test_an_entry_is_found_with_or_without_the_type() -> None:
    roster = read_roster("patient\np1\n", "r.csv")
    assert roster.of("Patient/p1") == roster.of("p1") == RosterEntry(patient="p1")
    assert roster.of("p2") is None
    assert roster.of(None) is None
