"""A small linear model over readable features; its weights are data, trained by `tools/train_reader.py`."""

import json
import math
from dataclasses import dataclass
from functools import cache

from fhir_rpm.data_files import data_folder
from fhir_rpm.errors import ConfigurationError


@dataclass(frozen=True)
class Scorer:
    """One question: its answers, their biases, and each feature's weights in the order of the answers."""

    answers: tuple[str, ...]
    bias: tuple[float, ...]
    weights: dict[str, tuple[float, ...]]

    def odds(self, features: frozenset[str]) -> dict[str, float]:
        """The probability of each answer."""
        sums = list(self.bias)
        for feature in sorted(features & self.weights.keys()):
            for place, weight in enumerate(self.weights[feature]):
                sums[place] += weight
        top = max(sums)
        parts = [math.exp(value - top) for value in sums]
        return {answer: part / sum(parts) for answer, part in zip(self.answers, parts, strict=True)}

    def best(self, features: frozenset[str]) -> str:
        """The likeliest answer; the first of equals."""
        odds = self.odds(features)
        return max(self.answers, key=odds.__getitem__)


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
