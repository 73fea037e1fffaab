"""Settings: command-line options before environment variables before `fhir-rpm.toml` before defaults."""

import hashlib
import os
import re
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
    "FHIR_RPM_PRIVATE_KEY_PASSWORD_FILE": "private_key_password_file",
    "FHIR_RPM_KEY_ID": "key_id",
    "FHIR_RPM_CLIENT_SECRET": "client_secret",
    "FHIR_RPM_CLIENT_SECRET_FILE": "client_secret_file",
    "FHIR_RPM_BEARER_TOKEN": "bearer_token",
    "FHIR_RPM_BEARER_TOKEN_FILE": "bearer_token_file",
    "FHIR_RPM_SCOPES": "scopes",
    "FHIR_RPM_TOKEN_URL": "token_url",
    "FHIR_RPM_JWKS_URL": "jwks_url",
    "FHIR_RPM_TIME_ZONE": "time_zone",
    "FHIR_RPM_POLICY": "policy",
    "FHIR_RPM_LEDGER": "ledger",
    "FHIR_RPM_EPIC_CLIENT_ID": "epic_client_id",
    "FHIR_RPM_PROXY": "proxy",
    "FHIR_RPM_CA_BUNDLE": "ca_bundle",
    "FHIR_RPM_CLIENT_CERT": "client_cert",
    "FHIR_RPM_CLIENT_KEY": "client_key",
    "FHIR_RPM_CONNECT_TIMEOUT": "connect_timeout",
    "FHIR_RPM_READ_TIMEOUT": "read_timeout",
    "FHIR_RPM_TOTAL_TIMEOUT": "total_timeout",
    "FHIR_RPM_MAX_RESPONSE_BYTES": "max_response_bytes",
    "FHIR_RPM_MAX_ATTEMPTS": "max_attempts",
    "FHIR_RPM_RETRY_SECONDS": "retry_seconds",
    "FHIR_RPM_MAX_RETRY_WAIT": "max_retry_wait",
    "FHIR_RPM_OUTAGE_SECONDS": "outage_seconds",
    "FHIR_RPM_MAX_CONCURRENCY": "max_concurrency",
    "FHIR_RPM_REQUESTS_PER_SECOND": "requests_per_second",
    "FHIR_RPM_QUIET_HOURS": "quiet_hours",
}
"""Environment variable → setting."""

_SECRETS = ("client_secret", "bearer_token", "private_key_password")
_SECRET_FILES = ("client_secret_file", "private_key_password_file", "bearer_token_file")
_PATHS = (
    "private_key",
    "ca_bundle",
    "client_cert",
    "client_key",
    "staff",
    "call_log",
    "call_columns",
    *_SECRET_FILES,
)
_ROSTERS_OF_THE_EHR = ("Group/", "List/")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_OUR_HEADERS = (
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "accept",
    "accept-encoding",
)
_FROM_ENVIRONMENT = "env:"


Part = Literal["text", "pdf", "assessment"]
"""What a document may carry: the summary as text, the same as PDF, and the assessment as JSON."""


