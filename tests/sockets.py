"""Servers below HTTP: they send any bytes at any pace, with TLS or without, and proxies that note what passes."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 11\r\n\r\n" + b'{"ok":true}'
Behave = Callable[[socket.socket, bytes], None]


class RawServer:
    """`with RawServer(behave) as server:`; behave gets each connection and the request's head.

    Args:
        behave: what to do; bytes are sent as they are, and then the connection is closed.
        context: TLS for the server.
    """

    def __init__(self, behave: Behave | bytes, context: ssl.SSLContext | None = None) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self._behave = behave
        self._context = context
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def base(self) -> str:
        """The FHIR base."""
        return f"http{'s' if self._context else ''}://{self.address}/r4"

    def drip(self, connection: socket.socket, piece: bytes) -> None:
        """Send a piece again and again, until the other side has gone or the test is over."""
        with contextlib.suppress(OSError):
            while not self._over.wait(0.02):
                connection.sendall(piece)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            wrapped = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with wrapped:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = wrapped.recv(65536)
                    if not piece:
                        return
                    head += piece
                self.heads.append(head)
                if isinstance(self._behave, bytes):
                    wrapped.sendall(self._behave)
                else:
                    self._behave(wrapped, head)

    def __enter__(self) -> "RawServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._socket.close()


@contextlib.contextmanager
def closed_port() -> Iterator[str]:
    """A base URL at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/r4"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return cert_file, key_file


def tls(cert: Path, key: Path, client: Path | None = None) -> ssl.SSLContext:
    """TLS for a server, which asks for a certificate that `client` vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client)
    return context
