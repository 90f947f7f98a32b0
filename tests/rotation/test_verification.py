"""Whatever is swapped after the commitment breaks a check of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.engine import render
from alignmeter.rotation import (
    Check,
    NewCycle,
    Reveal,
    Stratum,
    begin_cycle,
    check_commitment,
    check_probes,
    check_run,
    key_digest,
    merkle_root,
    reveal_cycle,
    seal,
    stratum_sizes,
)
from alignmeter.suites import load_suite

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rotation.conftest import SuiteWriter

    from alignmeter.records import Probe, Trial
    from alignmeter.threat_model import ThreatModel

KEY = bytes(range(32))
ALL = {"key", "pool", "sizes", "commitment"}


@pytest.fixture
def reveal(home: Path, own_suite: SuiteWriter, model: ThreatModel) -> Reveal:
    """An opened cycle over a suite of the user's own."""
    own_suite()
    begin_cycle(home, NewCycle(suites=("mine",)), model, key=KEY)
    return reveal_cycle(home, "cycle_1")


def broken(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.sentence for check in checks if not check.ok}


def resealed(reveal: Reveal) -> Reveal:
    """A forged reveal whose own copy of the commitment fits it."""
    key, root = bytes.fromhex(reveal.key), merkle_root(reveal.pool)
    commitment = msgspec.structs.replace(reveal.commitment, key_digest=key_digest(key), pool_root=root)
    commitment = msgspec.structs.replace(commitment, commitment=seal(key, commitment))
    return msgspec.structs.replace(reveal, commitment=commitment)


def test_an_honest_cycle_holds(reveal: Reveal) -> None:
    commitment = reveal.commitment
    for published in (None, commitment, commitment.commitment):
        checks = (
            *check_commitment(reveal, published),
            *check_probes(reveal, load_suite("cycle_1"), published),
        )
        assert broken(checks) == {}


def test_a_swapped_key_is_named(reveal: Reveal) -> None:
    forged = msgspec.structs.replace(reveal, key=bytes(32).hex())

    found = broken(check_commitment(forged))

    assert set(found) == {"key", "commitment"}
    assert found["key"].startswith("The key was swapped: its digest is ")


@pytest.mark.parametrize("change", ["dropped", "added", "edited", "anchor"])
def test_a_swapped_pool_is_named(reveal: Reveal, change: str) -> None:
    first, *rest = reveal.pool
    pool = {
        "dropped": tuple(rest),
        "added": (*reveal.pool, msgspec.structs.replace(first, family="new")),
        "edited": (msgspec.structs.replace(first, probes=dict.fromkeys(first.probes, "0" * 64)), *rest),
        "anchor": (msgspec.structs.replace(first, kept=True), *rest),
    }[change]

    found = broken(check_commitment(msgspec.structs.replace(reveal, pool=pool)))

    assert {"pool", "commitment"} <= set(found)
    assert "key" not in found
    assert found["pool"].startswith("The pool was swapped")


@pytest.mark.parametrize("field", ["families", "fresh", "anchors"])
def test_a_changed_stratum_size_is_named(reveal: Reveal, field: str) -> None:
    first, *rest = reveal.commitment.strata
    strata = (msgspec.structs.replace(first, **{field: getattr(first, field) + 1}), *rest)
    forged = msgspec.structs.replace(
        reveal, commitment=msgspec.structs.replace(reveal.commitment, strata=strata)
    )

    found = broken(check_commitment(forged))

    assert set(found) == {"sizes", "commitment"}
    assert f"The sizes of stratum {first.name!r} do not follow from the pool" in found["sizes"]


@pytest.mark.parametrize("what", ["key", "pool"])
def test_a_forged_copy_of_the_commitment_fits_itself_but_not_what_was_published(
    reveal: Reveal, what: str
) -> None:
    published = reveal.commitment
    changed = (
        msgspec.structs.replace(reveal, key=bytes(32).hex())
        if what == "key"
        else msgspec.structs.replace(reveal, pool=reveal.pool[1:])
    )
    if what == "pool":
        sizes = stratum_sizes(changed.pool, fraction=0.25, anchors=0.3)
        changed = msgspec.structs.replace(
            changed, commitment=msgspec.structs.replace(published, strata=sizes)
        )
    forged = resealed(changed)

    assert broken(check_commitment(forged)) == {}
    assert what in broken(check_commitment(forged, published))
    assert "commitment" in broken(check_commitment(forged, published.commitment))


def test_a_probe_edited_after_the_commitment_is_named(reveal: Reveal) -> None:
    first, *rest = load_suite("cycle_1")
    edited = msgspec.structs.replace(first, prompt="Which easier question would you like best?")

    found = broken(check_probes(reveal, [edited, *rest]))

    assert found == {
        "probes": "Probes were changed: 1 edited after the commitment, the first "
        f"{first.id.split('-en-', 1)[1]!r}."
    }


def test_the_answer_of_a_probe_is_committed_to_as_well(reveal: Reveal) -> None:
    first, *rest = load_suite("cycle_1")

    assert "probes" in broken(check_probes(reveal, [msgspec.structs.replace(first, reference="yes"), *rest]))


