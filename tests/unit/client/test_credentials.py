"""The client_credentials grant: what is sent, when, how often, and what becomes of a refusal."""

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from fhir_rpm.client import EhrSession
from fhir_rpm.client.credentials import ClientCredentials
from fhir_rpm.client.keys import read_private_key, thumbprint
from fhir_rpm.client.transport import Answer, Transport
from fhir_rpm.errors import AccessError, UnavailableError
from tests.desk import NOW, TOKEN_URL, Clock, Desk, answer, granted, settings, write_key
from tests.hostile import Hostile, Reply, Seen

RSA_2048 = rsa.generate_private_key(65537, 2048)
THREADS = 32


def _credentials(desk: Desk, clock: Clock | None = None, **values: Any) -> ClientCredentials:
    return ClientCredentials(settings(**values), desk, clock or Clock())  # type: ignore[arg-type]


@pytest.mark.parametrize(("algorithm", "key"), [("ES384", None), ("RS384", RSA_2048)])
def test_the_assertion_is_as_smart_asks(tmp_path: Path, algorithm: str, key: Any) -> None:
    path = write_key(tmp_path, key)
    desk, jku = Desk(), "https://app.example.org/jwks.json"
    credentials = _credentials(desk, private_key=path, key_id="k1", jwks_url=jku)
    assert credentials.header(False) == "Bearer t1"
    form = desk.forms[0]
    assert desk.urls == [TOKEN_URL]
    assert desk.basic == [None]
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert jwt.get_unverified_header(form["client_assertion"]) == {
        "alg": algorithm, "typ": "JWT", "kid": "k1", "jku": jku,
    }  # fmt: skip
    public = read_private_key(path).public_key()
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(form["client_assertion"], public, [algorithm], audience=TOKEN_URL, options=options)
    assert claims["iss"] == claims["sub"] == "app"
    assert claims["iat"] == NOW
    assert NOW < claims["exp"] <= NOW + 300
    assert len(claims["jti"]) <= 151


def test_without_a_key_id_the_thumbprint_is_the_kid_and_without_a_url_there_is_no_jku(tmp_path: Path) -> None:
    path = write_key(tmp_path)
    desk = Desk()
    _credentials(desk, private_key=path).header(False)
    header = jwt.get_unverified_header(desk.forms[0]["client_assertion"])
    assert header["kid"] == thumbprint(read_private_key(path))
    assert "jku" not in header


def test_each_sending_has_a_jti_of_its_own_even_a_retry_by_the_transport(tmp_path: Path) -> None:
    replies = [Reply(503, None), Reply(200, {"access_token": "t", "token_type": "bearer", "expires_in": 60})]
    with Hostile(lambda seen: replies.pop(0)) as server:
        values = {"base_url": server.base, "token_url": f"{server.base}/token", "vendor": "epic"}
        door = Transport(server.base, sleep=lambda _seconds: None)
        ClientCredentials(settings(private_key=write_key(tmp_path), **values), door).header(False)
        sent = [seen for seen in server.seen if seen.method == "POST"]
    assert len(sent) == 2
    assert len({seen.body.rpartition(b"client_assertion=")[2] for seen in sent}) == 2


def test_a_secret_goes_as_basic_in_form_encoding() -> None:
    desk = Desk()
    secret = {"FHIR_RPM_CLIENT_SECRET": "a:b/c d+é"}
    _credentials(desk, environ=secret, client_id="app 1").header(False)
    assert desk.basic == [("app+1", "a%3Ab%2Fc+d%2B%C3%A9")]
    assert not {"client_id", "client_secret"} & desk.forms[0].keys()


def test_a_secret_goes_in_the_form_where_only_that_is_declared() -> None:
    desk = Desk(token_endpoint_auth_methods_supported=["client_secret_post", "private_key_jwt"])
    _credentials(desk).header(False)
    assert desk.basic == [None]
    assert desk.forms[0] | {"client_id": "app", "client_secret": "s3cret"} == desk.forms[0]
    both = Desk(token_endpoint_auth_methods_supported=["client_secret_post", "client_secret_basic"])
    _credentials(both).header(False)
    assert both.basic == [("app", "s3cret")]


