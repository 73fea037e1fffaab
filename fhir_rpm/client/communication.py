"""Messages and call records of a patient, and the bodies they point to."""

from fhir_rpm.client.binary import pull_bodies
from fhir_rpm.client.pull import Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.search import Searcher
from fhir_rpm.client.transport import Transport
from fhir_rpm.month import BillingMonth


def pull_communications(
    searcher: Searcher, transport: Transport, recipe: SearchRecipe, patient: str, month: BillingMonth
) -> Pull:
    """Every Communication of the patient; threads run over months, so the mapping picks the month's sittings."""
    queries = recipe.queries("Communication", patient, month)
    found = sum((searcher.search("Communication", query) for query in queries), Pull())
    payloads = [
        item for resource in found.resources for item in resource.get("payload") or [] if isinstance(item, dict)
    ]
    urls = [
        item["contentReference"].get("reference") for item in payloads if isinstance(item.get("contentReference"), dict)
    ]
    urls += [
        item["contentAttachment"].get("url") for item in payloads if isinstance(item.get("contentAttachment"), dict)
    ]
    return found + pull_bodies(transport, [url for url in urls if isinstance(url, str)], "Communication")
