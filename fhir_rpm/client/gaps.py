"""Why something could not be read: every code of our own, in words; `docs/guide.md` lists them with the vendors'."""

from typing import NamedTuple

from fhir_rpm.errors import AccessError, UnavailableError
from fhir_rpm.model import Gap


class Cause(NamedTuple):
    """What a gap means, and what a person can do about it."""

    meaning: str
    remedy: str


_AGAIN = "Judge the month again later."
_SEARCH = "Report it to the EHR's support; look in the chart meanwhile."
_CHART = "Look in the chart."

CAUSES = {
    "unreachable": Cause("The server could not be reached for it.", _AGAIN),
    "unauthorized": Cause("The server refused the token for it (HTTP 401).", "Check credentials and granted scopes."),
    "forbidden": Cause("It may not be read (HTTP 403).", "Check the app's scopes and the APIs it was granted."),
    "insufficient_scope": Cause(
        "The token's scopes do not cover it.", "Ask for the read and search scopes of the type."
    ),
    "not_supported": Cause("The server does not know it (HTTP 404).", "Check the base URL and what the server offers."),
    "not_declared": Cause(
        "The server declares neither the type nor a search that finds it by patient.",
        "Check its CapabilityStatement, or write a recipe for it in a site's mapping file.",
    ),
    "not_fhir": Cause(
        "The answer was no FHIR: a sign-in page, half an answer, or nothing.", "Check the base URL and proxies between."
    ),
    "not_a_bundle": Cause("The answer to a search was no search result.", _SEARCH),
    "other_type": Cause("The answer to a search held resources of other types only.", _SEARCH),
    "entry_unread": Cause("An entry of a search result held no readable resource.", _SEARCH),
    "page_lost": Cause("A further page could not be reached.", _AGAIN),
    "session_expired": Cause("The server ended the search before its last page, each time it was begun.", _AGAIN),
    "bad_link": Cause("A next link was no usable address, so pages may be missing.", _SEARCH),
    "foreign_link": Cause(
        "A next link points to another server; it was not followed, and no token went there.",
        "Set base_url to the address by which the server names itself.",
    ),
    "page_cycle": Cause("The pages repeat themselves, so others may be missing.", _SEARCH),
    "too_many_pages": Cause(
        "The search did not end within the pages, resources, bytes or time allowed to it.",
        "Raise search.limits in a site's mapping file if the patient's record is really that long.",
    ),
    "fewer_than_total": Cause("The server counts more matches than it gave.", _AGAIN),
    "result_limit": Cause("The answer is as long as the server ever gives, so that more may exist.", _CHART),
    "merged_patient": Cause("The EHR merged this patient into another record.", "Use the new id from now on."),
    "other_patient": Cause(
        "The server's answer held resources of other patients, which were left out.",
        "Check that the server honours the search by patient.",
    ),
    "nobodys": Cause(
        "Among resources of other patients were some that name no patient; they were left out.",
        "Check that the server honours the search by patient.",
    ),
    "no_recipients": Cause(
        "No member of staff is known for the patient, so that messages, searched by recipient, were not.",
        "Name staff in the patient's care team.",
    ),
    "linked_unread": Cause(
        "An Encounter that a note refers to could not be read.", "Check access to it; read it there."
    ),
    "body_unread": Cause("Its body could not be read.", _AGAIN),
    "body_forbidden": Cause("Its body may not be read (HTTP 401 or 403).", "Grant the app read access to Binary."),
    "body_missing": Cause("Its body is not there.", _CHART),
    "body_too_large": Cause("Its body is larger than what is read.", _CHART),
    "body_wrong_type": Cause("The server sent something else than its body.", "Check access to Binary, and proxies."),
}
"""Code → cause. `http_<status>` stands for any other status."""

_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_supported"}


def gap(resource_type: str | None, code: str, about: str | None = None) -> Gap:
    """A gap of ours.

    Args:
        resource_type: what was to be read; None when any type may be missing.
        code: a key of `CAUSES`, or `http_<status>`.
        about: `Type/id` of the resource concerned, when one is.
    """
    cause = CAUSES.get(code) or Cause(f"It could not be read (HTTP {code.removeprefix('http_')}).", _AGAIN)
    reason = f"{cause.meaning} {cause.remedy}"
    return Gap(resource_type=resource_type, code=code, reason=f"{about}: {reason}" if about else reason)


def code_of_status(status: int) -> str:
    """The code for an HTTP status that is no success."""
    return _BY_STATUS.get(status, f"http_{status}")


def code_of_error(error: AccessError | UnavailableError) -> str:
    """The code for a read that came to nothing: no token was to be had, or no server."""
    return "unauthorized" if isinstance(error, AccessError) else "unreachable"
