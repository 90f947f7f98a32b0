"""Anybody can check a cycle once its key is out: each thing that can be swapped has a check of its own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Record
from alignmeter.rotation.commitments import (
    Commitment,
    Reveal,
    Stratum,
    key_digest,
    merkle_root,
    seal,
    select,
    stratum_sizes,
)
from alignmeter.rotation.pools import PoolFamily, by_family, content_digest, original, stratum_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from alignmeter.records import Probe, Trial

_SHORT = 12


class Check(Record, frozen=True):
    """One check: `sentence` says what holds, or what does not.

    Attributes:
        not_given: It does not hold, for no other reason than that the suite's file for a language is missing.
    """

    name: str
    ok: bool
    sentence: str
    not_given: bool = False


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
    twice = _twice(one.family for one in reveal.pool)
    pool_ok = root == stated.pool_root and twice is None
    sealed = seal(key, msgspec.structs.replace(stated, pool_root=root))
    before = published if isinstance(published, str) else stated.commitment
    return (
        _key_check(stated, key, ok=key_ok),
        Check(
            name="pool",
            ok=pool_ok,
            sentence=f"The Merkle root over {len(reveal.pool)} families is the one that was published."
            if pool_ok
            else f"The pool names the family {twice!r} twice."
            if twice is not None
            else f"The pool was swapped: its {len(reveal.pool)} families have the Merkle root {_cut(root)}, "
            f"published was {_cut(stated.pool_root)}; a family was added, left out or changed.",
        ),
        _sizes_check(reveal, stated, broken=key_ok and pool_ok and sealed != before),
        Check(
            name="commitment",
            ok=sealed == before,
            sentence=f"{_sealed(stated)} together give the commitment {_cut(before)}."
            if sealed == before
            else f"{_sealed(stated)} together give {_cut(sealed)}, but the commitment is {_cut(before)}: "
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


def _sealed(stated: Commitment) -> str:
    if stated.version == 1:
        return "Key, root and sizes (version 1 seals no date and no share)"
    return "Key, root, sizes, shares, name and date"


def _sizes_check(reveal: Reveal, stated: Commitment, *, broken: bool) -> Check:
    """The sizes as they follow from the pool; in version 1 also as sealed, with key and root alone."""
    fault = _sizes_fault(reveal, stated)
    if fault is None and broken and stated.version == 1:
        fault = (
            "The sizes of the strata were changed: key and pool are those of the commitment, but with these "
            "sizes they do not give it."
        )
    if fault is not None:
        return Check(name="sizes", ok=False, sentence=fault)
    anchors = sum(stratum.anchors for stratum in stated.strata)
    total = anchors + sum(stratum.fresh for stratum in stated.strata)
    families = sum(stratum.families for stratum in stated.strata)
    strata = "one stratum" if len(stated.strata) == 1 else f"{len(stated.strata)} strata"
    share = "one share" if stated.fraction is None else f"the share {stated.fraction:g}"
    kept = f", {anchors} of them anchors by the operator's word" if anchors else ""
    return Check(
        name="sizes",
        ok=True,
        sentence=f"The sizes of {strata} follow from the pool and {share} for all; they select {total} of "
        f"{families} families{kept}.",
    )


def _sizes_fault(reveal: Reveal, stated: Commitment) -> str | None:
    kept = next((one.family for one in reveal.pool if one.kept), None)
    if stated.cycle == 1 and kept is not None:
        return f"The first cycle marks {kept!r} as asked by the cycle before, and there was none."
    if stated.fraction is not None and stated.anchors is not None:
        shares = f"the share {stated.fraction:g} and {stated.anchors:g} of anchors"
        due = stratum_sizes(reveal.pool, fraction=stated.fraction, anchors=stated.anchors)
    else:
        shares = "one share for all"
        due = _sizes_of_one_share(reveal, stated)
    if due == stated.strata:
        return None
    twice = _twice(stratum.name for stratum in stated.strata)
    if twice is not None:
        return f"The stratum {twice!r} is stated twice."
    there = {stratum.name: stratum for stratum in stated.strata}
    wanted = {stratum.name: stratum for stratum in due}
    name = next((name for name in sorted({*there, *wanted}) if there.get(name) != wanted.get(name)), None)
    if name is None:
        return "The strata are not stated in the order of their names."
    return (
        f"The sizes of stratum {name!r} do not follow from the pool and {shares}: {_of(there.get(name))} "
        f"stated, {_of(wanted.get(name))} due."
    )


def _of(stratum: Stratum | None) -> str:
    if stratum is None:
        return "no such stratum is"
    return f"{stratum.families} families, {stratum.fresh} fresh and {stratum.anchors} anchors to select are"


def _sizes_of_one_share(reveal: Reveal, stated: Commitment) -> tuple[Stratum, ...]:
    """Sizes that version 1, which states no share, may state: where some share gives those, these."""
    asked = [(one.fresh + one.anchors, one.families) for one in stated.strata if one.families > 0]
    lowest = max(((count - 0.5) / of for count, of in asked if count > 1), default=0.0)
    highest = min(((count + 0.5) / of for count, of in asked if count < of), default=1.0)
    due = stratum_sizes(reveal.pool, fraction=(lowest + highest) / 2, anchors=0.0)
    there = {one.name: one for one in stated.strata}
    kept = Counter(one.stratum for one in reveal.pool if one.kept)
    return tuple(_with_anchors(one, there.get(one.name), kept[one.name]) for one in due)


def _with_anchors(due: Stratum, stated: Stratum | None, kept: int) -> Stratum:
    """The sizes with the anchors that are stated, where so many can be."""
    if stated is None or not 0 <= stated.anchors <= kept:
        return due
    fresh = due.fresh + due.anchors - stated.anchors
    if not 0 <= fresh <= due.families - kept:
        return due
    return msgspec.structs.replace(due, fresh=fresh, anchors=stated.anchors)


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def check_probes(
    reveal: Reveal, rows: Sequence[Probe], published: Commitment | str | None = None
) -> tuple[Check, ...]:
    """Check that a suite holds the selection and nothing else, word for word as it was committed to.

    Of which stratum a family is, its own probes tell: that of each family in the suite is worked out
    again. Of a family that was not asked only digests are known, and its stratum is the operator's word.

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
    absent = _absent(stated, [one for one in reveal.pool if one.family in chosen], found)
    unseen = {
        one.family
        for one in reveal.pool
        if one.family in chosen and one.probes and absent.keys() >= one.probes.keys()
    }
    extra, missing = sorted(there - chosen), sorted(chosen - there - unseen)
    selection = _check(
        "selection",
        f"The suite holds the {len(chosen)} families that the key selects, and no other.",
        _selection_fault(extra, missing) if extra or missing else "",
        _not_given(
            {absent[name] for name in _probes_of(reveal, unseen)},
            f"{len(unseen)} families",
        ),
    )
    committed = {
        name: value for one in reveal.pool if one.family in chosen for name, value in one.probes.items()
    }
    edited = [p.id for p in found if p.id in committed and content_digest(p) != committed[p.id]]
    unknown = [probe.id for probe in found if probe.id not in committed and probe.family in chosen]
    lost = sorted(
        set(committed) - {probe.id for probe in found} - absent.keys() - _probes_of(reveal, missing)
    )
    faults = [
        *(f"{len(edited)} edited after the commitment, the first {edited[0]!r}" for _ in edited[:1]),
        *(f"{len(unknown)} added to their family, the first {unknown[0]!r}" for _ in unknown[:1]),
        *(f"{len(lost)} left out of their family, the first {lost[0]!r}" for _ in lost[:1]),
    ]
    return (
        selection,
        _strata_check(reveal, found),
        _check(
            "probes",
            f"All {len(found)} probes of the suite are word for word those that were committed to.",
            f"Probes were changed: {'; '.join(faults)}." if faults else "",
            _not_given(set(absent.values()), f"{len(absent)} probes"),
        ),
    )


