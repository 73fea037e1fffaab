"""The sandbox's token endpoint: SMART Backend Services verified as a real server would."""

import base64
import re
import secrets
import threading
import time
from typing import Any
from urllib.parse import unquote_plus

import jwt

Json = dict[str, Any]

LIFETIMES = {"epic": 3600, "oracle": 570, "generic": 300}
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenRefusedError(Exception):
    """An OAuth error, by its code."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


class TokenIssuer:
    """Clients, their keys, and the tokens they hold."""

    def __init__(self, vendor: str) -> None:
        self.url = ""
        self._vendor = vendor
        self._keys: dict[str, list[Json]] = {}
        self._secrets: dict[str, str] = {}
        self._used: set[str] = set()
        self._live: dict[str, float] = {}
        self._lock = threading.Lock()

    def register(self, client_id: str, public_jwk: Json) -> None:
        """Register a backend service with a public key; more keys of one client are added."""
        self._keys.setdefault(client_id, []).append(public_jwk)

    def register_secret(self, client_id: str, secret: str) -> None:
        """Register a client with a secret."""
        self._secrets[client_id] = secret

    def is_live(self, header: str | None) -> bool:
        """Whether an Authorization header holds a token that has not ended."""
        scheme, _, token = (header or "").partition(" ")
        return scheme == "Bearer" and self._live.get(token, 0) > time.time()

    def issue(self, form: Json, authorization: str | None) -> Json:
        """A token reply.

        Raises:
            TokenRefusedError: the grant, the assertion or the secret is not accepted.
        """
        if form.get("grant_type") != "client_credentials":
            raise TokenRefusedError("unsupported_grant_type", "Only client_credentials is offered.")
        if form.get("client_assertion_type") == _ASSERTION_TYPE:
            self._check_assertion(str(form.get("client_assertion")))
        else:
            self._check_secret(authorization)
        if self._vendor == "oracle":
            _check_scopes(str(form.get("scope") or ""))
        token = secrets.token_urlsafe(24)
        lifetime = LIFETIMES[self._vendor]
        with self._lock:
            self._live[token] = time.time() + lifetime
        scope = _V1_SCOPES if self._vendor == "epic" else form.get("scope") or "system/*.rs system/DocumentReference.c"
        return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": scope}

    def _check_assertion(self, assertion: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
            claimed = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError:
            raise TokenRefusedError("invalid_client", "The assertion is no JWT.") from None
        client = str(claimed.get("iss"))
        keys = [key for key in self._keys.get(client, []) if key.get("kid") == header.get("kid")]
        if not keys or claimed.get("sub") != client:
            raise TokenRefusedError("invalid_client", "No such client, or no key of that kid.")
        try:
            claims = jwt.decode(
                assertion,
                jwt.PyJWK(keys[0]).key,
                algorithms=["RS384", "ES384"],
                audience=self.url,
                options={"require": ["exp", "jti", "aud", "iss", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise TokenRefusedError("invalid_client", f"The assertion was refused ({type(error).__name__}).") from None
        if claims["exp"] > time.time() + 305:
            raise TokenRefusedError("invalid_client", "The assertion lives longer than five minutes.")
        with self._lock:
            if claims["jti"] in self._used:
                raise TokenRefusedError("invalid_client", "The jti was used before.")
            self._used.add(claims["jti"])

    def _check_secret(self, authorization: str | None) -> None:
        try:
            kind, _, value = (authorization or "").partition(" ")
            client, _, secret = map(unquote_plus, base64.b64decode(value).decode().partition(":"))
        except ValueError:
            kind, client, secret = "", "", ""
        if kind != "Basic" or not secrets.compare_digest(self._secrets.get(client, "\0"), secret):
            raise TokenRefusedError("invalid_client", "The client is not known or its secret is wrong.")


def _check_scopes(scope: str) -> None:
    """Oracle: v2 spelling, type by type; v1 and wildcards are refused (facts: sandbox sweeps of April 2026)."""
    if not all(re.fullmatch(r"system/[A-Z][A-Za-z]+\.c?r?u?d?s?", name) for name in scope.split()):
        raise TokenRefusedError("invalid_scope", "empty-scopes")


_READ = ("Patient", "Encounter", "Observation", "DocumentReference", "Binary", "Practitioner", "Group")
_V1_SCOPES = " ".join([*(f"system/{name}.read" for name in _READ), "system/DocumentReference.write"])
