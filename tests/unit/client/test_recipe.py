"""Each vendor is searched as it wants to be searched, with nothing that it does not take."""

import pytest

from fhir_rpm.client.capability import Capability
from fhir_rpm.client.recipe import Query, SearchRecipe, TypeRecipe
from fhir_rpm.month import BillingMonth
from fhir_rpm.sandbox.manners import MANNERS, Fault
from fhir_rpm.sandbox.searches import search_fault
from fhir_rpm.vendor import vendor_section

MAY = BillingMonth.parse("2026-05", "America/Chicago")
VENDORS = ("generic", "epic", "oracle", "medplum", "meditech")


def _queries(vendor: str, kind: str) -> list[Query]:
    recipe = vendor_section(vendor, "search", SearchRecipe).types[kind]
    return recipe.queries("p" if recipe.by == "patient" else "Practitioner/n", MAY, None)


def _flat(query: Query) -> list[tuple[str, str]]:
    return [(name, value) for name, held in query.items() for value in (held if isinstance(held, list) else [held])]


@pytest.mark.parametrize("vendor", ["epic", "oracle"])
@pytest.mark.parametrize("kind", ["Encounter", "Observation", "DocumentReference", "Communication"])
def test_the_vendor_refuses_none_of_its_searches(vendor: str, kind: str) -> None:
    faults: list[Fault | None] = [search_fault(MANNERS[vendor], kind, _flat(query)) for query in _queries(vendor, kind)]
    assert [fault for fault in faults if fault is not None] == []


def test_epic_is_asked_for_categories_by_whole_days_and_for_no_communication() -> None:
    days = ["ge2026-04-30", "le2026-06-01"]
    assert _queries("epic", "Encounter") == [{"patient": "p", "_count": "500", "date": days}]
    assert [query["category"] for query in _queries("epic", "Observation")] == ["vital-signs"]
    (notes,) = _queries("epic", "DocumentReference")
    assert (notes["category"], notes["date"]) == ("clinical-note", ["ge2026-04-30", "le2026-06-08"])
    assert _queries("epic", "Communication") == []


def test_oracle_is_asked_in_closed_ranges_with_time_and_within_its_page_sizes() -> None:
    (encounters,) = _queries("oracle", "Encounter")
    assert encounters["date"] == ["ge2026-04-30T00:00:00-05:00", "lt2026-06-01T00:00:00-05:00"]
    assert {query["_count"] for query in _queries("oracle", "DocumentReference")} == {"100"}
    assert {query["_count"] for query in _queries("oracle", "Observation")} == {"200"}
    by_date, by_period = _queries("oracle", "DocumentReference")
    assert ("period" in by_date, "date" in by_period) == (False, False)
    codes = [str(query["code"]) for query in _queries("oracle", "Observation") if "code" in query]
    assert "85354-9" in codes[0]
    assert not {"8480-6", "8462-4"} & set(codes[0].replace("|", ",").split(","))


def test_oracle_messages_are_asked_for_by_all_four_parameters() -> None:
    queries = _queries("oracle", "Communication")
    assert len(queries) == 9
    assert all({*query} == {"recipient", "received", "category", "-email-status"} for query in queries)
    assert {tuple(prefix[:2] for prefix in query["received"]) for query in queries} == {("ge", "le")}


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("kind", ["Encounter", "Observation", "DocumentReference", "Communication"])
def test_only_prefixes_that_every_vendor_knows_are_used_and_nothing_by_last_updated(vendor: str, kind: str) -> None:
    for name, value in (item for query in _queries(vendor, kind) for item in _flat(query)):
        assert name.lower() != "_lastupdated"
        assert name not in ("date", "period", "received") or value[:2] in ("ge", "le", "lt")


def test_medplums_pages_go_by_cursor() -> None:
    assert {query["_sort"] for kind in ("Encounter", "Observation") for query in _queries("medplum", kind)} == {
        "_lastUpdated"
    }


RECIPE = TypeRecipe(
    searches=({"category": "a"}, {"category": "b"}), dates=("date", "period"), date_style="days", required=("date",)
)


def _asked(*declared: str) -> list[set[str]]:
    return [{*query} for query in RECIPE.queries("p", MAY, frozenset(declared))]


def test_what_is_not_declared_is_left_out_and_equal_searches_are_made_once() -> None:
    assert len(RECIPE.queries("p", MAY, None)) == 4
    assert _asked("patient", "date", "category") == [{"patient", "_count", "date", "category"}] * 2
    assert _asked("patient", "date") == [{"patient", "_count", "date"}]


def test_a_server_without_patient_is_asked_by_subject() -> None:
    (query,) = RECIPE.queries("p", MAY, frozenset({"subject", "date"}))
    assert query["subject"] == "Patient/p"


@pytest.mark.parametrize("declared", [("date",), ("patient", "category")])
def test_without_what_the_search_needs_there_is_none(declared: tuple[str, ...]) -> None:
    assert _asked(*declared) == []


STATEMENT = {
    "resourceType": "CapabilityStatement",
    "rest": [
        "junk",
        {"resource": "junk"},
        {
            "resource": [
                None,
                {
                    "type": "Encounter",
                    "interaction": [{"code": "search-type"}],
                    "searchParam": [{"name": "patient"}, 5],
                },
                {"type": "Group", "interaction": [{"code": "read"}, "junk"]},
                {"type": "Observation", "searchParam": "junk"},
            ]
        },
    ],
}


def test_a_statement_is_read_tolerantly() -> None:
    told = Capability(STATEMENT)
    assert told.parameters("Encounter") == {"patient"}
    assert told.parameters("Observation") is None
    assert [told.may_search(kind) for kind in ("Encounter", "Observation", "Group", "Communication")] == [
        True,
        True,
        False,
        False,
    ]
    assert (told.declares("Encounter", "create"), told.declares("Group", "read")) == (False, True)


@pytest.mark.parametrize(
    "statement",
    [{}, {"rest": []}, {"rest": 5}, {"rest": [{"resource": []}]}, {**STATEMENT, "resourceType": "OperationOutcome"}],
)
def test_a_server_that_does_not_say_is_searched_as_the_recipe_has_it(statement: dict[str, object]) -> None:
    told = Capability(statement)
    assert (told.is_known, told.may_search("Communication"), told.parameters("Encounter")) == (False, True, None)
