"""Anybody can check a cycle once its key is out: each thing that can be swapped has a check of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.errors import InputError
from alignmeter.records import Record
from alignmeter.rotation.commitments import Commitment, Reveal, key_digest, merkle_root, seal, select
from alignmeter.rotation.pools import content_digest, original

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from alignmeter.records import Probe, Trial

_SHORT = 12


class Check(Record, frozen=True):
    """One check: `sentence` says what holds, or what does not."""

    name: str
    ok: bool
    sentence: str


def check_commitment(reveal: Reveal, published: Commitment | str | None = None) -> tuple[Check, ...]:
    """Check the key, the pool, the strata sizes and the commitment.

    Args:
        reveal: What the operator published after the cycle.
        published: What was published before it, or its commitment as 64 hex digits; None trusts the copy
            in `reveal`.
    """
    stated = published if isinstance(published, Commitment) else reveal.commitment
    key = _key(reveal)
    key_ok = key_digest(key) == stated.key_digest
    root = merkle_root(reveal.pool)
    pool_ok = root == stated.pool_root
    sealed = seal(key, root, stated.strata)
    before = published if isinstance(published, str) else stated.commitment
    return (
        _key_check(stated, key, ok=key_ok),
        Check(
            name="pool",
            ok=pool_ok,
            sentence=f"The Merkle root over {len(reveal.pool)} families is the one that was published."
            if pool_ok
            else f"The pool was swapped: its {len(reveal.pool)} families have the Merkle root {_cut(root)}, "
            f"published was {_cut(stated.pool_root)}; a family was added, left out or changed.",
        ),
        _sizes_check(reveal, stated, broken=key_ok and pool_ok and sealed != before),
        Check(
            name="commitment",
            ok=sealed == before,
            sentence=f"Key, root and sizes together give the commitment {_cut(before)}."
            if sealed == before
            else f"Key, root and sizes together give {_cut(sealed)}, but the commitment is {_cut(before)}: "
            f"what was revealed is not what was committed to.",
        ),
    )


def _key(reveal: Reveal) -> bytes:
    try:
        return bytes.fromhex(reveal.key)
    except ValueError:
        raise InputError(
            f"expected the key as 64 hex digits in the reveal, got {reveal.key[:_SHORT]!r} ...; ask for the "
            f"file again"
        ) from None


def _key_check(stated: Commitment, key: bytes, *, ok: bool) -> Check:
    came = _cut(key_digest(key))
    return Check(
        name="key",
        ok=ok,
        sentence=f"The key is the one whose digest {came} was published."
        if ok
        else f"The key was swapped: its digest is {came}, published was {_cut(stated.key_digest)}.",
    )


def _sizes_check(reveal: Reveal, stated: Commitment, *, broken: bool) -> Check:
    """The sizes as counted, and as sealed: where key and pool fit and the seal does not, sizes are left."""
    for stratum in stated.strata:
        mine = [one for one in reveal.pool if one.stratum == stratum.name]
        kept = sum(one.kept for one in mine)
        if len(mine) != stratum.families or stratum.anchors > kept or stratum.fresh > len(mine) - kept:
            return Check(
                name="sizes",
                ok=False,
                sentence=f"The sizes of stratum {stratum.name!r} were changed: it states {stratum.families} "
                f"families, {stratum.fresh} fresh and {stratum.anchors} anchors to select; the pool has "
                f"{len(mine)}, {len(mine) - kept} of them fresh.",
            )
    if broken:
        return Check(
            name="sizes",
            ok=False,
            sentence="The sizes of the strata were changed: key and pool are those of the commitment, but "
            "with these sizes they do not give it.",
        )
    total = sum(stratum.fresh + stratum.anchors for stratum in stated.strata)
    fit = "one stratum fit" if len(stated.strata) == 1 else f"{len(stated.strata)} strata fit"
    return Check(
        name="sizes",
        ok=True,
        sentence=f"The sizes of {fit} the pool; they select {total} families.",
    )


def check_probes(
    reveal: Reveal, rows: Sequence[Probe], published: Commitment | str | None = None
) -> tuple[Check, ...]:
    """Check that a suite holds the selection and nothing else, word for word as it was committed to.

    Args:
        reveal: What the operator published after the cycle.
        rows: The probes of the cycle's suite.
        published: As for `check_commitment`.

    Raises:
        InputError: A row does not carry the name of the suite.
    """
    stated = published if isinstance(published, Commitment) else reveal.commitment
    chosen = set(select(_key(reveal), reveal.pool, stated.strata))
    found = [original(probe, stated.name) for probe in rows]
    there = {probe.family for probe in found}
    extra, missing = sorted(there - chosen), sorted(chosen - there)
    selection = Check(
        name="selection",
        ok=not extra and not missing,
        sentence=f"The suite holds the {len(chosen)} families that the key selects, and no other."
        if not extra and not missing
        else _selection_fault(extra, missing),
    )
    committed = {
        name: value for one in reveal.pool if one.family in chosen for name, value in one.probes.items()
    }
    edited = [p.id for p in found if p.id in committed and content_digest(p) != committed[p.id]]
    unknown = [probe.id for probe in found if probe.id not in committed and probe.family in chosen]
    lost = sorted(set(committed) - {probe.id for probe in found} - set(_probes_of(reveal, missing)))
    faults = [
        *(f"{len(edited)} edited after the commitment, the first {edited[0]!r}" for _ in edited[:1]),
        *(f"{len(unknown)} added to their family, the first {unknown[0]!r}" for _ in unknown[:1]),
        *(f"{len(lost)} left out of their family, the first {lost[0]!r}" for _ in lost[:1]),
    ]
    return (
        selection,
        Check(
            name="probes",
            ok=not faults,
            sentence=f"All {len(found)} probes of the suite are word for word those that were committed to."
            if not faults
            else f"Probes were changed: {'; '.join(faults)}.",
        ),
    )


def _probes_of(reveal: Reveal, families: Iterable[str]) -> set[str]:
    wanted = set(families)
    return {name for one in reveal.pool if one.family in wanted for name in one.probes}


def _selection_fault(extra: Sequence[str], missing: Sequence[str]) -> str:
    parts = [
        *(f"{len(extra)} families that the key does not select, the first {extra[0]!r}" for _ in extra[:1]),
        *(f"not {len(missing)} that it does, the first {missing[0]!r}" for _ in missing[:1]),
    ]
    return f"The selection was swapped: the suite holds {', and '.join(parts)}."


def check_run(
    stated: Commitment,
    rows: Sequence[Probe],
    trials: Sequence[Trial],
    *,
    created_at: float,
    revealed_at: float,
    rendered: Callable[[Probe, Trial], str | None],
) -> tuple[Check, ...]:
    """Check that a run asked this cycle, in its time, and what it asked comes from the suite.

    Args:
        stated: The commitment.
        rows: The probes of the cycle's suite, checked with `check_probes`.
        trials: All trials of the run.
        created_at: When the run began.
        revealed_at: When the key was given out.
        rendered: Renders a probe again as a trial has it; returns the id, None where that fails.
    """
    mine = [trial for trial in trials if trial.suite == stated.name]
    in_time = stated.created_at <= created_at <= revealed_at
    when = "before the commitment was made" if created_at < stated.created_at else "after the key was out"
    time_check = Check(
        name="time",
        ok=in_time,
        sentence="By its own clock the run began after the commitment and before the key was out."
        if in_time
        else f"By its own clock the run began {when}.",
    )
    if not mine:
        none = f"The run has no trial of the cycle {stated.name!r}."
        return time_check, Check(name="trials", ok=False, sentence=none)
    probes = {probe.id: probe for probe in rows}
    foreign = [trial for trial in mine if trial.probe not in probes]
    altered = [t for t in mine if t.probe in probes and rendered(probes[t.probe], t) != t.id]
    asked, there = {trial.family for trial in mine}, {probe.family for probe in rows}
    others = len(trials) - len(mine)
    good = (
        f"All {len(mine)} trials of the cycle are renderings of its probes, from {len(asked)} of its "
        f"{len(there)} families"
        + (f"; {others} trials of other suites are not part of it." if others else ".")
    )
    faults = [
        *(
            f"{len(foreign)} ask probes that are not in its suite, the first {foreign[0].probe!r}"
            for _ in foreign[:1]
        ),
        *(
            f"{len(altered)} ask other words than their probe has, the first of {altered[0].probe!r}"
            for _ in altered[:1]
        ),
    ]
    return (
        time_check,
        Check(
            name="trials",
            ok=not faults,
            sentence=good if not faults else f"The run did not ask the selection: {'; '.join(faults)}.",
        ),
    )


def _cut(text: str) -> str:
    return text[:_SHORT]
