"""Key pairs of SMART Backend Services: made, read, named by their thumbprint, and shown in public.

SMART App Launch 2.2, "Client Authentication: Asymmetric": RS384 and ES384, so RSA keys and keys on P-384.
"""

import contextlib
import errno
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.utils import base64url_encode

from fhir_rpm.errors import ConfigurationError, InputError
from fhir_rpm.files import write_json

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Algorithm = Literal["ES384", "RS384"]

SMALLEST_RSA = 2048
"""RFC 7518 §3.3: RSA signatures need 2048 bits or more."""

ADVISED_RSA = 3072
"""NIST SP 800-57 part 1 rev. 5, table 2: 128 bits of security, for use beyond 2030."""

_P384_BYTES = 48
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
_NOT_KEYS = (
    (b"BEGIN CERTIFICATE", "a certificate", "Name the private key that belongs to it."),
    (b"BEGIN PUBLIC KEY", "a public key", "Name the private key; only that can sign."),
    (b"BEGIN RSA PUBLIC KEY", "a public key", "Name the private key; only that can sign."),
    (b"ssh-", "an SSH public key", "Make a key with `fhir-rpm keys new`."),
    (b"BEGIN OPENSSH PRIVATE KEY", "an OpenSSH key", "Make a key with `fhir-rpm keys new`."),
    (b"BEGIN DSA PRIVATE KEY", "a DSA key", "Make a key with `fhir-rpm keys new`."),
    (b'"kty"', "a JSON Web Key", "Convert it to PEM, or make a key with `fhir-rpm keys new`."),
)


def new_key(algorithm: Algorithm, bits: int = ADVISED_RSA) -> PrivateKey:
    """A fresh private key: on P-384 for ES384, RSA of `bits` for RS384.

    Raises:
        ConfigurationError: fewer than 3072 bits were asked for.
    """
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    if bits < ADVISED_RSA:
        raise ConfigurationError(f"An RSA key of {bits} bits is too small.", f"Ask for {ADVISED_RSA} bits or more.")
    return rsa.generate_private_key(65537, bits)


