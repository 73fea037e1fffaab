"""One exchange: bounded in time and size, certificates always verified, and each breakage named without a query."""

import contextlib
import gzip
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fhir_rpm.client.clock import Clock
from fhir_rpm.client.wire import Answer, Failure, Tls, Wire, WireOptions
from fhir_rpm.errors import ConfigurationError, UnavailableError
from tests.hostile import Hostile, Reply
from tests.sockets import OK, RawServer, certificate, closed_port, tls

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def _no_proxy_and_no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _get(url: str, **options: Any) -> Answer:
    wire = Wire(WireOptions(**{"connect": 2, "read": 2, "total": 2, **options}), Clock())
    try:
        return wire.exchange("GET", url, {}, known=True)
    finally:
        wire.close()


def _failure(url: str, **options: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        _get(url, **options)
    told = f"{caught.value} {caught.value.told!r}"
    assert "canary" not in told
    assert "?" not in told
    return caught.value


# Bounds


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"\r\n", b"x"),
        (HEAD, b"X-Drip: 1\r\n"),
        (HEAD + b"X-Long: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 2", b"0"),
    ],
    ids=["body", "chunks", "until closed", "headers", "one header", "continues", "status"],
)
def test_whatever_drips_ends_at_the_total(start: bytes, piece: bytes) -> None:
    def talk(connection: Any, _head: bytes) -> None:
        connection.sendall(start)
        server.drip(connection, piece)

    with RawServer(talk) as server:
        began = time.monotonic()
        failure = _failure(f"{server.base}/x?name=canary", total=0.3)
        assert time.monotonic() - began < 2  # the read timeout alone would never end it
    assert failure.passing


def test_tls_that_drips_ends_at_the_total(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "server")

    def talk(connection: Any, _head: bytes) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        server.drip(connection, b"x")

    with RawServer(talk, tls(cert, key)) as server:
        began = time.monotonic()
        assert _failure(f"{server.base}/x", total=0.4, tls=Tls(cert)).passing
        assert time.monotonic() - began < 2


def test_silence_ends_at_the_total_when_that_is_shorter() -> None:
    def talk(connection: Any, _head: bytes) -> None:
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\nx")
        connection.recv(1)

    with RawServer(talk) as server:
        began = time.monotonic()
        assert _failure(f"{server.base}/x", read=4, total=0.2).passing
        assert time.monotonic() - began < 3


def test_silence_ends_at_the_read_timeout() -> None:
    with RawServer(lambda connection, _head: connection.recv(1)) as server:
        failure = _failure(f"{server.base}/x?name=canary", read=0.1)
    assert (failure.passing, failure.sent) == (True, True)
    assert "Timeout" in str(failure)


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_beyond_the_cap_is_cut_off_after_decompression(packed: bool) -> None:
    body = b" " * 5_000_000
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with Hostile(lambda seen: Reply(200, gzip.compress(body) if packed else body, headers)) as server:
        assert len(_get(f"{server.base}/x", max_bytes=5_000_000).body) == 5_000_000
        failure = _failure(f"{server.base}/x", max_bytes=4_999_999)
        assert (failure.passing, failure.sent) == (False, True)
        assert "max_response_bytes" in str(failure)


def test_a_bomb_is_not_unpacked_beyond_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = gzip.compress(b"\0" * 50_000_000, 9)
    unpacked = 0

    class Counting(bytearray):
        def __iadd__(self, more: Any) -> "Counting":
            nonlocal unpacked
            unpacked += len(more)
            return super().__iadd__(more)

    monkeypatch.setattr("fhir_rpm.client.wire.bytearray", Counting, raising=False)
    with Hostile(lambda seen: Reply(200, inner, {"Content-Encoding": "gzip"})) as server:
        _failure(f"{server.base}/x", max_bytes=1_000_000)
    assert 1_000_000 < unpacked < 10_000_000


def test_gzip_is_asked_for_and_unpacked() -> None:
    body = gzip.compress(b'{"ok": true}')
    with Hostile(lambda seen: Reply(200, body, {"Content-Encoding": "gzip"})) as server:
        assert _get(f"{server.base}/x").json() == {"ok": True}
        assert server.seen[0].headers["Accept-Encoding"] == "gzip"


# Breakages


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        HEAD + b"Content-Length: 50\r\n\r\nhello",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        HEAD + b"X: y\r\n" * 200 + b"\r\n",
        HEAD + b"X: " + b"y" * 70000 + b"\r\n\r\n",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_a_malformed_answer_is_an_error_of_ours(sent: bytes) -> None:
    with RawServer(sent) as server:
        failure = _failure(f"{server.base}/x?name=canary")
    assert isinstance(failure.told, UnavailableError)
    assert failure.sent


