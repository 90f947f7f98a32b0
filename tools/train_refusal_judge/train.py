"""Fit the embedded refusal judge; write weights, out-of-fold predictions, figures and cards.

python tools/train_refusal_judge/train.py --sets ../shared/data --work FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from examples import codebook_replies, own_replies, own_sentences
from fitting import fit_sentences
from lessons import codebook_passages, teach
from passages import passages
from replies import (
    Heard,
    as_reply,
    classes_of,
    english_features,
    openings_of,
    passage_chances,
    texts_of,
    xstest_replies,
)
from results import DATA, Outcome, print_training, write_predictions, write_results
from vector_cache import VectorCache
from weighing import OURS, More, Unheard, Weighing, families_and_prompts, models, scores

from alignmeter.judges import refusal_heads as heads
from alignmeter.judges.labels import shipped_labels
from train_encoder.arrays_file import write_arrays

if TYPE_CHECKING:
    from collections.abc import Callable

    from fitting import Arrays
    from numpy.typing import NDArray
    from replies import Reply

    Floats = NDArray[np.float64]


def main() -> None:
    """Do all of it; what was done already in the folder is read."""
    options = _options()
    hands, sentences = own_replies(), own_sentences()
    people = xstest_replies(options.sets / "xstest" / "model_completions")
    ours = passages(sentences, hands, options.sets)
    taught = teach(ours, codebook_passages(codebook_replies()), people, options.work)

    own = [as_reply(labelled) for written in hands.values() for labelled in written]
    hand = np.repeat(list(hands), [len(written) for written in hands.values()])
    openings = openings_of(people)
    cut = [opening for _, opening in openings]
    speaks = np.array([reply.rules is not None for reply in own])
    english = [own[row] for row in np.flatnonzero(speaks)]
    test = [] if options.untested else [as_reply(each) for each in shipped_labels("refusal").replies]
    read = [*people, *cut, *english, *(reply for reply in test if reply.rules is not None)]
    vectors = VectorCache(options.work)
    vectors.add([*(each.text for each in sentences), *texts_of(read)])
    embedded = vectors.get([each.text for each in sentences])
    fixed: Arrays = {"centre": embedded.mean(axis=0), **fit_sentences(embedded, sentences)}

    more = more_of(openings, english, hand[speaks], lambda replies: english_features(fixed, replies, vectors))
    mine = np.array([row.source >= 0 for row in ours])
    features = np.zeros((len(own), more.features.shape[1]))
    features[speaks] = more.features[more.source == OURS]
    new = taught.left_out[mine]
    unheard = Unheard(
        [own[row] for row in np.flatnonzero(new)], taught.unseen[mine][new], features[new], hand[new]
    )
    weighing = Weighing(people, english_features(fixed, people, vectors), taught.apart, more, unheard)
    outcome = Outcome(
        ours,
        taught.unseen,
        (people, weighing.out_of_fold(families_and_prompts(people))),
        (people, weighing.out_of_fold(models(people))),
        (unheard.replies, weighing.hands_out()),
    )
    print_training(outcome, unheard.hand)
    if options.untested:
        return
    everything = np.full(len(people), fill_value=True)
    write_arrays(DATA / heads.LAYERS_FILE, taught.tensors)
    write_arrays(DATA / heads.WEIGHTS_FILE, fixed | weighing.fitted(everything))
    heads.load_heads.cache_clear()
    arrays = dict(heads.load_heads().arrays)
    features = np.zeros((len(test), more.features.shape[1]))
    speaks = np.array([reply.rules is not None for reply in test])
    features[speaks] = english_features(arrays, [test[row] for row in np.flatnonzero(speaks)], vectors)
    said = Heard(test, passage_chances(arrays, test), scores(arrays, features)).answers(arrays)
    write_predictions(outcome)
    write_results(outcome, (test, said), arrays)


def more_of(
    openings: list[tuple[int, Reply]],
    english: list[Reply],
    hand: NDArray[np.str_],
    features_of: Callable[[list[Reply]], Floats],
) -> More:
    """Return what the English head is fitted on beside XSTest's replies.

    Args:
        openings: First sentences of XSTest's refusals, with the place of the reply.
        english: Our replies that rules read.
        hand: Who wrote each of ours.
        features_of: What the head reads of replies.
    """
    cut = [opening for _, opening in openings]
    return More(
        np.vstack((features_of(cut), features_of(english))),
        classes_of([*cut, *english]),
        np.array([place for place, _ in openings] + [OURS] * len(english)),
        np.concatenate((np.full(len(cut), ""), hand)),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=Path, required=True, help="folder of public sets")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps what was computed")
    parser.add_argument("--untested", action="store_true", help="print the figures of training data only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
