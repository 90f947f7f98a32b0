"""The judges of a run: the built-in ones, and those that the user names, with their models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.api.models import ModelMaker
from alignmeter.engine import JudgeCalls
from alignmeter.errors import InputError
from alignmeter.judges import (
    Cascade,
    Panel,
    default_judges,
    models_by_stage,
    not_the_target,
    resolve_judge,
)
from alignmeter.records import Record
from alignmeter.targets import TargetOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from alignmeter.judges import Judge
    from alignmeter.records import Axis, TargetFingerprint
    from alignmeter.targets import Target


class JudgeChoice(Record, frozen=True):
    """Which judges a user wants beside, or instead of, the built-in ones.

    Attributes:
        specs: Each takes the place of the built-in judge on its axis; several on one axis are a panel
            and vote.
        options: How the models behind them are reached.
        allow_self: Let a model judge its own replies; its judgements are marked.
    """

    specs: tuple[str, ...] = ()
    options: TargetOptions = TargetOptions()
    allow_self: bool = False


class RunJudges(NamedTuple):
    """The judges of a run.

    Attributes:
        by_axis: One an axis; a panel where several were named.
        targets: The models to be opened while they judge.
        calls: Counts what these models are asked.
        models: Models that are asked, by axis.
    """

    by_axis: dict[Axis, Judge]
    targets: tuple[Target, ...]
    calls: JudgeCalls
    models: dict[Axis, Models]


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

    def independent() -> bool:
        asked = make.targets[-1].fingerprint
        return target is None or not_the_target(asked, target, forced=choice.allow_self)

    named: dict[Axis, list[Judge]] = {}
    models: dict[Axis, Models] = {}
    for spec in choice.specs:
        judge = resolve_judge(spec, open_target=make, seed=seed, independent=independent)
        named.setdefault(judge.axis, []).append(judge)
        first, *later = models_by_stage(spec)
        known = models.get(judge.axis, Models())
        staged = (judge,) if isinstance(judge, Cascade) and any(later) else ()
        models[judge.axis] = Models(known.always + first, (*known.sometimes, *staged))
    make.check(f"the judges {', '.join(map(repr, choice.specs)) or 'that are built in'}")
    by_axis = dict(default_judges(languages))
    for axis, judges in named.items():
        by_axis[axis] = judges[0] if len(judges) == 1 else _panel(judges)
    return RunJudges(by_axis, tuple(make.targets), calls, models)


def _panel(judges: Sequence[Judge]) -> Panel:
    try:
        return Panel(judges)
    except ValueError as error:
        raise InputError(f"--judge: these make no panel: {error}") from None
