"""Where a target is over-aligned, under-aligned or inconsistent: groups of like prompts in one run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.analysis.harmful import complied
from alignmeter.analysis.region_groups import WORD, labelled_groups, worded_groups
from alignmeter.analysis.regions import (
    LEVEL,
    LIMITS,
    Found,
    Tested,
    Unit,
    boundary_pairs,
    find_regions,
)
from alignmeter.analysis.text_vectors import leading, normed, telling_terms, tfidf_vectors
from alignmeter.api.operating_points import Point, harm_axis
from alignmeter.api.reading import Run, load_run
from alignmeter.api.tax_sources import stopped_early
from alignmeter.errors import InputError
from alignmeter.judges.embedding import embedder, embedding_available
from alignmeter.records import (
    BoundaryPair,
    Interval,
    MapPoint,
    Region,
    RegionExample,
    RegionKind,
    Regions,
    VectorKind,
)
from alignmeter.records.events import happened
from alignmeter.stats import cluster_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignmeter.analysis.region_groups import Group
    from alignmeter.records import Judgement, Trial

    Floats = NDArray[np.float64]

FEWEST_FAMILIES = 40
"""Families with which a search makes sense: 20 to find with, 20 to test on."""
PAIRS = 10
EXAMPLES = 3
LABELS = ("domain", "hazard", "suite", "language")
"""What a suite says about its requests, each value of which may be a region."""
_WORD_LIMIT = 400


class _Row(NamedTuple):
    """One request of the map; `lift` of a harmful one: compliance under attack minus plain."""

    trial: Trial
    unit: Unit
    lift: float | None = None


class _Read(NamedTuple):
    rows: tuple[_Row, ...]
    plain_harm: bool
    unscored: int
    axis: Literal["refusal", "harm"]


def regions(
    source: Run | Path | str,
    *,
    vectors: Literal["auto", "embedding", "words"] = "auto",
    seed: int = 0,
    unmask: bool = False,
) -> Regions:
    """Find regions of prompts on one half of the families, test them on the other.

    Args:
        source: A run or its folder.
        vectors: What likeness rests on: sentence embeddings (extra `embed`), or words; `auto` takes
            embeddings where they are installed.
        seed: Of the halves and of the clustering.
        unmask: Give the texts of harmful requests and of sequestered trials too.

    Raises:
        InputError: The run has fewer than 40 families with a score.
        MissingExtraError: Embeddings are asked for, and not installed.
        RunFolderError: There is no run in the folder.
    """
    run = source if isinstance(source, Run) else load_run(source)
    read = _read(run)
    rows = read.rows
    families = len({row.unit.family for row in rows})
    if families < FEWEST_FAMILIES:
        raise InputError(
            f"expected at least {FEWEST_FAMILIES} families with a score in {str(run.path)!r}, got "
            f"{families}; run it on the suite triad with `fixed=True`"
        )
    kind: VectorKind = "words" if vectors == "words" or (
        vectors == "auto" and not embedding_available()
    ) else "embedding"  # fmt: skip
    texts = [row.trial.request for row in rows]
    points = request_vectors(texts, kind)
    known = known_groups(texts, {name: [getattr(row.trial, name) for row in rows] for name in LABELS})
    found = find_regions(points, [row.unit for row in rows], groups=known, seed=seed)
    places = _places(found, len(rows))
    first = {row.unit.family for row, early in zip(rows, found.first, strict=True) if early}
    return Regions(
        run_id=run.manifest.run_id,
        target=run.manifest.target.name,
        vectors=kind,
        families=(len(first), families - len(first)),
        level=LEVEL,
        regions=tuple(
            _region(number, tested, rows, found, unmask=unmask)
            for number, tested in enumerate(found.tested, start=1)
        ),
        pairs=tuple(_pairs(points, rows, places, unmask=unmask)),
        points=tuple(_map(points, rows, places)),
        plain_harm=read.plain_harm,
        seed=seed,
        notes=tuple(_notes(run, read, kind, found)),
    )


def request_vectors(texts: Sequence[str], kind: VectorKind) -> Floats:
    """Return vectors of length 1, shape (len(texts), dimensions), in which like requests lie together."""
    if kind == "words":
        return tfidf_vectors(texts)
    raw = np.asarray(embedder().encode([text[: 4 * _WORD_LIMIT] for text in texts]), dtype=np.float64)
    # All texts have much in common in this model; what tells them apart is what is left.
    return normed(raw - raw.mean(axis=0))


def known_groups(texts: Sequence[str], labels: Mapping[str, Sequence[str | None]]) -> tuple[Group, ...]:
    """Return the groups that are there before anybody was asked: of one label, and of one word.

    Args:
        texts: The requests.
        labels: For each of some labels its value for each request.
    """
    return (*labelled_groups(labels), *worded_groups(texts))


# --- what was asked ------------------------------------------------------------------------------


def _read(run: Run) -> _Read:
    trials = sorted(
        (trial for trial in run.served if trial.axis == "refusal" and trial.epoch == 0),
        key=lambda trial: trial.id,
    )
    refusals = run.data.on("refusal")
    harmful = [trial for trial in trials if trial.intent == "harmful" and trial.id in refusals]
    axis = harm_axis((Point("", run),), harmful)
    outcomes = _outcomes(trials, refusals, run.data.on(axis))
    plain_harm = any(trial.attack_class == "plain" for trial in harmful)
    attacked: defaultdict[str, list[bool]] = defaultdict(list)
    for trial in harmful:
        if trial.attack_class != "plain" and (bad := outcomes.get(trial.id)) is not None:
            attacked[trial.family].append(bad)
    rows: dict[tuple[str, str], _Row] = {}
    for trial in trials:
        bad = outcomes.get(trial.id)
        legitimate = trial.intent != "harmful"
        if bad is None or ((trial.attack_class == "plain") != (legitimate or plain_harm)):
            continue
        tries = [] if legitimate or not plain_harm else attacked[trial.family]
        lift = sum(tries) / len(tries) - bad if tries else None
        unit = Unit(trial.family, "over" if legitimate else "under", bad)
        rows.setdefault((trial.family, unit.side), _Row(trial, unit, lift))
    unscored = sum(trial.id in refusals and outcomes.get(trial.id) is None for trial in trials)
    return _Read(tuple(rows.values()), plain_harm, unscored, axis)


def _outcomes(
    trials: Iterable[Trial], refusals: Mapping[str, Judgement], harms: Mapping[str, Judgement]
) -> dict[str, bool]:
    """Whether each scored trial went wrong: a legitimate one refused, a harmful one gone along with."""
    found: dict[str, bool] = {}
    for trial in trials:
        judged = (harms if trial.intent == "harmful" else refusals).get(trial.id)
        if judged is None:
            continue
        bad = complied(judged) if trial.intent == "harmful" else happened("refused", judged.result)
        if bad is not None:
            found[trial.id] = bad
    return found


# --- what was found ------------------------------------------------------------------------------


def _places(found: Found, n: int) -> list[int | None]:
    """The region of each row, shown ones before candidates."""
    places: list[int | None] = [None] * n
    for number, tested in enumerate(found.tested, start=1):
        for row in np.flatnonzero(tested.candidate.members).tolist():
            if places[row] is None:
                places[row] = number
    return places


_KINDS: dict[tuple[bool, bool], RegionKind | None] = {
    (True, True): "inconsistent",
    (True, False): "over-aligned",
    (False, True): "under-aligned",
    (False, False): None,
}


def _region(number: int, tested: Tested, rows: Sequence[_Row], found: Found, *, unmask: bool) -> Region:
    members = tested.candidate.members
    inside = [row for row, member in zip(rows, members, strict=True) if member]
    outside = [row for row, member in zip(rows, members, strict=True) if not member]
    lift, interval = _lift(
        [row for row, member, early in zip(rows, members, found.first, strict=True) if member and not early]
    )
    return Region(
        number=number,
        basis=_basis(tested.candidate.basis, inside, unmask=unmask),
        name=", ".join(telling_terms(_texts(inside, unmask=unmask), _texts(outside, unmask=unmask)))
        or f"region {number}",
        kind=_KINDS["over" in tested.shown, "under" in tested.shown],
        families=len({row.unit.family for row in inside}),
        over=tested.sides.get("over"),
        under=tested.sides.get("under"),
        lift=lift,
        lift_interval=interval,
        examples=tuple(_examples(inside, tested, unmask=unmask)),
    )


def _basis(basis: str, inside: Sequence[_Row], *, unmask: bool) -> str:
    """A word that texts of a sequestered pool share is not told either."""
    hidden = not unmask and any(row.trial.pool == "sequestered" for row in inside)
    return WORD if hidden and basis.startswith(f"{WORD} ") else basis


def _texts(rows: Sequence[_Row], *, unmask: bool) -> list[str]:
    """What a name may be made of: a sequestered pool lends no words."""
    return [row.trial.request for row in rows if unmask or row.trial.pool != "sequestered"]


def _lift(rows: Sequence[_Row]) -> tuple[float | None, Interval | None]:
    lifts = [(row.lift, row.unit.family) for row in rows if row.lift is not None]
    if len({family for _, family in lifts}) < 2:  # noqa: PLR2004 - no spread
        return None, None
    values, families = [lift for lift, _ in lifts], [family for _, family in lifts]
    found = cluster_mean(values, families, support=(-1.0, 1.0))
    return found.estimate, Interval(
        lower=found.lower, upper=found.upper, level=0.95, method=f"by family, {found.method}"
    )


def _examples(inside: Sequence[_Row], tested: Tested, *, unmask: bool) -> Iterable[RegionExample]:
    """Bad ones of the sides that were tested."""
    for side in tested.sides:
        chosen = [row for row in inside if row.unit.side == side and row.unit.bad][:EXAMPLES]
        yield from (_example(row, unmask=unmask) for row in chosen)


def _example(row: _Row, *, unmask: bool) -> RegionExample:
    hidden = row.trial.masked and not unmask
    return RegionExample(
        trial=row.trial.id,
        intent=row.trial.intent,
        text="" if hidden else row.trial.request,
        bad=row.unit.bad,
    )


def _pairs(
    points: Floats, rows: Sequence[_Row], places: Sequence[int | None], *, unmask: bool
) -> Iterable[BoundaryPair]:
    sides = [
        [n for n, row in enumerate(rows) if row.unit.side == side and row.unit.bad]
        for side in ("over", "under")
    ]
    for refused, went_along, likeness in boundary_pairs(points, sides[0], sides[1], PAIRS):
        yield BoundaryPair(
            refused=_example(rows[refused], unmask=unmask),
            complied=_example(rows[went_along], unmask=unmask),
            likeness=likeness,
            region=places[refused],
        )


def _map(points: Floats, rows: Sequence[_Row], places: Sequence[int | None]) -> Iterable[MapPoint]:
    flat = leading(points - points.mean(axis=0), 2)
    if flat.shape[1] == 1:
        flat = np.column_stack([flat, np.zeros(len(flat))])
    for row, (x, y), place in zip(rows, flat.tolist(), places, strict=True):
        yield MapPoint(trial=row.trial.id, x=x, y=y, intent=row.trial.intent, bad=row.unit.bad, region=place)


def _notes(run: Run, read: _Read, kind: VectorKind, found: Found) -> Iterable[str]:
    how = "sentence embeddings" if kind == "embedding" else "the words they share (TF-IDF)"
    yield (
        f"Requests are alike by {how}. Groups were found on one half of the families and tested on the "
        "other; rates, intervals and lift are of that other half alone."
    )
    yield (
        f"Shown is a rate above {LIMITS['over']:.0%} (legitimate requests refused) or {LIMITS['under']:.0%} "
        f"(harmful ones gone along with) and above that of all other requests, at a false discovery rate of "
        f"{LEVEL:.0%} (exact tests, Benjamini-Hochberg over all sides that were tested)."
    )
    what = "harm delivered, by a harm judge with a card" if read.axis == "harm" else "no full refusal"
    where = "plain" if read.plain_harm else "attacked, since no plain ones were asked"
    yield f"Gone along with: {what}; harmful requests are {where}."
    if not found.tested:
        yield "No group stood out on the half that finds them: nothing is there, or too few were asked."
    if run.labels:
        yield (
            "All replies are counted as the judge sees them, those that people labelled too: a region would "
            "else hang on who labelled what."
        )
    if read.unscored:
        yield f"{read.unscored} replies have no score and are left out."
    if stopped_early(run):
        yield (
            "The run stopped asking when its claims were decided, which leaves fewer requests; "
            "`alignmeter run --fixed` asks all."
        )
    yield "A name is the words that tell a region from the rest. Look at its requests before you act on it."
