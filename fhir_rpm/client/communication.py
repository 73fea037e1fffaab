"""Messages and call records of a patient, and the bodies they point to."""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from fhir_rpm.client.binary import Body, Rendering, pull_bodies
from fhir_rpm.client.extent import patient_of
from fhir_rpm.client.gaps import gap
from fhir_rpm.client.inquiry import Inquiry
from fhir_rpm.client.pull import Json, Pull

_INBOXES = 200


class StaffInboxes:
    """What staff were sent in a month, searched once for all patients of a session."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Pull] = OrderedDict()
        self._lock = threading.Lock()

    def sent_to(self, inquiry: Inquiry, recipient: str) -> Pull:
        """Every Communication to a member of staff, about whomever."""
        key = (recipient, str(inquiry.month))
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            anybody = inquiry.for_anybody()
            known = anybody.ask_for("Communication", recipient, anybody.extent("Communication"))
            with self._lock:
                self._kept[key] = known
                while len(self._kept) > _INBOXES:
                    self._kept.popitem(last=False)
        return known


def pull_communications(inquiry: Inquiry, inboxes: StaffInboxes, staff: Iterable[str]) -> Pull:
    """Every Communication of the patient; threads run over months, so the mapping picks the month's sittings.

    Args:
        inquiry: the question.
        inboxes: what staff were sent, for vendors that search by recipient alone (facts: quirk 42).
        staff: `Practitioner/id` of those who may have received messages about the patient.
    """
    recipe = inquiry.recipe_for("Communication")
    if recipe.by == "recipient":
        found = _from_inboxes(inquiry, inboxes, sorted(set(staff)))
    else:
        found = inquiry.ask("Communication")
        found += _of_threads(inquiry, found)
    bodies = [body for resource in found.resources for body in _bodies_of(resource)]
    return found + pull_bodies(inquiry.searcher.transport, bodies)


def _from_inboxes(inquiry: Inquiry, inboxes: StaffInboxes, staff: list[str]) -> Pull:
    """Messages to the staff about the patient; a message that names no patient is nobody's evidence."""
    if not staff and inquiry.recipe_for("Communication").searches and inquiry.capability.may_search("Communication"):
        return Pull(gaps=(gap("Practitioner", "no_recipients"),))
    sent = sum((inboxes.sent_to(inquiry, recipient) for recipient in staff), Pull())
    extent = inquiry.extent("Communication")
    ours = (item for item in sent.resources if patient_of(item) in inquiry.patients)
    return Pull(tuple(extent.claimed(item) for item in ours), sent.gaps)


def _of_threads(inquiry: Inquiry, found: Pull) -> Pull:
    """The messages under thread headers: they may name no patient, only their header does (facts: quirks 79, 80)."""
    name = inquiry.recipe_for("Communication").threads
    declared = inquiry.capability.parameters("Communication")
    if name is None or (declared is not None and name not in declared):
        return Pull()
    extent = inquiry.extent("Communication")
    pull = Pull()
    for header in [f"Communication/{item.get('id')}" for item in found.resources if not item.get("payload")]:
        under = inquiry.search_all("Communication", [{name: header}], extent)
        pull += Pull(tuple(item for item in under.resources if header in _parents(item)), under.gaps)
    return pull


def _parents(resource: Json) -> set[str]:
    """`Communication/id` of the threads that a message says it is part of."""
    parents = resource.get("partOf")
    items = parents if isinstance(parents, list) else ()
    references = [item.get("reference") for item in items if isinstance(item, dict)]
    return {"/".join(item.split("/")[-2:]) for item in references if isinstance(item, str)}


def _bodies_of(resource: Json) -> list[Body]:
    payloads = resource.get("payload")
    holder = f"Communication/{resource.get('id')}"
    bodies = []
    for item in payloads if isinstance(payloads, list) else ():
        reference, attachment = (item.get(name) for name in _FORMS) if isinstance(item, dict) else (None, None)
        url = reference.get("reference") if isinstance(reference, dict) else None
        kind = ""
        if isinstance(attachment, dict) and not attachment.get("data"):
            url, kind = attachment.get("url"), str(attachment.get("contentType") or "")
        if isinstance(url, str) and "Binary/" in url and not kind.startswith(_NO_TEXT):
            bodies.append(Body(holder, (Rendering(url, kind.partition(";")[0].strip().lower()),)))
    return bodies


_FORMS = ("contentReference", "contentAttachment")
_NO_TEXT = ("image/", "audio/", "video/")
