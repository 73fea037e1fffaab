"""One folder, one stranger and the runs without a fault, for all faults of a module."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.ehr import Reply, Request
from tests.faults.run import Ran, Runner, app_folder
from tests.faults.server import FaultServer, Listener, stranger

_WITHOUT_FAULT: dict[str, Ran] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the app's key."""
    return app_folder(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def somebody() -> Iterator[Listener]:
    """A stranger, who writes down all that he hears."""
    with stranger() as listener:
        yield listener


@pytest.fixture
def runner(folder: Path, request: pytest.FixtureRequest) -> Runner:
    return Runner(folder, request)


def _as_it_is(request: Request, reply: Reply, server: FaultServer) -> Reply:
    return reply


@pytest.fixture
def without_fault(runner: Runner) -> Callable[[str], Ran]:
    """The run of a vendor's patients without a fault."""

    def run(vendor: str) -> Ran:
        if vendor not in _WITHOUT_FAULT:
            with FaultServer(vendor, _as_it_is) as server:
                _WITHOUT_FAULT[vendor] = runner.run(server, vendor)
        return _WITHOUT_FAULT[vendor]

    return run