def _check(name: str, good: str, fault: str, not_given: str) -> Check:
    """A check with what is wrong, and with what could not be looked at; both empty where it holds."""
    said = " ".join(part for part in (fault, not_given) if part)
    return Check(name=name, ok=not said, sentence=said or good, not_given=bool(not_given) and not fault)


def _not_given(languages: Iterable[str], what: str) -> str:
    """Say that files of whole languages are missing, and what was not checked; empty where none is."""
    names = sorted(languages)
    if not names:
        return ""
    files = "file" if len(names) == 1 else "files"
    were = "was" if len(names) == 1 else "were"
    return (
        f"The suite's {files} for {', '.join(names)} {were} not given, so {what} could not be checked; "
        f"name each file, or the folder that holds them all, with --suite."
    )


def _absent(stated: Commitment, chosen: Iterable[PoolFamily], found: Iterable[Probe]) -> dict[str, str]:
    """Probes in a language of which the suite has no row, with the language: their id and stratum tell it."""
    given = {probe.language for probe in found}
    languages: dict[str, str] = {}
    for one in chosen:
        missing = _languages(one.stratum) - given
        for name in one.probes:
            of = (lang for lang in missing for suite in stated.suites if name.startswith(f"{suite}-{lang}-"))
            language = next(of, None)
            if language is not None:
                languages[name] = language
    return languages


def _languages(stratum: str) -> set[str]:
    """The languages that the name of a stratum ends with; see `stratum_of`."""
    return set(stratum.rpartition(" / ")[2].split("+"))


def _strata_check(reveal: Reveal, found: Iterable[Probe]) -> Check:
    """Families that are not whole are left to the check of the probes."""
    leaves = {one.family: one for one in reveal.pool}
    false: list[str] = []
    whole = 0
    for family, members in by_family(found).items():
        leaf = leaves.get(family)
        if leaf is None or {probe.id for probe in members} != set(leaf.probes):
            continue
        whole += 1
        if stratum_of(members) != leaf.stratum:
            false.append(f"{family!r} is of {stratum_of(members)!r} and was entered as {leaf.stratum!r}")
    return Check(
        name="strata",
        ok=not false,
        sentence=f"Each of {whole} families that were asked is of the stratum that it was entered in."
        if not false
        else f"{len(false)} families were entered in another stratum than their own, the first: {false[0]}.",
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
        none = f"The run has no trial of the cycle {stated.name!r}."
        return time_check, Check(name="trials", ok=False, sentence=none)
    probes = {probe.id: probe for probe in rows}
    # Of a language without a row nobody can say whether the trial asked its probe.
    absent = {lang for one in stated.strata for lang in _languages(one.name)} - {p.language for p in rows}
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
        _check(
            "trials",
            good,
            f"The run did not ask the selection: {'; '.join(faults)}." if faults else "",
            _not_given({trial.language for trial in unseen}, f"{len(unseen)} trials"),
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
    elif not dated:
        return Check(
            name="time",
            ok=True,
            sentence="By its own clock the run asked before the key was out. When the commitment was made "
            "was not checked: its digits are of version 1, which seals no date; give the file.",
        )
    else:
        fault = ""
    return Check(
        name="time",
        ok=not fault,
        sentence=f"By its own clock {fault}."
        if fault
        else "By its own clock the run asked after the commitment and before the key was out.",
    )


def _cut(text: str) -> str:
    return text[:_SHORT]
