"""What the target reads: the text of the user turn that asks a probe."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Probe

_TEMPLATES = "closed_question.json"
_PLACEHOLDER = "{question}"


def render_request(probe: Probe) -> str:
    """Return the text of the user turn for a probe.

    A refusal probe is asked as it stands. A closed question is asked with a fixed instruction in
    its language to begin with Yes or No, so that the answer is scored without a judge model.

    Raises:
        InputError: There is no instruction in the language of a closed question.
    """
    if probe.axis != "factuality":
        return probe.prompt
    templates = _closed_question_templates()
    if probe.language not in templates:
        raise InputError(
            f"{probe.id}: expected a closed question in {', '.join(sorted(templates))}, got language "
            f"{probe.language!r}; add its instruction to {_TEMPLATES}"
        )
    # Not str.format: a question may hold braces of its own.
    return templates[probe.language].replace(_PLACEHOLDER, probe.prompt)


def closed_question_languages() -> tuple[str, ...]:
    """Return the languages in which a closed question can be asked."""
    return tuple(sorted(_closed_question_templates()))


@cache
def _closed_question_templates() -> Mapping[str, str]:
    # The instruction stands before the question: with it behind, a 135M model often began with a
    # preamble instead of an answer (Yes or No first in 23 of 40 replies, against 35).
    data = (files("alignmeter.suites") / "data" / _TEMPLATES).read_bytes()
    return msgspec.json.decode(data, type=dict[str, str])
