"""Train the encoder of the judge `harm-embedded`, measure it out of fold, write weights and card.

python tools/train_harm_judge/train.py --data ../shared/data --work FOLDER

Nothing is downloaded: the lower layers come from the extra `embed`, the start of the upper ones from
`refusal-embedded` as it ships. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from data import FOLDS, Example, gptfuzz, own, readable, xstest  # noqa: E402

from alignmeter.judges import harm_embedded as judge  # noqa: E402
from alignmeter.judges import refusal_heads  # noqa: E402
from alignmeter.judges.cards import CARDS_FILE, cards_of, read_cards  # noqa: E402
from alignmeter.judges.embedding import embedder  # noqa: E402
from alignmeter.judges.labels import LabelledReply, shipped_labels  # noqa: E402
from alignmeter.judges.reply_encoder import softmax  # noqa: E402
from alignmeter.judges.signals import data_bytes  # noqa: E402
from alignmeter.judges.validation import JudgedReply, ValidationReport, measure, validate  # noqa: E402
from alignmeter.records import CardStratum, HarmResult  # noqa: E402
from train_encoder.arrays_file import write_arrays  # noqa: E402
from train_encoder.upper import Lesson, School, processes, start_from  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

JUDGE_DATA = HERE.parents[1] / "src" / "alignmeter" / "judges" / "data"
OUT_OF_FOLD = HERE / "out_of_fold.csv"
GONE = 1.0
"""Training goes all the way: what refuses is not what delivers, and need not be kept."""
OFF_TOPIC = 0.02
"""Share of answers and deliveries that may fall below the cosine under which a reply counts as off topic."""
EVERYTHING = "everything"


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, help="folder with gptfuzz_labeled and xstest; without: card only"
    )
    parser.add_argument("--work", type=Path, help="folder that keeps what was computed; with --data")
    options = parser.parse_args()
    if options.data is not None:
        if options.work is None:
            parser.error("--data wants --work FOLDER")
        train(options.data, options.work)
    write_card(judge.HarmEmbedded())


def train(folder: Path, work: Path) -> None:
    """Train on all examples and with each fold left out; write weights and out-of-fold predictions."""
    fuzz, people, ours = gptfuzz(folder / "gptfuzz_labeled"), xstest(folder / "xstest"), own()
    examples = [*fuzz, *people, *ours]
    rows = readable(examples)
    counts = np.array([row.weight > 0 for row in rows])
    fold = np.array([row.fold for row in rows])
    with np.load(BytesIO(data_bytes(refusal_heads.LAYERS_FILE)), allow_pickle=False) as stored:
        start = start_from({name: stored[name] for name in stored.files}, work, GONE)
    school = School(rows, work, start)
    apart = [
        Lesson(f"without_{each}", np.flatnonzero(counts & (fold != each)), np.flatnonzero(fold == each))
        for each in range(FOLDS)
    ]
    with processes() as pool:
        nothing = np.empty(0, dtype=np.int64)
        lessons = [Lesson(EVERYTHING, np.flatnonzero(counts), nothing), *apart]
        for begun in school.begin(lessons, pool):
            begun.result()
    said = np.full((len(rows), len(judge.CLASSES)), np.nan)
    for lesson in apart:
        said[lesson.heard] = softmax(school.scores(lesson.name))

    bare = [each for each in fuzz if not each.excerpt]
    empty = (sum(each.harmful for each in bare) + 0.5) / (len(bare) + 1)
    below = off_topic_below([*people, *ours])
    write_arrays(
        JUDGE_DATA / judge.LAYERS_FILE,
        school.tensors(EVERYTHING) | {"empty": np.array(empty), "off_topic_below": np.array(below)},
    )
    for cached in (judge.shipped_head, judge.encoder):
        cached.cache_clear()
    print(f"off topic below {below:.3f}, empty {empty:.4f}")
    write_out_of_fold(examples, rows, said[:, :-1].sum(axis=1), empty)


def off_topic_below(examples: Sequence[Example]) -> float:
    """Return the cosine of prompt and reply that hardly any reply is below that gives what was asked."""
    answers = [e for e in examples if e.excerpt and (e.harmful or e.source == "xstest_safe")]
    replies = embedder().encode([e.excerpt for e in answers])
    prompts = embedder().encode([e.prompt for e in answers])
    return float(np.quantile((replies * prompts).sum(axis=1), OFF_TOPIC))


def write_out_of_fold(
    examples: Sequence[Example], rows: Sequence[Example], probability: NDArray[np.float64], empty: float
) -> None:
    """Write the out-of-fold predictions, as the judge gives them, without their texts."""
    known = {id(e): float(p) for e, p in zip(rows, probability, strict=True) if e.excerpt}
    with OUT_OF_FOLD.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["source", "unit", "reply", "harmful", "probability"])
        for e in examples:
            unit = e.unit if e.prompt == "" or e.source.startswith("xstest") else _digest(e.unit)
            writer.writerow([e.source, unit, e.key, int(e.harmful), f"{known.get(id(e), empty):.4f}"])


def sources() -> tuple[str, ...]:
    """Return where the out-of-fold predictions are from that hold both labels, in the order of the file."""
    with OUT_OF_FOLD.open(encoding="utf-8", newline="") as file:
        labels = dict.fromkeys((row["source"], row["harmful"]) for row in csv.DictReader(file))
    return tuple(dict.fromkeys(source for source, _ in labels if {(source, "0"), (source, "1")} <= {*labels}))


def out_of_fold(source: str, own_judge: judge.HarmEmbedded) -> ValidationReport:
    """Measure the stored out-of-fold predictions of one source."""
    with OUT_OF_FOLD.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == source]
    judged = [
        judged_reply(row["unit"], row["reply"], float(row["probability"]), harmful=row["harmful"] == "1")
        for row in rows
    ]
    return measure(own_judge, judged)


def write_card(own_judge: judge.HarmEmbedded) -> None:
    """Write the card: replies of another hand decide, the training sets' own figures stand beside.

    What it is worth on replies of hands that wrote nothing of what it learnt from, those that ship show.
    """
    reports = {source: out_of_fold(source, own_judge) for source in sources()}
    for source, report in reports.items():
        show(f"{source}, out of fold", report)
    shipped = shipped_labels("harm")
    other = asyncio.run(validate(own_judge, shipped.replies))
    show(shipped.name, other)
    for language in other.languages:
        show(f"{shipped.name} ({language})", other, language)
    (fuzz,) = cards_of(reports["gptfuzz"], data="gptfuzz_labeled")
    stratum = CardStratum(
        by="attack",
        value="jailbreak_template",
        n=fuzz.n,
        abstention=0.0,
        sensitivity=fuzz.sensitivity,
        specificity=fuzz.specificity,
        sensitivity_counts=fuzz.sensitivity_counts,
        specificity_counts=fuzz.specificity_counts,
    )
    (card,) = cards_of(other, data=shipped.name, labels_by="machine")
    path = JUDGE_DATA / CARDS_FILE
    kept = tuple(each for each in read_cards(path) if each.judge != own_judge.name)
    written = (*kept, msgspec.structs.replace(card, strata=(*card.strata, stratum)))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(written)) + b"\n")


def judged_reply(unit: str, key: str, score: float, *, harmful: bool) -> JudgedReply:
    """Return a prediction as a judged reply, its text left out."""
    labelled = LabelledReply(
        id=unit, prompt="", reply=key, label="delivered" if harmful else "none", axis="harm"
    )
    return JudgedReply(
        labelled, HarmResult(label="delivered" if score >= judge.THRESHOLD else "none", score=score)
    )


def show(name: str, report: ValidationReport, language: str | None = None) -> None:
    """Print the figures of one set, or of its replies in one language."""
    part = report.part(language=language)
    event = part.events[0]
    figures = {
        "n": part.n,
        "units": part.prompts,
        "kappa": part.kappa_refused,
        "sensitivity": event.sensitivity,
        "specificity": event.specificity,
        "J": event.informedness,
        "mcc": event.mcc,
        "unscored": part.abstention,
        "calibration error": None if part.calibration is None else part.calibration.error,
    }
    print(name, json.dumps(msgspec.json.decode(msgspec.json.encode(figures), type=dict[str, Any])))
    print("  people x judge (none, partial, delivered, unscored):", *part.confusion)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    main()
