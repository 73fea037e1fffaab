"""When the month changes: a new version, a replacement or an addendum, and never one too many."""

import base64
from contextlib import nullcontext
from typing import Any

import pytest

from fhir_rpm import assess
from fhir_rpm.errors import FhirRpmError, UnavailableError
from fhir_rpm.model import Assessment, Gap
from fhir_rpm.writeback.amend import changes, preface
from tests.builders import SPOKE, note
from tests.unit.writeback.practice import CALL, Practice, assessed, changed

UPDATES = ["oracle"]
FILES_ANEW = ["generic", "epic"]


def _text(document: dict[str, Any]) -> str:
    return base64.b64decode(document["content"][0]["attachment"]["data"]).decode()


@pytest.mark.parametrize("vendor", FILES_ANEW)
def test_a_changed_month_is_a_new_document_that_says_what_changed(vendor: str, practice: Practice) -> None:
    practice.publish()
    amended = practice.publish(changed())
    assert (amended.status, len(practice.ehr.filed)) == ("written", 2)
    text = _text(practice.ehr.filed[1])
    assert text.startswith("AMENDED SUMMARY\n")
    assert "DocumentReference/f1" in text
    assert "99470: supported x1 -> not_supported x0" in text
    assert "Encounter/e1: qualifies -> excluded: voicemail" in " ".join(text.split())
    assert ("relatesTo" in practice.ehr.filed[1]) is (vendor == "generic")
    assert practice.publish(changed()).status == "unchanged"


@pytest.mark.parametrize("vendor", UPDATES)
def test_at_oracle_it_is_a_new_version_of_the_same_document(vendor: str, practice: Practice) -> None:
    practice.publish()
    amended = practice.publish(changed())
    assert (amended.status, amended.reference) == ("written", "DocumentReference/f1")
    (document,) = practice.ehr.filed
    assert (document["meta"]["versionId"], _text(document).splitlines()[0]) == ("2", "AMENDED SUMMARY")
    assert practice.publish(changed()).status == "unchanged"
    assert [write.kind for write in practice.ledger.listed()] == ["create", "update"]


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_a_month_that_is_again_as_it_was_is_amended_again(vendor: str, practice: Practice) -> None:
    for place, month in enumerate((assessed(), changed(), assessed()), 1):
        practice.later(minutes=1)
        assert practice.publish(month).status == "written"
        assert practice.publish(month).status == "unchanged"
        assert practice.ehr.sent == place


@pytest.mark.parametrize("vendor", ["generic", "epic"])
def test_an_amendment_whose_answer_is_lost_is_not_taken_for_an_older_document(vendor: str, practice: Practice) -> None:
    practice.publish()
    practice.publish(changed())
    practice.ehr.fails = ["lose request"]
    assert practice.publish().status == "unknown"
    assert practice.ledger.listed()[-1].state == "unknown"


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_an_amendment_waits_while_more_is_unreadable_than_before(vendor: str, practice: Practice) -> None:
    gap = Gap(resource_type="Encounter", code="page_lost", reason="A page could not be reached.")
    lacking = assess([CALL], month="2026-05", time_zone="America/New_York", unread=[gap])
    practice.publish()
    held = practice.publish(lacking)
    assert (held.status, practice.ehr.sent) == ("unchanged", 1)
    assert "left as it is" in held.detail


@pytest.mark.parametrize("vendor", ["epic"])
def test_what_was_never_readable_does_not_hold_an_amendment_up(vendor: str, practice: Practice) -> None:
    gap = Gap(resource_type="DocumentReference", code="59204", reason="withheld")

    def month(text: str) -> Assessment:
        read = [CALL, note("d1", text, about="e1")]
        return assess(read, month="2026-05", time_zone="America/New_York", unread=[gap])

    assert practice.publish(month(SPOKE)).status == "written"
    assert practice.publish(month("Left voicemail.")).status == "written"


@pytest.mark.parametrize("vendor", UPDATES)
def test_a_stale_version_is_read_again_once(vendor: str, practice: Practice) -> None:
    practice.publish()
    practice.ehr.fails = ["stale"]
    assert practice.publish(changed()).status == "written"
    practice.ehr.fails = ["stale", "stale"]
    with pytest.raises(FhirRpmError):
        practice.publish(assessed())
    assert practice.states[-1] == ("failed", "stale")
    assert practice.publish(assessed()).status == "written"


@pytest.mark.parametrize("vendor", UPDATES)
def test_a_document_that_somebody_edited_is_not_overwritten(vendor: str, practice: Practice) -> None:
    practice.publish()
    edited = {"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"Edited.").decode()}}
    practice.ehr.filed[0] |= {"content": [edited], "meta": {"versionId": "2"}}
    assert practice.publish(changed()).status == "needs_person"
    assert (practice.states[-1], practice.ehr.sent) == (("needs_person", "changed_in_chart"), 1)


@pytest.mark.parametrize("vendor", UPDATES)
@pytest.mark.parametrize(("lost", "sent"), [("lose answer", 2), ("lose request", 3)])
def test_an_update_whose_answer_is_lost_is_settled_by_reading(
    vendor: str, lost: str, sent: int, practice: Practice
) -> None:
    practice.publish()
    practice.ehr.fails = [lost]
    with nullcontext() if lost == "lose answer" else pytest.raises(UnavailableError, match="not taken"):
        assert practice.publish(changed()).status == "written"
    practice.publish(changed())
    assert practice.publish(changed()).status == "unchanged"
    assert (practice.ehr.sent, len(practice.ehr.filed)) == (sent, 1)


@pytest.mark.parametrize("vendor", UPDATES)
def test_a_document_without_a_version_is_not_updated(vendor: str, practice: Practice) -> None:
    practice.publish()
    practice.ehr.filed[0]["meta"] = {"versionId": None}
    assert practice.publish(changed()).status == "needs_person"
    assert practice.states[-1] == ("needs_person", "no_version")


@pytest.mark.parametrize("vendor", ["generic"])
def test_what_an_unknown_earlier_document_said_is_read_from_the_assessment_with_it(
    vendor: str, practice: Practice, elsewhere: Practice
) -> None:
    practice.publish()
    elsewhere.ehr = practice.ehr
    elsewhere.publish(changed())
    assert "supported x1 -> not_supported" in _text(practice.ehr.filed[1])


def test_changes_are_told_by_codes_and_ids() -> None:
    before = {"99457": "hold x0", "Encounter/e1": "qualifies", "gaps": "Encounter:page_lost", "minutes": "12"}
    after = {"99457": "supported x1", "Encounter/e2": "insufficient: minutes", "gaps": "", "minutes": "12"}
    assert list(changes(before, after)) == [
        "99457: hold x0 -> supported x1",
        "Encounter/e1: no longer on record, was qualifies",
        "Encounter/e2: new, insufficient: minutes",
        "could not be read: Encounter:page_lost -> nothing",
    ]


def test_a_preface_is_readable_and_ascii() -> None:
    told = preface("addendum", "DocumentReference/f1", None, {"minutes": "3"})
    assert told.isascii()
    assert max(map(len, told.splitlines())) <= 76
    assert "compare the two" in told
