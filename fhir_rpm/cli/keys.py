"""A key pair for the sandbox, kept between runs."""

import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

KEY_ID = "fhir-rpm-demo"


def demo_key(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The private key's file (mode 0600, made when absent) and its public JWK."""
    path = folder / "private-key.pem"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        key = generate_private_key(SECP384R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    loaded = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(loaded, EllipticCurvePrivateKey)  # noqa: S101 - we made it
    return path, {**json.loads(ECAlgorithm.to_jwk(loaded.public_key())), "kid": KEY_ID}
