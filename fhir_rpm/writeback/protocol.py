"""The publish protocol: look in the ledger, look in the chart, record the intent, send once, record what became of it.

Its steps, in order, as `Desk.checkpoint` is told of them:

    ledger.look        what is known of the month; another runner at it ends the run here
    ledger.expire      a runner that let its lease pass: its write is unknown
    chart.look_again   what became of an unknown write: found by a search (chart.read: by reading a new version)
    ledger.settle      …and recorded
    chart.look         which documents of the month are there
    chart.read         the version that an update takes the place of
    ledger.plan        the attempt begins; one runner can begin it
    authenticate       a token, so that a refusal comes before the intent
    ledger.claim       the intent to send, with a lease; one runner can record it
    send               the one request that is never repeated blindly
    ledger.record      what came back
    chart.read_back    the document as the chart shows it
    chart.look_twice   whether it was filed twice on the way
    provenance         what it rests on, where the server keeps that
    ledger.looked      …and recorded; a run that finds a write without it looks again
"""

from fhir_rpm.client import Created
from fhir_rpm.client.writes import StaleError
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.model.write import Move, Plan, Write
from fhir_rpm.writeback.desk import Desk, Json, Published
from fhir_rpm.writeback.draft import Draft, draft, trouble_with
from fhir_rpm.writeback.find import Found, Look, hash_of, look
from fhir_rpm.writeback.fingerprint import outline_of
from fhir_rpm.writeback.job import Job, busy, current_of, is_open, retracted_hash, told
from fhir_rpm.writeback.provenance import record_provenance
from fhir_rpm.writeback.send import begin, claim, send
from fhir_rpm.writeback.settle import find_out, presumed_dead

_RETRACTED = "A person has retracted this document; an equal one is not written again."
_NOT_LOOKED_AT = ("answered", "existed")
_EQUAL = "An equal document is in the chart already."


def run_protocol(desk: Desk, job: Job) -> Published:
    """Bring a month into the chart, once.

    Raises:
        ConfigurationError, UnavailableError: the ledger cannot be used; nothing was sent.
        AccessError, RefusedError, StaleError, UnavailableError: the EHR did not take it; nothing was written.
        WriteUncertainError: something was sent, and the ledger could not record it.
    """
    attempts = desk.step("ledger.look", lambda: desk.book.attempts(job.key))
    last = attempts[-1] if attempts else None
    if last is not None and last.state == "sending":
        expired = presumed_dead(desk, last)
        if expired is None:
            return busy(last)
        attempts, last = (*attempts[:-1], expired), expired
    if last is not None and is_open(last):
        last = find_out(desk, job, last, attempts)
        if is_open(last):
            return told(last)
        attempts = (*attempts[:-1], last)
    return _nothing_new(desk, job, attempts) or _bring(desk, job, attempts)


def rehearse(desk: Desk, job: Job) -> Published:
    """What `run_protocol` would send if the ledger were empty; only reads, and only from the EHR."""
    seen = look(desk.session, job.assessment, job.month, job.shape, desk.clock())
    equal = seen.latest(job.wanted)
    if equal:
        return Published("unchanged", equal[-1].reference, _EQUAL)
    wanted = draft(desk, job, (), seen)
    if wanted.held is not None:
        return Published("unchanged", wanted.plan.target, wanted.held)
    detail = "Nothing was sent."
    if wanted.blocked is not None:
        detail += f" A run would stop before sending ({wanted.blocked})."
    return Published("dry_run", wanted.plan.target, detail, wanted.request(desk.session))


def _nothing_new(desk: Desk, job: Job, attempts: tuple[Write, ...]) -> Published | None:
    """Where the ledger knows the month as it is, the chart is only asked whether the document is still there."""
    if retracted_hash(attempts) == job.wanted:
        return Published("unchanged", None, _RETRACTED)
    current = current_of(attempts)
    if current is None or current.content_hash != job.wanted:
        return None
    if current.reference is None:
        return Published("unchanged", None, "An equal document was written; the EHR did not tell its id.")
    try:
        seen = desk.step("chart.read", lambda: desk.session.read_version(str(current.reference)))
    except (UnavailableError, AccessError):
        return Published("unchanged", current.reference, "An equal document was written; it could not be read back.")
    if seen is not None and str((seen.resource or {}).get("status")).strip() != "entered-in-error":
        known = {write.reference for write in attempts}
        trouble = None
        if current.reason in _NOT_LOOKED_AT and seen.resource is not None:
            trouble = _looked_over(desk, job, current, seen.resource, known)
        return trouble or Published("unchanged", current.reference, _EQUAL, write=current.id)
    gone = Move(before=("written",), after="needs_person", reason="gone")
    return told(desk.step("ledger.settle", lambda: desk.book.move(current, gone, desk.clock())) or current)


def _bring(desk: Desk, job: Job, attempts: tuple[Write, ...]) -> Published:
    seen = desk.step("chart.look", lambda: look(desk.session, job.assessment, job.month, job.shape, desk.clock()))
    known = {write.reference for write in attempts}
    current = current_of(attempts)
    if current is not None and current.reason in _NOT_LOOKED_AT and _twins(seen, current, known):
        return _stopped(desk, current, "duplicates")
    equal = [found for found in seen.latest(job.wanted) if found.reference not in known]
    if equal:
        return _adopt(desk, job, attempts, equal)
    wanted = draft(desk, job, attempts, seen)
    if wanted.held is not None:
        return Published("unchanged", wanted.plan.target, wanted.held)
    last = attempts[-1] if attempts else None
    if wanted.blocked is not None and last is not None and _says_the_same(last, wanted):
        return told(last)
    write = begin(desk, job.key, attempts, wanted.plan)
    if write is None:
        return busy(None)
    if wanted.blocked is not None:
        stop = Move(before=("planned",), after="needs_person", reason=wanted.blocked)
        return told(desk.step("ledger.settle", lambda: desk.book.move(write, stop, desk.clock())) or write)
    if wanted.applied:
        return _taken_over(desk, write, str(wanted.plan.target), "read_back")
    return _send(desk, job, write, wanted, (*attempts, write), known | {found.reference for found in seen.ours})


