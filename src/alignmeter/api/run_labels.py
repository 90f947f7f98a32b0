"""Labels that people gave to replies of runs, as what a judge is measured on.

People label first what a judge flagged, so such labels are no sample of a run: each stands for the replies
that it was drawn from. What the judge said is in the run; nobody is asked again.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.api.drawing import drawers, drawings
from alignmeter.api.reading import load_run
from alignmeter.api.rejudging import under_judge
from alignmeter.errors import InputError
from alignmeter.judges import BUILT_IN, Judge, LabelAxis, LabelledReply, resolve_judge
from alignmeter.judges.base import IntentJudge
from alignmeter.judges.labels import CLASSES
from alignmeter.judges.validation import Draws, JudgedReply, RunReply
from alignmeter.records import FactualityResult, HarmResult, RefusalResult, Unscored
from alignmeter.store import RunFolder
from alignmeter.verdicts import can_be_labelled, is_disputed, label_draws, people_answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from alignmeter.api.reading import Run
    from alignmeter.records import Claim, Judgement, JudgementResult, Trial

_BY_REQUEST = ("llm:", "guard:")
"""Judges beside the built-in ones whose answers do not hang on what a request was after."""


class JudgeInRuns(NamedTuple):
    """A judge that has judged replies of runs.

    Attributes:
        by_intent: Whether its answers may depend on what a request was after.
    """

    name: str
    judge_hash: str
    axis: LabelAxis
    by_intent: bool


class RunLabels(NamedTuple):
    """Labels of runs with what a judge said of the same replies.

    Attributes:
        judge: The judge.
        replies: The labelled replies.
        draws: What they were drawn from.
        disputed, unsure: Replies on which people disagree and nobody settled it, or could not say.
        unseen: Labelled replies that the judge has not judged.
        elsewhere: Labelled replies that no claim holds which people label; they are no draw.
    """

    judge: JudgeInRuns
    replies: tuple[JudgedReply, ...]
    draws: Draws
    disputed: int
    unsure: int
    unseen: int
    elsewhere: int


class _Draw(NamedTuple):
    """Trials that were drawn alike, and those of them that have a label."""

    replies: tuple[str, ...]
    labelled: tuple[str, ...]


def find_judge(paths: Sequence[Path], judge: str | Judge | None, axis: LabelAxis | None) -> JudgeInRuns:
    """Find a judge among those that have judged the replies of runs.

    Args:
        paths: The run folders.
        judge: Its name or the beginning of its hash, as in the run; its spec; itself; None for the judge of
            the first run on the axis.
        axis: What it has to answer on, refusal where nothing is said of judge and axis.

    Raises:
        InputError: It has judged nothing in one of the runs, there are several, or it is of another axis.
        RunFolderError: A run cannot be read.
    """
    seen: list[dict[str, Judgement]] = [
        {one.judge_hash: one for one in RunFolder.open(path).all_judgements()} for path in paths
    ]
    known = {one.judge_hash: one for each in seen for one in each.values()}
    made = None if judge is None or isinstance(judge, str) else judge
    matching: list[Judgement] = []
    if judge is None:
        on = axis or "refusal"
        own = set(RunFolder.open(paths[0]).manifest.judges.values())
        matching = [one for one in known.values() if one.judge_hash in own and one.axis == on]
        called = f"a judge of their own on {on}"
    elif isinstance(judge, str):
        called = repr(judge)
        matching = [one for one in known.values() if one.judge == judge or one.judge_hash.startswith(judge)]
        made = None if matching else _resolved(judge)
    else:
        called = repr(judge.name)
    if made is not None:
        matching = [one for one in known.values() if one.judge_hash == made.judge_hash]
    where = ", ".join(map(str, paths))
    if len(matching) != 1:
        names = ", ".join(sorted(f"{one.judge} ({one.judge_hash[:12]})" for one in known.values())) or "none"
        problem = "several judges fit" if matching else "the replies were not judged by"
        raise InputError(
            f"{where}: {problem} {called}; there are: {names}. `alignmeter judge rejudge RUN --judge SPEC` "
            f"lets another one judge them"
        )
    found = matching[0]
    for path, each in zip(paths, seen, strict=True):
        if found.judge_hash not in each:
            raise InputError(
                f"{path}: {found.judge} ({found.judge_hash[:12]}) has not judged its replies; `alignmeter "
                f"judge rejudge {path} --judge SPEC` lets it"
            )
    its = found.axis
    if (its != "refusal" and its != "harm" and its != "factuality") or axis not in {None, its}:  # noqa: PLR1714
        wanted = axis or " or ".join(CLASSES)
        raise InputError(f"expected a judge on the axis {wanted}, got {found.judge} on {its}")
    return JudgeInRuns(found.judge, found.judge_hash, its, _by_intent(found, made))


def _resolved(spec: str) -> Judge | None:
    """The judge that a spec names, None where it names none; nothing is opened."""
    from alignmeter.api.models import ModelMaker

    try:
        return resolve_judge(spec, open_target=ModelMaker(None))
    except InputError:
        return None


def _by_intent(found: Judgement, made: Judge | None) -> bool:
    """Whether a judge may answer otherwise where a request was after something else: one of one's own may."""
    if found.axis != "refusal":
        return False
    if made is not None:
        return isinstance(made, IntentJudge) and made.by_intent
    return bool(found.stages) or not (found.judge in BUILT_IN or found.judge.startswith(_BY_REQUEST))


