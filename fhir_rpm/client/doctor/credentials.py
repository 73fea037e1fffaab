"""Our own side: the settings, the key, and the key set that we publish."""

import ipaddress
import stat
from pathlib import Path
from urllib.parse import urlsplit

from fhir_rpm.client.auth import authenticator
from fhir_rpm.client.doctor.answers import REDIRECTS, described, target_of
from fhir_rpm.client.doctor.report import Finding, failed, ok, skipped, warning
from fhir_rpm.client.doctor.visit import Visit
from fhir_rpm.client.keys import ADVISED_RSA, PrivateKey, algorithm_of, public_jwk, read_private_key
from fhir_rpm.client.pull import Json
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import ConfigurationError, UnavailableError
from fhir_rpm.vendor import vendor_section

_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
_SECRET_FILES = ("private_key", "private_key_password_file", "client_secret_file", "bearer_token_file")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_settings(settings: ConnectionSettings) -> Finding:
    """Whether the settings say whom to reach; loading them has found what contradicts itself.

    Raises:
        ConfigurationError: there is no base URL, or the vendor's mapping file is wrong.
    """
    base = settings.required_base_url()
    vendor_section(settings.vendor, "search", SearchRecipe)
    exposed = [file for name in _SECRET_FILES if (file := getattr(settings, name)) and _is_exposed(file)]
    if exposed:
        return warning("secret_readable_by_others", f"File {exposed[0]}.", f"Run chmod 600 {exposed[0]}.")
    if settings.time_zone is None:
        return warning("no_time_zone")
    return ok(f"{base}, vendor {settings.vendor}.")


def check_key(visit: Visit) -> Finding:
    """Whether the settings' way to authenticate can be used at all.

    Raises:
        ConfigurationError: the key cannot be read or is of a kind that no server takes.
    """
    settings = visit.settings
    visit.auth = authenticator(settings, visit.transport)
    if settings.private_key is None:
        return ok("A client secret.") if visit.has_client else skipped(_without_key(visit))
    key = visit.key = read_private_key(settings.private_key, settings.private_key_passphrase())
    seen = f"{algorithm_of(key)}, {key.key_size} bits"
    if algorithm_of(key) == "RS384" and key.key_size < ADVISED_RSA:
        return warning("key_weak", f"{seen}.")
    if settings.key_id is None:
        return warning("no_key_id", f"{seen}.")
    return ok(f"{seen}, kid {settings.key_id}.")


def _without_key(visit: Visit) -> str:
    return "A ready-made token is used." if visit.has_credentials else "No credentials are configured."


def check_jwks(visit: Visit) -> Finding:
    """Whether the EHR can fetch our public key: https, no redirect, our key under our kid, nothing private."""
    settings = visit.settings
    if visit.key is None:
        return skipped("No private key is in use.")
    if settings.jwks_url is None:
        return warning("jwks_missing") if visit.knowledge.needs_jwks_url else skipped("jwks_url is not set.")
    unfit = _unfit_address(settings)
    if unfit is not None:
        return unfit
    try:
        answer = visit.look(settings.jwks_url, "application/json")
    except (UnavailableError, ConfigurationError) as error:
        return failed("jwks_unreachable", error.problem)
    if answer.status in REDIRECTS:
        return failed("jwks_redirects", f"To {target_of(answer)}.")
    if answer.status != 200:
        return failed("jwks_unreachable", described(answer, visit.knowledge))
    keys = (answer.json() or {}).get("keys")
    if not isinstance(keys, list):
        return failed("jwks_not_json", described(answer, visit.knowledge))
    published = [key for key in keys if isinstance(key, dict)]
    return _ours_among(published, visit.key, settings.key_id, answer.headers.get("Content-Type", ""))


def _unfit_address(settings: ConnectionSettings) -> Finding | None:
    ours, theirs = urlsplit(settings.jwks_url or ""), urlsplit(settings.base_url or "")
    if theirs.hostname in _LOOPBACK:
        return None  # a trial on one machine
    if ours.scheme != "https":
        return failed("jwks_not_https")
    return None if _is_public(ours.hostname or "") else failed("jwks_not_public", f"Host {ours.hostname}.")


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return host != "localhost" and "." in host and not host.endswith((".local", ".internal", ".localhost"))


def _ours_among(keys: list[Json], key: PrivateKey, kid: str | None, content_type: str) -> Finding:
    if any(_PRIVATE & item.keys() or item.get("kty") == "oct" for item in keys):
        return failed("jwks_private")
    ours = public_jwk(key)
    named = [item for item in keys if kid is not None and item.get("kid") == kid]
    published = [item for item in keys if all(item.get(name) == ours.get(name) for name in _PUBLIC)]
    if not published:
        return failed("jwks_other_key" if named else "jwks_kid_unknown", f"kid {kid}, {len(keys)} keys published.")
    if kid is not None and not any(item in named for item in published):
        return failed("jwks_other_kid", f"kid {kid}, {len(keys)} keys published.")
    if len(named) > 1:
        return warning("jwks_kid_twice", f"kid {kid}.")
    if "json" not in content_type.lower():
        return warning("jwks_content_type")
    return ok(f"Our key is published as {kid}; whether the EHR's network reaches it cannot be seen from here.")


def _is_exposed(file: Path) -> bool:
    """Whether others may read a file; a file that is not there is told of when it is read."""
    try:
        return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
