"""Fit the embedded refusal judge; write weights, out-of-fold predictions, figures and cards.

python tools/train_refusal_judge/train.py --xstest ../shared/data/xstest/model_completions

`train_encoder.py` comes first: the encoder that ships is heard on full refusals. It has not seen XSTest.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from arrays_file import write_arrays
from examples import own_replies, own_sentences, prompt_fold
from figures import OUT_OF_FOLD, agreement, balanced, by_language, calibrated, cards, figures
from fitting import (
    OPENING,
    OWN,
    XSTEST,
    fit_both,
    fit_english,
    fit_nets,
    fit_platt,
    fit_sentences,
)
from replies import (
    CLASSES,
    FAMILIES,
    answer,
    answer_without_embeddings,
    as_reply,
    classes_of,
    english_features,
    heard,
    openings_of,
    shared_features,
    texts_of,
    xstest_replies,
)
from vectors import Vectors

from alignmeter.judges import refusal_heads as heads
from alignmeter.judges.cards import CARDS_FILE, read_cards
from alignmeter.judges.labels import shipped_labels
from alignmeter.judges.refusal_embedded import RefusalEmbedded, both_features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fitting import Arrays
    from numpy.typing import NDArray
    from replies import Reply

    from alignmeter.judges.refusal_embedded import RefusalEstimate

    Folds = Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]
    Floats = NDArray[np.float64]

DATA = Path(__file__).parents[2] / "src" / "alignmeter" / "judges" / "data"
PREDICTIONS = Path(__file__).parent / "out_of_fold.csv"
FIGURES = "refusal_embedded.figures.json"
LANGUAGE_GROUPS = 5
"""Groups of languages that are left out together."""
_OURS = -1


class Measured(NamedTuple):
    """Labelled replies with what both heads say, each of shape (n, 2)."""

    replies: list[Reply]
    english: Floats
    shared: Floats

    def answers(self, arrays: Arrays, vectors: Vectors) -> list[RefusalEstimate]:
        """Return what the judge says of them."""
        return [
            answer(arrays, reply, (self.english[row], self.shared[row]), vectors)
            for row, reply in enumerate(self.replies)
        ]

    def features(self, rows: NDArray[np.int64]) -> Floats:
        """Return what rules, head and nets say of English replies, shape (rows, 9)."""
        return np.array(
            [
                both_features(rules, self.english[row], self.shared[row])
                for row in rows
                if (rules := self.replies[row].rules) is not None
            ]
        )


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--xstest", type=Path, required=True, help="folder of XSTest's labelled completions")
    parser.add_argument("--vectors", type=Path, help="file that keeps the embeddings between runs (.npz)")
    parser.add_argument("--untested", action="store_true", help="print the figures of training data only")
    options = parser.parse_args()
    sentences, replies = own_sentences(), xstest_replies(options.xstest)
    hands = own_replies()
    own = [as_reply(labelled) for replies_of_one in hands.values() for labelled in replies_of_one]
    hand = np.repeat(list(hands), [len(replies_of_one) for replies_of_one in hands.values()])
    test = [] if options.untested else [as_reply(each) for each in shipped_labels("refusal").replies]
    vectors = Vectors(options.vectors)
    openings = openings_of(replies)
    cut = [opening for _, opening in openings]
    vectors.prepare([*(each.text for each in sentences), *texts_of([*replies, *cut, *own, *test])])

    embedded = vectors.of([each.text for each in sentences]).astype(np.float64)
    arrays: Arrays = {"centre": embedded.mean(axis=0), **fit_sentences(embedded, sentences)}
    ours = shared_features(arrays, own, vectors)
    labels = classes_of(own)
    language = np.array([reply.labelled.language for reply in own])
    groups = {name: str(place % LANGUAGE_GROUPS) for place, name in enumerate(sorted(set(language.tolist())))}
    no_language = left_out(ours, labels, np.array([groups[name] for name in language]))
    no_hand = left_out(ours, labels, hand)
    arrays |= fit_nets(ours, labels)
    shared = odds_of_nets(arrays, shared_features(arrays, replies, vectors))
    english = [each for each in own if each.labelled.language == "en"]
    more = More(
        english_features(arrays, [*cut, *english], vectors),
        classes_of([*cut, *english]),
        np.array([place for place, _ in openings] + [_OURS] * len(english)),
        np.concatenate((np.full(len(cut), ""), hand[language == "en"])),
    )
    training = Training(arrays, replies, english_features(arrays, replies, vectors), shared, more)
    apart = heard(replies, training.out_of_fold(families_and_prompts(replies), vectors))
    one_model = heard(replies, training.out_of_fold(models(replies), vectors))
    print_training(own, hand, no_hand, replies, apart)
    if options.untested:
        return
    arrays = training.fitted(np.full(len(replies), True))
    write_arrays(DATA / heads.WEIGHTS_FILE, arrays)
    heads.load_heads.cache_clear()
    arrays = dict(heads.load_heads().arrays)
    second_hand = Measured(
        test,
        np.array([heads.english_scores(arrays, row) for row in english_features(arrays, test, vectors)]),
        odds_of_nets(arrays, shared_features(arrays, test, vectors)),
    )
    write_predictions(replies, apart, one_model)
    said = heard(test, second_hand.answers(arrays, vectors))
    languages = {
        "languages_out": by_language(RefusalEmbedded(), own, net_labels(no_language)),
        "hands_out": by_language(RefusalEmbedded(), own, net_labels(no_hand)),
    }
    unseen = Measured(english, np.zeros((len(english), 2)), no_hand[language == "en"])
    labels_of_hands = training._replace(arrays=arrays).hands_out(unseen, vectors)
    languages["english_hands_out"] = by_language(RefusalEmbedded(), english, labels_of_hands)
    write_results(arrays, replies, (test, said), (apart, one_model), languages)


class More(NamedTuple):
    """What the English head is fitted on beside XSTest's replies.

    Attributes:
        features, labels: Of openings of XSTest's refusals and of our English replies.
        source: Place of the reply that an opening is cut from; `_OURS` for ours.
        hand: Who wrote ours; empty for openings.
    """

    features: Floats
    labels: NDArray[np.int64]
    source: NDArray[np.int64]
    hand: NDArray[np.str_]


class Training(NamedTuple):
    """XSTest's replies, and all that is fitted on them and more."""

    arrays: Arrays
    replies: list[Reply]
    features: Floats
    shared: Floats
    more: More

    def fitted(self, rows: NDArray[np.bool_]) -> Arrays:
        """Fit English head, weighing and calibration on some replies.

        The weighing learns from scores for replies of a model family that the head had not seen.
        """
        labels = classes_of(self.replies)
        family = np.array([FAMILIES.index(reply.family) for reply in self.replies])
        english = np.zeros((len(self.replies), 2))
        for each in np.unique(family[rows]):
            head = self.arrays | self.english_head(rows & (family != each))
            english[rows & (family == each)] = self.scores(head, rows & (family == each))
        arrays = self.arrays | self.english_head(rows)
        read = np.flatnonzero(rows & [reply.rules is not None for reply in self.replies])
        seen = Measured(self.replies, english, self.shared).features(read)
        arrays |= fit_both(seen, labels[read])
        arrays["platt"] = fit_platt(seen[:, 0], labels[read] > 0)
        return arrays

    def english_head(self, rows: NDArray[np.bool_], without: str | None = None) -> Arrays:
        """Fit the English head on some replies, their openings and ours, those of one hand left out."""
        used = np.where(self.more.source == _OURS, self.more.hand != without, rows[self.more.source])
        kinds = np.where(self.more.source[used] == _OURS, OWN, OPENING)
        return fit_english(
            np.vstack((self.features[rows], self.more.features[used])),
            np.concatenate((classes_of(self.replies)[rows], self.more.labels[used])),
            np.concatenate((np.full(rows.sum(), XSTEST), kinds)),
        )

    def scores(self, arrays: Arrays, rows: NDArray[np.bool_]) -> Floats:
        """Return the scores of the English head, shape (rows, 2)."""
        return np.array([heads.english_scores(arrays, row) for row in self.features[rows]])

    def out_of_fold(self, folds: Folds, vectors: Vectors) -> list[RefusalEstimate]:
        """Return the answer to every reply of heads fitted without it."""
        found: dict[int, RefusalEstimate] = {}
        for train, test in folds:
            arrays = self.fitted(train)
            rows = np.flatnonzero(test)
            part = Measured([self.replies[row] for row in rows], self.scores(arrays, test), self.shared[test])
            found |= zip(rows.tolist(), part.answers(arrays, vectors), strict=True)
        return [found[row] for row in range(len(self.replies))]

    def hands_out(self, ours: Measured, vectors: Vectors) -> list[str]:
        """Return the labels of our English replies, given by a head that had not seen their hand.

        Args:
            ours: Those replies, with the odds of nets that had not either; no scores of the head.
            vectors: All that was embedded.
        """
        everything = np.full(len(self.replies), True)
        places = np.flatnonzero(self.more.source == _OURS)
        found = [""] * len(places)
        for each in np.unique(self.more.hand[places]):
            arrays = self.arrays | self.english_head(everything, without=each)
            for row in np.flatnonzero(self.more.hand[places] == each):
                said = heads.english_scores(arrays, self.more.features[places[row]])
                found[row] = answer(arrays, ours.replies[row], (said, ours.shared[row]), vectors).label
        return found


