"""Compositions: `a | b` applies `a` first, then `b` to the turn that `a` ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.attacks.base import PLAIN, SEPARATOR, Attack, seed_of, user
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.attacks.base import AttackContext, Transform
    from alignmeter.records import Message

MOST_PARTS = 4
"""More would be no attack that anybody makes, and encodings grow with every part."""


def split_name(name: str) -> tuple[str, ...]:
    """Return the parts of a name, spaces around them taken off; one part for a single attack.

    Raises:
        InputError: A part is missing or `plain`, or there are too many.
    """
    parts = tuple(part.strip() for part in name.split(SEPARATOR.strip()))
    if len(parts) == 1:
        return parts
    if not all(parts) or PLAIN in parts:
        raise InputError(
            f"expected attacks on both sides of each '|', such as 'roleplay | base64', got {name!r}; "
            f"{PLAIN!r} is no part of a composition"
        )
    if len(parts) > MOST_PARTS:
        raise InputError(
            f"expected a composition of at most {MOST_PARTS} attacks, got {len(parts)}: {name!r}"
        )
    return parts


def compose(parts: Sequence[Attack]) -> Attack:
    """Return the attack that applies these in their order.

    Each part takes the last turn that the one before it made, and leaves the turns before that where
    they are; its seed is derived from that of the whole, its place and its name. The classes of
    the parts are joined by `+`, so that a composition is never counted under one of them.
    """
    return Attack(
        name=SEPARATOR.join(part.name for part in parts),
        attack_class="+".join(part.attack_class for part in parts),
        reference="; ".join(dict.fromkeys(part.reference for part in parts)),
        transform=_in_order(tuple(parts)),
        pool="held_out" if any(part.pool == "held_out" for part in parts) else "public",
        latin_only=any(part.latin_only for part in parts),
        summary="Apply " + ", then ".join(part.name for part in parts) + ".",
    )


def _in_order(parts: tuple[Attack, ...]) -> Transform:
    def transform(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
        messages: tuple[Message, ...] = (user(request),)
        for place, part in enumerate(parts):
            own_seed = seed_of(seed, "part", str(place), part.name)
            made = part.render(messages[-1].content, seed=own_seed, context=context)
            messages = (*messages[:-1], *made)
        return messages

    return transform
