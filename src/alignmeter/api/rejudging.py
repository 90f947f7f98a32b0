"""Judging again: other judges on the replies that a run already has; the target is not touched."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.api.blocking import wait_for
from alignmeter.api.drawing import drawings
from alignmeter.api.exposing import admit_held_out
from alignmeter.api.judges_of_a_run import JudgeChoice, judges_of
from alignmeter.api.judging_again import JudgingAgain
from alignmeter.api.models import open_models
from alignmeter.api.reading import Run, analyse
from alignmeter.engine import Allowance, Spending, Work
from alignmeter.errors import InputError
from alignmeter.judges import axes_for, cards_for
from alignmeter.records import OF_THE_MACHINERY, Axis, JudgeCard, Record, Unscored
from alignmeter.records.events import EVENTS
from alignmeter.store import RunFolder, counted_labels, read_labels, write_parquet
from alignmeter.targets.faults import shorten
from alignmeter.threat_model import threat_model_from_dict
from alignmeter.verdicts import (
    ClaimSize,
    ErrorRates,
    card_for,
    design_claim,
    floor_of,
    gap_under,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.judges import Judge
    from alignmeter.judges.validation import Progress
    from alignmeter.records import CardEvent, Claim, Judgement, RunManifest, Transcript, Trial

_NO_LIMITS = Allowance()
_STUMBLES = OF_THE_MACHINERY | {"judge_malformed", "judge_out_of_range", "judge_refused"}
_SHOWN, _SHOWN_MASKED = 200, 100
"""Characters of what a judge says of a reply to a request that is shown, and to one that is not."""


class Rejudged(Record, frozen=True):
    """What judging again did.

    Attributes:
        judge, judge_hash, axis: Of one judge.
        judged: Replies put to it now; `already` had its judgement before.
        scored: Of all of them, how many have a score.
        unscored: Of all of them, those without, by reason.
        stumbled: What came of one on which the judge itself failed, in its words if it is one that says so:
            a wrong model or template shows there. Cut, the more where the request is masked.
        calls: Calls to models that it took now.
        refused: Parameters that the server of its model refused, with the judgements made without them now.
        spent: On judging again with all the judges named together, over all starts.
    """

    judge: str
    judge_hash: str
    axis: Axis
    judged: int
    already: int
    scored: int
    unscored: dict[str, int]
    calls: int
    stumbled: str = ""
    refused: dict[str, int] = {}  # noqa: RUF012 - msgspec makes each its own
    spent: Spending = Spending()


class Disagreement(Record, frozen=True):
    """One reply that two judges label differently.

    Attributes:
        labels: By the judges' names; of judges that share one, with the beginning of the hash.
    """

    trial: str
    axis: Axis
    labels: dict[str, str]


def rejudge(
    path: Path | str,
    choice: JudgeChoice,
    *,
    allowance: Allowance = _NO_LIMITS,
    progress: Progress | None = None,
) -> tuple[Rejudged, ...]:
    """Let other judges judge the replies of a run; what they said before is kept, and not asked again.

    Stopped at any point, the same call goes on where it ended, and asks again where a judge's endpoint
    had failed.

    Args:
        path: The run folder.
        choice: The judges, at least one.
        allowance: What may be spent on them, over all starts with the same judges.
        progress: Told after every judgement.

    Raises:
        InputError: A judge is not understood, is the target itself, or has nothing to judge in this run; or
            something is limited, and no judge asks a model.
        BudgetSpentError: A limit is reached; what was judged is kept.
        TargetUnavailableError: A judge's endpoint cannot be reached; nothing was judged.
        RunFolderError: There is no run, or another process works on it.
        StorageError: The journal cannot be written.
    """
    return wait_for(rejudge_async, path, choice, allowance=allowance, progress=progress)


async def rejudge_async(
    path: Path | str,
    choice: JudgeChoice,
    *,
    allowance: Allowance = _NO_LIMITS,
    progress: Progress | None = None,
) -> tuple[Rejudged, ...]:
    """Like `rejudge`, inside a running event loop."""
    path = Path(path)
    if not choice.specs:
        raise InputError("judging again needs a judge: name one with `specs=`")
    folder = RunFolder.open(path)
    manifest, data = folder.manifest, folder.read()
    model = threat_model_from_dict(manifest.threat_model)
    made = judges_of(
        choice, manifest.target.fingerprint, seed=manifest.design.seed, languages=model.languages
    )
    judges: dict[Axis, Judge] = {axis: made.by_axis[axis] for axis in made.models}
    purse = Work(allowance, made.calls).check(made.targets, _named(judges))
    known = {
        (judged.trial, judged.judge_hash): judged for judged in folder.all_judgements() if not judged.may_pass
    }
    work = {axis: _work(data.trials, data.transcripts, axis, judges) for axis in judges}
    for axis, judge in judges.items():
        if not work[axis]:
            raise InputError(f"{judge.name} judges {axis}, and no reply of {path} is about that")
    todo = [
        (judge, trial, transcript)
        for axis, judge in judges.items()
        for trial, transcript in work[axis]
        if (trial.id, judge.judge_hash) not in known
    ]
    showing = admit_held_out([trial for _, trial, _ in todo], None, made.shown, path=path, force=False)
    journal = folder.journal()
    try:
        again = JudgingAgain(purse, journal, [judge.judge_hash for judge in judges.values()])
        if showing is not None:
            showing.begin(folder)
        async with AsyncExitStack() as opened:
            with again.counting():
                await open_models(opened, made.targets, purse.asking())
            await again.judge(todo, progress)
    finally:
        journal.sync()
        journal.close()
        if showing is not None:
            showing.settle(folder)
    write_parquet(folder.path)
    wanted = sum(map(len, work.values()))
    purse.finish(wanted - len(todo) + len(again.fresh), wanted, "judgements")
    everything = [*known.values(), *(one.judgement for one in again.fresh)]
    return tuple(_summary(judge, work[axis], again, everything) for axis, judge in judges.items())


def _named(judges: Mapping[Axis, Judge]) -> str:
    return ", ".join(judge.name for judge in judges.values())


def _work(
    trials: Iterable[Trial], transcripts: dict[str, Transcript], axis: Axis, judges: dict[Axis, Judge]
) -> list[tuple[Trial, Transcript]]:
    return [
        (trial, transcript)
        for trial in trials
        if (transcript := transcripts.get(trial.id)) is not None
        and transcript.error is None
        and axis in axes_for(trial, judges)
    ]


def _summary(
    judge: Judge,
    work: Sequence[tuple[Trial, Transcript]],
    again: JudgingAgain,
    everything: Sequence[Judgement],
) -> Rejudged:
    new = [one for one in again.fresh if one.judgement.judge_hash == judge.judge_hash]
    mine = [judged for judged in everything if judged.judge_hash == judge.judge_hash]
    reasons = Counter(judged.result.reason for judged in mine if isinstance(judged.result, Unscored))
    return Rejudged(
        judge=judge.name,
        judge_hash=judge.judge_hash,
        axis=judge.axis,
        judged=len(new),
        already=len(work) - len(new),
        scored=len(work) - reasons.total(),
        stumbled=_stumbled(mine, {trial.id: trial.masked for trial, _ in work}),
        unscored=dict(sorted(reasons.items())),
        calls=sum(one.calls for one in new),
        refused=dict(Counter(name for one in new for name in one.judgement.refused)),
        spent=again.work.spent,
    )


def _stumbled(judgements: Iterable[Judgement], masked: Mapping[str, bool]) -> str:
    """What a judge said where it failed, best of a request that may be shown, else the beginning."""
    said = [
        (masked.get(judged.trial, True), judged.result.detail)
        for judged in judgements
        if isinstance(judged.result, Unscored) and judged.result.reason in _STUMBLES and judged.result.detail
    ]
    if not said:
        return ""
    hidden, detail = min(said, key=lambda one: one[0])
    return shorten(" ".join(detail.split()), _SHOWN_MASKED if hidden else _SHOWN)


def disagreements(path: Path | str, axis: Axis | None = None) -> tuple[Disagreement, ...]:
    """List the replies of a run that its judges label differently, in dispatch order.

    Args:
        path: The run folder.
        axis: Only on this axis.

    Raises:
        RunFolderError: There is no run, or it cannot be read.
    """
    folder = RunFolder.open(Path(path))
    judgements = [judged for judged in folder.all_judgements() if axis is None or judged.axis == axis]
    names = _told_apart(judgements)
    said: dict[tuple[str, Axis], dict[str, str]] = {}
    for judged in judgements:
        said.setdefault((judged.trial, judged.axis), {})[names[judged.judge_hash]] = _label(judged)
    order = {trial.id: place for place, trial in enumerate(folder.read().trials)}
    found = [
        Disagreement(trial=trial, axis=on, labels=dict(sorted(labels.items())))
        for (trial, on), labels in said.items()
        if len(set(labels.values())) > 1
    ]
    return tuple(sorted(found, key=lambda one: (order.get(one.trial, len(order)), one.axis)))


def _told_apart(judgements: Iterable[Judgement]) -> dict[str, str]:
    """What to call each judge, by its hash: its name, and the hash where several share the name."""
    judges = {judged.judge_hash: judged.judge for judged in judgements}
    bearers = Counter(judges.values())
    return {
        judge_hash: name if bearers[name] == 1 else f"{name} ({judge_hash[:12]})"
        for judge_hash, name in judges.items()
    }


def _label(judged: Judgement) -> str:
    if isinstance(judged.result, Unscored):
        return f"unscored: {judged.result.reason}"
    label = getattr(judged.result, "label", None)
    return str(label if label is not None else getattr(judged.result, "score", ""))


# --- a run as another judge sees it --------------------------------------------------------------


def under_judge(path: Path | str, judge: str) -> Run:
    """Read a run as another of its judges sees it: claims on that axis get this judge's card.

    Boundaries are made anew for the judge's error, on the same committed order and the same n; a run
    that stopped early under another judge can only lose a verdict by that, never win a wrong one.

    Args:
        path: The run folder.
        judge: Name of the judge, or the beginning of its hash.

    Raises:
        InputError: The run has no judgements by it; names those that it has.
        RunFolderError: There is no run, or it cannot be read.
    """
    folder = RunFolder.open(Path(path))
    folder.check()
    manifest = folder.manifest
    found = {judged.judge_hash: judged for judged in folder.all_judgements()}
    matching = [one for one in found.values() if one.judge == judge or one.judge_hash.startswith(judge)]
    if len(matching) != 1:
        names = ", ".join(sorted(f"{one.judge} ({one.judge_hash[:12]})" for one in found.values()))
        problem = "several judgements" if matching else "no judgements"
        raise InputError(f"{path} has {problem} by {judge!r}; it has: {names or 'none'}")
    chosen = matching[0]
    own = folder.read()
    languages = {trial.id: trial.language for trial in own.trials}
    replaced = {
        name: judge_hash
        for name, judge_hash in manifest.judges.items()
        if judge_hash not in found or found[judge_hash].axis != chosen.axis
    }
    seen = msgspec.structs.replace(
        manifest,
        judges={**replaced, chosen.judge: chosen.judge_hash},
        design=msgspec.structs.replace(manifest.design, claims=tuple(_claims(manifest, languages, chosen))),
    )
    data = folder.read(judges=frozenset(seen.judges.values()))
    labels = counted_labels(data, read_labels(folder.path))
    return Run(
        path=folder.path,
        manifest=seen,
        data=data,
        results=analyse(seen, data, labels, drawn_by=drawings(folder, data, labels)),
        labels=labels,
        seen_by=chosen.judge_hash,
    )


def _claims(manifest: RunManifest, languages: Mapping[str, str], judge: Judgement) -> Iterable[Claim]:
    """The run's claims with designs for another judge on its axis; `languages` by trial."""
    model = threat_model_from_dict(manifest.threat_model)
    cards: dict[CardEvent, JudgeCard] = {card.event: card for card in cards_for(judge.judge_hash)}
    on_harm = any(claim.axis == "harm" for claim in manifest.design.claims)
    for claim in manifest.design.claims:
        if judge.axis == "harm" and not on_harm and claim.kind == "attack_compliance":
            # The same units, now for what was delivered instead of what was not refused.
            changed = msgspec.structs.replace(
                claim,
                id=claim.id.replace("attack_compliance", "attack_success", 1),
                kind="attack_success",
                axis="harm",
                title=claim.title.replace("Compliance with", "Harm delivered on", 1),
            )
        elif claim.axis == judge.axis and claim.units:
            changed = claim
        else:
            yield claim
            continue
        rates = ErrorRates(changed.alpha, changed.alpha_fail or changed.alpha)
        if changed.kind == "language_gap":
            yield gap_under(changed, rates, cards)
            continue
        size = ClaimSize(changed.threshold, len(changed.units), len(changed.units[0]))
        fixed = manifest.design.mode != "sequential"
        spoken = Counter(languages[unit[0]] for unit in changed.units)
        card = card_for(cards, EVENTS[changed.kind], spoken)
        design = design_claim(size, rates, model.design, card, fixed=fixed)
        yield msgspec.structs.replace(changed, design=design, floor=floor_of(design))
