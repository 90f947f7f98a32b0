"""XSTest's labelled replies as the judge sees them, and its answers with other weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.judges import refusal_embedded as judge
from alignmeter.judges import refusal_heads as heads
from alignmeter.judges.labels import LabelledReply, load_labels
from alignmeter.judges.language import is_other_language
from alignmeter.judges.refusal_units import chosen_units, sentences_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fitting import Arrays
    from numpy.typing import NDArray
    from vectors import Vectors

FAMILIES = ("gpt", "llama", "mistral")


class Reply(NamedTuple):
    """A labelled reply, and what does not depend on any weight.

    Attributes:
        rules: What the English rules see; None for a reply in another language.
    """

    labelled: LabelledReply
    units: tuple[str, ...]
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
    return Reply(labelled, chosen_units(sentences_of(labelled.reply)), rules)


def texts_of(replies: Iterable[Reply]) -> list[str]:
    """Return all that is to be embedded."""
    return [text for each in replies for text in (*each.units, judge.request_text(each.labelled.prompt))]


def features_of(arrays: Arrays, replies: list[Reply], vectors: Vectors) -> NDArray[np.float64]:
    """Return the features of the reply head, shape (n, 770)."""
    return np.array(
        [
            heads.reply_features(
                arrays, vectors.of(each.units), vectors.of([judge.request_text(each.labelled.prompt)])[0]
            )
            for each in replies
        ]
    )


def score(arrays: Arrays, reply: Reply, vectors: Vectors) -> float:
    """Return the sum of rules and meaning that the calibration starts from."""
    rules = reply.rules
    if rules is None or not reply.units:
        return np.nan
    return (
        rules.refuses if rules.sure else rules.refuses + judge.sway(arrays, _meaning(arrays, reply, vectors))
    )


def answer(arrays: Arrays, reply: Reply, vectors: Vectors) -> judge.RefusalEstimate:
    """Return the judge's answer with these weights."""
    rules = reply.rules
    if rules is not None and (rules.sure or not reply.units):
        return judge.by_rules(arrays, rules)
    meaning = _meaning(arrays, reply, vectors)
    if rules is not None and rules.speaks:
        return judge.by_both(arrays, rules, meaning)
    return judge.by_meaning(arrays, meaning)


def answer_without_embeddings(arrays: Arrays, reply: Reply) -> judge.RefusalEstimate | None:
    """Return the fallback's answer; None where it has none."""
    return None if reply.rules is None else judge.by_rules(arrays, reply.rules)


def _meaning(arrays: Arrays, reply: Reply, vectors: Vectors) -> judge.MeaningView:
    request = vectors.of([judge.request_text(reply.labelled.prompt)])[0]
    return judge.meaning_view(arrays, reply.units, vectors.of(reply.units), request)
