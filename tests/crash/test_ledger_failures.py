"""The ledger's file fails, before the intent or after the answer: nothing is sent without it, and nothing is lost."""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.stage import AT_LENGTH, Charts, Office

Make = Callable[..., Office]
EARLY = ("start", *(("before ledger.look", "before ledger.plan") if AT_LENGTH else ()), "before ledger.claim")
LATE = "after send"


@pytest.fixture(scope="module", params=["epic"])
def charts(request: pytest.FixtureRequest) -> Iterator[Charts]:
    running = Charts(request.param)
    yield running
    running.close()


@pytest.fixture
def office(open_office: Make, file: Path) -> Office:
    """An office whose ledger holds another patient's month already."""
    first = open_office(str(file))
    assert first.sync().exit == 0
    return open_office(str(file))


FAILURES = {
    "full": ({"do": "fill"}, "disk is full"),
    "quota": ({"do": "limit_files", "bytes": 4096}, r"disk is full|disk reports an error"),
    "locked": ({"do": "lock"}, "locked by another process"),
    "deleted": ({"do": "unlink"}, "deleted or moved"),
}


def _told(error: str, file: Path, words: str) -> None:
    assert re.search(words, error), error
    assert str(file) in error
    assert "Traceback" not in error
    assert "internal error" not in error


@pytest.mark.parametrize("moment", EARLY)
@pytest.mark.parametrize("failure", FAILURES)
def test_nothing_is_sent_when_the_intent_cannot_be_recorded(
    failure: str, moment: str, office: Office, file: Path
) -> None:
    hook, words = FAILURES[failure]
    if (failure, moment) == ("deleted", "start"):
        pytest.skip("a ledger that is not there is a new one")
    run = office.sync(hooks=[{"at": moment, "file": str(file), **hook}])
    assert run.exit in (2, 4), run.err
    _told(run.err + run.out, file, words)
    assert office.chart()["documents"] == []
    office.later(20)
    assert office.sync().exit == 0
    assert len(office.chart()["documents"]) == 1


@pytest.mark.parametrize("failure", FAILURES)
def test_what_was_sent_and_could_not_be_recorded_is_said_and_found_again(
    failure: str, office: Office, file: Path
) -> None:
    hook, words = FAILURES[failure]
    run = office.sync(hooks=[{"at": LATE, "file": str(file), **hook}])
    document = f"DocumentReference/{office.chart()['documents'][0]['id']}"
    assert run.exit == 6, run.err
    _told(run.err + run.out, file, words)
    assert document in run.err + run.out
    office.later(20)
    again = office.sync()
    assert again.exit == 0, again.err
    assert [write.reference for write in office.attempts()] == [document]
    assert len(office.chart()["documents"]) == 1


@pytest.mark.parametrize("moment", [*EARLY, LATE])
def test_a_ledger_that_is_damaged_at_any_moment_is_told_by_that_run_or_the_next(
    moment: str, office: Office, file: Path
) -> None:
    for run in (office.sync(hooks=[{"at": moment, "file": str(file), "do": "spoil"}]), office.sync()):
        if run.exit != 0:
            assert run.exit in (2, 6), run.err
            _told(run.err + run.out, file, "damaged")
    for place in file.parent.glob("ledger.sqlite3*"):
        place.unlink()
    assert office.sync().exit == 0
    assert len(office.chart()["documents"]) == 1


@pytest.mark.parametrize("kept", [0, 60, 5000])
def test_a_truncated_ledger_is_refused_or_begun_anew_and_no_month_is_doubled(
    kept: int, office: Office, file: Path
) -> None:
    assert office.sync().exit == 0
    for ending in ("-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    os.truncate(file, kept)
    run = office.sync()
    if run.exit != 0:
        assert run.exit == 2, run.err
        _told(run.err, file, "damaged")
        file.unlink()
        assert office.sync().exit == 0
    assert len(office.chart()["documents"]) == 1


@pytest.mark.parametrize("version", ["9999", "0000", "what"])
def test_a_ledger_of_another_version_is_refused(version: str, office: Office, file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [version])
    database.close()
    run = office.sync()
    assert run.exit == 2, run.err
    _told(run.err, file, "newer fhir-rpm|unknown schema")
    assert office.chart()["documents"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can go on as somebody without rights")
@pytest.mark.parametrize(("mode", "words"), [(0o444, "Permission denied|read-only"), (0o400, "Permission denied")])
def test_a_ledger_that_may_not_be_written_is_refused_to_somebody_else(
    mode: int, words: str, office: Office, file: Path
) -> None:
    file.chmod(mode)
    for folder in file.parents:
        if folder.stat().st_uid == os.geteuid() and folder != Path(folder.anchor) and "pytest" in str(folder):
            folder.chmod(0o755)
    run = office.sync(hooks=[{"at": "start", "do": "drop"}])
    assert run.exit == 2, run.err
    _told(run.err, file, words)
    assert office.chart()["documents"] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_ledger_that_may_not_be_written_is_refused(office: Office, file: Path) -> None:
    file.chmod(0o400)
    run = office.sync()
    assert run.exit == 2, run.err
    _told(run.err, file, "Permission denied|read-only")
    assert office.chart()["documents"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; skipped where nothing may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    made = (
        mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode == 0
    )
    if not made:
        pytest.skip("no small disk can be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("moment", ["before ledger.plan", "before ledger.claim", "after send"])
def test_a_disk_that_fills_up_is_told_and_no_month_is_lost(moment: str, small_disk: Path, open_office: Make) -> None:
    file, filler = small_disk / "ledger.sqlite3", small_disk / "filler"
    assert open_office(str(file)).sync().exit == 0
    office = open_office(str(file))
    run = office.sync(hooks=[{"at": moment, "do": "fill_disk", "file": str(filler)}])
    sent = len(office.chart()["documents"])
    if run.exit != 0:  # else what SQLite had reserved was enough
        _told(run.err + run.out, file, "disk is full|disk reports an error")
        assert (run.exit, sent) == ((6, 1) if moment == "after send" else (4, 0)), run.err
    filler.unlink(missing_ok=True)
    office.later(20)
    assert office.sync().exit == 0
    assert len(office.chart()["documents"]) == 1
