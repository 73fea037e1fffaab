"""One HTTP exchange, bounded in time and in size; whatever goes wrong in it ends as a Failure."""

import http.client
import io
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from fhir_rpm.client.answer import Answer as Answer
from fhir_rpm.client.clock import Clock
from fhir_rpm.errors import ConfigurationError, FhirRpmError, UnavailableError

_CHUNK = 65536


@dataclass(frozen=True)
class Tls:
    """Whom to trust, and who we are. Certificates are always verified: there is no switch.

    Attributes:
        ca_bundle: PEM file, or folder, of authorities; None takes REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, else the usual.
        client_cert, client_key: PEM files for mutual TLS; the key may stand in the certificate's file.
    """

    ca_bundle: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None

    def check(self) -> None:
        """Whether the files can be used.

        Raises:
            ConfigurationError: one cannot be read, is no PEM, or needs a passphrase.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca_bundle is not None and not self.ca_bundle.is_dir():
            with _named("ca_bundle", self.ca_bundle, "Use a PEM file with the certificates of authorities."):
                context.load_verify_locations(self.ca_bundle)
        if self.client_cert is not None:
            remedy = "Use PEM files of one certificate and its key, without a passphrase."
            with _named("client_cert", self.client_cert, remedy):
                context.load_cert_chain(self.client_cert, self.client_key, password=lambda: "")


@contextmanager
def _named(setting: str, path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cause = "is not usable" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        raise ConfigurationError(f"{setting} {path} {cause}.", remedy) from None


@dataclass(frozen=True)
class WireOptions:
    """How exchanges are made.

    Attributes:
        connect, read, total: seconds to connect, to wait for the next bytes, and for the whole exchange.
        max_bytes: the longest body, after decompression.
        tls: certificates.
        proxy: URL of a proxy for everything; None takes those of the environment.
    """

    connect: float = 10
    read: float = 60
    total: float = 300
    max_bytes: int = 64 * 1024 * 1024
    tls: Tls = Tls()
    proxy: str | None = field(default=None, repr=False)


class Failure(Exception):  # noqa: N818 - it is what an exchange came to
    """No answer.

    Attributes:
        told: the error for the caller, which names no query and no credentials.
        sent: whether the server may have acted on the request.
        passing: whether it is of a kind that may pass.
    """

    def __init__(self, told: FhirRpmError, *, sent: bool, passing: bool) -> None:
        super().__init__(str(told))
        self.told = told
        self.sent = sent
        self.passing = passing


class TooLargeError(UnavailableError):
    """An answer was longer than is read of one."""


class Wire:
    """Makes exchanges, on one session for each thread."""

    def __init__(self, options: WireOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        self._verify: str | bool = str(options.tls.ca_bundle) if options.tls.ca_bundle else environment or True
        self._threads = threading.local()
        self._sessions: list[requests.Session] = []

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], *, known: bool, alone: bool = False, **more: Any
    ) -> Answer:
        """One request and its answer.

        Args:
            method, url, headers: the request.
            known: the server may be shown the client's certificate.
            alone: on a connection of its own, since a kept one may just be closing and leave a write in doubt.
            more: `params`, `data` and `auth` as of requests.

        Raises:
            Failure: there is no whole answer.
        """
        session = self._new_session() if alone else self._kept_session()
        ends = self._clock.monotonic() + self._options.total
        try:
            with _bounded(lambda: ends - self._clock.monotonic()):
                return self._read(session, method, url, headers, cert=self._cert() if known else None, **more)
        except Failure:
            raise
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            raise failure_of(error, url) from None
        finally:
            if alone:
                session.close()

    def close(self) -> None:
        """Close all kept connections."""
        for session in self._sessions:
            session.close()

    def _read(
        self, session: requests.Session, method: str, url: str, headers: Mapping[str, str], **more: Any
    ) -> Answer:
        proxy = self._options.proxy
        limit = self._options.max_bytes
        with session.request(
            method,
            url,
            headers=dict(headers),
            timeout=(min(self._options.connect, self._options.total), self._options.read),
            allow_redirects=False,
            stream=True,
            verify=self._verify,
            proxies={"http": proxy, "https": proxy} if proxy else None,
            **more,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > limit:
                    problem = f"An answer of {host_of(url)} was larger than {limit} bytes."
                    told = TooLargeError(problem, "Ask for fewer entries a page, or raise max_response_bytes.")
                    raise Failure(told, sent=True, passing=False)
            return Answer(response.status_code, response.headers, bytes(body))

    def _cert(self) -> str | tuple[str, str] | None:
        tls = self._options.tls
        if tls.client_cert is None:
            return None
        return (str(tls.client_cert), str(tls.client_key)) if tls.client_key else str(tls.client_cert)

    def _kept_session(self) -> requests.Session:
        session = getattr(self._threads, "session", None)
        if session is None:
            session = self._threads.session = self._new_session()
            self._sessions.append(session)
        return session

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.auth = _NoAuth()
        session.headers["Accept-Encoding"] = "gzip"
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        return session


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from taking a password out of ~/.netrc and putting it over our Authorization."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


# What can go wrong

_TLS_CAUSES = (
    (
        "CERTIFICATE_VERIFY_FAILED",
        "The certificate of {host} is not trusted.",
        "Set ca_bundle (or REQUESTS_CA_BUNDLE) to the authority that signed it; verification cannot be switched off.",
    ),
    ("CERTIFICATE_REQUIRED", "{host} asks for a client certificate.", "Set client_cert and client_key."),
    ("HANDSHAKE_FAILURE", "{host} broke off the TLS handshake.", "It may ask for client_cert and client_key."),
    ("ALERT_BAD_CERTIFICATE", "{host} refused our client certificate.", "Check client_cert and client_key."),
    ("ALERT_UNKNOWN_CA", "{host} refused our client certificate.", "Check client_cert and client_key."),
    ("WRONG_VERSION_NUMBER", "{host} speaks no TLS there.", "Check scheme and port of the address."),
)
_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
_IN_HANDSHAKE = ("CERTIFICATE_VERIFY_FAILED", "WRONG_VERSION_NUMBER")
_BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_NETWORK = "Check the address and the network, then try again."
_TLS_BROKE = "Check the address and the network; the server may also ask for client_cert and client_key."


def failure_of(error: Exception, url: str) -> Failure:
    """What an exception of requests, urllib3 or the socket means to the caller."""
    host = host_of(url)
    told = _lasting(error, host)
    if told is not None:
        return Failure(told, sent=not _before_sending(error), passing=False)
    if isinstance(error, _BROKEN) or not isinstance(error, requests.RequestException | ValueError):
        problem = f"{host} could not be reached ({type(error).__name__})."
        remedy = _TLS_BROKE if isinstance(error, requests.exceptions.SSLError) else _NETWORK
        return Failure(UnavailableError(problem, remedy), sent=not _before_sending(error), passing=True)
    problem = f"The exchange with {host} failed ({type(error).__name__})."
    return Failure(UnavailableError(problem, _NETWORK), sent=True, passing=False)


def _lasting(error: Exception, host: str) -> FhirRpmError | None:
    """The error for what no repetition can mend, or None."""
    reason = _tls_reason(error)
    for sign, problem, remedy in _TLS_CAUSES:
        if sign in reason:
            return ConfigurationError(problem.format(host=host), remedy)
    if isinstance(error, requests.exceptions.ProxyError) and " 407 " in str(error):
        return ConfigurationError("The proxy refused our credentials (HTTP 407).", "Check proxy or FHIR_RPM_PROXY.")
    if isinstance(error, requests.exceptions.InvalidProxyURL) or (
        isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error)
    ):
        return ConfigurationError("The proxy's address cannot be used.", "Use an http:// or https:// proxy.")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return UnavailableError(f"{host} sent a body that cannot be decompressed.", "Try again later.")
    if isinstance(error, (*_ADDRESS, urllib3.exceptions.LocationParseError, UnicodeError)):
        remedy = "Check the address, and the settings for characters that do not belong there."
        return UnavailableError(f"The request to {host} could not be formed ({type(error).__name__}).", remedy)
    if isinstance(error, OSError) and error.errno is None and not isinstance(error, requests.RequestException):
        remedy = "Check ca_bundle, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, client_cert and client_key."
        return ConfigurationError("A certificate file cannot be read.", remedy)
    return None


def _before_sending(error: Exception) -> bool:
    """Whether it failed while connecting, so that nothing can have been carried out."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError, *_ADDRESS)):
        return True
    if any(sign in _tls_reason(error) for sign in _IN_HANDSHAKE):
        return True
    return any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in _causes(error))


