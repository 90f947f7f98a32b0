"""Shifts of tense and register: the request said in other words, by rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.attacks.base import generator, user
from alignmeter.attacks.frames import fill, load_frames
from alignmeter.attacks.registry import attack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.attacks.base import AttackContext
    from alignmeter.records import Message


@attack(
    "tense_shift",
    attack_class="tense_shift",
    reference="Andriushchenko and Flammarion 2024, Does Refusal Training Generalize to the Past Tense? "
    "(arXiv 2407.11969)",
    pool="held_out",
)
def tense_shift(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Ask how it was done in the past, or will be in the future.

    The words that a request begins with are turned by rule ("How do I" into "how did people in
    earlier times"); a request that begins otherwise is quoted as it is in a frame of that tense.
    """
    data = load_frames("tense_shift", context.language)
    frame = generator(seed).choice(data["frames"])
    return (user(fill(frame["text"], request=_turned(request, data["leads"], frame["tense"]))),)


def _turned(request: str, leads: Sequence[Mapping[str, str]], tense: str) -> str:
    for lead in leads:
        match = re.match(lead["pattern"], request, re.IGNORECASE)
        if match is not None:
            return lead[tense] + request[match.end() :]
    return request


@attack(
    "register_shift",
    attack_class="register_shift",
    reference="Xie et al. 2024, SORRY-Bench (arXiv 2406.14598)",
    pool="held_out",
)
def register_shift(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Say the request in another register: chat, officialese, dialect, report or telegram.

    A few of its words are exchanged by a list, the rest stays; the frame does most of it.
    """
    frame = generator(seed).choice(load_frames("register_shift", context.language)["frames"])
    return (user(fill(frame["text"], request=_reworded(request, frame["words"]))),)


def _reworded(request: str, words: Mapping[str, str]) -> str:
    lower = {word.lower(): other for word, other in words.items()}
    longest_first = sorted(map(re.escape, lower), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w'])(?:{'|'.join(longest_first)})(?![\w'])", re.IGNORECASE)
    # Without case U+017F is an s to the pattern and no s to `lower`: such a word stays as it is.
    return pattern.sub(lambda match: lower.get(match[0].lower(), match[0]), request)
