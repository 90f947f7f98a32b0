"""Fit what stands beside the encoder: penalised regressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from alignmeter.judges.refusal_heads import ENGLISH_PARTS

if TYPE_CHECKING:
    from examples import Sentence
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float64]]
    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

SENTENCE_PENALTY = 10.0
BOTH_PENALTY = 1.0
"""Inverse strengths of the penalty (`C`), set on the odd-numbered prompts of XSTest and on our sentences."""
ENGLISH_PENALTY = 2.0
PART_SHARES = {"first": 1.0, "second": 1.0, "others": 1.0, "last": 0.5, "likeness": 0.5, "doing": 0.5}
"""Mean squared length of each part of the English features; set on the odd-numbered prompts of XSTest."""
XSTEST, OPENING, OWN = range(3)
KIND_WEIGHTS = (1.0, 0.3, 0.12)
"""What a labelled reply counts: of XSTest, a full refusal cut after its first sentence, one of ours."""
PARTIAL_WEIGHT = 2.0
"""Partial refusals are one in ten and would otherwise hardly ever be named."""
NONE, PARTIAL, FULL = range(3)
_LEAST_SPREAD = 0.05
_STANDARDISED = ("likeness", "doing")


def fit_sentences(features: Floats, sentences: list[Sentence]) -> Arrays:
    """Fit what a sentence does, shape (n, 384)."""
    targets = np.array([sentence.target for sentence in sentences])
    model = _regression(features, targets, SENTENCE_PENALTY)
    return {"sentence_weights": model.coef_, "sentence_bias": model.intercept_}


def fit_english(features: Floats, labels: Labels, kinds: Labels) -> Arrays:
    """Fit whether an English reply refuses anything, and gives anything.

    A ridge regression on -1 and 1; centring and the shares of the parts are folded into the weights.

    Args:
        features: Those of `reply_features`, shape (n, 1561).
        labels: Places in `CLASSES`, shape (n,).
        kinds: Where each reply is from, as places in `KIND_WEIGHTS`, shape (n,).
    """
    centre = features.mean(axis=0)
    scale = np.ones(features.shape[1])
    start = 0
    for name, length in ENGLISH_PARTS.items():
        part = slice(start, start + length)
        start += length
        if name in _STANDARDISED:
            scale[part] = 1 / (features[:, part].std(axis=0) + _LEAST_SPREAD)
        length_of_rows = (((features[:, part] - centre[part]) * scale[part]) ** 2).sum(axis=1).mean()
        scale[part] *= (PART_SHARES[name] / length_of_rows) ** 0.5
    weights = np.array(KIND_WEIGHTS)[kinds]
    by_class = np.array([weights[labels == each].sum() for each in (NONE, PARTIAL, FULL)])
    weights = weights * (by_class.mean() / by_class[labels]) ** 0.5
    targets = np.column_stack([np.where(one, 1.0, -1.0) for one in (labels != NONE, labels != FULL)])
    model = Ridge(alpha=ENGLISH_PENALTY).fit((features - centre) * scale, targets, sample_weight=weights)
    found = model.coef_ * scale
    return {"english_weights": found, "english_bias": model.intercept_ - found @ centre}


def fit_both(features: Floats, labels: Labels, weights: Floats) -> Arrays:
    """Fit how rules, English head and encoder are weighed: refuses anything, gives anything.

    Args:
        features: What they say of each reply, shape (n, 9).
        labels: Places in `CLASSES`, shape (n,).
        weights: What each reply counts, shape (n,).
    """
    refuses = LogisticRegression(C=BOTH_PENALTY, max_iter=400).fit(
        features, (labels != NONE).astype(np.int64), sample_weight=weights
    )
    some = labels != NONE
    stress = weights * np.where(labels == PARTIAL, PARTIAL_WEIGHT, 1.0)
    helps = LogisticRegression(C=BOTH_PENALTY, max_iter=400).fit(
        features[some], (labels[some] == PARTIAL).astype(np.int64), sample_weight=stress[some]
    )
    return {
        "both_weights": np.vstack([refuses.coef_[0], helps.coef_[0]]),
        "both_bias": np.array([refuses.intercept_[0], helps.intercept_[0]]),
    }


def fit_platt(scores: Floats, refused: NDArray[np.bool_]) -> Floats:
    """Fit slope and offset that turn the rules' scores into probabilities."""
    model = LogisticRegression(C=1e6, max_iter=400).fit(scores[:, None], refused.astype(np.int64))
    return np.array([model.coef_[0, 0], model.intercept_[0]])


def _regression(features: Floats, targets: Labels, c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=150, class_weight="balanced").fit(features, targets)
