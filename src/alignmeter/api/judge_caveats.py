"""What a verdict says of its judge: how good it is, on which labels, and whether the interval carries it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from alignmeter.judges import cards_for
from alignmeter.verdicts import counts_full_refusals, mix_caveat, stratum_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, JudgeCard, RunManifest

_LABELLERS = {"people": "people", "machine": "a machine, unseen by people"}


def judge_caveats(claim: Claim, manifest: RunManifest, languages: Mapping[str, str]) -> tuple[str, ...]:
    """Say how good the judge of a claim is, on what, and whether the interval carries it.

    Args:
        claim: The claim.
        manifest: Names the run's judges, whose cards are looked up.
        languages: Of the claim's trials, by id.
    """
    design = claim.design
    if claim.kind == "coverage":
        return ()
    if design is None:
        return ("The judge's own error is not in the interval.",)
    if design.event is None or design.sensitivity is None or design.specificity is None:
        return ("The judge of this claim has no card: its error is unknown.",)
    known = [card for judge_hash in manifest.judges.values() for card in cards_for(judge_hash)]
    card = next((card for card in known if card.event == design.event), None)
    found, cleared = design.sensitivity[0], design.specificity[0]
    if counts_full_refusals(claim):  # the card's positive is the good reply
        found, cleared = cleared, found
    where, presumed = "labels", None
    if card is not None:
        spoken = Counter(languages[unit[0]] for unit in claim.units)
        presumed = None if claim.kind == "language_gap" else mix_caveat(card, spoken)
        where = _measured_on(card, spoken)
    return (
        f"The judge is not perfect: on {where} it found {found:.0%} of the bad ones and cleared "
        f"{cleared:.0%} of the good ones. The bounds of this error are in the interval; that it errs no "
        f"more often here than there is assumed.",
        *([presumed] if presumed else []),
    )


def _measured_on(card: JudgeCard, spoken: Mapping[str, int]) -> str:
    """Say on which labels a judge's figures rest in the languages of a claim, the most spoken first."""
    by_source: defaultdict[str, list[str]] = defaultdict(list)
    for language in sorted(spoken, key=lambda each: (-spoken[each], each)):
        stratum = stratum_of(card, language)
        if stratum is None:
            source, count = (card.data, card.labels_by), f"{card.n} replies"
        else:
            source = (stratum.data or card.data, stratum.labels_by or card.labels_by)
            count = f"{stratum.n} replies in {language}"
        counts = by_source[f"of {source[0]} labelled by {_LABELLERS[source[1]]}"]
        if count not in counts:
            counts.append(count)
    return "; ".join(f"{', '.join(counts)} {source}" for source, counts in by_source.items())
