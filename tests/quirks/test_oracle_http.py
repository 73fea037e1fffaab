"""What Oracle Health answers and refuses that breaks naive clients (docs/vendors/oracle.md), over real HTTP."""

import pytest

from fhir_rpm.client.credentials import ClientCredentials
from fhir_rpm.client.transport import Transport
from fhir_rpm.config import load_settings
from fhir_rpm.errors import AccessError
from tests.builders import SPOKE, encounter, message, note
from tests.hostile import Hostile, Reply, Seen, bundle
from tests.quirks.ehr import (
    CALL,
    EVIDENCE,
    below_base,
    form,
    ids,
    pulled,
    query,
    searches,
    serving,
    token,
)

ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def _dated(seen: list[Seen]) -> list[list[str]]:
    """The values of each date parameter of each request."""
    found = []
    for request in seen:
        for name in ("date", "period", "received"):
            values = [value for key, value in query(request) if key == name]
            found += [values] if values else []
    return found


@pytest.mark.quirk(42, 43)
def test_messages_are_asked_for_by_recipient_with_all_four_parameters() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))}, "oracle")
    asked = searches(seen, "Communication")
    assert {value for params in asked for value in params["recipient"]} == {"Practitioner/n1"}
    for params in asked:
        assert {"category", "recipient", "received", "-email-status"} <= set(params)
        assert {"patient", "subject", "sender"}.isdisjoint(params)
        assert sorted(value[:2] for value in params["received"]) == ["ge", "le"]


@pytest.mark.quirk(42)
def test_a_staff_message_about_somebody_else_is_left_out() -> None:
    inbox = bundle(message("c1", CALL[0], "About p1"), message("c2", CALL[0], "x", subject={"reference": "Patient/p2"}))
    pull, _ = pulled({"Encounter": bundle(encounter("e1", *CALL)), "Communication": inbox}, "oracle")
    assert ids(pull, "Communication") == ["c1"]


@pytest.mark.quirk(44)
def test_the_body_of_a_message_is_read_by_its_odd_id() -> None:
    sent = message("c1", CALL[0], None, payload=[{"contentReference": {"reference": "Binary/489580643.0.-4.prsnl"}}])
    body = {"resourceType": "Binary", "id": "489580643.0.-4.prsnl", "contentType": "text/html", "data": "eA=="}
    answers = {"Encounter": bundle(encounter("e1", *CALL)), "Communication": bundle(sent)}
    pull, _ = pulled(answers | {"Binary/489580643.0.-4.prsnl": body}, "oracle")
    assert (ids(pull, "Binary"), pull.gaps) == (["489580643.0.-4.prsnl"], ())


@pytest.mark.quirk(45)
def test_roles_are_not_asked_for_where_there_are_none() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))}, "oracle")
    assert not any("PractitionerRole" in request.path for request in seen)


@pytest.mark.quirk(46)
def test_dates_are_closed_pairs_with_time() -> None:
    _, seen = pulled({"Encounter": bundle(encounter("e1", *CALL))}, "oracle")
    ranges = _dated(seen)
    assert ranges
    for values in ranges:
        assert [value[:2] for value in sorted(values)] in (["ge", "lt"], ["ge", "le"])
        assert all("T" in value for value in values)
    for params in searches(seen, "DocumentReference"):
        assert [value[:2] for value in sorted(params.get("period", ["ge", "lt"]))] == ["ge", "lt"]


@pytest.mark.quirk(47)
def test_dates_of_two_kinds_are_never_combined() -> None:
    _, seen = pulled({}, "oracle")
    for kind in EVIDENCE:
        for params in searches(seen, kind):
            assert len({"date", "period", "_lastUpdated"} & set(params)) == 1


@pytest.mark.quirk(48)
def test_pages_are_as_long_as_they_may_be() -> None:
    _, seen = pulled({}, "oracle")
    for kind, count in (("DocumentReference", "100"), ("Observation", "200")):
        assert searches(seen, kind)
        assert all(params["_count"] == [count] for params in searches(seen, kind))


