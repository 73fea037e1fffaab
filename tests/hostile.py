"""A small HTTP server for tests that answers as it is told, in a thread of its own."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer; `cut` closes the connection in the middle of it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Hostile:
    """`with Hostile(handler) as server:`; the handler gets each request and gives a Reply."""

    def __init__(self, handler: Callable[[Seen], Reply]) -> None:
        self.seen: list[Seen] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a reply is two writes; else the second waits 40 ms

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(self.command, self.path, dict(self.headers), self.rfile.read(length))
                outer.seen.append(seen)
                reply = handler(seen)
                raw = (
                    reply.body
                    if isinstance(reply.body, bytes)
                    else json.dumps(reply.body).encode()
                    if reply.body is not None
                    else b""
                )
                self.send_response(reply.status)
                kind = "application/fhir+json" if not isinstance(reply.body, bytes) else "text/html"
                for name, value in ({"Content-Type": kind} | reply.headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw) + (100 if reply.cut else 0)))
                self.end_headers()
                self.wfile.write(raw)
                if reply.cut:
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the library's names

            def log_message(self, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def base(self) -> str:
        """The FHIR base."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/r4"

    def __enter__(self) -> "Hostile":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def bundle(*resources: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """A searchset page."""
    page: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    page["entry"] = [{"resource": item, "search": {"mode": "match"}} for item in resources]
    return page | ({"link": [{"relation": "next", "url": following}]} if following else {})


def encounters(*numbers: int) -> list[dict[str, Any]]:
    """Bare Encounters."""
    return [{"resourceType": "Encounter", "id": f"e{number}"} for number in numbers]
