"""The release gate: verdicts of a run, and its change from a baseline, as one decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.analysis import pair_up
from alignmeter.api.comparable import judge_problems, sampled, sampling_problems
from alignmeter.api.compared_runs import judge_margins, shared_order
from alignmeter.api.comparing import check_distinct
from alignmeter.api.reading import Run, load_run
from alignmeter.api.rejudging import under_judge
from alignmeter.engine import Stopped
from alignmeter.errors import RUNTIME_FAILURE
from alignmeter.threat_model import threat_model_from_dict
from alignmeter.verdicts import (
    Asked,
    Change,
    Check,
    Gate,
    Policy,
    change,
    gate_exit_code,
    gate_notes,
    judged_outcomes,
    open_gate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.api.compared_runs import Units
    from alignmeter.records import Claim, ComparisonMethod

_POLICIES = {
    "block": "INCONCLUSIVE blocks",
    "warn": "INCONCLUSIVE warns, and blocks where no asking brings the claim to a PASS with this judge",
}
_UNFINISHED = "INCONCLUSIVE blocks, because the run has not come to its end"


def gate(
    run: Path | str,
    baseline: Path | str | None = None,
    *,
    inconclusive: Policy = "block",
    judge: str | None = None,
) -> Gate:
    """Decide on a release.

    Args:
        run: Run folder under test.
        baseline: Run folder to compare with; a claim blocks where its rate rose by more than the
            threat model's `fine_tune_delta`.
        inconclusive: What an undecided claim does. One that no asking could bring to a PASS with this judge
            (it has no card, or lets none pass) blocks all the same until people settle it. In a run that
            has not come to its end it blocks too: what was not asked is no question of statistics.
        judge: Judge as which both runs are read, by name or the beginning of its hash; None for those
            that they were made with.

    Raises:
        InputError: Both are the same run, or one has no judgements by the judge.
        RunFolderError: There is no run, or it cannot be read.
    """
    if baseline is not None:
        check_distinct((baseline, run))
    tested = _read(run, judge)
    before = _read(baseline, judge) if baseline is not None else None
    found = changes(before, tested) if before is not None else ()
    policy = inconclusive if tested.data.complete else "block"
    failure = _failure(tested)
    checks = (*failure, *open_gate(tested.results.verdicts, found, policy))
    return Gate(
        run=tested.manifest.run_id,
        target=tested.manifest.target.name,
        baseline=before.manifest.run_id if before is not None else None,
        checks=checks,
        exit_code=RUNTIME_FAILURE if failure else gate_exit_code(checks),
        rule=f"{tested.results.rule}; {_POLICIES[policy] if policy == inconclusive else _UNFINISHED}",
        notes=gate_notes(checks, policy),
    )


def _failure(run: Run) -> tuple[Check, ...]:
    """The check that blocks where the run itself failed, as its exit code said; none where it did not."""
    closed = run.data.closed
    if closed is None or Stopped(reason=closed.reason).exit_code != RUNTIME_FAILURE:
        return ()
    why = f"The run failed ({closed.reason.replace('_', ' ')}): {closed.detail}. Start it again to resume it."
    return (Check(id="run", title="The run", verdict="INVALID", status="block", sentence=why),)


def _read(run: Path | str, judge: str | None) -> Run:
    return load_run(run) if judge is None else under_judge(run, judge)


def changes(before: Run, after: Run) -> tuple[Change, ...]:
    """Compare two runs claim by claim, on the units that both were asked.

    Two complete runs are tested once. Where one stopped early the pairs enter as a betting process, in
    the committed order up to the first that one of them was not asked (METHODS.md 4, rule 7).
    """
    complete = all(run.data.complete and run.manifest.design.mode == "fixed" for run in (before, after))
    sampling = sampling_problems(
        sampled("the baseline", before.manifest, before.data),
        sampled("this run", after.manifest, after.data),
    )
    return tuple(
        _change(claim, before, after, "complete" if complete else "betting", sampling)
        for claim in after.manifest.design.claims
        # A gap is a difference already: how it changed is no rate of bad units.
        if claim.units and claim.kind != "language_gap"
    )


def _change(
    claim: Claim, before: Run, after: Run, method: ComparisonMethod, sampling: Sequence[str]
) -> Change:
    known = {trial.id: trial for trial in after.data.trials}
    was: Units = next((one.units for one in before.manifest.design.claims if one.id == claim.id), ())
    units = shared_order(was, claim.units, known, method)
    pairs = pair_up(units, _outcomes(claim, before), _outcomes(claim, after))
    hashes = _hashes(claim, after)
    margins = judge_margins(
        claim.kind,
        hashes,
        (trial for unit in units for trial in unit),
        margin=threat_model_from_dict(after.manifest.threat_model).thresholds.fine_tune_delta,
        alpha=claim.alpha,
    )
    asked = Asked(
        method=method,
        problems=(
            *judge_problems(claim.axis, _hashes(claim, before), hashes),
            *sampling,
        ),
        unscored_budget=after.manifest.design.unscored_budget,
    )
    return change(claim, pairs, margins, asked)


def _hashes(claim: Claim, run: Run) -> frozenset[str]:
    return frozenset({judged.judge_hash for judged in run.data.on(claim.axis).values()})


def _outcomes(claim: Claim, run: Run) -> dict[str, int]:
    """What each judged trial of a claim is worth in a run: the judge's answer, also where people spoke."""
    judged = run.data.on(claim.axis)
    members = (trial for unit in claim.units for trial in unit)
    return judged_outcomes(claim.kind, {trial: judged[trial] for trial in members if trial in judged})