CONTEXT = "-pageContext=H4sIAAAA%2FE1Ou07DMBT9l7t2cGw%3D&-pageDirection=NEXT"


@pytest.mark.quirk(48, 49, 51)
def test_pages_without_total_are_followed_by_their_link_as_it_stands() -> None:
    def answer(seen: Seen) -> Reply:
        if seen.path == f"/r4/Encounter?{CONTEXT}":
            return Reply(200, bundle(encounter("e1", *CALL)))
        if "pageContext" in seen.path:
            return Reply(400)
        return Reply(200, bundle(encounter("e2", *CALL), following=f"/r4/Encounter?{CONTEXT}"))

    pull, _ = pulled({"Encounter": answer}, "oracle")
    assert (ids(pull, "Encounter"), pull.gaps) == (["e1", "e2"], ())


@pytest.mark.quirk(50)
@pytest.mark.parametrize("order", [("1", "2"), ("2", "1"), ("9", "10")])
def test_of_an_id_that_comes_twice_the_newest_version_counts(order: tuple[str, str]) -> None:
    newest = max(order, key=int)

    def answer(seen: Seen) -> Reply:
        second = "pageContext" in seen.path
        page = bundle(encounter("e1", *CALL, meta={"versionId": order[second]}))
        link = [{"relation": "next", "url": "Encounter?-pageContext=2"}]
        return Reply(200, page if second else page | {"link": link})

    pull, _ = pulled({"Encounter": answer}, "oracle")
    versions = [item["meta"]["versionId"] for item in pull.resources if item["resourceType"] == "Encounter"]
    assert versions == [newest]


@pytest.mark.quirk(52)
def test_no_search_asks_for_component_codes() -> None:
    _, seen = pulled({}, "oracle")
    asked = " ".join(request.path for request in seen)
    assert not any(code in asked for code in ("8480-6", "8462-4"))


@pytest.mark.quirk(56)
def test_a_document_without_status_is_read_and_its_missing_body_is_a_gap() -> None:
    link = [{"attachment": {"contentType": "text/html", "url": "Binary/XR-1"}}]
    plain = note("d1", "", content=link)
    document = {key: value for key, value in plain.items() if key != "status"} | {"_status": ABSENT}
    pull, _ = pulled({"DocumentReference": bundle(document), "Binary/XR-1": Reply(404)}, "oracle")
    assert (ids(pull, "DocumentReference"), [gap.resource_type for gap in pull.gaps]) == (["d1"], ["Binary"])


@pytest.mark.quirk(57)
def test_encounters_without_period_are_looked_for_as_well() -> None:
    def answer(seen: Seen) -> Reply:
        return Reply(200, bundle() if "date=" in seen.path else bundle(encounter("e1", None)))

    document = note("d1", SPOKE, about="e1")
    pull, _ = pulled(
        {"Encounter": answer, "Encounter/e1": encounter("e1", None), "DocumentReference": bundle(document)}, "oracle"
    )
    assert ids(pull, "Encounter") == ["e1"]


@pytest.mark.quirk(65)
def test_a_406_without_body_is_a_gap_not_an_empty_result() -> None:
    pull, seen = pulled({"Observation": Reply(406)}, "oracle")
    assert "Observation" in {gap.resource_type for gap in pull.gaps}
    assert all("json" in request.headers["Accept"] for request in seen)


@pytest.mark.quirk(66)
def test_a_500_is_permanent_and_not_asked_for_again() -> None:
    required = {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "required"}]}
    pull, seen = pulled({"Encounter": Reply(500, required)}, "oracle")
    assert "Encounter" in {gap.resource_type for gap in pull.gaps}
    asked = [request.path for request in seen if below_base(request) == "Encounter"]
    assert len(asked) == len(set(asked))


@pytest.mark.quirk(67)
def test_a_binary_is_asked_for_as_it_is_stored() -> None:
    def answer(seen: Seen) -> Reply:
        fitting = seen.headers["Accept"] == "text/html"
        return Reply(200, b"<p>x</p>", {"Content-Type": "text/html"}) if fitting else Reply(406)

    document = note("d1", "", content=[{"attachment": {"contentType": "text/html", "url": "Binary/TR-1"}}])
    pull, _ = pulled({"DocumentReference": bundle(document), "Binary/TR-1": answer}, "oracle")
    assert (ids(pull, "Binary"), pull.gaps) == (["TR-1"], ())


