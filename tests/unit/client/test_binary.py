"""Bodies: negotiated, raw or FHIR, and a gap that names whose body could not be read."""

import base64

import pytest

from fhir_rpm.client import binary
from fhir_rpm.client.binary import Body, Rendering, pull_bodies
from fhir_rpm.client.pull import Pull
from tests.hostile import Reply
from tests.unit.client.fake import BASE, Fake, by_marker

NOTE = {"resourceType": "Binary", "contentType": "text/plain", "data": "SGk="}


def _pull(reply: Reply, kind: str = "text/plain", url: str = "Binary/b1") -> Pull:
    return pull_bodies(Fake(lambda _url: reply), [Body("DocumentReference/d1", (Rendering(url, kind),))])  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["Binary/b1", f"{BASE}/Binary/b1", "Binary/b1/_history/2"])
def test_a_binary_is_read_by_any_address_on_the_server(url: str) -> None:
    assert _pull(Reply(body=NOTE), url=url).resources == ({**NOTE, "id": "b1"},)


def test_raw_bytes_become_a_binary_of_the_type_that_the_note_tells() -> None:
    (resource,) = _pull(Reply(body=b"Hello", headers={"Content-Type": "application/octet-stream"})).resources
    assert resource["contentType"] == "text/plain"
    assert base64.b64decode(resource["data"]) == b"Hello"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(403, None), "body_forbidden"),
        (Reply(401, None), "body_forbidden"),
        (Reply(404, None), "body_missing"),
        (Reply(410, None), "body_missing"),
        (Reply(500, None), "body_unread"),
        (Reply(406, None), "body_unread"),
        (Reply(cut=True), "body_unread"),
        (Reply(200, b""), "body_missing"),
        (Reply(200, {"resourceType": "Binary", "contentType": "text/plain"}), "body_missing"),
        (Reply(200, {"resourceType": "OperationOutcome"}), "body_wrong_type"),
        (Reply(200, b"<!DOCTYPE html><html>Sign in</html>"), "body_wrong_type"),
        (Reply(200, b'{"resourceType": "Bi', {"Content-Type": "application/fhir+json"}), "body_wrong_type"),
    ],
)
def test_a_body_that_is_not_read_is_a_gap_that_names_its_note(reply: Reply, code: str) -> None:
    pull = _pull(reply)
    assert [(gap.resource_type, gap.code) for gap in pull.gaps] == [("Binary", code)]
    assert pull.gaps[0].reason.startswith("DocumentReference/d1: ")
    assert pull.resources == ()


def test_a_sign_in_page_is_no_note_even_where_notes_are_html() -> None:
    page = b"<html><form><input name=u><input name=p type='password'></form></html>"
    assert [gap.code for gap in _pull(Reply(200, page), "text/html").gaps] == ["body_wrong_type"]
    assert _pull(Reply(200, b"<html><body>Spoke with patient</body></html>"), "text/html").gaps == ()


def test_a_body_that_is_too_large_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "LARGEST", 4)
    assert [gap.code for gap in _pull(Reply(200, b"12345")).gaps] == ["body_too_large"]


@pytest.mark.parametrize("url", ["https://evil.test/Binary/b1", "files/b1.txt", "http://[x/Binary/1"])
def test_a_body_elsewhere_is_not_asked_for(url: str) -> None:
    fake = Fake(lambda _url: Reply(body=NOTE))
    pull = pull_bodies(fake, [Body("DocumentReference/d1", (Rendering(url),))])  # type: ignore[arg-type]
    assert ([gap.code for gap in pull.gaps], fake.seen) == (["body_unread"], [])


@pytest.mark.parametrize("status", [406, 415, 400])
def test_a_server_that_knows_only_the_stored_type_is_asked_for_it(status: int) -> None:
    replies = iter([Reply(status, None), Reply(200, b"Hello")])
    fake = Fake(lambda _url: next(replies))
    pull = pull_bodies(fake, [Body("DocumentReference/d1", (Rendering("Binary/b1", "text/html"),))])  # type: ignore[arg-type]
    assert (len(pull.resources), fake.accepted) == (1, ["application/fhir+json", "text/html"])


def test_one_readable_rendering_is_enough_and_each_is_read_once() -> None:
    fake = Fake(by_marker({"b2": Reply(body=NOTE)}))
    body = Body("DocumentReference/d1", (Rendering("Binary/b1"), Rendering("Binary/b2"), Rendering("Binary/b3")))
    pull = pull_bodies(fake, [body, body])  # type: ignore[arg-type]
    assert (len(pull.resources), pull.gaps, fake.seen) == (1, (), ["Binary/b1", "Binary/b2"])
