"""`doctor` as a user meets it: marks, causes, remedies, JSON, exit codes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_rpm.client.doctor import CHECKS
from fhir_rpm.client.keys import new_key, public_jwk, write_private_key
from fhir_rpm.sandbox import Sandbox
from tests.hostile import Hostile, Reply, Seen


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "fhir_rpm.cli", "doctor", *arguments]


def _environment(**environ: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FHIR_RPM_")} | environ


def _run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), cwd=folder, env=_environment(**environ), capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    key = new_key("ES384")
    write_private_key(tmp_path / "key.pem", key)
    with Sandbox("generic") as ehr:
        ehr.register("app", public_jwk(key, "k1"))
        yield (
            ehr,
            {
                "FHIR_RPM_BASE_URL": ehr.base_url,
                "FHIR_RPM_CLIENT_ID": "app",
                "FHIR_RPM_PRIVATE_KEY": str(tmp_path / "key.pem"),
                "FHIR_RPM_KEY_ID": "k1",
                "FHIR_RPM_TIME_ZONE": "America/New_York",
            },
        )


def test_a_connection_that_is_well_exits_with_0(sandbox: tuple[Sandbox, dict[str, str]], tmp_path: Path) -> None:
    ehr, environ = sandbox
    done = _run(tmp_path, "--patient", "sbx-heavy", "--group", ehr.group_id, "--month", "2026-05", **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "✗ 0 failed" in done.stdout
    assert "✓ read Patient" in done.stdout
    assert all(check.name in done.stdout for check in CHECKS)


def test_json_is_one_object_without_names_or_tokens(sandbox: tuple[Sandbox, dict[str, str]], tmp_path: Path) -> None:
    _, environ = sandbox
    done = _run(tmp_path, "--patient", "sbx-heavy", "--month", "2026-05", "--json", **environ)
    shown = json.loads(done.stdout)
    assert shown["ok"] is True
    assert [step["name"] for step in shown["steps"]] == ["configuration", *(check.name for check in CHECKS)]
    assert {"name", "status", "cause", "remedy", "detail", "seconds"} == set(shown["steps"][0])
    assert "Bearer" not in done.stdout


def test_a_refused_key_exits_with_5_and_names_cause_and_remedy(
    sandbox: tuple[Sandbox, dict[str, str]], tmp_path: Path
) -> None:
    _, environ = sandbox
    done = _run(tmp_path, "--patient", "sbx-heavy", **(environ | {"FHIR_RPM_CLIENT_ID": "stranger"}))
    assert done.returncode == 5
    assert "✗ token" in done.stdout
    assert "invalid_client" in done.stdout
    assert "→ Check client_id" in done.stdout
    assert "– read Patient" in done.stdout


def test_a_wrong_file_exits_with_2_and_is_told_in_json_too(tmp_path: Path) -> None:
    (tmp_path / "fhir-rpm.toml").write_text("base_url = 'https://ehr.example.org'\ncolour = 'red'\n")
    done = _run(tmp_path, "--json")
    shown = json.loads(done.stdout)
    assert (done.returncode, shown["ok"], shown["steps"][0]["cause"]) == (2, False, "settings_wrong")
    assert "colour" in shown["steps"][0]["detail"]


def test_a_server_that_is_not_there_exits_with_4(tmp_path: Path) -> None:
    with Hostile(lambda seen: Reply()) as gone:
        base = gone.base
    assert _run(tmp_path, FHIR_RPM_BASE_URL=base).returncode == 4


def test_an_interruption_ends_at_once_and_clean(tmp_path: Path) -> None:
    reached, over = threading.Event(), threading.Event()

    def hanging(seen: Seen) -> Reply:
        reached.set()
        over.wait(30)
        return Reply()

    with Hostile(hanging) as server:
        command, environ = _command(), _environment(FHIR_RPM_BASE_URL=server.base)
        pipe = subprocess.PIPE
        heard = {
            "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        }  # a job in the background ignores it
        with subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=pipe, stderr=pipe, text=True, **heard) as run:
            assert reached.wait(30)
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=10)
        over.set()
    assert run.returncode == 130
    assert "Traceback" not in err
