"""One document for a patient's month: looked for, sent once, found again."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.documentreference import DocumentReference

from fhir_rpm import assess
from fhir_rpm.client.writes import RefusedError
from fhir_rpm.config import WriteSettings
from fhir_rpm.errors import AccessError, ConfigurationError, FhirRpmError, UnavailableError, WriteUncertainError
from fhir_rpm.model import Assessment
from fhir_rpm.model.write import Move
from fhir_rpm.sandbox.manners import MANNERS, create_fault
from fhir_rpm.vendor import vendor_section
from fhir_rpm.writeback import (
    DocumentShape,
    Published,
    build_document,
    choose_anchor,
    content_hash,
    hash_in,
    render_text,
)
from tests.builders import SPOKE, encounter, note
from tests.unit.writeback.practice import CALL, GAPS, MAY, NOW, Practice, assessed, changed


def test_a_second_run_writes_nothing(practice: Practice) -> None:
    assert practice.publish().status == "written"
    again = practice.publish()
    assert (again.status, again.reference) == ("unchanged", "DocumentReference/f1")
    assert practice.states == [("written", "read_back")]
    assert practice.ehr.sent == 1


def test_the_intent_is_on_record_before_the_request_goes_out(practice: Practice) -> None:
    seen: list[str] = []

    def look(step: str) -> None:
        if step == "before send":
            seen.extend(write.state for write in practice.ledger.listed())

    practice.publish(desk=practice.desk(checkpoint=look))
    assert seen == ["sending"]


def test_a_ledger_that_cannot_take_the_intent_sends_nothing(practice: Practice) -> None:
    def fill_the_disk(step: str) -> None:
        if step == "before ledger.claim":
            raise UnavailableError("The ledger cannot grow.")

    with pytest.raises(UnavailableError):
        practice.publish(desk=practice.desk(checkpoint=fill_the_disk))
    assert practice.ehr.sent == 0
    assert practice.publish().status == "written"


def test_a_result_that_cannot_be_recorded_names_the_document_and_is_found_by_the_next_run(practice: Practice) -> None:
    def fill_the_disk(step: str) -> None:
        if step == "before ledger.record":
            raise UnavailableError("The ledger cannot grow.", "Free some space.")

    with pytest.raises(WriteUncertainError, match=r"DocumentReference/f1 was sent.*cannot grow.*Free some space"):
        practice.publish(desk=practice.desk(checkpoint=fill_the_disk))
    assert practice.publish().status == "in_progress"
    practice.later(minutes=16)
    assert practice.publish().status == "unchanged"
    assert (practice.ehr.sent, practice.states) == (1, [("written", "found_by_search")])


def test_without_a_token_nothing_is_sent_and_nothing_is_uncertain(practice: Practice) -> None:
    practice.ehr.fails = ["authenticate"]
    with pytest.raises(AccessError):
        practice.publish()
    assert practice.states == [("planned", "planned")]
    assert practice.publish().status == "written"


def test_a_lost_answer_is_found_by_a_search_and_not_sent_again(practice: Practice) -> None:
    practice.ehr.fails = ["lose answer"]
    assert practice.publish().status == "written"
    assert practice.states == [("written", "found_by_search")]
    assert practice.publish().status == "unchanged"
    assert practice.ehr.sent == 1


def test_a_document_that_appears_late_is_found_by_a_later_run(practice: Practice) -> None:
    practice.ehr.fails = ["lose answer"]
    practice.ehr.hidden = True
    first = practice.publish()
    assert (first.status, practice.states) == ("unknown", [("unknown", "lost_answer")])
    assert content_hash(assessed()) in first.detail
    assert f"writes resolve {first.write}" in first.detail
    practice.later(minutes=5)
    assert practice.publish().status == "unknown"
    practice.ehr.hidden = False
    assert practice.publish().status == "unchanged"
    assert practice.ehr.sent == 1


@pytest.mark.parametrize("vendor", ["epic", "oracle"])
def test_a_lost_request_is_a_persons_and_is_never_sent_again(
    vendor: str, open_practice: Callable[..., Practice]
) -> None:
    practice = open_practice(vendor)
    practice.ehr.fails = ["lose request"]
    assert practice.publish().status == "unknown"
    practice.later(minutes=61)
    for _ in range(3):
        assert practice.publish().status == "needs_person"
    assert (practice.ehr.sent, practice.states) == (1, [("needs_person", "not_found")])


def test_a_search_that_fails_after_a_lost_answer_says_nothing(practice: Practice) -> None:
    practice.ehr.fails = ["lose answer"]

    def cut(step: str) -> None:
        if step == "before chart.look_again":
            practice.ehr.fails = ["search"]

    assert practice.publish(desk=practice.desk(checkpoint=cut)).status == "unknown"
    assert practice.publish().status == "unchanged"
    assert practice.ehr.sent == 1


@pytest.mark.parametrize(("minutes", "status", "sent"), [(59, "unknown", 1), (61, "written", 2)])
def test_where_the_server_itself_prevents_a_second_it_is_sent_again_after_a_while(
    minutes: int, status: str, sent: int, open_practice: Callable[..., Practice]
) -> None:
    practice = open_practice("generic", declares={"conditionalCreate": True})
    practice.ehr.fails = ["lose request"]
    assert practice.publish().status == "unknown"
    practice.later(minutes=minutes)
    assert (practice.publish().status, practice.ehr.sent) == (status, sent)


def test_an_immediate_search_that_is_not_complete_proves_nothing(
    open_practice: Callable[..., Practice], tmp_path: Path
) -> None:
    site = tmp_path / "site.toml"
    site.write_text('extends = "epic"\n[write.protocol]\nsearch_is_immediate = true\n')
    for gaps, status, sent in ((GAPS, "needs_person", 1), ((), "written", 2)):
        practice = open_practice(str(site))
        practice.ehr.fails = ["lose request"]
        assert practice.publish().status == "unknown"
        practice.later(minutes=61)
        practice.ehr.gaps = gaps
        assert (practice.publish().status, practice.ehr.sent) == (status, sent)
        assert gaps == () or practice.states == [("needs_person", "not_found")]


@pytest.mark.parametrize("vendor", ["epic"])
def test_an_older_document_is_not_taken_for_one_whose_answer_was_lost(
    vendor: str, practice: Practice, elsewhere: Practice
) -> None:
    for month in (assessed(), changed()):
        practice.publish(month)
        practice.later(minutes=1)
    elsewhere.ehr, elsewhere.now = practice.ehr, practice.now
    practice.ehr.fails = ["lose request"]
    assert elsewhere.publish(assessed()).status == "unknown"


@pytest.mark.parametrize("step", ["before send", "after send"])
def test_a_runner_that_died_while_sending_is_found_out_after_its_lease(step: str, practice: Practice) -> None:
    class Killed(BaseException):
        pass

    def kill(at: str) -> None:
        if at == step or at == "before ledger.record":
            raise Killed

    with pytest.raises(Killed):
        practice.publish(desk=practice.desk(checkpoint=kill))
    assert practice.states == [("sending", "intent")]
    assert practice.publish().status == "in_progress"
    practice.later(minutes=16)
    published = practice.publish()
    assert published.status == ("unchanged" if step == "after send" else "unknown")
    assert practice.ehr.sent == (1 if step == "after send" else 0)


def test_a_runner_believed_dead_that_was_not_has_the_last_word(practice: Practice) -> None:
    def overtake(step: str) -> None:
        if step == "after send":
            practice.later(minutes=16)
            practice.ehr.hidden = True
            assert practice.publish().status == "unknown"
            practice.ehr.hidden = False

    assert practice.publish(desk=practice.desk(checkpoint=overtake)).status == "written"
    assert practice.states == [("written", "read_back")]
    assert practice.ehr.sent == 1


@pytest.mark.parametrize("step", ["after ledger.look", "after chart.look", "after ledger.plan", "after ledger.claim"])
def test_a_runner_that_comes_in_between_does_not_send_too(step: str, practice: Practice) -> None:
    others: list[Published] = []

    def come_in(at: str) -> None:
        if at == step and not others:
            others.append(practice.publish())

    mine = practice.publish(desk=practice.desk(checkpoint=come_in))
    assert sorted([mine.status, others[0].status]) == ["in_progress", "written"]
    assert practice.ehr.sent == 1


def test_a_refusal_is_no_uncertainty_and_may_be_tried_again(practice: Practice) -> None:
    practice.ehr.fails = ["refuse"]
    with pytest.raises(RefusedError):
        practice.publish()
    assert practice.states == [("failed", "refused")]
    assert practice.publish().status == "written"
    assert len(practice.ehr.filed) == 1


@pytest.mark.parametrize("error", [AccessError, UnavailableError, ConfigurationError])
@pytest.mark.parametrize("vendor", ["epic"])
def test_what_was_never_carried_out_is_sent_by_the_next_run(
    vendor: str, error: type[FhirRpmError], practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise error("not now")

    with monkeypatch.context() as patch:
        patch.setattr(practice.ehr, "create", refuse)
        with pytest.raises(error):
            practice.publish()
    assert practice.ledger.listed()[0].state == "failed"
    assert practice.publish().status == "written"


@pytest.mark.parametrize("vendor", ["epic"])
def test_an_unexpected_failure_while_sending_leaves_the_outcome_unknown(
    vendor: str, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(practice.ehr, "create", interrupt)
        with pytest.raises(KeyboardInterrupt):
            practice.publish()
    assert practice.states == [("unknown", "lost_answer")]


def test_an_equal_document_that_the_ledger_does_not_know_is_taken_over(practice: Practice, elsewhere: Practice) -> None:
    practice.publish()
    elsewhere.ehr = practice.ehr
    assert elsewhere.publish().status == "unchanged"
    assert elsewhere.states == [("written", "found_by_search")]
    assert practice.ehr.sent == 1


def test_two_equal_documents_in_a_chart_are_a_persons_until_one_is_gone(practice: Practice) -> None:
    practice.ehr.fails = ["lose answer"]
    practice.ehr.copies = 2
    first = practice.publish()
    assert (first.status, practice.states) == ("needs_person", [("needs_person", "duplicates")])
    practice.ehr.filed[1]["status"] = "entered-in-error"
    assert practice.publish().status == "unchanged"


def test_a_document_that_was_filed_twice_on_its_way_is_a_persons(practice: Practice) -> None:
    practice.ehr.copies = 2
    assert practice.publish().status == "needs_person"
    assert practice.states == [("needs_person", "duplicates")]
    assert practice.publish().status == "needs_person"
    assert practice.ehr.sent == 1
    practice.ehr.filed[0]["status"] = "entered-in-error"
    assert practice.publish().status == "unchanged"


@pytest.mark.parametrize("vendor", ["epic"])
def test_without_a_ledger_the_latest_document_is_the_one_that_counts(
    vendor: str, practice: Practice, elsewhere: Practice
) -> None:
    for month in (assessed(), changed()):
        practice.publish(month)
        practice.later(minutes=1)
    elsewhere.ehr, elsewhere.now = practice.ehr, practice.now
    assert elsewhere.publish(assessed(), dry_run=True).status == "dry_run"
    assert elsewhere.publish(changed()).status == "unchanged"
    assert elsewhere.publish(assessed()).status == "written"


def test_a_document_that_has_left_the_chart_is_a_persons(practice: Practice) -> None:
    practice.publish()
    practice.ehr.filed[0]["status"] = "entered-in-error"
    assert practice.publish().status == "needs_person"
    assert practice.publish().status == "needs_person"
    assert (practice.ehr.sent, practice.states) == (1, [("needs_person", "gone")])


def test_what_cannot_be_read_back_is_believed_to_be_there(practice: Practice) -> None:
    practice.ehr.unreadable = True
    assert practice.publish().status == "written"
    assert practice.publish().status == "unchanged"
    assert practice.ehr.sent == 1


def test_a_search_that_is_not_complete_sends_nothing_and_goes_on_once_it_is(practice: Practice) -> None:
    practice.ehr.gaps = GAPS
    assert practice.publish().status == "needs_person"
    assert practice.publish().status == "needs_person"
    assert practice.states == [("needs_person", "search_incomplete")]
    assert len(practice.ledger.history(1)) == 2
    practice.ehr.gaps = ()
    assert practice.publish().status == "written"
    assert practice.ehr.sent == 1


def test_a_note_of_ours_that_cannot_be_read_makes_a_search_incomplete(open_practice: Callable[..., Practice]) -> None:
    practice = open_practice("epic")
    attachment = {"contentType": "text/html", "url": "Binary/b1"}
    practice.ehr.filed = [{"id": "n1", "status": "current", "content": [{"attachment": attachment}]}]
    assert practice.publish().status == "needs_person"
    assert practice.states == [("needs_person", "search_incomplete")]


def test_a_document_of_the_month_that_somebody_rewrote_is_not_doubled(open_practice: Callable[..., Practice]) -> None:
    practice, elsewhere = open_practice("generic"), open_practice("generic")
    practice.publish()
    rewritten = {"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"Rewritten.").decode()}}
    practice.ehr.filed[0]["content"] = [rewritten]
    elsewhere.ehr = practice.ehr
    assert elsewhere.publish().status == "needs_person"
    assert practice.ehr.sent == 1


@pytest.mark.parametrize(
    ("kind", "wrap"),
    [
        ("text/plain", "{}"),
        ("text/html", "<html><body><p>{}</p></body></html>"),
        ("text/rtf", "{{\\rtf1\\ansi {}}}"),
    ],
)
def test_a_document_is_found_whatever_the_chart_made_of_its_text(
    kind: str, wrap: str, open_practice: Callable[..., Practice]
) -> None:
    practice, elsewhere = open_practice("epic"), open_practice("epic")
    practice.publish()
    attachment = practice.ehr.filed[0]["content"][0]["attachment"]
    lines = base64.b64decode(attachment["data"]).decode().splitlines()
    joint = {"text/html": "<br/>", "text/rtf": "\\par "}.get(kind, "\n")
    made = wrap.format(joint.join(" ".join(line.split()) for line in lines))
    attachment |= {"contentType": kind, "data": base64.b64encode(made.encode()).decode()}
    elsewhere.ehr = practice.ehr
    assert elsewhere.publish().status == "unchanged"


def test_a_person_who_has_looked_lets_one_document_pass(practice: Practice) -> None:
    practice.ehr.gaps = GAPS
    blocked = practice.publish()
    write = practice.ledger.find(blocked.write or 0)
    assert write is not None
    practice.ledger.move(write, Move(before=("needs_person",), after="failed", reason="said_not_written"), NOW)
    assert practice.publish().status == "written"


def test_a_dry_run_shows_the_request_and_touches_nothing(practice: Practice) -> None:
    published = practice.publish(dry_run=True)
    assert published.status == "dry_run"
    assert published.request is not None
    assert published.request["method"] == "POST"
    assert published.request["url"] == "http://127.0.0.1/fhir/DocumentReference"
    assert published.request["body"]["resourceType"] == "DocumentReference"
    assert (practice.ehr.sent, practice.states) == (0, [])


def test_epic_without_an_encounter_needs_a_person_until_there_is_one(open_practice: Callable[..., Practice]) -> None:
    practice = open_practice("epic")
    empty = assess([note("d1", SPOKE)], month="2026-05", time_zone="America/New_York")
    assert practice.publish(empty, resources=[]).status == "needs_person"
    assert practice.states == [("needs_person", "no_encounter")]
    assert practice.publish().status == "written"


def test_if_none_exist_is_sent_only_where_it_is_declared(open_practice: Callable[..., Practice]) -> None:
    for declares, sent in (({"conditionalCreate": True}, True), ({}, False)):
        request = open_practice("generic", declares=declares).publish().request
        assert request is not None
        assert ("If-None-Exist" in request["headers"]) is sent


def test_another_document_that_the_server_kept_instead_is_a_persons(open_practice: Callable[..., Practice]) -> None:
    practice = open_practice("generic", declares={"conditionalCreate": True})

    def overtaken(step: str) -> None:
        if step == "before send":
            elsewhere = open_practice("generic", declares={"conditionalCreate": True})
            elsewhere.ehr = practice.ehr
            elsewhere.publish(changed())

    assert practice.publish(desk=practice.desk(checkpoint=overtaken)).status == "needs_person"
    assert practice.states == [("needs_person", "other_document")]
    assert len(practice.ehr.filed) == 1


def _body(practice: Practice) -> dict[str, Any]:
    request = practice.publish(dry_run=True).request
    assert request is not None
    return dict(request["body"])


def test_every_vendor_accepts_the_document_and_so_does_r4(practice: Practice) -> None:
    request, vendor = _body(practice), practice.ehr.vendor
    DocumentReference.model_validate(request)
    assert create_fault(MANNERS[vendor], request, CALL) is None
    assert request["context"]["period"] == {"start": "2026-05-01T00:00:00-04:00", "end": "2026-05-31T23:59:59-04:00"}
    assert request["type"]["coding"][0]["code"] == "11506-3"


def test_epic_gets_one_plain_text_and_an_encounter_of_the_patient(open_practice: Callable[..., Practice]) -> None:
    request = _body(open_practice("epic"))
    assert [item["attachment"]["contentType"] for item in request["content"]] == ["text/plain"]
    assert request["context"]["encounter"] == [{"reference": "Encounter/e1"}]
    assert "identifier" not in request


def test_oracle_gets_a_charset_and_no_identifier(open_practice: Callable[..., Practice]) -> None:
    request = _body(open_practice("oracle"))
    assert request["content"][0]["attachment"]["contentType"] == "text/plain;charset=utf-8"
    assert not {"identifier", "category", "relatesTo"} & set(request)


def test_a_plain_server_gets_the_identifier_and_theassessed(open_practice: Callable[..., Practice]) -> None:
    request = _body(open_practice("generic"))
    assert request["identifier"][0]["value"] == "p1-2026-05"
    told = base64.b64decode(request["content"][1]["attachment"]["data"]).decode()
    assert Assessment.model_validate_json(told) == assessed()


def test_settings_choose_type_status_and_author() -> None:
    settings = WriteSettings(type_code="34133-9", doc_status="preliminary", author="Practitioner/9")
    shape = vendor_section("oracle", "write", DocumentShape)
    document = build_document(assessed(), MAY, shape=shape, settings=settings, created=NOW)
    assert (document["docStatus"], document["author"]) == ("preliminary", [{"reference": "Practitioner/9"}])
    assert document["type"]["coding"][0]["code"] == "34133-9"


def test_the_text_is_plain_ascii_and_says_what_a_reader_needs() -> None:
    text = render_text(assessed(), MAY)
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


def test_the_hash_stands_in_the_text_however_a_chart_wraps_it() -> None:
    text = render_text(assessed(), MAY)
    assert text == render_text(assessed(), MAY)
    assert hash_in(text) == content_hash(assessed()) != content_hash(changed())
    assert hash_in(text.replace("content hash: ", "content hash:\n   ")) == hash_in(text)
    assert hash_in("Somebody else's note") is None


def test_the_hash_knows_neither_order_nor_wording() -> None:
    one = assessed()
    assert len(one.contacts) == 1
    second = one.contacts[0].model_copy(update={"sources": ("Encounter/e2",), "minutes": 3})
    forth = one.model_copy(update={"contacts": (*one.contacts, second)})
    back = one.model_copy(update={"contacts": (second, *one.contacts), "actions": ("Said better.",), "citations": ()})
    assert content_hash(forth) == content_hash(back) != content_hash(one)


def test_the_anchor_is_the_latest_qualifying_contact_and_never_a_cancelled_one() -> None:
    later = encounter("e2", "2026-05-20", type=[{"text": "Refill"}])
    cancelled = encounter("e3", "2026-05-25", status="cancelled")
    foreign = encounter("e4", "2026-05-28", subject={"reference": "Patient/p2"})
    assert choose_anchor(assessed(), [cancelled, foreign, later, CALL], MAY) == (
        "Encounter/e1",
        "the latest qualifying contact",
    )
    nothing = assess([later], month="2026-05", time_zone="America/New_York")
    assert choose_anchor(nothing, [cancelled, foreign, later], MAY) == (
        "Encounter/e2",
        "the latest Encounter of the month",
    )
    assert choose_anchor(nothing, [cancelled, foreign], MAY) is None
