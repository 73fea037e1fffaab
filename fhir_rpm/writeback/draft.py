"""What exactly would be sent: which kind of write, which document, under which headers, or why nothing may be."""

from dataclasses import dataclass, field

from fhir_rpm.client import Created
from fhir_rpm.client.writes import update_headers
from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.model.write import Outline, Plan, Write, WriteKind
from fhir_rpm.writeback.amend import preface, with_preface
from fhir_rpm.writeback.desk import Desk, Ehr, Json
from fhir_rpm.writeback.document import build_document, choose_anchor
from fhir_rpm.writeback.find import Look, hash_of, token_of
from fhir_rpm.writeback.fingerprint import outline_of
from fhir_rpm.writeback.job import Job, current_of

KIND = "DocumentReference"


@dataclass(frozen=True)
class Earlier:
    """The month's document before this one; None where the ledger or the chart does not tell."""

    reference: str | None
    content_hash: str
    outline: Outline | None


@dataclass(frozen=True)
class Draft:
    """A write that could be sent.

    Attributes:
        plan: what the ledger keeps of it.
        blocked: why a person must act first, as a code; None when it may go out.
        held: why the earlier document is left as it is, in words.
        document, headers: what goes out.
        version: of the document that an update takes the place of.
        applied: an update that is in the chart already.
    """

    plan: Plan
    document: Json
    headers: dict[str, str] = field(default_factory=dict)
    blocked: str | None = None
    held: str | None = None
    version: str | None = None
    applied: bool = False

    @property
    def path(self) -> str:
        """The URL below the base."""
        return str(self.plan.target) if self.plan.kind == "update" else KIND

    def request(self, session: Ehr) -> Json:
        """Method, URL, headers and body."""
        method = "PUT" if self.plan.kind == "update" else "POST"
        return session.shown_request(method, self.path, self.headers) | {"body": self.document}


def draft(desk: Desk, job: Job, attempts: tuple[Write, ...], seen: Look) -> Draft:
    """Decide what to send for a month, given what ledger and chart know of it."""
    before = earlier(attempts, seen)
    kind = _kind(desk, job, before)
    anchor = choose_anchor(job.assessment, job.resources, job.month) if job.shape.needs_encounter else None
    after = outline_of(job.assessment)
    document = build_document(
        job.assessment,
        job.month,
        shape=job.shape,
        settings=desk.settings,
        created=job.created,
        anchor=anchor[0] if anchor else None,
        replaces=before.reference if before and kind == "replace" else None,
    )
    if before is not None:
        document = with_preface(document, preface(kind, before.reference, before.outline, after))
    target = before.reference if before else None
    plan = Plan(kind=kind, content_hash=job.wanted, outline=after, target=target)
    if kind == "update":
        return _updating(desk, plan, document, {item.content_hash for item in (*attempts, before) if item}, before)
    blocked = None
    if not seen.complete and current_of(attempts) is None and not _is_released(attempts):
        blocked = "search_incomplete"
    elif job.shape.needs_encounter and anchor is None:
        blocked = "no_encounter"
    return Draft(plan, document, _condition(desk, job, kind), blocked, _held(before, after))


def earlier(attempts: tuple[Write, ...], seen: Look) -> Earlier | None:
    """The month's document as it stands: the chart's latest where the ledger does not know it, else the ledger's."""
    known = {write.reference for write in attempts}
    if seen.heads and seen.heads[-1].reference not in known:
        found = seen.heads[-1]
        return Earlier(found.reference, found.content_hash, found.outline)
    current = current_of(attempts)
    return None if current is None else Earlier(current.reference, current.content_hash, current.outline or None)


def trouble_with(session: Ehr, seen: Created | None, ours: set[str]) -> str | None:
    """Why a document must not be overwritten by a new version, as a code."""
    if seen is None or seen.resource is None or str(seen.resource.get("status")).strip() == "entered-in-error":
        return "gone"
    if seen.version is None:
        return "no_version"
    return None if hash_of(session, seen.resource) in ours else "changed_in_chart"


def _kind(desk: Desk, job: Job, before: Earlier | None) -> WriteKind:
    if before is None:
        return "create"
    capability = desk.session.capability
    may_update = not capability.is_known or capability.declares(KIND, "update")
    if before.reference is not None and job.shape.protocol.updates_in_place and may_update:
        return "update"
    return "replace" if before.reference is not None and job.shape.relates else "addendum"


def _condition(desk: Desk, job: Job, kind: WriteKind) -> dict[str, str]:
    """If-None-Exist for a first document alone: a later one has the identifier of the one it replaces."""
    declared = desk.session.capability.declares_conditional_create(KIND)
    return {"If-None-Exist": f"identifier={token_of(job.assessment)}"} if _first(job, kind) and declared else {}


def _first(job: Job, kind: WriteKind) -> bool:
    return kind == "create" and job.shape.keeps_identifier


def _held(before: Earlier | None, after: Outline) -> str | None:
    """An amendment waits while more is unreadable than before: what is missing today may be back tomorrow."""
    if before is None or not after["gaps"]:
        return None
    known = set((before.outline or {}).get("gaps", "").split())
    if set(after["gaps"].split()) <= known:
        return None
    return "The month has changed, but not all of it could be read; its document is left as it is until it can be."


def _is_released(attempts: tuple[Write, ...]) -> bool:
    """Whether a person has said that nothing is in the chart."""
    return bool(attempts) and attempts[-1].state == "failed" and attempts[-1].reason == "said_not_written"


def _updating(desk: Desk, plan: Plan, document: Json, ours: set[str], before: Earlier | None) -> Draft:
    try:
        seen = desk.step("chart.read", lambda: desk.session.read_version(str(plan.target)))
    except (UnavailableError, AccessError):
        return Draft(plan, document, blocked="unreadable")
    trouble = trouble_with(desk.session, seen, ours | {plan.content_hash})
    if trouble is not None or seen is None or seen.resource is None:
        return Draft(plan, document, blocked=trouble)
    applied = hash_of(desk.session, seen.resource) == plan.content_hash
    context = {**document["context"]}
    context.pop("encounter", None)
    kept = (seen.resource.get("context") or {}).get("encounter")
    body = {
        **document,
        "id": str(plan.target).partition("/")[2],
        "context": context | ({"encounter": kept} if kept else {}),
    }
    headers = update_headers(str(seen.version))
    return Draft(plan, body, headers, held=_held(before, plan.outline), version=seen.version, applied=applied)
