"""What a server did otherwise than it was asked: parameters that it refused, endings that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.report.text import count, plural, visible
from alignmeter.targets import adaptation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Results


def serving_notes(results: Results) -> tuple[str, ...]:
    """One sentence each on what the readers of a run have to know of its server; empty as a rule."""
    notes: list[str] = []
    if results.refused:
        notes.append(f"The server refused parameters: {refusals(results)}.")
    notes += [judge_note(judge, names) for judge, names in results.judge_refused.items()]
    if results.unknown_endings:
        said = ", ".join(
            f"\u201c{visible(reason)}\u201d ({count(n)})" for reason, n in results.unknown_endings.items()
        )
        notes.append(
            f"Replies ended for a reason that is not known here and count as whole: {said}. Where this is a "
            f"filter's, they are refusals."
        )
    return tuple(notes)


def judge_note(judge: str, refused: Mapping[str, int]) -> str:
    """What the server of a judge's model refused and what was done, with the judgements."""
    done = ", ".join(f"{adaptation(name)} ({plural(n, 'judgement')})" for name, n in refused.items())
    return f"The server of the judge {visible(judge)} refused parameters: {done}."


def refusals(results: Results) -> str:
    """Parameters that the server refused and what was done, with the replies: "" where there are none."""
    return ", ".join(
        f"{adaptation(name)} ({count(n)} of {count(results.answered)} replies)"
        for name, n in results.refused.items()
    )
