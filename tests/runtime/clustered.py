"""Made-up screening sides: two eyes a patient, alike as eyes of one patient are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def eyes(
    random: np.random.Generator, patients: int, prevalence: float = 0.2
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str]]:
    """Labels [2 P], probabilities [2 P, 2] and patients of both eyes, of which both are ill, or none.

    A score is what the patients have in common, deviation 1, what an eye has alone, deviation 0.6, and 1.8 for illness.
    """
    labels = np.repeat(random.random(patients) < prevalence, 2).astype(np.int64)
    alike = np.repeat(random.normal(0, 1, patients), 2)
    scores = 1 / (1 + np.exp(1.5 - alike - random.normal(0, 0.6, 2 * patients) - 1.8 * labels))
    return labels, np.stack([1 - scores, scores], axis=1), [f"p{number // 2}" for number in range(2 * patients)]
