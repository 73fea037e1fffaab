"""A session with one EHR: a patient's month out of it, and documents into it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from fhir_rpm.client import writes
from fhir_rpm.client.auth import Authenticator, ClientCredentials, FhirclientToken, authenticator
from fhir_rpm.client.capability import Capability
from fhir_rpm.client.communication import StaffInboxes
from fhir_rpm.client.inquiry import Inquiry
from fhir_rpm.client.months import pull_evidence, pull_readings
from fhir_rpm.client.notes import pull_body
from fhir_rpm.client.patient import read_patient
from fhir_rpm.client.people import PeopleReader, read_resource
from fhir_rpm.client.pull import Created, Json, Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.scopes import GrantedScopes
from fhir_rpm.client.search import Searcher
from fhir_rpm.client.transport import Transport, open_transport
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import UnavailableError
from fhir_rpm.month import BillingMonth
from fhir_rpm.outcome import OutcomeCodes
from fhir_rpm.vendor import vendor_section


class EhrSession:
    """Reads and writes one EHR; safe to share between threads.

    Open it with `EhrSession.open(settings)`, or hand over an authorised client: `EhrSession.from_fhirclient(client)`.
    """

    def __init__(self, transport: Transport, auth: Authenticator, vendor: str) -> None:
        self.vendor = vendor
        self._transport = transport
        self._auth = auth
        transport.authorize = auth.header
        self._recipe = vendor_section(vendor, "search", SearchRecipe)
        self._codes = vendor_section(vendor, "outcome", OutcomeCodes)
        self._searcher = Searcher(
            transport,
            self._codes,
            self._recipe.restart_codes,
            self._recipe.limits,
            honest_total=self._recipe.honest_total,
        )
        self._people = PeopleReader(transport)
        self._inboxes = StaffInboxes()

    @classmethod
    def open(cls, settings: ConnectionSettings) -> "EhrSession":
        """A session by settings; nothing is sent before the first read.

        Raises:
            ConfigurationError: there is no base URL, or the key cannot be used.
        """
        transport = open_transport(settings)
        return cls(transport, authenticator(settings, transport), settings.vendor)

    @classmethod
    def from_fhirclient(cls, client: Any, vendor: str = "generic") -> "EhrSession":
        """A session with the server and token of an authorised `fhirclient.client.FHIRClient`.

        Our transport takes the place of its session: with timeouts, and a token that stays with its origin. A token
        that has ended or is refused is renewed by the client's own `reauthorize`, where it has a refresh token.

        Raises:
            AccessError: the client is not authorised.
        """
        auth = FhirclientToken(client)
        return cls(Transport(client.server.base_uri), auth, vendor)

    def __repr__(self) -> str:
        return f"EhrSession({self._transport.base_url!r}, vendor={self.vendor!r})"

    def __enter__(self) -> "EhrSession":
        return self

    def __exit__(self, *_error: object) -> None:
        self._transport.close()

    @property
    def base_url(self) -> str:
        """The FHIR base, without a slash at its end."""
        return self._transport.base_url

    @property
    def granted(self) -> GrantedScopes | None:
        """What the token may do; None before there is one, and for tokens that somebody else obtained."""
        return self._auth.granted if isinstance(self._auth, ClientCredentials) else None

    def authenticate(self) -> None:
        """Obtain a token now, so that a refusal is known before the first patient.

        Raises:
            AccessError: the server refused.
            UnavailableError: these are quiet hours, or the server asked to be left alone.
        """
        self._transport.ready()
        self._auth.header(False)

    def pull_month(self, patient: str, month: BillingMonth) -> Pull:
        """Everything a patient's month is judged by; one refused type never loses the others.

        A merged patient is followed to the id in force, under which the evidence comes; a gap says so.

        Args:
            patient: the patient's id, with or without `Patient/`.
            month: the month; the pull begins a day before it.

        Raises:
            AccessError: the token was refused, or the patient may not be read.
            UnavailableError: the server cannot be reached.
            UnknownPatientError: there is no such patient.
        """
        read = read_patient(self._transport, self._codes, patient.removeprefix("Patient/"))
        inquiry = Inquiry(self._searcher, self._recipe, self.capability, read.ids, month)
        return Pull((read.resource,), read.gaps) + pull_evidence(inquiry, self._people, self._inboxes)

    def pull_readings(self, patient: str, month: BillingMonth) -> Pull:
        """The readings of another month, for a supply period that began in it; what is refused is a gap.

        Raises:
            AccessError, UnavailableError, UnknownPatientError: the patient cannot be read.
        """
        read = read_patient(self._transport, self._codes, patient.removeprefix("Patient/"))
        return pull_readings(Inquiry(self._searcher, self._recipe, self.capability, read.ids, month))

    def search(self, resource_type: str, params: Mapping[str, Any]) -> Pull:
        """Every match of a search, or the gaps that say what is missing."""
        return self._searcher.search(resource_type, params)

    def read(self, reference: str) -> Json:
        """One resource.

        Raises:
            UnavailableError: it cannot be read.
        """
        resource = read_resource(self._transport, reference)
        if resource is None:
            raise UnavailableError(f"{reference} could not be read.", "Check the id, and the app's read access to it.")
        return resource

    def create(self, resource: Json, headers: Mapping[str, str] | None = None) -> Created:
        """Create a resource, once; raises as `client.writes.create` does."""
        return writes.create(self._transport, resource, headers or {})

    def update(self, reference: str, resource: Json, version: str) -> Created:
        """Put a new version of a resource in the place of `version`; raises as `client.writes.update` does."""
        return writes.update(self._transport, reference, resource, version)

    def read_version(self, reference: str) -> Created | None:
        """A resource with its version, or None when there is none; raises as `client.writes.read_version` does."""
        return writes.read_version(self._transport, reference)

    def read_body(self, document: Json) -> Pull:
        """The text behind a DocumentReference, or the gap that says why there is none."""
        return pull_body(self._transport, document)

    def shown_request(self, method: str, reference: str, headers: Mapping[str, str]) -> Json:
        """Method, URL and headers of a write as it would be sent, without the token."""
        return writes.shown_request(self._transport, method, reference, headers)

    @cached_property
    def capability(self) -> Capability:
        """What the server declares; empty when it cannot be asked."""
        try:
            return Capability(self._transport.get(self._transport.url("metadata")).json() or {})
        except UnavailableError:
            return Capability({})
