"""What one examination carries from step to step."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fhir_rpm.client.auth import Authenticator
from fhir_rpm.client.capability import Capability
from fhir_rpm.client.doctor.knowledge import Knowledge
from fhir_rpm.client.keys import PrivateKey
from fhir_rpm.client.pull import Json
from fhir_rpm.client.transport import Transport
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import AccessError
from fhir_rpm.month import BillingMonth


@dataclass
class Visit:
    """Settings, the ways to the server, and what has been learnt so far.

    Attributes:
        settings, knowledge: whom to reach, and what is known of the vendor.
        transport: the one door, told to wait briefly between attempts.
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
