"""A month as it is judged: contacts with their outcomes, and what the management codes rest on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from fhir_rpm.billing.codes import Management, management_codes, status_of
from fhir_rpm.billing.minutes import Judged, minutes_of, waits_for_a_role
from fhir_rpm.billing.outcome import assess_contact
from fhir_rpm.billing.terms import Terms
from fhir_rpm.model import AssessedContact, CodeVerdict, Gap, InteractiveCommunication, MonthRecord
from fhir_rpm.model.terms import ELEMENTS, Element, MonthStatus
from fhir_rpm.month import BillingMonth

_MANAGEMENT = {"Encounter", "Communication", "DocumentReference", "Binary", "call-log"}
_DEVICES = {"Observation"}
_PEOPLE = {"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "CareTeam", "Device", "Group"}
"""What gaps can touch (assessment §6); resources that only name people can complete a record, never add to it."""


@dataclass(frozen=True)
class Case:
    """One month under the terms in force.

    Attributes:
        judged: the contacts of the month with their outcomes.
        carried: those of the day before whose minutes run into the month.
        gaps: what could not be read and could change a verdict.
        month, terms: the calendar month, and what is in force in it.
    """

    judged: tuple[Judged, ...]
    carried: tuple[Judged, ...]
    gaps: tuple[Gap, ...]
    month: BillingMonth
    terms: Terms

    @classmethod
    def of(cls, record: MonthRecord, month: BillingMonth, terms: Terms) -> "Case":
        """Judge the contacts of a record."""
        gaps = tuple(gap for gap in record.gaps if gap.resource_type not in _PEOPLE)
        return cls(_judged(record.contacts, terms), _judged(record.carried, terms), gaps, month, terms)

    def having(self, judged: Iterable[Judged]) -> "Case":
        """The same month with other contacts."""
        return replace(self, judged=tuple(judged))

    @cached_property
    def contact_gaps(self) -> tuple[Gap, ...]:
        """What could hold further contacts or minutes; a gap of unknown type could hold anything."""
        return tuple(gap for gap in self.gaps if gap.resource_type not in _DEVICES)

    @cached_property
    def reading_gaps(self) -> tuple[Gap, ...]:
        """What could hold further readings."""
        return tuple(gap for gap in self.gaps if gap.resource_type not in _MANAGEMENT)

    @cached_property
    def lacking(self) -> tuple[tuple[Element, ...], ...]:
        """What each contact's record lacks and a person could add; empty where completing it would change nothing."""
        return tuple(_lacking(contact, assessed, self.terms) for contact, assessed in self.judged)

    @cached_property
    def facts(self) -> Management:
        """What the management codes are judged by."""
        minutes = minutes_of(self.judged, self.carried, self.month, self.terms)
        return Management.of((assessed for _, assessed in self.judged), minutes, incomplete=bool(self.contact_gaps))

    @cached_property
    def codes(self) -> dict[str, CodeVerdict]:
        """The verdicts on the management codes."""
        return management_codes(self.facts, self.terms)

    @property
    def status(self) -> MonthStatus:
        """What the month comes to."""
        return status_of(self.codes, self.terms)


def _lacking(contact: InteractiveCommunication, assessed: AssessedContact, terms: Terms) -> tuple[Element, ...]:
    if "contact" in assessed.missing:  # once an exchange is shown, more may be asked of it
        shown = assess_contact(contact.model_copy(update={"exchange": "two_way"}), terms)
        return tuple(element for element in ELEMENTS if element in {*assessed.missing, *shown.missing})
    return assessed.missing or (("staff_role",) if waits_for_a_role(contact, assessed, terms) else ())


def _judged(contacts: Iterable[InteractiveCommunication], terms: Terms) -> tuple[Judged, ...]:
    return tuple((contact, assess_contact(contact, terms)) for contact in contacts)
