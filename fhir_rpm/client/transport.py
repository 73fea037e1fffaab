"""The one door to the network: bounded, polite, patient with reads only, and a token that never leaves its origin."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin, urlsplit

from fhir_rpm.client.clock import Clock
from fhir_rpm.client.politeness import Pace, QuietHours
from fhir_rpm.client.retries import (
    RETRIED,
    TOO_MANY,
    ComeBackError,
    Outages,
    RetryPolicy,
    Tries,
    asked_wait,
    to_the_minute,
)
from fhir_rpm.client.wire import Answer, Failure, Tls, Wire, WireOptions, host_of
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import ConfigurationError, UnavailableError, WriteUncertainError
from fhir_rpm.model.base import Frozen
from fhir_rpm.vendor import vendor_section

__all__ = ["FHIR_JSON", "Answer", "Authorize", "Transport", "open_transport", "same_origin"]

MAX_REDIRECTS = 3
FHIR_JSON = "application/fhir+json"

_USUAL_WIRE = WireOptions()
_USUAL_RETRIES = RetryPolicy()

Authorize = Callable[[bool], str | None]
"""Gives the Authorization header; True asks for a fresh one because the last was refused."""


class ConnectionRecipe(Frozen):
    """How one vendor wants to be connected to: the `[connection]` table of its mapping file.

    Attributes:
        client_id_header: a header that names the app on each request.
    """

    client_id_header: str | None = None


class Transport:
    """HTTP to one EHR; safe to share between threads.

    Args:
        base_url: the FHIR base; the token and `headers` are sent to its origin alone.
        wire: timeouts, size, certificates and proxy.
        headers: sent with every request to the base's origin; they may hold secrets.
        retries: how patient to be with reads.
        pace: how hard to press the server.
        sleep: how to wait; `clock` for tests that measure too.
    """

    def __init__(
        self,
        base_url: str,
        wire: WireOptions | tuple[float, float] = _USUAL_WIRE,
        *,
        headers: Mapping[str, str] | None = None,
        retries: RetryPolicy = _USUAL_RETRIES,
        pace: Pace | None = None,
        sleep: Callable[[float], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.authorize: Authorize = lambda _fresh: None
        self._clock = clock or (Clock(sleep=sleep) if sleep else Clock())
        options = wire if isinstance(wire, WireOptions) else WireOptions(*wire)
        self._wire = Wire(options, self._clock)
        self._agent = {"User-Agent": f"fhir-rpm/{version('fhir-rpm')}"}
        self._headers = dict(headers or {})
        self._retries = retries
        self._outages = Outages(retries, self._clock)
        self._pace = pace or Pace(clock=self._clock)

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def url(self, reference: str) -> str:
        """An absolute URL for a reference relative to the base (RFC 3986, with the base taken as a folder)."""
        return _joined(f"{self.base_url}/", reference)

    def ready(self) -> None:
        """Whether work may begin now.

        Raises:
            UnavailableError: these are quiet hours, or the server asked to be left alone; it says until when.
        """
        self._pace.check()
        self._outages.wait_for(_origin(self.base_url), host_of(self.base_url), self._retries.seconds)

    def get(self, url: str, accept: str = FHIR_JSON, params: Mapping[str, Any] | None = None) -> Answer:
        """Read, retrying what may pass, following redirects; a refused token is renewed once.

        Records are taken from the EHR alone: a redirect to another origin is no answer of it, even without a token.

        Raises:
            UnavailableError: the server could not be reached, kept failing on the way, or redirects elsewhere; or
                these are quiet hours.
            ConfigurationError: its certificate, ours, or the proxy must be seen to.
        """

        def read(at: str, query: Mapping[str, Any] | None) -> Answer:
            return self._authorized(at, {"Accept": accept}, query)

        return self._following(url, params, read, stay=True)

    def get_openly(self, url: str, accept: str = FHIR_JSON) -> Answer:
        """Read what needs no token: discovery, which comes before there is one; errors as of `get`."""
        return self._following(url, None, lambda at, _query: self._retrying("GET", at, {"Accept": accept}))

    def post(self, url: str, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Create, once: never repeated, for a repeat could file a second note.

        Only a 401, by which nothing was carried out, is answered with a fresh token and the same request.

        Raises:
            UnavailableError, ConfigurationError: nothing was sent.
            WriteUncertainError: the answer was lost; whether the server acted is unknown.
        """
        return self._writing("POST", url, resource, headers)

    def put(self, url: str, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Update, once; as `post`. Without If-Match in `headers` a change of others would be lost."""
        return self._writing("PUT", url, resource, headers)

    def form(self, url: str, data: Mapping[str, str], auth: tuple[str, str] | None = None) -> Answer:
        """Post a form to a token endpoint, with retries: asking for a token twice does no harm.

        Raises:
            UnavailableError: the endpoint could not be reached.
            ConfigurationError: it is plain http while the EHR is not.
        """
        if self._is_downgrade(url):
            raise ConfigurationError(f"The token endpoint at {host_of(url)} is plain http.", "Set an https token_url.")
        return self._retrying("POST", url, {"Accept": "application/json"}, known=True, data=data, auth=auth)

    def close(self) -> None:
        """Close kept connections; the transport can be used again."""
        self._wire.close()

    def _following(
        self,
        url: str,
        params: Mapping[str, Any] | None,
        read: Callable[[str, Mapping[str, Any] | None], Answer],
        *,
        stay: bool = False,
    ) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            self._pace.check()
            if self._is_downgrade(url):
                remedy = "Check the addresses that the server gives."
                raise UnavailableError(f"{host_of(url)} is plain http while the EHR is not; it was not read.", remedy)
            answer = read(url, params)
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or target is None:
                return answer
            url, params = _joined(url, target), None
            if _origin(url)[0] not in ("http", "https") or not _origin(url)[1]:
                raise UnavailableError("The server redirects to what is no web address.", "Check the base URL.")
            if stay and not same_origin(url, self.base_url):
                problem = f"The EHR redirects to {host_of(url)}, which was not read."
                raise UnavailableError(problem, "Check the base URL, and whether a proxy asks for a sign-in.")
        raise UnavailableError(
            f"More than {MAX_REDIRECTS} redirects, the last by {host_of(url)}.", "Check the base URL."
        )

    def _authorized(self, url: str, headers: Mapping[str, str], params: Mapping[str, Any] | None) -> Answer:
        for token in self._tokens(url):
            answer = self._retrying("GET", url, {**headers, **token}, params=params)
            if answer.status != 401:
                break
        return answer

    def _writing(self, method: str, url: str, resource: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        body = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
        sent = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON, **headers}
        if not same_origin(url, self.base_url):
            raise UnavailableError(f"{host_of(url)} is not the EHR; nothing was sent.", "Check base_url.")
        for token in self._tokens(url):
            tries = Tries(self._retries, self._clock)
            tries.wait(self._outages.wait_for(_origin(url), host_of(url), tries.left))
            try:
                answer = self._once(method, url, {**sent, **token}, alone=True, data=body)
            except Failure as failure:
                if not failure.sent:
                    raise failure.told from None
                remedy = "Look for it in the EHR before sending it again."
                kind = resource.get("resourceType")
                raise WriteUncertainError(f"The answer to the {method} of a {kind} was lost.", remedy) from None
            if answer.status != 401:
                break
        return answer

    def _tokens(self, url: str) -> Iterator[dict[str, str]]:
        """The header with the present token, and when that was refused the one with a fresh token, if there is one."""
        if not same_origin(url, self.base_url):
            yield {}
            return
        value = self.authorize(False)
        yield {} if value is None else {"Authorization": value}
        fresh = self.authorize(True)
        if fresh is not None:
            yield {"Authorization": fresh}

    def _retrying(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> Answer:
        tries = Tries(self._retries, self._clock)
        while True:
            tries.wait(self._outages.wait_for(_origin(url), host_of(url), tries.left))
            try:
                answer = self._once(method, url, headers, **more)
            except Failure as failure:
                wait = tries.again() if failure.passing else None
                if wait is None:
                    raise failure.told from None
            else:
                if answer.status not in RETRIED:
                    return answer
                wait = tries.again(self._asked(url, answer, tries.made))
                if wait is None:
                    return answer
            tries.wait(wait)

    def _asked(self, url: str, answer: Answer, earlier: int) -> float:
        """Seconds that the server asks for, as far as they will be waited for."""
        now = self._clock.now()
        asked = asked_wait(answer.status, answer.headers, now)
        if asked is not None and asked > self._retries.longest_wait:
            self._outages.close(_origin(url), asked)
            raise ComeBackError(f"{host_of(url)} asked to be left alone (HTTP {answer.status}).", now + asked)
        if asked is None and answer.status == TOO_MANY and earlier:
            return to_the_minute(now)
        return asked or 0.0

    def _once(self, method: str, url: str, headers: Mapping[str, str], *, known: bool = False, **more: Any) -> Answer:
        ours = same_origin(url, self.base_url)
        sent = {**self._agent, **(self._headers if ours else {}), **headers}
        try:
            answer = self._pace.carry(lambda: self._wire.exchange(method, url, sent, known=known or ours, **more))
        except Failure as failure:
            if failure.passing:
                self._outages.failed(_origin(url))
            raise
        if answer.status in RETRIED and answer.status != TOO_MANY:
            self._outages.failed(_origin(url))
        else:
            self._outages.answered(_origin(url))
        return answer

    def _is_downgrade(self, url: str) -> bool:
        return _origin(self.base_url)[0] == "https" and _origin(url)[0] != "https"


def open_transport(settings: ConnectionSettings, clock: Clock | None = None) -> Transport:
    """The transport that settings describe; nothing is sent.

    Raises:
        ConfigurationError: there is no base URL, a certificate file cannot be used, or quiet hours cannot be read.
    """
    tls = Tls(settings.ca_bundle, settings.client_cert, settings.client_key)
    tls.check()
    quiet = settings.quiet_hours and QuietHours.parse(settings.quiet_hours, settings.required_time_zone())
    wire = WireOptions(
        settings.connect_timeout,
        settings.read_timeout,
        settings.total_timeout,
        settings.max_response_bytes,
        tls,
        settings.proxy.get_secret_value() if settings.proxy else None,
    )
    retries = RetryPolicy(
        settings.max_attempts, settings.retry_seconds, settings.max_retry_wait, settings.outage_seconds
    )
    pace = Pace(settings.max_concurrency, settings.requests_per_second, quiet or None, clock)
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()} | _named_app(settings)
    return Transport(settings.required_base_url(), wire, headers=headers, retries=retries, pace=pace, clock=clock)


def _named_app(settings: ConnectionSettings) -> dict[str, str]:
    if settings.epic_client_id is not None:
        return {"Epic-Client-ID": settings.epic_client_id}
    name = vendor_section(settings.vendor, "connection", ConnectionRecipe).client_id_header
    return {name: settings.client_id} if name is not None and settings.client_id is not None else {}


def same_origin(left: str, right: str) -> bool:
    """Whether two URLs share scheme, host and port; default ports may be written or not."""
    return _origin(left) == _origin(right)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; what libraries read differently (a user, a backslash) is an origin of its own."""
    try:
        parts = urlsplit(url)
        if not _HOST_AND_PORT.fullmatch(parts.netloc):
            return parts.scheme, url, None
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", url, None


_HOST_AND_PORT = re.compile(r"(?:[^\s\\@\[\]:]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def _joined(base: str, reference: str) -> str:
    """An absolute URL; what is no URL stays as it is, and is refused when somebody tries to read it."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference
