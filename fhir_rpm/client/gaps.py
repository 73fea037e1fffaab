"""Why something could not be read: every code of our own, in words; `docs/guide.md` lists them with the vendors'."""

from fhir_rpm.model import Gap

CAUSES = {
    "unreachable": "The server could not be reached for it. Judge the month again later.",
    "unauthorized": "The server refused the token for it (HTTP 401). Check the credentials and the granted scopes.",
    "forbidden": "It may not be read (HTTP 403). Check the app's scopes and the APIs it was granted.",
    "insufficient_scope": "The token's scopes do not cover it. Ask for the read and the search scope of this type.",
    "not_supported": "The server does not know it (HTTP 404). Check the base URL and what the server offers.",
    "not_declared": "The server does not offer this type, or not the parameters that finding it needs.",
    "not_fhir": "The answer was no FHIR: a sign-in page, half an answer, or nothing. Check the base URL and proxies.",
    "not_a_bundle": "The answer to the search was no search result.",
    "other_type": "The answer to the search held resources of other types only.",
    "entry_unread": "An entry of the search result held no readable resource.",
    "page_lost": "A further page could not be reached. Judge the month again later.",
    "session_expired": "The server ended the search before its last page, each time. Judge the month again later.",
    "bad_link": "A next link was no usable address, so pages may be missing.",
    "foreign_link": "A next link points to another server; it was not followed, and no token was sent there.",
    "page_cycle": "The next links run in a circle, so pages may be missing.",
    "too_many_pages": "The search did not end within the pages, resources, bytes or time allowed to it.",
    "fewer_than_total": "The server counts more matches than it gave.",
    "result_limit": "The answer is as long as the server ever gives, so more may exist.",
    "merged_patient": "The EHR merged this patient into another record. Use the new id from now on.",
    "other_patient": "The server's answer held resources of other patients, which were left out. Check its search.",
    "no_recipients": "No member of staff is known for the patient, so messages could not be searched by recipient.",
    "linked_unread": "An Encounter that a note refers to could not be read.",
    "body_unread": "Its body could not be read.",
    "body_forbidden": "Its body may not be read (HTTP 403). Grant the app read access to Binary.",
    "body_missing": "Its body is not there.",
    "body_too_large": "Its body is larger than what is read.",
    "body_wrong_type": "The server sent something else than its body.",
}
"""Code → cause and remedy. `http_<status>` stands for any other status."""

_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_supported"}


def gap(resource_type: str | None, code: str, about: str | None = None) -> Gap:
    """A gap of ours.

    Args:
        resource_type: what was to be read; None when any type may be missing.
        code: a key of `CAUSES`, or `http_<status>`.
        about: `Type/id` of the resource concerned, when one is.
    """
    cause = (
        CAUSES.get(code) or f"It could not be read (HTTP {code.removeprefix('http_')}). Judge the month again later."
    )
    return Gap(resource_type=resource_type, code=code, reason=f"{about}: {cause}" if about else cause)


def code_of_status(status: int) -> str:
    """The code for an HTTP status that is no success."""
    return _BY_STATUS.get(status, f"http_{status}")
