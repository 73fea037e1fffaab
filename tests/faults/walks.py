"""Faults of links, pages, redirects and single reads: one a row, and what must come of it."""

from tests.faults.ehr import BASE, NOT_DONE, READY, Json, Request
from tests.faults.kinds import (
    Fault,
    capability,
    data,
    edited,
    entry_added,
    foreign,
    html,
    issue,
    linked,
    manner,
    metadata,
    next_of,
    other_page,
    page,
    raw,
    read,
    redirect,
    relative,
    repeated,
    same,
    search,
    status,
    text,
)
from tests.faults.server import FaultServer

ENC, DOC, OBS, BIN = "Encounter", "DocumentReference", "Observation", "Binary"


def _is_first_time(request: Request) -> bool:
    return page(ENC, 1)(request) and "note" not in request.params


def _aged(resource: Json) -> None:
    """The resource as it was before it was signed."""
    resource["meta"] = {"versionId": "2", "lastUpdated": "2026-05-01T10:00:00Z"}
    resource["status"] = "entered-in-error" if resource["resourceType"] != ENC else "cancelled"


def _last_pages_empty(request: Request, server: FaultServer) -> str | None:
    return server.ehr.link(request, request.page + 1) if request.page < 40 else None


def _emptied_at_the_end(bundle: Json) -> None:
    """A page that says that it is empty by having no entry at all, after one with everything."""
    bundle["link"] = []


INCLUDE = {"resourceType": "Location", "id": "l1", "name": "Clinic"}
INCLUDED_CALL = {"resourceType": "Organization", "id": "o1"}


LINKS = [
    Fault("next_relative", page(ENC, 1), linked(relative), "complete"),
    Fault("next_relative_to_the_host", page(ENC, 1), linked(lambda r, s: BASE + "/" + relative(r, s)), "complete"),
    Fault("next_without_the_scheme", page(ENC, 1), linked(lambda r, s: next_of(r, s).partition(":")[2]), "complete"),
    Fault("next_only_a_query", page(ENC, 1), linked(lambda r, s: "?" + next_of(r, s).partition("?")[2]), "complete"),
    Fault("next_in_capitals", page(ENC, 1), linked(lambda r, s: next_of(r, s).replace("http", "HTTP")), "complete"),
    Fault("next_to_another_port", page(ENC, 1), linked(foreign), "incomplete"),
    Fault(
        "next_to_another_host",
        page(ENC, 1),
        linked(lambda r, s: foreign(r, s).replace("127.0.0.1", "localhost")),
        "incomplete",
    ),
    Fault("next_of_a_file", page(ENC, 1), linked(lambda r, s: "file:///etc/passwd"), "incomplete"),
    Fault("next_of_script", page(ENC, 1), linked(lambda r, s: "javascript:alert(1)"), "incomplete"),
    Fault("next_broken", page(ENC, 1), linked(lambda r, s: "http://[::1/Encounter"), "incomplete"),
    Fault(
        "next_with_a_broken_port", page(ENC, 1), linked(lambda r, s: "http://127.0.0.1:port/Encounter"), "incomplete"
    ),
    Fault("next_empty", page(ENC, 1), linked(lambda r, s: ""), "incomplete"),
    Fault("next_cycle_of_1", page(ENC, 1), linked(same), "incomplete"),
    Fault("next_cycle_of_3", page(OBS, 3), other_page(1), "incomplete"),
    Fault("next_counts_for_ever", search(OBS), linked(next_of), "incomplete"),
    Fault(
        "next_missing_on_page_1_of_a_total",
        page(OBS, 1),
        edited(lambda b: b.update(total=20, link=[])),
        "incomplete",
        None,
        "generic",
    ),
    Fault("same_page_under_another_link", page(ENC, 2), edited(lambda b: b.update(link=[])), "complete"),
    Fault("empty_last_pages", search(OBS), linked(_last_pages_empty), "complete"),
    Fault(
        "links_that_are_null",
        page(ENC, 2),
        edited(lambda b: b.update(link=[None, {"relation": "next"}])),
        ("complete", "incomplete"),
    ),
    Fault("links_that_are_no_list", page(ENC, 2), edited(lambda b: b.update(link="none")), ("complete", "incomplete")),
    Fault("total_lies_low", search(ENC), edited(lambda b: b.update(total=1)), "complete"),
    Fault("total_lies_zero", search(ENC), edited(lambda b: b.update(total=0)), "complete"),
    Fault("empty_page_without_entry", page(ENC, 2), edited(_emptied_at_the_end), "complete"),
    Fault("include_beside", page(ENC, 1), entry_added(INCLUDE, 0, "include"), "complete"),
    Fault("include_without_mode", page(ENC, 1), entry_added(INCLUDED_CALL, -1, "match"), "complete"),
    Fault("older_versions_on_page_2", page(OBS, 2), repeated(_aged), "complete"),
    Fault("older_versions_of_encounters", page(ENC, 2), repeated(_aged), "complete"),
    Fault("same_versions_on_page_2", page(DOC, 2), repeated(), "complete"),
    *(
        Fault(f"outcome_{code}_{name}", page(kind, 1), entry_added(issue(code, "warning"), place), "incomplete")
        for code, kind in (
            ("59204", DOC),
            ("4119", OBS),
            ("4127", ENC),
            ("4135", DOC),
            ("4130", ENC),
            ("4134", ENC),
            ("59133", OBS),
        )
        for name, place in (("first", 0), ("middle", 1), ("last", -1))
    ),
    Fault("outcome_4101_is_none", page(ENC, 1), entry_added(issue("4101", "warning"), 0), "complete"),
]

