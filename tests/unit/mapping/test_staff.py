"""The staff directory fills what the record does not say, never guesses, and reports what it contradicts."""

from typing import Any

import pytest

from fhir_rpm.errors import InputError
from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.people import People, Person
from fhir_rpm.mapping.staff import read_staff
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.model import StaffMember
from fhir_rpm.vendor import vendor_section
from tests.builders import concept

TABLE = vendor_section("oracle", "mapping", MappingTable)


def _person(reference: dict[str, Any], *staff: StaffMember, resources: tuple[dict[str, Any], ...] = ()) -> Person:
    return People(Resources(resources), TABLE, "Patient/p1", staff).read(reference, {})


@pytest.mark.parametrize(
    "listed", ["Ana Ruiz", "RUIZ, ANA", "Ruiz, Ana, RN", "Ana Ruíz", "ana  ruiz BSN", "Ruiz, RN, Ana", "Ana Ruiz, R.N."]
)
@pytest.mark.parametrize("display", ["Ana Ruiz", "Ruiz, Ana", "RUIZ, ANA"])
def test_a_name_matches_in_any_case_order_and_accent(listed: str, display: str) -> None:
    assert _person({"display": display}, StaffMember(role="rn", name=listed)).role == "rn"


@pytest.mark.parametrize("listed", ["A. Ruiz", "Ana Maria Ruiz", "Ruiz", "Ana Ruiz-Diaz", "Ruiz Ana"])
def test_a_name_that_is_only_alike_matches_nobody(listed: str) -> None:
    assert _person({"display": "Ana Ruiz"}, StaffMember(role="rn", name=listed)).role is None


def test_a_practitioner_is_found_by_id_whatever_the_name() -> None:
    found = _person({"reference": "Practitioner/n1"}, StaffMember(role="lpn", practitioner="Practitioner/n1"))
    assert (found.role, found.listed) == ("lpn", True)


def test_a_practitioner_is_found_by_npi() -> None:
    practitioner = {
        "resourceType": "Practitioner",
        "id": "n1",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
    }
    member = StaffMember(role="np", name="X Y", npi="1234567893")
    assert _person({"reference": "Practitioner/n1"}, member, resources=(practitioner,)).role == "np"


def test_a_namesake_with_another_id_is_somebody_else() -> None:
    reference = {"reference": "Practitioner/n2", "display": "Ana Ruiz"}
    assert _person(reference, StaffMember(role="rn", name="Ana Ruiz", practitioner="Practitioner/n1")).role is None
    assert _person(reference, StaffMember(role="rn", name="Ana Ruiz")).role == "rn"


@pytest.mark.parametrize("how", [{"name": "Ana Ruiz"}, {"practitioner": "Practitioner/n1"}])
def test_whom_two_rows_call_differently_is_unknown(how: dict[str, str]) -> None:
    rows = (StaffMember(role="rn", **how), StaffMember(role="ma", **how))
    assert _person({"reference": "Practitioner/n1", "display": "Ana Ruiz"}, *rows).role is None
    assert _person({"reference": "Practitioner/n1", "display": "Ana Ruiz"}, rows[0], rows[0]).role == "rn"


@pytest.mark.parametrize(
    ("recorded", "listed", "role", "disputed"),
    [
        ("RN", "rn", "rn", False),
        ("RN", "physician", "rn", True),
        ("RN", "non_clinical", "non_clinical", True),
        ("RN", "bot", "bot", True),
        ("Scheduler", "rn", "non_clinical", True),
    ],
)
def test_the_record_ranks_first_unless_the_directory_speaks_against_billing(
    recorded: str, listed: Any, role: str, disputed: bool
) -> None:
    practitioner = {"resourceType": "Practitioner", "id": "n1", "qualification": [{"code": concept(recorded)}]}
    member = StaffMember(role=listed, practitioner="Practitioner/n1")
    found = _person({"reference": "Practitioner/n1"}, member, resources=(practitioner,))
    assert (found.role, found.disputed) == (role, disputed)


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("rn", "rn"),
        ("Registered Nurse", "rn"),
        ("RN, BSN", "rn"),
        ("R.N.", "rn"),
        ("Health Coach", "health_coach"),
        ("health_coach", "health_coach"),
        ("Front Desk", "non_clinical"),
        ("PharmD", "pharmacist"),
    ],
)
def test_roles_are_read_as_the_mapping_reads_them(word: str, role: str) -> None:
    assert read_staff(f'name,role\nAna Ruiz,"{word}"\n', "s.csv").members == (StaffMember(role=role, name="Ana Ruiz"),)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("Ana Ruiz,,wizard,", "role"),
        ("Ana Ruiz,,,", "role"),
        ("Ana Ruiz,,rn/ma,", "role"),
        (",,rn,", "name"),
        ("RN,,rn,", "name"),
        ("Ana Ruiz,Patient/p 1,rn,", "practitioner"),
        ("Ana Ruiz,,rn,12", "npi"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_by_line_without_its_values(row: str, field: str) -> None:
    file = read_staff(f"name,practitioner,role,npi\n{row}\n,n9,rn,\n", "s.csv")
    assert file.members == (StaffMember(role="rn", practitioner="Practitioner/n9"),)
    assert str(file.problems[0]).startswith(f"s.csv line 2: {field}: ")
    assert "Ana" not in str(file.problems[0])


@pytest.mark.parametrize("text", ["name,role\nAna Ruiz,wizard\n", "name\nAna\n", "role\nrn\n"])
def test_a_directory_of_nobody_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match=r"s\.csv"):
        read_staff(text, "s.csv")


def test_a_staff_member_shows_no_name_and_needs_one_way_to_be_found() -> None:
    assert "Ana" not in repr(StaffMember(role="rn", name="Ana Ruiz"))
    with pytest.raises(ValueError, match="needs a name"):
        StaffMember(role="rn")
