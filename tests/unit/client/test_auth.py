"""Tokens that somebody else obtained, an authorised fhirclient, and secrets that stay where they are."""

import copy
import logging
import os
import pickle
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fhirclient import client as fhirclient

from fhir_rpm.client import EhrSession
from fhir_rpm.client.auth import FhirclientToken, FileToken, NoToken, StaticToken, authenticator
from fhir_rpm.client.credentials import ClientCredentials
from fhir_rpm.client.transport import Transport
from fhir_rpm.config import load_settings
from fhir_rpm.errors import AccessError, ConfigurationError, FhirRpmError
from fhir_rpm.sandbox import Sandbox
from tests.desk import BASE, Desk, answer, settings, write_key
from tests.hostile import Hostile, Reply, Seen

CANARY = "canary-3f9a"


def test_a_static_token_is_not_renewed() -> None:
    token = StaticToken(f" {CANARY}\n")
    assert (token.header(False), token.header(True)) == (f"Bearer {CANARY}", None)


@pytest.mark.parametrize("text", ["", " ", f"{CANARY}\r\nX-Evil: 1", f"two {CANARY}"])
def test_what_cannot_stand_in_a_header_is_refused_and_not_repeated(text: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    for make in (lambda: StaticToken(text), lambda: FileToken(path)):
        with pytest.raises(ConfigurationError, match="holds no token") as caught:
            make()
        assert CANARY not in str(caught.value)


def test_a_token_file_is_read_again_when_it_changes_and_when_its_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    token = FileToken(path)
    assert token.header(False) == "Bearer one"
    assert token.header(True) is None
    path.write_text("three\n")
    assert token.header(False) == "Bearer three"
    about = path.stat()
    path.write_text("seven\n")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert token.header(True) == "Bearer seven"
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"bearer_token_file .* cannot be read"):
        token.header(False)


def test_the_settings_choose_the_way(tmp_path: Path) -> None:
    key, token = write_key(tmp_path), tmp_path / "token"
    token.write_text("t")
    door: Any = Desk()
    for values, environ, kind in (
        ({}, {}, NoToken),
        ({}, {"FHIR_RPM_BEARER_TOKEN": "t"}, StaticToken),
        ({"bearer_token_file": token}, {}, FileToken),
        ({"client_id": "a", "private_key": key}, {}, ClientCredentials),
        ({"client_id": "a"}, {"FHIR_RPM_CLIENT_SECRET": "s"}, ClientCredentials),
    ):
        assert type(authenticator(load_settings(None, {"base_url": BASE, **values}, environ), door)) is kind
    with pytest.raises(ConfigurationError, match="bearer_token"):
        load_settings(None, {"client_id": "a", "private_key": key, "bearer_token_file": token}, {})


def test_files_with_secrets_can_be_named_in_the_environment(tmp_path: Path) -> None:
    for name in ("secret", "pass", "token"):
        (tmp_path / name).write_text(f"{name}-1\n")
    environ = {
        "FHIR_RPM_CLIENT_SECRET_FILE": str(tmp_path / "secret"),
        "FHIR_RPM_PRIVATE_KEY_PASSWORD_FILE": str(tmp_path / "pass"),
    }
    chosen = load_settings(None, {"client_id": "a"}, environ)
    assert chosen.client_secret is not None
    assert chosen.client_secret.get_secret_value() == "secret-1"
    assert chosen.private_key_passphrase() == b"pass-1"
    token = load_settings(None, {"base_url": BASE}, {"FHIR_RPM_BEARER_TOKEN_FILE": str(tmp_path / "token")})
    assert authenticator(token, Transport(BASE)).header(False) == "Bearer token-1"


@pytest.mark.parametrize("scopes", ["system/Encounter.read", "system/*.rs", "system/*.read"])
def test_the_oracle_sandbox_refuses_the_scopes_that_oracle_refuses(scopes: str) -> None:
    with Sandbox("oracle") as ehr:
        ehr.register_secret("app", "s")
        values = {"base_url": ehr.base_url, "vendor": "oracle", "client_id": "app"}
        chosen = load_settings(None, {**values, "scopes": scopes}, {"FHIR_RPM_CLIENT_SECRET": "s"})
        with pytest.raises(AccessError, match="invalid_scope"):
            EhrSession.open(chosen).authenticate()
        with EhrSession.open(load_settings(None, values, {"FHIR_RPM_CLIENT_SECRET": "s"})) as session:
            session.authenticate()
            assert session.granted is not None
            assert session.granted.allows("Encounter", "search")
            assert session.granted.lacks("Group", "read")


