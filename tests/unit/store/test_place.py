"""Opening the ledger: where it is, who may read it, and every way in which it cannot be used."""

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from fhir_rpm.errors import ConfigurationError, FhirRpmError, UnavailableError
from fhir_rpm.model.write import Plan, WriteKey
from fhir_rpm.store import default_path, open_ledger, place
from fhir_rpm.store.schema import HEAD, metadata

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
KEY = WriteKey(connection="c", patient="p1", month="2026-05")
PLAN = Plan(kind="create", content_hash="a" * 64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


def _filled(path: Path) -> Path:
    with open_ledger(path) as ledger:
        ledger.plan(KEY, PLAN, 1, NOW)
    return path


def test_the_default_place_follows_the_users_state_folder(tmp_path: Path) -> None:
    assert default_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "fhir-rpm" / "ledger.sqlite3"
    home = Path.home() / ".local" / "state" / "fhir-rpm" / "ledger.sqlite3"
    assert default_path({}) == default_path({"XDG_STATE_HOME": "relative"}) == home


@pytest.mark.parametrize("make", [str, lambda path: f"sqlite:///{path}"])
def test_a_path_and_a_url_are_the_same_ledger(make: Callable[[Path], str], path: Path) -> None:
    _filled(path)
    with open_ledger(make(path)) as ledger:
        assert len(ledger.attempts(KEY)) == 1


def test_files_and_folder_are_private_even_while_it_is_open(path: Path) -> None:
    old = os.umask(0)
    try:
        with open_ledger(path) as ledger:
            ledger.plan(KEY, PLAN, 1, NOW)
            modes = {item.name: item.stat().st_mode & 0o777 for item in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert modes == dict.fromkeys(("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"), 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_can_read_is_closed_to_them(path: Path) -> None:
    _filled(path).chmod(0o644)
    open_ledger(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_waits_in_wal_and_syncs_every_intent(path: Path) -> None:
    with open_ledger(path) as ledger, ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_the_migrations_make_the_tables_that_the_code_knows(path: Path) -> None:
    with open_ledger(path) as ledger, ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []
    assert ScriptDirectory(str(Path(place.__file__).parent / "migrations")).get_heads() == [HEAD]


def test_many_runners_make_it_at_once(path: Path) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(6)

    def run() -> None:
        start.wait()
        try:
            open_ledger(path).close()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def _a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def _text(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("This is no database, but it is longer than a page header of one hundred bytes. " * 20)


def _torn(path: Path) -> None:
    _filled(path)
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(bytes(content))


def _anothers(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")
    database.close()


def _newer(path: Path) -> None:
    with sqlite3.connect(_filled(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_a_folder, "is a folder"),
        (_text, "is damaged"),
        (_torn, "is damaged"),
        (_anothers, "another program"),
        (_newer, r"newer fhir-rpm.*Update"),
    ],
)
def test_what_is_no_ledger_of_ours_is_refused_and_left_alone(
    spoil: Callable[[Path], None], words: str, path: Path
) -> None:
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigurationError, match=words) as caught:
        open_ledger(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    assert before is None or path.read_bytes() == before


def test_a_locked_ledger_is_waited_for_and_then_told(path: Path) -> None:
    _filled(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(UnavailableError, match="locked by another process"):
            open_ledger(path, busy_seconds=0.01)
    finally:
        other.close()
    open_ledger(path).close()


def test_a_full_disk_is_told_and_nothing_is_lost(path: Path) -> None:
    with open_ledger(_filled(path)) as ledger:
        pages = "PRAGMA max_page_count = 1"  # what SQLite then says is what it says of a full disk

        @event.listens_for(ledger._engine, "begin")
        def limit(connection) -> None:  # type: ignore[no-untyped-def]
            connection.exec_driver_sql(pages)

        def fill() -> None:
            for number in range(2, 400):
                ledger.plan(KEY, PLAN, number, NOW)

        with pytest.raises(UnavailableError, match="disk is full"):
            fill()
    with open_ledger(path) as ledger:
        assert ledger.attempts(KEY)[0].state == "planned"


def test_a_read_only_ledger_is_told(path: Path) -> None:
    with open_ledger(_filled(path)) as ledger:

        @event.listens_for(ledger._engine, "begin")
        def forbid(connection) -> None:  # type: ignore[no-untyped-def]
            connection.exec_driver_sql("PRAGMA query_only = ON")

        with pytest.raises(ConfigurationError, match=r"read-only.*write access"):
            ledger.plan(KEY, PLAN, 2, NOW)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EACCES, ConfigurationError, "Permission denied"),
        (errno.EROFS, ConfigurationError, "Read-only file system"),
        (errno.ENOSPC, UnavailableError, "No space left"),
    ],
)
def test_what_the_file_system_refuses_is_told(
    number: int, kind: type[FhirRpmError], words: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(place.os, "open", refuse)
    with pytest.raises(kind, match=words):
        open_ledger(path)


@pytest.mark.parametrize(
    "url",
    ["mysql://db/x", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg://host", "://", "sqlite+pysqlcipher:///x"],
)
def test_a_url_that_names_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="setting ledger"):
        open_ledger(url)


def test_an_unreachable_server_is_told_without_its_password() -> None:
    with pytest.raises(UnavailableError) as caught:
        open_ledger("postgresql+psycopg://nurse:geheim@127.0.0.1:9/rpm", busy_seconds=0.1)
    assert "geheim" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_nothing_is_made_where_nothing_was_asked_for(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no ledger"):
        open_ledger(path, create=False)
    assert not path.parent.exists()


def test_judging_loads_no_database() -> None:
    program = "import sys, fhir_rpm.cli.assess, fhir_rpm.sync, fhir_rpm.cli.exits; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
