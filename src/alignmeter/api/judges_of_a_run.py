"""The judges of a run: the built-in ones, and those that the user names, with their models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.engine import JudgeCalls
from alignmeter.errors import InputError
from alignmeter.judges import Panel, default_judges, not_the_target, resolve_judge
from alignmeter.records import Record
from alignmeter.targets import TargetOptions, resolve_target

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """Judges by axis, the models to be opened while they judge, and what counts their calls."""

    by_axis: dict[Axis, Judge]
    targets: tuple[Target, ...]
    calls: JudgeCalls


def judges_of(choice: JudgeChoice, target: TargetFingerprint, *, seed: int) -> RunJudges:
    """Make the judges of a run; nothing is opened yet.

    Args:
        choice: What the user wants.
        target: Whose replies are judged.
        seed: The design's seed, for the sample of a cascade.

    Raises:
        InputError: A spec is not understood, or a judge is the target and nobody insists.
    """
    calls = JudgeCalls()
    targets: list[Target] = []

    def make(spec: str) -> Target:
        found = calls.metered(resolve_target(spec, _options(spec, choice.options)))
        targets.append(found)
        return found

    def independent() -> bool:
        return not_the_target(targets[-1].fingerprint, target, forced=choice.allow_self)

    named: dict[Axis, list[Judge]] = {}
    for spec in choice.specs:
        judge = resolve_judge(spec, open_target=make, seed=seed, independent=independent)
        named.setdefault(judge.axis, []).append(judge)
    by_axis = dict(default_judges())
    for axis, judges in named.items():
        by_axis[axis] = judges[0] if len(judges) == 1 else _panel(judges)
    return RunJudges(by_axis, tuple(targets), calls)


def _options(spec: str, options: TargetOptions) -> TargetOptions:
    """Leave the URL out where the spec names a model that has none."""
    import msgspec

    return options if spec.startswith("openai:") else msgspec.structs.replace(options, url=None)


def _panel(judges: Sequence[Judge]) -> Panel:
    try:
        return Panel(judges)
    except ValueError as error:
        raise InputError(f"--judge: these make no panel: {error}") from None
