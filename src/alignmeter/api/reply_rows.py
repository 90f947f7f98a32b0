"""The replies of a run as flat rows, for data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from alignmeter.records import Axis, Unscored, Usage
from alignmeter.store import reply_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.records import Judgement, Trial
    from alignmeter.store import Cell, RunData

_NUMBERS = ("score", "confidence")
"""What only some results have beside their label."""


def reply_rows(data: RunData) -> list[dict[str, Cell]]:
    """Make one row of each trial that was asked, in dispatch order.

    Args:
        data: Trials, transcripts, and the judgements that count.

    Returns:
        Rows with the same columns: those of `transcripts.parquet`, the prompt, then what the judges said and
        took. An error of the target is a row without a reply.
    """
    by_axis = data.by_axis()
    axes: list[Axis] = sorted(by_axis, key=get_args(Axis).index)
    columns = {axis: _columns(list(by_axis[axis].values())) for axis in axes}
    rows: list[dict[str, Cell]] = []
    for index, trial in enumerate(data.trials):
        transcript = data.transcripts.get(trial.id)
        if transcript is None:
            continue
        judged = [by_axis[axis].get(trial.id) for axis in axes]
        row = reply_columns(index, trial, transcript) | {"prompt": _prompt(trial)}
        for axis, judgement in zip(axes, judged, strict=True):
            row |= dict(_said(axis, judgement, columns[axis]))
        rows.append(row | _taken([one for one in judged if one is not None]))
    return rows


def _prompt(trial: Trial) -> str:
    """The last message of the user, as it was sent."""
    return next((one.content for one in reversed(trial.messages) if one.role == "user"), "")


def _columns(judged: Sequence[Judgement]) -> tuple[str, ...]:
    """What is told of an axis."""
    further = [name for name in _NUMBERS if any(hasattr(one.result, name) for one in judged)]
    return ("label", *further, "unscored_reason")


def _said(axis: Axis, judged: Judgement | None, columns: Sequence[str]) -> Iterator[tuple[str, Cell]]:
    result = None if judged is None else judged.result
    for name in columns:
        if name == "unscored_reason":
            yield f"{axis}_unscored_reason", result.reason if isinstance(result, Unscored) else None
        else:
            yield f"{axis}_{name}", getattr(result, name, None)


def _taken(judged: Sequence[Judgement]) -> dict[str, Cell]:
    """Calls of the judges' models about one reply, and their tokens."""
    usage = sum((one.usage for one in judged), Usage())
    return {
        "judge_calls": sum(one.calls for one in judged),
        "judge_prompt_tokens": usage.prompt_tokens or 0,
        "judge_completion_tokens": usage.completion_tokens or 0,
    }
