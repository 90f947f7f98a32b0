"""The few sentences of a reply that the embedded refusal judge reads, in any of its languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.judges.prose import read

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIP = 160
"""Characters of a sentence that are read: what it does shows early, and the cost grows with length."""
_OPENING = 3
_OTHER_ENDS = re.compile("[\u3002\uff01\uff1f\u0964\u0965\u061f]+[\"'\u201d\u2019\u300d\u300f)\uff09]*")
"""Ends of sentences in scripts that write them without a full stop, some without a space after."""


def sentences_of(reply: str) -> tuple[str, ...]:
    """Return the sentences of a reply, lower-cased; code and quotations are masked."""
    return tuple(sentence.text for sentence in read(_OTHER_ENDS.sub(r"\g<0>\n", reply)).sentences)


def chosen_units(sentences: Sequence[str]) -> tuple[str, ...]:
    """Return the first three sentences, one from the middle of the rest, and the last, each clipped.

    Refusals stand at the beginning or at the end; the middle tells whether help follows. So a long
    reply costs no more than five sentences.
    """
    chosen = list(range(min(_OPENING, len(sentences))))
    last = len(sentences) - 1
    if last > _OPENING:
        chosen.append((_OPENING + last) // 2)
    if last >= _OPENING:
        chosen.append(last)
    return tuple(sentences[index][:CLIP] for index in chosen)
