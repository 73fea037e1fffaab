"""Two runners at the same months at the same moment: one document each."""

from collections.abc import Callable

import pytest

from tests.crash.stage import AT_LENGTH, Charts, Office, Runner

MEETINGS = ("before ledger.look", "before ledger.plan", "after authenticate") if AT_LENGTH else ()


@pytest.mark.parametrize("moment", ["before ledger.claim", *MEETINGS])
def test_of_two_runners_one_writes(
    moment: str, charts: Charts, ledger: str, other_runner: Runner, open_office: Callable[..., Office]
) -> None:
    ours = [open_office(ledger) for _ in range(3)]
    office, patients = ours[0], [each.patient for each in ours]
    other = Office(charts, other_runner, ledger, office.patient)
    charts.ask("faults", faults=[])
    places = [str(other_runner.folder / f"{office.patient} {moment} {number}") for number in range(2)]
    for each, (mine, theirs) in zip((office, other), (places, places[::-1]), strict=True):
        each.begin(*patients, hooks=[{"at": moment, "do": "meet", "mine": mine, "theirs": theirs}])
    runs = [office.end(), other.end()]
    assert all(run.exit in (0, 4) for run in runs), [run.err for run in runs]
    assert office.sync(*patients).exit == 0
    for each in ours:
        live = each.chart()["documents"]
        assert len(live) == 1, live
        assert [write.reference for write in each.attempts()] == [f"DocumentReference/{live[0]['id']}"]
    said = [line["document"]["status"] for run in runs for line in run.lines]
    assert said.count("written") == len(patients)
    assert set(said) <= {"written", "unchanged", "in_progress"}
