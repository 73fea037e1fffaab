"""The examination: step by step, each bounded in time, each skipped when one that it needs has failed."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from fhir_rpm.client.clock import Clock
from fhir_rpm.client.doctor import access, credentials, network, reads, server
from fhir_rpm.client.doctor.knowledge import Knowledge
from fhir_rpm.client.doctor.report import Finding, Step, failed, skipped
from fhir_rpm.client.doctor.visit import Visit, wire_of
from fhir_rpm.client.retries import ComeBackError
from fhir_rpm.client.transport import open_transport
from fhir_rpm.config import ConnectionSettings
from fhir_rpm.errors import ConfigurationError, FhirRpmError
from fhir_rpm.month import BillingMonth
from fhir_rpm.vendor import about

TOTAL_SECONDS = 120.0
STEP_SECONDS = 30.0
LONGEST_CONNECT = 10.0
LONGEST_PAUSE = 1.0
"""Seconds; a doctor tells of a server that throttles or fails instead of waiting for it to be well."""

_NONSENSE = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What a reader may stumble over when a server answers nonsense."""


@dataclass(frozen=True)
class Check:
    """One step: its name, the steps that must not have failed, and what it does."""

    name: str
    needs: tuple[str, ...]
    look: Callable[[Visit], Finding]


CHECKS = (
    Check("key", (), credentials.check_key),
    Check("dns", (), lambda visit: network.check_name(visit.settings)),
    Check("tls", ("dns",), lambda visit: network.check_tls(visit.settings, visit.knowledge, visit.clock())),
    Check("metadata", ("tls",), server.check_metadata),
    Check("clock", ("tls",), server.check_clock),
    Check("smart", ("tls",), server.check_smart),
    Check("jwks", ("key",), credentials.check_jwks),
    Check("token", ("key", "tls", "smart"), access.check_token),
    Check("scopes", ("token",), access.check_scopes),
    Check("read Patient", ("token",), reads.check_patient),
    *(
        Check(f"search {kind}", ("token", "read Patient"), partial(reads.check_search, kind=kind))
        for kind in reads.SEARCHED
    ),
    Check("read Binary", ("token", "search DocumentReference"), reads.check_body),
    Check("search CareTeam", ("token", "read Patient"), reads.check_care_team),
    Check("read Practitioner", ("token", "read Patient"), reads.check_practitioner),
    Check("create DocumentReference", ("metadata",), reads.check_create),
    Check("paging", ("token", "read Patient"), reads.check_paging),
    Check("roster", ("token",), reads.check_roster),
)


@dataclass(frozen=True)
class Order:
    """What to examine.

    Attributes:
        patient: whom to read; None takes the first test patient when base_url is the vendor's public sandbox.
        group: a Group to read as the roster.
        month: `YYYY-MM` to search in; None is the month before this one.
        seconds: bound on the whole examination.
        clock: the time now, in seconds since 1970.
    """

    patient: str | None = None
    group: str | None = None
    month: str | None = None
    seconds: float = TOTAL_SECONDS
    clock: Callable[[], float] = time.time


def examine(load: Callable[[], ConnectionSettings], order: Order) -> Iterator[Step]:
    """Each step as it is done; a failure is a step, never an exception.

    Args:
        load: gives the settings; a ConfigurationError of it is the first step's failure.
        order: what to examine.
    """
    ends = time.monotonic() + order.seconds
    begun = time.monotonic()
    try:
        settings = load()
        visit = _visit(settings, order)
        finding, knowledge = credentials.check_settings(settings), visit.knowledge
    except ConfigurationError as error:
        finding, knowledge = failed("settings_wrong", error.problem, error.remedy), Knowledge.of("generic")
    first = Step.of("configuration", finding, knowledge, time.monotonic() - begun)
    yield first
    if first.status == "failed":
        for check in CHECKS:
            yield Step.of(check.name, skipped("It needs a configuration that is right."), knowledge, 0.0)
        return
    yield from _steps(visit, ends)


