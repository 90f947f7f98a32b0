"""Payload splitting: the request in pieces that mean nothing apart."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from alignmeter.attacks.base import generator, user
from alignmeter.attacks.frames import fill, load_frames
from alignmeter.attacks.registry import attack

if TYPE_CHECKING:
    from alignmeter.attacks.base import AttackContext
    from alignmeter.records import Message

_FEWEST, _MOST = 3, 5
_WORDS = re.compile(r"\S+\s*|\s+")


@attack(
    "payload_splitting",
    attack_class="payload_splitting",
    reference="Kang et al. 2023, Exploiting Programmatic Behavior of LLMs (arXiv 2302.05733)",
    pool="held_out",
)
def payload_splitting(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Cut the request into three to five named pieces and ask for the reply to the whole.

    Pieces end at words where there are enough of them, else inside; some frames list them out of order.
    """
    draws = generator(seed)
    frame = draws.choice(load_frames("payload_splitting", context.language)["frames"])
    pieces = split(request, draws.randint(_FEWEST, _MOST))
    labels = draws.sample("abcdefghkmnpqrstuvwxyz", len(pieces))
    lines = [
        fill(frame["piece"], label=label, text=json.dumps(piece, ensure_ascii=False))
        for label, piece in zip(labels, pieces, strict=True)
    ]
    if frame["shuffle"]:
        draws.shuffle(lines)
    return (user(fill(frame["text"], pieces="\n".join(lines), order=frame["join"].join(labels))),)


def split(text: str, count: int) -> tuple[str, ...]:
    """Cut a text into `count` pieces of nearly equal numbers of words; joined they are the text again.

    A text of fewer words is cut between characters; pieces are never empty, so that a very short text
    has fewer of them.
    """
    units = _WORDS.findall(text)
    if len(units) < count:
        units = list(text)
    ends = [round(len(units) * piece / count) for piece in range(count + 1)]
    pieces = ("".join(units[start:end]) for start, end in pairwise(ends))
    return tuple(piece for piece in pieces if piece)
