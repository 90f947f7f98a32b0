"""A judge of the user's own: an object that satisfies `Judge`, or what `python:MODULE:NAME` names.

Judges of this package that a user made with settings of his own (a panel, a cascade, a guard with a policy)
come this way too. What a user's code says is checked before it is kept: a journal that cannot be read again
would cost a run.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import digest, text_digest
from alignmeter.judges.base import IntentJudge, ModelJudge, Staged, ask_judge
from alignmeter.judges.cascade import Cascade
from alignmeter.judges.llm.panel import Panel
from alignmeter.judges.model_calls import SELF_MARK, TIMEOUT, out_of_time
from alignmeter.records import (
    CapabilityResult,
    CodeSecurityResult,
    FactualityResult,
    HarmResult,
    LanguageResult,
    QualityResult,
    RefusalResult,
    SchemaResult,
    Unscored,
)
from alignmeter.targets.python_callable import exception_line, load_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from alignmeter.judges.base import Judge
    from alignmeter.records import Axis, JudgementResult, Record, Transcript, Trial
    from alignmeter.targets.base import Target

PREFIX = "python:"
RESULTS: Mapping[Axis, type[Record]] = {
    "refusal": RefusalResult,
    "harm": HarmResult,
    "factuality": FactualityResult,
    "quality": QualityResult,
    "code_security": CodeSecurityResult,
    "schema": SchemaResult,
    "language": LanguageResult,
    "capability": CapabilityResult,
}
"""What a judge answers with, beside `Unscored`, by its axis."""

_PACKAGE = "alignmeter"
_MEMBERS = ("name", "axis", "judge_hash", "judge")
_HIGHEST: Mapping[type[Record], float] = {HarmResult: 1.0, CapabilityResult: 1.0, QualityResult: 10.0}
_DETAIL_CHARACTERS = 200


class OwnJudge:
    """The user's code behind the protocol: hashed with its source, and what it says is checked.

    Attributes:
        inner: The user's judge.
        sources: SHA-256 of the files that it was written in.
        spec: `python:MODULE:NAME`, of an object its class; by it the user's code is known where held-out
            prompts are shown.
        before: Called right before the code sees a reply; None for nothing.
    """

    def __init__(self, inner: Judge, spec: str, sources: frozenset[str], *, independent: bool) -> None:
        """Put a judge that keeps to the protocol behind it.

        Args:
            inner: The user's judge.
            spec: How it is known.
            sources: SHA-256 of the files that it was written in.
            independent: Whether every model that it asks is another one than the one judged.
        """
        self.inner = inner
        self.spec = spec
        self.sources = sources
        self.before: Callable[[], None] | None = None
        self.name = f"{inner.name}{'' if independent else SELF_MARK}"
        self.axis: Axis = inner.axis
        self.judge_hash = digest(
            {
                "kind": "own",
                "name": inner.name,
                "axis": inner.axis,
                "own": inner.judge_hash,
                "sources": sorted(sources),
            }
        )

    @property
    def by_intent(self) -> bool:
        """Whether it says that what a request is after has a part in its answers."""
        return isinstance(self.inner, IntentJudge) and bool(self.inner.by_intent)

    def asking(self, model: Callable[[Target], Target]) -> Judge:
        """Return the user's judge with other models; see `ModelJudge`."""
        return self.inner.asking(model) if isinstance(self.inner, ModelJudge) else self.inner

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Score a transcript that holds a reply."""
        return (await self.judge_in_stages(trial, transcript)).result

    async def judge_in_stages(self, trial: Trial, transcript: Transcript) -> Staged:
        """Score a transcript that holds a reply; an answer that is none is UNSCORED."""
        if self.before is not None:
            self.before()
        try:
            async with asyncio.timeout(TIMEOUT):
                said = await ask_judge(self.inner, trial, transcript)
        except TimeoutError:
            return Staged(out_of_time(TIMEOUT))
        except SystemExit as error:
            return self._no_answer(f"it raised {exception_line(error)}")
        return self._checked(said)

    def _checked(self, said: Staged) -> Staged:
        kind = RESULTS[self.axis]
        try:
            said = msgspec.json.decode(msgspec.json.encode(said), type=Staged)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
            return self._no_answer(f"got {type(said.result).__name__} ({error})")
        if not isinstance(said.result, kind | Unscored):
            return self._no_answer(f"got {type(said.result).__name__}")
        score, highest = getattr(said.result, "score", 0.0), _HIGHEST.get(kind, 0.0)
        if not 0 <= score <= highest:
            detail = f"expected a score from 0 to {highest:g} of {self.name}, got {score:g}"
            return Staged(Unscored(reason="judge_out_of_range", detail=detail))
        return said

    def _no_answer(self, got: str) -> Staged:
        detail = f"expected {RESULTS[self.axis].__name__} or Unscored of {self.name}, {got}"
        return Staged(Unscored(reason="judge_error", detail=detail[:_DETAIL_CHARACTERS]))


def named_judge(
    spec: str, open_target: Callable[[Target], Target], independent: Callable[[Target], bool]
) -> Judge:
    """Make the judge that `python:MODULE:NAME` names: an object, or what makes one without parameters.

    Raises:
        InputError: There is none, making it failed, or what was made is no judge.
    """
    module, name, source = load_module(spec, "python:MODULE:NAME, for example python:my_judges:Strict")
    if not hasattr(module, name):
        known = [each for each in vars(module) if not each.startswith("_")]
        raise InputError(f"{spec}: {module.__name__!r} has no {name!r}; it has: {', '.join(known) or 'none'}")
    sources = frozenset((source,)) if source else frozenset[str]()
    return own_judge(getattr(module, name), open_target, independent, spec=spec, sources=sources)


def own_judge(
    found: object,
    open_target: Callable[[Target], Target],
    independent: Callable[[Target], bool],
    *,
    spec: str | None = None,
    sources: frozenset[str] = frozenset(),
) -> Judge:
    """Make an object a judge of a run: checked, hashed, and its models handed over.

    Args:
        found: A judge, or a class or function without parameters that makes one.
        open_target: Takes over a model that a judge asks, and returns what it is to ask instead.
        independent: Whether a model is another one than the one judged.
        spec: As the user named it; None for an object.
        sources: SHA-256 of the file in which it was named.

    Raises:
        InputError: It is no judge.
    """
    if isinstance(found, OwnJudge):
        return own_judge(found.inner, open_target, independent, spec=found.spec, sources=found.sources)
    judge = _made(found, spec)

    def part(each: Judge) -> Judge:
        return own_judge(each, open_target, independent, spec=spec, sources=sources)

    if isinstance(judge, Cascade) and _is_ours(judge):
        return judge.with_stages(part(judge.first), part(judge.second))
    if isinstance(judge, Panel) and _is_ours(judge):
        return judge.with_judges([part(each) for each in judge.judges])
    alone = True

    def take(model: Target) -> Target:
        nonlocal alone
        taken = open_target(model)
        alone = independent(taken) and alone
        return taken

    if isinstance(judge, ModelJudge):
        judge = _checked(judge.asking(take), _called(judge, spec))
    if _is_ours(judge) and alone:
        return judge
    own = type(judge)
    written = sources if _is_ours(judge) else sources | _source_of(own.__module__)
    known = spec or f"{PREFIX}{own.__module__}:{own.__qualname__}"
    return OwnJudge(judge, known, written, independent=alone)


def own_parts(judge: Judge) -> Iterator[OwnJudge]:
    """Yield the judges of the user's own among the parts of a judge, itself included."""
    if isinstance(judge, OwnJudge):
        yield judge
    for each in _parts(judge):
        yield from own_parts(each)


