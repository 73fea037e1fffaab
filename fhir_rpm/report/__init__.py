"""What a practice's months come to: totals for people and for other systems; pure."""

from fhir_rpm.report.measure import measure_report

__all__ = ["measure_report"]
