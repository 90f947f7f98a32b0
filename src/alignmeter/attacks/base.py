"""What an attack is: a deterministic, seeded transform of a request into a conversation."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import keyed_hash
from alignmeter.records import Message

if TYPE_CHECKING:
    from alignmeter.records import AttackPool

PLAIN = "plain"
SEPARATOR = " | "
"""Between the parts of a composition, the one applied first on the left."""

_LAST_LATIN = "\u024f"
_MOST = 0.5
_messages = msgspec.json.Decoder(tuple[Message, ...])


class AttackContext(NamedTuple):
    """What an attack may know of the deployment and of the draw.

    Attributes:
        context_tokens: Context window that the threat model names, in tokens.
        language: Language of the probe.
        draw: Which of several draws this is, from 0; only `best_of_n` makes use of it.
        suffixes: Strings of the user's file, for `cached_suffix`.
    """

    context_tokens: int = 4096
    language: str = "en"
    draw: int = 0
    suffixes: tuple[str, ...] = ()


class Transform(Protocol):
    """Turns one request into the messages that carry it; pure, and decided by its seed and context."""

    def __call__(self, request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
        """Return the conversation to send; its last message is the user's."""
        ...


class Attack(NamedTuple):
    """A registered attack.

    Attributes:
        name: Its name in threat models; parts of a composition are joined by ` | `.
        attack_class: What it is counted under. Of a composition: the classes of its parts, joined by `+`.
        reference: Where it was published.
        transform: What it does; call `render`, which checks the outcome.
        pool: `held_out` families are the ones whose success rate stands for attacks that nobody
            trained against. A composition is held out as soon as one part is.
        latin_only: It changes Latin letters only, and leaves a request in another script as it was.
        summary: First sentence of the docstring.
    """

    name: str
    attack_class: str
    reference: str
    transform: Transform
    pool: AttackPool = "public"
    latin_only: bool = False
    summary: str = ""

    def works_on(self, request: str) -> bool:
        """Whether the attack changes such a request: not where it needs Latin letters and finds few."""
        if not self.latin_only:
            return True
        letters = [character for character in request if character.isalpha()]
        return sum(letter <= _LAST_LATIN for letter in letters) > _MOST * len(letters)

    def render(self, request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
        """Return the conversation that carries the request.

        Raises:
            InputError: The transform failed, or made no conversation that ends with the user's turn.
        """
        try:
            made = tuple(self.transform(request, seed=seed, context=context))
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"attack {self.name!r} failed on a request: {error!r}; mend its code") from error
        messages = self._checked(made)
        if not messages or messages[-1].role != "user":
            raise InputError(
                f"attack {self.name!r}: expected messages that end with the user's turn, "
                f"got {made!r:.200}; mend its code"
            )
        return messages

    def _checked(self, made: tuple[object, ...]) -> tuple[Message, ...]:
        """The messages as a journal keeps them: code of others makes what no type checker saw."""
        try:
            return _messages.decode(msgspec.json.encode(made))
        except Exception as error:
            raise InputError(
                f"attack {self.name!r}: expected messages with a role and a text of valid Unicode, "
                f"got {made!r:.200} ({error}); mend its code"
            ) from error


def attack_seed(design_seed: int, family: str, name: str) -> int:
    """Seed of an attack on a family: 31 bits of the keyed hash, the same in every run of a design."""
    return seed_of(design_seed, "attack", family, name)


def seed_of(seed: int, *parts: str) -> int:
    """Derive a seed of 31 bits."""
    return int.from_bytes(keyed_hash(seed, *parts)[:4], "big") >> 1


def generator(seed: int, *parts: str) -> random.Random:
    """A generator for a transform; with `parts` a stream of its own."""
    return random.Random(seed_of(seed, *parts) if parts else seed)  # noqa: S311 - reproducible, not secret


def user(text: str) -> Message:
    """A turn of the user."""
    return Message(role="user", content=text)
