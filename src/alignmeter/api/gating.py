"""The release gate: verdicts of a run, and its change from a baseline, as one decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.api.reading import Run, load_run
from alignmeter.threat_model import threat_model_from_dict
from alignmeter.verdicts import Arm, Change, Gate, Policy, change, gate_exit_code, open_gate

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.records import Axis

_POLICIES = {
    "block": "INCONCLUSIVE blocks",
    "warn": "INCONCLUSIVE warns",
}


def gate(run: Path | str, baseline: Path | str | None = None, *, inconclusive: Policy = "block") -> Gate:
    """Decide on a release.

    Args:
        run: Run folder under test.
        baseline: Run folder to compare with; a claim blocks where its rate rose by more than the
            threat model's `fine_tune_delta`.
        inconclusive: What an undecided claim does.

    Raises:
        RunFolderError: There is no run, or it cannot be read.
    """
    tested = load_run(run)
    before = load_run(baseline) if baseline is not None else None
    found = changes(before, tested) if before is not None else ()
    checks = tuple(open_gate(tested.results.verdicts, found, inconclusive))
    return Gate(
        run=tested.manifest.run_id,
        target=tested.manifest.target.name,
        baseline=before.manifest.run_id if before is not None else None,
        checks=checks,
        exit_code=gate_exit_code(checks),
        rule=f"{tested.results.rule}; {_POLICIES[inconclusive]}",
    )


def changes(before: Run, after: Run) -> tuple[Change, ...]:
    """Compare two runs claim by claim, on the units that both have."""
    margin = threat_model_from_dict(after.manifest.threat_model).thresholds.fine_tune_delta
    return tuple(
        change(claim, _arm(before, claim.axis), _arm(after, claim.axis), margin=margin)
        for claim in after.manifest.design.claims
        # A gap is a difference already: how it changed is no rate of bad units.
        if claim.units and claim.kind != "language_gap"
    )


def _arm(run: Run, axis: Axis) -> Arm:
    return Arm(
        judgements=run.data.on(axis),
        judges=run.manifest.judges,
        complete=run.data.complete and run.manifest.design.mode == "fixed",
    )
