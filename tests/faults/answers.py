"""Faults of connections, bodies and statuses: one a row, and what must come of it."""

import time

from tests.faults.ehr import READY, Json
from tests.faults.kinds import (
    Fault,
    bomb,
    data,
    edited,
    entries,
    entry_added,
    everything,
    html,
    issue,
    later,
    manner,
    page,
    raw,
    status,
    text,
)

ENC, DOC, OBS, BIN = "Encounter", "DocumentReference", "Observation", "Binary"


def _off_spec(resource: Json) -> None:
    resource["status"] = f"{resource['status']} "
    resource["siteOwnField"] = {"nested": [None, 1, {"": ""}]}


CONNECTION = [
    Fault("silence_after_accept_once", page(ENC, 1), manner("silence"), "complete", 1, hasty=True),
    Fault("silence_after_accept", page(ENC, 1), manner("silence"), "incomplete", hasty=True),
    Fault("silence_of_everything", everything, manner("silence"), "unavailable", hasty=True),
    Fault("no_answer", page(DOC, 1), manner("nothing"), "incomplete"),
    Fault("reset_in_body", page(ENC, 2), manner("reset"), "incomplete"),
    Fault("reset_in_first_page", page(OBS, 1), manner("reset"), "incomplete"),
    Fault("silence_in_body", page(DOC, 2), manner("silence_in_body"), "incomplete", hasty=True),
    Fault("dripping_body", page(ENC, 2), manner("drip"), "incomplete", hasty=True),
    Fault("dripping_body_once", page(OBS, 2), manner("drip"), "complete", 1, hasty=True),
    Fault("slow_headers", page(ENC, 1), manner("slow_headers"), "incomplete", hasty=True),
    Fault("endless_body", page(ENC, 2), manner("endless"), "incomplete", hasty=True),
    Fault("gzip_bomb", page(ENC, 2), bomb, "incomplete"),
    Fault("gzip_broken", page(DOC, 1), raw(lambda body: b"\x1f\x8b\x08junk", Content_Encoding="gzip"), "incomplete"),
    Fault("encoding_unknown", page(DOC, 1), raw(lambda body: b"\x00\x01" * 40, Content_Encoding="br"), "incomplete"),
]