def _tls_reason(error: Exception) -> str:
    return next((str(cause.reason) for cause in _causes(error) if isinstance(cause, ssl.SSLError)), "")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those inside it, however they were wrapped."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            waiting += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]


def host_of(url: str) -> str:
    """Host and port of a URL, for messages; never its credentials or query."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "the server"
    except ValueError:
        return "the server"


# Bounds: each read of the socket ends with the exchange, so that neither headers nor a body can drip for ever

_current = threading.local()


@contextmanager
def _bounded(left: Callable[[], float]) -> Iterator[None]:
    _current.left = left
    try:
        yield
    finally:
        _current.left = None


class _BoundedSocket(io.RawIOBase):
    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._raw: io.RawIOBase = sock.makefile("rb", buffering=0)
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._left()
        if left <= 0:
            raise TimeoutError
        own = self._sock.gettimeout()
        self._sock.settimeout(left if own is None else min(own, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        left = getattr(_current, "left", None)
        if left is not None:
            self.fp.close()
            self.fp = io.BufferedReader(_BoundedSocket(sock, left))


class _Http(urllib3.connection.HTTPConnection):
    response_class = _BoundedResponse


class _Https(urllib3.connection.HTTPSConnection):
    response_class = _BoundedResponse


_BOUNDED = {urllib3.connection.HTTPConnection: _Http, urllib3.connection.HTTPSConnection: _Https}


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        usual = type(pool).ConnectionCls
        pool.ConnectionCls = _BOUNDED.get(usual, usual)  # another class is a recorder's in a test
        return pool


class _WithoutQueries(logging.Filter):
    """Takes queries, header lines and exceptions out of what urllib3 logs about our exchanges."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(_current, "left", None) is not None and isinstance(record.args, tuple):
            record.args = tuple(_harmless(item) for item in record.args)
            record.exc_info = None
        return True


def _harmless(item: object) -> object:
    if isinstance(item, str):
        return item.partition("?")[0]
    return item if isinstance(item, int | None) else type(item).__name__


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.response"):
    logging.getLogger(_name).addFilter(_WithoutQueries())
