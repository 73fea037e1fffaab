"""Scopes of both spellings: what is asked for, and what a granted one allows."""

from typing import Any

import pytest

from fhir_rpm.client.discovery import Discovery
from fhir_rpm.client.scopes import AuthRecipe, GrantedScopes
from fhir_rpm.vendor import vendor_section

GENERIC: AuthRecipe = vendor_section("generic", "auth", AuthRecipe)
ORACLE: AuthRecipe = vendor_section("oracle", "auth", AuthRecipe)


@pytest.mark.parametrize(
    ("scope", "kind", "interaction", "allowed"),
    [
        ("system/Encounter.read", "Encounter", "read", True),
        ("system/Encounter.read", "Encounter", "search", True),
        ("system/Encounter.read", "Encounter", "create", False),
        ("system/Encounter.read", "Observation", "read", False),
        ("system/DocumentReference.write", "DocumentReference", "create", True),
        ("system/DocumentReference.write", "DocumentReference", "search", False),
        ("system/*.read", "Encounter", "search", True),
        ("system/*.*", "DocumentReference", "create", True),
        ("system/Encounter.*", "Encounter", "delete", True),
        ("system/Encounter.r", "Encounter", "read", True),
        ("system/Encounter.r", "Encounter", "search", False),
        ("system/Encounter.rs", "Encounter", "search", True),
        ("system/DocumentReference.crus", "DocumentReference", "create", True),
        ("system/DocumentReference.crus", "DocumentReference", "delete", False),
        ("system/*.cruds", "Group", "read", True),
        ("user/Encounter.rs patient/Observation.read", "Observation", "search", True),
        ("openid fhirUser launch/patient offline_access system/Patient.rs", "Encounter", "read", False),
        ("system/Encounter.rs https://ehr.example.org/scopes/all", "Observation", "read", None),
        ("system/Encounter.rs https://ehr.example.org/scopes/all", "Encounter", "read", True),
        ("system/encounter.rs", "Encounter", "read", None),
        ("system/Encounter.readwrite", "Encounter", "read", None),
        ("openid", "Encounter", "read", None),
        ("", "Encounter", "read", None),
        (None, "Encounter", "read", None),
        (7, "Encounter", "read", None),
        (["system/Encounter.rs", "system/Patient.rs"], "Observation", "read", False),
    ],
)
def test_a_grant_tells_what_it_allows_refuses_and_leaves_open(
    scope: Any, kind: str, interaction: Any, allowed: bool | None
) -> None:
    granted = GrantedScopes.parse(scope)
    assert granted.allows(kind, interaction) is allowed
    assert granted.lacks(kind, interaction) is (allowed is False)


def test_a_grant_with_a_query_allows_but_narrows() -> None:
    granted = GrantedScopes.parse(
        "system/Observation.rs?category=vital-signs system/Encounter.rs?status=finished system/Encounter.r"
    )
    assert granted.allows("Observation", "search") is True
    assert granted.narrows("Observation", "search")
    assert granted.narrows("Encounter", "search")
    assert not granted.narrows("Encounter", "read")
    assert not granted.narrows("Patient", "read")


def _first(found: Discovery, recipe: AuthRecipe = GENERIC, writing: bool = True) -> list[str]:
    return str(recipe.requests(found, writing=writing)[0]).split()


def test_the_declared_spelling_is_asked_first() -> None:
    assert "system/Encounter.read" in _first(Discovery(capabilities=("permission-v1",)))
    assert "system/DocumentReference.write" in _first(Discovery(capabilities=("permission-v1",)))
    for capabilities in (("permission-v2",), ("permission-v1", "permission-v2"), ()):
        assert "system/Encounter.rs" in _first(Discovery(capabilities=capabilities))


def test_every_type_a_month_is_read_from_is_asked_for() -> None:
    types = ("Patient", "Encounter", "Communication", "DocumentReference", "Binary", "Observation", "CareTeam")
    asked = GrantedScopes.parse(" ".join(_first(Discovery())))
    assert all(
        asked.allows(kind, "read")
        for kind in (*types, "Practitioner", "PractitionerRole", "Group", "List", "RelatedPerson")
    )
    assert all(asked.allows(kind, "search") for kind in types if kind != "Binary")
    assert asked.allows("DocumentReference", "create")
    assert GrantedScopes.parse(" ".join(_first(Discovery(), writing=False))).lacks("DocumentReference", "create")


def test_a_server_that_names_its_types_is_not_asked_for_others() -> None:
    found = Discovery(scopes=("system/*.rs", "system/Patient.rs", "system/Encounter.crus", "system/Observation.r"))
    assert _first(found) == ["system/Patient.rs", "system/Encounter.rs"]


@pytest.mark.parametrize("scopes", [("system/*.rs",), ("openid", "patient/*.*"), ("patient/Patient.read",), ()])
def test_a_server_that_names_none_of_its_system_types_is_asked_for_all(scopes: tuple[str, ...]) -> None:
    assert len(_first(Discovery(scopes=scopes))) == 14


def test_oracle_is_asked_in_v2_type_by_type_without_what_it_lacks() -> None:
    asked = ORACLE.requests(Discovery(capabilities=("permission-v1",)), writing=True)
    assert len(asked) == 2
    assert not any(".read" in str(scope) or "*" in str(scope) for scope in asked)
    assert "system/Binary.r" in str(asked[0]).split()
    assert not {"PractitionerRole", "Group", "List"} & {name[7:].split(".")[0] for name in str(asked[0]).split()}
    assert "DocumentReference.c" in str(asked[0])
    assert "DocumentReference.c" not in str(asked[1])


def test_a_plain_server_is_asked_in_every_spelling_and_at_last_without() -> None:
    asked = GENERIC.requests(Discovery(), writing=False)
    assert [str(scope)[:17] for scope in asked] == ["system/Patient.rs", "system/*.rs", "system/Patient.re", "None"]