def test_basic_reaches_the_wire_and_no_bearer_token_does() -> None:
    def handle(seen: Seen) -> Reply:
        return Reply(200, {"access_token": "t", "expires_in": 1} if seen.method == "POST" else {"token_endpoint": url})

    with Hostile(handle) as server:
        url = f"{server.base}/token"
        door = Transport(server.base)
        credentials = ClientCredentials(settings(base_url=server.base), door)
        door.authorize = credentials.header
        for _ in range(2):
            credentials.header(True)
        headers = [seen.headers["Authorization"] for seen in server.seen if seen.method == "POST"]
    assert headers == ["Basic " + base64.b64encode(b"app:s3cret").decode()] * 2


@pytest.mark.parametrize("url", ["http://login.example.org/token", "http://127.0.0.1.example.org/token"])
def test_credentials_never_travel_in_clear(url: str) -> None:
    for desk, values in ((Desk(token_endpoint=url), {}), (Desk(), {"token_url": url})):
        with pytest.raises(AccessError, match="plain http"):
            _credentials(desk, **values).header(False)
        assert desk.forms == []
    trusted = Desk(token_endpoint=url)
    assert _credentials(trusted, allow_http=True).header(False) == "Bearer t1"


def test_a_token_endpoint_on_another_host_is_normal() -> None:
    desk = Desk()
    _credentials(desk).header(False)
    assert desk.urls == [TOKEN_URL]


def test_the_token_endpoints_redirects_are_not_followed(tmp_path: Path) -> None:
    with Hostile(lambda seen: granted_reply()) as stranger:

        def handle(seen: Seen) -> Reply:
            return Reply(307, None, {"Location": f"{stranger.base}/token"})

        with Hostile(handle) as server:
            values = {"base_url": server.base, "token_url": f"{server.base}/token", "vendor": "epic"}
            key = write_key(tmp_path)
            with pytest.raises(AccessError, match="redirect"):
                ClientCredentials(settings(private_key=key, **values), Transport(server.base)).header(False)
        assert stranger.seen == []


def granted_reply() -> Reply:
    return Reply(200, {"access_token": "t", "token_type": "bearer"})


# --- Scopes


def test_scopes_are_asked_by_the_vendors_file_and_the_users_setting_wins() -> None:
    for vendor, values, first in (
        ("epic", {}, None),
        ("oracle", {}, "system/Patient.rs"),
        ("medplum", {}, None),
        ("generic", {}, "system/Patient.rs"),
        ("epic", {"scopes": "system/Patient.read"}, "system/Patient.read"),
        ("oracle", {"scopes": ""}, None),
    ):
        desk = Desk()
        _credentials(desk, vendor=vendor, **values).header(False)
        scope = desk.forms[0].get("scope")
        assert (scope.split()[0] if scope is not None else None) == first, vendor


def test_a_refused_spelling_is_followed_by_the_next_and_remembered() -> None:
    def reply(number: int, form: dict[str, str]) -> Answer:
        return granted() if form.get("scope") == "system/*.rs" else answer(400, {"error": "invalid_scope"})

    desk, clock = Desk(reply), Clock()
    credentials = _credentials(desk, clock)
    credentials.header(False)
    assert [form.get("scope", "")[:17] for form in desk.forms][-1] == "system/*.rs"
    before = len(desk.forms)
    clock.now += 400
    credentials.header(False)
    assert len(desk.forms) == before + 1


def test_a_scope_of_the_users_own_is_not_replaced() -> None:
    desk = Desk(lambda _number, _form: answer(400, {"error": "invalid_scope"}))
    with pytest.raises(AccessError, match=r"invalid_scope.*registered"):
        _credentials(desk, scopes="system/Foo.rs").header(False)
    assert len(desk.forms) == 1


