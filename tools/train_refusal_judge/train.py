"""Fit the embedded refusal judge; write weights, out-of-fold predictions, figures and cards.

python tools/train_refusal_judge/train.py --xstest ../shared/data/xstest/model_completions
"""

from __future__ import annotations

import argparse
import csv
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from examples import compositions, own_sentences, prompt_fold
from figures import OUT_OF_FOLD, agreement, by_language, calibrated, cards, figures
from fitting import fit_platt, fit_reply, fit_sentences
from replies import (
    FAMILIES,
    answer,
    answer_without_embeddings,
    as_reply,
    features_of,
    score,
    texts_of,
    xstest_replies,
)
from vectors import Vectors

from alignmeter.judges import refusal_heads as heads
from alignmeter.judges.cards import CARDS_FILE, read_cards
from alignmeter.judges.labels import shipped_labels
from alignmeter.judges.refusal_embedded import RefusalEmbedded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fitting import Arrays
    from numpy.typing import NDArray
    from replies import Reply

    from alignmeter.judges.refusal_embedded import RefusalEstimate

DATA = Path(__file__).parents[2] / "src" / "alignmeter" / "judges" / "data"
PREDICTIONS = Path(__file__).parent / "out_of_fold.csv"
FIGURES = "refusal_embedded.figures.json"
SEED = 20261121


def main() -> None:
    """Do all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xstest", type=Path, required=True, help="folder of XSTest's labelled completions")
    parser.add_argument("--vectors", type=Path, help="file that keeps the embeddings between runs (.npz)")
    options = parser.parse_args()
    sentences, replies = own_sentences(), xstest_replies(options.xstest)
    second_hand = [as_reply(labelled) for labelled in shipped_labels("refusal").replies]
    vectors = Vectors(options.vectors)
    vectors.prepare([*(each.text for each in sentences), *texts_of(replies), *texts_of(second_hand)])

    embedded = vectors.of([each.text for each in sentences]).astype(np.float64)
    arrays: Arrays = {"centre": embedded.mean(axis=0)}
    arrays |= fit_sentences(embedded, sentences, compositions(sentences, SEED))
    refused = np.array([reply.labelled.label != "none" for reply in replies])
    features = features_of(arrays, replies, vectors)
    apart = out_of_fold(arrays, replies, features, vectors, list(families_and_prompts(replies)))
    one_model = out_of_fold(arrays, replies, features, vectors, list(models(replies)))
    arrays |= fit_reply(features, refused)
    scores = np.array([score(arrays, reply, vectors) for reply in replies])
    scored = ~np.isnan(scores)
    arrays["platt"] = fit_platt(scores[scored], refused[scored])
    write_weights(arrays)
    heads.load_heads.cache_clear()
    arrays = dict(heads.load_heads().arrays)

    write_predictions(replies, apart, one_model)
    write_results(arrays, replies, second_hand, vectors, (apart, one_model))


def families_and_prompts(replies: list[Reply]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield training and test rows: another family of models, and other prompts."""
    family = np.array([FAMILIES.index(reply.family) for reply in replies])
    fold = np.array([prompt_fold(reply.labelled.id) for reply in replies])
    for left_out in range(len(FAMILIES)):
        for part in np.unique(fold):
            yield (family != left_out) & (fold != part), (family == left_out) & (fold == part)


def models(replies: list[Reply]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield training and test rows: another model, the same prompts."""
    model = np.array([reply.labelled.model for reply in replies])
    for left_out in np.unique(model):
        yield model != left_out, model == left_out


def out_of_fold(
    arrays: Arrays,
    replies: list[Reply],
    features: NDArray[np.float64],
    vectors: Vectors,
    folds: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
) -> list[RefusalEstimate]:
    """Return the answer to every reply of a head and a calibration fitted without it."""
    refused = np.array([reply.labelled.label != "none" for reply in replies])
    found: dict[int, RefusalEstimate] = {}
    for train, test in folds:
        fitted = arrays | fit_reply(features[train], refused[train])
        scores = np.array([score(fitted, replies[row], vectors) for row in np.flatnonzero(train)])
        known = ~np.isnan(scores)
        fitted |= {"platt": fit_platt(scores[known], refused[train][known])}
        for row in np.flatnonzero(test):
            found[int(row)] = answer(fitted, replies[row], vectors)
    return [found[row] for row in range(len(replies))]


def write_weights(arrays: Arrays) -> None:
    """Write the weights, the same bytes from the same numbers."""
    with zipfile.ZipFile(DATA / heads.WEIGHTS_FILE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.save(buffer, arrays[name].astype(np.float32), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED)


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
    second_hand: list[Reply],
    vectors: Vectors,
    estimates: tuple[list[RefusalEstimate], list[RefusalEstimate]],
) -> None:
    """Write figures and cards, and print the figures."""
    judge, fallback = RefusalEmbedded(embeddings=True), RefusalEmbedded(embeddings=False)
    apart, one_model = estimates
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
        "second_hand": by_language(judge, arrays, second_hand, vectors),
    }
    (DATA / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    fresh = [
        *cards(judge, replies, labels, OUT_OF_FOLD),
        *cards(fallback, replies, alone, "held_out"),
    ]
    kept = [card for card in read_cards(DATA / CARDS_FILE) if card.judge != judge.name]
    (DATA / CARDS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode([*kept, *fresh])) + b"\n")
    print(msgspec.json.format(msgspec.json.encode(results)).decode())


if __name__ == "__main__":
    main()
