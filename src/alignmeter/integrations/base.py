"""What every reader of results has in common: its options, its shape, and the checks of what it read.

A reader turns the results that another tool left behind into `ItemScores`. It re-scores nothing: the
score of an item is the one that its source gave it.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from alignmeter.integrations.peek import Peek
    from alignmeter.records import ItemScores, ScoredItem

MEMBERS = "members"
"""Repetitions of an item each count as an item of one family."""

_ROUNDING = 1e-6
"""A mean that its source wrote down differs from that of the items by no more than this."""
_SECRET = re.compile(
    r"(?i)((?:api_?key|secret|password|(?:auth|access|hf)_?token|authorization)\W{1,4})[^,'\"}\s]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What to take from results that hold more than one model's one score.

    Attributes:
        model: The model to read where there are several; else the one there is must have this name.
        metrics: Names of the score, the first that a domain has counts; empty: the domain's first.
        filters: Ways of reading the answer (lm-eval), likewise.
        domains: Read these alone; empty: all.
        epochs: `members`: each repetition counts as an item of one family. Else the name of a reducer
            whose scores the source holds (Inspect).
        family: A field of the source's own item that names its family; empty: each item is its own.
        maximum: Best possible score, where scores are not shares of it.
    """

    model: str | None = None
    metrics: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    epochs: str = MEMBERS
    family: str = ""
    maximum: float | None = None

    def __post_init__(self) -> None:
        """Refuse a maximum that is none."""
        if self.maximum is not None and not (math.isfinite(self.maximum) and self.maximum > 0):
            raise InputError(f"expected the best possible score to be a number above 0, got {self.maximum!r}")

    def check_used(self, reader: str, used: Collection[str]) -> None:
        """Refuse an option that this reader would pass over.

        Raises:
            InputError: An option is set that is not in `used`.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default and field.name not in used:
                raise InputError(
                    f"expected options that {reader} results have a use for ({', '.join(sorted(used))}), got "
                    f"{field.name} {_shown(value)}; leave it out"
                )


class ScoreReader(Protocol):
    """Reads one format.

    Attributes:
        format: Its name, as in `--format`.
        options: Names of the fields of `ReadOptions` that it has a use for.
    """

    format: str
    options: frozenset[str]

    def recognises(self, peek: Peek) -> bool:
        """Whether a file or folder holds this format, by what is in it."""
        ...

    def read(self, path: Path, options: ReadOptions) -> ItemScores:
        """Read the scores of one model.

        Raises:
            InputError: Something is missing or not as the format has it; names the file.
        """
        ...


def choose(wanted: Sequence[str], there: Sequence[str], what: str, where: str) -> str:
    """Return the first wanted name that is there; without a wish the first there is.

    A domain with a single name has no choice to make, whatever was wished for another domain.

    Raises:
        InputError: There is a choice, and nothing that was wanted is in it.
    """
    for name in wanted:
        if name in there:
            return name
    if not wanted or len(there) == 1:
        return there[0]
    raise InputError(
        f"{where}: expected a {what} that is there ({', '.join(there)}), got {_shown(wanted)}; name one "
        "of them"
    )


def check_wishes(wanted: Sequence[str], there: Collection[str], what: str, where: str) -> None:
    """Refuse a name that fits no domain at all: it is a slip.

    Raises:
        InputError: Names it and what there is.
    """
    for name in wanted:
        if name not in there:
            raise InputError(
                f"{where}: expected a {what} that is there ({', '.join(sorted(there)) or 'none'}), got "
                f"{name!r}"
            )


def share(value: float, maximum: float | None, where: str) -> float:
    """Return a score as a share of the best possible one.

    Raises:
        InputError: It is outside [0, maximum].
    """
    best = 1.0 if maximum is None else maximum
    if not 0 <= value <= best:
        raise InputError(
            f"{where}: expected a score from 0 to {best:g}, got {value!r}; "
            + ("state the best possible score with" if maximum is None else "correct the maximum,")
            + " `maximum=`"
        )
    return value / best


def mean_by_domain(items: Iterable[ScoredItem]) -> dict[str, float]:
    """Return the mean of the scored items of each domain that has any."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for item in items:
        if item.score is not None:
            found[item.domain].append(item.score)
    return {domain: math.fsum(scores) / len(scores) for domain, scores in found.items()}


def run_name(item: str, run: int) -> str:
    """Name a repetition of an item, counted from 1: the first keeps the name of the item.

    Ids that end in `#2`, as those of issues do, are not taken for a repetition.
    """
    return item if run == 1 else f"{item} (run {run})"


def chance_of(guesses: Sequence[float | None]) -> float | None:
    """Return the mean of the known scores of guessing an item; None where none is known."""
    known = [guess for guess in guesses if guess is not None]
    return math.fsum(known) / len(known) if known else None


def agrees(mean: float, reported: float) -> bool:
    """Whether a mean is the one that was reported, but for rounding."""
    return math.isclose(mean, reported, rel_tol=0, abs_tol=_ROUNDING)


def check_reported(origin: str, domain: str, mean: float | None, reported: float) -> None:
    """Refuse items whose mean is not the one that their source printed.

    Raises:
        InputError: They differ by more than rounding, so that items are missing, changed or scored
            in another way than they look.
    """
    if mean is None or not agrees(mean, reported):
        got = "no scored item" if mean is None else f"{mean:.6g}"
        raise InputError(
            f"{origin}: domain {domain!r}: expected the mean of the items to be the source's own "
            f"{reported:.6g}, got {got}; the items are incomplete, changed or weighted: export them again, "
            "or choose another metric"
        )


def without_secrets(text: str) -> str:
    """Blot out keys in arguments that a harness wrote down."""
    return _SECRET.sub(r"\1***", text)


def stated(facts: Mapping[str, object]) -> dict[str, str]:
    """Keep the facts that a source states, as text without secrets."""
    return {
        name: without_secrets(str(value)) for name, value in facts.items() if value not in (None, "", {}, [])
    }


def united(statements: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Join what several files state: each statement once, where they differ."""
    found: dict[str, list[str]] = {}
    for facts in statements:
        for name, value in facts.items():
            if value not in found.setdefault(name, []):
                found[name].append(value)
    return {name: "; ".join(values) for name, values in found.items()}


def _shown(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(repr(one) for one in value)  # type: ignore[reportUnknownVariableType] # of names
    return repr(value)
