"""What the families of guard models have in common: an exchange in, a verdict out.

A guard differs from a judge with a rubric: its prompt and its output are fixed by its training, so
each family is one small module that says how it is asked and how its answer reads, to the letter.
Behind `/v1/chat/completions` the server puts the conversation into the model's own template; each
module says what it needs of the server for that.

Most families are asked with a conversation whose last turn is the assistant's. The server must close
that turn and open one of its own (vLLM and SGLang do). llama.cpp's goes on with it by default: start
it with `--no-prefill-assistant`. No server may put a system prompt in front.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from alignmeter.judges.signals import data_bytes, data_yaml
from alignmeter.records import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROMPTS_FILE = "guard_prompts.yaml"

GuardFamily = Literal[
    "llama-guard-3",
    "llama-guard-4",
    "shieldgemma",
    "wildguard",
    "qwen3guard",
    "granite-guardian",
    "gpt-oss-safeguard",
]
"""The families of guard models that can judge."""

Severity = Literal["safe", "controversial", "unsafe"]


class Exchange(NamedTuple):
    """What a guard is shown: the user's request, the reply, and the hazard that the trial is about."""

    request: str
    reply: str
    hazard: str | None


class GuardVerdict(NamedTuple):
    """What a guard said of a reply.

    Attributes:
        categories: The guard's own names or codes, as it wrote them, in its order.
        refused: Whether it says that the reply refuses; None where the family does not say.
    """

    severity: Severity
    categories: tuple[str, ...] = ()
    refused: bool | None = None


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """A policy text for the families that judge by one.

    Attributes:
        name: Short name, for the report.
        version: Bumped with every change of the text; part of the judge hash, as is the text.
        text: What the guard reads.
    """

    name: str
    version: int
    text: str


class Ask(NamedTuple):
    """How one exchange is put to a guard.

    Attributes:
        messages: The conversation to send.
        category: What the question is about, for a family that names no category in its answer.
    """

    messages: tuple[Message, ...]
    category: str | None = None


def as_it_was(exchange: Exchange, policy: GuardPolicy | None) -> Ask:  # noqa: ARG001 - the server's
    """Put the exchange as it was: the server's template adds task, risk and categories."""
    return Ask(
        (
            Message(role="user", content=exchange.request),
            Message(role="assistant", content=exchange.reply),
        )
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """One family: how to ask it, and how its answer reads.

    Attributes:
        ask: Builds the conversation; None where the family has nothing to say about the hazard.
        parse: Reads the whole of an answer; None where it is not in the documented format.
        expects: The documented format on one line, for the detail of what does not parse.
        control: Strings that end or structure a turn in the family's prompt. Where a request or a
            reply contains one, a space goes behind its first character, so that it stays text.
        max_tokens: Room for the longest documented answer.
        verdict_first: The first word is the verdict, so that a cut answer still counts.
        judges_refusal: It says whether the reply refuses.
        takes_policy: It judges by a policy that the user may replace.
        unsafe_words, safe_words: First tokens of its two answers, in lower case, where the first of them
            is the verdict: their probabilities grade the score.
        lead: What its answers hold before that word, in lower case and without white space. Behind
            anything else, such as thinking, no probability is read.
    """

    family: GuardFamily
    ask: Callable[[Exchange, GuardPolicy | None], Ask | None]
    parse: Callable[[str], GuardVerdict | None]
    expects: str
    control: tuple[str, ...]
    max_tokens: int
    verdict_first: bool = False
    judges_refusal: bool = False
    takes_policy: bool = False
    unsafe_words: tuple[str, ...] = ()
    safe_words: tuple[str, ...] = ()
    lead: str = ""

    def inert(self, text: str) -> str:
        """Return `text` with the family's control strings broken, so that it cannot leave its turn."""
        pattern = re.compile("|".join(re.escape(each) for each in self.control), re.IGNORECASE)
        return pattern.sub(lambda match: f"{match.group()[0]} {match.group()[1:]}", text)


def prompt_texts(family: GuardFamily) -> Mapping[str, Any]:
    """Return what the prompts file holds for a family; empty where the model's template says it all."""
    return _prompts().get(family, {})


@cache
def _prompts() -> Mapping[str, Mapping[str, Any]]:
    return data_yaml(data_bytes(PROMPTS_FILE))
