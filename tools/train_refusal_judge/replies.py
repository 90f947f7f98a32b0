"""Labelled replies as the judge sees them, and its answers with other weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from alignmeter.judges import refusal_embedded as judge
from alignmeter.judges import refusal_heads as heads
from alignmeter.judges.labels import LabelledReply, load_labels
from alignmeter.judges.language import is_other_language
from alignmeter.judges.refusal_units import Units, units_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fitting import Arrays
    from numpy.typing import NDArray
    from vectors import Vectors

    from alignmeter.judges.refusal_embedded import RefusalEstimate

    Floats = NDArray[np.float64]

CLASSES = ("none", "partial", "full")
FAMILIES = ("gpt", "llama", "mistral")


class Reply(NamedTuple):
    """A labelled reply, and what does not depend on any weight.

    Attributes:
        rules: What the English rules see; None for a reply in another language.
    """

    labelled: LabelledReply
    units: Units
    rules: judge.RulesView | None

    @property
    def family(self) -> str:
        """The family of the model that replied."""
        return next(family for family in FAMILIES if family in self.labelled.model)


def xstest_replies(folder: Path) -> list[Reply]:
    """Read the labelled completions of XSTest."""
    return [as_reply(labelled) for labelled in load_labels(folder, "xstest")]


def as_reply(labelled: LabelledReply) -> Reply:
    """Read a labelled reply as the judge does."""
    other = is_other_language(labelled.reply)
    rules = None if other else judge.rules_view(labelled.reply, labelled.prompt)
    return Reply(labelled, units_of(labelled.reply), rules)


def openings_of(replies: list[Reply]) -> list[tuple[int, Reply]]:
    """Return the first sentences of longer full refusals, where the rules see it refuse, as replies.

    Each with the place of the reply that it is cut from. A refusal that ends early is no less full.
    """
    found: list[tuple[int, Reply]] = []
    for place, reply in enumerate(replies):
        if reply.labelled.label == "full" and len(reply.units.texts) > 1:
            opening = as_reply(msgspec.structs.replace(reply.labelled, reply=reply.units.texts[0]))
            if opening.rules is not None and opening.rules.refuses > 0:
                found.append((place, opening))
    return found


def texts_of(replies: Iterable[Reply]) -> list[str]:
    """Return all that is to be embedded."""
    return [
        text for each in replies for text in (*each.units.texts, judge.request_text(each.labelled.prompt))
    ]


def classes_of(replies: list[Reply]) -> NDArray[np.int64]:
    """Return the labels as places in `CLASSES`."""
    return np.array([CLASSES.index(reply.labelled.label) for reply in replies])


def english_features(arrays: Arrays, replies: list[Reply], vectors: Vectors) -> NDArray[np.float64]:
    """Return the features of the English head, shape (n, 1561)."""
    return np.array([heads.reply_features(arrays, *_vectors(reply, vectors)) for reply in replies])


def shared_features(arrays: Arrays, replies: list[Reply], vectors: Vectors) -> NDArray[np.float64]:
    """Return the features of the nets, shape (n, 2335)."""
    return np.array(
        [heads.shared_features(arrays, *_vectors(reply, vectors), reply.units.shape) for reply in replies]
    )


def answer(arrays: Arrays, reply: Reply, odds: tuple[Floats, Floats], vectors: Vectors) -> RefusalEstimate:
    """Return the judge's answer with these weights, before the encoder is heard.

    Args:
        arrays: The weights.
        reply: What to judge.
        odds: Those of the English head and of the nets, each of shape (2,).
        vectors: All that was embedded.
    """
    rules = reply.rules
    if rules is not None and rules.sure:
        return judge.by_rules(arrays, rules)
    if not reply.units.texts:
        return judge.by_rules(arrays, rules or judge.rules_view(reply.labelled.reply, reply.labelled.prompt))
    sentences = heads.sentence_probabilities(arrays, vectors.of(reply.units.texts))
    meaning = judge.MeaningView(reply.units.texts, sentences, *odds)
    if rules is None or not rules.speaks:
        return judge.by_meaning(meaning)
    return judge.by_both(arrays, rules, meaning)


def heard(replies: list[Reply], estimates: list[RefusalEstimate]) -> list[RefusalEstimate]:
    """Return what the judge says after the encoder that ships was heard on full refusals.

    Args:
        replies: What was judged.
        estimates: What it said of them before.
    """
    found = list(estimates)
    asked = [
        row
        for row, (reply, estimate) in enumerate(zip(replies, estimates, strict=True))
        if estimate.label == "full" and estimate.decided_by != "rules" and len(reply.units.texts) > 1
    ]
    vectors = heads.encoder().encode([replies[row].units.passage for row in asked])
    for row, chances in zip(asked, heads.passage_chances(heads.load_heads().arrays, vectors), strict=True):
        found[row] = judge.heard_again(found[row], chances)
    return found


def answer_without_embeddings(arrays: Arrays, reply: Reply) -> RefusalEstimate | None:
    """Return the fallback's answer; None where it has none."""
    return None if reply.rules is None else judge.by_rules(arrays, reply.rules)


def _vectors(reply: Reply, vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the vectors of units and request; a reply without a sentence stands at the origin."""
    request = vectors.of([judge.request_text(reply.labelled.prompt)])[0]
    units = vectors.of(reply.units.texts)
    return (units if len(units) else np.zeros((1, len(request)), dtype=np.float32)), request
