"""Why a reply ended: the reasons of every provider in our words, and who cut it.

Proxies hand the reasons of the provider behind them through, with another case, behind a colon, or as the
name of an enumeration: `SAFETY`, `content_filter: SAFETY`, `FinishReason.SAFETY`.
Sources: https://ai.google.dev/api/generate-content#FinishReason,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html,
https://openrouter.ai/docs/api-reference/overview,
https://ibm.github.io/watsonx-ai-node-sdk/enums/1_7_x.WatsonXAI.TextChatResultChoice.Constants.FinishReason.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alignmeter.records import FinishReason

_FINISHED: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "token_limit": "length",
    "time_limit": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "refusal": "refusal",
}
_FILTERED = frozenset(
    (
        "content_filter",
        "content_filtered",
        "safety",
        "prohibited_content",
        "blocklist",
        "spii",
        "recitation",
        "model_armor",
        "image_safety",
        "image_prohibited_content",
        "image_recitation",
        "guardrail_intervened",
        "error_toxic",
        "sensitive",
        "blocked",
    )
)
"""A filter of the provider's stopped the reply (docs/decisions/0003, 0060)."""
_BROKEN = frozenset(
    (
        "error",
        "abort",
        "aborted",
        "cancelled",
        "network_error",
        "insufficient_system_resource",
        "not_finished",
    )
)
"""The server gave the reply up: what came of it is neither whole nor cut by anybody's intent."""
_NOTHING = frozenset(("", "null", "none", "false"))
"""What some servers write where they mean no text at all."""
_KEPT = 80
"""Characters that are kept of a reason that nobody knows."""


def finish_reason(said: str | None) -> FinishReason:
    """Return the reason in our words; `unknown` where none was given, or one that is not in the tables."""
    word = _word(said)
    return "content_filter" if word in _FILTERED else _FINISHED.get(word, "unknown")


def unknown_reason(said: str | None) -> str | None:
    """Return a reason that no table here has, as the server wrote it; None where it is known or missing."""
    if not said or _word(said) in {*_FINISHED, *_FILTERED, *_BROKEN}:
        return None
    return said[:_KEPT]


def broke_off(said: str | None) -> bool:
    """Whether the server itself says that it did not bring the reply to its end."""
    return _word(said) in _BROKEN


def provider_refusal(said: str | None, stopped_by: str | None) -> str | None:
    """Return the provider's own sign of a refusal among the reasons, in lower case, or None.

    Args:
        said: Why the reply ended.
        stopped_by: Field `stop_reason`: a reason of Anthropic's, but the text that stopped it in vLLM.
    """
    if said is not None and finish_reason(said) in {"content_filter", "refusal"}:
        return said.strip().lower()
    return "refusal" if _word(stopped_by) == "refusal" else None


def spoken(text: str) -> str:
    """Return the words of a refusal, "" where they are none: blanks, or `null` written out."""
    return "" if text.strip().lower() in _NOTHING else text


def _word(said: str | None) -> str:
    """The reason itself, without what a proxy put before or behind it."""
    return (said or "").partition(":")[0].strip().rpartition(".")[2].lower().replace("-", "_")
