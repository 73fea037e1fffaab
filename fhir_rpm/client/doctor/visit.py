"""What one examination carries from step to step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from fhir_rpm.client.auth import Authenticator
from fhir_rpm.client.capability import Capability
from fhir_rpm.client.clock import Clock
from fhir_rpm.client.doctor.knowledge import Knowledge
from fhir_rpm.client.keys import PrivateKey
from fhir_rpm.client.pull import Json
from fhir_rpm.client.transport import FHIR_JSON, Transport, same_origin
from fhir_rpm.client.wire import Answer, Failure, Tls, Wire, WireOptions
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import AccessError
from fhir_rpm.month import BillingMonth

_AGENT = f"fhir-rpm/{version('fhir-rpm')}"


@dataclass
class Visit:
    """Settings, the ways to the server, and what has been learnt so far.

    Attributes:
        settings, knowledge: whom to reach, and what is known of the vendor.
        transport: the one door, told to wait briefly between attempts.
        wire: single exchanges, to see redirects and failures as they are.
        month: the month that searches ask for.
        patient, group: ids to read; None where none was given.
        clock: the time now, seconds since 1970.
        key: the private key, once it has been read; None without one.
        auth: the way to authenticate, once the key has been looked at.
        capability: what the server declares, once it has been asked.
        skew: our clock less the server's, in seconds; None when it told no time.
        smart: the SMART configuration; None when there is none.
        seen: resource type → what its first page held.
        following: the next link of a first page, with the ids on that page.
    """

    settings: ConnectionSettings
    knowledge: Knowledge
    transport: Transport
    wire: Wire
    month: BillingMonth
    patient: str | None
    group: str | None
    clock: Callable[[], float]
    key: PrivateKey | None = None
    auth: Authenticator | None = None
    capability: Capability | None = None
    skew: float | None = None
    smart: Json | None = None
    seen: dict[str, list[Json]] = field(default_factory=dict)
    following: tuple[str, frozenset[str]] | None = None

    def look(self, url: str, accept: str = FHIR_JSON) -> Answer:
        """One exchange without a token: no redirect is followed, and nothing is tried again.

        Raises:
            UnavailableError, ConfigurationError: as of `Transport.get`.
        """
        ours = same_origin(url, self.transport.base_url)
        site = {name: value.get_secret_value() for name, value in self.settings.headers.items()} if ours else {}
        try:
            return self.wire.exchange("GET", url, {"User-Agent": _AGENT, **site, "Accept": accept}, known=ours)
        except Failure as failure:
            raise failure.told from None

    def authenticated(self) -> Authenticator:
        """The way to authenticate.

        Raises:
            AccessError: the key has not been looked at.
        """
        if self.auth is None:
            raise AccessError("There is no way to authenticate.", "Look at the key first.")
        return self.auth

    @property
    def has_client(self) -> bool:
        """Whether the settings name a registered client, which asks for tokens itself."""
        return self.settings.private_key is not None or self.settings.client_secret is not None

    @property
    def has_credentials(self) -> bool:
        """Whether the settings give any way to authenticate."""
        settings = self.settings
        return self.has_client or settings.bearer_token is not None or settings.bearer_token_file is not None


def wire_of(settings: ConnectionSettings) -> Wire:
    """Exchanges with the certificates, proxy and bounds of the settings."""
    tls = Tls(settings.ca_bundle, settings.client_cert, settings.client_key)
    proxy = settings.proxy.get_secret_value() if settings.proxy is not None else None
    bounds = (settings.connect_timeout, settings.read_timeout, settings.total_timeout, settings.max_response_bytes)
    return Wire(WireOptions(*bounds, tls, proxy), Clock())