def test_a_session_that_only_reads_does_not_ask_to_write() -> None:
    desk = Desk()
    _credentials(desk, write_access=False, vendor="oracle").header(False)
    assert "DocumentReference.c" not in desk.forms[0]["scope"].split("system/")
    assert "system/DocumentReference.rs" in desk.forms[0]["scope"].split()
    writing = Desk()
    _credentials(writing, vendor="oracle").header(False)
    assert "system/DocumentReference.c" in writing.forms[0]["scope"].split()


def test_what_was_granted_is_read_back() -> None:
    desk = Desk(lambda _number, _form: granted(scope="system/Encounter.read"))
    credentials = _credentials(desk)
    assert credentials.granted is None
    credentials.header(False)
    assert credentials.granted is not None
    assert credentials.granted.allows("Encounter", "search") is True
    assert credentials.granted.lacks("Observation", "read")


# --- One token for all threads


def _together(work: Callable[[], object]) -> list[object]:
    gate = threading.Barrier(THREADS)

    def run() -> object:
        gate.wait(timeout=10)
        try:
            return work()
        except (AccessError, UnavailableError) as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return [job.result(timeout=20) for job in [pool.submit(run) for _ in range(THREADS)]]


def test_many_threads_share_one_request_at_first_use() -> None:
    desk = Desk()
    credentials = _credentials(desk)
    assert set(_together(lambda: credentials.header(False))) == {"Bearer t1"}
    assert len(desk.forms) == 1


def test_many_threads_share_one_request_at_expiry() -> None:
    desk, clock = Desk(), Clock()
    credentials = _credentials(desk, clock)
    credentials.header(False)
    clock.now += 300
    assert set(_together(lambda: credentials.header(False))) == {"Bearer t2"}
    assert len(desk.forms) == 2


def test_many_threads_that_see_a_401_share_one_request() -> None:
    desk = Desk()
    credentials = _credentials(desk)
    gate = threading.Barrier(THREADS)

    def refused_then_fresh() -> object:
        first = credentials.header(False)
        gate.wait(timeout=10)
        return first, credentials.header(True)

    assert set(_together(refused_then_fresh)) == {("Bearer t1", "Bearer t2")}
    assert len(desk.forms) == 2


def test_a_thread_that_comes_late_with_its_401_takes_the_token_that_is_there() -> None:
    desk = Desk()
    credentials = _credentials(desk)
    got: list[str | None] = []
    old_seen, renewed = threading.Event(), threading.Event()

    def late() -> None:
        got.append(credentials.header(False))
        old_seen.set()
        renewed.wait(timeout=10)
        got.append(credentials.header(True))

    thread = threading.Thread(target=late)
    thread.start()
    old_seen.wait(timeout=10)
    credentials.header(False)
    credentials.header(True)
    renewed.set()
    thread.join(timeout=10)
    assert got == ["Bearer t1", "Bearer t2"]
    assert len(desk.forms) == 2


class _Queue:
    """A lock that tells when all threads stand before it or within."""

    def __init__(self) -> None:
        self.full = threading.Event()
        self._lock = threading.Lock()
        self._count = threading.Semaphore(THREADS - 1)

    def __enter__(self) -> None:
        if not self._count.acquire(blocking=False):
            self.full.set()
        self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


def test_threads_that_waited_share_a_failure_instead_of_each_making_its_own() -> None:
    lock = _Queue()

    def reply(_number: int, _form: dict[str, str]) -> Answer:
        lock.full.wait(timeout=10)
        return answer(401, {"error": "invalid_client"})

    desk = Desk(reply)
    credentials = _credentials(desk)
    credentials._lock = lock  # type: ignore[assignment]
    failures = _together(lambda: credentials.header(False))
    assert all(isinstance(failure, AccessError) for failure in failures)
    assert len(set(map(id, failures))) == THREADS
    assert len({str(failure) for failure in failures}) == 1
    assert len(desk.forms) == 1
    with pytest.raises(AccessError):
        credentials.header(False)
    assert len(desk.forms) == 2


# --- How long a token lives