@pytest.mark.quirk(70)
def test_a_wrong_tenant_is_a_refusal_that_names_the_patient() -> None:
    refused = Reply(403, b"Tenant not valid or accessible", {"Content-Type": "text/plain"})
    with pytest.raises(AccessError, match=r"Patient/p1.*403"):
        pulled({"Patient/p1": refused}, "oracle")


@pytest.mark.quirk(71)
@pytest.mark.parametrize("status", [302, 307, 308])
def test_the_token_never_follows_a_redirect_to_another_host(status: int) -> None:
    with Hostile(lambda seen: Reply(200, {"resourceType": "Binary", "id": "b", "data": "eA=="})) as elsewhere:
        document = note("d1", "", content=[{"attachment": {"contentType": "text/plain", "url": "Binary/b"}}])
        moved = Reply(status, None, {"Location": f"{elsewhere.base}/file"})
        _, seen = pulled({"DocumentReference": bundle(document), "Binary/b": moved}, "oracle")
        assert any(request.headers.get("Authorization") == "Bearer granted" for request in seen)
        assert not any("Authorization" in request.headers for request in elsewhere.seen)


@pytest.mark.quirk(73)
def test_a_server_that_asks_for_hours_is_left_alone_at_once() -> None:
    pull, seen = pulled({"Encounter": Reply(429, None, {"Retry-After": "18000"})}, "oracle")
    assert "Encounter" in {gap.resource_type for gap in pull.gaps}
    assert len(searches(seen, "Encounter")) == 1


@pytest.mark.quirk(68)
def test_a_token_is_renewed_before_its_570_seconds_are_over() -> None:
    now = [1_000_000.0]
    tokens = iter(("t1", "t2"))

    def answer(seen: Seen) -> Reply:
        return Reply(200, token(next(tokens))) if below_base(seen) == "token" else Reply(404)

    with Hostile(answer) as server:
        given = {"base_url": server.base, "vendor": "oracle", "client_id": "app", "token_url": f"{server.base}/token"}
        settings = load_settings(None, given, {"FHIR_RPM_CLIENT_SECRET": "s"})
        credentials = ClientCredentials(settings, Transport(server.base), lambda: now[0])
        headers = []
        for later in (0, 500, 69):
            now[0] += later
            headers.append(credentials.header(False))
    assert headers == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.quirk(68)
def test_a_token_refused_in_mid_run_is_renewed_once() -> None:
    tokens = iter(("t1", "t2"))

    def answer(seen: Seen) -> Reply:
        live = seen.headers["Authorization"] == "Bearer t2"
        return Reply(200, bundle(encounter("e1", *CALL))) if live else Reply(401)

    answers = {"token": lambda _seen: Reply(200, token(next(tokens))), "Encounter": answer}
    pull, _ = pulled(answers, "oracle", client_id="app")
    assert ids(pull, "Encounter") == ["e1"]


@pytest.mark.quirk(69)
def test_scopes_are_asked_for_in_v2_with_search_and_without_wildcard() -> None:
    with serving({"token": token()}, "oracle", client_id="app") as (session, server):
        session.authenticate()
        scopes = [form(request)["scope"].split() for request in server.seen if below_base(request) == "token"]
    assert scopes
    for asked in scopes:
        assert {"system/Encounter.rs", "system/DocumentReference.rs", "system/Observation.rs"} <= set(asked)
        assert not any("*" in scope or scope.endswith((".read", ".write")) for scope in asked)


@pytest.mark.quirk(69)
def test_a_refused_scope_is_named_with_its_remedy() -> None:
    refusal = Reply(400, {"error": "invalid_scope"})
    with (
        serving({"token": refusal}, "oracle", client_id="app") as (session, _),
        pytest.raises(AccessError, match=r"invalid_scope.*v1 or v2"),
    ):
        session.authenticate()
