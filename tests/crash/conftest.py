"""EHRs, runners and ledgers, started once for a module."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.crash.postgres import cluster
from tests.crash.stage import VENDORS, Charts, Office, Runner


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the campaigns came to, by kind of ledger."""
    reports = terminalreporter.getreports("passed")
    told = [value for report in reports for name, value in report.user_properties if name == "crash"]
    for place in sorted({each[0] for each in told}):
        kills: Counter[str] = Counter()
        counts = Counter(duplicates=0, lost=0)
        theirs = [each for each in told if each[0] == place]
        for *_, killed, counted in theirs:
            kills.update(killed)
            counts.update(counted)
        terminalreporter.write_line(f"{place}, seed {theirs[0][2]}: {kills.total()} kills")
        for name, count in [*counts.items(), *((f"killed {step}", count) for step, count in sorted(kills.items()))]:
            terminalreporter.write_line(f"  {count:5} {name}")


@pytest.fixture(scope="module", params=VENDORS)
def charts(request: pytest.FixtureRequest) -> Iterator[Charts]:
    running = Charts(request.param)
    yield running
    running.close()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    running = Runner(tmp_path_factory.mktemp("runner"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def other_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    running = Runner(tmp_path_factory.mktemp("runner"))
    yield running
    running.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A ledger that does not exist yet."""
    if request.param == "sqlite":
        yield str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite3")
        return
    with cluster() as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger file that does not exist yet, in a folder that others may enter."""
    return tmp_path / "state" / "ledger.sqlite3"


@pytest.fixture
def open_office(charts: Charts, runner: Runner) -> Iterator[Callable[..., Office]]:
    opened: list[Office] = []

    def make(ledger: str, lengths: list[int] | None = None, **more: object) -> Office:
        office = Office(charts, runner, ledger, patient=f"crash-{uuid4().hex[:8]}", **more)  # type: ignore[arg-type]
        charts.ask("admit", patient=office.patient, lengths=lengths or [22])
        opened.append(office)
        return office

    yield make
    for office in opened:
        charts.ask("discharge", patient=office.patient)
