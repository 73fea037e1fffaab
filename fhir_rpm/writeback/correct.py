"""What people do about documents: say what became of one, or have one marked as entered in error."""

from fhir_rpm.client import Created
from fhir_rpm.client.writes import update_headers
from fhir_rpm.errors import InputError
from fhir_rpm.model.write import Move, Plan, Write, WriteState
from fhir_rpm.writeback.desk import Book, Clock, Desk, Json, Published
from fhir_rpm.writeback.job import is_open, told
from fhir_rpm.writeback.rules import WriteRules
from fhir_rpm.writeback.send import begin, claim, send

_RESOLVED: tuple[WriteState, ...] = ("planned", "unknown", "needs_person")
_RETRACTED = "entered-in-error"


def resolve(book: Book, write: Write, reference: str | None, clock: Clock) -> Write:
    """Record what a person has found in the chart.

    Args:
        book: the ledger.
        write: what was in doubt.
        reference: the `DocumentReference/id` that is there; None when there is none.
        clock: now.

    Raises:
        InputError: the write is not in doubt, a runner is at it, or it has changed meanwhile.
    """
    now = clock()
    if write.state == "sending":
        if write.lease_until is not None and write.lease_until > now:
            raise InputError(f"A runner is at write {write.id} until {write.lease_until:%H:%M} UTC.", "Wait for it.")
        expired = Move(before=("sending",), after="unknown", reason="runner_died", owner=write.owner)
        write = book.move(write, expired, now) or write
    if reference is None:
        before: tuple[WriteState, ...] = (*_RESOLVED, "written")
        move = Move(before=before, after="failed", reason="said_not_written")
    else:
        before = tuple(state for state in _RESOLVED if state != "planned")
        move = Move(before=before, after="written", reason="said_written", reference=reference)
    moved = book.move(write, move, now)
    if moved is None:
        raise InputError(f"Write {write.id} is {write.state}; there is nothing to resolve.", "See `writes show`.")
    return moved


def retract(desk: Desk, write: Write, rules: WriteRules, *, dry_run: bool = False) -> Published:
    """Mark a written document as entered in error, where the EHR lets clients do so.

    Args:
        desk: the EHR, the ledger and the clock.
        write: the write whose document is wrong.
        rules: what the vendor allows.
        dry_run: only say what would be sent.

    Raises:
        InputError: the write has no document in the chart that the ledger knows of.
        FhirRpmError: as of publishing.
    """
    if write.state != "written" or write.kind == "retract" or write.reference is None:
        raise InputError(f"Write {write.id} is {write.state} ({write.kind}); only a written document is retracted.")
    attempts = desk.book.attempts(write.key)
    last = attempts[-1] if attempts else write
    if is_open(last) or last.state == "sending":
        raise InputError(f"Write {last.id} of the same month is {last.state}.", "Run again or resolve it first.")
    capability = desk.session.capability
    if not rules.retracts or (capability.is_known and not capability.declares("DocumentReference", "update")):
        return _by_hand(write)
    seen = desk.step("chart.read", lambda: desk.session.read_version(str(write.reference)))
    if seen is None or seen.resource is None or seen.version is None:
        return _by_hand(write)
    if str(seen.resource.get("status")).strip() == _RETRACTED:
        return Published("unchanged", write.reference, "The document is marked as entered in error already.")
    body = seen.resource | {"status": _RETRACTED}
    if dry_run:
        request = desk.session.shown_request("PUT", str(write.reference), update_headers(seen.version))
        return Published("dry_run", write.reference, "Nothing was sent.", request | {"body": body})
    return _retract(desk, write, last, seen, body)


def _retract(desk: Desk, write: Write, last: Write, seen: Created, body: Json) -> Published:
    plan = Plan(kind="retract", content_hash=write.content_hash, outline=write.outline, target=write.reference)
    planned = begin(desk, write.key, (last,), plan)
    claimed = claim(desk, planned) if planned is not None else None
    if claimed is None:
        raise InputError("Another runner is at this month.", "Run again when it is done.")
    sent, made = send(desk, claimed, lambda: desk.session.update(str(write.reference), body, str(seen.version)))
    if made is None:
        return told(sent)
    return Published("written", write.reference, "The document is marked as entered in error.", write=sent.id)


def _by_hand(write: Write) -> Published:
    detail = (
        f"This EHR lets no client retract a document. Ask its author, or health information management, to mark "
        f"{write.reference} as entered in error; then run `fhir-rpm writes resolve {write.id} --not-written`."
    )
    return Published("needs_person", write.reference, detail, write=write.id)
