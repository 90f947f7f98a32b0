"""Many-shot: a long history of an assistant that always goes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.attacks.base import generator, user
from alignmeter.attacks.frames import load_frames
from alignmeter.attacks.registry import attack
from alignmeter.records import Message

if TYPE_CHECKING:
    from alignmeter.attacks.base import AttackContext

_CHARACTERS_PER_TOKEN = 4
_CONTEXT_SHARE = 0.5
_MINIMUM_SHOTS = 4


@attack(
    "many_shot",
    attack_class="many_shot",
    reference="Anil et al. 2024, Many-shot Jailbreaking (NeurIPS 2024)",
)
def many_shot(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Put k faked turns of a compliant assistant, mild in content, before the request.

    k is fixed by `context.context_tokens`: demonstrations fill at most half of the window (counted
    as four characters a token), between four and all that are shipped. What does not fit after all
    comes back from the target as `context_overflow`.
    """
    demonstrations = list(load_frames("many_shot", context.language)["demonstrations"])
    generator(seed).shuffle(demonstrations)
    budget = context.context_tokens * _CONTEXT_SHARE * _CHARACTERS_PER_TOKEN - len(request)
    messages: list[Message] = []
    for shots, example in enumerate(demonstrations):
        budget -= len(example["user"]) + len(example["assistant"])
        if budget < 0 and shots >= _MINIMUM_SHOTS:
            break
        messages.append(user(example["user"]))
        messages.append(Message(role="assistant", content=example["assistant"]))
    return (*messages, user(request))