# --- An authorised fhirclient


class Ehr:
    """A FHIR server with oauth-uris that gives a refresh token, and refuses the access tokens in `refused`."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.asked = 0
        self.redirect: str | None = None
        self.server = Hostile(self._handle)

    def _handle(self, seen: Seen) -> Reply:
        if seen.path.endswith("/metadata"):
            return Reply(200, self._statement())
        if seen.path.endswith("/token"):
            self.asked += 1
            if self.redirect is not None:
                return Reply(307, None, {"Location": self.redirect})
            reply = {"access_token": f"{CANARY}-{self.asked}", "token_type": "bearer", "refresh_token": f"r-{CANARY}"}
            return Reply(200, reply)
        header = seen.headers.get("Authorization", "")
        return Reply(401, {}) if header.removeprefix("Bearer ") in self.refused else Reply(200, _GROUP)

    def _statement(self) -> dict[str, Any]:
        uris = [{"url": name, "valueUri": f"{self.server.base}/{name}"} for name in ("token", "authorize")]
        url = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
        rest = {"mode": "server", "security": {"extension": [{"url": url, "extension": uris}]}}
        about = {
            "status": "active",
            "date": "2026-01-01",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
        }
        return {"resourceType": "CapabilityStatement", **about, "rest": [rest]}


_GROUP = {"resourceType": "Group", "id": "g", "member": []}


def _fhirclient(ehr: Ehr, refresh: str | None = f"r-{CANARY}") -> Any:
    saved: list[dict[str, Any]] = []
    given = fhirclient.FHIRClient({"app_id": "app", "api_base": ehr.server.base}, save_func=saved.append)
    given.saved = saved
    given.prepare()
    given.server.auth.access_token, given.server.auth.refresh_token = f"{CANARY}-0", refresh
    return given


def test_a_fhirclients_refused_token_is_renewed_by_its_own_refresh() -> None:
    ehr = Ehr()
    with ehr.server:
        client = _fhirclient(ehr)
        session = EhrSession.from_fhirclient(client)
        assert session.read("Group/g")["id"] == "g"
        ehr.refused = {f"{CANARY}-0"}
        original = client.server.session
        assert session.read("Group/g")["id"] == "g"
        assert client.server.auth.access_token == f"{CANARY}-1"
        assert client.server.session is original
        assert client.saved[-1]["server"]["auth"]["refresh_token"] == f"r-{CANARY}"
    assert ehr.asked == 1


def test_a_token_that_the_application_renewed_itself_is_taken() -> None:
    client = SimpleNamespace(ready=True, server=SimpleNamespace(base_uri=BASE, auth=SimpleNamespace(access_token="a")))
    token = FhirclientToken(client)
    assert token.header(False) == "Bearer a"
    client.server.auth.access_token = "b"
    assert (token.header(True), token.header(True)) == ("Bearer b", None)


def test_threads_share_one_refresh_of_a_fhirclient() -> None:
    ehr, gate, got = Ehr(), threading.Barrier(8), []
    with ehr.server:
        token = FhirclientToken(_fhirclient(ehr))

        def run() -> None:
            token.header(False)
            gate.wait(timeout=10)
            got.append(token.header(True))

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
    assert (ehr.asked, set(got), len(got)) == (1, {f"Bearer {CANARY}-1"}, 8)


def test_a_fhirclient_without_a_refresh_token_ends_in_a_refusal() -> None:
    ehr = Ehr()
    with ehr.server:
        session = EhrSession.from_fhirclient(_fhirclient(ehr, refresh=None))
        ehr.refused = {f"{CANARY}-0"}
        with pytest.raises(AccessError):
            session.search("Encounter", {"patient": "p"})
    assert ehr.asked == 0


def test_a_refresh_token_never_follows_a_redirect(caplog: pytest.LogCaptureFixture) -> None:
    ehr = Ehr()
    with Hostile(lambda seen: Reply(200, {"access_token": "evil"})) as stranger, ehr.server:
        ehr.redirect = f"{stranger.base}/token"
        token = FhirclientToken(_fhirclient(ehr))
        token.header(False)
        with pytest.raises(AccessError, match="could not refresh") as caught:
            token.header(True)
        assert stranger.seen == []
    assert CANARY not in f"{caught.value} {caught.value!r} {token!r}"


# --- Secrets stay where they are


def _pickled(value: object) -> bytes:
    return pickle.dumps(value)


def test_nothing_with_a_secret_is_pickled_or_copied_into_state(tmp_path: Path) -> None:
    door: Any = Desk()
    path = tmp_path / "token"
    path.write_text(CANARY)
    held = (
        StaticToken(CANARY),
        FileToken(path),
        ClientCredentials(settings(private_key=write_key(tmp_path)), door),
        ClientCredentials(settings({"FHIR_RPM_CLIENT_SECRET": CANARY}), door),
        settings({"FHIR_RPM_CLIENT_SECRET": CANARY}),
        load_settings(None, {"base_url": BASE}, {"FHIR_RPM_BEARER_TOKEN": CANARY}),
        settings({"FHIR_RPM_PRIVATE_KEY_PASSWORD": CANARY}),
    )
    for value in held:
        with pytest.raises(TypeError, match="not pickled"):
            _pickled(value)
        assert CANARY not in f"{value!r} {value}"


def test_settings_without_a_secret_travel() -> None:
    plain = load_settings(None, {"base_url": BASE, "client_id": "a", "private_key": Path("k.pem")}, {})
    assert pickle.loads(_pickled(plain)) == plain
    secret = settings({"FHIR_RPM_CLIENT_SECRET": CANARY})
    assert copy.deepcopy(secret).client_secret == secret.client_secret
    assert secret.model_copy(update={"vendor": "epic"}).vendor == "epic"


def _told(error: BaseException) -> str:
    """An error and all behind it, as a log of it would show them."""
    import traceback

    return "".join([repr(error), *traceback.format_exception(error)])


@pytest.mark.parametrize("vendor", ["generic", "epic", "oracle"])
def test_no_secret_key_or_token_is_told_in_a_whole_run(
    vendor: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    with Sandbox(vendor) as ehr:
        ehr.register_secret("app", CANARY)
        values = {"base_url": ehr.base_url, "vendor": vendor, "client_id": "app"}
        chosen = load_settings(None, values, {"FHIR_RPM_CLIENT_SECRET": CANARY})
        door = Transport(ehr.base_url)
        credentials = ClientCredentials(chosen, door)
        token = str(credentials.header(False)).removeprefix("Bearer ")
        session = EhrSession(door, credentials, vendor)
        session.read(f"Group/{ehr.group_id}")
        told += [repr(chosen), str(chosen), repr(credentials), repr(session), repr(door), repr(credentials.granted)]
        told.append(repr(credentials._token))
        wrong = ClientCredentials(load_settings(None, values, {"FHIR_RPM_CLIENT_SECRET": f"{CANARY}-wrong"}), door)
        with pytest.raises(FhirRpmError) as caught:
            wrong.header(False)
        told.append(_told(caught.value))
        key = write_key(tmp_path)
        stranger = ClientCredentials(load_settings(None, {**values, "private_key": key}, {}), door)
        with pytest.raises(FhirRpmError) as caught:
            stranger.header(False)
        told.append(_told(caught.value))
    everything = "\n".join([*told, caplog.text])
    assert len(token) > 20
    secrets = [CANARY, token, "client_assertion", *key.read_text().splitlines()[1:-1]]
    assert not [secret for secret in secrets if secret in everything]


def test_a_hostile_endpoint_that_echoes_what_it_got_tells_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk: Any = Desk(
        lambda _number, form: answer(400, {"error": "invalid_client", "error_description": str(form)}),
        token_endpoint_auth_methods_supported=["client_secret_post"],
    )
    with pytest.raises(AccessError) as caught:
        ClientCredentials(settings({"FHIR_RPM_CLIENT_SECRET": CANARY}), desk).header(False)
    assert CANARY in desk.forms[0]["client_secret"]
    assert CANARY not in _told(caught.value) + caplog.text
