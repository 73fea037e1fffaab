"""What every setting means, and the configuration file that says so; a test holds it against the settings."""

from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from fhir_rpm.config import ENVIRONMENT, ConnectionSettings
from fhir_rpm.vendor import About, about

_WIDTH = 118


@dataclass(frozen=True)
class Explained:
    """One setting.

    Attributes:
        name: the field of `ConnectionSettings`; a field of one of its tables is `table.field`.
        means: what it does, and when to change it.
        example: a TOML value for a setting without a default; None shows the default. Secrets have neither.
    """

    name: str
    means: str
    example: str | None = None


SECRETS = ("client_secret", "bearer_token", "private_key_password")
"""Never in the file: from the environment, or from a file of their own."""

GROUPS: tuple[tuple[str, tuple[Explained, ...]], ...] = (
    (
        "Whom to reach",
        (
            Explained("base_url", "The FHIR base: everything before /metadata.", '"https://ehr.example.org/fhir/R4"'),
            Explained("vendor", "epic, oracle, meditech, medplum, generic, or a path to a mapping file of your own."),
            Explained("allow_http", "Allows plain http beyond this machine; for trusted networks alone."),
        ),
    ),
    (
        "How to authenticate: a key (SMART Backend Services), a client secret, a ready-made token, or nothing",
        (
            Explained("client_id", "The app's client id at this very environment.", '"the-client-id"'),
            Explained(
                "private_key", "PEM file with an RSA or P-384 key; `fhir-rpm keys new` makes one.", '"private-key.pem"'
            ),
            Explained("private_key_password", "The passphrase of an encrypted private key."),
            Explained("private_key_password_file", "A file that holds that passphrase.", '"private-key.password"'),
            Explained("key_id", "The kid under which the public key is published.", '"the-kid"'),
            Explained(
                "jwks_url",
                "Where the public key is published, as registered; sent as jku. Epic demands one.",
                '"https://keys.example.org/jwks.json"',
            ),
            Explained("client_secret", "The client's secret, where there is no key."),
            Explained("client_secret_file", "A file that holds that secret.", '"client-secret"'),
            Explained("bearer_token", "A token that somebody else obtained."),
            Explained("bearer_token_file", "A file with such a token, which somebody else keeps fresh.", '"token"'),
            Explained(
                "token_url",
                "The token endpoint; found by SMART discovery when left out.",
                '"https://ehr.example.org/oauth2/token"',
            ),
            Explained(
                "scopes",
                "What to ask for; the vendor's own choice when left out.",
                '"system/Encounter.rs system/Patient.rs"',
            ),
            Explained("write_access", "Whether to ask for scopes to write the monthly document."),
        ),
    ),
    (
        "How to connect",
        (
            Explained("connect_timeout", "Seconds to wait for a connection, up to 120."),
            Explained("read_timeout", "Seconds to wait for the next bytes of an answer, up to 600."),
            Explained("total_timeout", "Seconds for one whole exchange, up to 3600."),
            Explained("max_response_bytes", "The longest answer, after decompression."),
            Explained("max_attempts", "How often a read is sent at most, 1 to 10; a write is sent once."),
            Explained("retry_seconds", "Seconds after which a read is not tried again, up to 3600."),
            Explained("max_retry_wait", "A server that asks for a longer wait, in seconds, is left alone until then."),
            Explained("outage_seconds", "Seconds to wait for a server that is down, before a run gives up on it."),
            Explained("max_concurrency", "Patients at a time, 1 to 32; EHRs are busy."),
            Explained("requests_per_second", "How many requests a second at most; no bound when left out.", "10"),
            Explained("quiet_hours", "When to leave the EHR alone, in the practice's zone.", '"07:00-19:00"'),
            Explained("proxy", "The proxy to use; the environment's when left out.", '"http://proxy.example.org:3128"'),
            Explained("ca_bundle", "PEM file with the authorities to trust, where a site has its own.", '"ca.pem"'),
            Explained("client_cert", "PEM file with our certificate, where the site asks (mTLS).", '"client.pem"'),
            Explained("client_key", "PEM file with its key, unless it is in the same file.", '"client-key.pem"'),
            Explained("headers", 'Headers for every request to the EHR, such as { x-site = "…" }.'),
            Explained(
                "epic_client_id", "Epic-Client-ID for each request, where it is not client_id.", '"the-client-id"'
            ),
        ),
    ),
    (
        "How to judge",
        (
            Explained("time_zone", "The practice's zone. Needed: months begin and end by it.", '"America/Chicago"'),
            Explained("policy", "rpm-us, rpm-us-strict, rtm-us, or a path to your payer's file."),
        ),
    ),
    (
        "What is known beside the EHR",
        (
            Explained("roster", "Whom sync checks: a CSV file, Group/ID, List/ID, or orders.", '"roster.csv"'),
            Explained("staff", "CSV of who is what, where the EHR does not tell roles.", '"staff.csv"'),
            Explained("call_log", "CSV of calls from a phone system or monitoring platform.", '"calls.csv"'),
            Explained("call_columns", "Which of its columns says what.", '"call-columns.toml"'),
        ),
    ),
    (
        "How the monthly document is written",
        (
            Explained("write_back", "Allows writing documents to this EHR at all; --write-back asks for it in a run."),
            Explained(
                "ledger",
                "What was written, so that nothing is written twice: a file, or the URL of a database.",
                '"fhir-rpm.ledger"',
            ),
            Explained(
                "connection", "This EHR's name in the ledger; made from base_url when left out.", '"st-olaf-epic"'
            ),
            Explained("write.type_code", "Its type; LOINC 11506-3 is a progress note."),
            Explained("write.type_system", "The code system of that type."),
            Explained("write.doc_status", "final files a signed note, preliminary a draft."),
            Explained("write.author", "Who is named as author; the server chooses when left out.", '"Practitioner/id"'),
            Explained("write.tier", "system, or provider when the app acts for the clinician who is signed in."),
            Explained("write.category_code", "Its category, where the EHR takes one."),
            Explained("write.category_system", "The code system of that category."),
            Explained("write.security_label", "A code of HL7 v3 Confidentiality; none when left out.", '"R"'),
            Explained(
                "write.parts",
                "What it carries; all that the EHR takes when left out (the PDF needs fhir-rpm[pdf]).",
                '["text", "pdf", "assessment"]',
            ),
            Explained("write.max_bytes", "The most that its attachments may take as base64; the text comes first."),
        ),
    ),
)


