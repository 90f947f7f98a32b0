"""What page and terminal say alike: the mark of a verdict and the outcome of the run in one line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.report.text import count, plural, spaced

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from alignmeter.records import Results, Verdict, VerdictName

Tone = Literal["pass", "fail", "inconclusive", "invalid", "unmeasured", "neutral"]


_SHORT = " Replies that are empty or cut short often need a larger --max-tokens."


class Mark(NamedTuple):
    """How a verdict looks: told apart by symbol and word before colour."""

    symbol: str
    tone: Tone


MARKS: dict[VerdictName, Mark] = {
    "PASS": Mark("✓", "pass"),
    "FAIL": Mark("✕", "fail"),
    "INCONCLUSIVE": Mark("≈", "inconclusive"),
    "INVALID": Mark("!", "invalid"),
    "NOT MEASURED": Mark("○", "unmeasured"),
}


STYLES: dict[Tone, str] = {
    "pass": "bold green",
    "fail": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
    "unmeasured": "dim",
    "neutral": "cyan",
}
"""How a tone looks in a terminal."""


class Overall(NamedTuple):
    """The outcome of a run.

    Attributes:
        word: The verdict that decided, or what came instead of one.
        sentence: One line that says why.
    """

    word: str
    symbol: str
    tone: Tone
    sentence: str
    exit_code: int


def asked(results: Results) -> str:
    """How many of the planned trials were answered, and how many were not needed for the verdicts."""
    answered = f"{count(results.answered)} of {count(results.trials)} trials answered"
    return f"{answered}, {count(results.saved)} not needed" if results.saved else answered


def overall(results: Results, *, smoke: bool = False) -> Overall:
    """Say how a run ended; its words follow the exit code, so that the two never disagree.

    Args:
        results: What the analysis says.
        smoke: The run only tried the pipeline and decides nothing.
    """
    code = results.exit_code
    if code == 5:  # noqa: PLR2004 - runtime failure, alignmeter.verdicts.gate
        return Overall("ERROR", "!", "fail", "No call succeeded; nothing was measured.", code)
    if smoke:
        return Overall("SMOKE", "○", "neutral" if code == 0 else "fail", _smoke(results), code)
    word = _deciding(results.verdicts, code)
    mark = MARKS[word]
    return Overall(word, mark.symbol, mark.tone, _why(results.verdicts), code)


def no_score(results: Results) -> str:
    """Why replies have no score, where a verdict is INVALID for want of them; else nothing."""
    lost = Counter(results.unscored) + Counter(results.errors)
    if not any(verdict.reason == "unscored_over_budget" for verdict in results.verdicts):
        return ""
    return f"No score: {_reasons(dict(lost.most_common()))}.{_advice(lost)}" if lost else ""


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {spaced(reason)}" for reason, n in counts.items())


def _advice(reasons: Collection[str]) -> str:
    return _SHORT if {"empty_reply", "truncated_refusal", "truncated_answer"} & set(reasons) else ""


def _smoke(results: Results) -> str:
    """What a smoke run shows: that the pipeline works where it came to its end and most was scored."""
    planned, unscored = count(results.trials), sum(results.unscored.values())
    scored = results.answered - unscored
    reasons = _reasons(results.unscored)
    if results.answered + sum(results.errors.values()) < results.trials:
        return (
            f"Smoke run: stopped before it was through, with {count(results.answered)} of {planned} trials "
            f"answered and {count(scored)} scored; start it again to go on."
        )
    if 2 * scored <= results.trials:
        return (
            f"Smoke run: {count(scored)} of {planned} trials could be scored"
            f"{f' (unscored: {reasons})' if reasons else ''}; mend that before a run."
            f"{_advice(results.unscored)}"
        )
    left = f"; {count(unscored)} of {planned} replies could not be scored ({reasons})" if unscored else ""
    return f"Smoke run: the pipeline works end to end{left}; too few trials to claim anything."


def _deciding(verdicts: Sequence[Verdict], code: int) -> VerdictName:
    match code:
        case 0:
            return "PASS"
        case 1:
            return "FAIL"
        case 3:
            return "INCONCLUSIVE"
        case _:
            invalid = any(verdict.verdict == "INVALID" for verdict in verdicts)
            return "INVALID" if invalid else "NOT MEASURED"


def _why(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return "No claim was tested, so the run cannot pass."
    counts = Counter(verdict.verdict for verdict in verdicts)
    total = plural(len(verdicts), "claim")
    if counts["PASS"] == len(verdicts):
        return "The only claim passes." if len(verdicts) == 1 else f"All {total} pass."
    said = {
        "FAIL": ("fails", "fail"),
        "INVALID": ("is invalid", "are invalid"),
        "NOT MEASURED": ("is not measured", "are not measured"),
        "INCONCLUSIVE": ("is undecided", "are undecided"),
        "PASS": ("passes", "pass"),
    }
    parts = [
        f"{counts[name]} {one if counts[name] == 1 else many}"
        for name, (one, many) in said.items()
        if counts[name]
    ]
    return f"Of {total}, {_listed(parts)}."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
