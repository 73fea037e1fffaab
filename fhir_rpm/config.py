"""Settings: command-line options before environment variables before `fhir-rpm.toml` before defaults."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, SupportsIndex
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from fhir_rpm.data_files import read_toml
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.model.base import Frozen

DEFAULT_FILE = Path("fhir-rpm.toml")

ENVIRONMENT = {
    "FHIR_RPM_BASE_URL": "base_url",
    "FHIR_RPM_VENDOR": "vendor",
    "FHIR_RPM_CLIENT_ID": "client_id",
    "FHIR_RPM_PRIVATE_KEY": "private_key",
    "FHIR_RPM_PRIVATE_KEY_PASSWORD": "private_key_password",
    "FHIR_RPM_KEY_ID": "key_id",
    "FHIR_RPM_CLIENT_SECRET": "client_secret",
    "FHIR_RPM_BEARER_TOKEN": "bearer_token",
    "FHIR_RPM_SCOPES": "scopes",
    "FHIR_RPM_TIME_ZONE": "time_zone",
    "FHIR_RPM_POLICY": "policy",
}
"""Environment variable → setting."""

_SECRETS = ("client_secret", "bearer_token", "private_key_password")
_SECRET_FILES = ("client_secret_file", "private_key_password_file", "bearer_token_file")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class WriteSettings(Frozen):
    """How the monthly document is written.

    Attributes:
        type_code, type_system: the document's type; LOINC 11506-3 (progress note) is accepted or seen everywhere.
        doc_status: `final` files a signed note, `preliminary` a draft.
        author: `Practitioner/id` to name as author; None leaves it to the server.
    """

    type_code: str = "11506-3"
    type_system: str = "http://loinc.org"
    doc_status: Literal["final", "preliminary"] = "final"
    author: str | None = None


class ConnectionSettings(Frozen):
    """How to reach one EHR, and how to judge what it holds. Secrets are masked in every representation."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: str | None = None
    vendor: str = "generic"
    client_id: str | None = None
    private_key: Path | None = None
    private_key_password: SecretStr | None = None
    private_key_password_file: Path | None = None
    key_id: str | None = None
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    bearer_token: SecretStr | None = None
    bearer_token_file: Path | None = None
    scopes: str | None = None
    write_access: bool = True
    token_url: str | None = None
    jwks_url: str | None = None
    connect_timeout: float = Field(default=10, gt=0, le=120)
    read_timeout: float = Field(default=60, gt=0, le=600)
    max_concurrency: int = Field(default=4, ge=1, le=32)
    ca_bundle: Path | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    allow_http: bool = False
    time_zone: str | None = None
    policy: str = "rpm-us"
    write: WriteSettings = WriteSettings()

    @field_validator("base_url")
    @classmethod
    def _without_trailing_slash(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("it is not the base URL of a FHIR server, such as https://ehr.example.org/fhir/R4")
        return value.strip().rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> "ConnectionSettings":
        if self.base_url is not None and not self.allow_http:
            parts = urlsplit(self.base_url)
            if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
                raise ValueError("base_url is plain http; use https, or set allow_http = true for a trusted network")
        registered = any((self.private_key, self.client_secret, self.client_secret_file))
        if (self.bearer_token is not None or self.bearer_token_file is not None) and registered:
            raise ValueError("bearer_token stands beside a private key or client secret; keep one way to authenticate")
        if registered and self.client_id is None:
            raise ValueError("client_id is missing; set it or FHIR_RPM_CLIENT_ID")
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Keep secrets out of pickles: whoever takes settings elsewhere loads them there."""
        if any(getattr(self, name) is not None for name in _SECRETS):
            raise TypeError("Settings that hold a secret are not pickled; load them where they are used.")
        return super().__reduce_ex__(protocol)

    def private_key_passphrase(self) -> bytes | None:
        """The passphrase of the private key."""
        password = self.private_key_password
        return None if password is None else password.get_secret_value().encode()

    def required_base_url(self) -> str:
        """The base URL.

        Raises:
            ConfigurationError: none is set.
        """
        if self.base_url is None:
            remedy = "Set base_url in fhir-rpm.toml, FHIR_RPM_BASE_URL, or --base-url."
            raise ConfigurationError("No EHR is configured.", remedy)
        return self.base_url

    def required_time_zone(self) -> str:
        """The practice's time zone; a silent default would move the edges of a month.

        Raises:
            ConfigurationError: none is set.
        """
        if self.time_zone is None:
            remedy = "Set time_zone in fhir-rpm.toml, FHIR_RPM_TIME_ZONE, or --time-zone, for example America/Chicago."
            raise ConfigurationError("The practice's time zone is not known.", remedy)
        return self.time_zone


def load_settings(
    path: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ConnectionSettings:
    """Gather settings.

    Args:
        path: the configuration file; None reads `fhir-rpm.toml` in the current folder when there is one.
        overrides: settings from the command line; None values are passed over.
        environ: the environment.

    Raises:
        ConfigurationError: a file cannot be read, a field is unknown or wrong; the message names where it stands.
    """
    origin: dict[str, str] = {}
    values: dict[str, object] = {}
    layers: list[tuple[str, dict[str, object]]] = [
        *_file_layer(path),
        ("environment", {field: environ[name] for name, field in ENVIRONMENT.items() if environ.get(name)}),
        ("command line", {name: value for name, value in (overrides or {}).items() if value is not None}),
    ]
    for source, layer in layers:
        values |= layer
        origin |= dict.fromkeys(layer, source)
    try:
        settings = ConnectionSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or "settings"
        where = origin.get(field.partition(".")[0], "settings")
        problem = f"{where}, {field}: {first['msg'].removeprefix('Value error, ')}."
        raise ConfigurationError(problem, "Correct it there.") from None
    return _with_secret_files(settings)


def _file_layer(path: Path | None) -> list[tuple[str, dict[str, object]]]:
    if path is None and not DEFAULT_FILE.is_file():
        return []
    file = path or DEFAULT_FILE
    layer = read_toml(file)
    for name in _SECRETS:
        if name in layer:
            remedy = f"Put it in the environment, or name a file with {name}_file."
            raise ConfigurationError(f"{file} holds {name} in clear.", remedy)
    for name in ("private_key", "ca_bundle", *_SECRET_FILES):
        if isinstance(layer.get(name), str):
            layer[name] = str(file.parent / layer[name])
    return [(str(file), layer)]


def _with_secret_files(settings: ConnectionSettings) -> ConnectionSettings:
    """A bearer token's file is left to be read again and again: somebody else keeps it fresh."""
    read: dict[str, SecretStr] = {}
    for name in ("client_secret", "private_key_password"):
        path = getattr(settings, f"{name}_file")
        if path is not None and getattr(settings, name) is None:
            read[name] = read_secret(path, f"{name}_file")
    return settings.model_copy(update=read) if read else settings


def read_secret(path: Path, field: str) -> SecretStr:
    """A secret that stands alone in a file.

    Raises:
        ConfigurationError: the file, which `field` named, cannot be read.
    """
    try:
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        problem = f"{field} {path} cannot be read: {why}."
        raise ConfigurationError(problem, "Check the path and its permissions.") from None
