"""What an examination of a connection found: steps, each with its named cause and remedy."""

from dataclasses import asdict, dataclass
from typing import Literal

from fhir_rpm.client.doctor.knowledge import Knowledge

Status = Literal["ok", "failed", "warning", "skipped"]


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        status: `ok`, `failed`, `warning`, or `skipped`.
        cause: a name from `[doctor.causes]` for what failed or is warned of; None otherwise.
        detail: what was seen, without tokens, names or texts of patients; for a skipped step, why.
        remedy: takes the place of the cause's remedy.
        exit_code: takes the place of the cause's class.
    """

    status: Status
    cause: str | None = None
    detail: str = ""
    remedy: str = ""
    exit_code: int | None = None


def ok(detail: str = "") -> Finding:
    """All is well."""
    return Finding("ok", detail=detail)


def failed(cause: str, detail: str = "", remedy: str = "", exit_code: int | None = None) -> Finding:
    """This must be put right."""
    return Finding("failed", cause, detail, remedy, exit_code)


def warning(cause: str, detail: str = "", remedy: str = "") -> Finding:
    """This works, or may work, and deserves a look."""
    return Finding("warning", cause, detail, remedy)


def skipped(why: str, remedy: str = "") -> Finding:
    """Not looked at."""
    return Finding("skipped", detail=why, remedy=remedy)


@dataclass(frozen=True)
class Step:
    """One line of the examination.

    Attributes:
        name: which step.
        status, cause, detail: as of `Finding`; `detail` begins with what the cause means.
        remedy: what to do about it; empty when there is nothing to do.
        seconds: how long it took.
    """

    name: str
    status: Status
    cause: str | None
    remedy: str
    detail: str
    seconds: float
    exit_code: int = 0

    @classmethod
    def of(cls, name: str, finding: Finding, knowledge: Knowledge, seconds: float) -> "Step":
        """A finding in the vendor's words."""
        known = knowledge.cause(finding.cause) if finding.cause is not None else None
        if known is None:
            code = finding.exit_code or 0
            return cls(name, finding.status, finding.cause, finding.remedy, _printable(finding.detail), seconds, code)
        code = (finding.exit_code or known.exit) if finding.status == "failed" else 0
        detail = f"{known.says} {_printable(finding.detail)}".strip()
        return cls(name, finding.status, finding.cause, finding.remedy or known.remedy, detail, seconds, code)

    def to_json(self) -> dict[str, object]:
        """The object of `doctor --json`: name, status, cause, remedy, detail, seconds."""
        shown = asdict(self)
        del shown["exit_code"]
        return shown | {"seconds": round(self.seconds, 3)}


def _printable(text: str) -> str:
    """Without what would steer a terminal: host names and product names come from the server."""
    return "".join(character if character.isprintable() else "?" for character in text)


def exit_code_of(steps: list[Step]) -> int:
    """0, or the class of the first failure: 2 configuration, 4 unreachable or incomplete, 5 credentials, permission."""
    return next((step.exit_code for step in steps if step.status == "failed"), 0)
