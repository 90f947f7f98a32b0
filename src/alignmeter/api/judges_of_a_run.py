"""The judges of a run: the built-in ones, and those that the user names, with their models."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.api.models import ModelMaker
from alignmeter.engine import JudgeCalls, about_to_show
from alignmeter.errors import InputError
from alignmeter.judges import (
    Cascade,
    Judge,
    Panel,
    default_judges,
    models_by_stage,
    not_the_target,
    own_parts,
    resolve_judge,
)
from alignmeter.records import Record, Sampling, TargetFingerprint
from alignmeter.rotation import PYTHON
from alignmeter.targets import TargetOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from alignmeter.api.exposing import Shown
    from alignmeter.records import Axis
    from alignmeter.targets import Target


class JudgeChoice(Record, frozen=True):
    """Which judges a user wants beside, or instead of, the built-in ones.

    Attributes:
        specs: Each takes the place of the built-in judge on its axis; several on one axis are a panel
            and vote. A spec as `resolve_judge` takes it, or a judge of one's own.
        options: How the models behind them are reached.
        allow_self: Let a model judge its own replies; its judgements are marked.
    """

    specs: tuple[str | Judge, ...] = ()
    options: TargetOptions = TargetOptions()
    allow_self: bool = False


class RunJudges(NamedTuple):
    """The judges of a run.

    Attributes:
        by_axis: One an axis; a panel where several were named.
        targets: The models to be opened while they judge.
        calls: Counts what these models are asked.
        models: Models that are asked, by axis; the axes are those that the user named judges for.
        code: Judges of the user's own, whose code may send what it sees anywhere.
    """

    by_axis: dict[Axis, Judge]
    targets: tuple[Target, ...]
    calls: JudgeCalls
    models: dict[Axis, Models]
    code: tuple[OwnCode, ...] = ()

    @property
    def shown(self) -> tuple[Shown, ...]:
        """Whoever sees the replies: models, and the user's code."""
        return (*self.targets, *self.code)


class OwnCode(NamedTuple):
    """A judge of the user's own, as what may be shown held-out prompts."""

    spec: str
    fingerprint: TargetFingerprint
    url: str | None = None


class Models(NamedTuple):
    """Models behind the judges of one axis.

    Attributes:
        always: Models that are asked about every reply, those of a cascade's first stage among them.
        sometimes: Cascades whose second stage is a model.
    """

    always: int = 0
    sometimes: tuple[Cascade, ...] = ()


def judges_of(
    choice: JudgeChoice,
    target: TargetFingerprint | None,
    *,
    seed: int,
    languages: Collection[str] = ("en",),
) -> RunJudges:
    """Make the judges of a run; nothing is opened yet.

    Args:
        choice: What the user wants.
        target: Whose replies are judged; None where that is not known yet.
        seed: The design's seed, for the sample of a cascade.
        languages: Languages of the replies.

    Raises:
        InputError: A spec is not understood, or a judge is the target and nobody insists.
    """
    calls = JudgeCalls()
    make = ModelMaker(choice.options, calls.metered)

    def independent(model: Target) -> bool:
        return target is None or not_the_target(model.fingerprint, target, forced=choice.allow_self)

    named: dict[Axis, list[Judge]] = {}
    models: dict[Axis, Models] = {}
    for spec in choice.specs:
        judge = resolve_judge(spec, open_target=make, seed=seed, independent=independent)
        named.setdefault(judge.axis, []).append(judge)
        first, *later = models_by_stage(judge)
        known = models.get(judge.axis, Models())
        staged = (judge,) if isinstance(judge, Cascade) and any(later) else ()
        models[judge.axis] = Models(known.always + first, (*known.sometimes, *staged))
    make.check(f"the judges {', '.join(map(judge_called, choice.specs)) or 'that are built in'}")
    by_axis = dict(default_judges(languages))
    for axis, judges in named.items():
        by_axis[axis] = judges[0] if len(judges) == 1 else _panel(judges)
    _check_names(by_axis.values())
    return RunJudges(by_axis, tuple(make.targets), calls, models, tuple(_code(by_axis.values())))


def judge_called(spec: str | Judge) -> str:
    """What to call a judge that a user asks for, in a message."""
    return repr(spec) if isinstance(spec, str) else repr(getattr(spec, "name", type(spec).__name__))


def _check_names(judges: Iterable[Judge]) -> None:
    """Refuse two judges of one name: the run knows them by it."""
    names = Counter(judge.name for judge in judges)
    if twice := [name for name, count in names.items() if count > 1]:
        raise InputError(f"expected judges of different names, got {twice[0]!r} on two axes; rename one")


def _code(judges: Iterable[Judge]) -> Iterator[OwnCode]:
    """The user's code among judges; from now on it is noted when it is shown something."""
    for own in chain.from_iterable(map(own_parts, judges)):
        fingerprint = TargetFingerprint(
            kind=PYTHON, model=own.spec.partition(":")[2], sampling=Sampling(), weights=own.judge_hash
        )
        code = OwnCode(own.spec, fingerprint)
        own.before = partial(about_to_show, code)
        yield code


def _panel(judges: Sequence[Judge]) -> Panel:
    try:
        return Panel(judges)
    except ValueError as error:
        raise InputError(f"the judges named make no panel: {error}") from None