def test_a_swapped_selection_is_named(reveal: Reveal) -> None:
    rows = load_suite("cycle_1")
    gone = rows[0].family
    other = msgspec.structs.replace(rows[0], id="cycle_1-en-other-001", family="cycle_1-other-001")

    less = broken(check_probes(reveal, [row for row in rows if row.family != gone]))
    more = broken(check_probes(reveal, [*rows, other]))

    assert "not 1 that it does" in less["selection"]
    assert "1 families that the key does not select, the first 'other-001'" in more["selection"]
    assert "probes" not in less


def test_a_family_that_was_committed_to_without_a_probe_is_missing_all_the_same(reveal: Reveal) -> None:
    rows = load_suite("cycle_1")
    gone = rows[0].family.removeprefix("cycle_1-")
    pool = tuple(
        msgspec.structs.replace(one, probes={}) if one.family == gone else one for one in reveal.pool
    )
    rest = [row for row in rows if row.family != rows[0].family]

    found = broken(check_probes(msgspec.structs.replace(reveal, pool=pool), rest))

    assert f"not 1 that it does, the first {gone!r}" in found["selection"]


def test_a_probe_left_out_of_its_family_or_added_to_it_is_named(reveal: Reveal) -> None:
    rows = load_suite("cycle_1")
    twin = next(row for row in rows if row.intent == "harmful")
    more = msgspec.structs.replace(twin, id=f"{twin.id}-2")

    assert (
        "1 left out of their family"
        in broken(check_probes(reveal, [row for row in rows if row != twin]))["probes"]
    )
    assert "1 added to their family" in broken(check_probes(reveal, [*rows, more]))["probes"]


@pytest.fixture
def trials(reveal: Reveal, model: ThreatModel) -> tuple[Trial, ...]:
    """What a run of the cycle asks: plainly, and under an attack."""
    del reveal
    rows = load_suite("cycle_1")
    return (
        *(render(probe, "plain", model) for probe in rows),
        *(render(probe, "base64", model) for probe in rows if probe.intent == "harmful"),
    )


def run_checks(
    reveal: Reveal,
    trials: tuple[Trial, ...],
    model: ThreatModel,
    *,
    at: float | None = None,
    asked_at: dict[str, list[float]] | None = None,
) -> dict[str, str]:
    def rendered(probe: Probe, trial: Trial) -> str:
        return render(probe, trial.attack, model, draw=trial.epoch).id

    return broken(
        check_run(
            reveal.commitment,
            load_suite("cycle_1"),
            trials,
            created_at=reveal.commitment.created_at if at is None else at,
            asked_at=asked_at or {},
            revealed_at=reveal.revealed_at,
            rendered=rendered,
        )
    )


def test_a_run_that_asked_the_selection_holds(
    reveal: Reveal, trials: tuple[Trial, ...], model: ThreatModel
) -> None:
    assert run_checks(reveal, trials, model) == {}


def test_a_run_that_asked_other_words_is_named(
    reveal: Reveal, trials: tuple[Trial, ...], model: ThreatModel
) -> None:
    forged = msgspec.structs.replace(trials[0], id="0" * 64)

    found = run_checks(reveal, (forged, *trials[1:]), model)

    assert found["trials"].startswith("The run did not ask the selection: 1 ask other words")


def test_a_run_that_asked_other_probes_under_the_name_of_the_cycle_is_named(
    reveal: Reveal, trials: tuple[Trial, ...], model: ThreatModel
) -> None:
    found = run_checks(reveal, (msgspec.structs.replace(trials[0], probe="cycle_1-en-x"), *trials[1:]), model)

    assert "1 ask probes that are not in its suite, the first 'cycle_1-en-x'" in found["trials"]


def test_a_run_that_did_not_ask_the_cycle_is_named(reveal: Reveal, model: ThreatModel) -> None:
    assert run_checks(reveal, (), model) == {"trials": "The run has no trial of the cycle 'cycle_1'."}


def test_a_run_before_the_commitment_or_after_the_key_was_out_is_named(
    reveal: Reveal, trials: tuple[Trial, ...], model: ThreatModel
) -> None:
    early = run_checks(reveal, trials, model, at=reveal.commitment.created_at - 1)
    late = run_checks(reveal, trials, model, at=time.time() + 1)

    assert early == {"time": "By its own clock the run began before the commitment was made."}
    assert late == {"time": "By its own clock the run began after the key was out."}


def test_trials_asked_outside_the_cycle_are_counted_although_the_run_began_in_time(
    reveal: Reveal, trials: tuple[Trial, ...], model: ThreatModel
) -> None:
    begin, end = reveal.commitment.created_at, reveal.revealed_at
    inside = {trial.id: [begin, end] for trial in trials}

    held = run_checks(reveal, trials, model, asked_at=inside)
    late = run_checks(reveal, trials, model, asked_at={**inside, trials[0].id: [begin, end + 1]})
    early = run_checks(reveal, trials, model, asked_at={**inside, trials[0].id: [begin - 1]})

    asked = len(inside)
    assert held == {}
    assert late == {"time": f"By its own clock 1 of {asked} trials were asked after the key was out."}
    assert early == {
        "time": f"By its own clock 1 of {asked} trials were asked before the commitment was made."
    }


