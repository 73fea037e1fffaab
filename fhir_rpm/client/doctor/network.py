"""Name, port and certificate: what can be wrong before a single FHIR byte is sent."""

import contextlib
import os
import socket
import ssl
from base64 import b64encode
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

from fhir_rpm.client.doctor.knowledge import Knowledge
from fhir_rpm.client.doctor.report import Finding, failed, ok, skipped, warning
from fhir_rpm.config import ConnectionSettings

EXPIRES_SOON_DAYS = 14

_VERIFY_CAUSES = {
    9: "tls_not_yet_valid",
    10: "tls_expired",
    18: "tls_self_signed",
    19: "tls_unknown_issuer",
    20: "tls_unknown_issuer",
    21: "tls_unknown_issuer",
    62: "tls_wrong_host",
    64: "tls_wrong_host",
}
"""OpenSSL's X509_V_ERR codes."""


def check_name(settings: ConnectionSettings) -> Finding:
    """Whether the host's name resolves, and its port takes connections."""
    base = settings.required_base_url()
    parts = urlsplit(base)
    if proxy_for(settings) is not None:
        return skipped("A proxy is set; it resolves the name.")
    try:
        found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return failed("name_unknown", f"Host {parts.hostname}.")
    addresses = sorted({str(item[4][0]) for item in found})
    try:
        socket.create_connection((str(parts.hostname), _port(parts)), _patience(settings)).close()
    except ConnectionRefusedError:
        return failed("connection_refused", f"Host {parts.hostname}, port {_port(parts)}.")
    except OSError as error:
        return failed("no_answer", f"Host {parts.hostname}, port {_port(parts)} ({type(error).__name__}).")
    return ok(f"{parts.hostname} is {', '.join(addresses[:3])}; port {_port(parts)} is open.")


def check_tls(settings: ConnectionSettings, knowledge: Knowledge, now: float) -> Finding:
    """Whether the certificate is whole, trusted, in time, and for this host."""
    parts = urlsplit(settings.required_base_url())
    if parts.scheme == "http":
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        return skipped("Plain http to this machine.") if local else warning("plain_http", "allow_http is set.")
    try:
        certificate, version = _handshake(settings, _context(settings))
    except ssl.SSLCertVerificationError as error:
        return _refused(error, settings, knowledge)
    except ssl.SSLError as error:
        wrong = "WRONG_VERSION_NUMBER" in str(error.reason) or "HTTP_REQUEST" in str(error.reason)
        return failed("not_tls" if wrong else "tls_failed", f"({error.reason or type(error).__name__})")
    except OSError as error:
        return failed("no_answer", f"During the TLS handshake ({type(error).__name__}).")
    return _in_time(certificate, version, now)


def trusted(settings: ConnectionSettings) -> str:
    """The file of CA certificates that requests verify against."""
    if settings.ca_bundle is not None:
        return str(settings.ca_bundle)
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH


def proxy_for(settings: ConnectionSettings) -> str | None:
    """The proxy on the way to the EHR: that of the settings, else that of the environment."""
    if settings.proxy is not None:
        return settings.proxy.get_secret_value()
    base = settings.required_base_url()
    return select_proxy(base, get_environ_proxies(base))


def _context(settings: ConnectionSettings) -> ssl.SSLContext:
    """What requests would use: the same authorities, and our certificate where the site asks for one."""
    authorities = trusted(settings)
    folder = Path(authorities).is_dir()
    context = ssl.create_default_context(capath=authorities if folder else None, cafile=None if folder else authorities)
    if settings.client_cert is not None:
        context.load_cert_chain(settings.client_cert, settings.client_key)
    return context


def _refused(error: ssl.SSLCertVerificationError, settings: ConnectionSettings, knowledge: Knowledge) -> Finding:
    """The cause of a refused certificate; its issuer tells whether a proxy stands between."""
    cause = _VERIFY_CAUSES.get(error.verify_code, "tls_failed")
    issuer = _issuer_unverified(settings)
    if cause in ("tls_self_signed", "tls_unknown_issuer") and issuer is not None:
        if any(word in issuer.casefold() for word in knowledge.interceptors):
            cause = "tls_intercepted"
        return failed(cause, f"Issuer: {issuer}. Trusted are: {trusted(settings)}.")
    return failed(cause, f"({error.verify_message})")


def _issuer_unverified(settings: ConnectionSettings) -> str | None:
    """The issuer named by a certificate that was refused; the connection carries nothing and is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError, ValueError):
        certificate, _ = _handshake(settings, context)
        names = [*certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
        names += certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return ", ".join(str(name.value) for name in names)
    return None


def _in_time(certificate: x509.Certificate, version: str | None, now: float) -> Finding:
    ends = certificate.not_valid_after_utc
    days = (ends - datetime.fromtimestamp(now, UTC)).days
    seen = f"{version}; the certificate is valid until {ends.date().isoformat()} ({days} days)."
    return warning("tls_expires_soon", seen) if days < EXPIRES_SOON_DAYS else ok(seen)


def _handshake(settings: ConnectionSettings, context: ssl.SSLContext) -> tuple[x509.Certificate, str | None]:
    """The server's certificate and the TLS version, through the proxy where there is one."""
    raw = _tunnel(settings)
    host = urlsplit(settings.required_base_url()).hostname
    with raw, context.wrap_socket(raw, server_hostname=host) as secure:
        der = secure.getpeercert(binary_form=True)
        if der is None:
            raise ssl.SSLError("no certificate")
        return x509.load_der_x509_certificate(der), secure.version()


def _tunnel(settings: ConnectionSettings) -> socket.socket:
    parts, patience = urlsplit(settings.required_base_url()), _patience(settings)
    host, port = str(parts.hostname), _port(parts)
    proxy = proxy_for(settings)
    if proxy is None:
        return socket.create_connection((host, port), patience)
    via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    kind = HTTPSConnection if via.scheme == "https" else HTTPConnection
    connection = kind(str(via.hostname), via.port, timeout=patience)
    headers = {}
    if via.username is not None:
        pair = f"{unquote(via.username)}:{unquote(via.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    connection.set_tunnel(host, port, headers)
    connection.connect()
    return connection.sock


def _port(parts: SplitResult) -> int:
    return parts.port or {"http": 80, "https": 443}[parts.scheme]


def _patience(settings: ConnectionSettings) -> float:
    return min(settings.connect_timeout, 10.0)
