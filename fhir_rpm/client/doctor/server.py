"""What the server says of itself, without a token: metadata, SMART configuration, its clock."""

from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from fhir_rpm.client.auth import token_url
from fhir_rpm.client.capability import Capability
from fhir_rpm.client.discovery import is_safe
from fhir_rpm.client.doctor.answers import REDIRECTS, described, is_html, refusal, target_of
from fhir_rpm.client.doctor.report import Finding, failed, ok, skipped, warning
from fhir_rpm.client.doctor.visit import Visit
from fhir_rpm.client.keys import algorithm_of
from fhir_rpm.client.pull import Json
from fhir_rpm.client.transport import Answer
from fhir_rpm.errors import AccessError
from fhir_rpm.vendor import about, shipped_vendors

SKEW_WARNS = 60
SKEW_FAILS = 240
"""Seconds; assertions live 240 to 300 seconds, so a clock further off makes them expired or of the future."""

_VERSIONS = {"1.0": "dstu2", "3.0": "stu3"}


def check_metadata(visit: Visit) -> Finding:
    """Whether there is a FHIR R4 server at this base, and whose."""
    sent = visit.clock()
    answer = visit.look(f"{visit.transport.base_url}/metadata")
    visit.skew = _skew(answer, (sent + visit.clock()) / 2)
    if answer.status in (401, 403) and visit.knowledge.cause_in_text(answer.body.decode("utf-8", "replace")) is None:
        return skipped("The server shows its metadata to nobody without a token.")
    if answer.status in REDIRECTS:
        return failed("redirected", f"To {target_of(answer)}.")
    if answer.status == 404:
        return failed("wrong_base", described(answer, visit.knowledge))
    refused = refusal(answer, visit.knowledge)
    statement = answer.json()
    if refused is not None or statement is None:
        return refused or failed("not_fhir")
    if statement.get("resourceType") not in ("CapabilityStatement", "Conformance"):
        return failed("wrong_base", "It answers, but with no CapabilityStatement.")
    return _statement(visit, statement)


def _statement(visit: Visit, statement: Json) -> Finding:
    version = str(statement.get("fhirVersion") or "unknown")
    software = software_of(statement)
    seen = f"FHIR {version}, {software or 'product not named'}."
    if not version.startswith("4.0"):
        return failed(_VERSIONS.get(version[:3], "other_version"), seen)
    visit.capability = Capability(statement)
    named = [name for name in shipped_vendors() if _speaks_of(name, software)]
    if named and about(visit.settings.vendor).name not in named and not _speaks_of(visit.settings.vendor, software):
        return warning("vendor_mismatch", f"{seen} vendor is {visit.settings.vendor}.")
    return ok(seen)


def software_of(statement: Json) -> str:
    """Product, version and publisher, as far as the server names them."""
    software = statement.get("software")
    software = software if isinstance(software, dict) else {}
    parts = (software.get("name"), software.get("version"), statement.get("publisher"))
    return " ".join(part for part in parts if isinstance(part, str))[:120]


def _speaks_of(vendor: str, software: str) -> bool:
    return any(word in software.casefold() for word in about(vendor).server_words)


def check_clock(visit: Visit) -> Finding:
    """How far this machine's clock is from the server's, by its Date header."""
    if visit.skew is None:
        return skipped("The server told no time.")
    seconds = round(abs(visit.skew))
    seen = f"This machine is {seconds} s {'ahead' if visit.skew > 0 else 'behind'}."
    if seconds > SKEW_FAILS:
        return failed("clock_off", seen)
    return warning("clock_off", seen) if seconds > SKEW_WARNS else ok(f"{seconds} s apart.")


def _skew(answer: Answer, now: float) -> float | None:
    """Our clock less the server's; its Date is cut to whole seconds, half a second on average."""
    try:
        return now - parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() - 0.5
    except (TypeError, ValueError, OverflowError):
        return None


def check_smart(visit: Visit) -> Finding:
    """Where tokens come from, and whether our way of asking is offered."""
    answer = visit.look(f"{visit.transport.base_url}/.well-known/smart-configuration", "application/json")
    smart = answer.json() if answer.status == 200 else None
    if smart is not None and isinstance(smart.get("token_endpoint"), str):
        visit.smart = smart
        return _offered(visit, smart)
    if not visit.has_client:
        return skipped("There is none, and none is needed without a client of our own.")
    if visit.settings.token_url is not None:
        return ok("There is none; token_url is set.")
    if answer.status in REDIRECTS or is_html(answer):
        return failed("redirected" if answer.status in REDIRECTS else "html", described(answer, visit.knowledge))
    try:
        return ok(f"There is none; the metadata name {_host(token_url(visit.transport))}.")
    except AccessError:
        return failed("no_token_endpoint", described(answer, visit.knowledge))


def _offered(visit: Visit, smart: Json) -> Finding:
    endpoint = visit.settings.token_url or str(smart["token_endpoint"])
    seen = f"Tokens come from {_host(endpoint)}."
    if not is_safe(endpoint, allow_http=visit.settings.allow_http):
        return failed("token_endpoint_insecure", seen)
    if not visit.has_client:
        return ok(seen)
    for name, wanted, cause in _wishes(visit):
        listed = smart.get(name)
        if isinstance(listed, list) and listed and not any(item in listed for item in wanted):
            return warning(cause, f"{seen} Wanted: {' or '.join(wanted)}.")
    return ok(seen)


def _wishes(visit: Visit) -> list[tuple[str, tuple[str, ...], str]]:
    """Field of the SMART configuration, what would serve us in it, and the cause when it lists others alone."""
    grant = ("grant_types_supported", ("client_credentials",), "grant_not_offered")
    methods, algorithms = "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported"
    if visit.key is None:
        return [grant, (methods, ("client_secret_basic", "client_secret_post"), "method_not_offered")]
    ours = (algorithm_of(visit.key),)
    return [grant, (methods, ("private_key_jwt",), "method_not_offered"), (algorithms, ours, "algorithm_not_offered")]


def _host(url: str) -> str:
    return urlsplit(url).hostname or "no host"
