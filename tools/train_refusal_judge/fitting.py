"""Fit the heads: penalised logistic regressions, and a few small nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

if TYPE_CHECKING:
    from examples import Sentence
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float64]]
    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

SENTENCE_PENALTY = 10.0
ENGLISH_PENALTY = 0.3
BOTH_PENALTY = 1.0
"""Inverse strengths of the penalty (`C`), set on the odd-numbered prompts of XSTest and on our sentences."""
NETS, HIDDEN, NET_PENALTY, STEPS, RATE = 5, 16, 3.0, 60, 2e-3
"""Chosen on our replies, languages left out."""
PARTIAL_WEIGHT = 2.0
"""Partial refusals are one in ten and would otherwise hardly ever be named."""
_LEAST_SPREAD = 0.05
NONE, PARTIAL, FULL = range(3)


def fit_sentences(features: Floats, sentences: list[Sentence]) -> Arrays:
    """Fit what a sentence does, shape (n, 384)."""
    targets = np.array([sentence.target for sentence in sentences])
    model = _regression(features, targets, SENTENCE_PENALTY)
    return {"sentence_weights": model.coef_, "sentence_bias": model.intercept_}


def fit_english(features: Floats, labels: Labels) -> Arrays:
    """Fit whether an English reply refuses anything, and gives anything; shapes (n, 770) and (n,)."""
    models = [
        _regression(features, target.astype(np.int64), ENGLISH_PENALTY)
        for target in (labels != NONE, labels != FULL)
    ]
    return {
        "english_weights": np.vstack([model.coef_[0] for model in models]),
        "english_bias": np.array([model.intercept_[0] for model in models]),
    }


def fit_nets(features: Floats, labels: Labels) -> Arrays:
    """Fit the nets of all languages; standardising the features is folded into their first layer."""
    centre, spread = features.mean(axis=0), features.std(axis=0) + _LEAST_SPREAD
    scaled = (features - centre) / spread
    first, first_bias, second, second_bias = [], [], [], []
    for seed in range(NETS):
        net = MLPClassifier(
            (HIDDEN,), alpha=NET_PENALTY, max_iter=STEPS, learning_rate_init=RATE, random_state=seed
        ).fit(scaled, labels)
        weights = net.coefs_[0].T / spread
        first.append(weights)
        first_bias.append(net.intercepts_[0] - weights @ centre)
        second.append(net.coefs_[1].T)
        second_bias.append(net.intercepts_[1])
    return {
        "net_first": np.stack(first),
        "net_first_bias": np.stack(first_bias),
        "net_second": np.stack(second),
        "net_second_bias": np.stack(second_bias),
    }


def fit_both(features: Floats, labels: Labels) -> Arrays:
    """Fit how rules and heads are weighed, shape (n, 7): refuses anything, and if so gives anything."""
    refuses = LogisticRegression(C=BOTH_PENALTY, max_iter=400).fit(
        features, (labels != NONE).astype(np.int64)
    )
    some = labels != NONE
    stress = np.where(labels == PARTIAL, PARTIAL_WEIGHT, 1.0)
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