def _says_the_same(last: Write, wanted: Draft) -> bool:
    same = (last.reason, last.content_hash) == (wanted.blocked, wanted.plan.content_hash)
    return last.state == "needs_person" and same


def _adopt(desk: Desk, job: Job, attempts: tuple[Write, ...], equal: list[Found]) -> Published:
    """An equal document that the ledger does not know: written by another machine, or before the ledger was lost."""
    plan = Plan(kind="create", content_hash=job.wanted, outline=outline_of(job.assessment))
    write = begin(desk, job.key, attempts, plan)
    if write is None:
        return busy(None)
    if len(equal) == 1:
        return _taken_over(desk, write, equal[0].reference, "found_by_search")
    twice = Move(before=("planned",), after="needs_person", reason="duplicates", reference=equal[0].reference)
    return told(desk.step("ledger.settle", lambda: desk.book.move(write, twice, desk.clock())) or write)


def _taken_over(desk: Desk, write: Write, reference: str, reason: str) -> Published:
    found = Move(before=("planned",), after="written", reason=reason, reference=reference)
    desk.step("ledger.settle", lambda: desk.book.move(write, found, desk.clock()))
    return Published("unchanged", reference, _EQUAL, write=write.id)


def _send(
    desk: Desk, job: Job, write: Write, wanted: Draft, attempts: tuple[Write, ...], known: set[str | None]
) -> Published:
    desk.step("authenticate", desk.session.authenticate)
    claimed = claim(desk, write)
    if claimed is None:
        return busy(None)
    ours = {item.content_hash for item in attempts}
    sent, made = send(desk, claimed, lambda: _once(desk, wanted, ours))
    request = wanted.request(desk.session)
    if made is None:
        found = find_out(desk, job, sent, attempts)
        if is_open(found):
            return told(found)
        if found.state != "written":
            raise UnavailableError("The answer was lost, and the EHR has not taken the document.", "Run again.")
        detail = "The answer was lost; the document was found by looking for it."
        return Published("written", found.reference, detail, request, found.id)
    return _checked(desk, job, sent, made, request, known)


def _once(desk: Desk, wanted: Draft, ours: set[str]) -> Created:
    """The request itself. An update that was overtaken by a version without new content is tried once more."""
    if wanted.plan.kind != "update":
        return desk.session.create(wanted.document, wanted.headers)
    target = str(wanted.plan.target)
    try:
        return desk.session.update(target, wanted.document, str(wanted.version))
    except StaleError:
        seen = desk.session.read_version(target)
        if seen is None or trouble_with(desk.session, seen, ours) is not None:
            raise
        return desk.session.update(target, wanted.document, str(seen.version))


def _checked(desk: Desk, job: Job, write: Write, made: Created, request: Json, known: set[str | None]) -> Published:
    """The document read back; the server may have filed it twice, or have kept another one in its place."""
    if made.reference is None:
        return Published("written", None, "Written; the EHR did not tell its id.", request, write.id)
    try:
        seen = desk.step("chart.read_back", lambda: desk.session.read_version(str(made.reference)))
    except (UnavailableError, AccessError):
        seen = None
    if seen is None or seen.resource is None:
        detail = "Written; it could not be read back, which may need a read scope."
        return Published("written", made.reference, detail, request, write.id)
    trouble = _looked_over(desk, job, write, seen.resource, known)
    if trouble is not None:
        return trouble
    same = hash_of(desk.session, seen.resource) == job.wanted
    detail = "Written and read back." if same else "Written; the text read back differs, look at it."
    return Published("written", made.reference, detail, request, write.id)


def _looked_over(desk: Desk, job: Job, write: Write, resource: Json, known: set[str | None]) -> Published | None:
    """What a person must know of a document that was taken: it is another one, or it is there twice."""
    if hash_of(desk.session, resource) != job.wanted:
        return _stopped(desk, write, "other_document") if write.reason == "existed" else None
    if write.kind != "update" and _has_twin(desk, job, write, known):
        return _stopped(desk, write, "duplicates")
    record_provenance(desk, job, str(write.reference))
    seen = Move(before=("written",), after="written", reason="read_back")
    desk.step("ledger.looked", lambda: desk.book.move(write, seen, desk.clock()))
    return None


def _stopped(desk: Desk, write: Write, reason: str) -> Published:
    stop = Move(before=("written",), after="needs_person", reason=reason)
    return told(desk.step("ledger.settle", lambda: desk.book.move(write, stop, desk.clock())) or write)


def _has_twin(desk: Desk, job: Job, write: Write, known: set[str | None]) -> bool:
    """Whether the chart holds another equal document: something on the way has carried the request out twice."""
    seen = desk.step("chart.look_twice", lambda: look(desk.session, job.assessment, job.month, job.shape, desk.clock()))
    return bool(_twins(seen, write, known))


def _twins(seen: Look, write: Write, known: set[str | None]) -> set[str | None]:
    """Other documents with its content than those that were there before; a new version has none."""
    if write.kind == "update":
        return set()
    same: set[str | None] = {found.reference for found in seen.ours if found.content_hash == write.content_hash}
    return same - known - {write.reference}