BODIES = [
    Fault("truncated_with_its_own_length", page(ENC, 2), raw(lambda body: body[: len(body) // 2]), "incomplete"),
    Fault("truncated_under_the_full_length", page(ENC, 2), manner("cut"), "incomplete"),
    Fault("truncated_under_the_full_length_once", page(ENC, 2), manner("cut"), "complete", 1),
    Fault("login_page", page(ENC, 1), html(200), "incomplete"),
    Fault("login_page_everywhere", data, html(200), "unavailable"),
    Fault("empty_200", page(DOC, 2), text(200, ""), "incomplete"),
    Fault("empty_204", page(OBS, 2), status(204), "incomplete"),
    Fault("outcome_200", page(ENC, 1), status(200, issue("4118")), "incomplete"),
    Fault("outcome_200_of_warnings", page(ENC, 1), status(200, issue("9999", "warning")), "incomplete"),
    Fault("other_resource", page(ENC, 1), status(200, {"resourceType": "Patient", "id": READY}), "incomplete"),
    Fault(
        "entries_of_another_type", page(ENC, 1), entries(lambda r: {"resourceType": "Slot", "id": "s"}), "incomplete"
    ),
    Fault("json_null", page(ENC, 1), text(200, "null", "application/fhir+json"), "incomplete"),
    Fault("json_list", page(ENC, 1), text(200, "[]", "application/fhir+json"), "incomplete"),
    Fault(
        "deep_json", page(ENC, 2), raw(lambda body: b'{"resourceType":"Bundle","entry":' + b"[" * 200_000), "incomplete"
    ),
    Fault(
        "bytes_that_are_no_utf8",
        page(ENC, 2),
        raw(lambda body: body[:-40] + b"\xff\xfe\x80" + body[-40:]),
        "incomplete",
    ),
    Fault(
        "latin_1",
        page(ENC, 2),
        raw(lambda body: body, Content_Type="application/fhir+json; charset=iso-8859-1"),
        "complete",
    ),
    Fault(
        "charset_unheard_of",
        page(ENC, 2),
        raw(lambda body: body, Content_Type="application/json; charset=x-no"),
        "complete",
    ),
    Fault("byte_order_mark", page(ENC, 2), raw(lambda body: b"\xef\xbb\xbf" + body), "complete"),
    Fault(
        "xml", page(ENC, 1), text(200, "<Bundle xmlns='http://hl7.org/fhir'/>", "application/fhir+xml"), "incomplete"
    ),
    Fault(
        "repeated_keys",
        page(ENC, 1),
        raw(lambda body: b'{"entry": [{"resource": null}], ' + body[1:]),
        ("complete", "incomplete"),
    ),
    Fault("repeated_keys_last_empty", page(ENC, 1), raw(lambda body: body[:-1] + b', "entry": []}'), "incomplete"),
    Fault("not_a_number", page(ENC, 2), raw(lambda body: body[:-1] + b', "total": NaN}'), ("complete", "incomplete")),
    Fault("entry_of_a_page_is_no_list", page(ENC, 1), edited(lambda bundle: bundle.update(entry="none")), "incomplete"),
    Fault(
        "entries_without_resource",
        page(ENC, 1),
        edited(lambda b: [e.pop("resource") for e in b["entry"]] and None),
        "incomplete",
    ),
    Fault(
        "entries_that_are_null",
        page(ENC, 1),
        edited(lambda b: b.update(entry=[None, *b["entry"]])),
        ("complete", "incomplete"),
    ),
    Fault(
        "malformed_resources_beside",
        page(ENC, 1),
        entry_added({"resourceType": ENC, "id": 7, "period": "x"}, 0, "match"),
        ("complete", "incomplete"),
    ),
    Fault(
        "resource_without_id_beside",
        page(OBS, 1),
        entry_added({"resourceType": OBS, "status": 5, "code": []}, 0, "match"),
        ("complete", "incomplete"),
    ),
    Fault("peer_off_spec_resource", page(ENC, 1), entries(_off_spec), "complete"),
]

STATUSES = [
    Fault("401_once", page(ENC, 1), status(401), "complete", 1, in_all=True),
    Fault("401_for_ever", data, status(401), "denied"),
    Fault("401_on_page_2_once", page(ENC, 2), status(401, {"error": "invalid_token"}), "complete", 1, in_all=True),
    Fault("401_on_page_2_for_ever", page(ENC, 2), status(401), ("denied", "incomplete")),
    Fault("403_empty", page(ENC, 1), status(403), "incomplete"),
    Fault("403_empty_on_page_2", page(DOC, 2), status(403), "incomplete"),
    Fault("403_text", page(OBS, 1), text(403, "Tenant of Ottoline Quillfeather not accessible"), "incomplete"),
    Fault("403_everywhere", data, status(403), "denied"),
    Fault("404_html", page(DOC, 1), html(404), "incomplete"),
    Fault("404_on_page_2", page(ENC, 2), status(404, issue("59008")), "incomplete"),
    Fault("406_empty", page(ENC, 1), status(406), "incomplete"),
    Fault("400_parameter", page(OBS, 1), status(400, issue("59108")), "incomplete"),
    Fault("410_on_page_2_once", page(ENC, 2), status(410), "complete", 1),
    Fault("410_on_page_2_for_ever", page(ENC, 2), status(410), "incomplete"),
    Fault("session_expired_4113_once", page(DOC, 2), status(400, issue("4113")), "complete", 1),
    Fault("session_expired_4113_for_ever", page(DOC, 2), status(400, issue("4113")), "incomplete"),
    Fault("session_expired_4113_in_200", page(ENC, 2), status(200, issue("4113")), "complete", 1),
    *(
        Fault(f"429_retry_after_{name}", page(ENC, 1), status(429, None, **headers), "complete", 1)
        for name, headers in {
            "seconds": {"Retry_After": "1"},
            "date": {"Retry_After": later(2)},
            "past_date": {"Retry_After": later(-900)},
            "epoch": {"Retry_After": str(int(time.time()) + 1)},
            "epoch_in_milliseconds": {"Retry_After": str(int(time.time() * 1000))},
            "none": {},
            "negative": {"Retry_After": "-5"},
            "nonsense": {"Retry_After": "soon, Ottoline Quillfeather"},
            "medplum": {"RateLimit": '"requests";r=0;t=1'},
        }.items()
    ),
    Fault("429_for_ever", page(ENC, 1), status(429), "incomplete"),
    Fault("429_until_tomorrow", page(ENC, 1), status(429, None, Retry_After="18000"), ("unavailable", "incomplete")),
    *(Fault(f"{code}_once", page(ENC, 1), status(code), "complete", 1) for code in (502, 503, 504)),
    *(Fault(f"{code}_on_page_2_once", page(DOC, 2), html(code), "complete", 1) for code in (502, 503, 504)),
    *(Fault(f"{code}_for_ever", page(ENC, 1), status(code), "incomplete") for code in (500, 502, 503, 504)),
    *(Fault(f"{code}_on_page_2_for_ever", page(ENC, 2), html(code), "incomplete") for code in (500, 503)),
    Fault("500_once", page(ENC, 1), status(500), ("complete", "incomplete"), 1),
    Fault("500_required", page(ENC, 1), status(500, issue("required")), "incomplete"),
    Fault("503_everywhere", data, status(503), "unavailable"),
]
