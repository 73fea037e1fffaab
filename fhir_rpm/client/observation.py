"""Readings of a patient's month."""

from fhir_rpm.client.pull import Pull
from fhir_rpm.client.recipe import SearchRecipe
from fhir_rpm.client.search import Searcher
from fhir_rpm.month import BillingMonth


def pull_observations(searcher: Searcher, recipe: SearchRecipe, patient: str, month: BillingMonth) -> Pull:
    """Every vital-signs Observation of the month."""
    queries = recipe.queries("Observation", patient, month)
    return sum((searcher.search("Observation", query) for query in queries), Pull())
