"""Runs the command line in forks of itself: imported once, killed often. One JSON request a line, one answer a line.

A run is told at which step of the protocol something happens to it (`hooks`), or after how many seconds it is killed.
Nothing of this is in the package: the desk is given its clock and its hook here.
"""

import json
import os
import resource
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Engine, event

import fhir_rpm.store.place
import fhir_rpm.sync
import fhir_rpm.sync.desk
import fhir_rpm.writeback
import fhir_rpm.writeback.document
from fhir_rpm.cli import main
from fhir_rpm.cli.app import COMMANDS
from fhir_rpm.sync import RunPlan
from fhir_rpm.writeback import Desk
from tests.unit.writeback.practice import Practice

Json = dict[str, Any]
LONGEST = 60.0
_SHOWN = ("fhir_rpm.cli.show", "fhir_rpm.cli.exits", "fhir_rpm.cli.beside", "fhir_rpm.cli.inputs", "rich.table")
_BEFORE_THE_FORK = (
    "alembic.command",
    "alembic.config",
    "psycopg",
    "sqlalchemy.dialects.sqlite",
    "mako.template",
    *_SHOWN,
)
_MET = 2.0
_NOBODY = 65534


def serve(folder: Path) -> None:
    """Answer requests until standard input ends."""
    for name in (*(f"fhir_rpm.cli.{name}" for name in COMMANDS), *_BEFORE_THE_FORK):
        import_module(name)
    fhir_rpm.writeback.document.can_render_pdf = lambda: False  # its threads do not survive a fork
    for vendor in ("generic", "epic", "oracle"):  # whatever is read and imported once, is so before the fork
        practice = Practice(folder / vendor, vendor)
        practice.publish()
        practice.ledger.close()
    fhir_rpm.store.place.open_ledger.__kwdefaults__["busy_seconds"] = 2.0
    for line in sys.stdin:
        answer = json.dumps(_ran(json.loads(line), folder))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _ran(request: Json, folder: Path) -> Json:
    files = {name: folder / name for name in ("out", "err", "steps")}
    for file in files.values():
        file.write_bytes(b"")
        file.chmod(0o666)
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(request, files)
    limit = request.get("kill_after")
    status = _ended(child, start + (LONGEST if limit is None else limit))
    ended = {"seconds": time.monotonic() - start, **{name: file.read_text() for name, file in files.items()}}
    killed = os.WIFSIGNALED(status)
    return {**ended, "killed": killed, "exit": None if killed else os.WEXITSTATUS(status)}


def _ended(child: int, deadline: float) -> int:
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _child(request: Json, files: dict[str, Path]) -> NoReturn:
    code = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(files[name], os.O_WRONLY | os.O_APPEND), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["cwd"])
        os.environ.update(request["env"])
        _prepare(request, os.open(files["steps"], os.O_WRONLY | os.O_APPEND))
        main(request["argv"])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _prepare(request: Json, steps: int) -> None:
    ahead = timedelta(seconds=request.get("ahead", 0))
    met: Counter[str] = Counter()

    def checkpoint(name: str) -> None:
        met[name] += 1
        os.write(steps, f"{name}\n".encode())
        for hook in request.get("hooks", ()):
            if hook["at"] == name and hook.get("nth", 1) == met[name]:
                DOES[hook["do"]](hook)

    def planned(month: Any, settings: Any, created: datetime, *rest: Any, **more: Any) -> RunPlan:
        return RunPlan(month, settings, created + ahead, *rest, **more)

    clock = Desk.clock
    desk = partial(Desk, clock=lambda: clock() + ahead, checkpoint=checkpoint)
    fhir_rpm.sync.desk.Desk = desk  # type: ignore[misc]
    fhir_rpm.writeback.Desk = desk  # type: ignore[misc]
    fhir_rpm.sync.RunPlan = planned  # type: ignore[misc, assignment]
    for hook in request.get("hooks", ()):
        if hook["at"] == "start":
            DOES[hook["do"]](hook)


def _kill(_hook: Json) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(LONGEST)


def _meet(hook: Json) -> None:
    """Wait until the other runner is here too, so that both are as close together as can be."""
    Path(hook["mine"]).touch()
    deadline = time.monotonic() + _MET
    while not Path(hook["theirs"]).exists() and time.monotonic() < deadline:
        time.sleep(0.0002)


def _limit_files(hook: Json) -> None:
    """No file grows beyond this many bytes: what a quota does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (hook["bytes"], resource.RLIM_INFINITY))


def _fill(_hook: Json) -> None:
    """What SQLite then says is what it says of a full disk."""

    @event.listens_for(Engine, "begin")
    def limit(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE filler AS SELECT zeroblob(9000000) AS filler")


def _fill_disk(hook: Json) -> None:
    with suppress(OSError), Path(hook["file"]).open("wb", buffering=0) as file:
        while file.write(bytes(65536)):
            pass
    with suppress(OSError), Path(hook["file"]).open("ab", buffering=0) as file:
        while file.write(bytes(64)):
            pass


def _lock(hook: Json) -> None:
    """Another process takes the file's lock, and keeps it."""
    ready, told = os.pipe()
    if os.fork() == 0:
        holder = sqlite3.connect(hook["file"], isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        os.write(told, b"1")
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(0.01)
        os._exit(0)
    os.read(ready, 1)


def _spoil(hook: Json) -> None:
    content = bytearray(Path(hook["file"]).read_bytes())
    content[0:] = b"\xff" * len(content)
    Path(hook["file"]).write_bytes(bytes(content))


def _unlink(hook: Json) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(hook["file"] + ending).unlink(missing_ok=True)


def _drop(_hook: Json) -> None:
    """Go on as somebody without rights; only root can."""
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)


DOES: dict[str, Callable[[Json], None]] = {
    "kill": _kill,
    "meet": _meet,
    "limit_files": _limit_files,
    "fill": _fill,
    "fill_disk": _fill_disk,
    "lock": _lock,
    "spoil": _spoil,
    "unlink": _unlink,
    "drop": _drop,
}

if __name__ == "__main__":
    serve(Path(sys.argv[1]))
