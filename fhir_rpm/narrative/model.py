"""A small linear model over readable features; its weights are data, trained by `tools/train_reader.py`."""

import json
import math
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache

from fhir_rpm.data_files import data_folder
from fhir_rpm.errors import ConfigurationError
from fhir_rpm.narrative.features import Features


@dataclass(frozen=True)
class Scorer:
    """One question: its answers, their biases, and each feature's weights in the order of the answers."""

    answers: tuple[str, ...]
    bias: tuple[float, ...]
    weights: dict[str, tuple[float, ...]]

    def odds(self, features: AbstractSet[str]) -> dict[str, float]:
        """The probability of each answer."""
        sums = list(self.bias)
        for feature in sorted(features & self.weights.keys()):
            for place, weight in enumerate(self.weights[feature]):
                sums[place] += weight
        top = max(sums)
        parts = [math.exp(value - top) for value in sums]
        return {answer: part / sum(parts) for answer, part in zip(self.answers, parts, strict=True)}

    def share(self, features: AbstractSet[str], answer: str = "True") -> float:
        """The probability of one answer."""
        return self.odds(features)[answer]

    def best(self, features: AbstractSet[str], apart_from: Collection[str] = ()) -> str:
        """The likeliest answer but those that cannot be; the first of equals."""
        odds = self.odds(features)
        return max((answer for answer in odds if answer not in apart_from), key=odds.__getitem__)


@dataclass(frozen=True)
class Told:
    """Whether a note tells something, and how likely each of its clauses is to be where.

    Attributes:
        share: between the two ways to ask: the note weighed as a whole, and any of its clauses weighed alone.
        clauses: the probability of each clause.
    """

    share: float
    clauses: tuple[float, ...]


def told(question: str, features: Features) -> Told:
    """Whether a note tells a finding (`content`) or a `decision`."""
    whole = scorers()[question].share(features.note)
    scorer = scorers()[f"{question} in a clause"]
    clauses = tuple(scorer.share(clause) for clause in features.clauses)
    none = math.prod(1 - share for share in clauses)
    return Told(between(whole, 1 - none), clauses)


def between(one: float, other: float, part: float = 0.5) -> float:
    """The probability whose log-odds lie between those of two others; `part` is the other's part in it."""
    return 1 / (1 + math.exp(-((1 - part) * _log_odds(one) + part * _log_odds(other))))


def _log_odds(share: float) -> float:
    return math.log(max(share, 1e-6) / max(1 - share, 1e-6))


@cache
def scorers() -> dict[str, Scorer]:
    """The shipped weights, by question."""
    path = data_folder("mappings") / "narrative" / "weights.json"
    try:
        tables = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read.", "Reinstall, or run tools/train_reader.py.") from error
    return {
        question: Scorer(
            tuple(table["answers"]),
            tuple(table["bias"]),
            {feature: tuple(weights) for feature, weights in table["weights"].items()},
        )
        for question, table in tables.items()
    }
