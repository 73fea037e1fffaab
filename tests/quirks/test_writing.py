"""What EHRs do to whoever writes into them (docs/vendors): one document a month, filed once and found again."""

from pathlib import Path
from typing import Any

import pytest

from fhir_rpm.config import WriteSettings
from tests.hostile import Reply
from tests.quirks.chart import CALLED, Chart, assessed, declaring, publish_into, text_of
from tests.quirks.ehr import Json, serving

VENDORS = ("epic", "oracle", "generic")


def _sent(vendor: str, folder: Path, **more: Any) -> Json:
    """The only document that was sent."""
    chart = Chart(vendor)
    publish_into(chart, folder, **more)
    ((_, document),) = chart.sent
    return document


@pytest.mark.quirk(21)
def test_epics_note_hangs_on_the_call_it_summarises(tmp_path: Path) -> None:
    later = CALLED | {"id": "e2", "period": {"start": "2026-05-30"}}
    document = _sent("epic", tmp_path, resources=[later, CALLED])
    assert document["context"]["encounter"] == [{"reference": "Encounter/e1"}]


@pytest.mark.quirk(21)
def test_without_an_encounter_nothing_is_sent_to_epic(tmp_path: Path) -> None:
    chart = Chart("epic")
    (published,) = publish_into(chart, tmp_path, resources=[])
    assert (published.status, chart.sent) == ("needs_person", [])
    assert "Encounter" in published.detail


@pytest.mark.quirk(22)
def test_an_empty_201_with_a_relative_location_is_a_written_note(tmp_path: Path) -> None:
    chart = Chart("epic")
    (published,) = publish_into(chart, tmp_path)
    assert (published.status, published.reference) == ("written", "DocumentReference/f1")
    assert "read back" in published.detail
    assert [seen.path for seen, _ in chart.sent] == ["/r4/DocumentReference"]


@pytest.mark.quirk(23, 61)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_month_is_filed_once_with_or_without_a_ledger(vendor: str, tmp_path: Path) -> None:
    chart = Chart(vendor)
    first, again = publish_into(chart, tmp_path / "one", assessed(), assessed())
    (elsewhere,) = publish_into(chart, tmp_path / "two")
    assert [found.status for found in (first, again, elsewhere)] == ["written", "unchanged", "unchanged"]
    assert elsewhere.reference == "DocumentReference/f1"
    assert len(chart.sent) == 1


@pytest.mark.quirk(23)
@pytest.mark.parametrize(("lost", "status"), [("answer", "written"), ("request", "unknown")])
def test_a_lost_answer_is_looked_up_and_nothing_is_sent_again(lost: str, status: str, tmp_path: Path) -> None:
    chart = Chart("epic", lose=lost)
    published = publish_into(chart, tmp_path, assessed(), assessed())
    assert published[0].status == status
    assert len(chart.sent) == 1


@pytest.mark.quirk(24)
@pytest.mark.parametrize("status", ["final", "preliminary"])
def test_a_site_decides_whether_the_note_is_signed(status: str, tmp_path: Path) -> None:
    document = _sent("epic", tmp_path, settings=WriteSettings.model_validate({"doc_status": status}))
    assert document["docStatus"] == status


@pytest.mark.quirk(25, 63)
@pytest.mark.parametrize("vendor", ["epic", "oracle"])
def test_one_attachment_of_plain_text_is_sent(vendor: str, tmp_path: Path) -> None:
    document = _sent(vendor, tmp_path)
    (content,) = document["content"]
    assert content["attachment"]["contentType"].partition(";")[0] == "text/plain"
    assert text_of(document).isascii()
    assert not any(mark in text_of(document) for mark in ("<", "|--", "**"))


@pytest.mark.quirk(59)
def test_oracle_gets_charset_and_a_period_that_ends_with_time(tmp_path: Path) -> None:
    chart = Chart("oracle")
    publish_into(chart, tmp_path)
    ((seen, document),) = chart.sent
    assert document["content"][0]["attachment"]["contentType"] == "text/plain;charset=utf-8"
    assert document["context"]["period"]["end"] == "2026-05-31T23:59:59-04:00"
    assert seen.headers["Content-Type"] == "application/fhir+json"


@pytest.mark.quirk(60)
@pytest.mark.parametrize("system", ["http://loinc.org", "https://fhir.cerner.com/t/codeSet/72"])
def test_the_type_is_one_coding_of_one_kind(system: str, tmp_path: Path) -> None:
    settings = WriteSettings(type_system=system, type_code="11506-3")
    document = _sent("oracle", tmp_path, settings=settings)
    assert document["type"]["coding"] == [{"system": system, "code": "11506-3"}]


