"""A reply as columns: what the table of transcripts and rows in Python say of it, each under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignmeter.records import Transcript, Trial

Cell = str | int | float | bool | None
"""What stands in a column."""


def reply_columns(index: int, trial: Trial, transcript: Transcript) -> dict[str, Cell]:
    """Return what was asked and what came back; an error of the target is a reply of None.

    Args:
        index: Place of the trial in dispatch order.
        trial: What was asked.
        transcript: What came back.
    """
    error = transcript.error
    return {
        "trial": trial.id,
        "dispatch_index": index,
        "probe": trial.probe,
        "suite": trial.suite,
        "family": trial.family,
        "intent": trial.intent,
        "domain": trial.domain,
        "hazard": trial.hazard,
        "language": trial.language,
        "attack": trial.attack,
        "attack_class": trial.attack_class,
        "attack_pool": trial.attack_pool,
        "format": trial.format,
        "request": trial.request,
        "reply": None if transcript.reply is None else transcript.reply.content,
        "finish_reason": transcript.finish_reason,
        "hard_refusal": transcript.hard_refusal,
        "prompt_tokens": transcript.usage.prompt_tokens,
        "completion_tokens": transcript.usage.completion_tokens,
        "started_at": transcript.started_at or None,
        "latency": transcript.latency or None,
        "attempts": transcript.attempts,
        "error_kind": None if error is None else error.kind,
        "error_message": None if error is None else error.message,
    }
