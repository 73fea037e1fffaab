"""The one door: retries, redirects, and a token that stays with its origin."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from fhir_rpm.client import transport as module
from fhir_rpm.client.transport import Transport, same_origin, wait_before
from fhir_rpm.errors import UnavailableError
from tests.hostile import Hostile, Reply

CANARY = "canary-token-5f1b"


def _transport(server: Hostile, waits: list[float] | None = None) -> Transport:
    door = Transport(server.base, (2, 2), sleep=(waits if waits is not None else []).append)
    door.authorize = lambda _fresh: f"Bearer {CANARY}"
    return door


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    replies = [Reply(status, None), Reply(200, {"ok": True})]
    with Hostile(lambda seen: replies.pop(0)) as server:
        waits: list[float] = []
        assert _transport(server, waits).get(f"{server.base}/x").json() == {"ok": True}
        assert len(waits) == 1


def test_a_broken_connection_is_tried_again() -> None:
    replies = [Reply(cut=True), Reply(200, {"ok": True})]
    with Hostile(lambda seen: replies.pop(0)) as server:
        assert _transport(server).get(f"{server.base}/x").json() == {"ok": True}


def test_attempts_are_bounded() -> None:
    with Hostile(lambda seen: Reply(503, None)) as server:
        assert _transport(server).get(f"{server.base}/x").status == 503
        assert len(server.seen) == module.ATTEMPTS


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    with Hostile(lambda seen: Reply(status, None)) as server:
        assert _transport(server).get(f"{server.base}/x").status == status
        assert len(server.seen) == 1


def test_a_post_is_never_sent_twice() -> None:
    with Hostile(lambda seen: Reply(503, None)) as server:
        assert _transport(server).post(f"{server.base}/x", {}, {}).status == 503
        assert len(server.seen) == 1


def test_retry_after_is_a_floor_under_a_cap() -> None:
    assert wait_before(1, "3") >= 3
    assert wait_before(1, "1795432014") == module.LONGEST_WAIT
    assert wait_before(1, format_datetime(datetime.now(UTC) + timedelta(seconds=9))) >= 7
    assert 0 <= wait_before(1, "soon") <= 1
    assert 0 <= wait_before(1, None) <= 1


def test_a_token_never_follows_a_redirect_to_another_origin() -> None:
    with Hostile(lambda seen: Reply(200, {"ok": True})) as stranger:
        with Hostile(lambda seen: Reply(307, None, {"Location": f"{stranger.base}/y"})) as server:
            assert _transport(server).get(f"{server.base}/x").json() == {"ok": True}
        assert "Authorization" not in stranger.seen[0].headers
        assert server.seen[0].headers["Authorization"] == f"Bearer {CANARY}"


def test_a_refused_token_is_renewed_once() -> None:
    with Hostile(lambda seen: Reply(200 if "new" in seen.headers["Authorization"] else 401, {})) as server:
        door = _transport(server)
        door.authorize = lambda fresh: "Bearer new" if fresh else "Bearer old"
        assert door.get(f"{server.base}/x").status == 200
        assert len(server.seen) == 2


def test_json_is_asked_for_and_nothing_else_is_taken_for_it() -> None:
    with Hostile(lambda seen: Reply(200, b"<html>")) as server:
        answer = _transport(server).get(f"{server.base}/x")
        assert (answer.json(), server.seen[0].headers["Accept"]) == (None, "application/fhir+json")


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with Hostile(lambda seen: Reply(200, b"x" * 5000)) as server, pytest.raises(UnavailableError, match="larger"):
        _transport(server).get(f"{server.base}/x")


def test_no_token_and_no_query_reaches_logs_errors_or_representations(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Hostile(lambda seen: Reply(cut=True)) as server:
        door = _transport(server)
        with pytest.raises(UnavailableError) as caught:
            door.get(f"{server.base}/Patient", params={"name": "Okafor"})
    told = f"{caught.value} {caplog.text} {door!r}"
    assert CANARY not in told
    assert "Okafor" not in told


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://a.org/r4", "https://a.org:443/x", True),
        ("http://a.org:80/", "http://a.org", True),
        ("https://a.org", "http://a.org", False),
        ("https://a.org", "https://a.org:8443", False),
        ("https://a.org", "https://a.org.evil.com", False),
        ("https://a.org", "https://a.org:port/", False),
    ],
)
def test_origins_are_compared_with_default_ports(left: str, right: str, same: bool) -> None:
    assert same_origin(left, right) is same


def test_environment_passwords_do_not_replace_the_token(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Hostile(lambda seen: Reply(200, {})) as server:
        _transport(server).get(f"{server.base}/x")
        assert server.seen[0].headers["Authorization"] == f"Bearer {CANARY}"
