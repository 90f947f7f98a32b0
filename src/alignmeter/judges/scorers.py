"""Scorers: guards and reward models that give a text a number.

Any of the user's functions (`python:MODULE:FUNCTION`), a classifier of transformers
(`transformers:FOLDER`), or a judge of harm as a scorer of exchanges (`guard:FAMILY@TARGET` and others).
"""

from __future__ import annotations

import asyncio
import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from alignmeter.errors import InputError
from alignmeter.identity import digest
from alignmeter.judges.base import ask_judge
from alignmeter.judges.resolve import resolve_judge
from alignmeter.records import HarmResult, Unscored
from alignmeter.targets.python_callable import exception_line, load_function

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignmeter.judges.base import Judge
    from alignmeter.judges.resolve import OpenTarget
    from alignmeter.records import Higher, ScorerReads, Transcript, Trial

CONCURRENCY = 16
"""Calls of a judge side by side."""
FORMS = ("python:MODULE:FUNCTION", "transformers:FOLDER", "guard:FAMILY@TARGET", "llm:RUBRIC@TARGET")


class ScoredExchange(NamedTuple):
    """What a scorer is shown.

    Attributes:
        reply: None where it reads the request alone; then there is no trial behind it either.
    """

    request: str
    reply: str | None = None
    trial: Trial | None = None
    transcript: Transcript | None = None


class Score(NamedTuple):
    """A score, or why there is none."""

    score: float | None
    problem: str = ""


class Scorer(Protocol):
    """Gives texts numbers; a fault is data."""

    @property
    def name(self) -> str:
        """As the user named it."""
        ...

    @property
    def scorer_hash(self) -> str:
        """Hash of everything that decides its scores."""
        ...

    @property
    def reads(self) -> ScorerReads:
        """Whether it reads requests or exchanges."""
        ...

    @property
    def higher(self) -> Higher:
        """What a high score means."""
        ...

    async def score(self, texts: Sequence[ScoredExchange]) -> list[Score]:
        """Score a batch, in its order."""
        ...


class FunctionScorer:
    """Calls `function(request)` or `function(request, reply)`, plain or async; it returns a number."""

    def __init__(self, spec: str, reads: ScorerReads, higher: Higher) -> None:
        self.name = spec
        self.reads: ScorerReads = reads
        self.higher: Higher = higher
        self._function, source = load_function(spec)
        self.scorer_hash = digest({"scorer": spec, "source": source, "reads": reads, "higher": higher})

    async def score(self, texts: Sequence[ScoredExchange]) -> list[Score]:
        """Call the function once a text; what it raises is that text's problem."""
        return [await self._one(text) for text in texts]

    async def _one(self, text: ScoredExchange) -> Score:
        shown = (text.request,) if self.reads == "request" else (text.request, text.reply or "")
        try:
            found = self._function(*shown)
            if inspect.isawaitable(found):
                found = await found
        except Exception as error:
            return Score(None, exception_line(error))
        return _number(found)


class ClassifierScorer:
    """A sequence classifier or a reward model of transformers, loaded when it is made."""

    def __init__(self, folder: Path, reads: ScorerReads, higher: Higher | None, label: str | None) -> None:
        from alignmeter.targets.sequence_classifier import SequenceClassifier

        self._model = SequenceClassifier(folder, label=label)
        self.name = f"transformers:{folder}"
        self.reads: ScorerReads = reads
        self.higher: Higher = higher or ("better" if self._model.is_reward else "worse")
        self.scorer_hash = digest(
            {
                "scorer": "transformers",
                "weights": self._model.weights,
                "column": self._model.column,
                "reads": reads,
                "higher": self.higher,
            }
        )

    async def score(self, texts: Sequence[ScoredExchange]) -> list[Score]:
        """Score a batch on the processor."""
        shown = [(text.request, text.reply if self.reads == "exchange" else None) for text in texts]
        return [_number(score) for score in self._model.scores(shown)]


class JudgeScorer:
    """A judge of harm: its graded score of an exchange."""

    reads: ScorerReads = "exchange"
    higher: Higher = "worse"

    def __init__(self, spec: str, judge: Judge) -> None:
        if judge.axis != "harm":
            raise InputError(
                f"expected a judge of harm as the scorer, got {spec!r}, which judges {judge.axis}"
            )
        self.name, self._judge = spec, judge
        self.scorer_hash = judge.judge_hash
        self._places = asyncio.Semaphore(CONCURRENCY)

    async def score(self, texts: Sequence[ScoredExchange]) -> list[Score]:
        """Judge a batch side by side."""
        return list(await asyncio.gather(*(self._one(text) for text in texts)))

    async def _one(self, text: ScoredExchange) -> Score:
        assert text.trial is not None  # noqa: S101 - exchanges come from a run
        assert text.transcript is not None  # noqa: S101
        async with self._places:
            result = (await ask_judge(self._judge, text.trial, text.transcript)).result
        match result:
            case HarmResult(score=score):
                return Score(score)
            case Unscored(reason=reason, detail=detail):
                return Score(None, f"{reason}: {detail}")
            case _:
                return Score(None, f"expected a judgement of harm, got {type(result).__name__}")


def _number(found: Any) -> Score:  # noqa: ANN401 - the user's value
    # Numbers of NumPy and of PyTorch are no `float`; strings that look like one are a mistake.
    convert: Callable[[Any], float] = float
    kind = type(found).__name__
    if isinstance(found, str | bytes):
        return Score(None, f"expected a number, got {found[:40]!r}")
    try:
        value = convert(found)
    except (TypeError, ValueError):
        return Score(None, f"expected a number, got {kind}")
    except Exception as error:  # whatever the user's type raises is that text's problem
        return Score(None, f"expected a number, got {kind} ({exception_line(error)})")
    return Score(value) if math.isfinite(value) else Score(None, f"expected a finite number, got {value!r}")


def resolve_scorer(
    spec: str,
    *,
    reads: ScorerReads | None = None,
    higher: Higher | None = None,
    label: str | None = None,
    open_target: OpenTarget | None = None,
) -> Scorer:
    """Make the scorer that `spec` names.

    Args:
        spec: `python:MODULE:FUNCTION`, `transformers:FOLDER`, or a judge of harm.
        reads: What it is shown; None for requests, for a judge exchanges.
        higher: What a high score means; None for harm, for a reward model quality.
        label: The class of a classifier that means harm.
        open_target: Makes the target behind a judge; the caller opens and closes it.

    Raises:
        InputError: The spec is not understood, or an option does not go with it.
        MissingExtraError: An extra is not installed.
    """
    kind, _, rest = spec.partition(":")
    if label is not None and kind != "transformers":
        raise InputError(f"`label=` goes with transformers:FOLDER, got the scorer {spec!r}; leave it out")
    if kind == "python":
        return FunctionScorer(spec, reads or "request", higher or "worse")
    if kind == "transformers":
        if not rest:
            raise InputError(
                f"expected transformers:FOLDER, for example transformers:models/guard, got {spec!r}"
            )
        return ClassifierScorer(Path(rest), reads or "request", higher, label)
    if reads == "request" or higher == "better":
        raise InputError(
            f"{spec!r}: a judge of harm reads exchanges, and its high scores mean harm; leave `reads=` and "
            "`higher=` out"
        )
    try:
        judge = resolve_judge(spec, open_target=open_target)
    except InputError as error:
        if str(error).startswith("unknown judge"):
            raise InputError(
                f"unknown scorer {spec!r}; expected {', '.join(FORMS)} or harm-embedded"
            ) from None
        raise
    return JudgeScorer(spec, judge)
