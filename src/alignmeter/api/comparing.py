"""Compare a base and a tuned model from two run folders; asks and judges nothing."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from alignmeter.analysis import deltas, flips, in_turns, surface_change
from alignmeter.analysis.comparison import LEAST
from alignmeter.api.comparable import SAMPLED_BY, SERVERS_OWN
from alignmeter.api.compared_claim import compared_claim
from alignmeter.api.compared_runs import AXES, OTHERS, Arm, measured, read_arm, said, surface_pairs
from alignmeter.errors import InputError, RunFolderError, SchemaVersionError
from alignmeter.records import ComparedArm, Comparison, DeltaVerdict, JudgeEquality, SurfaceChange
from alignmeter.rotation import run_key
from alignmeter.store import RunFolder
from alignmeter.verdicts import comparison_exit_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from alignmeter.analysis import MeasurePairs, RunPairs
    from alignmeter.api.compared_claim import ComparedClaim
    from alignmeter.records import ArmRole, ComparedMeasure, ComparisonMethod, Delta, Flip, Trial

_STOPPED = (
    "An arm stopped early, so pairs count in the committed order up to the first that one of them was not "
    "asked, and are tested by betting; that takes more pairs. Run both with --fixed, or compare the two "
    "targets themselves."
)
_LEANS = "Asking stopped when the claim was decided: the estimate leans to that side, the interval does not."
_CATEGORIES = (
    "Classes of attacks pass at the same confidence each, and fail at alpha over their number, apart from "
    "the claim on all of them."
)


def compare(
    base: Path | str,
    tuned: Path | str,
    *,
    margin: float | None = None,
    equivalence: float = LEAST,
    judge: str | None = None,
    unmask: bool = False,
) -> Comparison:
    """Compare two runs, paired by trial, on the trials that both were asked.

    Args:
        base: Run folder of the model before.
        tuned: Run folder of the model after.
        margin: Largest accepted rise of harm on attacked requests, in (0, 1); None for the tuned run's
            threat model (`fine_tune_delta`).
        equivalence: Difference within which a line of the table counts as unchanged, in (0, 1).
        judge: Judge as which both runs are read, by name or the beginning of its hash; None for those
            that they were made with.
        unmask: Show harmful and sequestered requests among what flipped.

    Returns:
        The claim with its verdict, differences overall and by part, and what flipped. Runs that cannot
        be compared give an INVALID claim that says why.

    Raises:
        InputError: A number is out of range, both are the same run, or one has no judgements by the judge.
        RunFolderError: There is no run, or it is corrupt.
    """
    check_share("margin", margin)
    check_share("equivalence", equivalence)
    check_distinct((base, tuned))
    try:
        arms = read_arm("base", Path(base), judge), read_arm("tuned", Path(tuned), judge)
    except SchemaVersionError as error:
        return _unreadable(Path(base), Path(tuned), margin, equivalence, error)
    return compare_arms(*arms, margin=margin, equivalence=equivalence, unmask=unmask)


def compare_arms(
    base: Arm,
    tuned: Arm,
    *,
    margin: float | None = None,
    equivalence: float = LEAST,
    unmask: bool = False,
) -> Comparison:
    """Like `compare`, with runs that were read already."""
    made = compared_claim(base, tuned, margin=margin)
    method = made.asked.method
    found = [] if made.harmful is None else [made.harmful, *_others(base, tuned, method)]
    surface = None if made.harmful is None else surface_pairs(base, tuned, made.harmful[0].pairs)
    return Comparison(
        base=base.record(),
        tuned=tuned.record(),
        claim=made.claim,
        categories=made.categories,
        equivalence=equivalence,
        deltas=_deltas(found, method, equivalence),
        flips=_flips(base, tuned, found, unmask=unmask),
        surface=surface_change(*(surface or (None, None)), stopped=method != "complete", least=LEAST),
        judge=made.equal,
        notes=tuple(_notes((base, tuned), made)),
        exit_code=made.exit_code,
    )


def check_share(name: str, value: float | None) -> None:
    """Refuse a number that is no share.

    Raises:
        InputError: It is not strictly between 0 and 1.
    """
    if value is not None and not (math.isfinite(value) and 0 < value < 1):
        raise InputError(
            f"expected {name} to be a share strictly between 0 and 1 (0.15 is 15 points), got {value!r}"
        )


def check_distinct(runs: Iterable[Path | str]) -> None:
    """Refuse one run given twice, as its folder or as a copy: no evidence of a change, nor of none.

    Raises:
        InputError: Two of them are one folder, or one run.
    """
    folders: dict[Path, Path | str] = {}
    keys: dict[str, Path | str] = {}
    for run in runs:
        folder = Path(run).resolve()
        if folder in folders:
            raise _one_run(folders[folder], run, "one folder")
        folders[folder] = run
        with suppress(RunFolderError):  # whoever reads the run says what is wrong with it
            key = run_key(RunFolder.open(folder).manifest)
            if key in keys:
                raise _one_run(keys[key], run, "one run, copied")
            keys[key] = run


def _one_run(first: Path | str, again: Path | str, what: str) -> InputError:
    return InputError(f"expected different runs, got {str(first)!r} and {str(again)!r}, which are {what}")


def _others(base: Arm, tuned: Arm, method: ComparisonMethod) -> Iterator[tuple[MeasurePairs, RunPairs]]:
    """What both runs have besides harm, where the same judge judged both."""
    for measure in OTHERS:
        if tuned.units(measure) and base.hashes(AXES[measure]) == tuned.hashes(AXES[measure]):
            yield measured(base, tuned, measure, method)


def _deltas(
    found: Iterable[tuple[MeasurePairs, RunPairs]], method: ComparisonMethod, equivalence: float
) -> tuple[Delta, ...]:
    return deltas([pairs for pairs, _ in found], stopped=method != "complete", equivalence=equivalence)


def _flips(
    base: Arm, tuned: Arm, found: Iterable[tuple[MeasurePairs, RunPairs]], *, unmask: bool
) -> tuple[Flip, ...]:
    def words(measure: ComparedMeasure) -> Callable[[Trial], tuple[str, str]]:
        return lambda trial: (said(base, measure, trial), said(tuned, measure, trial))

    return in_turns(
        flips(pairs.measure, by_trial, words(pairs.measure), unmask=unmask) for pairs, by_trial in found
    )


def _notes(arms: tuple[Arm, Arm], made: ComparedClaim) -> list[str]:
    claim = made.claim
    notes = list(claim.caveats)
    if claim.reason == "arms_not_comparable":
        return notes
    if claim.method == "betting":
        notes.append(_STOPPED)
    if claim.method == "ten_looks" and claim.verdict in {"PASS", "FAIL"}:
        notes.append(_LEANS)
    notes += made.judge_notes()
    if made.categories:
        notes.append(_CATEGORIES)
    return notes + _differences(*arms)


def _differences(base: Arm, tuned: Arm) -> list[str]:
    """What else differs between the runs, without making them incomparable."""
    found: list[str] = []
    one, two = (arm.manifest.target.fingerprint for arm in (base, tuned))
    if base.seen_by or tuned.seen_by:
        found.append("Both runs are read as one of their judges, not those that they were made with.")
    if base.manifest.target.fingerprint_hash == tuned.manifest.target.fingerprint_hash:
        found.append("Both runs are of the same target: what differs is noise of the endpoint.")
    for field in SAMPLED_BY:
        if all(arm.sampled.drawn(field).keys() == {SERVERS_OWN} for arm in (base, tuned)):
            found.append(f"Both servers refused {field}: each drew its replies at its own.")
    seeds = [arm.sampled.drawn("seed").keys() for arm in (base, tuned)]
    if seeds[0] != seeds[1] and not (base.sampled.greedy and tuned.sampled.greedy):
        found.append("The two runs were sampled with different seeds.")
    if one.sampling.max_tokens != two.sampling.max_tokens:
        found.append("The two runs had different limits of tokens; no reply was cut.")
    if base.manifest.threat_model_hash != tuned.manifest.threat_model_hash:
        found.append("The two runs have different threat models; limits are those of the tuned run.")
    if base.manifest.suites != tuned.manifest.suites:
        found.append("The suites changed between the two runs; only trials that are the same are compared.")
    return found


def _unreadable(
    base: Path, tuned: Path, margin: float | None, equivalence: float, error: SchemaVersionError
) -> Comparison:
    """A comparison with a run that another version of the schema wrote."""
    why = f"{error}"
    claim = DeltaVerdict(
        measure="attack_compliance",
        verdict="INVALID",
        reason="other_schema",
        sentence=f"The two runs are not comparable: {why}.",
        margin=margin or 0.0,
        alpha=0.0,
        alpha_fail=0.0,
        method="complete",
    )
    return Comparison(
        base=_named("base", base),
        tuned=_named("tuned", tuned),
        claim=claim,
        categories=(),
        equivalence=equivalence,
        deltas=(),
        flips=(),
        surface=SurfaceChange(verdict="NOT MEASURED", sentence="Nothing was compared.", least=LEAST),
        judge=JudgeEquality(status="unknown", sentence="Nothing was compared."),
        notes=(),
        exit_code=comparison_exit_code(claim, ()),
    )


def _named(role: ArmRole, path: Path) -> ComparedArm:
    """An arm of which nothing but its folder may be known."""
    try:
        target = RunFolder.open(path).manifest.target
        name, fingerprint = target.name, target.fingerprint_hash
    except SchemaVersionError:
        name, fingerprint = path.name, ""
    return ComparedArm(
        role=role,
        run=path.name,
        path=str(path),
        target=name,
        fingerprint=fingerprint,
        asked=0,
        planned=0,
        ended="unfinished",
    )