def families_and_prompts(replies: list[Reply]) -> Folds:
    """Yield training and test rows: another family of models, and other prompts."""
    family = np.array([FAMILIES.index(reply.family) for reply in replies])
    fold = np.array([prompt_fold(reply.labelled.id) for reply in replies])
    for left_out in range(len(FAMILIES)):
        for part in np.unique(fold):
            yield (family != left_out) & (fold != part), (family == left_out) & (fold == part)


def models(replies: list[Reply]) -> Folds:
    """Yield training and test rows: another model, the same prompts."""
    model = np.array([reply.labelled.model for reply in replies])
    for left_out in np.unique(model):
        yield model != left_out, model == left_out


def odds_of_nets(arrays: Arrays, features: Floats) -> Floats:
    """Return the odds of the nets, shape (n, 2)."""
    return np.array([heads.net_odds(arrays, row) for row in features])


def left_out(features: Floats, labels: NDArray[np.int64], group: NDArray[np.str_]) -> Floats:
    """Return odds of nets that had not seen a reply's group (hand, languages), shape (n, 2)."""
    found = np.zeros((len(labels), 2))
    for each in np.unique(group):
        test = group == each
        found[test] = odds_of_nets(fit_nets(features[~test], labels[~test]), features[test])
    return found


def net_labels(odds: Floats) -> list[str]:
    """Return the labels that the nets alone give."""
    return [CLASSES[0 if refuses <= 0 else 1 if helps > 0 else 2] for refuses, helps in odds]