class WriteSettings(Frozen):
    """How the monthly document is written.

    Attributes:
        type_code, type_system: the document's type; LOINC 11506-3 (progress note) is accepted or seen everywhere.
        category_code, category_system: its category, where the EHR takes one.
        doc_status: `final` files a signed note, `preliminary` a draft.
        author: `Practitioner/id` to name as author; None leaves it to the server.
        tier: whether the app acts as a system, or for the clinician who is signed in.
        parts: what the document carries; None is all that the EHR takes, the PDF where `fhir-rpm[pdf]` is installed.
        security_label: a code of HL7 v3 Confidentiality, e.g. `R`.
        max_bytes: the most that all attachments may take as base64; optional parts are left out before the text.
    """

    type_code: str = "11506-3"
    type_system: str = "http://loinc.org"
    category_code: str = "clinical-note"
    category_system: str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
    doc_status: Literal["final", "preliminary"] = "final"
    author: str | None = Field(default=None, pattern=r"^(Practitioner|PractitionerRole|Organization|Device)/[^/\s]+$")
    tier: Literal["system", "provider"] = "system"
    parts: tuple[Part, ...] | None = None
    security_label: Literal["U", "L", "M", "N", "R", "V"] | None = None
    max_bytes: int = Field(default=1_000_000, ge=10_000)

    @field_validator("parts")
    @classmethod
    def _with_text(cls, value: tuple[Part, ...] | None) -> tuple[Part, ...] | None:
        if value is not None and "text" not in value:
            raise ValueError("parts must hold text, by which a document is found again")
        return value


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
    total_timeout: float = Field(default=300, gt=0, le=3600)
    max_response_bytes: int = Field(default=64 * 1024 * 1024, ge=65536)
    max_attempts: int = Field(default=4, ge=1, le=10)
    retry_seconds: float = Field(default=120, ge=0, le=3600)
    max_retry_wait: float = Field(default=60, ge=0, le=3600)
    outage_seconds: float = Field(default=600, ge=0, le=86400)
    max_concurrency: int = Field(default=4, ge=1, le=32)
    requests_per_second: float | None = Field(default=None, gt=0, le=1000)
    quiet_hours: str | None = None
    proxy: SecretStr | None = None
    ca_bundle: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    epic_client_id: str | None = None
    allow_http: bool = False
    time_zone: str | None = None
    policy: str = "rpm-us"
    roster: str | None = None
    staff: Path | None = None
    call_log: Path | None = None
    call_columns: Path | None = None
    connection: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    ledger: SecretStr | None = None
    write_back: bool = False
    write: WriteSettings = WriteSettings()

    @field_validator("base_url")
    @classmethod
    def _without_trailing_slash(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip())
        has_more = parts.query or parts.fragment or "@" in parts.netloc
        if parts.scheme not in ("http", "https") or not parts.hostname or has_more:
            raise ValueError("it is not the base URL of a FHIR server, such as https://ehr.example.org/fhir/R4")
        return value.strip().rstrip("/")

    @field_validator("proxy")
    @classmethod
    def _usable_proxy(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        if parts is not None and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("it is not the URL of a proxy, such as http://proxy.example.org:3128")
        return value

    @field_validator("headers")
    @classmethod
    def _possible_headers(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text.get_secret_value()):
                raise ValueError(f"{name!r} or its value holds what a header cannot hold")
            if name.lower() in _OUR_HEADERS:
                raise ValueError(f"{name} cannot be set")
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _stretch_of_a_day(cls, value: str | None) -> str | None:
        if value is None or value.strip() == "off":
            return None
        match = re.fullmatch(r"((?:[01]\d|2[0-3]):[0-5]\d)\s*-\s*((?:[01]\d|2[0-3]):[0-5]\d)", value.strip())
        if match is None or match[1] == match[2]:
            raise ValueError('write it as "07:00-19:00", or "off"')
        return f"{match[1]}-{match[2]}"

    @model_validator(mode="after")
    def _consistent(self) -> "ConnectionSettings":
        if self.base_url is not None and not self.allow_http:
            parts = urlsplit(self.base_url)
            if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
                raise ValueError("base_url is plain http; use https, or set allow_http = true for a trusted network")
        ways = {
            "private_key": self.private_key is not None,
            "client_secret": self.client_secret is not None or self.client_secret_file is not None,
            "bearer_token": self.bearer_token is not None or self.bearer_token_file is not None,
        }
        given = [name for name, there in ways.items() if there]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one way to authenticate")
        registered = ways["private_key"] or ways["client_secret"]
        if registered and self.client_id is None:
            raise ValueError("client_id is missing; set it or FHIR_RPM_CLIENT_ID")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key stands without client_cert; set both")
        if self.quiet_hours is not None and self.time_zone is None:
            raise ValueError("quiet_hours needs time_zone; set it or FHIR_RPM_TIME_ZONE")
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Keep secrets out of pickles: whoever takes settings elsewhere loads them there."""
        if any(isinstance(value, SecretStr) for value in (*vars(self).values(), *self.headers.values())):
            raise TypeError("Settings that hold a secret are not pickled; load them where they are used.")
        return super().__reduce_ex__(protocol)

    def private_key_passphrase(self) -> bytes | None:
        """The passphrase of the private key."""
        password = self.private_key_password
        return None if password is None else password.get_secret_value().encode()

    @property
    def roster_file(self) -> Path | None:
        """The CSV roster; None when there is none, or when the EHR is asked for it."""
        in_ehr = self.roster is None or self.roster == "orders" or self.roster.startswith(_ROSTERS_OF_THE_EHR)
        return None if in_ehr or self.roster is None else Path(self.roster)

    def required_base_url(self) -> str:
        """The base URL.

        Raises:
            ConfigurationError: none is set.
        """
        if self.base_url is None:
            remedy = "Set base_url in fhir-rpm.toml, FHIR_RPM_BASE_URL, or --base-url."
            raise ConfigurationError("No EHR is configured.", remedy)
        return self.base_url

    def connection_name(self, base_url: str) -> str:
        """The EHR's name in the ledger: `connection`, else a hash of the base URL however it is spelt."""
        if self.connection is not None:
            return self.connection
        parts = urlsplit(base_url)
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
        plain = f"{parts.scheme.lower()}://{(parts.hostname or '').lower()}{port}{parts.path.rstrip('/')}"
        return f"url-{hashlib.sha256(plain.encode()).hexdigest()[:32]}"

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
        values |= _with_header_values(source, layer, environ)
        origin |= dict.fromkeys(layer, source)
    try:
        settings = ConnectionSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        where = origin.get(field.partition(".")[0], "settings") + (f", {field}" if field else "")
        problem = f"{where}: {first['msg'].removeprefix('Value error, ')}."
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
    if "@" in str(layer.get("proxy", "")):
        raise ConfigurationError(f"{file} holds a proxy's credentials in clear.", "Put the URL in FHIR_RPM_PROXY.")
    for name in _PATHS:
        if isinstance(layer.get(name), str):
            layer[name] = str(file.parent / layer[name])
    roster = layer.get("roster")
    if isinstance(roster, str) and roster != "orders" and not roster.startswith(_ROSTERS_OF_THE_EHR):
        layer["roster"] = str(file.parent / roster)
    if isinstance(layer.get("ledger"), str):
        layer["ledger"] = _ledger_in(file, str(layer["ledger"]))
    return [(str(file), layer)]


def _with_header_values(source: str, layer: dict[str, object], environ: Mapping[str, str]) -> dict[str, object]:
    """The layer, with `env:NAME` in headers replaced by what the environment holds."""
    headers = layer.get("headers")
    if not isinstance(headers, dict):
        return layer
    found = {}
    for name, value in headers.items():
        variable = str(value).removeprefix(_FROM_ENVIRONMENT)
        if variable != value and variable not in environ:
            raise ConfigurationError(f"{source}, headers.{name}: {variable} is not set.", "Set it in the environment.")
        found[name] = environ[variable] if variable != value else value
    return {**layer, "headers": found}


def _ledger_in(file: Path, ledger: str) -> str:
    """The ledger that a file names: a path counts from the file's folder; a URL's password belongs elsewhere."""
    if "://" not in ledger:
        return str(file.parent / Path(ledger).expanduser())
    if urlsplit(ledger).password is not None:
        remedy = "Put the URL into FHIR_RPM_LEDGER, or the password into ~/.pgpass."
        raise ConfigurationError(f"{file} holds the ledger's password in clear.", remedy)
    return ledger


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
