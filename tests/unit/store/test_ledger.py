"""Each step of the ledger is one transaction that checks first; on SQLite, and on PostgreSQL where one is named."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from fhir_rpm.errors import UnavailableError
from fhir_rpm.model.write import Move, Plan, Write, WriteKey, WriteState
from fhir_rpm.store import Ledger, open_ledger

POSTGRES = os.environ.get("FHIR_RPM_TEST_POSTGRES")
"""A database that the tests may write to, e.g. postgresql+psycopg://user@localhost/test."""

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=15)
PLAN = Plan(kind="create", content_hash="a" * 64, outline={"99457": "supported x1"})
DONE = Move(before=("sending",), after="written", reason="answered", reference="DocumentReference/d1", version="1")


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "postgres" and POSTGRES is None:
        pytest.skip("FHIR_RPM_TEST_POSTGRES names no database")
    place = tmp_path / "ledger.sqlite3" if request.param == "sqlite" else POSTGRES
    with open_ledger(place) as opened:
        yield opened


@pytest.fixture
def key() -> WriteKey:
    return WriteKey(connection=f"test-{uuid.uuid4().hex}", patient="p1", month="2026-05")


def _planned(ledger: Ledger, key: WriteKey) -> Write:
    write = ledger.plan(key, PLAN, 1, NOW)
    assert write is not None
    return write


def _sending(ledger: Ledger, key: WriteKey) -> Write:
    write = ledger.claim(_planned(ledger, key), "me", NOW, LEASE)
    assert write is not None
    return write


def test_a_write_goes_from_plan_to_document_and_every_step_is_kept(ledger: Ledger, key: WriteKey) -> None:
    written = ledger.move(_sending(ledger, key), DONE, NOW + timedelta(seconds=2))
    assert written is not None
    assert (written.state, written.reference, written.version) == ("written", "DocumentReference/d1", "1")
    assert (written.sent_at, written.outline) == (NOW, PLAN.outline)
    assert ledger.attempts(key) == (written,)
    assert ledger.find(written.id) == written
    steps = [(step.before, step.after, step.reason) for step in ledger.history(written.id)]
    assert steps == [
        (None, "planned", "planned"),
        ("planned", "sending", "intent"),
        ("sending", "written", "answered"),
    ]


def test_an_attempt_is_begun_once(ledger: Ledger, key: WriteKey) -> None:
    _planned(ledger, key)
    assert ledger.plan(key, PLAN, 1, NOW) is None
    assert len(ledger.attempts(key)) == 1
    assert len(ledger.history(ledger.attempts(key)[0].id)) == 1


def test_only_one_runner_records_the_intent(ledger: Ledger, key: WriteKey) -> None:
    planned = _planned(ledger, key)
    assert ledger.claim(planned, "me", NOW, LEASE) is not None
    assert ledger.claim(planned, "you", NOW, LEASE) is None
    assert ledger.attempts(key)[0].owner == "me"


def test_a_content_that_was_planned_anew_is_not_sent_by_who_knew_the_old_one(ledger: Ledger, key: WriteKey) -> None:
    planned = _planned(ledger, key)
    other = Plan(kind="create", content_hash="b" * 64)
    assert ledger.plan_again(planned, other, NOW) is not None
    assert ledger.claim(planned, "me", NOW, LEASE) is None


def test_what_was_sent_is_never_planned_anew(ledger: Ledger, key: WriteKey) -> None:
    sending = _sending(ledger, key)
    lost = ledger.move(sending, Move(before=("sending",), after="needs_person", reason="duplicates"), NOW)
    assert lost is not None
    assert ledger.plan_again(lost, PLAN, NOW) is None


def test_another_runners_step_is_not_taken_over(ledger: Ledger, key: WriteKey) -> None:
    sending = _sending(ledger, key)
    theirs = DONE.model_copy(update={"owner": "you"})
    assert ledger.move(sending, theirs, NOW) is None
    assert ledger.attempts(key)[0].state == "sending"


@pytest.mark.parametrize(
    ("before", "after"), [("failed", "written"), ("written", "sending"), ("unknown", "sending"), ("sending", "planned")]
)
def test_there_are_steps_that_no_write_takes(
    ledger: Ledger, key: WriteKey, before: WriteState, after: WriteState
) -> None:
    with pytest.raises(ValueError, match="does not go from"):
        ledger.move(_planned(ledger, key), Move(before=(before,), after=after, reason="x"), NOW)


def test_months_patients_and_connections_do_not_meet(ledger: Ledger, key: WriteKey) -> None:
    for other in (
        key.model_copy(update={"month": "2026-06"}),
        key.model_copy(update={"patient": "p2"}),
        key.model_copy(update={"connection": f"test-{uuid.uuid4().hex}"}),
    ):
        _planned(ledger, other)
    assert ledger.attempts(key) == ()


def test_writes_are_listed_by_state(ledger: Ledger, key: WriteKey) -> None:
    sending = _sending(ledger, key)
    assert sending in ledger.listed("sending")
    assert sending in ledger.listed()
    assert sending not in ledger.listed("written")


def test_of_many_runners_at_once_exactly_one_wins_each_step(ledger: Ledger, key: WriteKey) -> None:
    def at_once(step: Callable[[int], Write | None]) -> list[Write]:
        start = threading.Barrier(8)

        def run(runner: int) -> Write | None:
            start.wait()
            return step(runner)

        with ThreadPoolExecutor(8) as pool:
            return [write for write in pool.map(run, range(8)) if write is not None]

    (planned,) = at_once(lambda _runner: ledger.plan(key, PLAN, 1, NOW))
    (sending,) = at_once(lambda runner: ledger.claim(planned, f"runner-{runner}", NOW, LEASE))
    (written,) = at_once(lambda _runner: ledger.move(sending, DONE, NOW))
    assert [step.after for step in ledger.history(written.id)] == ["planned", "sending", "written"]


def test_times_are_kept_in_utc_whatever_zone_they_come_in(ledger: Ledger, key: WriteKey) -> None:
    local = datetime.fromisoformat("2026-06-01T08:00:00-04:00")
    write = ledger.plan(key, PLAN, 1, local)
    assert write is not None
    assert write.created_at == NOW
    assert ledger.attempts(key)[0].created_at.utcoffset() == timedelta(0)


def test_a_step_that_fails_midway_changes_nothing(
    ledger: Ledger, key: WriteKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    planned = _planned(ledger, key)
    with monkeypatch.context() as patch:
        patch.setattr("fhir_rpm.store.ledger._append", fail)
        with pytest.raises(UnavailableError, match="disk is full"):
            ledger.claim(planned, "me", NOW, LEASE)
    assert ledger.attempts(key) == (planned,)