@pytest.mark.quirk(61)
def test_oracle_is_sent_nothing_that_it_would_drop_or_refuse(tmp_path: Path) -> None:
    document = _sent("oracle", tmp_path)
    assert {"identifier", "category", "relatesTo", "description", "implicitRules"}.isdisjoint(document)


@pytest.mark.quirk(62)
def test_the_author_is_who_the_settings_name_or_nobody(tmp_path: Path) -> None:
    assert "author" not in _sent("oracle", tmp_path / "system")
    named = _sent("oracle", tmp_path / "provider", settings=WriteSettings(author="Practitioner/n1"))
    assert named["author"] == [{"reference": "Practitioner/n1"}]


@pytest.mark.quirk(64)
def test_a_changed_month_is_a_new_version_at_oracle_under_if_match(tmp_path: Path) -> None:
    chart = Chart("oracle")
    published = publish_into(chart, tmp_path, assessed(12), assessed(9))
    assert [found.status for found in published] == ["written", "written"]
    assert [(seen.method, seen.headers.get("If-Match")) for seen, _ in chart.sent] == [("POST", None), ("PUT", 'W/"1"')]
    assert len(chart.filed) == 1


@pytest.mark.quirk(64)
def test_a_stale_version_is_read_again_and_a_person_s_change_is_not_overwritten(tmp_path: Path) -> None:
    chart = Chart("oracle")
    publish_into(chart, tmp_path)
    edited = [{"attachment": {"contentType": "text/plain", "data": "RWRpdGVk"}}]
    chart.filed[0] |= {"meta": {"versionId": "2"}, "content": edited}
    (published,) = publish_into(chart, tmp_path, assessed(9))
    assert published.status == "needs_person"
    assert [seen.method for seen, _ in chart.sent] == ["POST"]


@pytest.mark.quirk(75)
def test_a_write_is_tried_whatever_the_open_tiers_statement_says(tmp_path: Path) -> None:
    chart = Chart("oracle", declaring("read", "search-type"))
    (published,) = publish_into(chart, tmp_path)
    assert published.status == "written"


@pytest.mark.quirk(90)
@pytest.mark.parametrize(
    ("vendor", "declared", "conditional"),
    [("generic", True, True), ("generic", False, False), ("generic", None, False), ("epic", True, False)],
)
def test_a_condition_goes_only_where_it_is_declared_and_identifiers_are_kept(
    vendor: str, declared: bool | None, conditional: bool, tmp_path: Path
) -> None:
    more = {} if declared is None else {"conditionalCreate": declared}
    chart = Chart(vendor, declaring("read", "search-type", "create", **more))
    publish_into(chart, tmp_path)
    ((seen, _),) = chart.sent
    assert ("If-None-Exist" in seen.headers) is conditional


@pytest.mark.quirk(91)
@pytest.mark.parametrize(
    "body",
    [
        None,
        {"resourceType": "OperationOutcome", "issue": []},
        {"resourceType": "DocumentReference", "id": "f1"},
        b"<p/>",
    ],
)
def test_a_create_is_known_by_its_location_whatever_its_body(body: Any) -> None:
    reply = Reply(201, body, {"Location": "DocumentReference/f1"})
    with serving({"DocumentReference": reply}, "generic") as (session, _):
        assert session.create({"resourceType": "DocumentReference"}).reference == "DocumentReference/f1"


@pytest.mark.quirk(91)
def test_a_create_without_location_is_known_by_its_body() -> None:
    stored = {"resourceType": "DocumentReference", "id": "f1"}
    with serving({"DocumentReference": Reply(201, stored)}, "generic") as (session, _):
        assert session.create({"resourceType": "DocumentReference"}).reference == "DocumentReference/f1"


@pytest.mark.quirk(95)
def test_an_update_that_epic_declares_for_other_documents_is_not_believed(tmp_path: Path) -> None:
    chart = Chart("epic", declaring("read", "search-type", "create", "update"))
    first, changed = publish_into(chart, tmp_path, assessed(12), assessed(9))
    assert (first.status, changed.status) == ("written", "written")
    assert [seen.method for seen, _ in chart.sent] == ["POST", "POST"]
    assert "AMENDED" in text_of(chart.sent[1][1])
