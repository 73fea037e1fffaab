"""What became of a write whose answer was lost: found out by looking, never by sending."""

from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.model.write import Move, Write, WriteState
from fhir_rpm.writeback.desk import Desk
from fhir_rpm.writeback.find import Look, hash_of, look
from fhir_rpm.writeback.job import Job

_UNSURE: tuple[WriteState, ...] = ("sending", "unknown", "needs_person")


def presumed_dead(desk: Desk, write: Write) -> Write | None:
    """A write whose runner let its lease pass becomes unknown; None while the runner may be alive."""
    now = desk.clock()
    if write.lease_until is not None and write.lease_until > now:
        return None
    move = Move(before=("sending",), after="unknown", reason="runner_died", owner=write.owner)
    return desk.step("ledger.expire", lambda: desk.book.move(write, move, now))


def find_out(desk: Desk, job: Job, write: Write, attempts: tuple[Write, ...]) -> Write:
    """Look for what an attempt has done, and record what is learnt; the write as it then stands.

    Attempts at a new version settle by reading it. New documents settle by a search: found is written; what is not
    found is sent again only where the server itself makes sure, and is otherwise a person's.
    """
    if write.kind in ("update", "retract") and write.target is not None:
        move = _by_reading(desk, write)
    else:
        seen = desk.step("chart.look_again", lambda: _look(desk, job))
        move = _by_searching(desk, job, write, seen, {item.reference for item in attempts if item.id != write.id})
    if move is None or (move.after, move.reason) == (write.state, write.reason):
        return write
    chosen = move
    return desk.step("ledger.settle", lambda: desk.book.move(write, chosen, desk.clock())) or write


def _look(desk: Desk, job: Job) -> Look:
    return look(desk.session, job.assessment, job.month, job.shape, desk.clock())


def _by_searching(desk: Desk, job: Job, write: Write, seen: Look, known: set[str | None]) -> Move | None:
    fresh = [item for item in seen.latest(write.content_hash) if item.reference not in known]
    if len(fresh) > 1:
        return Move(before=_UNSURE, after="needs_person", reason="duplicates", reference=fresh[0].reference)
    if fresh:
        return Move(before=_UNSURE, after="written", reason="found_by_search", reference=fresh[0].reference)
    if write.state != "unknown" or not _has_settled(desk, job, write):
        return None
    if seen.complete and _absence_is_sure(desk, job, write):
        return Move(before=("unknown",), after="failed", reason="not_found")
    return Move(before=("unknown",), after="needs_person", reason="not_found")


def _has_settled(desk: Desk, job: Job, write: Write) -> bool:
    return write.sent_at is not None and desk.clock() >= write.sent_at + job.shape.protocol.settle


def _absence_is_sure(desk: Desk, job: Job, write: Write) -> bool:
    """Whether sending again cannot file a second document: by the vendor's word, or by the server's own check."""
    if job.shape.protocol.search_is_immediate:
        return True
    declared = desk.session.capability.declares_conditional_create("DocumentReference")
    return write.kind == "create" and job.shape.keeps_identifier and declared


def _by_reading(desk: Desk, write: Write) -> Move | None:
    """A new version is there or it is not; sending it again does no harm, for If-Match lets only one pass."""
    target = str(write.target)
    try:
        seen = desk.step("chart.read", lambda: desk.session.read_version(target))
    except (UnavailableError, AccessError):
        return None
    if seen is None or seen.resource is None:
        return Move(before=_UNSURE, after="needs_person", reason="gone")
    if write.kind == "retract":
        there = str(seen.resource.get("status")).strip() == "entered-in-error"
    else:
        there = hash_of(desk.session, seen.resource) == write.content_hash
    if there:
        return Move(before=_UNSURE, after="written", reason="read_back", reference=target, version=seen.version)
    if write.state != "unknown":
        return None
    return Move(before=("unknown",), after="failed", reason="not_applied")
