"""Encounters of a patient's month."""

from fhir_rpm.client.pull import Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.search import Searcher
from fhir_rpm.month import BillingMonth


def pull_encounters(searcher: Searcher, recipe: SearchRecipe, patient: str, month: BillingMonth) -> Pull:
    """Every Encounter of the month, calls of the night before included."""
    return sum((searcher.search("Encounter", query) for query in recipe.queries("Encounter", patient, month)), Pull())
