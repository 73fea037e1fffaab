"""Where the ledger is, and opening it: private files, a database that is whole, and the schema of this program."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.store.failures import told_apart
from fhir_rpm.store.ledger import Ledger
from fhir_rpm.store.schema import HEAD

BUSY_SECONDS = 10.0
_MIGRATIONS = Path(__file__).parent / "migrations"
_FIRST = "0001"
_MIGRATION_LOCK = 0x666872  # any number that is ours alone on a PostgreSQL server


def default_path(environ: Mapping[str, str] = os.environ) -> Path:
    """`fhir-rpm/ledger.sqlite3` in the user's state folder (XDG Base Directory Specification)."""
    state = environ.get("XDG_STATE_HOME")
    base = Path(state) if state and Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "fhir-rpm" / "ledger.sqlite3"


def open_ledger(place: str | Path | None = None, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> Ledger:
    """Open the ledger, making or migrating it when needed.

    Args:
        place: a file, a `sqlite:///` or a `postgresql+psycopg://` URL; None is `default_path()`.
        create: whether to make a file that is not there.
        busy_seconds: how long to wait for another process.

    Raises:
        ConfigurationError: it cannot be used as it is: a folder, no permission, read-only, damaged, another program's,
            made by a newer version, or the driver is not installed.
        UnavailableError: it is locked, the disk is full, or the database server cannot be reached.
    """
    url = _url(str(place if place is not None else default_path()))
    name = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
    shown = str(name)
    with told_apart(shown):
        engine = (
            _sqlite(url, busy_seconds, create=create)
            if url.get_backend_name() == "sqlite"
            else _postgres(url, busy_seconds)
        )
        try:
            _prepare(engine, shown)
            if url.get_backend_name() == "sqlite":
                _settle_in(engine, Path(shown))
                return Ledger(engine, shown, _still_there(Path(shown)))
        except BaseException:
            engine.dispose()
            raise
    return Ledger(engine, shown)


def _url(place: str) -> URL:
    if "://" not in place:
        return URL.create("sqlite", database=str(Path(place).expanduser().absolute()))
    remedy = "Use a path, sqlite:///path or postgresql+psycopg://host/database."
    try:
        url = make_url(place)
    except ArgumentError:
        raise ConfigurationError("The setting ledger is no database URL.", remedy) from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg") or not url.database or url.database == ":memory:":
        raise ConfigurationError("The setting ledger names no file and no PostgreSQL database.", remedy)
    return url


def _sqlite(url: URL, busy_seconds: float, *, create: bool) -> Engine:
    path = Path(str(url.database))
    if path.is_dir():
        raise ConfigurationError(f"The ledger {path} is a folder.", "Name a file in it, such as ledger.sqlite3.")
    if not create and not path.exists():
        remedy = "Check the setting ledger; the first run with --write-back makes it."
        raise ConfigurationError(f"There is no ledger {path}.", remedy)
    _make_private(path)
    engine = create_engine(url, connect_args={"timeout": busy_seconds}, pool_size=32)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
        connection.execute("PRAGMA synchronous=FULL")  # an intent must outlive a power cut
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _make_private(path: Path) -> None:
    """The file with mode 0600 before SQLite opens it (-wal and -shm take its mode), in a folder with mode 0700."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _settle_in(engine: Engine, path: Path) -> None:
    """What is done to a file that is known to be ours: closed to others, and read while it is written (WAL)."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    raw = engine.raw_connection()
    with contextlib.suppress(sqlite3.OperationalError):  # another runner is changing it to the same
        raw.cursor().execute("PRAGMA journal_mode=WAL")
    raw.close()


def _still_there(path: Path) -> Callable[[], None]:
    """SQLite goes on in a file that was deleted, where no intent is kept: whether it is the one that was opened."""
    opened = path.stat()

    def check() -> None:
        if path.exists() and path.stat().st_ino == opened.st_ino:
            return
        remedy = "Put it back, or run again to begin a new one: documents in the charts are found by a search."
        raise ConfigurationError(f"The ledger {path} was deleted or moved while it was in use.", remedy)

    return check


def _postgres(url: URL, busy_seconds: float) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        remedy = "Install it with pip install 'fhir-rpm[postgres]'."
        raise ConfigurationError("The ledger is on PostgreSQL, but its driver is not installed.", remedy) from None
    wait = {"connect_timeout": max(2, int(busy_seconds)), "options": f"-c lock_timeout={int(busy_seconds * 1000)}"}
    try:
        return create_engine(url, connect_args=wait, pool_pre_ping=True)
    except NoSuchModuleError:
        raise ConfigurationError("The setting ledger names an unknown driver.", "Use postgresql+psycopg://.") from None


def _prepare(engine: Engine, shown: str) -> None:
    """Check that the database is whole and ours, and bring it to this program's schema, in one transaction."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
            if found != "ok":
                remedy = "Restore it from a backup, or move it away: documents in the charts are found by a search."
                raise ConfigurationError(f"The ledger {shown} is damaged; nothing is sent without it.", remedy)
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        revision = _revision(connection, shown)
        if revision is not None and revision < _FIRST:
            problem = f"The ledger {shown} has an unknown schema ({revision}); nothing was changed."
            raise ConfigurationError(problem, "Restore it from a backup, or name another file.")
        if revision is not None and revision > HEAD:
            problem = f"The ledger {shown} was made by a newer fhir-rpm (schema {revision}, this program knows {HEAD})."
            raise ConfigurationError(problem, "Update fhir-rpm; nothing was changed.")
        if revision != HEAD:
            _migrate(connection)


def _revision(connection: Connection, shown: str) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables and {"writes", "transitions"} <= tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables and connection.dialect.name == "sqlite":
        raise ConfigurationError(f"The ledger {shown} is a database of another program.", "Name a file of its own.")
    return None


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
