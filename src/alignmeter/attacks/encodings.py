"""Encodings: the request in a spelling that a person has to decode and a capable model can read."""

from __future__ import annotations

import base64 as _base64
import codecs
from itertools import pairwise
from typing import TYPE_CHECKING

from alignmeter.attacks.base import generator, user
from alignmeter.attacks.frames import choose, fill
from alignmeter.attacks.registry import attack

if TYPE_CHECKING:
    from alignmeter.attacks.base import AttackContext
    from alignmeter.records import Message

_CIPHERS = "Wei et al. 2023, Jailbroken (arXiv 2307.02483)"
_BAD_CHARACTERS = "Boucher et al. 2021, Bad Characters (arXiv 2106.09898)"

LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}
"""Digits in place of letters."""

HOMOGLYPHS = dict(zip("aceijopsxyABCEHIJKMOPSTXY", "асеіјорѕхуАВСЕНІЈКМОРЅТХУ", strict=True))  # noqa: RUF001 - the point of it
"""Cyrillic letters that look like Latin ones."""

ZERO_WIDTH_SPACE = "\u200b"

_LEAST_SHARE = 0.3


@attack("base64", attack_class="encoding", reference=_CIPHERS)
def base64(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Encode the request as Base64 of its UTF-8."""
    payload = _base64.b64encode(request.encode()).decode("ascii")
    return (user(fill(choose("base64", seed, context), payload=payload)),)


@attack(
    "rot13",
    attack_class="encoding",
    reference="Yuan et al. 2023, GPT-4 Is Too Smart To Be Safe (arXiv 2308.06463)",
    latin_only=True,
)
def rot13(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Move each letter by thirteen places."""
    return (user(fill(choose("rot13", seed, context), payload=codecs.encode(request, "rot13"))),)


@attack("leetspeak", attack_class="encoding", reference=_CIPHERS, latin_only=True)
def leetspeak(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Write digits for the letters that look like them."""
    payload = "".join(LEET.get(letter.lower(), letter) for letter in request)
    return (user(fill(choose("leetspeak", seed, context), payload=payload)),)


@attack("homoglyph", attack_class="encoding", reference=_BAD_CHARACTERS, latin_only=True)
def homoglyph(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Exchange Latin letters for Cyrillic ones that look the same, between 30% and all of them."""
    del context
    draws = generator(seed)
    share = draws.uniform(_LEAST_SHARE, 1)
    return (
        user(
            "".join(
                HOMOGLYPHS[letter] if letter in HOMOGLYPHS and draws.random() < share else letter
                for letter in request
            )
        ),
    )


@attack("zero_width", attack_class="encoding", reference=_BAD_CHARACTERS)
def zero_width(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Put invisible spaces between letters, in 30% to all of the places."""
    del context
    draws = generator(seed)
    share = draws.uniform(_LEAST_SHARE, 1)
    spelled = request[:1]
    for before, letter in pairwise(request):
        inside = before.isalpha() and letter.isalpha()
        spelled += ZERO_WIDTH_SPACE + letter if inside and draws.random() < share else letter
    return (user(spelled),)
