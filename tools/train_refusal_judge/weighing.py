"""The English head, and how it is weighed with rules and encoder: fitted on XSTest's people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from examples import prompt_fold
from fitting import KIND_WEIGHTS, OPENING, OWN, XSTEST, fit_both, fit_english, fit_platt
from replies import FAMILIES, Heard, classes_of

from alignmeter.judges import refusal_heads as heads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fitting import Arrays
    from numpy.typing import NDArray
    from replies import Reply

    from alignmeter.judges.refusal_embedded import RefusalEstimate

    Floats = NDArray[np.float64]
    Folds = Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]

OURS = -1


class More(NamedTuple):
    """What the English head is fitted on beside XSTest's replies.

    Attributes:
        features, labels: Of openings of XSTest's refusals and of our English replies.
        source: Place of the reply that an opening is cut from; `OURS` for ours.
        hand: Who wrote ours; empty for openings.
    """

    features: Floats
    labels: NDArray[np.int64]
    source: NDArray[np.int64]
    hand: NDArray[np.str_]


class Unheard(NamedTuple):
    """Replies of our hands that an encoder had not seen anything of.

    Attributes:
        replies: The replies.
        chances: What that encoder says of them, shape (n, 3).
        features: What the English head reads of them, shape (n, 1561); 0 for those in other languages.
        hand: Who wrote each.
    """

    replies: Sequence[Reply]
    chances: Floats
    features: Floats
    hand: NDArray[np.str_]


class Weighing(NamedTuple):
    """XSTest's replies, and all that is fitted on them and more.

    Attributes:
        replies: The replies.
        features: What the English head reads of them, shape (n, 1561).
        chances: What encoders say of them that have not seen them, shape (n, 3).
        more: What else the head is fitted on.
        unheard: What the weighing is fitted on beside them.

    What encoders say of the replies that the weighing is fitted on comes from other folds, and they may have
    seen the replies that are answered; so may the heads that hear them where a hand is left out. That reaches
    the answer through the weighing's twenty numbers only.
    """

    replies: Sequence[Reply]
    features: Floats
    chances: Floats
    more: More
    unheard: Unheard

    def fitted(self, rows: NDArray[np.bool_], without: str | None = None) -> Arrays:
        """Fit English head, weighing and calibration on some replies and ours, those of one hand left out.

        The weighing learns from scores of heads that had seen neither the model family of a reply nor its
        half of the prompts, as the encoder had not; for replies of ours, not their hand.
        """
        english = np.zeros((len(self.replies), 2))
        for seen, unseen in families_and_halves(self.replies):
            apart = rows & unseen
            if apart.any():
                english[apart] = scores(self.english_head(rows & seen), self.features[apart])
        heard = Heard(self.replies, self.chances, english).part(np.flatnonzero(rows))
        own = self._heard_of_ours(rows, without)
        (features, labels), (own_features, own_labels) = heard.weighed(), own.weighed()
        both = fit_both(
            np.vstack((features, own_features)),
            np.concatenate((labels, own_labels)),
            np.repeat((KIND_WEIGHTS[XSTEST], KIND_WEIGHTS[OWN]), (len(labels), len(own_labels))),
        )
        return self.english_head(rows, without) | both | {"platt": fit_platt(*heard.ruled())}

    def _heard_of_ours(self, rows: NDArray[np.bool_], without: str | None) -> Heard:
        """Return our English replies, those of one hand left out, by heads that had not seen their hand."""
        replies, chances, features, hand = self.unheard
        english = np.zeros((len(replies), 2))
        weighed = np.array([reply.weighed for reply in replies])
        for each in np.unique(hand[weighed & (hand != without)]):
            mine = weighed & (hand == each)
            english[mine] = scores(self.english_head(rows, each), features[mine])
        return Heard(replies, chances, english).part(np.flatnonzero(weighed & (hand != without)))

    def english_head(self, rows: NDArray[np.bool_], without: str | None = None) -> Arrays:
        """Fit the English head on some replies, their openings and ours, those of one hand left out."""
        used = np.where(self.more.source == OURS, self.more.hand != without, rows[self.more.source])
        kinds = np.where(self.more.source[used] == OURS, OWN, OPENING)
        return fit_english(
            np.vstack((self.features[rows], self.more.features[used])),
            np.concatenate((classes_of(self.replies)[rows], self.more.labels[used])),
            np.concatenate((np.full(rows.sum(), XSTEST), kinds)),
        )

    def out_of_fold(self, folds: Folds) -> list[RefusalEstimate]:
        """Return the answer to every reply by heads fitted without it."""
        found: dict[int, RefusalEstimate] = {}
        for train, test in folds:
            arrays = self.fitted(train)
            rows = np.flatnonzero(test)
            english = scores(arrays, self.features[test])
            part = Heard([self.replies[row] for row in rows], self.chances[test], english)
            found |= zip(rows.tolist(), part.answers(arrays), strict=True)
        return [found[row] for row in range(len(self.replies))]

    def hands_out(self) -> list[RefusalEstimate]:
        """Return the answer to the replies of ours by head and weighing that had not seen their hand."""
        replies, chances, features, hand = self.unheard
        everything = np.full(len(self.replies), fill_value=True)
        found: dict[int, RefusalEstimate] = {}
        for each in np.unique(hand):
            rows = np.flatnonzero(hand == each)
            arrays = self.fitted(everything, without=each)
            part = Heard([replies[row] for row in rows], chances[rows], scores(arrays, features[rows]))
            found |= zip(rows.tolist(), part.answers(arrays), strict=True)
        return [found[row] for row in range(len(hand))]


def scores(arrays: Arrays, features: Floats) -> Floats:
    """Return the scores of the English head, shape (n, 2)."""
    return np.array([heads.english_scores(arrays, row) for row in features])


def families_and_prompts(replies: Sequence[Reply]) -> Folds:
    """Yield training and test rows: another family of models, and another fifth of the prompts."""
    return _families_and(replies, np.array([prompt_fold(reply.labelled.id) for reply in replies]))


def families_and_halves(replies: Sequence[Reply]) -> Folds:
    """Yield training and test rows: another family of models, and the other half of the prompts."""
    return _families_and(replies, np.array([reply.labelled.split for reply in replies]))


def models(replies: Sequence[Reply]) -> Folds:
    """Yield training and test rows: another model, the same prompts."""
    model = np.array([reply.labelled.model for reply in replies])
    for left_out in np.unique(model):
        yield model != left_out, model == left_out


def _families_and(replies: Sequence[Reply], part: NDArray[Any]) -> Folds:
    family = np.array([reply.family for reply in replies])
    for left_out in FAMILIES:
        for each in np.unique(part):
            yield (family != left_out) & (part != each), (family == left_out) & (part == each)
