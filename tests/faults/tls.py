"""Names on loopback: an authority of its own, and a network in which any host is one of two listeners."""

import ipaddress
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Connect = Callable[..., socket.socket]


def authority(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A CA file, and the context of a server that its certificate shows under every name."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    now = datetime.now(UTC)
    alternatives = [x509.DNSName(name) for name in names] + [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(issuer)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "ca.pem", folder / "server.pem"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(private)
    return public, context


def network(ports: dict[tuple[str, int], int], otherwise: dict[int, int]) -> Connect:
    """A stand-in for `urllib3.util.connection.create_connection`.

    Args:
        ports: (host, port) → the loopback port behind it.
        otherwise: for any other host: port → the loopback port behind it; others refuse.
    """

    def connect(address: tuple[str, int], *args: object, **more: object) -> socket.socket:
        host, port = address
        behind = ports.get((host, port), otherwise.get(port))
        if behind is None:
            raise ConnectionRefusedError(f"nobody listens at port {port}")
        return socket.create_connection(("127.0.0.1", behind), 5)

    return connect
