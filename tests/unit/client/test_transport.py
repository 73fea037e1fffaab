"""The one door: retries of reads within a budget, writes once, redirects, and secrets that stay with their origin."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from fhir_rpm.client import retries, transport
from fhir_rpm.client.politeness import Pace, QuietHours
from fhir_rpm.client.retries import ComeBackError, RetryPolicy
from fhir_rpm.client.transport import Transport, open_transport, same_origin
from fhir_rpm.client.wire import WireOptions
from fhir_rpm.config import load_settings
from fhir_rpm.errors import ConfigurationError, FhirRpmError, UnavailableError, WriteUncertainError
from tests.clock import FakeClock
from tests.hostile import Hostile, Reply, Seen
from tests.sockets import OK, RawServer, closed_port

CANARY = "canary-token-5f1b"
NOTE = {"resourceType": "DocumentReference", "description": "canary-note"}


def _transport(base: str, fake: FakeClock | None = None, **more: object) -> Transport:
    door = Transport(base, (2, 2), clock=(fake or FakeClock()).clock, **more)  # type: ignore[arg-type]
    door.authorize = lambda fresh: None if fresh else f"Bearer {CANARY}"
    return door


def _in_turn(*replies: Reply) -> Callable[[Seen], Reply]:
    waiting = list(replies)
    return lambda _seen: waiting.pop(0) if len(waiting) > 1 else waiting[0]


# Retries of reads


@pytest.mark.parametrize(
    "first", [Reply(429, None), Reply(502, None), Reply(503, None), Reply(504, None), Reply(cut=True)]
)
def test_what_may_pass_is_tried_again(first: Reply) -> None:
    fake = FakeClock()
    with Hostile(_in_turn(first, Reply(200, {"ok": True}))) as server:
        assert _transport(server.base, fake).get(f"{server.base}/x").json() == {"ok": True}
        assert len(server.seen) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 406, 408, 410, 500, 501])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    with Hostile(_in_turn(Reply(status, None))) as server:
        assert _transport(server.base).get(f"{server.base}/x").status == status
        assert len(server.seen) == 1


def test_attempts_are_bounded() -> None:
    with Hostile(_in_turn(Reply(503, None))) as server:
        assert _transport(server.base, retries=RetryPolicy(attempts=3)).get(f"{server.base}/x").status == 503
        assert len(server.seen) == 3


def test_the_time_of_attempts_counts_against_the_budget() -> None:
    fake = FakeClock()

    def slow(_seen: Seen) -> Reply:
        fake.pass_by(70)
        return Reply(503, None)

    with Hostile(slow) as server:
        assert _transport(server.base, fake).get(f"{server.base}/x").status == 503
        assert len(server.seen) == 2


def test_retry_after_is_a_floor() -> None:
    fake = FakeClock()
    with Hostile(_in_turn(Reply(503, None, {"Retry-After": "30"}), Reply(200, {}))) as server:
        assert _transport(server.base, fake).get(f"{server.base}/x").status == 200
    assert 30 <= sum(fake.waits) <= 31


def test_a_longer_retry_after_than_the_cap_ends_it_and_later_requests_send_nothing() -> None:
    fake = FakeClock(now=1_778_760_000)  # 2026-05-14 12:00 UTC
    with Hostile(_in_turn(Reply(429, None, {"Retry-After": "18000"}), Reply(200, {}))) as server:
        door = _transport(server.base, fake)
        for send in (lambda: door.get(f"{server.base}/x"), lambda: door.post(f"{server.base}/x", NOTE, {}), door.ready):
            with pytest.raises(ComeBackError, match="2026-05-14 17:00 UTC"):
                send()
        assert (len(server.seen), fake.waits) == (1, [])
        fake.pass_by(18001)
        assert door.get(f"{server.base}/x").status == 200


def test_a_second_429_without_a_word_waits_for_the_full_minute() -> None:
    fake = FakeClock(now=1_778_760_000 + 20)
    with Hostile(_in_turn(Reply(429, None), Reply(429, None), Reply(200, {}))) as server:
        assert _transport(server.base, fake).get(f"{server.base}/x").status == 200
    assert fake.clock.now() >= 1_778_760_000 + 60


def test_429_slows_the_requests_after_it() -> None:
    fake = FakeClock()
    pace = Pace(concurrency=8, clock=fake.clock)
    with Hostile(_in_turn(Reply(429, None, {"Retry-After": "1"}), Reply(200, {}))) as server:
        _transport(server.base, fake, pace=pace).get(f"{server.base}/x")
    assert pace.allowed < 8
    assert pace.rate is not None


def test_a_dead_server_costs_a_run_minutes_and_not_hours() -> None:
    fake = FakeClock()
    with closed_port() as base:
        door = _transport(base, fake)
        attempts = 0
        for _ in range(1000):
            before = len(fake.waits)
            with pytest.raises(UnavailableError):
                door.get(f"{base}/Patient/p")
            attempts += len(fake.waits) - before
    assert attempts < 40
    assert sum(fake.waits) < 900


def test_a_short_outage_loses_few_patients() -> None:
    fake = FakeClock()

    def down_for_90_seconds(_seen: Seen) -> Reply:
        return Reply(cut=True) if fake.clock.monotonic() < 90 else Reply(200, {})

    lost = 0
    with Hostile(down_for_90_seconds) as server:
        door = _transport(server.base, fake)
        for _ in range(100):
            try:
                door.get(f"{server.base}/x")
            except UnavailableError:
                lost += 1
    assert 0 < lost <= 6


def test_a_form_is_tried_again_for_a_second_token_does_no_harm() -> None:
    with Hostile(_in_turn(Reply(cut=True), Reply(200, {"access_token": "t"}))) as server:
        assert _transport(server.base).form(f"{server.base}/token", {"grant_type": "x"}).status == 200
        assert [seen.method for seen in server.seen] == ["POST", "POST"]


# Writes


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize("status", [200, 400, 403, 409, 412, 429, 500, 502, 503, 504])
def test_a_write_is_sent_once_whatever_the_answer(method: str, status: int) -> None:
    with Hostile(_in_turn(Reply(status, None))) as server:
        assert getattr(_transport(server.base), method)(f"{server.base}/x", NOTE, {}).status == status
        assert [seen.method for seen in server.seen] == [method.upper()]


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize("first", [Reply(cut=True), Reply(200, b"no gzip", {"Content-Encoding": "gzip"})])
def test_a_lost_answer_to_a_write_is_uncertain_and_the_write_is_not_repeated(method: str, first: Reply) -> None:
    with Hostile(_in_turn(first, Reply(201, None))) as server:
        with pytest.raises(WriteUncertainError, match="DocumentReference was lost") as caught:
            getattr(_transport(server.base), method)(f"{server.base}/x", NOTE, {})
        assert len(server.seen) == 1
    assert "canary" not in str(caught.value)


def test_a_write_that_was_refused_for_its_token_is_sent_once_more_with_a_fresh_one() -> None:
    with Hostile(lambda seen: Reply(201 if "new" in seen.headers["Authorization"] else 401, {})) as server:
        door = _transport(server.base)
        door.authorize = lambda fresh: "Bearer new" if fresh else "Bearer old"
        assert door.post(f"{server.base}/x", NOTE, {"If-None-Exist": "identifier=a"}).status == 201
        assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer old", "Bearer new"]
        assert {seen.headers["If-None-Exist"] for seen in server.seen} == {"identifier=a"}


def test_a_fresh_token_that_is_refused_too_ends_a_write() -> None:
    with Hostile(_in_turn(Reply(401, None))) as server:
        door = _transport(server.base)
        door.authorize = lambda fresh: f"Bearer {fresh}"
        assert door.put(f"{server.base}/x", NOTE, {}).status == 401
        assert len(server.seen) == 2


def test_an_answer_lost_after_a_fresh_token_is_uncertain_too() -> None:
    with Hostile(_in_turn(Reply(401, None), Reply(cut=True))) as server:
        door = _transport(server.base)
        door.authorize = lambda fresh: f"Bearer {fresh}"
        with pytest.raises(WriteUncertainError):
            door.post(f"{server.base}/x", NOTE, {})
        assert len(server.seen) == 2


def test_a_write_to_nobody_was_certainly_not_made() -> None:
    with closed_port() as base, pytest.raises(UnavailableError, match="could not be reached"):
        _transport(base).post(f"{base}/x", NOTE, {})


def test_a_write_never_goes_to_another_server() -> None:
    with Hostile(_in_turn(Reply(201, None))) as stranger, Hostile(_in_turn(Reply(201, None))) as server:
        with pytest.raises(UnavailableError, match="nothing was sent"):
            _transport(server.base).put(f"{stranger.base}/x", NOTE, {})
        assert stranger.seen == []


def test_a_redirect_of_a_write_is_not_followed() -> None:
    with Hostile(lambda seen: Reply(307, None, {"Location": "/r4/elsewhere"})) as server:
        assert _transport(server.base).post(f"{server.base}/x", NOTE, {}).status == 307
        assert len(server.seen) == 1


def test_reads_keep_their_connection_and_a_write_has_its_own() -> None:
    def talk(connection, head: bytes) -> None:  # type: ignore[no-untyped-def]
        connection.sendall(OK)
        while connection.recv(65536):
            connection.sendall(OK)

    with RawServer(talk) as server:
        door = _transport(server.base)
        for _ in range(3):
            assert door.get(f"{server.base}/x").json() == {"ok": True}
        assert server.connections == 1
        door.post(f"{server.base}/x", NOTE, {})
        assert server.connections == 2
        door.get(f"{server.base}/x")
        assert server.connections == 2
        door.close()


# Tokens and redirects


def test_a_refused_token_is_renewed_once() -> None:
    with Hostile(lambda seen: Reply(200 if "new" in seen.headers["Authorization"] else 401, {})) as server:
        door = _transport(server.base)
        door.authorize = lambda fresh: "Bearer new" if fresh else "Bearer old"
        assert door.get(f"{server.base}/x").status == 200
        assert len(server.seen) == 2


def test_no_secret_follows_a_redirect_to_another_origin() -> None:
    secrets = {"X-Api-Key": "canary-key"}
    with Hostile(_in_turn(Reply(200, {"ok": True}))) as stranger:
        with Hostile(lambda seen: Reply(307, None, {"Location": f"{stranger.base}/y"})) as server:
            door = _transport(server.base, headers=secrets)
            with pytest.raises(UnavailableError, match="redirects to"):
                door.get(f"{server.base}/x")
            assert door.get_openly(f"{server.base}/x").json() == {"ok": True}
        assert len(stranger.seen) == 1
        for seen in stranger.seen:
            assert "canary" not in f"{seen.headers} {seen.path}"
            assert seen.headers["User-Agent"].startswith("fhir-rpm/")
        assert server.seen[0].headers["Authorization"] == f"Bearer {CANARY}"
        assert server.seen[0].headers["X-Api-Key"] == "canary-key"
        assert "Authorization" not in server.seen[1].headers


def test_no_secret_header_goes_to_a_token_endpoint_elsewhere() -> None:
    with Hostile(_in_turn(Reply(200, {}))) as stranger:
        _transport("http://127.0.0.1:9/r4", headers={"X-Api-Key": "canary-key"}).form(f"{stranger.base}/token", {})
        assert "canary-key" not in str(stranger.seen[0].headers)


def test_redirects_are_taken_from_where_they_stand() -> None:
    def answer(seen: Seen) -> Reply:
        target = {"/r4/Patient/old?a=1": "/r4/Patient/moved/", "/r4/Patient/moved/": "../new"}.get(seen.path)
        return Reply(302, None, {"Location": target}) if target else Reply(200, {"at": seen.path})

    with Hostile(answer) as server:
        answered = _transport(server.base).get(f"{server.base}/Patient/old", params={"a": "1"})
        assert answered.json() == {"at": "/r4/Patient/new"}


def test_redirects_in_a_circle_end() -> None:
    with Hostile(lambda seen: Reply(302, None, {"Location": "/r4/x"})) as server:
        with pytest.raises(UnavailableError, match="More than 3 redirects"):
            _transport(server.base).get(f"{server.base}/x")
        assert len(server.seen) == 1 + transport.MAX_REDIRECTS


@pytest.mark.parametrize(
    "target",
    ["http://[", "ftp://a/b", "file:///etc/passwd", "javascript:1", "http://", "https://a:port/", "http://\x00/"],
)
def test_a_redirect_to_what_is_no_web_address_is_an_error(target: str) -> None:
    with Hostile(lambda seen: Reply(302, None, {"Location": target})) as server, pytest.raises(UnavailableError):
        _transport(server.base).get(f"{server.base}/x")


def test_a_redirect_without_a_target_is_the_answer() -> None:
    with Hostile(_in_turn(Reply(302, None))) as server:
        assert _transport(server.base).get(f"{server.base}/x").status == 302


def test_https_is_never_left_for_http() -> None:
    with Hostile(_in_turn(Reply(200, {}))) as plain:
        door = _transport("https://ehr.example.org/r4")
        for read in (door.get, door.get_openly):
            with pytest.raises(UnavailableError, match="plain http"):
                read(f"{plain.base}/x")
        with pytest.raises(ConfigurationError, match="plain http"):
            door.form(f"{plain.base}/token", {"client_assertion": "secret"})
        assert plain.seen == []


@pytest.mark.parametrize("reference", ["http://[", "http://[::1", "//[", "https://exa mple/"])
def test_a_reference_that_is_no_address_is_an_error_when_it_is_read(reference: str) -> None:
    door = _transport("http://127.0.0.1:9/r4")
    url = door.url(reference)
    assert not same_origin(url, door.base_url)
    with pytest.raises(UnavailableError):
        door.get(url)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://a.org/r4", "https://a.org:443/x", True),
        ("http://a.org:80/", "http://a.org", True),
        ("https://A.org/r4", "HTTPS://a.ORG/x", True),
        ("https://a.org", "http://a.org", False),
        ("https://a.org", "https://a.org:8443", False),
        ("https://a.org", "https://a.org.evil.com", False),
        ("https://a.org", "https://a.org@evil.com", False),
        ("https://a.org", "https://a.org:port/", False),
        ("https://a.org", "https://evil.com\\@a.org/", False),
        ("https://a.org", "https://user@a.org/", False),
        ("https://[::1]:443/r4", "https://[::1]/", True),
        ("https://[", "https://[/", False),
    ],
)
def test_origins_are_compared_with_default_ports(left: str, right: str, same: bool) -> None:
    assert same_origin(left, right) is same


def test_environment_passwords_do_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Hostile(_in_turn(Reply(200, {}))) as server:
        _transport(server.base).get(f"{server.base}/x")
        assert server.seen[0].headers["Authorization"] == f"Bearer {CANARY}"


# Quiet hours


def test_in_quiet_hours_reads_are_refused_and_a_judged_month_can_still_be_written() -> None:
    fake = FakeClock(now=1_778_760_000)  # 12:00 UTC
    pace = Pace(quiet=QuietHours.parse("07:00-19:00", "UTC"), clock=fake.clock)
    with Hostile(_in_turn(Reply(201, None))) as server:
        door = _transport(server.base, fake, pace=pace)
        for read in (door.ready, lambda: door.get(f"{server.base}/x"), lambda: door.get_openly(f"{server.base}/x")):
            with pytest.raises(ComeBackError, match="2026-05-14 19:00 UTC"):
                read()
        assert server.seen == []
        assert door.post(f"{server.base}/x", NOTE, {}).status == 201
        fake.pass_by(7 * 3600)
        door.ready()


# By settings


def _settings(environ: dict[str, str] | None = None, **values: object):  # type: ignore[no-untyped-def]
    return load_settings(None, {"base_url": "https://ehr.example.org/r4", **values}, environ or {})


def test_settings_reach_the_requests() -> None:
    with Hostile(_in_turn(Reply(503, None))) as server:
        settings = _settings(
            {"KEY": "canary-key"}, base_url=server.base, max_attempts=2, headers={"X-Api-Key": "canary-key"}
        )
        assert open_transport(settings, FakeClock().clock).get(f"{server.base}/x").status == 503
        assert [seen.headers["X-Api-Key"] for seen in server.seen] == ["canary-key"] * 2


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"vendor": "epic", "client_id": "app"}, "app"),
        ({"vendor": "epic"}, None),
        ({"vendor": "oracle", "client_id": "app"}, None),
        ({"vendor": "generic", "epic_client_id": "other"}, "other"),
        ({"vendor": "epic", "client_id": "app", "epic_client_id": "other"}, "other"),
    ],
)
def test_epic_is_told_the_app(settings: dict[str, str], header: str | None) -> None:
    with Hostile(_in_turn(Reply(200, {}))) as server:
        open_transport(_settings(base_url=server.base, **settings)).get(f"{server.base}/x")
        assert server.seen[0].headers.get("Epic-Client-ID") == header


def test_a_sites_own_file_that_extends_epic_tells_the_app_too(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('extends = "epic"\n')
    with Hostile(_in_turn(Reply(200, {}))) as server:
        settings = _settings(base_url=server.base, vendor=str(tmp_path / "site.toml"), client_id="app")
        open_transport(settings).get(f"{server.base}/x")
        assert server.seen[0].headers["Epic-Client-ID"] == "app"


@pytest.mark.parametrize("setting", ["ca_bundle", "client_cert"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_cannot_be_used_is_named(tmp_path: Path, setting: str, content: str | None) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=f"{setting} .*file.pem"):
        open_transport(_settings(**{setting: path}))


def test_a_practice_without_a_known_zone_has_no_quiet_hours() -> None:
    with pytest.raises(ConfigurationError, match="quiet_hours"):
        open_transport(_settings(quiet_hours="07:00-19:00", time_zone="Mars/Olympus"))


# Secrecy


def test_no_token_and_no_query_reaches_logs_errors_or_representations(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Hostile(_in_turn(Reply(503, None), Reply(200, None), Reply(200, None), Reply(cut=True))) as server:
        door = _transport(server.base, headers={"X-Api-Key": "canary-key"})
        query = {"patient": "p1", "name": "canary-Okafor"}
        door.get(f"{server.base}/Patient", params=query)
        door.form(f"{server.base}/token", {"client_assertion": "canary-assertion"}, ("app", "canary-secret"))
        with pytest.raises(FhirRpmError) as caught:
            door.get(f"{server.base}/Patient?name=canary-Okafor")
        with pytest.raises(FhirRpmError) as lost:
            door.post(f"{server.base}/Patient", {"name": "canary-Okafor"}, {})
    assert "/r4/Patient" in caplog.text
    told = f"{caught.value!r} {caught.value} {lost.value!r} {caplog.text} {door!r} {vars(caught.value)}"
    assert "canary" not in told
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_urllib3_logs_for_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3.connectionpool").debug("%s", "/theirs?query=1")
    assert "/theirs?query=1" in caplog.text


def test_every_limit_has_a_default() -> None:
    assert WireOptions() == WireOptions(10, 60, 300, 64 * 1024 * 1024)
    assert retries.RetryPolicy() == RetryPolicy(4, 120, 60, 600)
