"""`fhir-rpm keys`: key pairs for SMART Backend Services, made, published and replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_rpm.client.keys import PrivateKey

KEY_ID = "fhir-rpm-demo"
PASSPHRASE = "FHIR_RPM_PRIVATE_KEY_PASSWORD"  # noqa: S105 - a variable's name
_FILE = "private-key.pem"

_PATH = click.Path(path_type=Path)
_ALGORITHMS = click.Choice(["ES384", "RS384"])


def _passphrase(command: Callable[..., Any]) -> Callable[..., Any]:
    says = f"File with the keys' passphrase; else {PASSPHRASE} is used when set."
    return click.option("--password-file", type=_PATH, help=says)(command)


@click.group(short_help="Make, publish and replace the app's key pair.")
def keys() -> None:
    """Make, publish and replace the key pair that authenticates the app by SMART Backend Services."""


@keys.command(short_help="Make a key pair.")
@click.option("--algorithm", type=_ALGORITHMS, default="ES384", show_default=True, help="P-384, or RSA for RS384.")
@click.option("--bits", type=int, help="Size of an RSA key, 3072 or more.  [default: 3072]")
@click.option("--out", required=True, type=_PATH, metavar="FILE|DIR", help="Where the private key goes.")
@click.option("--key-id", help="The kid; default the key's RFC 7638 thumbprint.")
@_passphrase
def new(algorithm: str, bits: int | None, out: Path, key_id: str | None, password_file: Path | None) -> None:
    """Make a private key (mode 0600, never over another file) and print its public JWK Set.

    With a passphrase the key is encrypted.
    """
    from fhir_rpm.client.keys import jwks, key_problems, public_jwk

    path = out / _FILE if out.is_dir() or out.suffix == "" else out
    password = _password(password_file)
    public = public_jwk(_made(path, algorithm, bits, password), key_id)
    _print(jwks([public]))
    _next_steps(path, public["kid"])
    for problem in key_problems(path, password):
        click.echo(f"warning: {problem}", err=True)


@keys.command(short_help="Print the public JWK Set of private keys.")
@click.argument("files", nargs=-1, required=True, type=_PATH, metavar="PRIVATE_KEY...")
@click.option("--key-id", "key_ids", multiple=True, help="The kid of each key, in order; default its thumbprint.")
@click.option("--out", type=_PATH, metavar="FILE", help="Write it there instead of printing it.")
@_passphrase
def jwks(files: tuple[Path, ...], key_ids: tuple[str, ...], out: Path | None, password_file: Path | None) -> None:
    """Print the public JWK Set of PRIVATE_KEY files, fit to be served at the app's JWKS URL; nothing private is in it.

    --out replaces a file only when it is a JWK Set itself.
    """
    from fhir_rpm.client import keys as made

    if len(key_ids) not in (0, len(files)):
        raise click.UsageError("Give --key-id once for each key, or not at all.")
    password = _password(password_file)
    named = zip(files, key_ids or [None] * len(files), strict=True)
    document = made.jwks(made.public_jwk(made.read_private_key(path, password), key_id) for path, key_id in named)
    if out is None:
        _print(document)
    else:
        made.write_jwks(out, document)
        click.echo(f"Wrote {len(document['keys'])} public keys to {out}", err=True)


@keys.command(short_help="Make the key that will replace one.")
@click.argument("file", type=_PATH, metavar="PRIVATE_KEY")
@click.option("--algorithm", type=_ALGORITHMS, help="Default: as of the old key.")
@click.option("--bits", type=int, help="Size of an RSA key, 3072 or more.  [default: 3072]")
@click.option("--key-id", help="The kid of the new key; default its RFC 7638 thumbprint.")
@click.option("--old-key-id", help="The kid of the old key, unless that is its thumbprint.")
@click.option("--out", type=_PATH, metavar="FILE", help="The JWK Set; default jwks.json beside the key.")
@_passphrase
def rotate(
    file: Path,
    algorithm: str | None,
    bits: int | None,
    key_id: str | None,
    old_key_id: str | None,
    out: Path | None,
    password_file: Path | None,
) -> None:
    """Make a new key beside PRIVATE_KEY, and a JWK Set with both; nothing is deleted.

    Keys that the JWK Set holds already stay in it, so that a server which knows any of them goes on.
    """
    from fhir_rpm.client import keys as made

    password = _password(password_file)
    target = out or file.parent / "jwks.json"
    known = made.read_jwks(target) if target.exists() else ()
    old = made.read_private_key(file, password)
    fresh = made.new_key(_algorithm(algorithm or made.algorithm_of(old), bits), bits or made.ADVISED_RSA)
    public = made.public_jwk(fresh, key_id)
    path = file.with_name(f"{file.stem}-{made.thumbprint(fresh)[:8]}{file.suffix}")
    made.write_private_key(path, fresh, password)
    document = made.jwks([public, made.public_jwk(old, old_key_id), *known])
    made.write_jwks(target, document)
    _print(document)
    _rotation_steps(file, path, public["kid"], target)


def _made(path: Path, algorithm: str, bits: int | None, password: bytes | None) -> PrivateKey:
    from fhir_rpm.client.keys import ADVISED_RSA, new_key, write_private_key

    key = new_key(_algorithm(algorithm, bits), bits or ADVISED_RSA)
    write_private_key(path, key, password)
    return key


def _algorithm(name: str, bits: int | None) -> Any:
    if name == "ES384" and bits is not None:
        raise click.UsageError("--bits is for RS384 keys; ES384 keys are on P-384.")
    return name


def _password(file: Path | None) -> bytes | None:
    """The passphrase, from a file or from the environment: never from the command line, which others can see."""
    import os

    from fhir_rpm.config import read_secret

    if file is not None:
        return read_secret(file, "--password-file").get_secret_value().encode()
    return os.environ.get(PASSPHRASE, "").encode() or None


def _print(document: dict[str, Any]) -> None:
    import json

    click.echo(json.dumps(document, indent=2))


def _next_steps(path: Path, key_id: str) -> None:
    lines = (
        f"Wrote the private key to {path} (mode 0600). Keep it there; it is not to be sent or copied.",
        "Next:",
        "1. Serve the JWK Set above at a public https URL without redirects, and register that URL with the EHR.",
        "2. In fhir-rpm.toml set:",
        f'     private_key = "{path.absolute().as_posix()}"',
        f'     key_id = "{key_id}"',
        '     jwks_url = "https://…"    # the URL, where the EHR wants it named (Epic)',
        "3. A new registration can take an hour in a sandbox and 12 hours at a customer.",
    )
    click.echo("\n".join(lines), err=True)


def _rotation_steps(old: Path, new_file: Path, key_id: str, target: Path) -> None:
    lines = (
        f"Wrote the new private key to {new_file} (mode 0600) and the JWK Set of both to {target}.",
        "Next, in this order:",
        f"1. Publish {target} at the registered JWKS URL. The old key goes on working.",
        "2. Wait until EHRs have read it: a day is safe; 12 hours are seen at Epic customers.",
        "3. In fhir-rpm.toml set:",
        f'     private_key = "{new_file.absolute().as_posix()}"',
        f'     key_id = "{key_id}"',
        "4. When every run has used the new key for a day, take the old one out of the JWK Set, publish it again,",
        f"   and then delete {old} yourself. Nothing is deleted here.",
    )
    click.echo("\n".join(lines), err=True)


def demo_key(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The sandbox's private key file, kept between runs and made when absent, and its public JWK."""
    from fhir_rpm.client.keys import public_jwk, read_private_key

    path = folder / _FILE
    key = read_private_key(path) if path.exists() else _made(path, "ES384", None, None)
    return path, public_jwk(key, KEY_ID)
