"""A synthetic EHR on loopback, with the manners of a plain FHIR server, of Epic or of Oracle Health."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from fhir_rpm.errors import ConfigurationError
from fhir_rpm.sandbox.faults import Faults, WriteFault
from fhir_rpm.sandbox.manners import MANNERS
from fhir_rpm.sandbox.patients import GROUP, scenarios
from fhir_rpm.sandbox.server import BASE, SandboxServer

__all__ = ["Faults", "Sandbox", "WriteFault"]


class Sandbox:
    """A running sandbox: `with Sandbox("epic") as ehr: …` serves until the block ends.

    Args:
        vendor: `generic`, `epic` or `oracle`.
        month: the month its synthetic patients live in, `YYYY-MM`.
        state: a folder for filed documents; None forgets them at the end.
        host, port: where to listen; port 0 takes a free one.

    Raises:
        ConfigurationError: the vendor is unknown, or the port is taken.
    """

    client_id = "fhir-rpm-demo"
    group_id = GROUP

    def __init__(
        self,
        vendor: str = "generic",
        month: str = "2026-05",
        state: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if vendor not in MANNERS:
            raise ConfigurationError(f"The sandbox has no vendor {vendor!r}.", f"Use one of {', '.join(MANNERS)}.")
        self._server = SandboxServer(vendor, month, state)
        self._socket = _listening(host, port)
        self._host, self._port = self._socket.getsockname()[:2]
        self._server.tokens.url = self.token_url
        self._uvicorn = uvicorn.Server(uvicorn.Config(self._server.app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._uvicorn.run, args=([self._socket],), daemon=True)

    @property
    def base_url(self) -> str:
        """The FHIR base."""
        return f"http://{self._host}:{self._port}{BASE}"

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"http://{self._host}:{self._port}/oauth2/token"

    @property
    def patients(self) -> tuple[str, ...]:
        """The ids of its patients."""
        return tuple(patient["id"] for patient in scenarios()["patient"])

    @property
    def faults(self) -> Faults:
        """What goes wrong with the next writes."""
        return self._server.faults

    def documents(self) -> list[dict[str, Any]]:
        """Every DocumentReference as it is kept, however it was filed."""
        return self._server.store.of_type("DocumentReference")

    def register(self, client_id: str, public_jwk: dict[str, Any]) -> None:
        """Register a backend service by its public key (a JWK with a kid)."""
        self._server.tokens.register(client_id, public_jwk)

    def register_secret(self, client_id: str, secret: str) -> None:
        """Register a client that authenticates with a secret."""
        self._server.tokens.register_secret(client_id, secret)

    def __enter__(self) -> "Sandbox":
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._uvicorn.started and time.monotonic() < deadline:
            time.sleep(0.005)
        return self

    def __exit__(self, *_error: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def wait(self, ready: Callable[["Sandbox"], None]) -> None:
        """Serve until interrupted; `ready` is called once it listens."""
        with self, contextlib.suppress(KeyboardInterrupt):
            ready(self)
            while self._thread.is_alive():
                self._thread.join(timeout=1)


def _listening(host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        problem = f"Port {port} on {host} cannot be used: {error.strerror}."
        raise ConfigurationError(problem, "Choose another with --port.") from error
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body are sent apart: no 40 ms between
    return listening
