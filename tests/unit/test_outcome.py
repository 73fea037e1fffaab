from typing import Any

import pytest

from fhir_rpm.outcome import OutcomeCodes, codes_in, gaps_in
from fhir_rpm.vendor import vendor_section

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


EPIC = vendor_section("epic", "outcome", OutcomeCodes)


@pytest.mark.parametrize("code", ["59204", "4119", "4113", "4127", "4130", "4131", "4134", "4135", "4107", "59133"])
@pytest.mark.parametrize("severity", ["fatal", "error", "warning", "information"])
def test_what_epic_says_is_missing_is_a_gap_at_any_severity_with_its_remedy(code: str, severity: str) -> None:
    (gap,) = gaps_in({"issue": [_issue(severity, code)]}, EPIC, "Encounter")
    assert (gap.code, gap.reason) == (code, EPIC.reasons[code])


def test_an_error_whose_code_is_known_goes_by_it_and_others_by_the_issue_code() -> None:
    gaps = gaps_in({"issue": [_issue("fatal", "59177"), _issue("fatal", "99999")]}, EPIC)
    assert [gap.code for gap in gaps] == ["59177", "processing"]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("Client not authorized for DocumentReference - Clinical Notes. More.", " Left out: Clinical Notes."),
        (
            "Client not authorized for Observation - Outside Record Vital Signs.",
            " Left out: Outside Record Vital Signs.",
        ),
        ("Client not authorized for Encounter - Outside Record.", " Left out: Outside Record."),
        ("Not for Bernice Okafor - Clinical.", ""),
        (5, ""),
    ],
)
def test_a_withheld_sub_type_is_named_in_the_vendors_own_words_alone(said: object, named: str) -> None:
    (gap,) = gaps_in({"issue": [_issue("warning", "59204", diagnostics=said)]}, EPIC)
    assert gap.reason == EPIC.reasons["59204"] + named


def test_every_code_is_told_whatever_stands_around_it() -> None:
    assert codes_in({"issue": [None, "x", _issue("error", "4113"), _issue("error"), _issue("fatal", "59159")]}) == (
        "4113",
        "59159",
    )
    assert codes_in({"issue": "4113"}) == codes_in({}) == ()