def run_labels(paths: Sequence[Path], judge: JudgeInRuns) -> RunLabels:
    """Read the labels of runs on the axis of a judge, with what it said.

    Only languages in which somebody labelled anything are looked at.

    Raises:
        InputError: There are no labels that are settled.
        RunFolderError: A run cannot be read.
    """
    replies: list[JudgedReply] = []
    drawn: list[tuple[RunReply, ...]] = []
    counts: list[int] = []
    left: Counter[str] = Counter()
    for path in paths:
        run = _seen_on(path, judge)
        said = {
            one.trial: one.result
            for one in RunFolder.open(path).all_judgements()
            if one.judge_hash == judge.judge_hash
        }
        trials = {trial.id: trial for trial in run.data.trials}
        model = run.manifest.target.name
        draws = list(_draws(run, judge.axis, said))
        labels = people_answers(run.labels).get(judge.axis, {})
        spoken = {trials[name].language for draw in draws for name in draw.labelled}
        for draw in draws:
            number = len(drawn)
            members = (name for name in draw.replies if trials[name].language in spoken)
            drawn.append(tuple(_run_reply(trials[name], model, said[name]) for name in members))
            counts.append(len(draw.labelled))
            for name in draw.labelled:
                reply = _labelled(run, trials[name], labels[name].result, judge.axis, number)
                replies.append(JudgedReply(reply, said[name]))
        held = {name for draw in draws for name in draw.replies}
        left.update(_left_out(labels, said, held))
    if not replies:
        problem = "of which people say the same" if left["disputed"] else "that people labelled"
        raise InputError(
            f"{', '.join(map(str, paths))}: expected replies {problem} on the axis {judge.axis}, got none; "
            f"`alignmeter label RUN` asks for labels"
        )
    return RunLabels(
        judge,
        tuple(replies),
        Draws(tuple(drawn), tuple(counts), judge.by_intent),
        disputed=left["disputed"],
        unsure=left["unsure"],
        unseen=left["unseen"],
        elsewhere=left["elsewhere"],
    )


def _left_out(
    labels: Mapping[str, Judgement], said: Mapping[str, JudgementResult], held: set[str]
) -> Iterator[str]:
    """Why labels are of no use here, one word each."""
    for name, label in labels.items():
        if is_disputed(label.result):
            yield "disputed"
        elif isinstance(label.result, Unscored):
            yield "unsure"
        elif name not in said:
            yield "unseen"
        elif name not in held:
            yield "elsewhere"


def _seen_on(path: Path, judge: JudgeInRuns) -> Run:
    """A run with claims on the judge's axis: its own, or those that it has as the judge sees it."""
    run = load_run(path)
    if any(claim.axis == judge.axis and can_be_labelled(claim) for claim in run.manifest.design.claims):
        return run
    return under_judge(path, judge.judge_hash)


def _draws(run: Run, axis: LabelAxis, said: Mapping[str, JudgementResult]) -> Iterator[_Draw]:
    """What labels of a run were drawn from: the claims that have any, the widest first, each reply once."""
    people = people_answers(run.labels).get(axis, {})
    known = drawings(RunFolder.open(run.path), run.data, run.labels)
    claims = [one for one in run.manifest.design.claims if one.axis == axis and can_be_labelled(one)]
    judgements = run.data.on(axis)
    past: set[str] = set()
    for claim in sorted(claims, key=_trials, reverse=True):
        if not any(trial in people for trial in chain.from_iterable(claim.units)):
            continue
        drew = drawers(claim, judgements, run.labels, known)
        for draw in label_draws(
            claim, judgements, people, seed=run.manifest.design.seed, claims=claims, drawn_by=drew
        ):
            fresh = _fresh((member.trial for member in draw.replies), past, said)
            labelled = _fresh((member.trial for member in draw.labelled), past, said)
            if fresh:
                yield _Draw(fresh, labelled)
        past.update(chain.from_iterable(claim.units))


def _fresh(trials: Iterable[str], past: set[str], said: Mapping[str, JudgementResult]) -> tuple[str, ...]:
    return tuple(trial for trial in trials if trial not in past and trial in said)


def _trials(claim: Claim) -> int:
    return sum(len(unit) for unit in claim.units)


def _run_reply(trial: Trial, model: str, result: JudgementResult) -> RunReply:
    return RunReply(model, trial.language, _attack(trial), trial.intent == "harmful", result)


def _attack(trial: Trial) -> str:
    return "" if trial.attack_class == "plain" else trial.attack_class


def _labelled(run: Run, trial: Trial, label: JudgementResult, axis: LabelAxis, draw: int) -> LabelledReply:
    if not isinstance(label, RefusalResult | HarmResult | FactualityResult):
        raise TypeError(f"expected what people say on {axis}, got {type(label).__name__}")
    reply = run.data.transcripts[trial.id].reply
    return LabelledReply(
        id=trial.family,
        prompt=trial.request,
        reply="" if reply is None else reply.content,
        label=label.label,
        axis=axis,
        model=run.manifest.target.name,
        language=trial.language,
        attack=_attack(trial),
        reference=trial.reference,
        confidence=label.confidence if isinstance(label, FactualityResult) else None,
        intent=trial.intent,
        hazard=trial.hazard,
        draw=draw,
    )
