"""What publishing works with: the EHR, the ledger, the clock, and a hook around every step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar
from uuid import uuid4

from fhir_rpm.client import Capability, Created, Pull
from fhir_rpm.config import WriteSettings
from fhir_rpm.model.write import Move, Plan, Write, WriteKey

Json = dict[str, Any]
T = TypeVar("T")
Checkpoint = Callable[[str], None]
Clock = Callable[[], datetime]

LEASE = timedelta(minutes=15)
"""How long a runner that is sending is believed alive: longer than every timeout of a request together."""


class Ehr(Protocol):
    """What publishing needs of a session."""

    vendor: str

    @property
    def base_url(self) -> str:
        """The FHIR base."""

    @property
    def capability(self) -> Capability:
        """What the server declares."""

    def authenticate(self) -> None:
        """Obtain a token now."""

    def search(self, resource_type: str, params: Mapping[str, Any]) -> Pull:
        """Every match, or gaps."""

    def read_body(self, document: Json) -> Pull:
        """The text behind a document that does not stand inline, or a gap."""

    def read_version(self, reference: str) -> Created | None:
        """One resource with its version, or None when there is none."""

    def create(self, resource: Json, headers: Mapping[str, str] | None = None) -> Created:
        """Create, once."""

    def update(self, reference: str, resource: Json, version: str) -> Created:
        """Put in the place of that version, once."""

    def shown_request(self, method: str, reference: str, headers: Mapping[str, str]) -> Json:
        """A write as it would be sent, without the token."""


class Book(Protocol):
    """What publishing needs of a ledger: each step is one transaction, and None says that another runner was faster."""

    def attempts(self, key: WriteKey) -> tuple[Write, ...]:
        """Every attempt at a month, the latest last."""

    def plan(self, key: WriteKey, plan: Plan, number: int, at: datetime) -> Write | None:
        """Begin an attempt."""

    def plan_again(self, write: Write, plan: Plan, at: datetime) -> Write | None:
        """Give an attempt of which nothing was sent a new content."""

    def claim(self, write: Write, owner: str, at: datetime, lease_until: datetime) -> Write | None:
        """Record the intent to send now."""

    def move(self, write: Write, move: Move, at: datetime) -> Write | None:
        """Take a step."""


class NoBook:
    """The ledger of a dry run: nothing is read from it, and nothing kept in it."""

    def attempts(self, key: WriteKey) -> tuple[Write, ...]:  # noqa: ARG002 - the protocol's signature
        """None is known."""
        return ()

    def _refused(self, *_arguments: object) -> Write | None:
        raise AssertionError("a dry run writes nothing")

    plan = plan_again = claim = move = _refused


@dataclass(frozen=True)
class Desk:
    """Where documents are published from.

    Attributes:
        connection: the EHR's name in the ledger.
        settings: type, docStatus and author.
        clock: now.
        owner: this runner's name in the ledger.
        checkpoint: called as `before <step>` and `after <step>`; tests stop the process there.
    """

    session: Ehr
    book: Book
    connection: str
    settings: WriteSettings
    clock: Clock = lambda: datetime.now(UTC)
    owner: str = field(default_factory=lambda: uuid4().hex)
    lease: timedelta = LEASE
    checkpoint: Checkpoint = lambda _step: None

    def step(self, name: str, act: Callable[[], T]) -> T:
        """Do one named step of the protocol."""
        self.checkpoint(f"before {name}")
        done = act()
        self.checkpoint(f"after {name}")
        return done


Status = Literal["written", "unchanged", "dry_run", "in_progress", "unknown", "needs_person"]


@dataclass(frozen=True)
class Published:
    """What became of a month's document.

    Attributes:
        status: `written`; `unchanged`, nothing new to write; `dry_run`; `in_progress`, another runner is at it;
            `unknown`, the answer was lost and a later run looks again; or `needs_person`.
        reference: `DocumentReference/id`, when known.
        detail: what happened and what to do, in words; resource ids at most.
        request: what was or would be sent: method, URL, headers without the token, body.
        write: its number in the ledger.
    """

    status: Status
    reference: str | None
    detail: str
    request: Json | None = None
    write: int | None = None
