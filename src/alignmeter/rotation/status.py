"""Where rotation stands: cycles, what was shown of them, and what is likely known by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from alignmeter.errors import StorageError
from alignmeter.records import Record
from alignmeter.rotation.exposures import behind, catch_up, leak_probabilities
from alignmeter.rotation.folder import Cycle, cycles
from alignmeter.rotation.leakage import LEAK_LIMIT, USE_LIMIT, read_rates
from alignmeter.rotation.ledger import Ledger
from alignmeter.rotation.pools import PoolKind
from alignmeter.rotation.suite_files import held_out_suites
from alignmeter.suites import suite_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from alignmeter.rotation.ledger import Exposure

CycleState = Literal["open", "revealed", "retired"]


class CycleStatus(Record, frozen=True):
    """One cycle.

    Attributes:
        pool, families, anchors: Families in the pool, selected, and kept from the previous cycle.
        runs: Runs that asked it; of a sequestered pool `runs_left` may follow.
        exposures: Families shown, once for each run and model; `forced` of them against the rules.
        highest: Largest P(leak) of a selected family.
        burnt: Selected families above the limit.
    """

    cycle: int
    name: str
    kind: PoolKind
    state: CycleState
    created_at: float
    pool: int
    families: int
    anchors: int
    runs: int
    runs_left: int | None
    exposures: int
    forced: int
    highest: float
    burnt: tuple[str, ...]


class RotationStatus(Record, frozen=True):
    """Everything that rotates.

    Attributes:
        open_runs: Folders of runs that go on, or were killed and not resumed.
        without_suite: Cycles that are not retired and whose suite is not among the user's.
        without_cycle: Held-out suites of the user that are no cycle here, so that their runs are not
            counted here.
        retired: Retired families with the reason.
        burnt: Families above `limit` that are not retired yet, whichever cycle showed them.
        unwritten: Why the ledger could not be brought up to date, empty where it could; what it lacks is
            counted here all the same.
    """

    folder: str
    cycles: tuple[CycleStatus, ...]
    open_runs: tuple[str, ...]
    without_suite: tuple[str, ...]
    without_cycle: tuple[str, ...]
    retired: dict[str, str]
    burnt: dict[str, float]
    limit: float = LEAK_LIMIT
    unwritten: str = ""


def burnt_families(folder: Path) -> dict[str, float]:
    """Return the families above the limit that are not retired yet, with P(leak), the likeliest first."""
    ledger = Ledger(folder)
    return _burnt(ledger, leak_probabilities(ledger.exposures(), read_rates(folder)))


def rotation_status(folder: Path) -> RotationStatus:
    """Look at every cycle, after bringing the ledger up to date where it can be written.

    Raises:
        InputError: A file of the folder cannot be read.
    """
    known = cycles(folder)
    ledger = Ledger(folder)
    found = behind(ledger, cycles={cycle.name for cycle in known})
    unwritten = ""
    try:
        catch_up(ledger, found)
    except StorageError as error:
        unwritten = str(error)
    lacking = [shown for one in found for shown in one.exposures] if unwritten else []
    exposures, rates = _together(ledger.exposures(), lacking), read_rates(folder)
    leaks = leak_probabilities(exposures, rates)
    return RotationStatus(
        folder=str(folder),
        cycles=tuple(_status_of(cycle, ledger, exposures, leaks) for cycle in known),
        open_runs=tuple(one.run.path for one in found if not one.closed),
        without_suite=tuple(
            cycle.name for cycle in known if not cycle.retired() and cycle.name not in suite_names()
        ),
        without_cycle=tuple(sorted(set(held_out_suites()) - {cycle.name for cycle in known})),
        retired=ledger.retired(),
        burnt=_burnt(ledger, leaks),
        unwritten=unwritten,
    )


def _together(kept: Iterable[Exposure], lacking: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """What the ledger would hold: a family that a run showed to a model at a provider counts once."""
    found: dict[tuple[str, ...], Exposure] = {}
    for one in (*kept, *lacking):
        found.setdefault((one.run, one.cycle, one.family, one.target, one.provider), one)
    return tuple(found.values())


def _status_of(
    cycle: Cycle, ledger: Ledger, exposures: Sequence[Exposure], leaks: Mapping[str, float]
) -> CycleStatus:
    commitment, chosen = cycle.commitment, cycle.selection()
    mine = [one for one in exposures if one.cycle == cycle.name]
    runs = ledger.uses(cycle.name)
    return CycleStatus(
        cycle=commitment.cycle,
        name=cycle.name,
        kind=commitment.kind,
        state="retired" if cycle.retired() else "revealed" if cycle.reveal() else "open",
        created_at=commitment.created_at,
        pool=sum(stratum.families for stratum in commitment.strata),
        families=len(chosen),
        anchors=sum(stratum.anchors for stratum in commitment.strata),
        runs=runs,
        runs_left=max(0, USE_LIMIT - runs) if commitment.kind == "sequestered" else None,
        exposures=len(mine),
        forced=sum(one.forced for one in mine),
        highest=max((leaks.get(family, 0.0) for family in chosen), default=0.0),
        burnt=tuple(family for family in chosen if leaks.get(family, 0.0) > LEAK_LIMIT),
    )


def _burnt(ledger: Ledger, leaks: Mapping[str, float]) -> dict[str, float]:
    retired = ledger.retired()
    above = [(p, family) for family, p in leaks.items() if p > LEAK_LIMIT and family not in retired]
    return {family: p for p, family in sorted(above, key=lambda pair: (-pair[0], pair[1]))}
