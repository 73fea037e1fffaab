"""The one door to the network: timeouts always, bounded retries of reads, and a token that never leaves its origin."""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from fhir_rpm.errors import UnavailableError

RETRIED = (429, 502, 503, 504)
ATTEMPTS = 4
LONGEST_WAIT = 20.0
MAX_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 3
FHIR_JSON = "application/fhir+json"

Authorize = Callable[[bool], str | None]
"""Gives the Authorization header; True asks for a fresh one because the last was refused."""


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None: servers answer with HTML, nothing, or half of it."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


class Transport:
    """HTTP with one session for each thread.

    Args:
        base_url: the FHIR base; the token is sent to its origin alone.
        timeouts: seconds to connect and to wait for the next bytes.
        verify: a CA bundle, or True; certificates are always verified.
        headers: sent with every request.
        sleep: how to wait between attempts.
    """

    def __init__(
        self,
        base_url: str,
        timeouts: tuple[float, float] = (10, 60),
        verify: str | bool = True,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.authorize: Authorize = lambda _fresh: None
        self._timeouts = timeouts
        self._verify = verify
        self._headers = {"User-Agent": f"fhir-rpm/{version('fhir-rpm')}", **(headers or {})}
        self._sleep = sleep
        self._threads = threading.local()

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def url(self, reference: str) -> str:
        """An absolute URL for a reference relative to the base (RFC 3986, with the base taken as a folder)."""
        return urljoin(f"{self.base_url}/", reference)

    def get(self, url: str, accept: str = FHIR_JSON, params: Mapping[str, Any] | None = None) -> Answer:
        """Read, retrying what may pass; a refused token is renewed once.

        Raises:
            UnavailableError: the server could not be reached, or kept failing on the way.
        """
        answer = self._authorized("GET", url, {"Accept": accept}, params=params)
        for _ in range(MAX_REDIRECTS):
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or target is None:
                break
            answer = self._authorized("GET", urljoin(url, target), {"Accept": accept})
        return answer

    def post(self, url: str, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Create, once: never repeated, for a repeat could file a second note.

        Raises:
            requests.RequestException: the answer was lost; whether the server acted is unknown.
        """
        body = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
        sent = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, **headers}
        return self._once("POST", url, sent | self._token(url, fresh=False), data=body)

    def put(self, url: str, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Update, once: never repeated, though If-Match in `headers` would let a repeat do no harm.

        Raises:
            requests.RequestException: the answer was lost; whether the server acted is unknown.
        """
        body = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
        sent = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, **headers}
        return self._once("PUT", url, sent | self._token(url, fresh=False), data=body)

    def form(self, url: str, data: Mapping[str, str], auth: tuple[str, str] | None = None) -> Answer:
        """Post a form to a token endpoint, with retries: asking for a token twice does no harm."""
        return self._retrying("POST", url, {"Accept": "application/json"}, data=data, auth=auth)

    def get_openly(self, url: str, accept: str = FHIR_JSON) -> Answer:
        """Read what needs no token: discovery, which comes before there is one."""
        return self._retrying("GET", url, {"Accept": accept})

    def _authorized(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> Answer:
        answer = self._retrying(method, url, {**headers, **self._token(url, fresh=False)}, **more)
        if answer.status == 401 and (token := self._token(url, fresh=True)):
            answer = self._retrying(method, url, {**headers, **token}, **more)
        return answer

    def _token(self, url: str, *, fresh: bool) -> dict[str, str]:
        if not same_origin(url, self.base_url):
            return {}
        value = self.authorize(fresh)
        return {} if value is None else {"Authorization": value}

    def _retrying(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> Answer:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._once(method, url, headers, **more)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if attempt == ATTEMPTS:
                    host = urlsplit(url).netloc
                    problem = f"{host} could not be reached ({type(error).__name__})."
                    raise UnavailableError(problem, "Check the base URL and the network, then try again.") from None
                self._sleep(wait_before(attempt, None))
                continue
            if answer.status not in RETRIED or attempt == ATTEMPTS:
                return answer
            self._sleep(wait_before(attempt, answer.headers.get("Retry-After")))
        raise AssertionError("unreachable")

    def _once(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> Answer:
        with self._session().request(
            method,
            url,
            headers={**self._headers, **headers},
            timeout=self._timeouts,
            allow_redirects=False,
            stream=True,
            verify=self._verify,
            **more,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(65536):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise UnavailableError("An answer was larger than 64 MiB.", "Ask for fewer entries a page.")
            return Answer(response.status_code, response.headers, bytes(body))

    def _session(self) -> requests.Session:
        session = getattr(self._threads, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = True
            session.auth = _NoAuth()
            self._threads.session = session
        return session


class _NoAuth(requests.auth.AuthBase):
    """Keeps requests from taking a password out of ~/.netrc and putting it over our Authorization."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def wait_before(attempt: int, retry_after: str | None) -> float:
    """Seconds before the next attempt: full jitter, with Retry-After as a floor under a cap (an epoch is absurd)."""
    floor = min(_seconds(retry_after), LONGEST_WAIT)
    return max(floor, random.uniform(0, min(LONGEST_WAIT, 0.5 * 2**attempt)))  # noqa: S311 - jitter, no secret


def _seconds(retry_after: str | None) -> float:
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def same_origin(left: str, right: str) -> bool:
    """Whether two URLs share scheme, host and port; default ports may be written or not."""
    return _origin(left) == _origin(right)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)
