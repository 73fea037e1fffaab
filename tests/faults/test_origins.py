"""A token stays with its origin, under real names and TLS: whatever a link says, and whoever holds a certificate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.ehr import BASE, CANARIES, PATIENTS, Reply, Request
from tests.faults.kinds import What, Where, linked, page, read, redirect, token
from tests.faults.run import Ran, Runner, app_folder
from tests.faults.server import FaultServer, Listener, stranger
from tests.faults.tls import authority, network

EHR = "https://ehr.example.org"


@dataclass(frozen=True)
class Net:
    """Two strangers, one behind TLS and one in plain, on a network with names."""

    folder: Path
    tls: Listener
    plain: Listener
    serve: Callable[[Callable[[Request, Reply, FaultServer], Reply]], FaultServer]

    @property
    def heard(self) -> list[Request]:
        """All that strangers heard."""
        return [*self.tls.seen, *self.plain.seen]


@pytest.fixture
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    folder = app_folder(tmp_path_factory.mktemp("origins"))
    _, context = authority(folder, "ehr.example.org", "ehr.example.org.evil.example", "evil.example", "localhost")
    with stranger(context) as tls, stranger() as plain:
        yield Net(folder, tls, plain, lambda spoil: FaultServer("epic", spoil, context, EHR))


def _to(target: str) -> Callable[[Request, FaultServer], str]:
    return lambda request, server: server.ehr.link(request, 2).replace(EHR, target)


SAME = {
    "as_it_is": EHR,
    "with_the_port": f"{EHR}:443",
    "in_capitals": "HTTPS://EHR.EXAMPLE.ORG",
    "port_empty": f"{EHR}:",
}
FOREIGN = {
    "another_host": "https://evil.example",
    "another_port": f"{EHR}:8443",
    "plain_http_at_443": "http://ehr.example.org:443",
    "user_of_another_host": "https://ehr.example.org@evil.example",
    "user_and_password": "https://ehr.example.org:443@evil.example",
    "longer_host": "https://ehr.example.org.evil.example",
    "backslash": "https://evil.example\\@ehr.example.org",
    "another_host_after_a_space": "https://evil.example /",
    "fragment": "https://evil.example#@ehr.example.org",
    "no_scheme": "//evil.example",
}


Spoil = Callable[[Request, Reply, FaultServer], Reply]


@pytest.fixture
def run(net: Net, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Spoil], Ran]:
    def work(spoil: Spoil) -> Ran:
        with net.serve(spoil) as server:
            ports = {("ehr.example.org", 443): server.port}
            otherwise = {443: net.tls.port, 8443: net.tls.port, 80: net.plain.port}
            monkeypatch.setattr("urllib3.util.connection.create_connection", network(ports, otherwise))
            return Runner(net.folder, request).run(
                server, "epic", base_url=f"{EHR}{BASE}", more='ca_bundle = "ca.pem"\n'
            )

    return work


def _spoilt(where: Where, what: What) -> Spoil:
    return lambda request, reply, server: what(request, reply, server) if where(request) else reply


@pytest.mark.parametrize("origin", SAME.values(), ids=SAME)
def test_a_link_to_the_own_origin_is_followed_however_it_is_written(
    run: Callable[[Spoil], Ran], net: Net, origin: str
) -> None:
    ran = run(_spoilt(page("Encounter", 1), linked(_to(origin))))
    assert ran.code == 0, ran.said
    assert {record["status"] for record in ran.records.values()} == {"ready", "not_met"}
    assert net.heard == []


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("how", ["next", "redirect", "redirect_of_a_body"])
def test_no_token_goes_where_it_does_not_belong(run: Callable[[Spoil], Ran], net: Net, origin: str, how: str) -> None:
    what = {
        "next": (page("Encounter", 1), linked(_to(origin))),
        "redirect": (page("Encounter", 1), redirect(307, _to(origin))),
        "redirect_of_a_body": (read("Binary"), redirect(307, lambda request, server: origin + request.path)),
    }
    ran = run(_spoilt(*what[how]))
    assert ran.code == 4
    assert len(ran.records) == len(PATIENTS["epic"])
    assert any(record["assessment"]["gaps"] for record in ran.records.values())
    _hears_nothing(net)
    assert not [canary for canary in CANARIES if canary in ran.said]


@pytest.mark.parametrize("origin", FOREIGN.values(), ids=FOREIGN)
def test_an_assertion_is_not_carried_along_by_a_redirect(run: Callable[[Spoil], Ran], net: Net, origin: str) -> None:
    ran = run(_spoilt(token, redirect(307, lambda request, server: f"{origin}/token")))
    assert ran.code in (4, 5)
    assert ran.records == {}
    _hears_nothing(net)


def _hears_nothing(net: Net) -> None:
    heard = "\n".join(request.told for request in net.heard)
    assert not [secret for secret in ("Authorization", "canary-token", "client_assertion", "eyJ") if secret in heard]
