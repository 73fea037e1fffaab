"""A write was carried out, was not, or nobody can tell: every answer is one of the three."""

from typing import Any

import pytest

from fhir_rpm.client.transport import Transport
from fhir_rpm.client.writes import RefusedError, StaleError, create, read_version, shown_request, update
from fhir_rpm.errors import AccessError, UnavailableError, WriteUncertainError
from tests.hostile import Hostile, Reply

KIND = "DocumentReference"
DOCUMENT = {"resourceType": KIND, "id": "d1"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": []}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(400, OUTCOME), RefusedError),
        (Reply(422, OUTCOME), RefusedError),
        (Reply(404, b"<html/>"), RefusedError),
        (Reply(403), AccessError),
        (Reply(429), UnavailableError),
        (Reply(408), WriteUncertainError),
        (Reply(500, OUTCOME), WriteUncertainError),
        (Reply(503), WriteUncertainError),
        (Reply(202), WriteUncertainError),
        (Reply(201, OUTCOME, cut=True), WriteUncertainError),
    ],
)
def test_each_answer_to_a_create_is_told_apart_and_none_is_repeated(reply: Reply, error: type[Exception]) -> None:
    with Hostile(lambda _seen: reply) as server:
        with pytest.raises(error):
            create(Transport(server.base), DOCUMENT, {})
        assert [seen.method for seen in server.seen] == ["POST"]


def test_a_server_that_cannot_be_connected_to_has_written_nothing() -> None:
    with Hostile(lambda _seen: Reply()) as server:
        base = server.base
    with pytest.raises(UnavailableError):
        create(Transport(base), DOCUMENT, {})


@pytest.mark.parametrize(
    ("reply", "version", "existed"),
    [
        (Reply(201, None, {"Location": "DocumentReference/d1/_history/3"}), "3", False),
        (Reply(201, None, {"Location": "DocumentReference/d1", "ETag": 'W/"4"'}), "4", False),
        (Reply(200, DOCUMENT), None, True),
    ],
)
def test_a_create_tells_id_version_and_whether_one_was_there(reply: Reply, version: str | None, existed: bool) -> None:
    with Hostile(lambda _seen: reply) as server:
        made = create(Transport(server.base), DOCUMENT, {})
    assert (made.reference, made.version, made.existed) == ("DocumentReference/d1", version, existed)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(409, OUTCOME), StaleError),
        (Reply(412, OUTCOME), StaleError),
        (Reply(403), AccessError),
        (Reply(422, OUTCOME), RefusedError),
        (Reply(500), WriteUncertainError),
        (Reply(200, OUTCOME, cut=True), WriteUncertainError),
    ],
)
def test_each_answer_to_an_update_is_told_apart(reply: Reply, error: type[Exception]) -> None:
    with Hostile(lambda _seen: reply) as server:
        with pytest.raises(error):
            update(Transport(server.base), "DocumentReference/d1", DOCUMENT, "7")
        (seen,) = server.seen
    assert (seen.method, seen.path, seen.headers["If-Match"]) == ("PUT", "/r4/DocumentReference/d1", 'W/"7"')


@pytest.mark.parametrize(
    ("reply", "version"),
    [
        (Reply(200, DOCUMENT | {"meta": {"versionId": "2"}}), "2"),
        (Reply(200, DOCUMENT, {"ETag": 'W/"5"'}), "5"),
        (Reply(200, DOCUMENT), None),
    ],
)
def test_a_version_is_read_from_the_resource_or_its_etag(reply: Reply, version: str | None) -> None:
    with Hostile(lambda _seen: reply) as server:
        seen = read_version(Transport(server.base), "DocumentReference/d1")
    assert seen is not None
    assert seen.version == version


@pytest.mark.parametrize(
    ("reply", "gone"), [(Reply(404, OUTCOME), True), (Reply(410), True), (Reply(404, b"<p/>"), False)]
)
def test_only_a_fhir_server_says_that_a_resource_is_gone(reply: Reply, gone: bool) -> None:
    with Hostile(lambda _seen: reply) as server:
        transport: Any = Transport(server.base)
        if gone:
            assert read_version(transport, "DocumentReference/d1") is None
        else:
            with pytest.raises(UnavailableError):
                read_version(transport, "DocumentReference/d1")


def test_a_request_is_shown_as_it_goes_out_but_for_the_token() -> None:
    with Hostile(lambda _seen: Reply(201, None, {"Location": "DocumentReference/d1"})) as server:
        transport = Transport(server.base)
        transport.authorize = lambda _fresh: "Bearer secret"
        shown = shown_request(transport, "POST", KIND, {"If-None-Exist": "identifier=a|b"})
        create(transport, DOCUMENT, {"If-None-Exist": "identifier=a|b"})
        (seen,) = server.seen
    assert (shown["method"], shown["url"]) == (seen.method, f"{server.base}/{KIND}")
    assert shown["headers"].items() <= seen.headers.items()
    assert "secret" not in str(shown)
    assert seen.headers["Authorization"] == "Bearer secret"
