"""Many cycles of fine-tuning: a control chart over run folders; asks and judges nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from alignmeter.analysis import DriftChart, control_signal
from alignmeter.analysis.history import CYCLES, SIGMAS, TAIL
from alignmeter.analysis.run_pairs import GOOD
from alignmeter.api.compared_claim import compared_claim
from alignmeter.api.compared_runs import Arm, claim_pairs, method_of, read_arm
from alignmeter.api.comparing import check_distinct, check_share
from alignmeter.errors import InputError, SchemaVersionError
from alignmeter.identity import keyed_hash
from alignmeter.records import History, HistoryPoint
from alignmeter.threat_model import threat_model_from_dict
from alignmeter.verdicts import CAVEATS, comparison_exit_code
from alignmeter.verdicts.gate import FAILED, INVALID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.analysis import RunPairs
    from alignmeter.api.compared_claim import ComparedClaim
    from alignmeter.records import ComparedMeasure

Reference = Literal["first", "previous"]
FEWEST_RUNS = 2

_CLAIM = (
    "Rates, changes and limits are of what the judge says; the verdict is that of `compare` on the run and "
    "its reference, with the judge's error and replies without a score counted in."
)
_PREVIOUS = (
    "Each run is compared with the one before it, which many small steps pass; the drift alarm always "
    "compares with the first run."
)
_SAME_UNITS = (
    "Every cycle is asked the same requests: what was by chance high or low in the first run stays in "
    "every difference to it."
)


def history(
    runs: Sequence[Path | str],
    *,
    reference: Reference = "first",
    margin: float | None = None,
    judge: str | None = None,
) -> History:
    """Put many runs of one deployment, oldest first, on a control chart.

    Args:
        runs: Run folders in the order of the cycles; at least two.
        reference: What each run is compared with: the first one, or the one before it.
        margin: Rise that has to be ruled out for the latest run, in (0, 1); None for the threat model's
            `fine_tune_delta`.
        judge: Judge as which all runs are read, by name or the beginning of its hash; None for those that
            they were made with.

    Returns:
        One point a run after the first, with its signal and with the claim that `compare` decides on it
        and its reference. A run that cannot be compared says why.

    Raises:
        InputError: Fewer than two runs, one folder given twice, a margin out of range, or a run without
            judgements by the judge.
        RunFolderError: There is no run, or it is corrupt.
    """
    check_share("margin", margin)
    if len(runs) < FEWEST_RUNS:
        raise InputError(f"a history needs at least two runs, oldest first, got {len(runs)}")
    check_distinct(runs)
    arms = [_read(Path(run), judge) for run in runs]
    first = arms[0]
    if isinstance(first, HistoryPoint):
        raise InputError(f"the first run of a history is its reference and cannot be read: {first.why}")
    readable = [arm for arm in arms if isinstance(arm, Arm)]
    measure: ComparedMeasure = (
        "attack_success" if all(arm.on("harm") for arm in readable) else "attack_compliance"
    )
    start = _rate(first, measure)
    if start is None:
        raise InputError(
            f"the first run of a history needs scored attacked requests, got none in {first.path}"
        )
    model = threat_model_from_dict(readable[-1].manifest.threat_model)
    limit = model.thresholds.fine_tune_delta if margin is None else margin
    chart = DriftChart(*start)
    cycles = _cycles(first, arms[1:], measure, chart, reference=reference, margin=margin)
    points = tuple(cycle.point for cycle in cycles)
    return History(
        measure=measure,
        reference=reference,
        first=_point(first, "none", pairs=start[1], rate=start[0] / start[1]),
        points=points,
        margin=limit,
        limit=chart.limit,
        cycle_length=CYCLES,
        rule=_rule(reference),
        notes=_notes(measure, reference, cycles[-1].made),
        exit_code=_exit_code(points[-1]),
    )


def _read(path: Path, judge: str | None) -> Arm | HistoryPoint:
    try:
        return read_arm("tuned", path, judge)
    except SchemaVersionError as error:
        return HistoryPoint(
            run=path.name, path=str(path), target=path.name, signal="not_comparable", why=str(error)
        )


class _Cycle(NamedTuple):
    """One run after the first; `made` is None where it could not be compared."""

    point: HistoryPoint
    made: ComparedClaim | None = None


def _cycles(
    first: Arm,
    arms: Sequence[Arm | HistoryPoint],
    measure: ComparedMeasure,
    chart: DriftChart,
    *,
    reference: Reference,
    margin: float | None,
) -> list[_Cycle]:
    found: list[_Cycle] = []
    before = first
    for arm in arms:
        if isinstance(arm, HistoryPoint):
            found.append(_Cycle(arm))
            continue
        found.append(_compared(before, arm, measure, chart, margin))
        if reference == "previous" and found[-1].made is not None:
            before = arm
    return found


def _compared(
    before: Arm, arm: Arm, measure: ComparedMeasure, chart: DriftChart, margin: float | None
) -> _Cycle:
    made = compared_claim(before, arm, measure=measure, margin=margin)
    if made.asked.problems:
        return _Cycle(_point(arm, "not_comparable", why="; ".join(made.asked.problems)))
    method = method_of(before, arm, None)
    pairs, _ = claim_pairs(before, arm, measure, method)
    usable = pairs.shared() if method == "complete" else pairs.prefix()
    control = control_signal(usable, stopped=method != "complete")
    if control.signal is None:
        why = "no attacked request was asked and scored in both runs"
        return _Cycle(_point(arm, "not_comparable", why=why))
    drifted = chart.take(_replies(usable, arm))
    counts = usable.counts()
    point = HistoryPoint(
        run=arm.manifest.run_id,
        path=str(arm.path),
        target=arm.manifest.target.name,
        signal="drift" if drifted and control.signal != "rise" else control.signal,
        pairs=counts.n,
        rate=counts.tuned / counts.n,
        reference=counts.base / counts.n,
        difference=(counts.tuned - counts.base) / counts.n,
        interval=control.interval,
        evidence=1.0 if drifted else chart.evidence,
        claim=made.claim,
        categories=made.categories,
    )
    return _Cycle(point, made)


def _replies(pairs: RunPairs, arm: Arm) -> list[int]:
    """The scored outcomes of one cycle, in an order of its own that no outcome has a part in."""
    scored = np.flatnonzero(pairs.tuned >= GOOD).tolist()
    seed, run = arm.manifest.design.seed, arm.manifest.run_id
    order = sorted(scored, key=lambda place: keyed_hash(seed, "history", run, pairs.trials[place].id))
    return [int(pairs.tuned[place]) for place in order]


def _rate(arm: Arm, measure: ComparedMeasure) -> tuple[int, int] | None:
    """Bad and scored units of one run."""
    outcomes = arm.outcomes(measure)
    found = [outcomes[unit[0]] for unit in arm.units(measure) if outcomes.get(unit[0], -1) >= GOOD]
    return (sum(found), len(found)) if found else None


def _point(
    arm: Arm,
    signal: Literal["none", "rise", "fall", "drift", "not_comparable"],
    *,
    pairs: int = 0,
    rate: float | None = None,
    why: str = "",
) -> HistoryPoint:
    return HistoryPoint(
        run=arm.manifest.run_id,
        path=str(arm.path),
        target=arm.manifest.target.name,
        signal=signal,
        pairs=pairs,
        rate=rate,
        why=why,
    )


def _rule(reference: Reference) -> str:
    against = "the first run" if reference == "first" else "the run before"
    return (
        f"Rise or fall: the paired difference from {against} lies outside {SIGMAS:g} sigma, which a cycle "
        f"without a change does {TAIL:.2%} of the time on either side. Drift: an e-detector over all replies "
        f"since the first run, against its upper 95% bound; without a change one false alarm in {CYCLES} "
        f"cycles at most, on average."
    )


def _notes(measure: ComparedMeasure, reference: Reference, latest: ComparedClaim | None) -> tuple[str, ...]:
    about_judge = () if latest is None else latest.judge_notes()
    return (*CAVEATS[measure], _CLAIM, *about_judge, _PREVIOUS if reference == "previous" else _SAME_UNITS)


def _exit_code(latest: HistoryPoint) -> int:
    """Never better than that of `compare`; an alarm is 1 where the two runs can be compared at all."""
    if latest.claim is None:
        return INVALID
    decided = comparison_exit_code(latest.claim, latest.categories)
    return FAILED if latest.signal in {"rise", "drift"} and decided != INVALID else decided
