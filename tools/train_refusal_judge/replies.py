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
from alignmeter.judges.reply_encoder import class_chances

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fitting import Arrays
    from numpy.typing import NDArray
    from vector_cache import VectorCache

    from alignmeter.judges.refusal_embedded import RefusalEstimate

    Floats = NDArray[np.float64]

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

    @property
    def by_rules_alone(self) -> bool:
        """Whether the rules decide, whatever the encoder would say."""
        return (self.rules is not None and self.rules.beyond_doubt) or not self.units.texts

    @property
    def weighed(self) -> bool:
        """Whether rules, English head and encoder are weighed."""
        rules = self.rules
        return rules is not None and rules.speaks and not rules.sure and bool(self.units.texts)

    def answer(self, arrays: Arrays, chances: Floats, english: Floats) -> RefusalEstimate:
        """Return the judge's answer with these weights.

        Args:
            arrays: The weights.
            chances: What an encoder says of it, shape (3,).
            english: What an English head says of it, shape (2,).
        """
        rules = self.rules
        if self.by_rules_alone:
            return judge.by_rules(
                arrays, rules or judge.rules_view(self.labelled.reply, self.labelled.prompt)
            )
        return judge.decide(arrays, self.units, rules, chances, english if self.weighed else None)

    def answer_without_embeddings(self, arrays: Arrays) -> RefusalEstimate | None:
        """Return the fallback's answer; None where it has none."""
        return None if self.rules is None else judge.by_rules(arrays, self.rules)


class Heard(NamedTuple):
    """Replies, and what an encoder and an English head say that had not seen them.

    Attributes:
        replies: The replies.
        chances: Of the encoder, shape (n, 3).
        english: Of the head, shape (n, 2).
    """

    replies: Sequence[Reply]
    chances: Floats
    english: Floats

    def part(self, rows: NDArray[np.int64]) -> Heard:
        """Return some of them."""
        return Heard([self.replies[row] for row in rows], self.chances[rows], self.english[rows])

    def answers(self, arrays: Arrays) -> list[RefusalEstimate]:
        """Return what the judge says of them with these weights."""
        return [reply.answer(arrays, chances, english) for reply, chances, english in zip(*self, strict=True)]

    def weighed(self) -> tuple[Floats, NDArray[np.int64]]:
        """Return what is weighed where rules speak unsurely, shape (m, 9), and the labels, shape (m,)."""
        found = [
            (judge.both_features(reply.rules, english, chances), heads.CLASSES.index(reply.labelled.label))
            for reply, chances, english in zip(*self, strict=True)
            if reply.rules is not None and reply.weighed
        ]
        return np.array([features for features, _ in found]), np.array([label for _, label in found])

    def ruled(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the rules' scores of those that they read, shape (m,), and whether anything is refused."""
        found = [
            (reply.rules.refuses, reply.labelled.label != "none")
            for reply in self.replies
            if reply.rules is not None
        ]
        return np.array([score for score, _ in found]), np.array([refused for _, refused in found])


def xstest_replies(folder: Path) -> list[Reply]:
    """Read the labelled completions of XSTest."""
    return [as_reply(labelled) for labelled in load_labels(folder, "xstest")]


def as_reply(labelled: LabelledReply) -> Reply:
    """Read a labelled reply as the judge does."""
    other = is_other_language(labelled.reply, labelled.prompt)
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


def classes_of(replies: Sequence[Reply]) -> NDArray[np.int64]:
    """Return the labels as places in `heads.CLASSES`."""
    return np.array([heads.CLASSES.index(reply.labelled.label) for reply in replies])


def passage_chances(arrays: Arrays, replies: Sequence[Reply]) -> Floats:
    """Return what the encoder that ships says of some replies, shape (n, 3)."""
    passages = heads.encoder().encode([reply.units.passage for reply in replies])
    return class_chances(arrays, passages)


def english_features(arrays: Arrays, replies: list[Reply], vectors: VectorCache) -> Floats:
    """Return the features of the English head, shape (n, 1561)."""
    return np.array([heads.reply_features(arrays, *_vectors(reply, vectors)) for reply in replies])


def _vectors(reply: Reply, vectors: VectorCache) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the vectors of units and request; a reply without a sentence stands at the origin."""
    request = vectors.get([judge.request_text(reply.labelled.prompt)])[0].astype(np.float32)
    units = vectors.get(reply.units.texts).astype(np.float32)
    return (units if len(units) else np.zeros((1, len(request)), dtype=np.float32)), request
