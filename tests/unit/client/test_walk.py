"""Every way in which pages can mislead: all that was there is read, or a gap says what is missing."""

from collections.abc import Callable
from typing import Any

import pytest

from fhir_rpm.client.page import read_page
from fhir_rpm.client.pull import Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.search import Searcher, SearchLimits
from fhir_rpm.errors import AccessError
from fhir_rpm.outcome import OutcomeCodes
from fhir_rpm.vendor import vendor_section
from tests.hostile import Reply, bundle, encounters
from tests.unit.client.fake import BASE, Fake, by_marker, outcome

CODES = vendor_section("epic", "outcome", OutcomeCodes)


def _search(handler: Callable[[str], Reply], base: str = BASE, **how: Any) -> Pull:
    most = how.pop("most", None)
    return Searcher(Fake(handler, base), CODES, ("4113",), **how).search("Encounter", {"patient": "p"}, most=most)  # type: ignore[arg-type]


def _seen(pull: Pull) -> tuple[list[str], list[str]]:
    return [item["id"] for item in pull.resources], [gap.code for gap in pull.gaps]


def _first(following: Any, **more: Any) -> Reply:
    page = bundle(*encounters(1)) | {"link": following} | more
    return Reply(body=page)


SECOND = Reply(body=bundle(*encounters(2)))


@pytest.mark.parametrize(
    "link",
    [
        {"relation": "next", "url": "Encounter?page=2"},
        [{"relation": "Next", "url": "Encounter?page=2"}],
        [{"relation": "self", "url": 5}, "junk", None, {"relation": "next", "url": f"{BASE}/Encounter?page=2"}],
        [{"relation": "next", "url": "HTTPS://EHR.example.org:443/r4/Encounter?page=2"}],
        [{"relation": "next", "url": "http://ehr.example.org/r4/Encounter?page=2"}],
        [{"relation": "next", "url": " Encounter?page=2 "}],
        [{"rel": "next", "url": "Encounter?page=2"}],
    ],
)
def test_a_next_link_is_followed_however_it_is_written(link: Any) -> None:
    assert _seen(_search(by_marker({"page=2": SECOND, "": _first(link)}))) == (["e1", "e2"], [])


def test_a_link_by_http_is_read_over_https() -> None:
    fake = Fake(by_marker({"page=2": SECOND, "": _first({"relation": "next", "url": f"http{BASE[5:]}/E?page=2"})}))
    Searcher(fake, CODES).search("Encounter", {})  # type: ignore[arg-type]
    assert fake.seen[-1] == "E?page=2"


def test_every_one_of_several_next_links_is_followed() -> None:
    links = [{"relation": "next", "url": f"?page={number}"} for number in (2, 3, 2)]
    pages = {"page=2": SECOND, "page=3": Reply(body=bundle(*encounters(3))), "": _first(links)}
    assert _seen(_search(by_marker(pages))) == (["e1", "e2", "e3"], [])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (5, "bad_link"),
        (None, "bad_link"),
        ("", "bad_link"),
        ("http://[broken", "bad_link"),
        ("https://ehr.example.org:99999/x", "bad_link"),
        ("javascript:alert(1)", "foreign_link"),
        ("https://ehr.example.org.evil.test/r4/Encounter?page=2", "foreign_link"),
        ("http://ehr.example.org:8080/r4/Encounter?page=2", "foreign_link"),
        ("//evil.test/r4/Encounter?page=2", "foreign_link"),
    ],
)
def test_a_link_that_leads_astray_is_not_followed(url: Any, code: str) -> None:
    fake = Fake(lambda _url: _first([{"relation": "next", "url": url}]))
    assert _seen(Searcher(fake, CODES).search("Encounter", {})) == (["e1"], [code])  # type: ignore[arg-type]
    assert len(fake.seen) == 1


@pytest.mark.parametrize("link", ["junk", 5, {"relation": 5}, {"relation": "self", "url": "x"}, [None], None])
def test_links_that_are_no_links_end_the_search(link: Any) -> None:
    assert _seen(_search(lambda _url: _first(link))) == (["e1"], [])


def _endless(page_of: Callable[[int], list[dict[str, Any]]]) -> tuple[Callable[[str], Reply], list[str]]:
    asked: list[str] = []

    def answer(url: str) -> Reply:
        asked.append(url)
        return Reply(body=bundle(*page_of(len(asked)), following=f"?page={len(asked)}"))

    return answer, asked


def test_the_same_entries_under_ever_new_addresses_are_a_circle() -> None:
    answer, asked = _endless(lambda _page: encounters(1, 2))
    assert _seen(_search(answer)) == (["e1", "e2"], ["page_cycle"])
    assert len(asked) <= 4


