"""Labels that a classifier contradicts, of photographs of patients whom it has never seen.

Enters: features of every photograph, its label and its patient. Leaves: `Suspicions`. The method is confident learning
(Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021), as the library
cleanlab implements it, on probabilities that are cross-validated by patient: a linear classifier on frozen features.
Guaranteed: the same photographs give the same suspicions.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 5

REGULARISATION = 0.01
"""scikit-learn's `C`: small, since there are more features than patients."""

WITHOUT_CLEANLAB = "cleanlab is not installed, so labels were not looked at: pip install 'retdsl[audit]'"


@dataclass(frozen=True)
class Suspicions:
    """probabilities: float `[n, C]`, of every class, by a classifier that has seen no photograph of the patient;
    suspected: whether the label is, bool `[n]`.
    """

    probabilities: NDArray[np.float64]
    suspected: NDArray[np.bool_]


def suspect(
    features: NDArray[np.float32], labels: Sequence[int], patients: Sequence[str], classes: Sequence[str]
) -> Suspicions | str:
    """The suspicions, or why there are none, in a sentence."""
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        return WITHOUT_CLEANLAB
    given = np.array(labels)
    of_class = [{p for p, label in zip(patients, labels, strict=True) if label == at} for at in range(len(classes))]
    folds = min(FOLDS, *map(len, of_class))
    if folds < 2:
        return "labels were not looked at: every class needs two patients, one to learn from and one to ask about"
    probabilities = cross_validated(features, given, patients, folds)
    if probabilities is None:
        return "labels were not looked at: patients cannot be divided so that every part has every class"
    suspected = find_label_issues(given, probabilities, filter_by="both", n_jobs=1)
    return Suspicions(probabilities, np.asarray(suspected, bool))


def cross_validated(
    features: NDArray[np.float32], labels: NDArray[np.int64], patients: Sequence[str], folds: int
) -> NDArray[np.float64] | None:
    """Probabilities `[n, C]` by a classifier that has seen no photograph of the patient; None if it cannot be."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classes = len(set(labels.tolist()))
    out = np.zeros((len(labels), classes))
    divided = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(features, labels, patients)
    for learn, ask in divided:
        if len(set(labels[learn].tolist())) < classes:
            return None
        classifier = make_pipeline(
            StandardScaler(), LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=1000)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(features[learn], labels[learn])
        out[ask] = classifier.predict_proba(features[ask])
    return out
