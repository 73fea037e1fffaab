"""An attempt from its plan to what came back: the one moment at which something is sent."""

from collections.abc import Callable

from fhir_rpm.client import Created
from fhir_rpm.client.writes import RefusedError, StaleError
from fhir_rpm.errors import AccessError, ConfigurationError, FhirRpmError, UnavailableError, WriteUncertainError
from fhir_rpm.model.write import Move, Plan, Write, WriteKey, WriteState
from fhir_rpm.writeback.desk import Desk
from fhir_rpm.writeback.job import was_sent

_UNSURE: tuple[WriteState, ...] = ("sending", "unknown", "needs_person")
_NOT_WRITTEN = {
    AccessError: "not_allowed",
    RefusedError: "refused",
    StaleError: "stale",
    UnavailableError: "not_sent",
    ConfigurationError: "not_sent",
}


def begin(desk: Desk, key: WriteKey, attempts: tuple[Write, ...], plan: Plan) -> Write | None:
    """The attempt of which nothing was sent yet, else a new one; None when another runner was faster."""
    last = attempts[-1] if attempts else None
    if last is not None and last.state in ("planned", "needs_person") and not was_sent(last):
        return desk.step("ledger.plan", lambda: desk.book.plan_again(last, plan, desk.clock()))
    number = last.number + 1 if last is not None else 1
    return desk.step("ledger.plan", lambda: desk.book.plan(key, plan, number, desk.clock()))


def claim(desk: Desk, write: Write) -> Write | None:
    """Record the intent to send, with a lease; None when another runner has it."""
    now = desk.clock()
    return desk.step("ledger.claim", lambda: desk.book.claim(write, desk.owner, now, now + desk.lease))


def send(desk: Desk, write: Write, act: Callable[[], Created]) -> tuple[Write, Created | None]:
    """Do a write that is claimed, once, and record its outcome; the answer is None when it was lost.

    Raises:
        AccessError, RefusedError, StaleError, UnavailableError: nothing was written; the ledger says so.
        WriteUncertainError: it was written, or may have been, and the ledger could not record it.
    """
    try:
        made = desk.step("send", act)
    except WriteUncertainError:
        lost = Move(before=("sending",), after="unknown", reason="lost_answer", owner=desk.owner)
        return _recorded(desk, write, lost), None
    except tuple(_NOT_WRITTEN) as error:
        _recorded(desk, write, Move(before=("sending",), after="failed", reason=_reason(error), owner=desk.owner))
        raise
    except BaseException:
        _recorded(desk, write, Move(before=("sending",), after="unknown", reason="lost_answer", owner=desk.owner))
        raise
    reason = "existed" if made.existed else "answered"
    done = Move(before=_UNSURE, after="written", reason=reason, reference=made.reference, version=made.version)
    return _recorded(desk, write, done), made


def _recorded(desk: Desk, write: Write, move: Move) -> Write:
    """The write after a step; when the ledger cannot take it, the next run finds the document by a search."""
    try:
        moved = desk.step("ledger.record", lambda: desk.book.move(write, move, desk.clock()))
    except FhirRpmError as error:
        if move.after == "failed":
            raise
        named = move.reference or f"A document of {write.month} for Patient/{write.patient}"
        problem = f"{named} was sent, but the ledger could not record it: {error.problem}"
        remedy = f"{error.remedy} The next run finds it by a search."
        raise WriteUncertainError(problem, remedy.strip()) from error
    return moved or write


def _reason(error: BaseException) -> str:
    return next(reason for kind, reason in _NOT_WRITTEN.items() if isinstance(error, kind))
