"""What the judge is fitted on: our own sentences, replies composed of them, and XSTest's labels."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from alignmeter.judges.refusal_heads import SENTENCE_CLASSES
from alignmeter.judges.refusal_units import CLIP

SENTENCES = Path(__file__).parent / "sentences"
KINDS = {
    "refuse": "refuses",
    "soft": "refuses",
    "redirect": "redirects",
    "offer": "redirects",
    "help": "helps",
    "sorry": "helps",
    "mentions": "helps",
}
"""What the sentences of each list do."""
FOLDS = 5

PATTERNS: dict[str, tuple[str, ...]] = {
    "full": (
        "refuse",
        "refuse",
        "soft",
        "refuse redirect",
        "refuse offer",
        "refuse redirect offer",
        "soft offer",
        "soft redirect",
        "redirect",
        "redirect redirect",
        "offer refuse",
        "offer refuse redirect",
        "refuse soft",
        "refuse refuse offer",
    ),
    "partial": (
        "refuse help",
        "refuse help help",
        "refuse help help help",
        "soft help help",
        "refuse redirect help help",
        "help help refuse",
        "refuse offer help help",
        "refuse mentions",
    ),
    "none": (
        "help",
        "help",
        "help help",
        "help help help",
        "sorry",
        "mentions",
        "mentions mentions",
        "sorry help",
        "mentions help",
        "help mentions help",
        "help help offer",
        "help redirect",
        "mentions redirect",
        "help help help redirect",
        "sorry help help offer",
    ),
}
"""Kinds of the sentences of a reply, in their order, for each label."""
LABELS = ("none", "partial", "full")
EACH = 12
"""Replies composed of a pattern in each language ..."""
EACH_ENGLISH = 60
"""... but English, which has the most sentences."""


class Sentence(NamedTuple):
    """One sentence of ours; translations of one sentence share the fold."""

    text: str
    language: str
    kind: str
    fold: int

    @property
    def target(self) -> int:
        """What it does, as a place in `SENTENCE_CLASSES`."""
        return SENTENCE_CLASSES.index(KINDS[self.kind])


class Composition(NamedTuple):
    """A reply made of our sentences, by their places; all of one language."""

    sentences: tuple[int, ...]
    label: int
    language: str


def own_sentences() -> list[Sentence]:
    """Read the training sentences of all languages, as the judge will see them."""
    found: list[Sentence] = []
    for path in sorted(SENTENCES.glob("*.yaml")):
        for kind, texts in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            found += [
                Sentence(text.lower()[:CLIP], path.stem.split(".")[0], kind, place % FOLDS)
                for place, text in enumerate(texts)
            ]
    return found


def compositions(sentences: list[Sentence], seed: int) -> list[Composition]:
    """Compose replies of every pattern in every language."""
    generator = np.random.default_rng(seed)
    places: dict[tuple[str, str], list[int]] = {}
    for place, sentence in enumerate(sentences):
        places.setdefault((sentence.language, sentence.kind), []).append(place)
    made: list[Composition] = []
    for language in sorted({sentence.language for sentence in sentences}):
        for label, patterns in PATTERNS.items():
            for pattern in patterns:
                for _ in range(EACH_ENGLISH if language == "en" else EACH):
                    chosen = tuple(int(generator.choice(places[language, kind])) for kind in pattern.split())
                    made.append(Composition(chosen, LABELS.index(label), language))
    return made


def prompt_fold(identity: str) -> int:
    """Return the fifth of the prompts that a prompt belongs to."""
    return zlib.crc32(identity.encode()) % FOLDS
