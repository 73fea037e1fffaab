from typing import Any

import pytest

from fhir_rpm.mapping.index import Resources
from fhir_rpm.mapping.names import names_agree
from fhir_rpm.mapping.people import People, Person, is_same_person
from fhir_rpm.mapping.table import MappingTable
from fhir_rpm.vendor import vendor_section
from tests.builders import concept

TABLE = vendor_section("epic", "mapping", MappingTable)


def _person(
    reference: object, *resources: dict[str, Any], hint: object = None, holder: dict[str, Any] | None = None
) -> Person:
    return People(Resources(resources), TABLE, "Patient/p1").read(reference, holder or {}, hint)


def _practitioner(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Practitioner", "id": "n1", "name": [{"family": "Ruiz", "given": ["Ana"]}]} | more


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Practitioner/n1"},
        {"reference": "https://ehr.example.org/fhir/Practitioner/n1"},
        {"reference": "Practitioner/n1/_history/3"},
        {"identifier": {"system": "http://npi", "value": "7"}},
    ],
)
def test_a_practitioner_is_found_however_the_reference_is_written(reference: dict[str, Any]) -> None:
    resource = _practitioner(
        identifier=[{"system": "http://npi", "value": "7"}], qualification=[{"code": concept("Registered Nurse")}]
    )
    assert _person(reference, resource) == Person("staff", "Practitioner/n1", "Ana Ruiz", "rn")


def test_a_contained_practitioner_is_found() -> None:
    holder = {"contained": [_practitioner(id="rn", qualification=[{"code": concept("RN", "RN")}])]}
    assert _person({"reference": "#rn"}, holder=holder).role == "rn"


def test_a_full_url_resolves_a_urn() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:7b0d", "resource": _practitioner(id="7b0d")}]}
    people = People(Resources(bundle), TABLE, None)
    assert people.read({"reference": "urn:uuid:7b0d"}, {}).key == "Practitioner/7b0d"


@pytest.mark.parametrize(
    ("display", "name", "role"),
    [
        ("Ana Ruiz, RN", "Ana Ruiz", "rn"),
        ("Kowalski, RN, Bea", "Kowalski, Bea", "rn"),
        ("Saba Chaudhry PharmD", "Saba Chaudhry", "pharmacist"),
        ("Lori Finch, CMA", "Lori Finch", "ma"),
        ("O. Fournier, FNP-C", "O. Fournier", "np"),
        ("Renee Abbott, M.D.", "Renee Abbott", "physician"),
        ("Ma, Lin", "Ma, Lin", None),
        ("Do, Kim", "Do, Kim", None),
        ("J. Torres", "J. Torres", None),
        ("Dana Hall, Registered Nurse", "Dana Hall", "rn"),
        ("Colby, Ray (Scheduler)", "Colby, Ray", "non_clinical"),
        ("Doctor, Ann", "Doctor, Ann", None),
    ],
)
def test_a_credential_in_the_display_names_the_role(display: str, name: str, role: str | None) -> None:
    person = _person({"display": display})
    assert (person.name, person.role) == (name, role)


def test_a_care_team_may_name_its_members_by_practitioner_role() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/n1"}}
    member = {"role": [concept("Registered Nurse")], "member": {"reference": "PractitionerRole/r"}}
    team = {"resourceType": "CareTeam", "id": "t", "participant": [member]}
    assert _person({"reference": "Practitioner/n1"}, _practitioner(), role, team).role == "rn"


def test_a_bare_nurse_has_no_role() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/n1"}}
    nurse = role | {"code": [concept("Professional nurse (occupation)", "106292003", "http://snomed.info/sct")]}
    assert _person({"reference": "Practitioner/n1"}, _practitioner(), nurse).role is None


def test_roles_come_from_practitioner_role_then_qualification_then_care_team_then_type() -> None:
    reference = {"reference": "Practitioner/n1"}
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": reference,
        "code": [concept("x", "163W00000X", "http://nucc.org/provider-taxonomy")],
    }
    team = {
        "resourceType": "CareTeam",
        "id": "t",
        "participant": [{"member": reference, "role": [concept("Pharmacist")]}],
    }
    qualified = _practitioner(qualification=[{"code": concept("Licensed Practical Nurse")}])
    hint = [concept("Nurse Practitioner")]
    assert _person(reference, role, qualified, team, hint=hint).role == "rn"
    assert _person({"reference": "PractitionerRole/r"}, role, qualified, team, hint=hint).role == "rn"
    assert _person(reference, qualified, team, hint=hint).role == "lpn"
    assert _person(reference, _practitioner(), team, hint=hint).role == "pharmacist"
    assert _person(reference, _practitioner(), hint=hint).role == "np"


def test_a_background_user_has_neither_name_nor_role() -> None:
    person = _person({"reference": "Practitioner/u", "display": "User Interconnect"})
    assert (person.side, person.name, person.role) == ("staff", None, None)


@pytest.mark.parametrize(
    ("reference", "side"),
    [
        ({"reference": "Patient/p1"}, "patient"),
        ({"reference": "Patient/p2"}, "caregiver"),
        ({"reference": "RelatedPerson/r"}, "caregiver"),
        ({"reference": "Device/d"}, "device"),
        ({"reference": "Group/rpm-nurse-pool", "display": "RPM nurse pool"}, "staff"),
        ({"type": "Patient", "display": "Ralph"}, "patient"),
        ({}, "unknown"),
        (None, "unknown"),
        ("Practitioner/n1", "unknown"),
    ],
)
def test_everybody_is_on_one_side(reference: object, side: str) -> None:
    assert _person(reference).side == side


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        ("Joan Fenwick", "J. Fenwick", True),
        ("Fenwick, Joan", "Joan Fenwick", True),
        ("Whitfield, Dana", "D. Whitfield", True),
        ("Ruiz", "Ana Ruiz", True),
        ("Ana Ruiz", "Ana Lopez", False),
        ("A. B.", "Ana Bo", False),
        ("", "Ana", False),
    ],
)
def test_names_agree_when_they_can_be_one_persons(left: str, right: str, agree: bool) -> None:
    assert names_agree(left, right) is agree


def test_two_references_are_two_people_even_with_one_name() -> None:
    assert not is_same_person(Person("staff", "Practitioner/1", "Ana"), Person("staff", "Practitioner/2", "Ana"))
    assert is_same_person(Person("staff", "Practitioner/1", "Ana Ruiz"), Person("staff", "ana ruiz", "Ana Ruiz"))
    assert not is_same_person(Person("staff"), Person("staff"))
