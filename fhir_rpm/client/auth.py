"""SMART Backend Services, a client secret, a ready-made token, or none; one token shared by all threads."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fhir_rpm.client.transport import Transport
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import AccessError, ConfigurationError, UnavailableError

ASSERTION_SECONDS = 240
"""Epic refuses assertions that live longer than five minutes."""

EARLY = 30
"""A token is renewed this many seconds before it ends; Oracle's live 570 seconds."""

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_REMEDIES = {
    "invalid_client": "Check client_id, key_id and that the public key is registered; a new registration can take "
    "up to an hour in a sandbox and 12 hours at a customer.",
    "unauthorized_client": "Ask the site whether the app is enabled and mapped to a background user.",
    "invalid_scope": "Ask for scopes that the app is registered for, in the syntax the server expects (v1 or v2).",
    "invalid_grant": "Check the token URL, the audience and this machine's clock.",
}


class Authenticator(Protocol):
    """Gives the Authorization header."""

    def header(self, fresh: bool) -> str | None:
        """The header's value; `fresh` asks for another than the one the server has just refused."""


class NoToken:
    """An open server."""

    def header(self, fresh: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """No header."""
        return None


class StaticToken:
    """A token that somebody else obtained."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __repr__(self) -> str:
        return "StaticToken(…)"

    def header(self, fresh: bool) -> str | None:
        """The same token always; a refused one cannot be renewed here."""
        return None if fresh else f"Bearer {self._token}"


class ClientCredentials:
    """The OAuth client_credentials grant, with a signed assertion or a secret."""

    def __init__(
        self, settings: ConnectionSettings, transport: Transport, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._key = _private_key(settings)
        self._lock = threading.Lock()
        self._token: str | None = None
        self._ends = 0.0
        self._url: str | None = settings.token_url
        self.granted: str | None = None

    def __repr__(self) -> str:
        return f"ClientCredentials({self._settings.client_id!r})"

    def header(self, fresh: bool) -> str | None:
        """A live token's header; threads wait for one request instead of making each their own.

        Raises:
            AccessError: the server refused.
        """
        refused = self._token if fresh else None
        with self._lock:
            if self._token is None or self._token == refused or self._clock() >= self._ends:
                self._request()
            return f"Bearer {self._token}"

    def _request(self) -> None:
        url = self._url = self._url or token_url(self._transport)
        data = {"grant_type": "client_credentials"}
        if self._settings.scopes is not None:
            data["scope"] = self._settings.scopes
        basic = None
        if self._key is not None:
            data |= {"client_assertion_type": _JWT_BEARER, "client_assertion": self._assertion(url)}
        elif self._settings.client_secret is not None:
            basic = (str(self._settings.client_id), self._settings.client_secret.get_secret_value())
        answer = self._transport.form(url, data, basic)
        reply = answer.json() or {}
        token = reply.get("access_token")
        if answer.status >= 400 or not isinstance(token, str):
            raise _refusal(answer.status, reply)
        self._token = token
        self._ends = self._clock() + max(1.0, _lifetime(reply) - EARLY)
        self.granted = reply.get("scope") if isinstance(reply.get("scope"), str) else None

    def _assertion(self, audience: str) -> str:
        now = int(self._clock())
        claims = {
            "iss": self._settings.client_id,
            "sub": self._settings.client_id,
            "aud": audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        headers = {"typ": "JWT"}
        headers |= {"kid": self._settings.key_id} if self._settings.key_id else {}
        headers |= {"jku": self._settings.jwks_url} if self._settings.jwks_url else {}
        algorithm = "ES384" if isinstance(self._key, EllipticCurvePrivateKey) else "RS384"
        return jwt.encode(claims, self._key, algorithm, headers)  # type: ignore[arg-type]


def authenticator(settings: ConnectionSettings, transport: Transport) -> Authenticator:
    """The way to authenticate that the settings give.

    Raises:
        ConfigurationError: the private key cannot be used.
    """
    if settings.bearer_token is not None:
        return StaticToken(settings.bearer_token.get_secret_value())
    if settings.private_key is not None or settings.client_secret is not None:
        return ClientCredentials(settings, transport)
    return NoToken()


def token_url(transport: Transport) -> str:
    """The token endpoint: from `.well-known/smart-configuration`, else from the CapabilityStatement.

    Raises:
        AccessError: the server names none.
    """
    smart = (
        transport.get_openly(f"{transport.base_url}/.well-known/smart-configuration", "application/json").json() or {}
    )
    if isinstance(smart.get("token_endpoint"), str):
        return str(smart["token_endpoint"])
    statement = transport.get_openly(f"{transport.base_url}/metadata").json() or {}
    for value in _oauth_uris(statement):
        return value
    remedy = "Set token_url, or check that base_url is the FHIR base."
    raise AccessError("The server names no token endpoint.", remedy)


def _oauth_uris(statement: dict[str, Any]) -> list[str]:
    found = []
    for rest in statement.get("rest") or []:
        security = rest.get("security") if isinstance(rest, dict) else None
        for extension in (security or {}).get("extension") or []:
            if "oauth-uris" in str(extension.get("url")):
                found += [
                    str(item.get("valueUri")) for item in extension.get("extension") or [] if item.get("url") == "token"
                ]
    return found


def _refusal(status: int, reply: dict[str, Any]) -> Exception:
    if status >= 500:
        return UnavailableError(f"The token endpoint failed with HTTP {status}.", "Try again later.")
    code = reply.get("error")
    known = code if code in _REMEDIES else None
    cause = f"{known} (HTTP {status})" if known else f"HTTP {status}"
    remedy = _REMEDIES[known] if known else "Check client_id, key and token_url."
    return AccessError(f"The token request was refused: {cause}.", remedy)


def _lifetime(reply: dict[str, Any]) -> float:
    try:
        return float(reply.get("expires_in") or 300)
    except (TypeError, ValueError):
        return 300.0


def _private_key(settings: ConnectionSettings) -> RSAPrivateKey | EllipticCurvePrivateKey | None:
    if settings.private_key is None:
        return None
    try:
        key = load_pem_private_key(settings.private_key.read_bytes(), password=None)
    except OSError as error:
        problem = f"private_key {settings.private_key} cannot be read: {error.strerror}."
        raise ConfigurationError(problem, "Check the path and its permissions.") from error
    except (ValueError, TypeError) as error:
        problem = f"private_key {settings.private_key} is no unencrypted PEM private key."
        raise ConfigurationError(problem, "Use a PEM file with an RSA or P-384 key.") from error
    if isinstance(key, RSAPrivateKey) or (isinstance(key, EllipticCurvePrivateKey) and key.curve.name == "secp384r1"):
        return key
    raise ConfigurationError(
        f"private_key {settings.private_key} is neither RSA nor P-384.", "Make an RSA or P-384 key."
    )
