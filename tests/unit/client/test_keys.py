"""Keys: made safely, read with clear errors, named by their thumbprint, shown in public without anything private."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from fhir_rpm.client import keys
from fhir_rpm.errors import ConfigurationError, InputError
from tests.desk import write_key

P384 = ec.generate_private_key(ec.SECP384R1())
RSA_2048 = rsa.generate_private_key(65537, 2048)
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def _pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    n = int.from_bytes(
        jwt.utils.base64url_decode(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
            "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd"
            "AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur"
            "-kEgU8awapJzKnqDKgw"
        )
    )
    members = {"kty": "RSA", "n": keys._number(n), "e": keys._number(65537)}
    assert keys._thumbprint(members) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(("key", "algorithm"), [(P384, "ES384"), (RSA_2048, "RS384")])
def test_the_public_jwk_verifies_what_the_key_signs_and_holds_nothing_private(key: Any, algorithm: str) -> None:
    public = keys.public_jwk(key)
    assert not PRIVATE & public.keys()
    assert (public["alg"], public["use"], public["key_ops"]) == (algorithm, "sig", ["verify"])
    assert public["kid"] == keys.thumbprint(key)
    signed = jwt.encode({"a": 1}, key, algorithm)
    assert jwt.decode(signed, jwt.PyJWK(public), algorithms=[algorithm]) == {"a": 1}
    assert keys.public_jwk(key, "mine")["kid"] == "mine"


def test_coordinates_have_their_full_width() -> None:
    """Every 128th key or so has a coordinate that begins with a zero byte."""
    for secret in range(1, 400):
        public = keys.public_jwk(ec.derive_private_key(secret, ec.SECP384R1()))
        assert len(public["x"]) == len(public["y"]) == 64


def test_a_new_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = tmp_path / "a" / "key.pem"
        keys.write_private_key(path, keys.new_key("ES384"))
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [item.name for item in path.parent.iterdir()] == ["key.pem"]
    assert keys.key_problems(path) == ()


def test_a_new_rsa_key_has_3072_bits_and_never_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(keys.rsa, "generate_private_key", lambda _exponent, bits: asked.append(bits))
    keys.new_key("RS384")
    keys.new_key("RS384", 4096)
    assert asked == [3072, 4096]
    with pytest.raises(ConfigurationError, match="3072"):
        keys.new_key("RS384", 2048)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = write_key(tmp_path, P384)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="exists already"):
        keys.write_private_key(path, keys.new_key("ES384"))
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["key.pem"]


def test_where_there_are_no_links_a_key_is_still_whole_and_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(_source: str, _target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(keys.os, "link", without)
    path = tmp_path / "key.pem"
    keys.write_private_key(path, P384)
    assert keys.thumbprint(keys.read_private_key(path)) == keys.thumbprint(P384)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="exists already"):
        keys.write_private_key(path, RSA_2048)
    assert [item.name for item in tmp_path.iterdir()] == ["key.pem"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file"):
        keys.write_private_key(tmp_path / "file" / "key.pem", P384)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("key", [P384, RSA_2048])
def test_a_key_is_read_in_each_form_of_pem(tmp_path: Path, key: Any, form: PrivateFormat) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(_pem(key, form))
    assert keys.thumbprint(keys.read_private_key(path, b"not needed")) == keys.thumbprint(key)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_needs_its_passphrase(tmp_path: Path, form: PrivateFormat) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(P384.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"canary-pass")))
    assert keys.thumbprint(keys.read_private_key(path, b"canary-pass")) == keys.thumbprint(P384)
    with pytest.raises(ConfigurationError, match=r"encrypted.*FHIR_RPM_PRIVATE_KEY_PASSWORD"):
        keys.read_private_key(path)
    with pytest.raises(ConfigurationError, match="cannot be opened") as caught:
        keys.read_private_key(path, b"canary-wrong")
    assert "canary" not in str(caught.value)


def test_a_key_written_with_a_passphrase_is_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    keys.write_private_key(path, P384, b"pass")
    assert b"ENCRYPTED" in path.read_bytes()
    assert keys.thumbprint(keys.read_private_key(path, b"pass")) == keys.thumbprint(P384)


def _public(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_public(P384), "a public key"),
        (RSA_2048.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1), "a public key"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a certificate"),
        (json.dumps({"kty": "EC", "d": "canary"}).encode(), "a JSON Web Key"),
        (b"ssh-rsa AAAA me@host\n", "an SSH public key"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), r"secp256r1; ES384.* needs P-384"),
        (_pem(ec.generate_private_key(ec.SECP521R1())), "secp521r1"),
        (_pem(ed25519.Ed25519PrivateKey.generate()), "neither RSA nor on P-384"),
        (_pem(dsa.generate_private_key(1024)), "neither RSA nor on P-384"),
        (b"", "is empty"),
        (b"hello", "no PEM private key"),
        (_pem(P384)[:120], "no PEM private key"),
        (P384.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "no PEM private key"),
    ],
)
def test_what_is_no_key_for_smart_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=says) as caught:
        keys.read_private_key(path)
    assert "canary" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert keys.key_problems(path) == (str(caught.value),)


def test_a_short_rsa_key_is_refused_and_a_shortish_one_advised_against(tmp_path: Path) -> None:
    short = load_pem_private_key(SHORT_RSA, None)
    with pytest.raises(ConfigurationError, match="1024 bits"):
        keys.read_private_key(write_key(tmp_path, short))
    (problem,) = keys.key_problems(write_key(tmp_path, RSA_2048))
    assert "3072 are advised" in problem


SHORT_RSA = _pem(rsa.generate_private_key(65537, 1024))


def test_a_key_that_others_can_read_is_a_problem(tmp_path: Path) -> None:
    path = write_key(tmp_path, P384)
    tmp_path.chmod(0o700)
    assert keys.key_problems(path) == ()
    path.chmod(0o640)
    assert "chmod 600" in keys.key_problems(path)[0]
    path.chmod(0o600)
    tmp_path.chmod(0o777)
    assert "chmod 700" in keys.key_problems(path)[0]
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["absent.pem", "."])
def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        keys.read_private_key(tmp_path / name)


def test_a_key_set_holds_each_kid_once_and_nothing_private() -> None:
    leaky = {**keys.public_jwk(P384), "d": "canary", "p": "canary"}
    document = keys.jwks([leaky, keys.public_jwk(P384), keys.public_jwk(RSA_2048)])
    assert [key["kty"] for key in document["keys"]] == ["EC", "RSA"]
    assert "canary" not in json.dumps(document)


def test_a_key_set_replaces_only_a_key_set(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    keys.write_jwks(path, keys.jwks([keys.public_jwk(P384)]))
    keys.write_jwks(path, keys.jwks([keys.public_jwk(RSA_2048)]))
    assert [key["kty"] for key in keys.read_jwks(path)] == ["RSA"]
    key = write_key(tmp_path, P384)
    before = key.read_bytes()
    with pytest.raises(InputError, match="no JWK Set"):
        keys.write_jwks(key, keys.jwks([]))
    assert key.read_bytes() == before
