"""One document for a patient's month: looked for, sent once, found again."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.documentreference import DocumentReference

from fhir_rpm import assess
from fhir_rpm.client import Capability, Created, Pull
from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import AccessError, UnavailableError, WriteUncertainError
from fhir_rpm.model import Assessment, Gap
from fhir_rpm.month import BillingMonth
from fhir_rpm.sandbox.manners import MANNERS, create_fault
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback import (
    DocumentShape,
    Published,
    build_document,
    choose_anchor,
    content_hash,
    hash_in,
    publish,
    render_text,
)
from tests.builders import SPOKE, encounter, note

MAY = BillingMonth.parse("2026-05", "America/New_York")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CALL = encounter("e1", "2026-05-14T14:02:00-04:00", "2026-05-14T14:14:00-04:00")
VENDORS = ("generic", "epic", "oracle")


def _assessment(text: str = SPOKE) -> Assessment:
    return assess([CALL, note("d1", text, about="e1")], month="2026-05", time_zone="America/New_York")


class FakeEhr:
    """An EHR in memory that can lose an answer after filing, refuse, or fail to search."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.filed: list[dict[str, Any]] = []
        self.lose_answer = False
        self.lose_request = False
        self.gaps: tuple[Gap, ...] = ()
        self.capability = Capability({})

    def search(self, resource_type: str, params: Mapping[str, Any]) -> Pull:
        return Pull(tuple(self.filed), self.gaps)

    def read(self, reference: str) -> dict[str, Any]:
        found = [item for item in self.filed if f"DocumentReference/{item['id']}" == reference]
        if not found:
            raise UnavailableError(f"{reference} could not be read.")
        return found[0]

    def create(self, resource: dict[str, Any], headers: Mapping[str, str] | None = None) -> Created:
        if self.lose_request:
            raise WriteUncertainError("lost")
        dropped = {} if self.vendor == "generic" else {"identifier": None}
        self.filed.append({**resource, **dropped, "id": f"f{len(self.filed) + 1}"})
        if self.lose_answer:
            raise WriteUncertainError("lost")
        return Created(f"DocumentReference/f{len(self.filed)}")


def _publish(ehr: FakeEhr, assessment: Assessment | None = None, **more: Any) -> Published:
    return publish(
        ehr, assessment or _assessment(), MAY, resources=[CALL], settings=WriteSettings(), created=NOW, **more
    )


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_second_run_writes_nothing(vendor: str) -> None:
    ehr = FakeEhr(vendor)
    assert _publish(ehr).status == "written"
    assert _publish(ehr).status == "unchanged"
    assert len(ehr.filed) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_changed_month_is_written_anew(vendor: str) -> None:
    ehr = FakeEhr(vendor)
    _publish(ehr)
    assert _publish(ehr, _assessment("Left voicemail, no answer.")).status == "written"
    assert len(ehr.filed) == 2
    assert ("relatesTo" in ehr.filed[1]) is (vendor == "generic")


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_lost_answer_is_found_by_a_search_and_not_sent_again(vendor: str) -> None:
    ehr = FakeEhr(vendor)
    ehr.lose_answer = True
    assert _publish(ehr).status == "written"
    assert len(ehr.filed) == 1


def test_a_lost_request_is_handed_to_a_person_with_what_to_look_for() -> None:
    ehr = FakeEhr("epic")
    ehr.lose_request = True
    published = _publish(ehr)
    assert published.status == "needs_person"
    assert (hash_in(render_text(_assessment(), MAY)) or "?") in published.detail
    assert ehr.filed == []


def test_a_search_that_is_not_complete_sends_nothing() -> None:
    ehr = FakeEhr("epic")
    ehr.gaps = (Gap(resource_type="DocumentReference", code="59204", reason="withheld"),)
    assert _publish(ehr).status == "needs_person"
    assert ehr.filed == []


def test_a_dry_run_shows_the_request_and_sends_nothing() -> None:
    ehr = FakeEhr("generic")
    published = _publish(ehr, dry_run=True)
    assert published.status == "dry_run"
    assert published.request is not None
    assert ehr.filed == []


