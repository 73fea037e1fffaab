"""A real HTTP server on loopback that misbehaves as it is told, and a stranger who writes down all that he hears."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.ehr import Ehr, Reply, Request, as_fhir

DRIP = 0.02
"""Seconds between the bytes of a dripping answer: always sooner than the client's read timeout."""

Answerer = Callable[[Request], Reply]


class Listener:
    """`with Listener(answer) as server:` answers requests in threads until the block ends, and keeps them all.

    Args:
        answer: gives the answer to each request.
        tls: serve HTTPS with this context.
    """

    def __init__(self, answer: Answerer, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Request] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self, answer))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def origin(self) -> str:
        """Its plain origin."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are no news here."""


def _handler(listener: Listener, answer: Answerer) -> type[BaseHTTPRequestHandler]:
    """The handler's class for one listener."""
    return type("Handler", (_Handler,), {"listener": listener, "answer": staticmethod(answer)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    listener: Listener
    answer: Answerer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, dict(self.headers), body)
        self.listener.seen.append(request)
        reply = type(self).answer(request)
        with suppress(OSError):
            getattr(self, f"_send_{reply.manner}")(reply)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the library's names

    def _head(self, reply: Reply, length: int | None) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send_whole(self, reply: Reply) -> None:
        self._head(reply, len(reply.body))
        self.wfile.write(reply.body)

    def _send_cut(self, reply: Reply) -> None:
        """Half of the body under the length of the whole, then an orderly end."""
        self._head(reply, len(reply.body))
        self.wfile.write(reply.body[: len(reply.body) // 2])
        self.close_connection = True

    def _send_reset(self, reply: Reply) -> None:
        """Half of the body, then a reset."""
        self._send_cut(reply)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _send_nothing(self, reply: Reply) -> None:
        """The connection ends without an answer."""
        self.close_connection = True

    def _send_silence(self, reply: Reply) -> None:
        """No answer, and no end."""
        self.listener.closing.wait(30)
        self.close_connection = True

    def _send_silence_in_body(self, reply: Reply) -> None:
        self._send_cut(reply)
        self._send_silence(reply)

    def _send_drip(self, reply: Reply) -> None:
        """A byte now and then, for longer than anybody should wait."""
        self._head(reply, 100_000)
        self._drip(b" ")

    def _send_slow_headers(self, reply: Reply) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._drip(b"x")

    def _drip(self, byte: bytes) -> None:
        self.close_connection = True
        while not self.listener.closing.wait(DRIP):
            self.wfile.write(byte)

    def _send_endless(self, reply: Reply) -> None:
        """A body without end, as fast as it is taken."""
        self.close_connection = True
        self._head(Reply(headers=reply.headers | {"Transfer-Encoding": "chunked"}), None)
        while not self.listener.closing.is_set():
            self.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")

    def log_message(self, *args: object) -> None:
        return


class FaultServer(Listener):
    """An EHR behind a fault.

    Args:
        vendor: whose shapes it serves.
        spoil: gives the answer to a request instead of the right one, or that one itself.
        tls, origin: serve HTTPS under a name.
    """

    def __init__(
        self,
        vendor: str,
        spoil: Callable[[Request, Reply, "FaultServer"], Reply],
        tls: ssl.SSLContext | None = None,
        origin: str | None = None,
    ) -> None:
        super().__init__(lambda request: spoil(request, self.ehr.answer(request), self), tls)
        self.ehr = Ehr(vendor, origin or self.origin)
        self.stranger = ""
        self.turns: dict[str, int] = {}
        self.lock = threading.Lock()

    def turn(self, key: str) -> int:
        """How often this was asked for, from 1."""
        with self.lock:
            self.turns[key] = self.turns.get(key, 0) + 1
            return self.turns[key]


def stranger(tls: ssl.SSLContext | None = None) -> Listener:
    """Somebody else's server; it answers every search with a page of its own, as if it were the EHR."""
    lure = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    return Listener(lambda _request: as_fhir(lure), tls)
