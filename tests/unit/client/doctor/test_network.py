"""The way there: name, port, certificate, proxy."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fhir_rpm.client.doctor import network
from tests.unit.client.doctor.ehr import Ehr, examined, exit_code, no_such_name
from tests.unit.client.doctor.secure import Secure, Tunnel


def test_a_name_that_does_not_resolve_is_named_and_all_that_needs_it_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network.socket, "getaddrinfo", no_such_name)
    steps = examined("https://ehr.example.org/r4", "p1")
    assert (steps["dns"].cause, exit_code(steps)) == ("name_unknown", 4)
    assert {steps[name].status for name in ("tls", "metadata", "token", "read Patient", "paging")} == {"skipped"}


def test_a_closed_port_is_named() -> None:
    with Ehr() as server:
        base = server.base
    assert examined(base)["dns"].cause == "connection_refused"


def test_a_proxy_of_the_environment_resolves_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    steps = examined("https://ehr.example.org/r4")
    assert steps["dns"].status == "skipped"
    assert steps["tls"].cause == "no_answer"


def test_a_certificate_of_the_sites_own_ca_is_taken_with_ca_bundle(issue: Callable[..., tuple[Path, Path]]) -> None:
    file, ca = issue()
    with Secure(file) as server:
        steps = examined(server.base, "p1", ca_bundle=ca)
    assert steps["tls"].status == "ok", steps["tls"]
    assert steps["metadata"].status == "ok"
    assert exit_code(steps) == 0


@pytest.mark.parametrize(
    ("made", "trusted", "cause"),
    [
        ({"self_signed": True}, False, "tls_self_signed"),
        ({}, False, "tls_unknown_issuer"),
        ({"issuer": "Zscaler Intermediate Root CA"}, False, "tls_intercepted"),
        ({"begins": timedelta(days=-9), "ends": timedelta(hours=-1)}, True, "tls_expired"),
        ({"begins": timedelta(days=1)}, True, "tls_not_yet_valid"),
        ({"host": "other.example.org"}, True, "tls_wrong_host"),
        ({"host": "127.0.0.9"}, True, "tls_wrong_host"),
    ],
)
def test_a_certificate_that_is_refused_is_named(
    issue: Callable[..., tuple[Path, Path]], made: dict[str, Any], trusted: bool, cause: str
) -> None:
    file, ca = issue(**made)
    with Secure(file) as server:
        steps = examined(server.base, "p1", ca_bundle=ca if trusted else None)
        assert not server.seen
    assert steps["tls"].cause == cause
    assert steps["metadata"].status == "skipped"


def test_a_certificate_that_ends_soon_is_warned_of(issue: Callable[..., tuple[Path, Path]]) -> None:
    file, ca = issue(ends=timedelta(days=10))
    with Secure(file) as server:
        steps = examined(server.base, ca_bundle=ca)
    assert (steps["tls"].status, steps["tls"].cause) == ("warning", "tls_expires_soon")
    assert steps["metadata"].status == "ok"


def test_a_port_without_tls_is_named() -> None:
    with Ehr() as server:
        assert examined(server.base.replace("http:", "https:"))["tls"].cause == "not_tls"


def test_the_certificate_is_looked_at_through_the_proxy_of_the_settings(
    issue: Callable[..., tuple[Path, Path]],
) -> None:
    file, ca = issue(host="ehr.example.org")
    with Secure(file) as server, Tunnel(urlsplit(server.base).port or 0) as tunnel:
        steps = examined("https://ehr.example.org/r4", "p1", proxy=tunnel.url, ca_bundle=ca)
        untrusted = examined("https://ehr.example.org/r4", proxy=tunnel.url)
    assert {line.split()[1] for line in tunnel.asked} == {b"ehr.example.org:443"}
    assert (steps["dns"].status, steps["tls"].status) == ("skipped", "ok")
    assert steps["read Patient"].status == "ok"
    assert untrusted["tls"].cause == "tls_unknown_issuer"
