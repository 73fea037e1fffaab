"""A token endpoint and a FHIR base without a network: answers as told, and keeps what it was sent."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from requests.structures import CaseInsensitiveDict

from fhir_rpm.client.transport import Answer
from fhir_rpm.config import ConnectionSettings, load_settings

BASE = "https://ehr.example.org/r4"
TOKEN_URL = "https://login.example.org/token"
NOW = 1_780_000_000.0


def answer(status: int = 200, body: object = None, **headers: str) -> Answer:
    """An answer with a JSON body, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Answer(status, CaseInsensitiveDict(headers), raw)


def granted(token: str = "t1", **more: object) -> Answer:
    """A good token reply."""
    return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 300} | more)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Desk:
    """Stands in for a Transport: `reply` gets the number of the token request and its form."""

    def __init__(self, reply: Callable[[int, dict[str, str]], Answer] | None = None, **smart: object) -> None:
        self.base_url = BASE
        self.forms: list[dict[str, str]] = []
        self.urls: list[str] = []
        self.basic: list[tuple[str, str] | None] = []
        self.documents: dict[str, Answer] = {
            f"{BASE}/.well-known/smart-configuration": answer(200, {"token_endpoint": TOKEN_URL} | smart)
        }
        self.asked: list[str] = []
        self._reply = reply or (lambda number, _form: granted(f"t{number}"))
        self._lock = threading.Lock()

    def get_openly(self, url: str, accept: str = "application/fhir+json") -> Answer:
        self.asked.append(url.removeprefix(f"{BASE}/"))
        return self.documents.get(url, answer(404))

    def form(self, url: str, data: Mapping[str, str], auth: tuple[str, str] | None = None) -> Answer:
        sent = dict(data)
        with self._lock:
            self.forms.append(sent)
            self.urls.append(url)
            self.basic.append(auth)
            number = len(self.forms)
        return self._reply(number, sent)


def settings(environ: Mapping[str, str] | None = None, **values: Any) -> ConnectionSettings:
    """Settings of a client with a secret, or as given."""
    secret = {} if "private_key" in values else {"FHIR_RPM_CLIENT_SECRET": "s3cret"}
    return load_settings(None, {"base_url": BASE, "client_id": "app", **values}, secret if environ is None else environ)


def write_key(folder: Path, key: Any = None, name: str = "key.pem") -> Path:
    """A PEM file with a private key, on P-384 unless one is given."""
    key = key or ec.generate_private_key(ec.SECP384R1())
    path = folder / name
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path
