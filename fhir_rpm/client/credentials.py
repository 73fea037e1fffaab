"""The OAuth client_credentials grant, with a signed assertion or a secret; one token shared by all threads."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn
from urllib.parse import quote_plus

import jwt

from fhir_rpm.client.discovery import Discovery, discover, is_safe
from fhir_rpm.client.keys import algorithm_of, read_private_key, thumbprint
from fhir_rpm.client.scopes import AuthRecipe, GrantedScopes
from fhir_rpm.client.token_reply import Token, TokenRefusedError, method_hints, read_token, with_hints
from fhir_rpm.client.transport import Answer, Transport
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import AccessError, ConfigurationError, FhirRpmError, UnavailableError
from fhir_rpm.vendor import vendor_section

ASSERTION_SECONDS = 240
"""Epic refuses assertions that live longer than five minutes; a minute is left for clocks that differ."""

EARLY = 30.0
"""A token is renewed this many seconds before it ends, or a quarter of its life; Oracle's live 570 seconds."""

NEW = 60.0
"""A token renewed after a refusal and refused again within these seconds is not renewed once more."""

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ClientCredentials:
    """Asks for tokens, and keeps one; safe to share between threads, never to be pickled.

    Args:
        settings: client id with a private key or a secret; token_url, scopes, jwks_url where they are given.
        transport: sends the form; the token endpoint never sees a bearer token.
        clock: seconds since 1970.

    Raises:
        ConfigurationError: the private key cannot be used.
    """

    def __init__(
        self, settings: ConnectionSettings, transport: Transport, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._recipe: AuthRecipe = vendor_section(settings.vendor, "auth", AuthRecipe)
        self._key = None
        if settings.private_key is not None:
            self._key = read_private_key(settings.private_key, settings.private_key_passphrase())
        self._lock = threading.Lock()
        self._given = threading.local()
        self._found: Discovery | None = None
        self._token: Token | None = None
        self._due = 0.0
        self._renewed = float("-inf")
        self._asked = 0
        self._failure: FhirRpmError | None = None
        self._scopes: tuple[str | None, ...] | None = None

    def __repr__(self) -> str:
        return f"ClientCredentials({self._settings.client_id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials are not pickled; open a session where it is used.")

    @property
    def granted(self) -> GrantedScopes | None:
        """The scopes that came with the token; None before the first."""
        return None if self._token is None else self._token.granted

    def header(self, fresh: bool) -> str | None:
        """A live token's header; threads wait for one request instead of making each their own.

        `fresh` means that the token this thread got last was refused: one that another thread has renewed meanwhile is
        given, else a new one, and none when a new one was refused at once.

        Raises:
            AccessError: the server refused.
            UnavailableError: the token endpoint could not be reached.
        """
        refused = getattr(self._given, "token", None) if fresh else None
        asked = self._asked
        with self._lock:
            if self._token is None or self._token is refused or self._clock() >= self._due:
                if self._token is not None and self._token is refused:
                    if self._clock() < self._renewed + NEW:
                        return None
                    self._renewed = self._clock()
                self._renew(asked)
            self._given.token = self._token
            return None if self._token is None else f"Bearer {self._token.text}"

    def _renew(self, asked: int) -> None:
        """Ask for a token; a thread that waited while another failed shares that failure."""
        if asked != self._asked and self._failure is not None:
            raise _again(self._failure)
        self._failure = None
        try:
            self._token = self._request()
        except FhirRpmError as error:
            self._failure = error
            raise
        finally:
            self._asked += 1
        lifetime = self._token.lifetime
        self._due = self._clock() + lifetime - min(EARLY, lifetime / 4)

    def _request(self) -> Token:
        """Try each spelling of the scopes that the vendor's file names, the next only after invalid_scope."""
        found = self._found = self._found or self._discover()
        url = self._settings.token_url or found.required_token_url()
        if not is_safe(url, allow_http=self._settings.allow_http):
            remedy = "Set token_url to an https URL, or allow_http = true for a trusted network."
            raise AccessError("The token endpoint is plain http: credentials would travel in clear.", remedy)
        self._scopes = self._scopes or self._scope_requests(found)
        for place, scope in enumerate(self._scopes):
            try:
                token = self._exchange(url, scope, found)
            except TokenRefusedError as error:
                if error.code != "invalid_scope" or place == len(self._scopes) - 1:
                    raise
            else:
                self._scopes = self._scopes[place:]
                return token
        raise AssertionError("unreachable")

    def _discover(self) -> Discovery:
        """What the server says; with a token_url of the user's it is not needed, and asked only where it may help."""
        if self._settings.token_url is None:
            return discover(self._transport)
        knows_scopes = self._settings.scopes is not None or self._recipe.scopes == ("none",)
        if self._key is not None and knows_scopes:
            return Discovery()
        try:
            return discover(self._transport)
        except FhirRpmError:
            return Discovery()

    def _scope_requests(self, found: Discovery) -> tuple[str | None, ...]:
        if self._settings.scopes is not None:
            return (self._settings.scopes or None,)
        return self._recipe.requests(found, writing=self._settings.write_access)

    def _exchange(self, url: str, scope: str | None, found: Discovery) -> Token:
        answer = self._send(url, scope, found)
        if answer.status == 400 and self._recipe.retries_400:
            answer = self._send(url, scope, found)
        try:
            return read_token(answer)
        except TokenRefusedError as error:
            algorithm = None if self._key is None else algorithm_of(self._key)
            hints = method_hints(found, self._method(found), algorithm)
            raise with_hints(error, answer, self._clock(), hints) from None

    def _send(self, url: str, scope: str | None, found: Discovery) -> Answer:
        data = {"grant_type": "client_credentials"} | ({} if scope is None else {"scope": scope})
        if self._key is not None:
            signed = data | {"client_assertion_type": _JWT_BEARER, "client_assertion": ""}
            return self._transport.form(url, _SignedForm(signed, lambda: self._assertion(url)))
        identity, basic = str(self._settings.client_id), None
        secret = self._settings.client_secret
        if secret is not None and self._method(found) == "client_secret_post":
            data |= {"client_id": identity, "client_secret": secret.get_secret_value()}
        elif secret is not None:
            basic = quote_plus(identity), quote_plus(secret.get_secret_value())
        return self._transport.form(url, data, basic)

    def _method(self, found: Discovery) -> str:
        """RFC 6749 §2.3.1 prefers Basic; the form is used where a server declares it and not Basic."""
        if self._key is not None:
            return "private_key_jwt"
        only_post = "client_secret_post" in found.methods and "client_secret_basic" not in found.methods
        return "client_secret_post" if only_post else "client_secret_basic"

    def _assertion(self, audience: str) -> str:
        """SMART App Launch 2.2, "Client Authentication: Asymmetric": a jti of its own, and a kid always."""
        if self._key is None:
            raise ConfigurationError("There is no private key to sign with.", "Set private_key.")
        now = int(self._clock())
        identity = self._settings.client_id
        claims = {"iss": identity, "sub": identity, "aud": audience, "jti": str(uuid.uuid4()), "iat": now}
        headers = {"typ": "JWT", "kid": self._settings.key_id or thumbprint(self._key)}
        headers |= {"jku": self._settings.jwks_url} if self._settings.jwks_url else {}
        return jwt.encode({**claims, "exp": now + ASSERTION_SECONDS}, self._key, algorithm_of(self._key), headers)


class _SignedForm(Mapping[str, str]):
    """A form whose assertion is signed anew each time it is sent: a jti that is seen twice is refused (facts: Epic)."""

    def __init__(self, fields: Mapping[str, str], sign: Callable[[], str]) -> None:
        self._fields = fields
        self._sign = sign

    def __getitem__(self, name: str) -> str:
        return self._sign() if name == "client_assertion" else self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _again(error: FhirRpmError) -> FhirRpmError:
    """The same failure for another thread: an exception that is raised twice mixes up its tracebacks."""
    kinds = (AccessError, UnavailableError, ConfigurationError)
    kind = next((kind for kind in kinds if isinstance(error, kind)), FhirRpmError)
    return kind(error.problem, error.remedy)
