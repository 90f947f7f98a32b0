"""Fields of the user's own in every request body: what a server takes beside OpenAI's parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from alignmeter.errors import InputError
from alignmeter.targets.base import OPTIONAL_PARAMETERS

OURS = frozenset(
    (
        "model",
        "messages",
        "tools",
        "response_format",
        "stream",
        "stream_options",
        "n",
        "max_completion_tokens",
        *OPTIONAL_PARAMETERS,
    )
)
"""What Alignmeter sends itself, or could not read the answer to."""
EXAMPLE = '{"chat_template_kwargs": {"enable_thinking": false}}'


def checked_extra(extra: object) -> dict[str, Any]:
    """Return a copy of extra fields as JSON has them, empty where there are none.

    Args:
        extra: What the user gave; None for nothing.

    Raises:
        InputError: It is no JSON object, or a field is one that Alignmeter sets.
    """
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        kind = type(extra).__name__
        raise InputError(f"expected extra_body as a JSON object such as {EXAMPLE}, got {kind}")
    fields = dict(cast("Mapping[Any, Any]", extra))
    if odd := [name for name in fields if not isinstance(name, str)]:
        raise InputError(f"expected names of fields in extra_body, got {odd[0]!r}")
    taken = sorted(OURS & fields.keys())
    if taken:
        raise InputError(
            f"expected extra fields of your own in extra_body, got {taken[0]!r}, which Alignmeter sets"
        )
    try:
        # The one refuses numbers that are none, the other texts that UTF-8 cannot carry.
        json.dumps(fields, allow_nan=False)
        return msgspec.json.decode(msgspec.json.encode(fields), type=dict[str, Any])
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"expected extra_body to be JSON, got a value that is not: {error}") from None


def read_extra(text: str) -> dict[str, Any]:
    """Read what `--extra-body` says.

    Raises:
        InputError: It is no JSON object.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        # Not quoted: it may hold what is nobody's business.
        raise InputError(f"expected `extra_body=` with a JSON object such as '{EXAMPLE}': {error}") from None


def shown_extra(extra: Mapping[str, Any]) -> str:
    """Return extra fields for people, as JSON on one line."""
    return json.dumps(extra, ensure_ascii=False)