REDIRECTS = [
    Fault("redirect_within_the_origin", _is_first_time, redirect(307, lambda r, s: f"{same(r, s)}&note=1"), "complete"),
    Fault("redirect_loop", page(ENC, 1), redirect(302, same), "incomplete"),
    Fault("redirect_to_another_origin", page(ENC, 1), redirect(302, foreign), "incomplete"),
    Fault("redirect_of_a_body", read(BIN), redirect(307, lambda r, s: s.stranger + r.path), "incomplete"),
    Fault("redirect_without_target", page(ENC, 1), status(302), "incomplete"),
    Fault(
        "redirect_of_everything",
        data,
        redirect(302, lambda r, s: s.stranger + r.path),
        ("unavailable", "denied", "unknown"),
    ),
]

READS = [
    Fault("body_404", read(BIN), status(404, issue("59008")), "incomplete"),
    Fault("body_403", read(BIN), status(403), "incomplete"),
    Fault("body_500", read(BIN), status(500), "incomplete"),
    Fault("body_503_once", read(BIN), status(503), "complete", 1),
    Fault("body_reset", read(BIN), manner("reset"), "incomplete"),
    Fault("body_huge", read(BIN), manner("endless"), "incomplete", hasty=True),
    Fault("body_empty", read(BIN), text(200, "", "text/html"), "incomplete"),
    Fault("body_login_page", read(BIN), html(200), "incomplete"),
    Fault("body_of_an_image", read(BIN), raw(lambda body: b"\x89PNG\r\n", Content_Type="image/png"), "incomplete"),
    Fault("body_truncated", read(BIN), raw(lambda body: body[: len(body) // 2]), "incomplete"),
    Fault("body_without_data", read(BIN), edited(lambda b: b.pop("data") and None), "incomplete"),
    Fault("body_with_broken_data", read(BIN), edited(lambda b: b.update(data="%%%")), "incomplete"),
    Fault(
        "body_on_another_origin",
        search(DOC),
        lambda r, reply, s: edited(
            lambda b: (
                [
                    a["attachment"].update(url=f"{s.stranger}{BASE}/{a['attachment']['url']}")
                    for e in b["entry"]
                    for a in e["resource"]["content"]
                ]
                and None
            )
        )(r, reply, s),
        "incomplete",
    ),
    Fault("patient_404", read("Patient"), status(404, issue("59008")), "unknown"),
    Fault("patient_410", read("Patient"), status(410, issue("4103")), "unknown"),
    Fault("patient_403", read("Patient"), status(403), "denied"),
    Fault(
        "patient_merged_redirect",
        read("Patient"),
        redirect(301, lambda r, s: f"{s.origin}{BASE}/Patient/sbx-empty"),
        ("unknown", "unavailable", "incomplete", "denied"),
    ),
    Fault(
        "patient_merged_into_another",
        lambda r: read("Patient")(r) and r.patient == READY,
        redirect(301, lambda r, s: f"{s.origin}{BASE}/Patient/{NOT_DONE}"),
        "incomplete",
        is_merge=True,
    ),
    Fault("patient_login_page", read("Patient"), html(200), "unavailable"),
    Fault(
        "patient_other_than_asked_for",
        read("Patient"),
        edited(lambda p: p.update(id="somebody-else")),
        ("unknown", "unavailable", "incomplete", "denied"),
        is_merge=True,
    ),
    Fault("patient_break_the_glass", read("Patient"), status(403, issue("4130")), "denied"),
    Fault("staff_500", read("Practitioner"), status(500), ("complete", "incomplete")),
    Fault("staff_html", read("Practitioner"), html(200), ("complete", "incomplete")),
    Fault("metadata_500", metadata, status(500), "unavailable"),
    Fault("metadata_html", metadata, html(200), "denied"),
    Fault("capability_500", capability, status(500), ("complete", "incomplete")),
    Fault("capability_html", capability, html(200), ("complete", "incomplete")),
]
