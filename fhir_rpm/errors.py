"""Every error fhir-rpm raises on purpose, named by what the caller must do about it.

    FhirRpmError                 exit 1
    ├── ConfigurationError       exit 2   correct an option, a setting, a mapping or a policy file
    ├── InputError               exit 2   correct the input file
    ├── UnavailableError         exit 4   try again later: the server could not be reached or could not answer
    ├── AccessError              exit 5   fix credentials, scopes or the app's registration
    └── WriteUncertainError      exit 6   a person must look in the chart before anything is sent again

Messages are shown to users. They name the file, the field and the remedy, and never carry a token, a patient's name,
an identifier beyond a resource id, or the text of a note.
"""

from typing import ClassVar


class FhirRpmError(Exception):
    """Root of all expected failures.

    Args:
        problem: what is wrong, in one sentence.
        remedy: what the reader can do about it, in one sentence; shown after the problem.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class ConfigurationError(FhirRpmError):
    """An option, environment variable, configuration, mapping or policy file is wrong or missing."""

    exit_code = 2


class InputError(FhirRpmError):
    """A file given as input cannot be read as what it should be."""

    exit_code = 2


class UnavailableError(FhirRpmError):
    """The EHR could not be reached, or failed in a way that may pass."""

    exit_code = 4


class AccessError(FhirRpmError):
    """The EHR refused the credentials, the scopes or the permission."""

    exit_code = 5


class WriteUncertainError(FhirRpmError):
    """A write may or may not have happened; repeating it blindly could duplicate a note in a chart."""

    exit_code = 6