def test_epic_without_an_encounter_needs_a_person() -> None:
    ehr = FakeEhr("epic")
    empty = assess([note("d1", SPOKE)], month="2026-05", time_zone="America/New_York")
    assert publish(ehr, empty, MAY, resources=[], settings=WriteSettings(), created=NOW).status == "needs_person"


def test_a_refusal_is_no_uncertainty() -> None:
    class Refusing(FakeEhr):
        def create(self, resource: dict[str, Any], headers: Mapping[str, str] | None = None) -> Created:
            raise AccessError("no", "ask")

    with pytest.raises(AccessError):
        _publish(Refusing("epic"))


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_accepts_the_document_and_so_does_r4(vendor: str) -> None:
    ehr = FakeEhr(vendor)
    request = _publish(ehr).request
    assert request is not None
    DocumentReference.model_validate(request)
    assert create_fault(MANNERS[vendor], request, CALL) is None
    assert request["context"]["period"] == {"start": "2026-05-01T00:00:00-04:00", "end": "2026-05-31T23:59:59-04:00"}
    assert request["type"]["coding"][0]["code"] == "11506-3"


def test_epic_gets_one_plain_text_and_an_encounter_of_the_patient() -> None:
    request = _publish(FakeEhr("epic")).request
    assert request is not None
    assert [item["attachment"]["contentType"] for item in request["content"]] == ["text/plain"]
    assert request["context"]["encounter"] == [{"reference": "Encounter/e1"}]
    assert "identifier" not in request


def test_oracle_gets_a_charset_and_no_identifier() -> None:
    request = _publish(FakeEhr("oracle")).request
    assert request is not None
    assert request["content"][0]["attachment"]["contentType"] == "text/plain;charset=utf-8"
    assert not {"identifier", "category", "relatesTo"} & set(request)


def test_a_plain_server_gets_the_identifier_and_the_assessment() -> None:
    request = _publish(FakeEhr("generic")).request
    assert request is not None
    assert request["identifier"][0]["value"] == "p1-2026-05"
    told = base64.b64decode(request["content"][1]["attachment"]["data"]).decode()
    assert Assessment.model_validate_json(told) == _assessment()


def test_settings_choose_type_status_and_author() -> None:
    settings = WriteSettings(type_code="34133-9", doc_status="preliminary", author="Practitioner/9")
    shape = vendor_section("oracle", "write", DocumentShape)
    document = build_document(_assessment(), MAY, shape=shape, settings=settings, created=NOW)
    assert (document["docStatus"], document["author"]) == ("preliminary", [{"reference": "Practitioner/9"}])
    assert document["type"]["coding"][0]["code"] == "34133-9"


def test_the_text_is_plain_ascii_and_says_what_a_reader_needs() -> None:
    text = render_text(_assessment(), MAY)
    assert text.isascii()
    for words in (
        "Patient/p1",
        "2026-05",
        "99470: supported",
        "Ana Ruiz (rn)",
        "12 min",
        "Encounter/e1",
        "never means",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100


def test_equal_assessments_give_equal_text_and_a_hash_over_the_words() -> None:
    text = render_text(_assessment(), MAY)
    assert text == render_text(_assessment(), MAY)
    body = text.rpartition("\nfhir-rpm content hash")[0]
    assert hash_in(text) == content_hash(body.replace("\n", "  \n "))
    assert hash_in(render_text(_assessment("Left voicemail."), MAY)) != hash_in(text)
    assert hash_in("Somebody else's note") is None


def test_the_anchor_is_the_latest_qualifying_contact_and_never_a_cancelled_one() -> None:
    later = encounter("e2", "2026-05-20", type=[{"text": "Refill"}])
    cancelled = encounter("e3", "2026-05-25", status="cancelled")
    foreign = encounter("e4", "2026-05-28", subject={"reference": "Patient/p2"})
    assert choose_anchor(_assessment(), [cancelled, foreign, later, CALL], MAY) == (
        "Encounter/e1",
        "the latest qualifying contact",
    )
    nothing = assess([later], month="2026-05", time_zone="America/New_York")
    assert choose_anchor(nothing, [cancelled, foreign, later], MAY) == (
        "Encounter/e2",
        "the latest Encounter of the month",
    )
    assert choose_anchor(nothing, [cancelled, foreign], MAY) is None