def write_private_key(path: Path, key: PrivateKey, password: bytes | None = None) -> None:
    """Write a PEM file (PKCS #8) with mode 0600, whole or not at all; a folder that is made gets mode 0700.

    Raises:
        ConfigurationError: the file exists already, or cannot be written.
    """
    encryption: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, pem)
    except FileExistsError as error:
        raise ConfigurationError(
            f"{path} exists already.", "A key is never overwritten; choose another name."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error


def _write_new(path: Path, content: bytes) -> None:
    """A link puts the finished file in its place, and fails where one is; mkstemp makes files of mode 0600.

    Where there are no links (exFAT, some shares) the file is made in its place, and still never over another.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".key-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
    finally:
        Path(temporary).unlink()


def read_private_key(path: Path, password: bytes | None = None) -> PrivateKey:
    """The private key in a PEM file; a password that is not needed does no harm.

    Raises:
        ConfigurationError: it cannot be read, is something else, or is a key that SMART does not allow.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        problem = f"private_key {path} cannot be read: {error.strerror}."
        raise ConfigurationError(problem, "Check the path and its permissions.") from error
    encrypted = b"ENCRYPTED" in pem
    if encrypted and not password:
        remedy = "Set FHIR_RPM_PRIVATE_KEY_PASSWORD or private_key_password_file."
        raise ConfigurationError(f"private_key {path} is encrypted, and no passphrase is given.", remedy)
    try:
        key = load_pem_private_key(pem, password if encrypted else None)
    except (ValueError, TypeError) as error:
        raise _no_key(path, pem, encrypted=encrypted) from error
    except Exception as error:  # cryptography's UnsupportedAlgorithm is no ValueError
        raise ConfigurationError(f"private_key {path} is of an unknown kind.", _MAKE_ONE) from error
    return _allowed(path, key)


_MAKE_ONE = "Use an RSA key or one on P-384; `fhir-rpm keys new` makes one."


def _no_key(path: Path, pem: bytes, *, encrypted: bool) -> ConfigurationError:
    for mark, name, remedy in _NOT_KEYS:
        if mark in pem:
            return ConfigurationError(f"private_key {path} holds {name}, no PEM private key.", remedy)
    if encrypted:
        remedy = "Check FHIR_RPM_PRIVATE_KEY_PASSWORD or private_key_password_file."
        return ConfigurationError(f"private_key {path} cannot be opened with the passphrase.", remedy)
    what = "is empty" if not pem.strip() else "is no PEM private key"
    return ConfigurationError(f"private_key {path} {what}.", _MAKE_ONE)


def _allowed(path: Path, key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size >= SMALLEST_RSA:
            return key
        problem = f"private_key {path} is an RSA key of {key.key_size} bits; RS384 needs {SMALLEST_RSA} or more."
        raise ConfigurationError(problem, _MAKE_ONE)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name == "secp384r1":
            return key
        problem = f"private_key {path} is on the curve {key.curve.name}; ES384, which SMART asks for, needs P-384."
        raise ConfigurationError(problem, _MAKE_ONE)
    raise ConfigurationError(f"private_key {path} is neither RSA nor on P-384.", _MAKE_ONE)


def algorithm_of(key: PrivateKey) -> Algorithm:
    """The JWS algorithm that a key signs with."""
    return "RS384" if isinstance(key, rsa.RSAPrivateKey) else "ES384"


def public_jwk(key: PrivateKey, key_id: str | None = None) -> dict[str, Any]:
    """The public half as a JWK (RFC 7517), with its thumbprint as `kid` unless one is given."""
    members = _public_members(key)
    about = {"kid": key_id or _thumbprint(members), "alg": algorithm_of(key), "use": "sig", "key_ops": ["verify"]}
    return {**members, **about}


def thumbprint(key: PrivateKey) -> str:
    """RFC 7638: SHA-256 over the required members in order; the same key has the same everywhere."""
    return _thumbprint(_public_members(key))


def _thumbprint(members: Mapping[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64url_encode(hashlib.sha256(canonical).digest()).decode()


def _public_members(key: PrivateKey) -> dict[str, str]:
    """RFC 7518 §6: coordinates at full width, for a short one is another key to some servers."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    point = key.public_key().public_numbers()
    x, y = _number(point.x, _P384_BYTES), _number(point.y, _P384_BYTES)
    return {"kty": "EC", "crv": "P-384", "x": x, "y": y}


def _number(value: int, width: int | None = None) -> str:
    return base64url_encode(value.to_bytes(width or (value.bit_length() + 7) // 8, "big")).decode()


_PUBLIC = {"kty", "n", "e", "crv", "x", "y", "kid", "alg", "use", "key_ops", "x5c", "x5t", "x5t#S256", "x5u"}


def jwks(keys: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A JWK Set of public keys, one for each kid, the first given first; members that are not public never get in."""
    kept: dict[str, dict[str, Any]] = {}
    for key in keys:
        kept.setdefault(str(key.get("kid")), {name: value for name, value in key.items() if name in _PUBLIC})
    return {"keys": list(kept.values())}


def read_jwks(path: Path) -> tuple[dict[str, Any], ...]:
    """The keys of a JWK Set in a file.

    Raises:
        InputError: it is none, or cannot be read.
    """
    try:
        keys = json.loads(path.read_bytes())["keys"]
        if isinstance(keys, list) and all(isinstance(key, dict) and "kty" in key for key in keys):
            return tuple(keys)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    except (ValueError, TypeError, KeyError):
        pass
    raise InputError(f"{path} exists and is no JWK Set.", "Choose another file.")


def write_jwks(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JWK Set, whole or not at all; what stands there is replaced only when it is a JWK Set too.

    Raises:
        InputError: something else stands there.
        ConfigurationError: it cannot be written.
    """
    if path.exists():
        read_jwks(path)
    with contextlib.suppress(OSError):  # the write that follows tells what is wrong with the place
        path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, document)


def key_problems(path: Path, password: bytes | None = None) -> tuple[str, ...]:
    """What is wrong, or unwise, about a private key file; each a sentence with its remedy, none when all is well."""
    try:
        key = read_private_key(path, password)
    except ConfigurationError as error:
        return (str(error),)
    found = []
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        found.append(f"private_key {path} can be read by others. Run chmod 600 on it.")
    if os.name == "posix" and stat.S_IMODE(path.resolve().parent.stat().st_mode) & 0o022:
        found.append(f"The folder of private_key {path} can be written by others. Run chmod 700 on it.")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < ADVISED_RSA:
        found.append(
            f"private_key {path} has {key.key_size} bits; {ADVISED_RSA} are advised. Run fhir-rpm keys rotate."
        )
    return tuple(found)
