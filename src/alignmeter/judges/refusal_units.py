"""The few sentences of a reply that the embedded refusal judge reads, in any of its languages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.prose import read

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIP = 160
"""Characters of a sentence that are read: what it does shows early, and the cost grows with length."""
_OPENING = 3
_MIDDLE = 4
_SHOWS_CODE, _QUOTES = "code", "quotation"
_QUOTED = 12
"""Words of quotations from which on a passage says that something is quoted."""
_OTHER_ENDS = re.compile("[\u3002\uff01\uff1f\u0964\u0965\u061f]+[\"'\u201d\u2019\u300d\u300f)\uff09]*")
"""Ends of sentences in scripts that write them without a full stop, some without a space after."""


class Units(NamedTuple):
    """What is read of a reply.

    Attributes:
        texts: Up to five of its sentences, each to be understood by itself: evidence, and what the English
            head reads.
        passage: Up to eight in one text, to be understood together, for the encoder: who refuses and then
            delivers says so in the middle.
    """

    texts: tuple[str, ...]
    passage: str


def units_of(reply: str) -> Units:
    """Read a reply in any language."""
    prose = read(with_line_ends(reply))
    sentences = tuple(sentence.text for sentence in prose.sentences)
    texts = chosen_units(sentences)
    passage = list(chosen_units(sentences, middle=_MIDDLE))
    if prose.code_blocks:
        passage.append(_SHOWS_CODE)
    if prose.quoted_words >= _QUOTED:
        passage.append(_QUOTES)
    return Units(texts, " ".join(passage))


def with_line_ends(text: str) -> str:
    """Return a text with a line end after each sentence of a script that writes no full stop."""
    return _OTHER_ENDS.sub(r"\g<0>\n", text)


def chosen_units(sentences: Sequence[str], middle: int = 1) -> tuple[str, ...]:
    """Return the first three sentences, some from the middle of the rest, and the last, each clipped.

    Refusals stand at the beginning or at the end; the middle tells whether help follows. So a long
    reply costs no more than a few sentences.

    Args:
        sentences: All of a reply.
        middle: How many at most from between the third and the last, evenly spread.
    """
    last = len(sentences) - 1
    chosen = list(range(min(_OPENING, len(sentences))))
    between = range(_OPENING, last)
    count = min(middle, len(between))
    chosen += [between[(2 * place + 1) * len(between) // (2 * count)] for place in range(count)]
    if last >= _OPENING:
        chosen.append(last)
    return tuple(sentences[index][:CLIP] for index in chosen)
