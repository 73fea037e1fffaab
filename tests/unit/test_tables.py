"""CSV files as people export them: any delimiter, a byte order mark, quoted fields; problems by line, never a value."""

import pytest

from fhir_rpm.errors import InputError
from fhir_rpm.tables import read_table


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_divides_the_header(sign: str) -> None:
    table = read_table(sign.join(("patient", "Monitoring Start")) + "\n" + sign.join(("p1", "2026-04-01")), "f.csv")
    assert [row.values for row in table.rows] == [{"patient": "p1", "monitoring_start": "2026-04-01"}]


def test_a_byte_order_mark_and_blank_lines_do_not_shift_the_line_numbers() -> None:
    table = read_table("\ufeff\r\npatient,note\r\n\r\np1,x\r\n , \r\np2,y\r\n", "f.csv")
    assert [(row.line, row.values["patient"]) for row in table.rows] == [(4, "p1"), (6, "p2")]


def test_quoted_fields_hold_the_delimiter_and_doubled_quotes() -> None:
    table = read_table('patient,name\np1, "Roth, ""Al"""\n', "f.csv")
    assert table.rows[0].values["name"] == 'Roth, "Al"'


def test_a_row_with_more_fields_than_the_header_is_a_problem() -> None:
    table = read_table("patient,note\np1,a,b\np2,c,\n", "f.csv")
    assert [row.values["patient"] for row in table.rows] == ["p2"]
    assert str(table.problems[0]).startswith("f.csv line 2: row: ")


def test_a_quote_that_is_never_closed_is_a_problem_and_not_fewer_rows() -> None:
    table = read_table('patient,note\np1,x\np2,"Roth\np3,y\n', "f.csv")
    assert ([row.line for row in table.rows], [problem.line for problem in table.problems]) == ([2], [3])
    assert "Roth" not in str(table.problems[0])


def test_a_quote_that_swallows_whole_rows_is_a_problem() -> None:
    text = 'patient,note\np1,"x\np2,y\np3,z"\np4,w\n'
    table = read_table(text, "f.csv")
    assert ([row.line for row in table.rows], [problem.line for problem in table.problems]) == ([5], [2])
    assert read_table(text, "f.csv", multiline=("note",)).rows[0].values["note"] == "x\np2,y\np3,z"


def test_a_row_never_shows_its_values() -> None:
    assert "p1" not in repr(read_table("patient\np1\n", "f.csv").rows[0])


@pytest.mark.parametrize("text", ["", "\n \n", ",,\np1,,\n"])
def test_a_file_without_a_header_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match=r"f\.csv is empty"):
        read_table(text, "f.csv")


def test_a_column_named_twice_is_an_error() -> None:
    with pytest.raises(InputError, match="twice"):
        read_table("patient,Patient\np1,p2\n", "f.csv")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match=r"f\.csv has no column 'patient' or 'id'"):
        read_table("Roth,5551234\n", "f.csv").require("patient", "id")
