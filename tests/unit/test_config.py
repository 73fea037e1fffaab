from pathlib import Path

import pytest

from fhir_rpm.config import load_settings
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
        ("base_url = 'http://ehr.example.org/r4'", {}, "plain http"),
        ("private_key = 'k.pem'", {}, "client_id"),
        ("client_id = 'a'\nprivate_key = 'k.pem'", {"FHIR_RPM_BEARER_TOKEN": "t"}, "bearer_token"),
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
