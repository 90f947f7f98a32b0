"""What the judge is fitted on beside XSTest: our own sentences and our own replies."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

import yaml

from alignmeter.judges.labels import LabelledReply, load_labels
from alignmeter.judges.refusal_heads import SENTENCE_CLASSES
from alignmeter.judges.refusal_units import CLIP

SENTENCES = Path(__file__).parent / "sentences"
REPLIES = Path(__file__).parent / "replies"
CODEBOOK = Path(__file__).parent / "codebook"
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


def own_replies() -> dict[str, tuple[LabelledReply, ...]]:
    """Read the training replies of all languages, by the hand that wrote them."""
    return _by_hand(REPLIES)


def codebook_replies() -> dict[str, tuple[LabelledReply, ...]]:
    """Read the English replies that are labelled as XSTest's people label, by the hand that wrote them."""
    return _by_hand(CODEBOOK)


def prompt_fold(identity: str) -> int:
    """Return the fifth of the prompts that a prompt belongs to."""
    return zlib.crc32(identity.encode()) % FOLDS


def _by_hand(folder: Path) -> dict[str, tuple[LabelledReply, ...]]:
    return {path.stem: load_labels(path, "jsonl") for path in sorted(folder.glob("*.jsonl"))}
