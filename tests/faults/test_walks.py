"""Links, pages, redirects, single reads and tokens that go wrong, and each fault that peers were measured by."""

from collections.abc import Callable

import pytest

from tests.faults.check import check
from tests.faults.kinds import Fault
from tests.faults.run import Ran, Runner
from tests.faults.server import Listener
from tests.faults.table import OTHERS


@pytest.mark.parametrize("fault", OTHERS, ids=lambda fault: fault.name)
def test_a_fault_is_survived_or_said(
    fault: Fault, without_fault: Callable[[str], Ran], runner: Runner, somebody: Listener
) -> None:
    check(fault, without_fault(fault.vendor), runner, somebody)
