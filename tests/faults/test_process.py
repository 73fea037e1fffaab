"""The command as people run it, in a process of its own, with its own clock and waits: it ends, and says how."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.ehr import BASE, CANARIES, READY, Reply, Request
from tests.faults.kinds import What, Where, data, foreign, html, issue, linked, manner, page, read, status, text, token
from tests.faults.run import settings_of
from tests.faults.server import FaultServer, Listener

LONGEST = 60

Ended = subprocess.CompletedProcess[str]


def _patient(folder: Path, base_url: str, *, hasty: bool = False) -> Ended:
    (folder / "fhir-rpm.toml").write_text(settings_of("epic", base_url, hasty=hasty), encoding="utf-8")
    command = [sys.executable, "-m", "fhir_rpm.cli", "patient", READY, "--month", "2026-05", "--json"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FHIR_RPM_")}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=LONGEST, check=False
    )


def _under(
    folder: Path, somebody: Listener, where: Where, what: What, times: int | None = None, *, hasty: bool = False
) -> Ended:
    def spoil(request: Request, reply: Reply, server: FaultServer) -> Reply:
        met = where(request) and (times is None or server.turn("all") <= times)
        return what(request, reply, server) if met else reply

    with FaultServer("epic", spoil) as server:
        server.stranger = somebody.origin
        return _patient(folder, f"{server.origin}{BASE}", hasty=hasty)


ENDS: dict[str, tuple[int, Callable[[Path, Listener], Ended]]] = {
    "no_fault": (0, lambda folder, who: _under(folder, who, lambda request: False, status(500))),
    "503_once": (0, lambda folder, who: _under(folder, who, page("Encounter", 1), status(503), 1)),
    "401_once": (0, lambda folder, who: _under(folder, who, page("Observation", 2), status(401), 1)),
    "page_lost": (4, lambda folder, who: _under(folder, who, page("Encounter", 2), html(200))),
    "drip": (4, lambda folder, who: _under(folder, who, page("Encounter", 2), manner("drip"), hasty=True)),
    "foreign_link": (4, lambda folder, who: _under(folder, who, page("Encounter", 1), linked(foreign))),
    "login_page": (4, lambda folder, who: _under(folder, who, data, html(200))),
    "token_refused": (5, lambda folder, who: _under(folder, who, token, status(400, {"error": "invalid_client"}))),
    "401_for_ever": (5, lambda folder, who: _under(folder, who, data, status(401))),
    "403_text": (5, lambda folder, who: _under(folder, who, read("Patient"), text(403, "Ottoline Quillfeather"))),
    "no_such_patient": (2, lambda folder, who: _under(folder, who, read("Patient"), status(404, issue("59008")))),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_command_ends_and_its_exit_code_says_how(name: str, folder: Path, somebody: Listener) -> None:
    code, run = ENDS[name]
    somebody.seen.clear()
    ended = run(folder, somebody)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert not [canary for canary in (*CANARIES, "Ottoline", "eyJ") if canary in ended.stderr]
    assert somebody.seen == []
    if ended.stdout:
        assessment = json.loads(ended.stdout)
        assert (assessment["gaps"] == []) == (code == 0)
        assert assessment["status"] == "ready" or code == 4
    else:
        assert code != 0
        assert ended.stderr.startswith("error: ")


def test_a_server_that_is_not_there_is_said_to_be(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ended = _patient(folder, f"http://127.0.0.1:{port}{BASE}")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr
