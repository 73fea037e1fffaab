"""What a token endpoint may answer, and what each answer is named."""

import pytest

from fhir_rpm.client.token_reply import clock_hint, read_token
from fhir_rpm.client.transport import Answer
from fhir_rpm.errors import AccessError, UnavailableError
from tests.desk import NOW, answer, granted

CANARY = "canary-7e1d"


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_taken_and_not_shown(kind: str) -> None:
    token = read_token(granted(CANARY, token_type=kind))
    assert token.text == CANARY
    assert CANARY not in repr(token)


def test_a_reply_without_a_token_type_is_taken() -> None:
    assert read_token(answer(200, {"access_token": "t"})).text == "t"


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (granted(token_type="DPoP"), AccessError, "another type than bearer"),
        (granted(token_type=None), AccessError, "another type than bearer"),
        (answer(200, {"token_type": "bearer"}), AccessError, "no usable access_token"),
        (granted(""), AccessError, "no usable access_token"),
        (granted("a\r\nX-Evil: b"), AccessError, "no usable access_token"),
        (granted("a b"), AccessError, "no usable access_token"),
        (granted("schlüssel"), AccessError, "no usable access_token"),
        (answer(200, {"access_token": {"x": 1}}), AccessError, "no usable access_token"),
        (answer(200, {"error": "invalid_client"}), AccessError, r"invalid_client \(HTTP 200\)"),
        (answer(200, {"error": "invalid_client", "access_token": "t"}), AccessError, "invalid_client"),
        (answer(200, b"<html>Log in</html>"), AccessError, "web page"),
        (answer(200, b""), UnavailableError, "an empty answer"),
        (answer(200, b'{"access_token": "ab'), UnavailableError, "cut short"),
        (answer(204, b""), UnavailableError, "no JSON object"),
        (answer(302, None, Location="https://evil.example.org"), AccessError, "redirect"),
        (answer(307), AccessError, "redirect"),
        (answer(400, {"error": "unauthorized_client"}), AccessError, "mapped to a background user"),
        (answer(400, {"error": "invalid_request"}), AccessError, "invalid_request"),
        (answer(400, b"Bad Request"), AccessError, r"HTTP 400.*token_url"),
        (answer(403, b"Tenant not valid"), AccessError, "HTTP 403"),
        (answer(401, {"error": ["x"]}), AccessError, "HTTP 401"),
        (answer(404, b"<html>"), AccessError, r"HTTP 404"),
        (answer(429), UnavailableError, "429"),
        (answer(500, {"error": "server_error"}), UnavailableError, "500"),
    ],
)
def test_each_failure_has_a_named_cause(reply: Answer, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        read_token(reply)


def test_nothing_that_the_server_says_is_repeated() -> None:
    said = {"error": CANARY, "error_description": f"assertion {CANARY}", "error_uri": CANARY, "token_type": CANARY}
    for status in (200, 400, 401):
        with pytest.raises(AccessError) as caught:
            read_token(answer(status, said))
        assert CANARY not in f"{caught.value} {caught.value.remedy} {caught.value!r}"


@pytest.mark.parametrize("date", [None, "", "soon", "Thu, 99 Foo 2026 00:00:00 GMT", "Thu, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_that_cannot_be_read_tells_nothing(date: str | None) -> None:
    assert clock_hint(answer(401, None, **({} if date is None else {"Date": date})), NOW) == ()
