"""What must hold of every run against a faulty EHR, whatever the fault."""

from typing import Any

from tests.faults.ehr import CANARIES, PATIENTS
from tests.faults.kinds import Fault
from tests.faults.run import Ran, Runner
from tests.faults.server import FaultServer, Listener

Json = dict[str, Any]

EXIT = {"complete": 0, "incomplete": 4, "unavailable": 4, "denied": 5, "unknown": 2}
GREATER = {"99470": "99457", "99445": "99454"}
"""A code for less, and the code for more that takes its place: what is left of a month may support the lesser one."""


def check(fault: Fault, expected: Ran, runner: Runner, somebody: Listener) -> None:
    """Run against the fault, and hold what came of it against the run without."""
    somebody.seen.clear()
    hit: set[str | None] = set()
    with FaultServer(fault.vendor, fault.spoil(hit)) as server:
        server.stranger = somebody.origin
        ran = runner.run(server, fault.vendor, hasty=fault.hasty)
        tokens = server.ehr.tokens
    assert hit, "the fault was never met"
    patients = PATIENTS[fault.vendor]
    outcomes = {patient: _outcome(ran, patient, expected) for patient in patients}
    met = set(patients) if None in hit else hit
    assert {outcomes[patient] for patient in met if patient} <= _allowed(fault), (outcomes, _gaps(ran))
    closed = fault.name == "429_until_tomorrow"  # the whole server is left alone then, whoever is read first
    spared = {"complete", "unavailable"} if closed else {"complete"}
    assert all(outcomes[patient] in spared for patient in patients if patient not in met), outcomes
    assert ran.code in {EXIT[outcome] for outcome in outcomes.values()}
    assert ran.code == 0 or any(outcome != "complete" for outcome in outcomes.values())
    for patient in patients:
        _claims_no_more(ran.assessment(patient), expected.assessment(patient), may_deny=fault.is_merge)
    _tells_nobody(ran, somebody, tokens)


def _allowed(fault: Fault) -> set[str]:
    return {fault.expect} if isinstance(fault.expect, str) else set(fault.expect)


def _outcome(ran: Ran, patient: str, expected: Ran) -> str:
    """What became of one patient, or `silent`: another assessment, and no word of why."""
    found = ran.assessment(patient)
    if found is None:
        return {2: "unknown", 4: "unavailable", 5: "denied"}.get(ran.code, f"exit {ran.code}")
    if found["gaps"]:
        return "incomplete"
    return "complete" if found == expected.assessment(patient) else "silent"


def _gaps(ran: Ran) -> Json:
    return {
        patient: [gap["code"] for gap in record["assessment"]["gaps"]] if record["assessment"] else record["error"]
        for patient, record in ran.records.items()
    }


def _claims_no_more(found: Json | None, expected: Json | None, *, may_deny: bool) -> None:
    """Less may be certain with a fault, never more; and what the whole record supports is not denied."""
    if found is None or expected is None:
        return
    assert found["minutes"]["certain"] <= expected["minutes"]["certain"]
    for code, verdict in found["codes"].items():
        whole, greater = expected["codes"][code], expected["codes"].get(GREATER.get(code), {})
        claimed = "supported" in (whole["verdict"], greater.get("verdict"))
        assert verdict["verdict"] != "supported" or claimed, f"{code} is claimed"
        assert verdict["units"] <= max(whole["units"], greater.get("units", 0))
        denied = whole["verdict"] == "supported" and verdict["verdict"] == "not_supported"
        assert may_deny or not denied, f"{code} is denied"


def _tells_nobody(ran: Ran, somebody: Listener, tokens: list[str]) -> None:
    """No token and no assertion to another origin; no name, number, note or token in what was said."""
    secrets = [*tokens, "client_assertion", "Authorization", "eyJ", "canary-token"]
    heard = "\n".join(request.told for request in somebody.seen)
    assert not [secret for secret in secrets if secret in heard]
    assert not [canary for canary in (*CANARIES, "Ottoline", "eyJ", "client_assertion=") if canary in ran.said]
    errors = " ".join(str(record["error"]) for record in ran.records.values())
    assert not [canary for canary in CANARIES if canary in errors]
