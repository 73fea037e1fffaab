"""Whatever an EHR does, a month is read completely, or said to be incomplete: never silently less, never for ever.

Each fault meets a ready month and others that are not, where losing the telling resource could make a false verdict.
"""

from collections.abc import Callable

import pytest

from tests.faults.check import check
from tests.faults.ehr import PATIENTS
from tests.faults.kinds import Fault
from tests.faults.run import Ran, Runner
from tests.faults.server import Listener
from tests.faults.table import ANSWERS, FAULTS


@pytest.mark.parametrize("fault", ANSWERS, ids=lambda fault: fault.name)
def test_a_fault_is_survived_or_said(
    fault: Fault, without_fault: Callable[[str], Ran], runner: Runner, somebody: Listener
) -> None:
    check(fault, without_fault(fault.vendor), runner, somebody)


@pytest.mark.parametrize(
    ("vendor", "statuses"),
    [("epic", ["ready", "not_met", "not_met"]), ("generic", ["ready", "ready", "not_met"])],
)
def test_without_a_fault_every_month_is_what_it_is(
    vendor: str, statuses: list[str], without_fault: Callable[[str], Ran]
) -> None:
    ran = without_fault(vendor)
    assert (ran.code, [ran.records[patient]["status"] for patient in PATIENTS[vendor]]) == (0, statuses)


def test_no_two_faults_share_a_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
