"""The same EHR behind TLS, and a proxy before it."""

import contextlib
import socket
import socketserver
import ssl
import threading
from pathlib import Path

from tests.unit.client.doctor.ehr import Ehr


class Secure(Ehr):
    """The same server behind TLS."""

    def __init__(self, certificate: Path) -> None:
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def base(self) -> str:
        return super().base.replace("http://", "https://")


class Tunnel:
    """A proxy that connects anybody to one port, and remembers for whom."""

    def __init__(self, port: int) -> None:
        self.asked: list[bytes] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                lines = list(iter(lambda: self.rfile.readline().strip(), b""))
                outer.asked.append(lines[0])
                with socket.create_connection(("127.0.0.1", port), 5) as far:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                    back.start()
                    _pump(self.connection, far)
                    back.join(5)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Tunnel":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pump(left: socket.socket, right: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := left.recv(65536):
            right.sendall(data)
        right.shutdown(socket.SHUT_WR)
