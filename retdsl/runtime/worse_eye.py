"""Answers about patients, made of the answers about their eyes: the worse eye decides.

Enters: answers about photographs. Leaves: answers about patients, in the order of their first photograph. Guaranteed:
the answer about a patient with one photograph is the answer about it, to the last bit.

Classes are ordered from well to ill, as everywhere: the last is the one looked for. A patient is as ill as the worse
eye is, and as likely beyond a class as that eye which is the likeliest to be beyond it. Of two classes, that is the
highest probability of the last; of findings, each is there if one eye shows it.
"""

from __future__ import annotations

import numpy as np

from retdsl.runtime.answers import Answers


def worse_eye(answers: Answers) -> Answers:
    """One answer a patient. `images` of it are the patients' names."""
    _, first, of = np.unique(np.asarray(answers.patients, object), return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    patient = place[of]
    names = tuple(answers.patients[at] for at in first[order])
    labels = np.zeros((len(names), *answers.labels.shape[1:]), np.int64)
    np.maximum.at(labels, patient, answers.labels)
    beyond = np.asarray(answers.probabilities, np.float64)
    exclusive = answers.labels.ndim == 1
    if exclusive:  # the probability of this class or a worse one
        beyond = np.cumsum(beyond[:, ::-1], axis=1)[:, ::-1]
    worst = np.zeros((len(names), beyond.shape[1]))
    np.maximum.at(worst, patient, beyond)
    if exclusive:
        worst[:, :-1] -= worst[:, 1:].copy()
    alone = np.bincount(patient)[patient] == 1
    worst[patient[alone]] = answers.probabilities[alone]  # sums would round them
    return Answers(names, names, answers.classes, labels, worst.astype(np.float32))
