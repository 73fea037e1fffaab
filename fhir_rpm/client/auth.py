"""Ways to authenticate: a registered client, a token obtained elsewhere, an authorised fhirclient, or none."""

import threading
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, Protocol

from fhir_rpm.client.credentials import ClientCredentials
from fhir_rpm.client.discovery import discover
from fhir_rpm.client.token_reply import is_usable
from fhir_rpm.client.transport import Transport
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import AccessError, ConfigurationError

__all__ = [
    "Authenticator",
    "ClientCredentials",
    "FhirclientToken",
    "FileToken",
    "NoToken",
    "StaticToken",
    "authenticator",
    "token_url",
]

_TIMEOUTS = (10.0, 60.0)


class Authenticator(Protocol):
    """Gives the Authorization header."""

    def header(self, fresh: bool) -> str | None:
        """The header's value; `fresh` asks for another than the one the server has just refused."""


class NoToken:
    """An open server."""

    def header(self, fresh: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """No header."""
        return None


class _Secret:
    """Keeps what it holds out of pickles."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Tokens are not pickled; open a session where it is used.")


class StaticToken(_Secret):
    """A token that somebody else obtained.

    Raises:
        ConfigurationError: it cannot stand in a header.
    """

    def __init__(self, token: str) -> None:
        self._token = _checked(token, "bearer_token")

    def header(self, fresh: bool) -> str | None:
        """The same token always; a refused one cannot be renewed here."""
        return None if fresh else f"Bearer {self._token}"


class FileToken(_Secret):
    """A token in a file that somebody else keeps fresh; read again when the file changes or the token is refused.

    Raises:
        ConfigurationError: the file cannot be read, or holds no token.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._given = threading.local()
        self._state: tuple[int, int, int] | None = None
        self._token = ""
        self._read()

    def header(self, fresh: bool) -> str | None:
        """The token in the file; None when it is still the one that was refused.

        Raises:
            ConfigurationError: the file cannot be read any more.
        """
        refused = getattr(self._given, "token", None) if fresh else None
        with self._lock:
            self._read(anew=fresh)
            self._given.token = self._token
            return None if self._token == refused else f"Bearer {self._token}"

    def _read(self, *, anew: bool = False) -> None:
        try:
            about = self._path.stat()
            state = (about.st_mtime_ns, about.st_size, about.st_ino)
            if anew or state != self._state:
                self._token = _checked(self._path.read_text(encoding="utf-8"), f"bearer_token_file {self._path}")
                self._state = state
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            problem = f"bearer_token_file {self._path} cannot be read: {why}."
            raise ConfigurationError(problem, "Check the path and its permissions.") from None


class FhirclientToken(_Secret):
    """The token of an authorised `fhirclient.client.FHIRClient`, renewed by its own `reauthorize`.

    That needs a refresh token. fhirclient waits without end and follows redirects; here it may do neither.

    Raises:
        AccessError: the client is not authorised.
    """

    def __init__(self, client: Any) -> None:
        if getattr(client, "server", None) is None or not client.ready:
            raise AccessError("The fhirclient is not authorised.", "Finish its authorization before handing it over.")
        self._client = client
        self._lock = threading.Lock()
        self._given = threading.local()

    def header(self, fresh: bool) -> str | None:
        """The client's token of this moment; None on an open server, and when a refused token cannot be renewed.

        Raises:
            AccessError: the token has ended or was refused, and the refresh failed.
        """
        refused = getattr(self._given, "token", None) if fresh else None
        with self._lock:
            token = self._token()
            if self._has_ended() or (fresh and token == refused):
                token = self._renewed(token)
            if token is None or (fresh and token == refused):
                return None
            self._given.token = token
            return f"Bearer {_checked(token, 'the token of the fhirclient')}"

    def _auth(self) -> Any:
        return getattr(self._client.server, "auth", None)

    def _token(self) -> str | None:
        return getattr(self._auth(), "access_token", None)

    def _has_ended(self) -> bool:
        ends = getattr(self._auth(), "expires_at", None)
        return isinstance(ends, datetime) and ends < datetime.now(ends.tzinfo)

    def _renewed(self, token: str | None) -> str | None:
        """A fresh token, or the old one where there is no refresh token: fhirclient would break on that."""
        if getattr(self._auth(), "refresh_token", None) is None:
            return token
        server = self._client.server
        session, server.session = server.session, _Bounded(server.session)
        try:
            self._client.reauthorize()
        except Exception:  # noqa: BLE001 - fhirclient raises bare exceptions, and they can hold what the server said
            remedy = "Authorise the application again."
            raise AccessError("The fhirclient could not refresh its token.", remedy) from None
        finally:
            server.session = session
        return self._token()


class _Bounded:
    """A requests session whose posts end in time, and take no redirect: a refresh token must not follow one."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def post(self, url: str, **options: Any) -> Any:
        """As of the session, within the timeouts, and never elsewhere."""
        return self._session.post(url, **options, timeout=_TIMEOUTS, allow_redirects=False)


def authenticator(settings: ConnectionSettings, transport: Transport) -> Authenticator:
    """The way to authenticate that the settings give.

    Raises:
        ConfigurationError: the private key or the token cannot be used.
    """
    if settings.bearer_token is not None:
        return StaticToken(settings.bearer_token.get_secret_value())
    if settings.bearer_token_file is not None:
        return FileToken(settings.bearer_token_file)
    if settings.private_key is not None or settings.client_secret is not None:
        return ClientCredentials(settings, transport)
    return NoToken()


def token_url(transport: Transport) -> str:
    """The token endpoint that a server names.

    Raises:
        AccessError: it names none.
        UnavailableError: it could not be asked.
    """
    return discover(transport).required_token_url()


def _checked(token: str, where: str) -> str:
    """A token fit for a header; requests would repeat an unfit one in its error."""
    token = token.strip()
    if not is_usable(token):
        raise ConfigurationError(f"{where} holds no token.", "Put the token there, alone.")
    return token
