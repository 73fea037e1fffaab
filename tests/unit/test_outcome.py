from typing import Any

import pytest

from fhir_rpm.outcome import OutcomeCodes, gaps_in

CODES = OutcomeCodes(incomplete=("59204", "4119"), complete=("4101", "59100"))


def _issue(severity: str, code: str | None = None, **more: Any) -> dict[str, Any]:
    details = {"details": {"coding": [{"system": "urn:oid:any", "code": code}]}} if code else {}
    return {"severity": severity, "code": "processing"} | details | more


def _codes(*issues: Any, searched: str | None = None) -> list[tuple[str | None, str]]:
    return [(gap.resource_type, gap.code) for gap in gaps_in({"issue": list(issues)}, CODES, searched)]


def test_a_withheld_sub_type_is_named_by_its_diagnostics() -> None:
    issue = _issue("warning", "59204", diagnostics="Client not authorized for DocumentReference - Clinical Notes.")
    assert _codes(issue) == [("DocumentReference", "59204")]
    assert _codes(issue, searched="Encounter") == [("DocumentReference", "59204")]


def test_without_diagnostics_the_search_names_the_type() -> None:
    assert _codes(_issue("warning", "4119"), searched="Encounter") == [("Encounter", "4119")]


def test_an_empty_result_is_complete() -> None:
    assert _codes(_issue("warning", "4101"), _issue("information", "59100")) == []


def test_every_issue_is_looked_at_not_only_the_first() -> None:
    assert _codes(_issue("information", "59100"), _issue("fatal", "59159")) == [(None, "processing")]


@pytest.mark.parametrize("severity", ["fatal", "error", " error "])
def test_an_error_means_that_data_is_missing(severity: str) -> None:
    assert _codes(_issue(severity), searched="Observation") == [("Observation", "processing")]


@pytest.mark.parametrize("severity", ["warning", "information", "success"])
def test_an_unknown_remark_means_nothing(severity: str) -> None:
    assert _codes(_issue(severity, "4122")) == []


@pytest.mark.parametrize("junk", [None, "x", 5, {}, {"details": "x"}, {"details": {"coding": [None, {"code": 5}]}}])
def test_malformed_issues_are_passed_over(junk: Any) -> None:
    assert _codes(junk) == []


def test_no_text_of_the_server_is_repeated() -> None:
    issue = _issue("error", diagnostics="Encounter of Bernice Okafor failed", text="Okafor")
    (gap,) = gaps_in({"issue": [issue]}, CODES)
    assert "Okafor" not in gap.model_dump_json()


@pytest.mark.parametrize("issues", [None, 5, 1.5, True, "error", {"severity": "error"}])
def test_issues_that_are_no_list_say_nothing(issues: Any) -> None:
    assert gaps_in({"issue": issues}, CODES) == ()
