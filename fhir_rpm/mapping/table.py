"""The `[mapping]` table of a vendor's file: what an EHR's codes and words mean."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field, PlainValidator, TypeAdapter

from fhir_rpm.mapping.fhir import codings, displays
from fhir_rpm.model.base import Frozen
from fhir_rpm.model.terms import Modality, StaffRole

EncounterKind = Literal[Modality, "administrative", "silent", "office_visit", "no_modality", "programme"]
NoteKind = Literal[Modality, "no_note"]
Meaning = TypeVar("Meaning")


class Words(Generic[Meaning]):
    """Phrases and their meanings; a phrase matches whole and in any case, the longest first."""

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        self._meanings = {phrase.lower(): meaning for phrase, meaning in meanings.items()}
        phrases = sorted(self._meanings, key=lambda phrase: (-len(phrase), phrase))
        self._pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, phrases)) or '(?!)'})(?![\w-])")

    def in_(self, text: str) -> list[Meaning]:
        """The meanings of the phrases in a text, in order of appearance."""
        return [self._meanings[match[0]] for match in self._pattern.finditer(text.lower())]

    def match(self, text: str) -> bool:
        """Whether any phrase stands in a text."""
        return self._pattern.search(text.lower()) is not None


class Codes(Generic[Meaning]):
    """Codes written `system|code` and their meanings; a system matches by its end (`mappings/base.toml`)."""

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        self._by_code: dict[str, list[tuple[str, Meaning]]] = {}
        for key, meaning in meanings.items():
            system, _, code = key.rpartition("|")
            self._by_code.setdefault(code, []).append((system, meaning))

    def in_(self, concept: object) -> Iterator[Meaning]:
        """The meanings of a CodeableConcept's codings, in order."""
        for system, code in codings(concept):
            yield from (meaning for end, meaning in self._by_code.get(code, ()) if system.endswith(end))


def _words(value: object) -> Words[bool]:
    return Words(TypeAdapter(dict[str, bool]).validate_python(value))


def _codes(value: object) -> Codes[str]:
    return Codes(TypeAdapter(dict[str, str]).validate_python(value))


WordSet = Annotated[Words[bool], PlainValidator(_words)]
CodeSet = Annotated[Codes[str], PlainValidator(_codes)]
NO_WORDS: Words[bool] = Words({})
NO_CODES: Codes[str] = Codes({})


class Vocabulary(Frozen, Generic[Meaning]):
    """The codes and words for one kind of thing."""

    codes: dict[str, Meaning] = Field(default_factory=dict)
    words: dict[str, Meaning] = Field(default_factory=dict)

    def meanings(self, concept: object) -> list[Meaning]:
        """What a CodeableConcept means: by its codes, then by its words."""
        codes, words = self._compiled
        return [*codes.in_(concept), *(meaning for text in displays(concept) for meaning in words.in_(text))]

    @cached_property
    def _compiled(self) -> tuple[Codes[Meaning], Words[Meaning]]:
        return Codes(self.codes), Words(self.words)


class EncounterVocabulary(Vocabulary[EncounterKind]):
    """What Encounter types and classes mean."""

    classes: dict[str, EncounterKind] = Field(default_factory=dict)


class RoleVocabulary(Vocabulary[StaffRole]):
    """What says who somebody is: codes, titles, and credentials in a display name."""

    credentials: dict[str, StaffRole] = Field(default_factory=dict)


class ReadingVocabulary(Frozen):
    """What counts as a reading, and what never does (assessment §6)."""

    codes: CodeSet = NO_CODES
    categories: dict[str, Literal["reading", "device", "never"]] = Field(default_factory=dict)
    average_codes: CodeSet = NO_CODES
    average_words: WordSet = NO_WORDS
    manual_words: WordSet = NO_WORDS
    patient_tags: dict[str, bool] = Field(default_factory=dict)


class MappingTable(Frozen):
    """Everything the mapping knows of an EHR; `mappings/base.toml` explains each table."""

    encounter: EncounterVocabulary = EncounterVocabulary()
    note: Vocabulary[NoteKind] = Vocabulary[NoteKind]()
    medium: dict[str, Modality] = Field(default_factory=dict)
    roles: RoleVocabulary = RoleVocabulary()
    readings: ReadingVocabulary = ReadingVocabulary()
    rpm_words: WordSet = NO_WORDS
    own_words: WordSet = NO_WORDS
    automatic_words: WordSet = NO_WORDS
    background_words: WordSet = NO_WORDS
    not_a_person_words: WordSet = NO_WORDS
    not_taking_part: WordSet = NO_WORDS
    staff: dict[str, StaffRole] = Field(default_factory=dict)

    def modalities_named(self, text: str | None) -> frozenset[Modality]:
        """The modalities that a note's text names, in the words that name a note."""
        kinds = self.note.meanings({"text": text}) if text else []
        return frozenset(kind for kind in kinds if kind != "no_note")
