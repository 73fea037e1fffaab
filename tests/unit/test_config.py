import re
from pathlib import Path

import pytest

from fhir_rpm.config import ENVIRONMENT, ConnectionSettings, load_settings
from fhir_rpm.errors import ConfigurationError

BASE = {"base_url": "https://ehr.example.org/fhir/R4/"}


def _file(folder: Path, text: str) -> Path:
    path = folder / "fhir-rpm.toml"
    path.write_text(text)
    return path


def test_options_come_before_environment_before_file_before_defaults(tmp_path: Path) -> None:
    path = _file(tmp_path, 'vendor = "epic"\ntime_zone = "America/Chicago"\nbase_url = "https://file.example.org"\n')
    environ = {"FHIR_RPM_BASE_URL": "https://environment.example.org", "FHIR_RPM_VENDOR": "oracle"}
    settings = load_settings(path, {"vendor": "medplum", "client_id": None}, environ)
    assert settings.vendor == "medplum"
    assert settings.base_url == "https://environment.example.org"
    assert settings.time_zone == "America/Chicago"
    assert settings.policy == "rpm-us"


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path) -> None:
    path = _file(tmp_path, 'client_id = "a"\nprivate_key = "keys/k.pem"\n')
    assert load_settings(path, {}, {}).private_key == tmp_path / "keys" / "k.pem"


def test_a_secret_comes_from_a_file_and_is_masked(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    settings = load_settings(_file(tmp_path, 'client_id = "a"\nclient_secret_file = "secret"\n'), {}, {})
    assert settings.client_secret is not None
    assert settings.client_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("text", "environ", "says"),
    [
        ('client_secret = "x"', {}, "in clear"),
        ('bearer_token = "x"', {}, "in clear"),
        ("vendr = 'epic'", {}, "vendr"),
        ("read_timeout = 'long'", {}, "read_timeout"),
        ("base_url = 'ehr.example.org'", {}, "base URL"),
        ("base_url = 'https://user:secret@ehr.example.org/r4'", {}, "base URL"),
        ("base_url = 'http://ehr.example.org/r4'", {}, "plain http"),
        ("private_key = 'k.pem'", {}, "client_id"),
        ("client_id = 'a'\nprivate_key = 'k.pem'", {"FHIR_RPM_BEARER_TOKEN": "t"}, "bearer_token"),
        ("client_id = 'a'\nprivate_key = 'k.pem'", {"FHIR_RPM_CLIENT_SECRET": "s"}, "private_key and client_secret"),
        ("client_secret_file = 'none'\nclient_id = 'a'", {}, "client_secret_file"),
        ("[write]\ndoc_status = 'draft'", {}, "write.doc_status"),
    ],
)
def test_what_is_wrong_is_named_with_where_it_stands(
    tmp_path: Path, text: str, environ: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_settings(_file(tmp_path, text), {}, environ)


def test_a_wrong_secret_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(None, {"client_id": 5, **BASE}, {"FHIR_RPM_CLIENT_SECRET": "canary-secret"})
    assert "canary-secret" not in str(caught.value)


def test_plain_http_is_for_loopback_or_by_consent() -> None:
    assert load_settings(None, {"base_url": "http://127.0.0.1:8103/fhir"}, {}).base_url
    assert load_settings(None, {"base_url": "http://lan.example.org", "allow_http": True}, {}).base_url


def test_what_a_command_needs_is_asked_for() -> None:
    settings = load_settings(None, {}, {})
    with pytest.raises(ConfigurationError, match="FHIR_RPM_BASE_URL"):
        settings.required_base_url()
    with pytest.raises(ConfigurationError, match="FHIR_RPM_TIME_ZONE"):
        settings.required_time_zone()
    assert load_settings(None, BASE, {}).required_base_url() == "https://ehr.example.org/fhir/R4"


# How to connect

CONNECTING = {
    "FHIR_RPM_PROXY": "http://proxy.example.org:3128",
    "FHIR_RPM_CA_BUNDLE": "/etc/ca.pem",
    "FHIR_RPM_CLIENT_CERT": "/etc/c.pem",
    "FHIR_RPM_CLIENT_KEY": "/etc/c.key",
    "FHIR_RPM_EPIC_CLIENT_ID": "app",
    "FHIR_RPM_CONNECT_TIMEOUT": "5",
    "FHIR_RPM_READ_TIMEOUT": "50",
    "FHIR_RPM_TOTAL_TIMEOUT": "100.5",
    "FHIR_RPM_MAX_RESPONSE_BYTES": "1000000",
    "FHIR_RPM_MAX_ATTEMPTS": "2",
    "FHIR_RPM_RETRY_SECONDS": "30",
    "FHIR_RPM_MAX_RETRY_WAIT": "10",
    "FHIR_RPM_OUTAGE_SECONDS": "60",
    "FHIR_RPM_MAX_CONCURRENCY": "2",
    "FHIR_RPM_REQUESTS_PER_SECOND": "0.5",
    "FHIR_RPM_QUIET_HOURS": "07:00-19:00",
}


def test_the_connection_can_be_set_by_the_environment() -> None:
    settings = load_settings(None, BASE, {**CONNECTING, "FHIR_RPM_TIME_ZONE": "America/Chicago"})
    given = {field: getattr(settings, field) for field in map(ENVIRONMENT.__getitem__, CONNECTING)}
    plain = {name: value.get_secret_value() if name == "proxy" else value for name, value in given.items()}
    expected = dict(zip(map(ENVIRONMENT.__getitem__, CONNECTING), CONNECTING.values(), strict=True))
    for name, value in plain.items():
        assert str(value).removesuffix(".0") == expected[name], name


def test_every_setting_of_a_connection_is_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    section = guide.partition("## Connection settings")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE))
    for variable in CONNECTING:
        name = ENVIRONMENT[variable]
        assert variable in section
        default = ConnectionSettings.model_fields[name].default
        assert name in rows
        assert (f"{default:g}" if isinstance(default, float) else str(default or "none")) == rows[name].strip(), name
    assert {"headers", "allow_http"} <= set(rows)


