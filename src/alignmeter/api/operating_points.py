"""The operating points of a frontier: runs, and runs behind a guard at several thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from alignmeter.analysis.frontier import UNSCORED
from alignmeter.analysis.harmful import complied
from alignmeter.api.comparable import sampled, sampling_problems
from alignmeter.api.reading import Run, load_run
from alignmeter.errors import InputError
from alignmeter.judges import cards_for
from alignmeter.records.events import happened
from alignmeter.store import read_text_scores, request_text, scored_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from alignmeter.analysis.harmful import HarmfulAxis
    from alignmeter.records import Axis, ClaimKind, Helpfulness, Judgement, TextScore, Trial

Source: TypeAlias = Run | Path | str

_INTENTS: dict[Helpfulness, tuple[str, ...]] = {
    "benign": ("benign",),
    "sensitive": ("sensitive",),
    "legitimate": ("benign", "sensitive"),
}


class Point(NamedTuple):
    """One operating point.

    Attributes:
        blocked: Trials that the guard blocks; none without a guard.
        unseen: Trials on which the guard failed, so that nobody knows whether it would have blocked.
    """

    name: str
    run: Run
    guard: str = ""
    threshold: float | None = None
    blocked: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()

    def refusals(self) -> Mapping[str, Judgement]:
        """What the run's own judge said on refusal, by trial id."""
        return self.run.data.on("refusal")


def read_points(runs: Mapping[str, Source] | Sequence[Source]) -> tuple[Point, ...]:
    """Read runs, named as given or else after their targets.

    Raises:
        InputError: There is none, or one is named twice.
        RunFolderError: There is no run in a folder.
    """
    named: Iterable[tuple[str | None, Source]] = (
        runs.items() if isinstance(runs, Mapping) else ((None, source) for source in runs)
    )
    opened = [(name, source if isinstance(source, Run) else load_run(source)) for name, source in named]
    paths = [str(run.path) for _, run in opened]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise InputError(f"expected each run once, got {twice!r} twice; leave one out")
    targets = [run.manifest.target.name for _, run in opened]
    points = [
        Point(
            name
            or (
                run.manifest.run_id
                if targets.count(run.manifest.target.name) > 1
                else run.manifest.target.name
            ),
            run,
        )
        for name, run in opened
    ]
    names = [point.name for point in points]
    same = next((name for name in names if names.count(name) > 1), None)
    if same is not None:
        raise InputError(f"expected points of different names, got {same!r} twice; name them (NAME=RUN)")
    return tuple(points)


def behind_guard(points: Sequence[Point], scores: Path, thresholds: Sequence[float]) -> tuple[Point, ...]:
    """Return each point, then the same behind a guard at each threshold.

    Args:
        points: Runs without a guard.
        scores: File of `alignmeter audit-scorer --run`, which scored the texts of these runs.
        thresholds: Scores from which (for a reward model: below which) the guard blocks.

    Raises:
        InputError: The file holds scores of several scorers, lacks texts of a run, or a threshold is no
            number.
    """
    known = read_text_scores(scores)
    scorers = {score.scorer: score for score in known}
    if len(scorers) != 1:
        raise InputError(
            f"expected scores of one scorer, got {len(scorers)} in {str(scores)!r}; give each a file of "
            "its own"
        )
    bad = next((value for value in thresholds if not math.isfinite(value)), None)
    if bad is not None:
        raise InputError(f"expected a number as `thresholds=`, got {bad!r}")
    (about,) = scorers.values()
    by_text = {score.text: score.score for score in known}
    found: list[Point] = []
    for point in points:
        mine = _scores_of(point, about, by_text, scores)
        found.append(point)
        found.extend(_blocked(point, about, mine, threshold) for threshold in thresholds)
    return tuple(found)


def _scores_of(
    point: Point, about: TextScore, by_text: Mapping[str, float | None], scores: Path
) -> dict[str, float | None]:
    """Scores by trial, None where the scorer failed."""
    found: dict[str, float | None] = {}
    lacking = 0
    for trial in point.run.data.trials:
        transcript = point.run.data.transcripts.get(trial.id)
        if trial.axis != "refusal" or transcript is None:
            continue
        reply = transcript.reply.content if transcript.reply is not None else ""
        text = scored_text(request_text(trial), reply if about.reads == "exchange" else None)
        if text in by_text:
            found[trial.id] = by_text[text]
        elif not (about.reads == "exchange" and not reply.strip()):  # nothing to look at: nothing blocked
            lacking += 1
    if lacking:
        raise InputError(
            f"expected a score for every text of {point.name!r}, and {str(scores)!r} lacks {lacking}; "
            "score them "
            f"with `alignmeter audit-scorer {about.name} --run {point.run.path} --scores {scores}`"
        )
    return found


def _blocked(point: Point, about: TextScore, scores: Mapping[str, float | None], threshold: float) -> Point:
    sign = 1 if about.higher == "worse" else -1
    return point._replace(
        name=f"{point.name} + {about.name} at {threshold:g}",
        guard=about.name,
        threshold=threshold,
        blocked=frozenset(
            trial for trial, score in scores.items() if score is not None and sign * score >= sign * threshold
        ),
        unseen=frozenset(trial for trial, score in scores.items() if score is None),
    )


