"""Examines a connection step by step, and names the cause and the remedy of what is wrong."""

from fhir_rpm.client.doctor.report import Step, exit_code_of
from fhir_rpm.client.doctor.run import CHECKS, Order, examine

__all__ = ["CHECKS", "Order", "Step", "examine", "exit_code_of"]
