"""§5: the JSON object of one patient-month."""

import json
from typing import Any

from fhir_rpm import assess
from tests.builders import encounter, message
from tests.contract.month import CALL, LIVE, ZONE, call, call_of, daily, each_vendor, judged, thread
from tests.contract.sentences import sentence

MONTH = {"schema", "patient", "month", "time_zone", "policy", "status", "contacts", "minutes", "device_days", "codes"}
CONTACT = {
    "sources",
    "modality",
    "start",
    "minutes",
    "staff",
    "participant",
    "outcome",
    "reason",
    "missing",
    "evidence",
}


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return [value] if isinstance(value, str) else []


@each_vendor
def test_the_object_has_the_contracts_shape(vendor: str) -> None:
    month = judged(*call("1", *CALL), *daily(17), vendor=vendor)
    assert set(month) >= MONTH | {"strict_differs", "findings", "actions"}
    assert (month["schema"], month["patient"]) == ("fhir-rpm/assessment/1", "Patient/p1")
    (contact,) = month["contacts"]
    assert set(contact) >= CONTACT
    assert contact["start"] == "2026-05-14T14:02:00-04:00"
    assert contact["staff"] == [{"name": "Ana Ruiz", "role": "rn"}]
    assert {item["element"]: item["value"] for item in contact["evidence"]}["minutes"] == 12
    assert all({"element", "value", "source", "path"} <= set(item) for item in contact["evidence"])
    assert list(month["codes"]) == ["99457", "99458", "99470", "99454", "99445"]
    assert all({"verdict", "units", "findings"} <= set(code) for code in month["codes"].values())
    assert all({"code", "severity", "sources", "message"} <= set(finding) for finding in month["findings"])


@sentence("5", "`sources` are `Type/id`.")
@each_vendor
def test_sources_are_type_and_id(vendor: str) -> None:
    month = judged(*call("1", *CALL), *thread(*LIVE), vendor=vendor)
    found = {source for contact in month["contacts"] for source in contact["sources"]}
    assert found == {"Encounter/e1", "DocumentReference/d1", "Communication/t1", "Communication/t2", "Communication/t3"}
    entries = [
        {"fullUrl": f"https://x.org/r4/{item['resourceType']}/{item.pop('id')}", "resource": item}
        for item in call("1", *CALL)
    ]
    nameless = judged({"resourceType": "Bundle", "entry": entries}, vendor=vendor)["contacts"]
    assert [contact["sources"] for contact in nameless] == [["Encounter/e1", "DocumentReference/d1"]]


@sentence("5", "Unknown is `null`, never an empty string.")
@each_vendor
def test_unknown_is_null(vendor: str) -> None:
    blank: dict[str, Any] = {"display": " ", "reference": ""}
    month = judged(
        encounter("e1", *CALL, participant=[{"individual": blank}]),
        message("c1", CALL[0], "Hello?", blank),
        vendor=vendor,
    )
    assert "" not in [text.strip() for text in _strings(month)]
    silent = next(found for found in month["contacts"] if found["sources"] == ["Encounter/e1"])
    assert (silent["reason"], silent["participant"]) == (None, None)


@sentence("5", "Output is deterministic: same input, same bytes.")
@each_vendor
def test_the_same_input_gives_the_same_bytes(vendor: str) -> None:
    month = [*call_of(12), *thread(*LIVE), *daily(5)]
    settings: dict[str, Any] = {"month": "2026-05", "time_zone": ZONE, "vendor": vendor}
    straight = assess(month, **settings).to_json()
    assert assess(json.loads(json.dumps(month[::-1])), **settings).to_json() == straight
    keys_turned = [dict(reversed(item.items())) for item in month]
    assert assess(keys_turned, **settings).to_json() == straight