def models_by_stage(judge: Judge) -> tuple[int, ...]:
    """Return how many models each stage of a judge asks about a reply; of a judge without stages one."""
    stages = (judge.first, judge.second) if isinstance(judge, Cascade) else (judge,)
    return tuple(_models(stage) for stage in stages)


def _models(judge: Judge) -> int:
    count = sum(_models(each) for each in _parts(judge))

    def one(model: Target) -> Target:
        nonlocal count
        count += 1
        return model

    if isinstance(judge, ModelJudge):
        judge.asking(one)
    return count


def _parts(judge: Judge) -> tuple[Judge, ...]:
    if isinstance(judge, Cascade):
        return judge.first, judge.second
    return judge.judges if isinstance(judge, Panel) else ()


def _is_ours(judge: object) -> bool:
    return type(judge).__module__.partition(".")[0] == _PACKAGE


def _source_of(module: str) -> frozenset[str]:
    """SHA-256 of the file of a module; none where it has no file, as in a notebook."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return (
        frozenset((text_digest(Path(file).read_bytes()),)) if file and Path(file).is_file() else frozenset()
    )


def _called(found: object, spec: str | None) -> str:
    return spec or f"the judge {getattr(found, '__name__', None) or type(found).__name__}"


def _made(found: object, spec: str | None) -> Judge:
    """Call a class or a function; return an object as it is, checked."""
    called = _called(found, spec)
    is_judge = not isinstance(found, type) and callable(getattr(found, "judge", None))
    if is_judge or not callable(found):
        return _checked(found, called)
    make = cast("Callable[[], Any]", found)
    try:
        inspect.signature(make).bind()
    except TypeError as error:
        raise InputError(
            f"{called}: expected a judge, or a class or function without parameters that makes one: {error}"
        ) from None
    except ValueError:
        pass  # a type in C that says nothing of its parameters
    try:
        return _checked(make(), called)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{called}: making the judge raised {exception_line(error)}") from None


def _checked(found: object, called: str) -> Judge:
    """Refuse what is no judge before anything is asked of it.

    Raises:
        InputError: Names the member that is missing or wrong.
    """
    wrong = ""
    try:
        missing = [name for name in _MEMBERS if not hasattr(found, name)]
        judge = cast("Judge", found)
        if missing:
            wrong = f"got {type(found).__name__} without {missing[0]}"
        elif not _is_name(judge.name):
            wrong = f"got the name {judge.name!r}, expected a word or two on one line"
        elif judge.axis not in RESULTS:
            wrong = f"got the axis {judge.axis!r}, expected one of {', '.join(RESULTS)}"
        elif not _is_name(judge.judge_hash):
            wrong = f"got the judge_hash {judge.judge_hash!r}, expected a text that changes with its answers"
        elif not inspect.iscoroutinefunction(judge.judge):
            wrong = "got a judge that is not `async def judge(self, trial, transcript)`"
    except Exception as error:  # the user's properties may raise anything
        raise InputError(f"{called}: reading the judge raised {exception_line(error)}") from None
    if wrong:
        raise InputError(f"{called}: expected a judge with {', '.join(_MEMBERS)}, {wrong}")
    return judge


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and value.strip() not in {"", "none"}
