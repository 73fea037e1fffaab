"""Discovery survives any answer, and says what it got instead of a token endpoint."""

import pytest

from fhir_rpm.client.discovery import Discovery, discover, is_safe
from fhir_rpm.client.transport import Answer, Transport
from fhir_rpm.errors import AccessError, UnavailableError
from tests.desk import BASE, TOKEN_URL, Desk, answer
from tests.hostile import Hostile, Reply, Seen

SMART = f"{BASE}/.well-known/smart-configuration"
METADATA = f"{BASE}/metadata"
URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def _statement(*extensions: object) -> dict[str, object]:
    return {"resourceType": "CapabilityStatement", "rest": [{"security": {"extension": list(extensions)}}]}


def _desk(smart: Answer, metadata: Answer | None = None) -> Desk:
    desk = Desk()
    desk.documents = {SMART: smart} | ({METADATA: metadata} if metadata is not None else {})
    return desk


def _found(desk: Desk) -> Discovery:
    return discover(desk)  # type: ignore[arg-type]


NESTED = {
    "url": URIS,
    "extension": [{"url": "authorize", "valueUri": "https://x"}, {"url": "token", "valueUri": TOKEN_URL}],
}


@pytest.mark.parametrize(
    "smart",
    [answer(404), answer(404, b"<html>"), answer(200, b"<!DOCTYPE html><form>Log in"), answer(200, b""),
     answer(302, None, Location="/login"),
     answer(200, b'{"token_endpoint": "https://lo'), answer(200, []), answer(200, {}), answer(500),
     answer(401), answer(200, {"token_endpoint": None}), answer(200, {"token_endpoint": 7}),
     answer(200, {"token_endpoint": ["https://x"]}), answer(200, {"token_endpoint": "  "}),
     answer(200, {"token_endpoint": "ftp://x/t"}), answer(200, {"token_endpoint": "https://user:pw@x.org/t"}),
     answer(200, {"token_endpoint": "https://[::1/t"}), answer(200, {"token_endpoint": "https://x.org/a b"}),
     answer(200, b"[" * 100_000)],
)  # fmt: skip
def test_where_the_smart_configuration_is_no_use_the_metadata_are_asked(smart: Answer) -> None:
    assert _found(_desk(smart, answer(200, _statement(NESTED)))).token_url == TOKEN_URL


@pytest.mark.parametrize(
    "extensions",
    [(NESTED,), ({"url": f"{URIS}#token", "valueUri": TOKEN_URL},), ("x", None, {}, {"url": URIS}, NESTED),
     ({"url": URIS, "extension": {"url": "token"}}, NESTED),
     ({"url": URIS, "extension": [{"url": "token"}, {"url": "token", "valueUri": TOKEN_URL}]},)],
)  # fmt: skip
def test_a_capability_statement_is_read_in_each_shape(extensions: tuple[object, ...]) -> None:
    assert _found(_desk(answer(404), answer(200, _statement(*extensions)))).token_url == TOKEN_URL


@pytest.mark.parametrize(
    ("smart", "metadata", "says"),
    [
        (answer(404), answer(200, b"<html>"), "smart-configuration: HTTP 404; metadata: a web page"),
        (answer(200, b"  "), answer(401), "smart-configuration: an empty answer; metadata: HTTP 401"),
        (answer(200, b"{"), answer(200, {"rest": "x"}), "no JSON object, or one cut short; metadata: no oauth-uris"),
        (answer(302), answer(200, {"rest": [{"security": []}, 5]}), "a redirect; metadata: no oauth-uris"),
    ],
)
def test_without_a_token_endpoint_it_is_said_what_came_instead(smart: Answer, metadata: Answer, says: str) -> None:
    found = _found(_desk(smart, metadata))
    with pytest.raises(AccessError) as caught:
        found.required_token_url()
    assert says in str(caught.value)
    assert "token_url" in caught.value.remedy


def test_a_server_that_fails_is_unavailable_and_not_wrongly_configured() -> None:
    with pytest.raises(UnavailableError, match="503"):
        _found(_desk(answer(503), answer(503)))


def test_a_relative_token_endpoint_belongs_to_the_base() -> None:
    assert (
        _found(_desk(answer(200, {"token_endpoint": "/oauth/token"}))).token_url
        == "https://ehr.example.org/oauth/token"
    )


def test_what_else_is_declared_is_kept_as_far_as_it_can_be_read() -> None:
    smart = {"token_endpoint": TOKEN_URL, "capabilities": ["permission-v2", 5, None], "scopes_supported": "a b"}
    smart |= {"token_endpoint_auth_methods_supported": {"x": 1}}
    found = _found(_desk(answer(200, smart)))
    assert (found.capabilities, found.scopes, found.methods) == (("permission-v2",), ("a", "b"), ())


@pytest.mark.parametrize(
    ("url", "plain", "trusted"),
    [
        ("https://x.org/t", True, True),
        ("http://x.org/t", False, True),
        ("http://localhost:8/t", True, True),
        ("http://127.0.0.1/t", True, True),
        ("http://[::1]/t", True, True),
        ("http://localhost.x.org/t", False, True),
        ("ftp://localhost/t", False, False),
    ],
)
def test_credentials_go_to_https_or_to_this_machine(url: str, plain: bool, trusted: bool) -> None:
    assert is_safe(url) is plain
    assert is_safe(url, allow_http=True) is trusted


def test_an_ehrs_own_answer_is_understood() -> None:
    captured = {
        "token_endpoint": "https://authorization.cerner.com/tenants/t/hosts/fhir-ehr-code.cerner.com/protocols/oauth2/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "scopes_supported": ["fhirUser", "system/Binary.r", "system/DocumentReference.crus"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }
    found = _found(_desk(answer(200, captured)))
    assert found.token_url == captured["token_endpoint"]
    assert found.scopes == ("fhirUser", "system/Binary.r", "system/DocumentReference.crus")


def test_a_login_that_the_smart_configuration_redirects_to_is_no_end() -> None:
    def handle(seen: Seen) -> Reply:
        if seen.path.endswith("/metadata"):
            return Reply(200, _statement(NESTED))
        return Reply(302, None, {"Location": "/login"})

    with Hostile(handle) as server:
        found = discover(Transport(server.base))
    assert found.token_url == TOKEN_URL
    assert "redirects" in found.tried[0]