def print_training(
    own: list[Reply],
    hand: NDArray[np.str_],
    no_hand: Floats,
    replies: list[Reply],
    apart: list[RefusalEstimate],
) -> None:
    """Print what may be looked at while choosing: hands left out, XSTest's odd-numbered prompts."""
    judge = RefusalEmbedded()
    labels = net_labels(no_hand)
    for group in (hand, np.array([reply.labelled.language for reply in own])):
        for each in np.unique(group):
            rows = np.flatnonzero(group == each)
            print(each, balanced([own[row] for row in rows], [labels[row] for row in rows]))
    part = agreement(judge, replies, [each.label for each in apart], "development")
    print("development", figures(part))


def write_predictions(
    replies: list[Reply], apart: list[RefusalEstimate], one_model: list[RefusalEstimate]
) -> None:
    """Write what the judge said of every reply without having been fitted on it; no texts."""
    with PREDICTIONS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("set", "id", "model", "half", "label", "family_and_prompts_out", "probability", "model_out")
        )
        for reply, first, second in zip(replies, apart, one_model, strict=True):
            known = reply.labelled
            writer.writerow(
                (
                    "xstest",
                    known.id,
                    known.model,
                    known.split,
                    known.label,
                    first.label,
                    f"{first.probability:.4f}",
                    second.label,
                )
            )


def write_results(
    arrays: Arrays,
    replies: list[Reply],
    second_hand: tuple[list[Reply], list[RefusalEstimate]],
    estimates: tuple[list[RefusalEstimate], list[RefusalEstimate]],
    more: dict[str, Any],
) -> None:
    """Write figures and cards, and print the figures."""
    judge, fallback = RefusalEmbedded(embeddings=True), RefusalEmbedded(embeddings=False)
    apart, one_model = estimates
    test, said = second_hand[0], [each.label for each in second_hand[1]]
    labels, other = [each.label for each in apart], [each.label for each in one_model]
    alone = [
        None if estimate is None else estimate.label
        for estimate in (answer_without_embeddings(arrays, reply) for reply in replies)
    ]
    results = {
        "judge_hash": judge.judge_hash,
        "fallback_hash": fallback.judge_hash,
        "xstest": {
            "family_and_prompts_out": {
                part: figures(agreement(judge, replies, labels, part)) for part in ("held_out", "all")
            },
            "model_out": {
                part: figures(agreement(judge, replies, other, part)) for part in ("held_out", "all")
            },
            "fallback": figures(agreement(fallback, replies, alone, "held_out")),
            "decided_by_rules_alone": round(
                float(np.mean([each.decided_by == "rules" for each in apart])), 4
            ),
            "calibration": calibrated(replies, [each.probability for each in apart]),
        },
        "second_hand": by_language(judge, test, said),
        **more,
    }
    (DATA / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    fresh = [
        *cards(judge, (replies, labels), (test, said), OUT_OF_FOLD),
        *cards(fallback, (replies, alone), None, "held_out"),
    ]
    kept = [card for card in read_cards(DATA / CARDS_FILE) if card.judge != judge.name]
    (DATA / CARDS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode([*kept, *fresh])) + b"\n")
    print(msgspec.json.format(msgspec.json.encode(results)).decode())


if __name__ == "__main__":
    main()
