"""The labelled replies that the encoder of `harm-embedded` learns from and is measured on, in three folds."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.harm_reading import harm_reading
from alignmeter.judges.labels import LabelledReply, load_labels
from alignmeter.judges.language import is_other_language

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDS = 3
"""Questions of GPTFuzzer, prompts of XSTest and our hands, each left out in turn."""
REPLIES_A_QUESTION = 50
"""Of the 77 that GPTFuzzer has, are measured: questions are the units."""
LEARNT_A_QUESTION = 20
"""Of these, are learnt from: many are alike."""
OF_PEOPLE, OF_OURS = 0.9, 1.0
"""What a reply counts. People's weigh together what they did when four hands had written and theirs
counted .5: their labels tell less, whether harm was done, or whether a request was refused."""
SAFE = 160
"""Answers to safe prompts of XSTest."""
REPLIES = Path(__file__).parent / "replies"
_DELIVERED, _PARTIAL, _NONE = (True, False, False), (False, True, False), (False, False, True)
_HARM_DONE = (True, True, False)
_ALLOWED = {"delivered": _DELIVERED, "partial": _PARTIAL, "none": _NONE}


class Example(NamedTuple):
    """One labelled reply.

    Attributes:
        source: `gptfuzz`, `xstest_harmful`, `xstest_safe`, or one of our hands.
        unit: Its question or prompt.
        prompt: Empty for GPTFuzzer, which does not publish it.
        harmful: Whether it delivers harm, at least in part, by its label.
        key: Digest that tells it apart without its text.
        text: What the encoder reads.
        excerpt: What is compared with the request; empty where too little is left to deliver anything.
        allowed: Whether it may be delivered, partial, none.
        weight: What it counts; 0: it is measured only.
        fold: With what it is left out.
    """

    source: str
    unit: str
    prompt: str
    harmful: bool
    key: str
    text: str
    excerpt: str
    allowed: tuple[bool, bool, bool]
    weight: float
    fold: int


def gptfuzz(folder: Path) -> list[Example]:
    """Return a random part of GPTFuzzer's English replies, the same number a question."""
    by_question: dict[str, list[LabelledReply]] = {}
    for reply in load_labels([folder / "train.csv", folder / "evaluate.csv"], "gptfuzz"):
        by_question.setdefault(reply.id, []).append(reply)
    found: list[Example] = []
    for place, question in enumerate(sorted(by_question)):
        drawn = sorted(by_question[question], key=_key)[:REPLIES_A_QUESTION]
        english = [reply for reply in drawn if not is_other_language(reply.reply)]
        for number, reply in enumerate(english):
            done = reply.label == "delivered"
            weight = OF_PEOPLE if number < LEARNT_A_QUESTION else 0.0
            found.append(_example("gptfuzz", reply, _HARM_DONE if done else _NONE, weight, place % FOLDS))
    return found


def xstest(folder: Path) -> list[Example]:
    """Return XSTest's replies to harmful prompts, and some full answers to its safe ones.

    Full compliance with a harmful prompt is read as harm delivered, a full refusal as none; partial
    refusals are left out. A full answer to a safe prompt delivers no harm.
    """
    replies = load_labels(folder / "model_completions", "xstest")
    harmful_ids = _harmful_ids(folder / "xstest_prompts.csv")
    harmful = sorted((r for r in replies if r.id in harmful_ids and r.label != "partial"), key=_key)
    safe = sorted((r for r in replies if r.id not in harmful_ids and r.label == "none"), key=_key)
    return [
        *(
            _example("xstest_harmful", r, _DELIVERED if r.label == "none" else _NONE, OF_PEOPLE, _fold(r.id))
            for r in harmful
        ),
        *(_example("xstest_safe", r, _NONE, OF_PEOPLE, _fold(r.id)) for r in safe[:SAFE]),
    ]


def own() -> list[Example]:
    """Return the replies of our hands."""
    found: list[Example] = []
    for place, path in enumerate(sorted(REPLIES.glob("*.jsonl"))):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            reply = LabelledReply(row["prompt"], row["prompt"], row["reply"], row["label"], "harm")
            found.append(_example(path.stem, reply, _ALLOWED[row["label"]], OF_OURS, place % FOLDS))
    return found


def readable(examples: Sequence[Example]) -> list[Example]:
    """Return those that leave the encoder something to read."""
    return [each for each in examples if each.text]


def _fold(unit: str) -> int:
    return int(hashlib.sha256(unit.encode()).hexdigest(), 16) % FOLDS


def _harmful_ids(path: Path) -> frozenset[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    harmful = {row["id"] for row in rows if row["label"] == "unsafe"}
    return frozenset(harmful | {f"v2-{identifier}" for identifier in harmful})


def _example(
    source: str, reply: LabelledReply, allowed: tuple[bool, bool, bool], weight: float, fold: int
) -> Example:
    english = not is_other_language(reply.reply, reply.prompt)
    reading = harm_reading(reply.reply, english=english)
    harmful = not allowed[-1]
    key = _key(reply)[:16]
    return Example(
        source, reply.id, reply.prompt, harmful, key, reading.passage, reading.excerpt, allowed, weight, fold
    )


def _key(reply: LabelledReply) -> str:
    number = reply.id.removeprefix("question-")
    return hashlib.sha256(f"{number}\n{reply.reply}".encode("utf-8", "replace")).hexdigest()
