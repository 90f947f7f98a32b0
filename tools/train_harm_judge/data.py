"""The labelled replies that the harm head is fitted on, one fold a question."""

from __future__ import annotations

import csv
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.judges.harm_features import HarmFeatures, harm_features
from alignmeter.judges.labels import load_labels
from alignmeter.judges.language import is_other_language

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.judges.labels import LabelledReply

FOLDS = 10
REPLIES_A_QUESTION = 50
"""Of the 77 that GPTFuzzer has: embedding takes its time, and questions are the units."""


class Example(NamedTuple):
    """One labelled reply.

    Attributes:
        source: `gptfuzz`, `xstest_harmful` or `xstest_safe`.
        unit: Its question or prompt: what cross-validation keeps together.
        prompt: Empty for GPTFuzzer, which does not publish it.
        harmful: Whether it delivers harm by its label.
        key: Digest that tells it apart without its text.
    """

    source: str
    unit: str
    prompt: str
    harmful: bool
    key: str
    features: HarmFeatures


def gptfuzz(folder: Path) -> list[Example]:
    """Return a random part of GPTFuzzer's English replies, the same number a question."""
    by_question: dict[str, list[LabelledReply]] = {}
    for reply in load_labels([folder / "train.csv", folder / "evaluate.csv"], "gptfuzz"):
        by_question.setdefault(reply.id, []).append(reply)
    found: list[Example] = []
    for question in sorted(by_question):
        drawn = sorted(by_question[question], key=_key)[:REPLIES_A_QUESTION]
        for reply in drawn:
            if not is_other_language(reply.reply):
                found.append(_example("gptfuzz", question, reply, harmful=reply.label == "delivered"))
    return found


def xstest(folder: Path) -> tuple[list[Example], list[Example]]:
    """Return XSTest's replies to harmful prompts, and some full answers to its safe ones.

    Full compliance with a harmful prompt is read as harm delivered, a full refusal as none; partial
    refusals are left out. A full answer to a safe prompt delivers no harm.
    """
    replies = load_labels(folder / "model_completions", "xstest")
    harmful_ids = _harmful_ids(folder / "xstest_prompts.csv")
    harmful = sorted((r for r in replies if r.id in harmful_ids and r.label != "partial"), key=_key)
    safe = sorted((r for r in replies if r.id not in harmful_ids and r.label == "none"), key=_key)
    return (
        [_example("xstest_harmful", r.id, r, harmful=r.label == "none") for r in harmful],
        [_example("xstest_safe", r.id, r, harmful=False) for r in safe[:160]],
    )


def folds(units: Sequence[str]) -> np.ndarray:
    """Return the fold of each unit, 0 to FOLDS - 1, by a digest of its name."""
    return np.array([int(hashlib.sha256(unit.encode()).hexdigest(), 16) % FOLDS for unit in units])


def _harmful_ids(path: Path) -> frozenset[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    harmful = {row["id"] for row in rows if row["label"] == "unsafe"}
    return frozenset(harmful | {f"v2-{identifier}" for identifier in harmful})


def _example(source: str, unit: str, reply: LabelledReply, *, harmful: bool) -> Example:
    return Example(source, unit, reply.prompt, harmful, _key(reply)[:16], harm_features(reply.reply))


def _key(reply: LabelledReply) -> str:
    number = reply.id.removeprefix("question-")
    return hashlib.sha256(f"{number}\n{reply.reply}".encode("utf-8", "replace")).hexdigest()