@pytest.mark.parametrize(
    ("expires_in", "fresh_until"),
    [(570, 540), ("570", 540), (3600, 3570), (40, 30), (None, 270), ("soon", 270), (0, 270), (-5, 270), (True, 270),
     (1e308, 43170), ("inf", 43170), ("nan", 270), ([300], 270), (10**400, 270)],
)  # fmt: skip
def test_a_token_is_renewed_before_it_ends(expires_in: object, fresh_until: float) -> None:
    desk, clock = Desk(lambda number, _form: granted(f"t{number}", expires_in=expires_in)), Clock()
    if expires_in is None:
        desk = Desk(lambda number, _form: answer(200, {"access_token": f"t{number}", "token_type": "bearer"}))
    credentials = _credentials(desk, clock)
    credentials.header(False)
    clock.now = NOW + fresh_until - 1
    assert credentials.header(False) == "Bearer t1"
    clock.now = NOW + fresh_until
    assert credentials.header(False) == "Bearer t2"


# --- Refusals


def test_a_401_in_mid_run_renews_once_and_a_second_is_an_access_error() -> None:
    def handle(seen: Seen) -> Reply:
        if seen.method == "POST":
            return granted_reply()
        return Reply(200, {"token_endpoint": f"{server.base}/token"}) if "smart" in seen.path else Reply(401, {})

    with Hostile(handle) as server:
        session = EhrSession.open(settings(base_url=server.base))
        for _ in range(3):
            with pytest.raises(AccessError, match="401"):
                session.search("Encounter", {"patient": "p"})
        asked = [seen for seen in server.seen if seen.method == "POST"]
    assert len(asked) == 2


def test_a_token_refused_long_after_its_renewal_is_renewed_again() -> None:
    desk, clock = Desk(lambda number, _form: granted(f"t{number}", expires_in=3600)), Clock()
    credentials = _credentials(desk, clock)
    assert [credentials.header(fresh) for fresh in (False, True, True)] == ["Bearer t1", "Bearer t2", None]
    clock.now += 61
    assert credentials.header(True) == "Bearer t3"


def test_epics_bare_400_is_asked_once_more_with_a_new_assertion(tmp_path: Path) -> None:
    path = write_key(tmp_path)
    desk = Desk(lambda number, _form: answer(400) if number == 1 else granted())
    assert _credentials(desk, vendor="epic", private_key=path).header(False) == "Bearer t1"
    assert len({form["client_assertion"] for form in desk.forms}) == 2
    for vendor, times in (("epic", 2), ("generic", 1)):
        stubborn = Desk(lambda _number, _form: answer(400, {"error": "invalid_client"}))
        with pytest.raises(AccessError, match="invalid_client"):
            _credentials(stubborn, vendor=vendor, private_key=path).header(False)
        assert len(stubborn.forms) == times


@pytest.mark.parametrize(("seconds", "says"), [(90, "90 seconds ahead of"), (-3600, "3600 seconds behind"), (50, None)])
def test_clocks_that_differ_are_named_in_the_remedy(seconds: int, says: str | None) -> None:
    from email.utils import formatdate

    date = formatdate(NOW - seconds, usegmt=True)
    desk = Desk(lambda _number, _form: answer(401, {"error": "invalid_client"}, Date=date))
    with pytest.raises(AccessError) as caught:
        _credentials(desk).header(False)
    assert ("clock is" in caught.value.remedy) is (says is not None)
    assert (says or "") in caught.value.remedy


def test_what_the_server_declares_against_our_way_is_said_after_a_refusal(tmp_path: Path) -> None:
    declared = {
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384"],
    }
    desk = Desk(lambda _number, _form: answer(401, {"error": "invalid_client"}), **declared)
    with pytest.raises(AccessError, match=r"private_key_jwt.*ES384"):
        _credentials(desk, private_key=write_key(tmp_path)).header(False)


def test_with_a_token_url_discovery_may_fail() -> None:
    desk = Desk()
    desk.documents.clear()
    assert _credentials(desk, token_url="https://other.example.org/t").header(False) == "Bearer t1"
    assert desk.urls == ["https://other.example.org/t"]
