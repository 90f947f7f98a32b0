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
    from collections.abc import Iterable, Sequence

    from alignmeter.records import Probe

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


def check(name: str, good: str, fault: str, not_looked_at: str = "") -> Check:
    """Make a check of what is wrong, and of what could not be looked at; it holds where both are empty.

    Args:
        name: Of the check.
        good: Says what holds.
        fault: Says what is wrong.
        not_looked_at: Says for want of which files something could not be checked (`not_given`).
    """
    said = joined(" ", fault, not_looked_at)
    return Check(name=name, ok=not said, sentence=said or good, not_given=bool(not_looked_at) and not fault)


def counted(names: Sequence[str], what: str) -> str:
    """Say how many things are wrong in one way, and name the first; empty where there are none."""
    return f"{len(names)} {what} {names[0]!r}" if names else ""


def joined(between: str, *parts: str) -> str:
    """Put together the parts that say anything."""
    return between.join(part for part in parts if part)


def not_given(languages: Iterable[str], what: str) -> str:
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


def check_commitment(reveal: Reveal, published: Commitment | str | None = None) -> tuple[Check, ...]:
    """Check the key, the pool, the strata sizes and the commitment.

    Args:
        reveal: What the operator published after the cycle.
        published: What was published before it, or its commitment as 64 hex digits; None trusts the copy
            in `reveal`.
    """
    stated = published if isinstance(published, Commitment) else reveal.commitment
    key, root = _key(reveal), merkle_root(reveal.pool)
    key_fault, pool_fault = _key_fault(stated, key), _pool_fault(reveal, stated, root)
    sealed = seal(key, msgspec.structs.replace(stated, pool_root=root))
    before = published if isinstance(published, str) else stated.commitment
    seal_fault = (
        f"{_sealed(stated)} together give {_cut(sealed)}, but the commitment is {_cut(before)}: what was "
        f"revealed is not what was committed to."
        if sealed != before
        else ""
    )
    only_sizes_left = bool(seal_fault) and not key_fault and not pool_fault
    return (
        check("key", f"The key is the one whose digest {_cut(key_digest(key))} was published.", key_fault),
        check(
            "pool",
            f"The Merkle root over {len(reveal.pool)} families is the one that was published.",
            pool_fault,
        ),
        check("sizes", _sizes(stated), _sizes_fault(reveal, stated, only_sizes_left=only_sizes_left)),
        check("commitment", f"{_sealed(stated)} together give the commitment {_cut(before)}.", seal_fault),
    )


def _key(reveal: Reveal) -> bytes:
    try:
        return bytes.fromhex(reveal.key)
    except ValueError:
        raise InputError(
            f"expected the key as 64 hex digits in the reveal, got {reveal.key[:_SHORT]!r} ...; ask for the "
            f"file again"
        ) from None


def _key_fault(stated: Commitment, key: bytes) -> str:
    came = key_digest(key)
    if came == stated.key_digest:
        return ""
    return f"The key was swapped: its digest is {_cut(came)}, published was {_cut(stated.key_digest)}."


def _pool_fault(reveal: Reveal, stated: Commitment, root: str) -> str:
    twice = _twice(one.family for one in reveal.pool)
    if twice is not None:
        return f"The pool names the family {twice!r} twice."
    if root == stated.pool_root:
        return ""
    return (
        f"The pool was swapped: its {len(reveal.pool)} families have the Merkle root {_cut(root)}, published "
        f"was {_cut(stated.pool_root)}; a family was added, left out or changed."
    )


def _sealed(stated: Commitment) -> str:
    if stated.version == 1:
        return "Key, root and sizes (version 1 seals no date and no share)"
    return "Key, root, sizes, shares, name and date"


def _sizes(stated: Commitment) -> str:
    """Say what the sizes select, where they follow from the pool."""
    anchors = sum(stratum.anchors for stratum in stated.strata)
    total = anchors + sum(stratum.fresh for stratum in stated.strata)
    families = sum(stratum.families for stratum in stated.strata)
    strata = "one stratum" if len(stated.strata) == 1 else f"{len(stated.strata)} strata"
    share = "one share" if stated.fraction is None else f"the share {stated.fraction:g}"
    kept = f", {anchors} of them anchors by the operator's word" if anchors else ""
    return (
        f"The sizes of {strata} follow from the pool and {share} for all; they select {total} of {families} "
        f"families{kept}."
    )


def _sizes_fault(reveal: Reveal, stated: Commitment, *, only_sizes_left: bool) -> str:
    """Say why the sizes do not follow from the pool; in version 1 also why they are not those sealed.

    Args:
        reveal: Holds the pool.
        stated: Holds the sizes.
        only_sizes_left: What is stated does not give the commitment, though key and pool are right.
    """
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
        if only_sizes_left and stated.version == 1:
            return (
                "The sizes of the strata were changed: key and pool are those of the commitment, but with "
                "these sizes they do not give it."
            )
        return ""
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
    selection = check(
        "selection",
        f"The suite holds the {len(chosen)} families that the key selects, and no other.",
        _selection_fault(extra, missing),
        not_given(
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
    faults = joined(
        "; ",
        counted(edited, "edited after the commitment, the first"),
        counted(unknown, "added to their family, the first"),
        counted(lost, "left out of their family, the first"),
    )
    return (
        selection,
        _strata_check(reveal, found),
        check(
            "probes",
            f"All {len(found)} probes of the suite are word for word those that were committed to.",
            f"Probes were changed: {faults}." if faults else "",
            not_given(set(absent.values()), f"{len(absent)} probes"),
        ),
    )


def _absent(stated: Commitment, chosen: Iterable[PoolFamily], found: Iterable[Probe]) -> dict[str, str]:
    """Probes in a language of which the suite has no row, with the language: their id and stratum tell it."""
    given = {probe.language for probe in found}
    languages: dict[str, str] = {}
    for one in chosen:
        missing = languages_of(one.stratum) - given
        for name in one.probes:
            of = (lang for lang in missing for suite in stated.suites if name.startswith(f"{suite}-{lang}-"))
            language = next(of, None)
            if language is not None:
                languages[name] = language
    return languages


def languages_of(stratum: str) -> set[str]:
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
    return check(
        "strata",
        f"Each of {whole} families that were asked is of the stratum that it was entered in.",
        f"{len(false)} families were entered in another stratum than their own, the first: {false[0]}."
        if false
        else "",
    )


def _probes_of(reveal: Reveal, families: Iterable[str]) -> set[str]:
    wanted = set(families)
    return {name for one in reveal.pool if one.family in wanted for name in one.probes}


def _selection_fault(extra: Sequence[str], missing: Sequence[str]) -> str:
    not_there = counted(missing, "that it does, the first")
    said = joined(
        ", and ",
        counted(extra, "families that the key does not select, the first"),
        f"not {not_there}" if not_there else "",
    )
    return f"The selection was swapped: the suite holds {said}." if said else ""


def _cut(text: str) -> str:
    return text[:_SHORT]
