"""A month out of an EHR: one refusal never loses the rest, and everything that is missing is named."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fhir_rpm.client.capability import Capability
from fhir_rpm.client.communication import StaffInboxes
from fhir_rpm.client.inquiry import Inquiry
from fhir_rpm.client.months import pull_evidence
from fhir_rpm.client.people import PeopleReader
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.search import Searcher
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.month import BillingMonth
from fhir_rpm.outcome import OutcomeCodes
from fhir_rpm.vendor import vendor_section
from tests.hostile import Reply, bundle
from tests.unit.client.fake import Fake, by_marker

MAY = BillingMonth.parse("2026-05", "America/Chicago")
MINE = {"subject": {"reference": "Patient/p"}}
EMPTY = Reply(body=bundle())
ENCOUNTER = {"resourceType": "Encounter", "id": "e1", **MINE, "period": {"start": "2026-05-04"}}
NURSE = {"resourceType": "Practitioner", "id": "n"}


def _pull(
    pages: Mapping[str, Reply] | Callable[[str], Reply],
    vendor: str = "generic",
    statement: Json | None = None,
    patients: tuple[str, ...] = ("p",),
    fake: Fake | None = None,
) -> Pull:
    fake = fake or Fake(pages if callable(pages) else by_marker({**pages, "?": EMPTY}))
    codes = vendor_section(vendor, "outcome", OutcomeCodes)
    searcher = Searcher(fake, codes)  # type: ignore[arg-type]
    recipe = vendor_section(vendor, "search", SearchRecipe)
    inquiry = Inquiry(searcher, recipe, Capability(statement or {}), patients, MAY)
    return pull_evidence(inquiry, PeopleReader(fake), StaffInboxes())  # type: ignore[arg-type]


def _names(pull: Pull) -> list[str]:
    return [f"{item['resourceType']}/{item['id']}" for item in pull.resources]


def _gaps(pull: Pull) -> list[tuple[str | None, str]]:
    return [(gap.resource_type, gap.code) for gap in pull.gaps]


def _found(*resources: Any) -> Reply:
    return Reply(body=bundle(*resources))


@pytest.mark.parametrize(
    ("reply", "code"),
    [(Reply(cut=True), "unreachable"), (Reply(401, None), "unauthorized"), (Reply(403, None), "forbidden")],
)
@pytest.mark.parametrize("kind", ["Encounter", "DocumentReference", "Observation", "Communication"])
def test_one_type_that_fails_never_loses_the_others(kind: str, reply: Reply, code: str) -> None:
    others = {
        "Encounter?": _found(ENCOUNTER),
        "Observation?": _found({"resourceType": "Observation", "id": "o", **MINE}),
    }
    pull = _pull({f"{kind}?": reply, **others} | {f"{kind}?": reply})
    assert _gaps(pull) == [(kind, code)]
    assert set(_names(pull)) == {"Encounter/e1", "Observation/o"} - {f"{kind}/e1", f"{kind}/o"}


def test_one_search_of_a_type_that_fails_never_loses_the_other() -> None:
    pull = _pull(
        {"category=vital": Reply(cut=True), "Observation?": _found({"resourceType": "Observation", "id": "o"})}
    )
    assert (_names(pull), _gaps(pull)) == (["Observation/o"], [("Observation", "unreachable")])


@pytest.mark.parametrize(("reply", "error"), [(Reply(cut=True), UnavailableError), (Reply(401, None), AccessError)])
def test_a_server_of_which_no_type_can_be_read_is_an_error(reply: Reply, error: type[Exception]) -> None:
    with pytest.raises(error):
        _pull(lambda _url: reply)


def _statement(*kinds: str, **parameters: list[str]) -> Json:
    resources = [{"type": kind, "searchParam": [{"name": name} for name in parameters.get(kind, [])]} for kind in kinds]
    return {"resourceType": "CapabilityStatement", "rest": [{"resource": resources}]}


def test_a_needed_type_that_is_not_declared_is_a_gap_and_is_not_searched() -> None:
    fake = Fake(by_marker({"?": EMPTY}))
    pull = _pull({}, statement=_statement("Encounter"), fake=fake)
    assert _gaps(pull) == [("DocumentReference", "not_declared"), ("Observation", "not_declared")]
    assert {url.partition("?")[0] for url in fake.seen} == {"Encounter"}


def test_a_type_that_does_not_serve_is_neither_searched_nor_missed() -> None:
    fake = Fake(by_marker({"?": EMPTY}))
    assert _gaps(_pull({}, vendor="epic", fake=fake)) == []
    assert not any(url.startswith("Communication") for url in fake.seen)


def test_a_filter_that_is_not_declared_is_made_here() -> None:
    old = {**ENCOUNTER, "id": "old", "period": {"start": "2019-01-01", "end": "2019-01-01"}}
    undated = {**ENCOUNTER, "id": "undated", "period": None}
    fake = Fake(by_marker({"Encounter?": _found(ENCOUNTER, old, undated), "?": EMPTY}))
    kinds = ("Encounter", "DocumentReference", "Observation")
    pull = _pull({}, statement=_statement(*kinds, Encounter=["patient"]), fake=fake)
    assert (_names(pull), _gaps(pull)) == (["Encounter/e1", "Encounter/undated"], [])
    assert "date" not in fake.seen[0]


def test_what_is_anothers_is_left_out_and_said_without_touching_a_verdict() -> None:
    other = {**ENCOUNTER, "id": "other", "subject": {"reference": "Patient/q"}}
    pull = _pull({"Encounter?": _found(*({**other, "id": f"o{number}"} for number in range(5)), ENCOUNTER)})
    assert (_names(pull), _gaps(pull)) == (["Encounter/e1"], [("Patient", "other_patient")])


def test_what_names_nobody_is_not_the_patients_where_the_server_sent_others_resources() -> None:
    nobodys = {"resourceType": "Encounter", "id": "n", "period": {"start": "2026-05-04"}}
    assert _names(_pull({"Encounter?": _found(nobodys)})) == ["Encounter/n"]
    other = {**ENCOUNTER, "id": "other", "subject": {"reference": "Patient/q"}}
    pull = _pull({"Encounter?": _found(nobodys, other, ENCOUNTER)})
    assert (_names(pull), _gaps(pull)) == (["Encounter/e1"], [("Patient", "other_patient"), ("Encounter", "nobodys")])


def test_evidence_under_a_merged_id_counts_as_the_patients() -> None:
    old = {**ENCOUNTER, "subject": {"reference": "Patient/old"}}
    pull = _pull({"Encounter?": _found(old)}, patients=("p", "old"))
    assert [item["subject"]["reference"] for item in pull.resources] == ["Patient/p"]
    assert pull.gaps == ()


def _note(encounter: str = "e9", **more: Any) -> Json:
    context = {"encounter": [{"reference": f"Encounter/{encounter}"}]}
    return {"resourceType": "DocumentReference", "id": "d1", **MINE, "date": "2026-05-02", "context": context, **more}


def test_the_encounter_of_a_note_is_read_when_no_search_brought_it() -> None:
    linked = {**ENCOUNTER, "id": "e9", "period": {"start": "2026-04-02"}}
    pull = _pull({"DocumentReference?": _found(_note()), "Encounter/e9": Reply(body=linked)})
    assert ("Encounter/e9" in _names(pull), pull.gaps) == (True, ())


@pytest.mark.parametrize(
    ("reply", "gaps"),
    [
        (Reply(404, None), []),
        (Reply(403, None), [("Encounter", "linked_unread")]),
        (Reply(cut=True), [("Encounter", "linked_unread")]),
        (Reply(body={**ENCOUNTER, "id": "e9", "subject": {"reference": "Patient/q"}}), []),
    ],
)
def test_a_linked_encounter_that_is_refused_is_a_gap(reply: Reply, gaps: list[tuple[str, str]]) -> None:
    pull = _pull({"DocumentReference?": _found(_note()), "Encounter/e9": reply})
    assert (_names(pull), _gaps(pull)) == (["DocumentReference/d1"], gaps)


def _attached(*attachments: Any, **more: Any) -> Json:
    return _note("e1", content=[{"attachment": attachment} for attachment in attachments], **more)


RTF = {"contentType": "text/rtf", "url": "Binary/r"}
HTML = {"contentType": "text/html", "url": "Binary/h"}
BODY = Reply(body={"resourceType": "Binary", "data": "SGk=", "contentType": "text/html"})


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        (_attached(RTF, HTML), ["h"]),
        (_attached({"url": "Binary/x"}), ["x"]),
        (_attached({"contentType": "application/pdf", "url": "Binary/p"}), []),
        (_attached({"contentType": "text/plain", "data": "SGk="}, HTML), []),
        (_attached({"contentType": "application/pdf", "data": "SGk="}, HTML), ["h"]),
        (_attached({"contentType": "text/plain", "url": "Binary/x"}, status="entered-in-error "), []),
        (_attached(None, "junk", {"contentType": 5, "url": 5}), []),
        (_note("e1", content="junk"), []),
    ],
)  # fmt: skip
def test_one_body_is_asked_for_the_one_that_reads_best(document: Json, asked: list[str]) -> None:
    fake = Fake(
        by_marker(
            {"DocumentReference?": _found(document), "Binary/": BODY, "Encounter?": _found(ENCOUNTER), "?": EMPTY}
        )
    )
    assert _gaps(_pull({}, fake=fake)) == []
    assert [url.removeprefix("Binary/") for url in fake.seen if url.startswith("Binary/")] == asked


def test_messages_are_found_under_their_thread_header() -> None:
    header = {"resourceType": "Communication", "id": "h", **MINE, "sent": "2025-01-01T00:00:00Z"}
    reply = {
        "resourceType": "Communication",
        "id": "m",
        "payload": [{"contentString": "x"}],
        "partOf": [{"reference": "Communication/h"}],
    }
    stranger = {**reply, "id": "s", "partOf": [{"reference": "Communication/other"}]}
    pages = {"part-of=Communication%2Fh": _found(reply, stranger), "Communication?": _found(header)}
    pull = _pull(pages, vendor="medplum")
    assert (_names(pull), pull.gaps) == (["Communication/h", "Communication/m"], ())


def _message(identity: str, patient: str | None, text: Any = "Binary/489580643.0.-4.prsnl") -> Json:
    about = {"subject": {"reference": f"Patient/{patient}"}} if patient else {}
    payload = [{"contentReference": {"reference": text}}]
    return {
        "resourceType": "Communication",
        "id": identity,
        **about,
        "sent": "2026-05-03T10:00:00Z",
        "payload": payload,
    }


def test_oracles_messages_are_those_that_staff_received_about_the_patient() -> None:
    participant = [{"individual": {"reference": "Practitioner/n"}}]
    found = _found(_message("mine", "p"), _message("other", "q"), _message("nobodys", None))
    pages = {
        "Communication?recipient=Practitioner%2Fn": found,
        "Encounter?": _found({**ENCOUNTER, "participant": participant}),
        "Binary/489580643.0.-4.prsnl": BODY,
        "Practitioner/n": Reply(body=NURSE),
    }
    pull = _pull(pages, vendor="oracle")
    assert [name for name in _names(pull) if name.startswith("Communication")] == ["Communication/mine"]
    assert ("Binary/489580643.0.-4.prsnl" in _names(pull), pull.gaps) == (True, ())


def test_without_known_staff_oracles_messages_are_said_to_be_unsearched() -> None:
    assert _gaps(_pull({}, vendor="oracle")) == [("Practitioner", "no_recipients")]


def test_an_inbox_is_searched_once_for_all_patients() -> None:
    fake = Fake(by_marker({"Communication?": _found(_message("a", "p"), _message("b", "q")), "?": EMPTY, "": BODY}))
    inboxes = StaffInboxes()
    recipe = vendor_section("oracle", "search", SearchRecipe)
    found = [
        inboxes.sent_to(Inquiry(Searcher(fake, OutcomeCodes()), recipe, Capability({}), (who,), MAY), "Practitioner/n")  # type: ignore[arg-type]
        for who in ("p", "q")
    ]
    assert len(fake.seen) == 9
    assert found[0] is found[1]


@pytest.mark.parametrize(
    ("reply", "gaps"),
    [
        (Reply(404, None), []),
        (Reply(403, None), [("Practitioner", "forbidden")]),
        (Reply(200, b"<html>"), [("Practitioner", "not_fhir")]),
        (Reply(cut=True), [("Practitioner", "unreachable")]),
    ],
)
def test_staff_who_cannot_be_read_are_said_to_be_unread(reply: Reply, gaps: list[tuple[str, str]]) -> None:
    participant = [{"individual": {"reference": "Practitioner/n"}}]
    pull = _pull({"Encounter?": _found({**ENCOUNTER, "participant": participant}), "Practitioner/n": reply})
    assert (_names(pull), _gaps(pull)) == (["Encounter/e1"], gaps)


def test_people_are_read_once_and_included_ones_never() -> None:
    participant = [{"individual": {"reference": f"Practitioner/{name}"}} for name in ("n", "m")]
    encounter = {**ENCOUNTER, "participant": participant}
    page = bundle(encounter)
    page["entry"].append({"resource": NURSE, "search": {"mode": "include"}})
    fake = Fake(
        by_marker({"Encounter?": Reply(body=page), "?": EMPTY, "Practitioner/m": Reply(body={**NURSE, "id": "m"})})
    )
    pull = _pull({}, fake=fake)
    assert {"Practitioner/n", "Practitioner/m"} <= set(_names(pull))
    assert [url for url in fake.seen if url.startswith("Practitioner")] == ["Practitioner/m"]


@pytest.mark.parametrize("lost", ["Binary/", "Encounter/e9", "Practitioner/n"])
def test_a_token_that_ends_on_the_way_never_loses_what_was_read(lost: str) -> None:
    note = _note(content=[{"attachment": HTML}], author=[{"reference": "Practitioner/n"}])
    pages = by_marker(
        {"DocumentReference?": _found(note), "?": EMPTY, "Practitioner/n": Reply(body=NURSE), "Binary/": BODY}
    )

    def answer(url: str) -> Reply:
        if lost in url:
            raise AccessError("The token endpoint refused.", "Check the key.")
        return pages(url)

    pull = _pull({}, fake=Fake(answer))
    assert "DocumentReference/d1" in _names(pull)
    assert [code for _, code in _gaps(pull)] == [
        {"B": "body_forbidden", "E": "linked_unread", "P": "unauthorized"}[lost[0]]
    ]


def test_a_server_that_answers_an_unknown_parameter_with_nothing_is_asked_again_plainly() -> None:
    def answer(url: str) -> Reply:
        return Reply(body=bundle(ENCOUNTER)) if url.startswith("Encounter?patient=") and "date=" not in url else EMPTY

    assert "Encounter/e1" in _names(_pull(answer))
    declared = {"type": "Encounter", "searchParam": [{"name": "patient"}, {"name": "date"}]}
    trusted = _pull(answer, statement={"rest": [{"resource": [declared]}]})
    assert "Encounter/e1" not in _names(trusted)
