"""One patient after another, a few at a time: pull, judge, and write back when asked."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from fhir_rpm.api import assess, explain
from fhir_rpm.client import EhrSession, Pull
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import FhirRpmError
from fhir_rpm.model import Assessment, CallLog, Explanation, StaffMember
from fhir_rpm.month import BillingMonth
from fhir_rpm.roster import RosterEntry
from fhir_rpm.sync.desk import desk_for
from fhir_rpm.writeback import Desk, Published, publish


@dataclass(frozen=True)
class RunPlan:
    """What to do for each patient.

    Attributes:
        month: the month, in the practice's zone.
        settings: vendor, policy and how documents are written.
        created: now; what documents are dated with.
        write_back, dry_run: whether documents are written, or only shown.
        explain: whether the reasons are wanted too.
        calls: logged calls, of these patients and of others.
        staff: the practice's staff directory.
    """

    month: BillingMonth
    settings: ConnectionSettings
    created: datetime
    write_back: bool = False
    dry_run: bool = False
    explain: bool = False
    calls: CallLog = field(default_factory=CallLog)
    staff: tuple[StaffMember, ...] = ()


@dataclass(frozen=True)
class PatientResult:
    """What became of one patient; `broken` names an unexpected failure by type and place, never by message."""

    patient: str
    assessment: Assessment | None = None
    published: Published | None = None
    error: FhirRpmError | None = None
    broken: str | None = None
    explanation: Explanation | None = None


Observer = Callable[[PatientResult], None]


def run_months(
    session: EhrSession, patients: Iterable[str | RosterEntry], plan: RunPlan, observer: Observer = lambda _result: None
) -> Iterator[PatientResult]:
    """Judge each patient's month, yielding results in the order of the patients.

    Args:
        session: the EHR; its token is obtained first, so that a refusal stops the run before the first patient.
        patients: ids, or entries of a roster; read lazily, so that memory stays flat.
        plan: what to do.
        observer: told of each result as soon as it is there, from whichever thread.

    Raises:
        AccessError: no token could be obtained.
        ConfigurationError, UnavailableError: documents may not be written there, or the ledger cannot be used.
    """
    workers = plan.settings.max_concurrency
    waiting = iter(patients)
    with desk_for(session, plan.settings, write_back=plan.write_back, dry_run=plan.dry_run) as desk:
        session.authenticate()
        with ThreadPoolExecutor(workers, "fhir-rpm") as pool:
            todo = (pool.submit(_watched, session, _entry(patient), plan, desk, observer) for patient in waiting)
            ahead = list(islice(todo, workers * 2))
            while ahead:
                yield ahead.pop(0).result()
                ahead += list(islice(todo, 1))


def _entry(patient: str | RosterEntry) -> RosterEntry:
    return patient if isinstance(patient, RosterEntry) else RosterEntry(patient=patient.removeprefix("Patient/"))


def _watched(
    session: EhrSession, entry: RosterEntry, plan: RunPlan, desk: Desk | None, observer: Observer
) -> PatientResult:
    try:
        result = run_month(session, entry, plan, desk)
    except FhirRpmError as error:
        result = PatientResult(entry.patient, error=error)
    except Exception as error:  # noqa: BLE001 - one broken patient must not stop the others
        result = PatientResult(entry.patient, broken=place_of(error))
    observer(result)
    return result


def run_month(
    session: EhrSession, patient: str | RosterEntry, plan: RunPlan, desk: Desk | None = None
) -> PatientResult:
    """Pull, judge and, when asked, publish one patient's month.

    Args:
        session, patient, plan: as of `run_months`.
        desk: where documents are published from; None opens one when documents are to be written.

    Raises:
        FhirRpmError: the patient cannot be read, or the document cannot be written.
    """
    if plan.write_back and desk is None:
        with desk_for(session, plan.settings, write_back=True, dry_run=plan.dry_run) as opened:
            return run_month(session, patient, plan, opened)
    entry = _entry(patient)
    identity = entry.patient
    plan = _in_zone_of(entry, plan)
    pull = session.pull_month(identity, plan.month)
    if entry.monitoring_start is not None and entry.monitoring_start < plan.month.first_day:
        pull += session.pull_readings(identity, plan.month.before)  # a supply period may have begun in it
    assessment, explanation = _judged(pull, plan, entry)
    if desk is None:
        return PatientResult(identity, assessment, explanation=explanation)
    survivor = _in_force(pull, entry)
    if survivor != identity:
        return PatientResult(identity, assessment, _merged(survivor), explanation=explanation)
    published = publish(
        desk, assessment, plan.month, resources=pull.resources, created=plan.created, dry_run=plan.dry_run
    )
    return PatientResult(identity, assessment, published, explanation=explanation)


def _in_force(pull: Pull, entry: RosterEntry) -> str:
    """The id of the patient's record: another than was asked for after a merge (facts: quirk 36)."""
    found = (str(item.get("id")) for item in pull.resources if item.get("resourceType") == "Patient")
    return next(found, entry.patient)


def _merged(survivor: str) -> Published:
    """A merge may have carried an earlier document along under another identifier, so nothing is written by itself."""
    detail = f"The record was merged into Patient/{survivor}, which may hold this month's document already."
    return Published("needs_person", None, f"{detail} Put that id on the roster in the place of this one.")


def _in_zone_of(entry: RosterEntry, plan: RunPlan) -> RunPlan:
    """The plan for one patient, whose practice may keep another time."""
    if entry.time_zone is None:
        return plan
    return replace(plan, month=BillingMonth.parse(str(plan.month), entry.time_zone))


def _judged(pull: Pull, plan: RunPlan, entry: RosterEntry) -> tuple[Assessment, Explanation | None]:
    """The month under the patient's own id, with its reasons when they are wanted."""
    patient = f"Patient/{entry.patient}"
    resources = pull.resources
    how: dict[str, Any] = {
        "month": str(plan.month),
        "time_zone": plan.month.zone.key,
        "vendor": plan.settings.vendor,
        "policy": plan.settings.policy,
        "unread": pull.gaps,
        "calls": plan.calls.of(_in_force(pull, entry), patient),
        "staff": plan.staff,
        "monitoring_start": entry.monitoring_start,
    }
    if not plan.explain:
        return assess(resources, **how).model_copy(update={"patient": patient}), None
    explanation = explain(resources, **how)
    assessment = explanation.assessment.model_copy(update={"patient": patient})
    return assessment, explanation.model_copy(update={"assessment": assessment})


def place_of(error: BaseException) -> str:
    """An unexpected error as `Type in module:line`; its message could hold patient data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace is not None else "nowhere"
    return f"{type(error).__name__} in {where}"
