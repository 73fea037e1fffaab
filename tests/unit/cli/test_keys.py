"""`fhir-rpm keys`: what is made, what is printed, and that nothing private leaves the key's file."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import rsa

from fhir_rpm.cli import cli
from fhir_rpm.cli.keys import KEY_ID, demo_key
from fhir_rpm.client.keys import key_problems, read_private_key, thumbprint
from tests.desk import write_key

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
RSA_3072 = rsa.generate_private_key(65537, 3072)


def _invoke(*arguments: object, **environ: str) -> Result:
    environment = {"FHIR_RPM_PRIVATE_KEY_PASSWORD": None, **environ}
    return CliRunner().invoke(cli, ["keys", *map(str, arguments)], env=environment, standalone_mode=False)


def _problem(result: Result) -> str:
    assert result.exception is not None
    return str(getattr(result.exception, "message", result.exception))


def _keys(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["keys"]
    assert not any(PRIVATE & key.keys() for key in found)
    return found


def test_new_makes_a_key_prints_its_public_half_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "rpm.pem"
    done = _invoke("new", "--out", path)
    (public,) = _keys(done.stdout)
    assert (public["crv"], public["kid"]) == ("P-384", thumbprint(read_private_key(path)))
    assert key_problems(path) == ()
    for words in (f'private_key = "{path}"', f'key_id = "{public["kid"]}"', "register", "jwks_url", "12 hours"):
        assert words in done.stderr
    secret = "".join(path.read_text().splitlines()[1:-1])
    assert secret[:40] not in done.stdout + done.stderr


def test_new_makes_rsa_keys_with_a_kid_of_ones_own_into_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_rpm.client.keys.rsa.generate_private_key", lambda _exponent, _bits: RSA_3072)
    done = _invoke("new", "--algorithm", "RS384", "--key-id", "mine", "--out", tmp_path)
    (public,) = _keys(done.stdout)
    assert (public["kty"], public["alg"], public["kid"]) == ("RSA", "RS384", "mine")
    assert (tmp_path / "private-key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--algorithm", "RS384", "--bits", "2048"), "3072"),
        (("--bits", "4096"), "--bits is for RS384"),
        (("--algorithm", "ES256"), "ES256"),
    ],
)
def test_new_refuses_weak_keys(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = _invoke("new", "--out", tmp_path / "k.pem", *arguments)
    assert says in _problem(done)
    assert done.exception is not None
    assert getattr(done.exception, "exit_code", None) == 2
    assert list(tmp_path.iterdir()) == []


def test_new_warns_of_a_folder_that_others_can_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert "warning: The folder" in _invoke("new", "--out", tmp_path / "k.pem").stderr
    tmp_path.chmod(0o700)
    assert "warning" not in _invoke("new", "--out", tmp_path / "l.pem").stderr


def test_new_never_overwrites(tmp_path: Path) -> None:
    path = write_key(tmp_path)
    before = path.read_bytes()
    assert "exists already" in _problem(_invoke("new", "--out", path))
    assert path.read_bytes() == before


def test_a_passphrase_comes_from_a_file_or_the_environment_and_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("canary-1\n")
    one, two = tmp_path / "one.pem", tmp_path / "two.pem"
    shown = [
        _invoke("new", "--out", one, "--password-file", tmp_path / "pass"),
        _invoke("new", "--out", two, FHIR_RPM_PRIVATE_KEY_PASSWORD="canary-2"),
        _invoke("jwks", one, "--password-file", tmp_path / "pass"),
        _invoke("jwks", two, FHIR_RPM_PRIVATE_KEY_PASSWORD="canary-2"),
    ]
    assert read_private_key(one, b"canary-1")
    assert read_private_key(two, b"canary-2")
    assert all(len(_keys(done.stdout)) == 1 for done in shown)
    assert not any("canary" in done.output for done in shown)
    assert "encrypted" in _problem(_invoke("jwks", one))


def test_no_option_takes_a_secret() -> None:
    for name in ("new", "jwks", "rotate"):
        assert "--password " not in _invoke(name, "--help").output


def test_jwks_prints_the_public_halves_of_several_keys(tmp_path: Path) -> None:
    paths = [write_key(tmp_path, name="a.pem"), write_key(tmp_path, RSA_3072, name="b.pem")]
    printed = _keys(_invoke("jwks", *paths).stdout)
    assert [key["kty"] for key in printed] == ["EC", "RSA"]
    named = _keys(_invoke("jwks", *paths, "--key-id", "x", "--key-id", "y").stdout)
    assert [key["kid"] for key in named] == ["x", "y"]
    assert "once for each" in _problem(_invoke("jwks", *paths, "--key-id", "x"))


def test_jwks_writes_a_file_but_not_over_something_else(tmp_path: Path) -> None:
    key, out = write_key(tmp_path), tmp_path / "jwks.json"
    for _ in range(2):
        assert _invoke("jwks", key, "--out", out).exception is None
    assert len(_keys(out.read_text())) == 1
    before = key.read_bytes()
    assert "no JWK Set" in _problem(_invoke("jwks", key, "--out", key))
    assert key.read_bytes() == before


def test_rotate_makes_a_key_beside_the_old_and_publishes_both(tmp_path: Path) -> None:
    old = write_key(tmp_path, name="rpm.pem")
    before = old.read_bytes()
    done = _invoke("rotate", old, "--old-key-id", "old")
    (fresh,) = [path for path in tmp_path.glob("*.pem") if path != old]
    published = _keys((tmp_path / "jwks.json").read_text())
    assert [key["kid"] for key in published] == [thumbprint(read_private_key(fresh)), "old"]
    assert _keys(done.stdout) == published
    assert old.read_bytes() == before
    assert fresh.stat().st_mode & 0o777 == 0o600
    for words in (
        f'private_key = "{fresh}"',
        f'key_id = "{published[0]["kid"]}"',
        "for a day",
        f"delete {old} yourself",
    ):
        assert words in done.stderr


def test_rotate_keeps_the_kind_of_key_and_what_is_published_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, out = write_key(tmp_path, RSA_3072, name="rpm.pem"), tmp_path / "public" / "jwks.json"
    assert _invoke("jwks", write_key(tmp_path, name="other.pem"), "--key-id", "other", "--out", out).exception is None
    fresh = rsa.generate_private_key(65537, 2048)
    monkeypatch.setattr("fhir_rpm.client.keys.rsa.generate_private_key", lambda _exponent, _bits: fresh)
    done = _invoke("rotate", old, "--out", out, "--key-id", "fresh")
    assert done.exception is None
    published = _keys(out.read_text())
    assert [(key["kid"], key["kty"]) for key in published] == [
        ("fresh", "RSA"),
        (thumbprint(RSA_3072), "RSA"),
        ("other", "EC"),
    ]


def test_rotate_makes_nothing_when_the_key_set_is_none(tmp_path: Path) -> None:
    old = write_key(tmp_path, name="rpm.pem")
    (tmp_path / "jwks.json").write_text("{}")
    assert "no JWK Set" in _problem(_invoke("rotate", old))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jwks.json", "rpm.pem"]


def test_the_demos_key_is_made_once(tmp_path: Path) -> None:
    path, public = demo_key(tmp_path / "state")
    assert demo_key(tmp_path / "state") == (path, public)
    assert public["kid"] == KEY_ID
    assert not PRIVATE & public.keys()
    assert path.stat().st_mode & 0o777 == 0o600
