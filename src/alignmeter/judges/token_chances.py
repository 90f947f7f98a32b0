"""How sure a model was of a word that decides: from the probabilities of its first tokens."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from alignmeter.records import TokenLogprob

# Some servers give tokens as their vocabulary writes them, with signs for a space and a line break.
_SPACE = re.compile(r"[\s\u0120\u010a\u2581]+")


def chance_of(
    tokens: Sequence[TokenLogprob], words: Collection[str], others: Collection[str], lead: str | None = None
) -> float | None:
    """Return the chance that the deciding word is one of `words` rather than one of `others`.

    The first token that is any of them decides; what stood beside it counts by its probability, all
    else is left out. None where no token decides, or nothing is known of what stood beside it.

    Args:
        tokens: The first tokens of a reply.
        words: In lower case; tokens are compared without white space and punctuation.
        others: The words against which they stand, likewise.
        lead: What alone may stand before the deciding token, in lower case and without white space; None
            for anything. Behind anything else, such as reasoning, the chance is unknown.
    """
    before = ""
    for one in tokens:
        if _bare(one.token) not in {*words, *others}:
            before += _SPACE.sub("", one.token).casefold()
            continue
        if lead is not None and before not in {"", lead}:
            return None
        there = {one.token: one.logprob} | one.top
        mine = sum(math.exp(chance) for token, chance in there.items() if _bare(token) in words)
        theirs = sum(math.exp(chance) for token, chance in there.items() if _bare(token) in others)
        return mine / (mine + theirs) if mine + theirs > 0 and one.top else None
    return None


def _bare(token: str) -> str:
    return token.strip(" \t\r\n.,:;!*\"'\u0120\u2581").casefold()
