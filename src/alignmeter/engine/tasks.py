"""Tasks in a plan: which are asked, and in which order. They belong to no claim."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from alignmeter.errors import InputError
from alignmeter.identity import keyed_hash
from alignmeter.verdicts import BASELINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Probe, Trial
    from alignmeter.threat_model import ThreatModel


def is_wanted_task(model: ThreatModel, probe: Probe) -> bool:
    """Whether a run asks this task: only where the threat model names its suite.

    The threat model's section `capability` narrows them; its domains and hazards, which tell what users
    touch, do not.
    """
    if model.suites is None or probe.suite not in model.suites or probe.check is None:
        return False
    if probe.language not in model.languages and probe.language != BASELINE:
        return False
    chosen = model.capability
    if chosen.domains is not None and probe.domain not in chosen.domains:
        return False
    return probe.check.grade is None or probe.check.grade in chosen.grades


def check_task_domains(model: ThreatModel, probes: Iterable[Probe]) -> None:
    """Refuse a threat model whose section `capability` names a domain that no suite of its has.

    Raises:
        InputError: Names the first such domain and those that there are.
    """
    if model.capability.domains is None:
        return
    known = sorted({probe.domain for probe in probes if probe.axis == "capability"})
    for name in model.capability.domains:
        if name not in known:
            expected = (
                f"some of {', '.join(known)}"
                if known
                else "no section `capability`: none of its suites holds such tasks, as `capability` does"
            )
            raise InputError(
                f"the threat model {model.name!r} names the domain {name!r} under `capability:`, which its "
                f"suites do not have; expected {expected}"
            )


def task_order(model: ThreatModel, trials: Sequence[Trial]) -> tuple[str, ...]:
    """The tasks among these trials in the order in which they are asked.

    Domains and grades take turns, each in the order HMAC(design seed, family), so that a run that stops
    early has asked of all alike, and the same tasks as every other run.

    Args:
        model: Gives the seed, and how many tasks of each domain and grade are asked.
        trials: Every trial that could be asked.

    Returns:
        Trial ids; none where there are no tasks.
    """
    cells: defaultdict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        if trial.check is not None:
            cells[trial.domain, trial.check.grade or ""].append(trial)
    lanes = [_first(model, cells[cell]) for cell in sorted(cells)]
    return tuple(trial for trial in chain.from_iterable(zip_longest(*lanes)) if trial is not None)


def _first(model: ThreatModel, trials: list[Trial]) -> list[str]:
    seed = model.design.seed
    ordered = sorted(trials, key=lambda trial: (keyed_hash(seed, "task", trial.family), trial.id))
    return [trial.id for trial in ordered[: model.capability.items]]
