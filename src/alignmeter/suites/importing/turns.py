"""The prompt of a row: a text, or the one user turn of a list of messages."""

from __future__ import annotations

from typing import Any, cast

from alignmeter.suites.importing.rules import BrokenCellError, text_of

_SHOWN = 60
_EXPECTED = (
    "a text to ask, or a list of messages (`role`, `content`) with one user turn that is a text; name the "
    "column of the prompt (`input.text` for one inside an object)"
)


def prompt_of(cell: object, column: str) -> str:
    """Return what a cell asks; of a list of messages its user turn, where there is one alone.

    System turns and answers are not asked. A list or an object as JSON would be a question that nobody
    put, with the answer in it as a rule.

    Args:
        cell: As the file holds it.
        column: Where it stands.

    Raises:
        BrokenCellError: It is a list or an object without a single user turn of text.
    """
    if not isinstance(cell, list | tuple | dict):
        return text_of(cell)
    turns = _messages(cast("object", cell))
    asked = [turn["content"] for turn in turns if turn.get("role") == "user"]
    if len(asked) == 1 and isinstance(asked[0], str):
        return asked[0]
    came = f"{len(asked)} user turns" if turns else text_of(cast("object", cell))[:_SHOWN]
    raise BrokenCellError(column, _EXPECTED, came)


def _messages(cell: object) -> list[dict[str, Any]]:
    """Return the cell as messages, none where it is anything else."""
    if not isinstance(cell, list | tuple):
        return []
    turns = [cast("dict[str, Any]", turn) for turn in cast("list[object]", cell) if isinstance(turn, dict)]
    whole = len(turns) == len(cast("list[object]", cell))
    return turns if whole and all({"role", "content"} <= turn.keys() for turn in turns) else []
