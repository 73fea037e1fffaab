"""Runs a month for many patients on bounded threads; one bad patient never stops the rest."""

from fhir_rpm.sync.run import PatientResult, RunPlan, run_months

__all__ = ["PatientResult", "RunPlan", "run_months"]