def test_empty_pages_without_end_are_left() -> None:
    answer, asked = _endless(lambda page: encounters(page) if page == 1 else [])
    assert _seen(_search(answer, limits=SearchLimits(empty_pages=10))) == (["e1"], ["too_many_pages"])
    assert len(asked) == 11


def test_empty_pages_in_the_middle_are_passed() -> None:
    pages = {"page=2": Reply(body=bundle(following="?page=3")), "page=3": SECOND}
    assert _seen(_search(by_marker(pages | {"": _first([{"relation": "next", "url": "?page=2"}])}))) == (
        ["e1", "e2"],
        [],
    )


@pytest.mark.parametrize("limit", [{"pages": 5}, {"resources": 5}, {"bytes": 1000}])
def test_a_search_without_end_is_left_at_its_limits(limit: dict[str, int]) -> None:
    answer, asked = _endless(lambda page: encounters(page))
    found, codes = _seen(_search(answer, limits=SearchLimits(**limit)))
    assert codes == ["too_many_pages"]
    assert 1 < len(found) < 20
    assert len(asked) < 20


def test_a_search_without_end_is_left_after_its_time() -> None:
    answer, asked = _endless(lambda page: encounters(page))
    ticks = iter(range(0, 10_000, 100))
    assert _seen(_search(answer, clock=lambda: float(next(ticks))))[1] == ["too_many_pages"]
    assert len(asked) < 12


def test_many_honest_pages_are_all_read() -> None:
    def answer(url: str) -> Reply:
        number = int(url.rpartition("page=")[2]) if "page=" in url else 1
        return Reply(body=bundle(*encounters(number), following=f"?page={number + 1}" if number < 1200 else None))

    found, codes = _seen(_search(answer))
    assert (len(found), codes) == (1200, [])


EXPIRED = Reply(400, outcome("4113", "fatal"))
TO_SECOND = [{"relation": "next", "url": "?page=2"}]


@pytest.mark.parametrize("expired", [EXPIRED, Reply(410, None), Reply(200, outcome("4113"))])
def test_a_search_that_the_server_ended_is_begun_anew(expired: Reply) -> None:
    asked: list[str] = []

    def answer(url: str) -> Reply:
        asked.append(url)
        return _first(TO_SECOND) if "page=2" not in url else expired if len(asked) == 2 else SECOND

    assert _seen(_search(answer)) == (["e1", "e2"], [])


def test_a_search_that_the_server_always_ends_is_a_gap_and_keeps_what_came() -> None:
    asked: list[str] = []

    def answer(url: str) -> Reply:
        asked.append(url)
        return EXPIRED if "page=2" in url else _first(TO_SECOND)

    assert _seen(_search(answer)) == (["e1"], ["session_expired"])
    assert len(asked) == 6


@pytest.mark.parametrize("total", [2, "2", 2.0])
def test_a_count_is_read_however_it_is_written(total: Any) -> None:
    assert _seen(_search(lambda _url: _first(None, total=total)))[1] == ["fewer_than_total"]


@pytest.mark.parametrize(
    ("total", "codes"), [(1, []), (2, ["fewer_than_total"]), ("many", []), (float("inf"), []), (None, []), (0, [])]
)
def test_fewer_matches_than_an_honest_server_counts_are_a_gap(total: Any, codes: list[str]) -> None:
    assert _seen(_search(lambda _url: _first(None, total=total)))[1] == codes


def test_epics_total_is_the_page_and_is_not_believed() -> None:
    assert _seen(_search(lambda _url: _first(None, total=9), honest_total=False))[1] == []
    nothing = Reply(200, {"resourceType": "Bundle", "type": "searchset", "total": 9, "entry": None})
    assert _seen(_search(lambda _url: nothing, honest_total=False))[1] == ["fewer_than_total"]
    assert not vendor_section("epic", "search", SearchRecipe).honest_total
    assert vendor_section("generic", "search", SearchRecipe).honest_total


def test_duplicates_do_not_hide_what_the_server_counted() -> None:
    pages = {"page=2": Reply(body=bundle(*encounters(1)) | {"total": 2}), "": _first(TO_SECOND, total=2)}
    assert _seen(_search(by_marker(pages))) == (["e1"], ["fewer_than_total"])


def test_an_answer_as_long_as_the_server_ever_gives_is_a_gap() -> None:
    assert _seen(_search(lambda _url: Reply(body=bundle(*encounters(1, 2))), most=2))[1] == ["result_limit"]
    assert _seen(_search(lambda _url: Reply(body=bundle(*encounters(1, 2))), most=3))[1] == []


