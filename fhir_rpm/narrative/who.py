"""Who acted for the practice: role and name, as signed or as the subject of what happened."""

import re
from dataclasses import dataclass

from fhir_rpm.model.terms import StaffRole
from fhir_rpm.narrative.lexicon import Span, lexicon
from fhir_rpm.narrative.text import Note

_CREDENTIALS: dict[str, StaffRole] = {
    "RN": "rn",
    "BSN": "rn",
    "MSN": "rn",
    "LPN": "lpn",
    "LVN": "lpn",
    "NP": "np",
    "FNP": "np",
    "FNP-C": "np",
    "FNP-BC": "np",
    "APRN": "np",
    "ARNP": "np",
    "CRNP": "np",
    "DNP": "np",
    "AGNP": "np",
    "ANP": "np",
    "PA": "pa",
    "PA-C": "pa",
    "MD": "physician",
    "DO": "physician",
    "MA": "ma",
    "CMA": "ma",
    "RMA": "ma",
    "CCMA": "ma",
    "PHARMD": "pharmacist",
    "PHARM.D": "pharmacist",
    "RPH": "pharmacist",
    "RD": "dietitian",
    "RDN": "dietitian",
    "LDN": "dietitian",
    "RRT": "respiratory_therapist",
    "RT": "respiratory_therapist",
    "CRT": "respiratory_therapist",
    "LCSW": "social_worker",
    "LMSW": "social_worker",
    "MSW": "social_worker",
    "SW": "social_worker",
}
_CRED = "|".join(
    sorted(
        (
            "Pharm\\.? ?D\\.?",
            "M\\.D\\.",
            *(re.escape(item) for item in _CREDENTIALS if item not in ("PHARM.D",)),
            "PharmD",
            "RPh",
        ),
        key=len,
        reverse=True,
    )
)
_WORD = r"(?:[A-ZÁÉÍÓÚÑÖÜŠŽ][\w'’.-]*|de|la|van|von|del|al|O')"
_NAME = rf"{_WORD}(?: {_WORD}){{0,3}}"
_SIGNED = re.compile(rf"(?P<name>{_NAME}),? *\(?(?P<cred>{_CRED})\b\.?")
_TITLED = re.compile(
    rf"\b(?P<cred>{_CRED}) (?P<name>(?!(?:Called|Spoke|Phone|Note|Video|Review|Reached|Left|And|"
    rf"To|Line|Visit|Outreach|Discussed|Attempt|Telephone|Notified|"
    rf"Will)\b){_WORD}(?: {_WORD}){{0,2}})"
)
_BARE = re.compile(rf"(?<![\w,] )(?<![\w])(?P<cred>{_CRED})\b")
_TITLE_ROLE = re.compile(
    r"(?:\bby |^|[.;:\n(-] ?)(?:our |the )?(?P<role>(?:front (?:desk|office)(?: \w+)?|"
    r"tech(?:nical)? support|scheduler|billing(?: \w+)?|health coach|care manager|case manager|"
    r"care coordinator|pharmacist|clinical pharmacist|dietitian|nutritionist|"
    r"respiratory therapist|social worker|medical assistant|nurse practitioner|"
    r"physician assistant|registered nurse|enrollment specialist|receptionist|help ?desk|"
    r"call[- ]?center)(?: assistant)?),? ?(?P<name>[A-Z][\w'’-]+(?: [A-Z][\w'’.-]+)?)?",
    re.IGNORECASE | re.MULTILINE,
)
_DOCTOR = re.compile(
    rf"(?:^|\n|[.;—-] ?|with |by |w/ )(?P<name>Dr\.? {_WORD}(?: {_WORD})?)(?P<after>.{{0,24}})", re.MULTILINE
)
_ASIDE = re.compile(
    r"(?:notif\w*|inform\w*|aware|d/w|discuss\w*|per|to|paged?|told|updated?|messaged|"
    r"forward\w*|rout\w*|sent|consult\w*|ask\w*|from|cc|for|with on-call|ordered by|refer\w*|"
    r"call(?:ed)?|let|w/|and) (?:the |dr\.? ?|on-?call |our |his |her )*$",
    re.IGNORECASE,
)
_NOT_NAMES = {
    "Pt",
    "Patient",
    "Spoke",
    "Called",
    "The",
    "Signed",
    "By",
    "Per",
    "Staff",
    "Nurse",
    "Note",
    "With",
    "And",
    "Plan",
    "Attending",
    "Clinic",
    "Provider",
    "Electronically",
    "Documented",
    "Time",
    "Min",
    "From",
    "Caller",
    "Author",
    "RPM",
    "To",
    "On",
    "Via",
    "Phone",
    "Video",
    "Monthly",
    "Dr",
    "Dr.",
}
_NURSE = re.compile(
    r"\b[Nn]urse (?P<name>(?!Line|Pool|Practitioner|Visit|Note|Call|Manager|Care|Case)[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)?)"
)


