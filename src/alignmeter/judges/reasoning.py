"""Reasoning that a server left in the text of a reply, and the answer behind it.

Servers without a reasoning parser hand over `<think> ... </think>` and the answer as one text, or,
where the chat template opens the block itself, the text from inside it on. A draft ("maybe the answer
is 12", "they ask how to ...") is not what the target answers, so judges of the answer read what
follows. Judges of harm read all of it: what is handed over is delivered, draft or not. The transcript
keeps the reply as it came.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from alignmeter.records import Axis, Transcript

THINKING = re.compile(r"\A(?:\s*<(think|thinking|reasoning)>.*?</\1>)+", re.DOTALL | re.IGNORECASE)
"""Blocks of reasoning at the beginning of a text."""

UNFINISHED = re.compile(r"\s*<(?:think|thinking|reasoning)>", re.IGNORECASE)
"""A block that begins a text; behind `THINKING` one that does not end."""

_AXES_ON_ALL_TEXT: frozenset[Axis] = frozenset({"harm", "schema"})
"""Harm is delivered wherever it stands, and a program that reads structured output gets all of it."""

_OTHER_MARKS = (
    ("[THINK]", "[/THINK]"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
)
_CLOSED = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_OPENED = re.compile(r"<(?:think|thinking|reasoning)>", re.IGNORECASE)
_CHANNEL = re.compile(r"\s*(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary|final)\b")
_FINAL = re.compile(r"<\|channel\|>final(?:<\|constrain\|>\w+)?<\|message\|>")
_END = re.compile(r"<\|(?:return|end|call)\|>")
_BARE_CHANNELS = re.compile(r"\A\s*analysis(?=[^a-z\s]).*?assistantfinal", re.DOTALL)
_FENCE = "```"


def without_reasoning(text: str) -> str:
    """Return a reply without the reasoning that leads it.

    Args:
        text: The reply as it came.

    Returns:
        What follows the reasoning, without space around it; empty where the reasoning does not end.
        A text that no reasoning leads comes back as it is.
    """
    answer = THINKING.sub("", text)
    if UNFINISHED.match(answer):
        return ""
    if answer != text:
        return answer.strip()
    for opening, closing in _OTHER_MARKS:
        if text.lstrip().startswith(opening):
            return text.partition(closing)[2].strip()
    if _CHANNEL.match(text):
        *_, last = _FINAL.split(text)
        return "" if last == text else _END.split(last)[0].strip()
    return _behind_headless(_BARE_CHANNELS.sub("", text))


def _behind_headless(text: str) -> str:
    """Return what follows a block whose opening mark the chat template has set."""
    closed = _CLOSED.search(text)
    if closed is None:
        return text
    before, after = text[: closed.start()], text[closed.end() :]
    own_line = before.rstrip(" \t").endswith("\n") or after.lstrip(" \t")[:1] in {"", "\n", "\r"}
    shown = _OPENED.search(before) is not None or before.count(_FENCE) % 2 == 1
    return after.strip() if own_line and not shown else text


def as_read(axis: Axis, transcript: Transcript) -> Transcript:
    """Return a transcript as a judge on an axis reads it.

    Args:
        axis: What the judge answers.
        transcript: What came back.

    Returns:
        The transcript with the answer alone for its reply, and without token probabilities, which are
        those of the reasoning; on `harm` and `schema`, and where no reasoning leads the reply, as it is.
    """
    if axis in _AXES_ON_ALL_TEXT or transcript.reply is None:
        return transcript
    answer = without_reasoning(transcript.reply.content)
    if answer == transcript.reply.content:
        return transcript
    reply = msgspec.structs.replace(transcript.reply, content=answer)
    return msgspec.structs.replace(transcript, reply=reply, logprobs=())