def test_the_date_and_the_name_are_sealed_so_that_64_digits_hold_them(reveal: Reveal) -> None:
    digits = reveal.commitment.commitment
    for change in ({"created_at": 0.0}, {"name": "cycle_2"}, {"kind": "sequestered"}):
        stated = msgspec.structs.replace(reveal.commitment, **change)

        found = broken(check_commitment(msgspec.structs.replace(reveal, commitment=stated), digits))

        assert set(found) == {"commitment"}


def test_digits_of_version_1_say_that_the_date_was_not_checked(
    reveal: Reveal, trials: tuple[Trial, ...], model: ThreatModel
) -> None:
    (time_check, _) = check_run(
        reveal.commitment,
        load_suite("cycle_1"),
        trials,
        created_at=reveal.commitment.created_at,
        asked_at={},
        revealed_at=reveal.revealed_at,
        rendered=lambda probe, trial: render(probe, trial.attack, model, draw=trial.epoch).id,
        dated=False,
    )

    assert time_check.ok
    assert "When the commitment was made was not checked" in time_check.sentence


def of_version_1(reveal: Reveal, strata: tuple[Stratum, ...] | None = None) -> Reveal:
    """The same as an earlier version would have sealed it."""
    stated = msgspec.structs.replace(
        reveal.commitment, version=1, fraction=None, anchors=None, strata=strata or reveal.commitment.strata
    )
    return resealed(msgspec.structs.replace(reveal, commitment=stated))


def chosen_by_hand(reveal: Reveal, wanted: set[str], *, kept: bool = False) -> Reveal:
    """A pool whose wanted families alone are asked: in a stratum of their own, or marked as anchors."""
    pool = tuple(
        msgspec.structs.replace(one, kept=one.family in wanted)
        if kept
        else msgspec.structs.replace(one, stratum="easy" if one.family in wanted else "hard")
        for one in reveal.pool
    )
    return msgspec.structs.replace(reveal, pool=pool)


def test_an_old_commitment_still_holds(reveal: Reveal) -> None:
    old = of_version_1(reveal)
    for published in (None, old.commitment, old.commitment.commitment):
        assert broken(check_commitment(old, published)) == {}
        assert broken(check_probes(old, load_suite("cycle_1"), published)) == {}


@pytest.mark.parametrize("version", [1, 2])
def test_a_stratum_of_chosen_families_that_is_asked_whole_beside_one_that_is_not_is_named(
    reveal: Reveal, version: int
) -> None:
    wanted = {one.family for one in reveal.pool[:6]}
    forged = chosen_by_hand(reveal, wanted)
    strata = (
        Stratum(name="easy", families=6, fresh=6, anchors=0),
        Stratum(name="hard", families=len(reveal.pool) - 6, fresh=0, anchors=0),
    )
    if version == 1:
        forged = of_version_1(forged, strata)
    else:
        stated = msgspec.structs.replace(reveal.commitment, strata=strata)
        forged = resealed(msgspec.structs.replace(forged, commitment=stated))

    assert set(broken(check_commitment(forged))) == {"sizes"}


@pytest.mark.parametrize("listed", [0, 2])
def test_a_stratum_that_is_not_stated_or_stated_twice_is_named(reveal: Reveal, listed: int) -> None:
    first, *rest = reveal.commitment.strata

    found = broken(check_commitment(of_version_1(reveal, (*[first] * listed, *rest))))

    assert set(found) == {"sizes"}


def test_a_family_that_was_asked_as_one_of_another_stratum_is_named(reveal: Reveal) -> None:
    rows = load_suite("cycle_1")
    asked = rows[0].family.removeprefix("cycle_1-")
    pool = tuple(
        msgspec.structs.replace(one, stratum="easy") if one.family == asked else one for one in reveal.pool
    )

    found = broken(check_probes(msgspec.structs.replace(reveal, pool=pool), rows))

    assert found["strata"].startswith("1 families were entered in another stratum than their own")
    assert "was entered as 'easy'" in found["strata"]


def test_a_first_cycle_has_no_anchors(reveal: Reveal) -> None:
    forged = chosen_by_hand(reveal, {reveal.pool[0].family}, kept=True)
    strata = stratum_sizes(forged.pool, fraction=0.25, anchors=0.3)
    stated = msgspec.structs.replace(reveal.commitment, strata=strata)

    found = broken(check_commitment(resealed(msgspec.structs.replace(forged, commitment=stated))))

    assert set(found) == {"sizes"}
    assert "and there was none" in found["sizes"]


def test_a_family_that_stands_twice_in_the_pool_is_named(reveal: Reveal) -> None:
    found = broken(check_commitment(msgspec.structs.replace(reveal, pool=(*reveal.pool, reveal.pool[0]))))

    assert "twice" in found["pool"]