def _visit(settings: ConnectionSettings, order: Order) -> Visit:
    settings = _impatient(settings)
    month = order.month or _last_month(order.clock())
    return Visit(
        settings=settings,
        knowledge=Knowledge.of(settings.vendor),
        transport=open_transport(settings, Clock(sleep=_pause)),
        wire=wire_of(settings),
        month=BillingMonth.parse(month, settings.time_zone or "UTC"),
        patient=_patient(settings, order.patient),
        group=None if order.group is None else _checked_id(order.group, "Group"),
        clock=order.clock,
    )


def _impatient(settings: ConnectionSettings) -> ConnectionSettings:
    """The same settings for one who tells what he sees: hardly a second try, and no quiet hours for a few requests."""
    bounds = {"connect_timeout": LONGEST_CONNECT, "read_timeout": STEP_SECONDS, "total_timeout": STEP_SECONDS}
    short = {name: min(getattr(settings, name), bound) for name, bound in bounds.items()}
    return settings.model_copy(update={**short, "max_attempts": min(settings.max_attempts, 2), "quiet_hours": None})


def _pause(seconds: float) -> None:
    time.sleep(min(seconds, LONGEST_PAUSE))


def _patient(settings: ConnectionSettings, given: str | None) -> str | None:
    if given is not None:
        return _checked_id(given, "Patient")
    sandbox = about(settings.vendor).sandbox
    if sandbox is None or settings.base_url != sandbox.base_url or not sandbox.patients:
        return None
    return sandbox.patients[0].id


def _checked_id(text: str, kind: str) -> str:
    """An id of the command line; FHIR R4 ids are up to 64 of these characters, and vendors' are longer."""
    identity = text.removeprefix(f"{kind}/")
    if not re.fullmatch(r"[A-Za-z0-9._~-]{1,256}", identity) or set(identity) == {"."}:
        raise ConfigurationError(f"What is given as {kind} is no id.", f"Give the id of the FHIR {kind}.")
    return identity


def _last_month(now: float) -> str:
    first = datetime.fromtimestamp(now, UTC).replace(day=1)
    return (first - timedelta(days=1)).strftime("%Y-%m")


def _steps(visit: Visit, ends: float) -> Iterator[Step]:
    broken: set[str] = set()
    late = False
    for check in CHECKS:
        begun = time.monotonic()
        missing = next((name for name in check.needs if name in broken), None)
        if late and begun >= ends:
            finding = skipped("The time for the whole run is over.", "Allow more with --timeout.")
        elif missing is not None:
            finding = skipped(f"It needs {missing}, which failed or was not reached.")
        else:
            finding = _bounded(check, visit, min(STEP_SECONDS, ends - begun))
        late = late or finding.cause == "took_too_long"
        if finding.status == "failed" or missing is not None:
            broken.add(check.name)
        if check.name == "key" and visit.auth is not None:
            visit.transport.authorize = visit.auth.header
        yield Step.of(check.name, finding, visit.knowledge, time.monotonic() - begun)


def _bounded(check: Check, visit: Visit, seconds: float) -> Finding:
    """The check in a thread that is left behind when its time is over: not even a resolver that hangs can hold us."""
    found: list[Finding] = []
    crashed: list[BaseException] = []

    def look() -> None:
        try:
            found.append(_looked(check, visit))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            crashed.append(error)

    if seconds > 0:
        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        thread.join(seconds)
    if crashed:
        raise crashed[0]
    return found[0] if found else failed("took_too_long", f"(after {max(seconds, 0):.0f} s)")


def _looked(check: Check, visit: Visit) -> Finding:
    try:
        return check.look(visit)
    except ConfigurationError as error:
        return failed("settings_wrong", error.problem, error.remedy)
    except ComeBackError as error:
        return failed("throttled", error.problem, error.remedy)
    except FhirRpmError as error:
        cause = {5: "token_refused", 4: "no_answer"}.get(error.exit_code, "settings_wrong")
        return failed(cause, error.problem, error.remedy)
    except _NONSENSE as error:
        return failed("answer_unreadable", f"({type(error).__name__})")