@pytest.mark.parametrize(
    ("text", "environ", "says"),
    [
        ("verify = false", {}, "verify"),
        ("total_timeout = 0", {}, "total_timeout"),
        ("max_attempts = 11", {}, "max_attempts"),
        ("requests_per_second = 0", {}, "requests_per_second"),
        ("quiet_hours = '7-19'\ntime_zone = 'UTC'", {}, "quiet_hours: write it as"),
        ("quiet_hours = '07:00-07:00'\ntime_zone = 'UTC'", {}, "quiet_hours"),
        ("quiet_hours = '24:00-07:00'\ntime_zone = 'UTC'", {}, "quiet_hours"),
        ("quiet_hours = '07:00-19:00'", {}, "time_zone"),
        ("proxy = 'http://user:canary@proxy.example.org'", {}, "FHIR_RPM_PROXY"),
        ("proxy = 'proxy.example.org:3128'", {}, "proxy"),
        ("", {"FHIR_RPM_PROXY": "socks5://user:canary@proxy"}, "proxy"),
        ("", {"FHIR_RPM_PROXY": "http://[canary"}, "proxy"),
        ("client_key = 'k.pem'", {}, "client_cert"),
        ('[headers]\n"X Key" = "canary"', {}, "headers"),
        ('[headers]\nX-Key = "canary\\r\\nHost: x"', {}, "headers"),
        ('[headers]\nX-Key = ""', {}, "headers"),
        ('[headers]\nHost = "canary"', {}, "Host cannot be set"),
        ('[headers]\nX-Key = "env:NOT_THERE"', {}, "NOT_THERE is not set"),
    ],
)
def test_what_is_wrong_with_a_connection_is_named_without_secrets(
    tmp_path: Path, text: str, environ: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        load_settings(_file(tmp_path, text), {}, environ)
    assert "canary" not in str(caught.value)


def test_headers_and_the_proxy_are_masked_and_may_come_from_the_environment(tmp_path: Path) -> None:
    path = _file(tmp_path, '[headers]\nX-Site = "north"\nX-Api-Key = "env:SITE_KEY"\n')
    settings = load_settings(
        path, BASE, {"SITE_KEY": "canary-key", "FHIR_RPM_PROXY": "http://user:canary@proxy.example.org"}
    )
    assert {name: value.get_secret_value() for name, value in settings.headers.items()} == {
        "X-Site": "north",
        "X-Api-Key": "canary-key",
    }
    assert settings.proxy is not None
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_paths_of_certificates_are_relative_to_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, 'ca_bundle = "ca.pem"\nclient_cert = "tls/c.pem"\nclient_key = "tls/c.key"\n')
    settings = load_settings(path, BASE, {})
    assert settings.ca_bundle == tmp_path / "ca.pem"
    assert (settings.client_cert, settings.client_key) == (tmp_path / "tls" / "c.pem", tmp_path / "tls" / "c.key")


