"""A PostgreSQL server of our own in a temporary folder, where Debian's packages (or PATH) have one."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_DEBIAN = Path("/usr/lib/postgresql")
_USERS = ("postgres", "nobody")


def binaries() -> Path | None:
    """The folder that holds initdb, the newest version's."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def missing(reason: str) -> None:
    """Skip, or fail where FHIR_RPM_CRASH=required says that nothing may be skipped."""
    if os.environ.get("FHIR_RPM_CRASH") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A running server; yields the URL of a database on it, over a socket that nobody else can open."""
    where = binaries()
    if where is None:
        missing("no PostgreSQL server is installed (apt-get install postgresql)")
        raise AssertionError
    user = _somebody() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="fhir-rpm-pg-") as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
            folder.chmod(0o755)
        data = str(folder / "data")
        _run(user, where / "initdb", "-D", data, "-U", "rpm", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        _run(user, where / "pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start")
        try:
            _run(user, where / "createdb", "-h", str(folder), "-U", "rpm", "ledger")
            yield f"postgresql+psycopg://rpm@/ledger?host={folder}"
        finally:
            _run(user, where / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _somebody() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in _USERS if user in known)


def _run(user: str | None, program: Path, *arguments: str) -> None:
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    command = [str(program), *arguments]
    ended = subprocess.run(
        command, user=user, env=environ, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
