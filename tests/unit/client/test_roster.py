"""Whom to check, asked of the EHR: who belongs, who does not, and who cannot be pulled is said."""

from typing import Any

import pytest

from fhir_rpm.client import Capability, Pull
from fhir_rpm.client.roster import group_roster, list_roster, order_roster
from fhir_rpm.errors import ConfigurationError, InputError
from fhir_rpm.model import Gap
from fhir_rpm.month import BillingMonth

MAY = BillingMonth.parse("2026-05", "America/Chicago")


class _Ehr:
    """What a roster asks of a session."""

    base_url = "https://ehr.example.org/fhir"

    def __init__(self, resource: dict[str, Any] | None = None, vendor: str = "generic", **found: Pull) -> None:
        self.resource = resource or {}
        self.vendor = vendor
        self.found = found
        self.asked: list[tuple[str, dict[str, str]]] = []
        params = {"ServiceRequest": ("status", "code"), "Encounter": ("type",)}
        entries = [
            {
                "type": kind,
                "interaction": [{"code": "search-type"}],
                "searchParam": [{"name": name} for name in params[kind]],
            }
            for kind in found
        ]
        self.capability = Capability({"rest": [{"resource": entries}]})

    def read(self, reference: str) -> dict[str, Any]:
        self.asked.append((reference, {}))
        return self.resource

    def search(self, resource_type: str, params: dict[str, str]) -> Pull:
        self.asked.append((resource_type, params))
        return self.found[resource_type]


def _member(reference: object, **more: object) -> dict[str, object]:
    return {"entity": {"reference": reference}, **more}


def _group(*members: object, **more: object) -> Any:
    return _Ehr({"resourceType": "Group", "member": list(members), **more})


@pytest.mark.parametrize(
    "reference", ["Patient/p1", "https://ehr.example.org/fhir/Patient/p1", " Patient/p1/_history/2 "]
)
def test_a_member_is_a_patient_however_the_reference_is_written(reference: str) -> None:
    ehr = _group(_member(reference))
    assert [entry.patient for entry in group_roster(ehr, "Group/g", MAY).entries] == ["p1"]
    assert ehr.asked == [("Group/g", {})]


@pytest.mark.parametrize(
    ("more", "belongs"),
    [
        ({"inactive": True}, False),
        ({"inactive": False}, True),
        ({"period": {"end": "2026-04-30"}}, False),
        ({"period": {"end": "2026-05-01"}}, True),
        ({"period": {"end": "2026-05"}}, True),
        ({"period": {"end": "2026"}}, True),
        ({"period": {"start": "2026-05-31"}}, True),
        ({"period": {"start": "2026-06-01"}}, False),
        ({"period": {"start": "soon"}}, True),
    ],
)
def test_who_did_not_belong_in_the_month_is_left_out(more: dict[str, object], belongs: bool) -> None:
    roster = group_roster(_group(_member("Patient/p1", **more), _member("Patient/p2")), "g", MAY)
    assert [entry.patient for entry in roster.entries] == (["p1", "p2"] if belongs else ["p2"])
    assert not roster.problems


@pytest.mark.parametrize(
    "reference", ["#p1", "urn:uuid:7b0d", "Group/inner", "https://other.example.org/fhir/Patient/p1", None, 7]
)
def test_a_member_that_cannot_be_pulled_is_told_by_its_place(reference: object) -> None:
    roster = group_roster(_group(_member("Patient/p1"), _member(reference)), "g", MAY)
    assert [entry.patient for entry in roster.entries] == ["p1"]
    assert roster.problems[0].startswith("Group/g, member 2: ")


@pytest.mark.parametrize("group", [_group(), _group(_member("#p1")), _group(_member("Patient/p1"), active=False)])
def test_a_group_of_nobody_or_out_of_use_is_an_error(group: Any) -> None:
    with pytest.raises(InputError, match="Group/g"):
        group_roster(group, "g", MAY)


def test_entries_of_a_list_that_are_deleted_or_flagged_are_left_out_with_a_note() -> None:
    entries = [
        {"item": {"reference": "Patient/p1"}},
        {"item": {"reference": "Patient/p2"}, "deleted": True},
        {"item": {"reference": "Patient/p3"}, "flag": {"text": "left"}},
    ]
    roster = list_roster(_Ehr({"resourceType": "List", "status": "current", "entry": entries}), "List/l")  # type: ignore[arg-type]
    assert [entry.patient for entry in roster.entries] == ["p1"]
    assert roster.notes == ("List/l: entries that are deleted or flagged were left out (2).",)


def test_a_retired_list_is_an_error() -> None:
    with pytest.raises(InputError, match="not current"):
        list_roster(_Ehr({"status": "retired", "entry": [{"item": {"reference": "Patient/p1"}}]}), "l")  # type: ignore[arg-type]


def test_patients_are_found_by_orders_and_encounters_and_gaps_are_told() -> None:
    gap = Gap(resource_type="Encounter", code="page_lost", reason="A page could not be reached.")
    ehr: Any = _Ehr(
        ServiceRequest=Pull(({"subject": {"reference": "Patient/p1"}}, {"subject": {"reference": "Patient/p1"}})),
        Encounter=Pull(({"subject": {"reference": "Patient/p2"}},), (gap,)),
    )
    roster = order_roster(ehr)
    assert [entry.patient for entry in roster.entries] == ["p1", "p2"]
    assert (roster.problems, roster.notes) == (("Encounter: A page could not be reached.",), ())
    assert "99457" in ehr.asked[0][1]["code"]


@pytest.mark.parametrize("vendor", ["epic", "oracle"])
def test_a_vendor_that_searches_one_patient_at_a_time_is_not_asked(vendor: str) -> None:
    ehr: Any = _Ehr(vendor=vendor, Encounter=Pull())
    with pytest.raises(ConfigurationError, match="--roster FILE"):
        order_roster(ehr)
    assert ehr.asked == []


def test_a_search_that_the_server_does_not_declare_is_not_made() -> None:
    ehr: Any = _Ehr()
    with pytest.raises(ConfigurationError, match="declares no search"):
        order_roster(ehr)