@pytest.mark.parametrize(
    ("reply", "codes"),
    [
        (Reply(200, b"<html>Sign in</html>"), ["not_fhir"]),
        (Reply(200, b""), ["not_fhir"]),
        (Reply(200, b'{"resourceType": "Bundle", "entry": ['), ["not_fhir"]),
        (Reply(200, {"resourceType": "Patient", "id": "p"}), ["not_a_bundle"]),
        (Reply(200, outcome("59177")), ["59177"]),
        (Reply(200, outcome(None, "fatal")), ["x"]),
        (Reply(200, outcome("4101", "warning")), []),
        (Reply(404, outcome("4101", "warning")), []),
        (Reply(404, b"<html>404 - File or directory not found.</html>"), ["not_supported"]),
        (Reply(403, None), ["forbidden"]),
        (Reply(403, {"resource": "v1", "detail": "token with scopes [x] has none"}), ["insufficient_scope"]),
        (Reply(403, None, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}), ["insufficient_scope"]),
        (Reply(403, outcome("4130", "fatal")), ["4130"]),
        (Reply(406, None), ["http_406"]),
        (Reply(500, outcome(None, "fatal")), ["http_500", "x"]),
        (Reply(400, outcome("4135", "fatal")), ["4135"]),
        (Reply(410, None), ["http_410"]),
        (Reply(500, bundle(*encounters(1))), ["http_500"]),
        (Reply(302, None), ["http_302"]),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_page_says_why(reply: Reply, codes: list[str]) -> None:
    assert _seen(_search(lambda _url: reply)) == ([], codes)


def test_a_refused_token_is_an_error() -> None:
    with pytest.raises(AccessError, match="401"):
        _search(lambda _url: Reply(401, None))


def _page(*entries: Any, kind: str = "searchset") -> Reply:
    return Reply(body={"resourceType": "Bundle", "type": kind, "entry": list(entries)})


ENCOUNTER = encounters(1)[0]
PATIENT = {"resourceType": "Patient", "id": "p"}
NURSE = {"resourceType": "Practitioner", "id": "n"}


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (_page({"resource": ENCOUNTER}, {"fullUrl": "x"}), (["e1"], ["entry_unread"])),
        (_page({"resource": ENCOUNTER}, "junk", None, {"resource": "x"}), (["e1"], ["entry_unread"])),
        (_page({"resource": {"id": "x"}}), ([], ["entry_unread"])),
        (_page({"resource": PATIENT, "search": {"mode": "match"}}), ([], ["other_type"])),
        (_page({"resource": PATIENT, "search": {"mode": "include"}}), ([], [])),
        (_page({"resource": ENCOUNTER, "search": {"mode": "include"}}), ([], ["other_type"])),
        (_page({"resource": PATIENT}), ([], ["other_type"])),
        (_page({"resource": ENCOUNTER, "search": "x"}, {"resource": NURSE}), (["n", "e1"], [])),
        (_page({"resource": ENCOUNTER}, kind="history"), (["e1"], ["not_a_bundle"])),
        (_page({"resource": outcome("59204", "warning")}, {"resource": outcome("4101", "warning")}), ([], ["59204"])),
        (_page({"resource": ENCOUNTER, "response": {"outcome": outcome("4119", "information")}}), (["e1"], ["4119"])),
        (Reply(body={"resourceType": "Bundle", "entry": {"resource": ENCOUNTER}}), (["e1"], [])),
        (Reply(body={"resourceType": "Bundle", "entry": "junk"}), ([], ["entry_unread"])),
        (Reply(body={"resourceType": "Bundle"}), ([], [])),
    ],
)  # fmt: skip
def test_a_page_is_read_for_what_it_holds(reply: Reply, seen: tuple[list[str], list[str]]) -> None:
    assert _seen(_search(lambda _url: reply)) == seen


def test_the_same_complaint_of_a_page_is_kept_once() -> None:
    page = read_page("Encounter", {"resourceType": "Bundle", "entry": [{}] * 1000}, CODES)
    assert [gap.code for gap in page.gaps] == ["entry_unread"]


def test_resources_that_are_malformed_are_kept_for_the_mapping_to_judge() -> None:
    odd = [
        {"resourceType": "Encounter", "id": 5, "meta": "x"},
        {"resourceType": "Encounter", "meta": {"versionId": []}},
    ]
    assert len(_search(lambda _url: Reply(body=bundle(*odd))).resources) == 2
