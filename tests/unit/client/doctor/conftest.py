"""Keys and certificates for examinations."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.unit.client.doctor.ehr import pem


@pytest.fixture
def key_file(tmp_path: Path) -> tuple[Path, Any]:
    key = ec.generate_private_key(ec.SECP384R1())
    return pem(tmp_path / "key.pem", key), key


@pytest.fixture
def issue(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Makes a server certificate with its key, and the CA that signed it; PEM files of both."""

    def make(
        ends: timedelta = timedelta(days=90),
        host: str = "127.0.0.1",
        issuer: str = "Clinic CA",
        self_signed: bool = False,
        begins: timedelta = timedelta(days=-1),
    ) -> tuple[Path, Path]:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        signer = _name("server") if self_signed else _name(issuer)
        names = x509.SubjectAlternativeName(
            [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)]
        )
        leaf = _certificate(_name("server"), signer, key, key if self_signed else ca_key, begins, ends, names)
        ca = _certificate(_name(issuer), _name(issuer), ca_key, ca_key, timedelta(days=-9), timedelta(days=999), None)
        file, ca_file = tmp_path / "server.pem", tmp_path / "ca.pem"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(pem + leaf.public_bytes(Encoding.PEM))
        ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
        return file, ca_file

    return make


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Any, signer: Any, begins: timedelta, ends: timedelta, names: Any
) -> x509.Certificate:
    now = datetime.now(UTC)
    public = key.public_key()
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), now + begins, now + ends)
    is_ca = names is None
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(authority, critical=False)
    if is_ca:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
        )
        usage |= {"key_agreement": False, "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**usage, encipher_only=False, decipher_only=False), critical=True)
    else:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256())