def harm_axis(points: Sequence[Point], trials: Sequence[Trial]) -> HarmfulAxis:
    """Return `harm` where one harm judge with a card judged all these trials of every point."""
    hashes: set[str] = set()
    for point in points:
        judged = point.run.data.on("harm")
        if any(trial.id not in judged for trial in trials):
            return "refusal"
        hashes |= {judged[trial.id].judge_hash for trial in trials if judged[trial.id].judge_hash}
    carded = len(hashes) == 1 and any(
        card.event == "delivered_harm" for one in hashes for card in cards_for(one)
    )
    return "harm" if trials and carded else "refusal"


def common_requests(
    points: Sequence[Point], helpfulness: Helpfulness
) -> tuple[tuple[Trial, ...], tuple[Trial, ...]]:
    """Return the legitimate and the attacked harmful requests that every point was asked, one a family.

    Of a family counts the request that stands for it in a claim of the first run, else that of the
    smallest id, which is a hash and so no choice. Benign and sensitive requests of one family are two.
    """
    asked = set[str].intersection(*(set(point.refusals()) for point in points))
    first = points[0].run
    trials = [
        trial
        for trial in first.data.trials
        if trial.id in asked and trial.axis == "refusal" and trial.epoch == 0
    ]
    legitimate = [
        trial for trial in trials if trial.intent in _INTENTS[helpfulness] and trial.attack_class == "plain"
    ]
    attacked = [trial for trial in trials if trial.intent == "harmful" and trial.attack_class != "plain"]
    kinds: tuple[ClaimKind, ...] = ("false_refusal_benign", "false_refusal_sensitive")
    return (
        _one_a_family(first, legitimate, kinds),
        _one_a_family(first, attacked, ("attack_success", "attack_compliance")),
    )


def _one_a_family(run: Run, trials: Sequence[Trial], kinds: Sequence[ClaimKind]) -> tuple[Trial, ...]:
    claimed = {
        trial
        for claim in run.manifest.design.claims
        if claim.kind in kinds and claim.part is None
        for unit in claim.units
        for trial in unit
    }
    chosen: dict[tuple[str, str], Trial] = {}
    for trial in sorted(trials, key=lambda one: (one.id not in claimed, one.id)):
        chosen.setdefault((trial.family, trial.intent), trial)
    return tuple(chosen.values())


def complied_with(points: Sequence[Point], trials: Sequence[Trial]) -> NDArray[np.int8]:
    """Return 1 where a point does not refuse, 0 where it does or its guard blocks; shape (trials, points)."""
    return _outcomes(points, trials, "refusal", _helps, blocked=0)


def kept_safe(points: Sequence[Point], trials: Sequence[Trial], axis: HarmfulAxis) -> NDArray[np.int8]:
    """Return 1 where an attack fails or the guard blocks, 0 where it works; shape (trials, points)."""
    return _outcomes(points, trials, axis, _holds, blocked=1)


def _helps(judged: Judgement) -> int:
    refused = happened("refused", judged.result)
    return UNSCORED if refused is None else int(not refused)


def _holds(judged: Judgement) -> int:
    went_along = complied(judged)
    return UNSCORED if went_along is None else int(not went_along)


def _outcomes(
    points: Sequence[Point],
    trials: Sequence[Trial],
    axis: Axis,
    worth: Callable[[Judgement], int],
    *,
    blocked: int,
) -> NDArray[np.int8]:
    """What each trial is worth at each point, `blocked` where its guard blocks; shape (trials, points).

    Where the guard failed, only a reply that is worth the same without it is scored.
    """
    found = np.empty((len(trials), len(points)), dtype=np.int8)
    for column, point in enumerate(points):
        judged = point.run.data.on(axis)
        for row, trial in enumerate(trials):
            own = worth(judged[trial.id])
            unknown = trial.id in point.unseen and own != blocked
            found[row, column] = blocked if trial.id in point.blocked else UNSCORED if unknown else own
    return found


def problems(points: Sequence[Point]) -> dict[str, str]:
    """Say of each point why it is not comparable with the first, where it is not."""
    found: dict[str, str] = {}
    first = points[0]
    for point in points[1:]:
        reason = _sampled_otherwise(first, point) or _judged_otherwise(first, point)
        if reason:
            found[point.name] = reason
    return found


def _sampled_otherwise(first: Point, other: Point) -> str:
    one, two = (sampled(point.name, point.run.manifest, point.run.data) for point in (first, other))
    found = sampling_problems(one, two)
    return f"{'; '.join(found)}: run both alike" if found else ""


def _judged_otherwise(first: Point, other: Point) -> str:
    if _refusal_judges(first) == _refusal_judges(other):
        return ""
    return (
        f"another judge than that of {first.name} judged refusal: let one judge both (`alignmeter judge "
        "rejudge`) and add --judge NAME here"
    )


def _refusal_judges(point: Point) -> frozenset[str]:
    data = point.run.data
    own = {trial.id for trial in data.trials if trial.axis == "refusal"}
    # A reply that nobody could judge carries no hash.
    return frozenset(
        one.judge_hash for trial, one in point.refusals().items() if trial in own and one.judge_hash
    )
