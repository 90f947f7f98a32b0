"""Attacks that put words around a request and leave the request itself as it is.

All are static: an adaptive attacker does better. The frames are data, in our own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.attacks.base import generator, user
from alignmeter.attacks.frames import choose, fill, load_frames
from alignmeter.attacks.registry import attack

if TYPE_CHECKING:
    from alignmeter.attacks.base import AttackContext
    from alignmeter.records import Message


@attack(
    "roleplay",
    attack_class="roleplay",
    reference="Shen et al. 2023, Do Anything Now (arXiv 2308.03825)",
)
def roleplay(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Wrap the request in a fictional frame whose character has no rules."""
    return (user(fill(choose("roleplay", seed, context), request=request)),)


@attack(
    "hierarchy",
    attack_class="hierarchy",
    reference="Wallace et al. 2024, The Instruction Hierarchy (arXiv 2404.13208); "
    "Greshake et al. 2023, Indirect Prompt Injection (arXiv 2302.12173)",
)
def hierarchy(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Pose as a higher authority: a fake system turn, a developer override, a quoted document, a tool result.

    All of it stands inside the user's turn: a real system turn would be the deployment's own.
    """
    return (user(fill(choose("hierarchy", seed, context), request=request)),)


@attack(
    "refusal_suppression",
    attack_class="refusal_suppression",
    reference="Wei et al. 2023, Jailbroken (arXiv 2307.02483)",
)
def refusal_suppression(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Forbid the words and moves of a refusal."""
    return (user(fill(choose("refusal_suppression", seed, context), request=request)),)


@attack(
    "prefix_injection",
    attack_class="prefix_injection",
    reference="Wei et al. 2023, Jailbroken (arXiv 2307.02483)",
)
def prefix_injection(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Ask for a reply that begins with words of consent."""
    return (user(fill(choose("prefix_injection", seed, context), request=request)),)


@attack(
    "language_switch",
    attack_class="language_switch",
    reference="Yong et al. 2023, Low-Resource Languages Jailbreak GPT-4 (arXiv 2310.02446); "
    "Yoo et al. 2024, Code-Switching Red-Teaming (arXiv 2406.15481)",
)
def language_switch(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Wrap the request in another language, or ask for the answer in one.

    Every frame asks for the answer in the probe's own language too, so that judges can read it.
    """
    frames = load_frames("language_switch", context.language)["frames"]
    others = [frame["text"] for frame in frames if frame["in"] != context.language]
    return (user(fill(generator(seed).choice(others), request=request)),)
