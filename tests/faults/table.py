"""Every fault that an EHR or the network before it has been seen to have, and what must come of it."""

from tests.faults.answers import BODIES, CONNECTION, STATUSES
from tests.faults.ehr import READY, Reply, Request
from tests.faults.kinds import (
    Fault,
    edited,
    entry_added,
    foreign,
    html,
    issue,
    linked,
    manner,
    other_page,
    page,
    raw,
    read,
    redirect,
    relative,
    repeated,
    search,
    status,
    token,
)
from tests.faults.server import FaultServer
from tests.faults.walks import LINKS, READS, REDIRECTS

ENC, DOC, OBS, COM = "Encounter", "DocumentReference", "Observation", "Communication"


def _one_of_1200(request: Request, reply: Reply, server: FaultServer) -> Reply:
    """A page with what belongs there, a reading of long ago, and a link to the page after it."""
    old = {"resourceType": OBS, "id": f"old-{request.page}", "status": "final", "effectiveDateTime": "2019-01-01"}
    old["subject"] = {"reference": f"Patient/{READY}"}
    grown = entry_added(old, -1, "match")(request, reply, server)
    following = server.ehr.link(request, request.page + 1) if request.page < 1200 else None
    return linked(lambda _request, _server: following)(request, grown, server)


TOKENS = [
    Fault("token_html", token, html(200), ("denied", "unavailable")),
    Fault("token_truncated", token, raw(lambda body: body[: len(body) // 2]), ("denied", "unavailable")),
    Fault(
        "token_invalid_client",
        token,
        status(400, {"error": "invalid_client", "error_description": "Quillfeather"}),
        "denied",
    ),
    Fault("token_401", token, status(401), "denied"),
    Fault("token_500_then_given", token, status(500), ("complete", "unavailable"), 1),
    Fault("token_503_then_given", token, status(503), "complete", 1),
    Fault("token_500_for_ever", token, status(500), "unavailable"),
    Fault("token_silence", token, manner("silence"), "unavailable", hasty=True),
    Fault("token_drip", token, manner("drip"), "unavailable", hasty=True),
    Fault("token_endless", token, manner("endless"), "unavailable", hasty=True),
    Fault("token_reset_once", token, manner("reset"), "complete", 1),
    Fault(
        "token_redirect_to_another_origin",
        token,
        redirect(307, lambda r, s: f"{s.stranger}/token"),
        ("denied", "unavailable"),
    ),
    *(
        Fault(f"token_expires_in_{name}", token, edited(lambda t, value=value: t.update(expires_in=value)), "complete")
        for name, value in {
            "nothing": 0,
            "past": -5,
            "words": "soon",
            "null": None,
            "ages": 10**18,
            "list": [1],
        }.items()
    ),
    Fault("token_expires_in_infinity", token, raw(lambda body: body.replace(b"3600", b"1e999")), "complete"),
    Fault("token_is_a_number", token, edited(lambda t: t.update(access_token=5)), ("denied", "unavailable")),
    Fault(
        "token_with_a_line_break",
        token,
        edited(lambda t: t.update(access_token="canary-token-a\r\nX: y")),
        ("denied", "unavailable"),
    ),
    Fault(
        "token_of_letters_no_header_takes",
        token,
        edited(lambda t: t.update(access_token="canary-token-\u20ac")),
        ("denied", "unavailable"),
    ),
]

# facts/peers, M2: what five public clients were measured by. Theirs were lost, doubled or never ended.
PEERS = [
    Fault("peer_503_once", page(OBS, 2), status(503), "complete", 1),
    Fault("peer_429_retry_after_2", page(OBS, 2), status(429, None, Retry_After="2"), "complete", 1),
    Fault("peer_connection_reset_once", page(OBS, 2), manner("reset"), "complete", 1),
    Fault("peer_truncated_json", page(OBS, 2), raw(lambda body: body[: len(body) // 2]), "incomplete"),
    Fault("peer_html_200", page(OBS, 2), html(200), "incomplete"),
    Fault("peer_401_once_in_mid_paging", page(OBS, 2), status(401), "complete", 1, in_all=True),
    Fault("peer_permanent_500_on_a_later_page", page(OBS, 3), status(500), "incomplete"),
    Fault("peer_permanent_400_on_a_later_page", page(OBS, 3), status(400), "incomplete"),
    Fault("peer_next_link_cycle", page(OBS, 2), other_page(1), "incomplete"),
    Fault("peer_1200_legitimate_pages", lambda r: search(OBS)(r) and r.patient == READY, _one_of_1200, "complete"),
    Fault("peer_outcome_in_page", page(OBS, 2), entry_added(issue("4119", "warning"), 0), "incomplete"),
    Fault("peer_relative_next_link", page(OBS, 1), linked(relative), "complete"),
    Fault("peer_next_link_on_another_origin", page(OBS, 1), linked(foreign), "incomplete"),
    Fault("peer_duplicates_over_pages", page(OBS, 2), repeated(), "complete"),
    Fault("peer_server_hangs", page(OBS, 2), manner("silence"), "incomplete", hasty=True),
]

MONTHS = [
    Fault("messages_403", page(COM, 1), status(403), "incomplete", vendor="generic"),
    Fault("messages_login_page", page(COM, 1), html(200), "incomplete", vendor="generic"),
    Fault("messages_lost_on_page_2", page(COM, 2), status(500), "incomplete", vendor="generic"),
    Fault("messages_reset_on_page_2_once", page(COM, 2), manner("reset"), "complete", 1, vendor="generic"),
    Fault("messages_twice", page(COM, 2), repeated(), "complete", vendor="generic"),
    Fault("readings_lost_on_page_2", page(OBS, 2), status(500), "incomplete", vendor="generic"),
    Fault("readings_of_page_1_alone", page(OBS, 1), linked(lambda r, s: ""), "incomplete", vendor="generic"),
    Fault("readings_withheld", page(OBS, 1), entry_added(issue("59204", "warning"), 0), "incomplete", vendor="generic"),
    Fault("notes_lost_on_page_2", page(DOC, 2), html(502), "incomplete", vendor="generic"),
    Fault("calls_lost_on_page_2", page(ENC, 2), html(200), "incomplete", vendor="generic"),
    Fault("devices_500", read("Device"), status(500), ("complete", "incomplete"), vendor="generic"),
]

ANSWERS = [*CONNECTION, *BODIES, *STATUSES]
OTHERS = [*LINKS, *REDIRECTS, *READS, *TOKENS, *PEERS, *MONTHS]
FAULTS = [*ANSWERS, *OTHERS]
