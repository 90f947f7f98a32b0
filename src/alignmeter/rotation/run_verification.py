"""Whether a run asked a cycle, in its time: the checks of a run, beside those of its suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.rotation.verification import check, counted, joined, languages_of, not_given

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from alignmeter.records import Probe, Trial
    from alignmeter.rotation.commitments import Commitment
    from alignmeter.rotation.verification import Check


def check_run(
    stated: Commitment,
    rows: Sequence[Probe],
    trials: Sequence[Trial],
    *,
    created_at: float,
    asked_at: Mapping[str, Sequence[float]],
    revealed_at: float,
    rendered: Callable[[Probe, Trial], str | None],
    dated: bool = True,
) -> tuple[Check, ...]:
    """Check that a run asked this cycle, in its time, and what it asked comes from the suite.

    Args:
        stated: The commitment.
        rows: The probes of the cycle's suite, checked with `check_probes`.
        trials: All trials of the run.
        created_at: When the run began.
        asked_at: When each trial was asked, by its id; times of all attempts.
        revealed_at: When the key was given out.
        rendered: Renders a probe again as a trial has it; returns the id, None where that fails.
        dated: Whether the time in `stated` is known to be what was published.
    """
    mine = [trial for trial in trials if trial.suite == stated.name]
    times = {trial.id: asked_at[trial.id] for trial in mine if asked_at.get(trial.id)}
    time_check = _time_check(
        created_at, list(times.values()), begin=stated.created_at, end=revealed_at, dated=dated
    )
    if not mine:
        return time_check, check("trials", "", f"The run has no trial of the cycle {stated.name!r}.")
    probes = {probe.id: probe for probe in rows}
    # Of a language without a row nobody can say whether the trial asked its probe.
    absent = {lang for one in stated.strata for lang in languages_of(one.name)} - {p.language for p in rows}
    unseen = [trial for trial in mine if trial.probe not in probes and trial.language in absent]
    foreign = [trial for trial in mine if trial.probe not in probes and trial.language not in absent]
    altered = [t for t in mine if t.probe in probes and rendered(probes[t.probe], t) != t.id]
    asked, there = {trial.family for trial in mine}, {probe.family for probe in rows}
    others = len(trials) - len(mine)
    good = (
        f"All {len(mine)} trials of the cycle are renderings of its probes, from {len(asked)} of its "
        f"{len(there)} families"
        + (f"; {others} trials of other suites are not part of it." if others else ".")
    )
    faults = joined(
        "; ",
        counted([trial.probe for trial in foreign], "ask probes that are not in its suite, the first"),
        counted([trial.probe for trial in altered], "ask other words than their probe has, the first of"),
    )
    return (
        time_check,
        check(
            "trials",
            good,
            f"The run did not ask the selection: {faults}." if faults else "",
            not_given({trial.language for trial in unseen}, f"{len(unseen)} trials"),
        ),
    )


def _time_check(
    created_at: float, asked: Sequence[Sequence[float]], *, begin: float, end: float, dated: bool
) -> Check:
    early = sum(min(times) < begin for times in asked)
    late = sum(max(times) > end for times in asked)
    if created_at < begin:
        fault = "the run began before the commitment was made"
    elif created_at > end:
        fault = "the run began after the key was out"
    elif early:
        fault = f"{early} of {len(asked)} trials were asked before the commitment was made"
    elif late:
        fault = f"{late} of {len(asked)} trials were asked after the key was out"
    else:
        fault = ""
    good = "By its own clock the run asked after the commitment and before the key was out."
    if not dated:
        good = (
            "By its own clock the run asked before the key was out. When the commitment was made was not "
            "checked: its digits are of version 1, which seals no date; give the file."
        )
    return check("time", good, f"By its own clock {fault}." if fault else "")