def test_quiet_hours_are_spelt_one_way_and_can_be_switched_off(tmp_path: Path) -> None:
    path = _file(tmp_path, 'quiet_hours = " 07:00 - 19:00 "\ntime_zone = "America/Chicago"\n')
    assert load_settings(path, BASE, {}).quiet_hours == "07:00-19:00"
    assert load_settings(path, BASE, {"FHIR_RPM_QUIET_HOURS": "off"}).quiet_hours is None


def test_the_ledger_is_a_path_beside_the_file_or_a_url_without_a_password(tmp_path: Path) -> None:
    def named(text: str, **environ: str) -> str:
        ledger = load_settings(_file(tmp_path, text), BASE, environ).ledger
        assert ledger is not None
        assert "ledger" not in repr(ledger)
        return ledger.get_secret_value()

    assert named('ledger = "state/l.sqlite3"') == str(tmp_path / "state" / "l.sqlite3")
    assert named('ledger = "postgresql+psycopg://rpm@db/rpm"') == "postgresql+psycopg://rpm@db/rpm"
    assert named("", FHIR_RPM_LEDGER="postgresql+psycopg://rpm:canary@db/rpm").endswith("canary@db/rpm")
    with pytest.raises(ConfigurationError, match=r"password in clear.*FHIR_RPM_LEDGER") as caught:
        named('ledger = "postgresql+psycopg://rpm:canary@db/rpm"')
    assert "canary" not in str(caught.value)


def test_only_the_file_allows_writing_back(tmp_path: Path) -> None:
    assert load_settings(_file(tmp_path, "write_back = true"), BASE, {}).write_back
    assert not load_settings(_file(tmp_path, ""), BASE, {"FHIR_RPM_WRITE_BACK": "true"}).write_back
    assert "write_back" not in ENVIRONMENT.values()


def test_a_connection_has_one_name_however_its_base_url_is_spelt() -> None:
    settings = ConnectionSettings()
    spellings = (
        "https://EHR.example.org/fhir/",
        "https://ehr.example.org:443/fhir",
        "https://u:p@ehr.example.org/fhir",
    )
    names = {settings.connection_name(spelling) for spelling in spellings}
    assert len(names) == 1
    assert re.fullmatch(r"url-[0-9a-f]{32}", names.pop())
    assert settings.connection_name("https://ehr.example.org/fhir/R4") != settings.connection_name(spellings[0])
    assert settings.connection_name("https://ehr.example.org:8443/fhir") != settings.connection_name(spellings[0])
    assert ConnectionSettings(connection="st-olaf").connection_name(spellings[0]) == "st-olaf"