@pytest.mark.parametrize(
    "headers",
    [
        b"no colon here\r\nContent-Length: 2\r\n",
        b"Content-Length: two\r\n",
        b": empty\r\nContent-Length: 2\r\n",
        b"X-Bytes: \xff\xfe\x00\r\nContent-Length: 2\r\n",
        b"Content-Encoding: made-up\r\nContent-Length: 2\r\n",
        b"Content-Type: text/html; charset=\xff\r\nContent-Length: 2\r\n",
        b"Set-Cookie: \xff=;;;;; expires=never\r\nContent-Length: 2\r\n",
        b"Location: \xff\xfe\r\nContent-Length: 2\r\n",
    ],
)
def test_odd_headers_are_no_error_and_are_not_logged(headers: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with RawServer(HEAD + headers + b"\r\n{}") as server:
        assert _get(f"{server.base}/x?name=canary").status == 200
    assert "canary" not in caplog.text
    assert "no colon here" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/x?name=canary",
        "http://a..b/x?name=canary",
        "http://.example/x?name=canary",
        f"http://{'a' * 70}.example/x?name=canary",
        "http://*/x?name=canary",
        "http://h:99999/x?name=canary",
        "http://h:port/x?name=canary",
        "ftp://h/x?name=canary",
        "Patient/p1?name=canary",
        "",
        "http://user:canary@[/",
        "http://\ud800/x",
    ],
)
def test_an_address_that_cannot_be_used_is_an_error_of_ours(url: str) -> None:
    failure = _failure(url)
    assert not failure.passing


def test_nobody_there_is_known_to_be_before_anything_was_sent() -> None:
    with closed_port() as base:
        failure = _failure(f"{base}/x?name=canary")
    assert (failure.passing, failure.sent) == (True, False)


def test_a_name_nobody_knows_is_known_to_be_before_anything_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = _failure("http://no-such-host.invalid/x?name=canary")
    assert (failure.passing, failure.sent) == (True, False)


# TLS


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certs")
    found = {}
    for name in ("server", "client"):
        found[name], found[f"{name}_key"] = certificate(folder, name)
    return found


@pytest.fixture
def secured(certs: dict[str, Path]) -> Iterator[RawServer]:
    with RawServer(OK, tls(certs["server"], certs["server_key"])) as server:
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_remedy(secured: RawServer) -> None:
    failure = _failure(f"{secured.base}/x?name=canary")
    assert isinstance(failure.told, ConfigurationError)
    assert (failure.passing, failure.sent) == (False, False)
    assert "ca_bundle" in str(failure)
    assert secured.heads == []


def test_a_ca_bundle_is_trusted(secured: RawServer, certs: dict[str, Path]) -> None:
    assert _get(f"{secured.base}/x", tls=Tls(certs["server"])).json() == {"ok": True}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_is_trusted(
    secured: RawServer, certs: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(certs["server"]))
    assert _get(f"{secured.base}/x").json() == {"ok": True}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_empty_bundle_of_the_environment_does_not_switch_verification_off(
    secured: RawServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "")
    assert "not trusted" in str(_failure(f"{secured.base}/x"))
    assert secured.heads == []


def test_our_bundle_comes_before_the_environments(
    secured: RawServer, certs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certs["server"]))
    assert "not trusted" in str(_failure(f"{secured.base}/x", tls=Tls(certs["client"])))


def test_a_bundle_that_is_not_there_is_an_error_of_ours(secured: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    failure = _failure(f"{secured.base}/x")
    assert isinstance(failure.told, ConfigurationError)
    assert "REQUESTS_CA_BUNDLE" in str(failure)


def test_a_server_that_asks_for_a_certificate_gets_ours(certs: dict[str, Path]) -> None:
    context = tls(certs["server"], certs["server_key"], certs["client"])
    with RawServer(OK, context) as server:
        ours = Tls(certs["server"], certs["client"], certs["client_key"])
        assert _get(f"{server.base}/x", tls=ours).json() == {"ok": True}
        assert "client_cert" in str(_failure(f"{server.base}/x", tls=Tls(certs["server"])))


def test_a_stranger_is_not_shown_our_certificate(certs: dict[str, Path]) -> None:
    context = tls(certs["server"], certs["server_key"])
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(certs["client"])
    shown = []

    def talk(connection: Any, _head: bytes) -> None:
        shown.append(connection.getpeercert())
        connection.sendall(OK)

    ours = Tls(certs["server"], certs["client"], certs["client_key"])
    with RawServer(talk, context) as server:
        for known in (True, False):
            wire = Wire(WireOptions(tls=ours), Clock())
            wire.exchange("GET", f"{server.base}/x", {}, known=known)
            wire.close()
    assert [bool(cert) for cert in shown] == [True, False]


def test_plain_http_at_an_https_address_is_named() -> None:
    with Hostile(lambda seen: Reply(200, {})) as server:
        failure = _failure(server.base.replace("http:", "https:"))
    assert "speaks no TLS" in str(failure)
    assert (failure.passing, failure.sent) == (False, False)


def test_a_key_with_a_passphrase_is_refused_and_asks_nobody(certs: dict[str, Path], tmp_path: Path) -> None:
    key = load_pem_private_key(certs["client_key"].read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    with pytest.raises(ConfigurationError, match="client_cert"):
        Tls(None, certs["client"], locked).check()
    Tls(certs["server"], certs["client"], certs["client_key"]).check()


# Proxies


def test_a_proxy_is_used_and_its_credentials_are_told_to_nobody_else() -> None:
    with RawServer(OK) as proxy:
        options = WireOptions(proxy=f"http://user:canary-password@{proxy.address}")
        wire = Wire(options, Clock())
        assert wire.exchange("GET", "http://ehr.invalid/x", {}, known=True).json() == {"ok": True}
        wire.close()
    assert proxy.heads[0].startswith(b"GET http://ehr.invalid/x ")
    assert b"Proxy-Authorization: Basic" in proxy.heads[0]
    assert "canary" not in f"{options!r} {wire!r}"


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(OK) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        assert _get("http://ehr.invalid/x").status == 200


@pytest.mark.parametrize(
    ("answer", "remedy", "passing"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "FHIR_RPM_PROXY", False),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "try again", True),
    ],
)
def test_a_proxy_that_refuses_a_tunnel_is_named_without_its_credentials(
    answer: bytes, remedy: str, passing: bool
) -> None:
    with RawServer(answer) as proxy:
        failure = _failure("https://ehr.invalid/x?name=canary", proxy=f"http://user:canary@{proxy.address}")
    assert remedy in str(failure)
    assert (failure.passing, failure.sent) == (passing, False)
    assert proxy.heads[0].startswith(b"CONNECT ehr.invalid:443 ")


