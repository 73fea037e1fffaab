"""What speaks against an exchange although words of one stand in the note: each doubt is a rule with a name."""

import re
from datetime import timedelta

from fhir_rpm.narrative.events import LIVE, Event
from fhir_rpm.narrative.lexicon import lexicon
from fhir_rpm.narrative.text import Note
from fhir_rpm.narrative.when import clock_at, dates_in

_SIDES = ("patient", "caregiver", "implied_patient", "implied_caregiver")
_NOBODY_SPOKE = re.compile(
    r"\b(?:not|never|nobody|no one|neither|nor|without|n't|cannot)\W+(?:\w+\W+){0,3}?(?:spoken|spoke|speak(?:ing)?|talk(?:ed|ing)?|telephoned|"
    r"call(?:ed|ing)?|interviewed|phon(?:ed|ing)|contact(?:ed|ing)?|heard from|in touch)\b(?:\W+(?:to|with|w/))?"
    r"\W*(?:the |this )?(?:pts?|patient|him|her|them|mr|mrs|ms|he|she|either|directly|myself|me|$|[.,;(])"
    r"|\bnobody (?:has |had )?(?:spoken|called|talked|asked)|\bno (?:one|member)\b.{0,30}\b(?:pt|patient)\b.{0,20}\b(?:on|part|present|joined)"
    r"|\b(?:pt|patient|he|she|family)\W+(?:was |is |were )?(?:not|never|n't)\W+(?:\w+ )?(?:present|on the (?:call|line)|part of|interviewed|spoken|involved|asked|contacted|called)"
    r"|\b(?:i|we) (?:did|have|had) not\b(?=\s*(?:[.;,]|$|speak|call|phone|reach|talk))"
    r"|\bno (?:patient|pt) contact|\bnot a (?:patient |pt )?(?:contact|call|conversation)|\bno call (?:was )?(?:made|placed)"
)
_TAKEN_BACK = re.compile(
    r"entered in error|(?:wrong|another|other|different) (?:chart|patient|pt)\b|disregard|(?:strike|struck|delete) (?:this|the|that|above|from|entry|note|prior)|should be struck|"
    r"(?:filed|written|entered|charted|documented|ticked|checked|marked|saved) (?:\w+ ){0,3}(?:by mistake|in error|in advance|ahead)|retract|copied forward|copy forward|default text|"
    r"pre-?(?:charted|filled|written)|(?:not|in)correct|did not (?:happen|occur|take place)|never (?:happened|took place)|void\b|template default"
)
_WRITTEN = re.compile(
    r"\bdear (?:mr|mrs|ms|dr|patient|sir|madam|[a-z]+,)|\b(?:sincerely|kind(?:est)? regards|best regards|yours)\b|^\s*(?:to|subject|subj|re):.*\n.*\b(?:from|to|sent):|"
    r"\be-?mail(?:ed|s)?\b|\bby (?:mail|post|letter|fax)\b|\bfax(?:ed)?\b|\bletter (?:was|is|has|to|sent)|\bmailed\b|\bquestionnaire\b|\bsurvey\b|\bin writing\b"
)
_HELD_LIVE = re.compile(r"\b(?:phone|telephone|call(?:ed)?|video|spoke|talked|line|tc|zoom|rang)\b")
_LATER = re.compile(
    r"\b(?:next|following) (?:day|morning|afternoon|evening|week)|\b(?:\d+|two|three|four|five|six|several|some|many|few) (?:days?|hours?|hrs?|h|d|weeks?|wks?)(?: (?:later|after|passed|went by))|"
    r"\b(?:days|hours|weeks) later|\bovernight\b|\bthe (?:day|morning|evening) after\b|\bnot (?:seen|read|answered|opened) until\b|\bnot until\b|\blater that (?:day|evening|night|afternoon)"
)
_WROTE = re.compile(r"\b(?:portal|message[sd]?|msgs?|messaged|texts?|texted|sms|chat|mychart|replied|reply|wrote|thread|inbox)\b")
_REPLY = re.compile(r"\b(?:repl(?:y|ied|ies)|answer(?:ed|s)?|respon(?:ded|se|ds)|wrote back|responds|sent back|texted back|acknowledg\w+)\b")
_CLOCK = re.compile(r"(?<![\d/.:-])(?:\d{1,2}:\d\d ?(?:[ap]\.?m\.?)?|(?:[01]\d|2[0-3])[0-5]\d)(?![\d/:-])")
_WEEKDAY = re.compile(r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b")


def doubts_in(note: Note, events: list[Event]) -> frozenset[str]:
    """Every doubt that the note raises.

    Returns some of `not_spoken`, `taken_back`, `written`, `delayed`, `others_only`, `not_told_as_fact`, `failed`.
    """
    facts = [event for event in events if event.mode == "now"]
    live = [event for event in facts if event.kind in LIVE and event.side in _SIDES]
    spoken = [event for event in live if event.kind != "say"]
    told = [event for event in facts if event.kind in ("attempt", "tell") and event.side in _SIDES]
    others = [event for event in facts if event.kind in LIVE and event.side in ("outsider", "gatekeeper", "colleague")]
    unreal = [event for event in events if event.kind in LIVE and event.side in _SIDES and event.mode != "now"]
    ends = [event for event in facts if event.kind in (*LIVE, "fail", "machine", "taken")]
    raised = {
        "not_spoken": _not_spoken(note, live),
        "taken_back": _TAKEN_BACK.search(note.low) is not None,
        "written": _is_written(note, live),
        "delayed": _is_delayed(note),
        "others_only": bool(others) and not spoken and not told,
        "not_told_as_fact": bool(unreal) and not live,
        "failed": bool(ends) and ends[-1].kind in ("fail", "machine", "taken") and not spoken,
    }
    return frozenset(name for name, is_so in raised.items() if is_so)


def _not_spoken(note: Note, live: list[Event]) -> bool:
    found = list(_NOBODY_SPOKE.finditer(note.low))
    if not found:
        return False
    held = [event for event in live if event.kind != "say" and not any(match.start() <= event.span[0] <= match.end() for match in found)]
    return not held or found[-1].start() > held[-1].span[0]


def _is_written(note: Note, live: list[Event]) -> bool:
    if _WRITTEN.search(note.low) is None:
        return False
    return not any(event.kind in ("talk", "held", "reach", "answer", "callin") for event in live) or note.low.lstrip().startswith("dear ")


def _is_delayed(note: Note) -> bool:
    """Whether messages are told of whose answers came on another day or more than half an hour later."""
    wrote = _WROTE.search(note.low)
    if wrote is None or _REPLY.search(note.low) is None or lexicon().has("contact.spoke", note.low):
        return False
    if _LATER.search(note.low):
        return True
    reply = _REPLY.search(note.low)
    if reply is None:
        return False
    days = {day for day, span, _ in dates_in(note.low) if span[0] < reply.end() + 40}
    weekdays = {match[0][:3] for match in _WEEKDAY.finditer(note.low[: reply.end() + 25])}
    if len(days) > 1 or len(weekdays) > 1:
        return True
    times = [clock_at(match[0], None) for match in _CLOCK.finditer(note.low[: reply.end() + 40])]
    known = [time for time in times if time is not None]
    return len(known) > 1 and any(after - before > timedelta(minutes=30) for before, after in zip(known, known[1:], strict=False))
