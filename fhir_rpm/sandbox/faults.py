"""What can go wrong with a write on its way: the sandbox does it on demand, so that clients can be held to it."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, get_args

from fhir_rpm.errors import ConfigurationError

WriteFault = Literal[
    "lost_request", "lost_answer", "lost_late", "failed_request", "failed_answer", "filed_twice", "filed_late"
]
"""`lost_*` cut the connection before or after the write is committed, `failed_*` answer with HTTP 503 or 500 instead,
`filed_twice` commits it twice, `filed_late` hides the document from the next searches, and `lost_late` does so and cuts
the connection after it."""

App = Callable[..., Any]
Message = dict[str, Any]
_LATE = 2
_WRITES = ("POST", "PUT")


class Faults:
    """The faults of the next writes, one after another; safe to share between threads.

    Attributes:
        draw: asked for the fault of a write when none is waiting; None lets it pass.
    """

    def __init__(self) -> None:
        self.draw: Callable[[], WriteFault | None] = lambda: None
        self._waiting: deque[WriteFault | None] = deque()
        self._hidden: dict[str, int] = {}
        self._lock = threading.Lock()

    def of_next_writes(self, *faults: WriteFault | None) -> None:
        """Let the next writes go wrong in these ways, one each; None lets one pass.

        Raises:
            ConfigurationError: there is no such fault.
        """
        known = get_args(WriteFault)
        unknown = [str(fault) for fault in faults if fault is not None and fault not in known]
        if unknown:
            raise ConfigurationError(f"The sandbox has no fault {unknown[0]!r}.", f"Use one of {', '.join(known)}.")
        with self._lock:
            self._waiting.extend(faults)

    def take(self) -> WriteFault | None:
        """The fault of this write."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else self.draw()

    def hide(self, identity: str) -> None:
        """Let the next searches miss a resource."""
        with self._lock:
            self._hidden[identity] = _LATE

    def visible(self, found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """What a search finds by now."""
        for resource in found:
            with self._lock:
                left = self._hidden.pop(resource["id"], 0)
                if left > 1:
                    self._hidden[resource["id"]] = left - 1
            if not left:
                yield resource


class FaultyWire:
    """An ASGI application whose writes below `base` go wrong as `faults` says."""

    def __init__(self, app: App, base: str, faults: Faults) -> None:
        self._app = app
        self._base = base
        self._faults = faults

    async def __call__(self, scope: Message, receive: App, send: App) -> None:
        """Serve one request."""
        writes = scope["type"] == "http" and scope["method"] in _WRITES and scope["path"].startswith(self._base)
        fault = self._faults.take() if writes else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if fault in ("filed_twice", "lost_answer", "lost_late", "failed_answer"):
            await self._committed(scope, body, late=fault == "lost_late")
        if fault == "filed_twice":
            await self._app(scope, _said_again(body), send)
        elif fault == "filed_late":
            await self._app(scope, _said_again(body), self._hiding(send))
        elif fault.startswith("failed"):
            await _fail(send, 503 if fault == "failed_request" else 500)
        else:
            await _cut(receive, send)

    async def _committed(self, scope: Message, body: bytes, *, late: bool) -> None:
        async def swallow(_message: Message) -> None:
            return None

        await self._app(scope, _said_again(body), self._hiding(swallow) if late else swallow)

    def _hiding(self, send: App) -> App:
        async def hide(message: Message) -> None:
            for name, value in message.get("headers") or ():
                if name.lower() == b"location":
                    self._faults.hide(value.decode().rpartition("/")[2])
            await send(message)

        return hide


async def _read(receive: App) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _said_again(body: bytes) -> App:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _fail(send: App, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Something failed."})


async def _cut(receive: App, send: App) -> None:
    """Close the connection without an answer; ASGI has no word for it, so the server's own transport is taken."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]
    with contextlib.suppress(RuntimeError):
        while (await receive())["type"] != "http.disconnect":
            pass
