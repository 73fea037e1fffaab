"""Short ways to show a vendor's payloads to the mapping, and a vendor's answers to the client over real HTTP."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fhir_rpm.client import EhrSession, Pull
from fhir_rpm.config import load_settings
from fhir_rpm.mapping import read_month
from fhir_rpm.model import InteractiveCommunication, MonthRecord
from fhir_rpm.month import BillingMonth
from tests.hostile import Hostile, Reply, Seen, bundle

Json = dict[str, Any]
MAY = BillingMonth.parse("2026-05", "America/New_York")
CALL = ("2026-05-14T14:02:00-04:00", "2026-05-14T14:14:00-04:00")
EVIDENCE = ("Encounter", "DocumentReference", "Observation")
PATIENT_P1 = {"resourceType": "Patient", "id": "p1"}
Answers = Mapping[str, Any]
"""Path below the base (or `Type/*`), without query, → a Reply, a resource, or a function of the request."""


def record(*resources: Json, vendor: str = "epic") -> MonthRecord:
    """What May 2026 holds."""
    return read_month(resources, MAY, vendor=vendor)


def contact(*resources: Json, vendor: str = "epic") -> InteractiveCommunication:
    """The only contact of May 2026."""
    (only,) = record(*resources, vendor=vendor).contacts
    return only


@contextmanager
def serving(answers: Answers, vendor: str = "epic", **settings: Any) -> Iterator[tuple[EhrSession, Hostile]]:
    """A session with an EHR that knows Patient/p1, finds nothing in any search, and answers the rest as told.

    With a `client_id` the session asks `token` for its tokens, with a secret unless there is a private key.
    """
    defaults: dict[str, Any] = {"Patient/p1": PATIENT_P1}

    def answer(seen: Seen) -> Reply:
        path = below_base(seen)
        told = {**defaults, **answers}
        known = told.get(path, told.get(f"{path.partition('/')[0]}/*"))
        known = known(seen) if callable(known) else known
        if known is None:
            known = bundle() if path.isalpha() and path != "metadata" else Reply(404)
        return known if isinstance(known, Reply) else Reply(200, known)

    with Hostile(answer) as server:
        given = {"base_url": server.base, "vendor": vendor, **settings}
        secret = "BEARER_TOKEN" if "client_id" not in settings else "CLIENT_SECRET"
        given |= {"token_url": f"{server.base}/token"} if "client_id" in settings else {}
        environ = {} if "private_key" in settings else {f"FHIR_RPM_{secret}": "granted"}
        yield EhrSession.open(load_settings(None, given, environ)), server


def pulled(answers: Answers, vendor: str = "epic", **settings: Any) -> tuple[Pull, list[Seen]]:
    """May 2026 of Patient/p1 out of such an EHR, and the requests that it took."""
    with serving(answers, vendor, **settings) as (session, server):
        return session.pull_month("p1", MAY), server.seen


def below_base(seen: Seen) -> str:
    """The path below the base, without query."""
    return urlsplit(seen.path).path.removeprefix("/r4").strip("/")


def query(seen: Seen) -> list[tuple[str, str]]:
    """The query parameters, repeats included."""
    return parse_qsl(urlsplit(seen.path).query, keep_blank_values=True)


def searches(seen: list[Seen], resource_type: str) -> list[dict[str, list[str]]]:
    """The parameters of each search of a type."""
    found = []
    for request in seen:
        if below_base(request) == resource_type:
            params: dict[str, list[str]] = {}
            for name, value in query(request):
                params.setdefault(name, []).append(value)
            found.append(params)
    return found


def ids(pull: Pull, resource_type: str) -> list[str]:
    """The ids of a type that a pull brought, in order."""
    return sorted(str(item["id"]) for item in pull.resources if item["resourceType"] == resource_type)


def epic_outcome(*issues: tuple[str, str], diagnostics: str = "") -> Json:
    """Epic's OperationOutcome: `(severity, code)` of each issue, in order."""
    system = "urn:oid:1.2.840.114350.1.13.777.2.7.2.657369"
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": severity, "code": "processing", "details": {"coding": [{"system": system, "code": code}]}}
            | ({"diagnostics": diagnostics} if diagnostics else {})
            for severity, code in issues
        ],
    }


def outcome_entry(*issues: tuple[str, str], **more: str) -> Json:
    """A searchset entry with such an OperationOutcome."""
    return {"resource": epic_outcome(*issues, **more), "search": {"mode": "outcome"}}


def token(text: str = "t1", **more: Any) -> Json:
    """A token endpoint's reply."""
    return {"access_token": text, "token_type": "Bearer", "expires_in": 570} | more


def form(seen: Seen) -> dict[str, str]:
    """The fields of a posted form."""
    return dict(parse_qsl(seen.body.decode()))


def binary(identity: str, kind: str, text: str) -> Json:
    """A Binary with that text."""
    return {
        "resourceType": "Binary",
        "id": identity,
        "contentType": kind,
        "data": base64.b64encode(text.encode()).decode(),
    }