@dataclass(frozen=True)
class Actor:
    """Somebody of the staff, with the words they were found in."""

    role: StaffRole | None
    name: str | None
    span: Span


def actor_in(note: Note) -> Actor | None:
    """Who held the contact or wrote the note: a signature before a subject, the last signature before earlier ones."""
    every = [*_signed(note.text), *_titled(note.text)]
    ours = [actor for actor in every if not _ASIDE.search(note.text[max(0, actor.span[0] - 26) : actor.span[0]])]
    late = [actor for actor in ours if actor.span[1] >= len(note.text.rstrip()) - 40]
    named = [actor for actor in ours if actor.name]
    found = late[-1:] or named[:1] or ours[:1]
    for search in (_bare, _described, _doctor, _nurse):
        found = found or search(note)
    return found[0] if found else None


def _signed(text: str) -> list[Actor]:
    found = []
    for match in _SIGNED.finditer(text):
        name = _clean(match["name"])
        if name:
            found.append(Actor(_role(match["cred"]), name, match.span()))
    return found


def _titled(text: str) -> list[Actor]:
    return [
        Actor(_role(match["cred"]), name, match.span())
        for match in _TITLED.finditer(text)
        if (name := _clean(match["name"]))
    ]


def _bare(note: Note) -> list[Actor]:
    return [
        Actor(_role(match["cred"]), None, match.span())
        for match in _BARE.finditer(note.text)
        if not _ASIDE.search(note.text[max(0, match.start() - 26) : match.start()])
    ][:1] or [
        Actor(role, None, match.span())
        for role in ("rn", "lpn", "np", "ma", "pharmacist", "respiratory_therapist", "dietitian")
        for match in re.finditer(
            rf"(?:^|[.\n-] ?|, )(?:{_LOWER[role]})(?: called| spoke| phoned| reached|[.\s]*$)", note.low
        )
    ][:1]


_LOWER: dict[StaffRole, str] = {
    "rn": "rn",
    "lpn": "lpn|lvn",
    "np": "np|aprn|fnp",
    "ma": "ma|cma",
    "pharmacist": "pharmd|rph|pharmacist",
    "respiratory_therapist": "rrt|rt",
    "dietitian": "rd|rdn",
}


def _described(note: Note) -> list[Actor]:
    for match in _TITLE_ROLE.finditer(note.text):
        role = _role_of_words(match["role"].lower())
        name = match["name"]
        if role is not None:
            named = name if name and name[:1].isupper() and name.split()[0] not in _NOT_NAMES else None
            return [Actor(role, named, match.span("role"))]
    words = lexicon()
    for role in (
        "bot",
        "non_clinical",
        "health_coach",
        "care_manager",
        "pharmacist",
        "dietitian",
        "respiratory_therapist",
        "social_worker",
    ):
        spans = words.find(f"roles.{role}", note.low)
        if spans and not _ASIDE.search(note.text[max(0, spans[0][0] - 26) : spans[0][0]]):
            return [Actor(role, None, spans[0])]
    said = re.search(
        r"\b(?:as (?:his|her|their) |i am (?:his|her|their) )(cardiologist|pulmonologist|physician|"
        r"endocrinologist|doctor|nephrologist|internist)",
        note.low,
    )
    return [Actor("physician", None, said.span())] if said else []


def _doctor(note: Note) -> list[Actor]:
    for match in _DOCTOR.finditer(note.text):
        after = match["after"].lower()
        if not re.match(
            r"\W*(?:notified|aware|paged|informed|ok|updated|told|wants|ordered|sending|sent|agrees|increased|decreased|lowered|raised|said|says|favors)",
            after,
        ):
            return [Actor("physician", match["name"].strip(), match.span("name"))]
    return []


def _nurse(note: Note) -> list[Actor]:
    match = _NURSE.search(note.text)
    return [Actor(None, match["name"], match.span("name"))] if match else []


def _clean(name: str) -> str | None:
    words = name.split()
    while words and words[0].strip(".:") in _NOT_NAMES:
        words = words[1:]
    text = " ".join(words).strip(" .,:-")
    return text if text and not re.fullmatch(_CRED, text) else None


def _role(credential: str) -> StaffRole | None:
    return _CREDENTIALS.get(credential.upper().replace(" ", "").rstrip(".")) or (
        "physician" if credential.startswith("M.") else "pharmacist"
    )


def _role_of_words(words: str) -> StaffRole | None:
    names = lexicon()
    for role in (
        "non_clinical",
        "np",
        "pa",
        "pharmacist",
        "dietitian",
        "respiratory_therapist",
        "social_worker",
        "ma",
        "rn",
        "lpn",
        "health_coach",
        "care_manager",
    ):
        if names.has(f"roles.{role}", words):
            return role
    return "non_clinical" if "call" in words else None
