"""Fit the heads: penalised logistic regressions, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from examples import FOLDS
from sklearn.linear_model import LogisticRegression

from alignmeter.judges import refusal_heads as heads

if TYPE_CHECKING:
    from examples import Composition, Sentence
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float64]]

SENTENCE_PENALTY = 10.0
POOLED_PENALTY = 1.0
REPLY_PENALTY = 0.3
"""Inverse strengths of the penalty (`C`), set on the odd-numbered prompts of XSTest and on our sentences."""


def _fitted(features: NDArray[np.float64], targets: NDArray[np.int64], c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=150, class_weight="balanced").fit(features, targets)


def fit_sentences(
    features: NDArray[np.float64],
    sentences: list[Sentence],
    made: list[Composition],
) -> Arrays:
    """Fit what a sentence does, and what the sentences of a reply say together.

    The second head learns from predictions for sentences that the first had not seen, in no
    language: translations of a sentence are in one fold.

    Args:
        features: One row a sentence.
        sentences: Our sentences.
        made: Replies composed of them.
    """
    targets = np.array([sentence.target for sentence in sentences])
    folds = np.array([sentence.fold for sentence in sentences])
    predicted = np.zeros((len(sentences), len(heads.SENTENCE_CLASSES)))
    for fold in range(FOLDS):
        model = _fitted(features[folds != fold], targets[folds != fold], SENTENCE_PENALTY)
        predicted[folds == fold] = model.predict_proba(features[folds == fold])
    pooled = np.array([heads.pooled_features(predicted[list(each.sentences)]) for each in made])
    second = _fitted(pooled, np.array([each.label for each in made]), POOLED_PENALTY)
    first = _fitted(features, targets, SENTENCE_PENALTY)
    return {
        "sentence_weights": first.coef_,
        "sentence_bias": first.intercept_,
        "pooled_weights": second.coef_,
        "pooled_bias": second.intercept_,
    }


def fit_reply(features: NDArray[np.float64], refused: NDArray[np.bool_]) -> Arrays:
    """Fit whether a reply to a request refuses at least something, shape (n, 770) and (n,)."""
    model = _fitted(features, refused.astype(np.int64), REPLY_PENALTY)
    return {"reply_weights": model.coef_[0], "reply_bias": model.intercept_}


def fit_platt(scores: NDArray[np.float64], refused: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit slope and offset that turn scores into probabilities."""
    model = LogisticRegression(C=1e6, max_iter=400).fit(scores[:, None], refused.astype(np.int64))
    return np.array([model.coef_[0, 0], model.intercept_[0]])
