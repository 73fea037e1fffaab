"""Notes of a patient's month, and their bodies."""

from fhir_rpm.client.binary import pull_bodies
from fhir_rpm.client.pull import Json, Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.search import Searcher
from fhir_rpm.client.transport import Transport
from fhir_rpm.month import BillingMonth

_PREFERENCE = ("text/plain", "text/html", "application/xhtml+xml", "text/rtf", "application/rtf", "text/richtext")


def pull_notes(
    searcher: Searcher, transport: Transport, recipe: SearchRecipe, patient: str, month: BillingMonth
) -> Pull:
    """Every DocumentReference filed in the month or shortly after, with one readable body of each."""
    queries = recipe.queries("DocumentReference", patient, month)
    found = sum((searcher.search("DocumentReference", query) for query in queries), Pull())
    urls = [url for document in found.resources if (url := _best_url(document)) is not None]
    return found + pull_bodies(transport, urls, "DocumentReference")


def _best_url(document: Json) -> str | None:
    """The URL of the rendering that reads best; None when a body stands inline or none is text (facts: quirk 17)."""
    contents = [item for item in document.get("content") or [] if isinstance(item, dict)]
    attachments = [item["attachment"] for item in contents if isinstance(item.get("attachment"), dict)]
    if any(attachment.get("data") for attachment in attachments):
        return None
    ranked = [
        (_PREFERENCE.index(kind), attachment["url"])
        for attachment in attachments
        if isinstance(attachment.get("url"), str)
        and (kind := str(attachment.get("contentType")).partition(";")[0].strip().lower()) in _PREFERENCE
    ]
    return min(ranked)[1] if ranked else None
