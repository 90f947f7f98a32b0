"""What a verdict says of its judge: how good it is, on which labels, and whether the interval carries it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from alignmeter.judges import cards_for
from alignmeter.verdicts import counts_full_refusals, mix_caveat, stratum_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, RunManifest

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
        labelled, spoken = f"{card.n} replies", Counter(languages[unit[0]] for unit in claim.units)
        if claim.kind != "language_gap":
            presumed = mix_caveat(card, spoken)
        elif (stratum := stratum_of(card, next(iter(spoken)))) is not None:
            labelled = f"{stratum.n} replies in {stratum.value}"
        where = f"{labelled} of {card.data} labelled by {_LABELLERS[card.labels_by]}"
    return (
        f"The judge is not perfect: on {where} it found {found:.0%} of the bad ones and cleared "
        f"{cleared:.0%} of the good ones. The bounds of this error are in the interval; that it errs no "
        f"more often here than there is assumed.",
        *([presumed] if presumed else []),
    )
