"""What an HTTP answer that is not the wished one means."""

from urllib.parse import urlsplit

from fhir_rpm.client.doctor.knowledge import Knowledge, issue_codes
from fhir_rpm.client.doctor.report import Finding, failed
from fhir_rpm.client.transport import Answer

REDIRECTS = (301, 302, 303, 307, 308)


def refusal(answer: Answer, knowledge: Knowledge) -> Finding | None:
    """Why a read was refused, or None when it was answered with a FHIR resource other than a refusal."""
    seen = described(answer, knowledge)
    resource = answer.json()
    told = knowledge.cause_in_outcome(resource)
    if answer.status >= 400 and told is not None:
        return failed(told[0], seen)
    if answer.status >= 400 and (resource is None or "issue" not in resource):
        cause = knowledge.cause_in_text(beginning(answer))
        if cause is not None:
            return failed(cause, seen)
    cause = _by_status(answer)
    if cause is not None:
        return failed(cause, seen)
    if resource is None or not isinstance(resource.get("resourceType"), str):
        return failed(_form(answer), seen)
    return None


def described(answer: Answer, knowledge: Knowledge) -> str:
    """Status, kind and known error codes of an answer; never its words."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    shown = kind if kind.isascii() and kind.isprintable() and len(kind) < 60 else "unreadable content type"
    codes = [code for code in issue_codes(answer.json()) if code in knowledge.codes]
    parts = [f"HTTP {answer.status}", (shown or "no content type") if answer.body else "empty"]
    if codes:
        parts.append(f"code {', '.join(dict.fromkeys(codes))}")
    return f"({', '.join(parts)})"


def target_of(answer: Answer) -> str:
    """Where a redirect leads: host alone, for paths and queries may hold what is nobody's business."""
    return urlsplit(answer.headers.get("Location", "")).hostname or "the same host"


def beginning(answer: Answer) -> str:
    """The first words of an answer; to look into, never to show."""
    return answer.body[:4096].decode("utf-8", "replace")


def is_html(answer: Answer) -> bool:
    """Whether the answer is a web page, whatever it says of itself."""
    return "<html" in beginning(answer).casefold() or "<!doctype html" in beginning(answer).casefold()


def _by_status(answer: Answer) -> str | None:
    status = answer.status
    if status in REDIRECTS:
        return "redirected"
    if status == 403:
        challenge = answer.headers.get("WWW-Authenticate", "").casefold()
        return "insufficient_scope" if "insufficient_scope" in challenge else _forbidden(answer)
    if status == 404:
        return "type_unknown" if answer.json() is None else "patient_unknown"
    known = {401: "token_not_accepted", 406: "not_acceptable", 410: "session_expired", 429: "throttled"}
    if status in known:
        return known[status]
    if status >= 500:
        return "server_error"
    return "request_refused" if status >= 400 else None


def _forbidden(answer: Answer) -> str:
    return "forbidden" if answer.body.strip() else "forbidden_empty"


def _form(answer: Answer) -> str:
    if is_html(answer):
        return "html"
    return "xml" if beginning(answer).lstrip().startswith("<") else "not_fhir"
