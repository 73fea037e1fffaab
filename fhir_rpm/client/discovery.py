"""What a server says about getting a token: its SMART configuration, else its CapabilityStatement."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from fhir_rpm.client.transport import Answer, Transport
from fhir_rpm.errors import AccessError, UnavailableError

WELL_KNOWN = ".well-known/smart-configuration"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Discovery:
    """What was found; empty where the server says nothing, or nonsense.

    Attributes:
        token_url: the token endpoint.
        methods, algorithms: how a client may authenticate there, and sign.
        scopes, capabilities: what a client may ask for, and what the server can do.
        tried: for each document, in words, what came instead of a token endpoint.
    """

    token_url: str | None = None
    methods: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()

    def required_token_url(self) -> str:
        """The token endpoint.

        Raises:
            AccessError: the server names none.
        """
        if self.token_url is None:
            remedy = "Set token_url, or check that base_url is the FHIR base."
            raise AccessError(f"The server names no token endpoint ({'; '.join(self.tried)}).", remedy)
        return self.token_url


def discover(transport: Transport) -> Discovery:
    """Ask the server, tolerant of anything it may answer.

    Raises:
        UnavailableError: neither document could be had, for a reason that may pass.
        ConfigurationError: the connection itself is wrong, as the transport says.
    """
    found, tried = _smart(transport)
    if found.token_url is not None:
        return found
    answer = transport.get_openly(f"{transport.base_url}/metadata")
    statement = answer.json() if answer.status == 200 else None
    url = next((url for uri in oauth_uris(statement or {}) if (url := _absolute(uri, transport.base_url))), None)
    if url is None and answer.status >= 500:
        raise UnavailableError(f"The server's metadata failed with HTTP {answer.status}.", "Try again later.")
    return replace(found, token_url=url, tried=(tried, f"metadata: {what_came(answer, statement, 'no oauth-uris')}"))


def _smart(transport: Transport) -> tuple[Discovery, str]:
    """The SMART configuration, and in words what came instead; redirects that lead nowhere are no reason to stop."""
    try:
        answer = transport.get_openly(f"{transport.base_url}/{WELL_KNOWN}", "application/json")
    except UnavailableError as error:
        return Discovery(), f"{WELL_KNOWN}: {error.problem}"
    smart = answer.json() if answer.status == 200 else None
    found = _from_smart(smart or {}, transport.base_url)
    return found, f"{WELL_KNOWN}: {what_came(answer, smart, 'no token_endpoint in it')}"


def is_safe(url: str, *, allow_http: bool = False) -> bool:
    """Whether a credential may go there: https, loopback, or plain http on a network that the settings trust."""
    parts = urlsplit(url)
    local = parts.hostname in _LOOPBACK
    return parts.scheme == "https" or (parts.scheme == "http" and (local or allow_http))


def what_came(answer: Answer, document: dict[str, Any] | None, otherwise: str) -> str:
    """In words, what a server answered instead of what was asked for; nothing of its content."""
    if answer.status in _REDIRECTS:
        return "a redirect"
    if answer.status != 200:
        return f"HTTP {answer.status}"
    if document is not None:
        return otherwise
    body = answer.body.lstrip()
    if not body:
        return "an empty answer"
    return "a web page" if body.startswith(b"<") else "no JSON object, or one cut short"


def _from_smart(smart: dict[str, Any], base: str) -> Discovery:
    return Discovery(
        token_url=_absolute(smart.get("token_endpoint"), base),
        methods=_strings(smart.get("token_endpoint_auth_methods_supported")),
        algorithms=_strings(smart.get("token_endpoint_auth_signing_alg_values_supported")),
        scopes=_strings(smart.get("scopes_supported")),
        capabilities=_strings(smart.get("capabilities")),
    )


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _absolute(value: object, base: str) -> str | None:
    """A URL with a host and without a password; a relative one is resolved against the FHIR base."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        url = urljoin(f"{base}/", value.strip())
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return url if usable and url.isprintable() and " " not in url else None


def oauth_uris(statement: dict[str, Any]) -> Iterator[str]:
    """The token endpoints that a CapabilityStatement names (SMART App Launch 1.0, extension oauth-uris)."""
    for rest in _dicts(statement.get("rest")):
        security = rest.get("security")
        for extension in _dicts(security.get("extension") if isinstance(security, dict) else None):
            url = str(extension.get("url"))
            if url.endswith("oauth-uris#token"):
                yield str(extension.get("valueUri"))
            if url.endswith("oauth-uris"):
                parts = [item for item in _dicts(extension.get("extension")) if item.get("url") == "token"]
                yield from (str(part.get("valueUri")) for part in parts if part.get("valueUri"))


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