def test_a_proxy_that_drips_ends_at_the_total() -> None:
    def talk(connection: Any, _head: bytes) -> None:
        connection.sendall(HEAD)
        proxy.drip(connection, b"X: 1\r\n")

    with RawServer(talk) as proxy:
        began = time.monotonic()
        _failure("https://ehr.invalid/x", proxy=f"http://{proxy.address}", total=0.3)
        assert time.monotonic() - began < 2


def test_a_proxy_that_is_down_is_before_anything_was_sent() -> None:
    with closed_port() as base:
        failure = _failure("https://ehr.invalid/x", proxy=base.removesuffix("/r4"))
    assert (failure.passing, failure.sent) == (True, False)


def test_a_kind_of_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:canary@127.0.0.1:9")
    assert "proxy" in str(_failure("http://ehr.invalid/x"))


# JSON


def _json(body: bytes, kind: str = "application/fhir+json") -> Any:
    return Answer(200, {"Content-Type": kind}, body).json()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"a": "½"}'.encode(), {"a": "½"}),
        (b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": -1e999}', {"a": None, "b": None, "c": None, "d": None}),
        (b'{"a": 12.50, "b": 19.15}', {"a": 12.5, "b": 19.15}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": "cut \\ud83d", "b": ["\\ude00 \\ud83d\\ude00"]}', {"a": "cut \ufffd", "b": ["\ufffd 😀"]}),
    ],
)
def test_json_is_read_tolerantly(body: bytes, value: object) -> None:
    assert _json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b"[]",
        b"null",
        b'"x"',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b'{"entry": [1], "entry": []}',
        b'{"link": [], "x": {"link": 1, "link": 2}}',
    ],
)
def test_what_is_no_json_object_is_none(body: bytes) -> None:
    assert _json(body) is None


def test_of_a_key_that_loses_no_entries_the_last_counts() -> None:
    body = b'{"a": 1, "a": 2, "entry": [{"link": 1}, {"link": {"entry": 2}}]}'
    assert _json(body) == {"a": 2, "entry": [{"link": 1}, {"link": {"entry": 2}}]}


def test_another_charset_is_read_when_it_is_named_and_utf_8_fails() -> None:
    latin = '{"a": "é"}'.encode("latin-1")
    assert _json(latin, "application/json; charset=ISO-8859-1") == {"a": "é"}
    assert _json('{"a": "é"}'.encode(), "application/json; charset=ISO-8859-1") == {"a": "é"}
    assert _json(latin, "application/json; charset=no-such") is None
    assert _json(latin) is None


def test_a_body_is_in_no_representation() -> None:
    assert "canary" not in repr(Answer(200, {}, b"canary"))


def test_a_recorder_of_exchanges_is_not_bypassed() -> None:
    vcr = pytest.importorskip("vcr")
    with Hostile(lambda seen: Reply(200, {"ok": True})) as server:
        cassette = vcr.cassette.Cassette("in-memory", record_mode=vcr.record_mode.RecordMode.NONE)
        with contextlib.ExitStack() as stack:
            for patcher in vcr.patch.CassettePatcherBuilder(cassette).build():
                stack.enter_context(patcher)
            with pytest.raises(Exception, match="Can't play back"):
                _get(f"{server.base}/x")
        assert server.seen == []