def explained() -> dict[str, Explained]:
    """Every setting that is explained, by name."""
    return {item.name: item for _, items in GROUPS for item in items}


def configuration_text(vendor: str) -> str:
    """A `fhir-rpm.toml`: the vendor's sandbox in force, everything else commented out at its default.

    Raises:
        ConfigurationError: there is no such vendor.
    """
    known = about(vendor)
    in_force = {"vendor": vendor} | ({"base_url": known.sandbox.base_url} if known.sandbox is not None else {})
    lines = _head(known)
    table = ""
    for title, items in GROUPS:
        lines += ["", f"# --- {title} ".ljust(_WIDTH, "-")]
        for item in items:
            inside = item.name.rpartition(".")[0]
            lines += ["", f"[{inside}]"] if inside != table else []
            table = inside
            lines += ["", *_comment(item.means), *_setting(item, in_force.get(item.name))]
    return "\n".join(lines) + "\n"


def _head(known: About) -> list[str]:
    how = "Lines that are commented out show defaults or examples. Command-line options come before environment "
    how += "variables, and these before this file. Relative paths begin at this file's folder."
    lines = [f"# fhir-rpm: {known.title}", "#", *_comment(how)]
    lines += [f"# Documentation: {known.documentation}"] if known.documentation is not None else []
    if known.sandbox is not None:
        lines += ["#", *_comment(f"Sandbox: {known.sandbox.access}")]
        lines += [f"#   test patient {patient.id}  {patient.why}" for patient in known.sandbox.patients]
        lines += _comment(f"Source: {known.sandbox.source}; read {known.read.isoformat()}.")
    return lines


def _setting(item: Explained, value: str | None) -> list[str]:
    field = item.name.rpartition(".")[2]
    variable = next((variable for variable, name in ENVIRONMENT.items() if name == item.name), None)
    if item.name in SECRETS:
        return _comment(f"{field} is never read from this file: set {variable}, or {field}_file.")
    note = [f"# Environment: {variable}"] if variable is not None else []
    if value is not None:
        return [*note, f'{field} = "{value}"']
    return [*note, f"#{field} = {item.example if item.example is not None else _toml(_default_of(item.name))}"]


def _default_of(name: str) -> Any:
    value: Any = ConnectionSettings()
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)]
