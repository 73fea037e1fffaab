"""Paging and completeness: everything is read, or a gap says what is missing."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_rpm.client.pull import Pull
from fhir_rpm.client.search import Searcher
from fhir_rpm.client.transport import Transport
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.outcome import OutcomeCodes
from tests.hostile import Hostile, Reply, Seen, bundle, encounters

CODES = OutcomeCodes(incomplete=("59204",), complete=("4101",))


def _search(handler: Callable[[Seen], Reply]) -> Pull:
    with Hostile(handler) as server:
        transport = Transport(server.base, (2, 2), sleep=lambda _seconds: None)
        return Searcher(transport, CODES, ("4113",)).search("Encounter", {"patient": "p1"})


def _pages(pages: dict[str, Reply]) -> Callable[[Seen], Reply]:
    return lambda seen: next(reply for marker, reply in pages.items() if marker in seen.path)


def _ids(pull: Pull) -> list[str]:
    return [resource["id"] for resource in pull.resources]


def _codes(pull: Pull) -> list[str]:
    return [gap.code for gap in pull.gaps]


@pytest.mark.parametrize("link", ["Encounter?page=2", "/r4/Encounter?page=2", "?page=2"])
def test_next_links_are_followed_however_they_are_written(link: str) -> None:
    pull = _search(
        _pages(
            {"page=2": Reply(body=bundle(*encounters(3))), "": Reply(body=bundle(*encounters(1, 2), following=link))}
        )
    )
    assert (_ids(pull), pull.gaps) == (["e1", "e2", "e3"], ())


def test_an_empty_last_page_ends_the_search() -> None:
    pull = _search(
        _pages({"page=2": Reply(body=bundle()), "": Reply(body=bundle(*encounters(1), following="?page=2"))})
    )
    assert (_ids(pull), pull.gaps) == (["e1"], ())


def test_a_cycle_of_links_ends_with_a_gap() -> None:
    pull = _search(lambda seen: Reply(body=bundle(*encounters(1), following="?page=2")))
    assert (_ids(pull), _codes(pull)) == (["e1"], ["page_cycle"])


def test_a_link_to_another_server_is_not_followed() -> None:
    with Hostile(lambda seen: Reply(body=bundle(*encounters(9)))) as stranger:
        pull = _search(lambda seen: Reply(body=bundle(*encounters(1), following=f"{stranger.base}/Encounter?page=2")))
        assert stranger.seen == []
    assert (_ids(pull), _codes(pull)) == (["e1"], ["foreign_link"])


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (Reply(500, {"resourceType": "OperationOutcome", "issue": []}), "http_500"),
        (Reply(200, b"<html>Sign in</html>"), "not_fhir"),
        (Reply(200, b'{"resourceType": "Bundle", "entry": ['), "not_fhir"),
        (Reply(200, b"[" * 100_000), "not_fhir"),
        (Reply(403, None), "forbidden"),
        (Reply(406, None), "http_406"),
    ],
)
def test_a_page_that_cannot_be_read_keeps_the_others_and_leaves_a_gap(broken: Reply, code: str) -> None:
    pull = _search(_pages({"page=2": broken, "": Reply(body=bundle(*encounters(1), following="?page=2"))}))
    assert (_ids(pull), _codes(pull)[:1]) == (["e1"], [code])


def test_a_connection_that_breaks_on_a_later_page_leaves_a_gap() -> None:
    pull = _search(_pages({"page=2": Reply(cut=True), "": Reply(body=bundle(*encounters(1), following="?page=2"))}))
    assert (_ids(pull), _codes(pull)) == (["e1"], ["page_lost"])


def test_a_server_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="could not be reached"):
        _search(lambda seen: Reply(cut=True))


def test_a_refused_token_is_an_error() -> None:
    with pytest.raises(AccessError, match="401"):
        _search(lambda seen: Reply(401, {"error": "invalid_token"}))


def test_an_expired_session_is_restarted_and_what_came_twice_counts_once() -> None:
    expired = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "fatal", "details": {"coding": [{"code": "4113"}]}}],
    }
    calls: list[str] = []

    def answer(seen: Seen) -> Reply:
        calls.append(seen.path)
        if "page=2" in seen.path:
            return Reply(400, expired) if len(calls) == 2 else Reply(body=bundle(*encounters(2)))
        return Reply(body=bundle(*encounters(1), following="?page=2"))

    pull = _search(answer)
    assert (_ids(pull), pull.gaps) == (["e1", "e2"], ())


def test_of_an_id_on_two_pages_the_newer_version_is_kept() -> None:
    def version(number: str) -> dict[str, Any]:
        return encounters(1)[0] | {"meta": {"versionId": number}}

    pull = _search(
        _pages({"page=2": Reply(body=bundle(version("2"))), "": Reply(body=bundle(version("10"), following="?page=2"))})
    )
    assert [resource["meta"]["versionId"] for resource in pull.resources] == ["10"]


def test_remarks_and_includes_are_no_matches_and_a_withheld_sub_type_is_a_gap() -> None:
    withheld = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "details": {"coding": [{"code": "59204"}]}}],
    }
    pull = _search(lambda seen: Reply(body=bundle(*encounters(1), withheld, {"resourceType": "Location", "id": "l"})))
    assert (_ids(pull), [(gap.resource_type, gap.code) for gap in pull.gaps]) == (["e1"], [("Encounter", "59204")])
