"""What the judge's error makes of a language gap: from a true gap to a judged one, and back."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.stats import Bounds, unshrink

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignmeter.records import Claim, ClaimDesign

_HALVINGS = 48
"""Halvings of [-1, 1] in the search for a true gap; what is left is far below a thousandth of a point."""


class Known(NamedTuple):
    """Bounds of sensitivity and specificity in one language."""

    se: tuple[float, float]
    sp: tuple[float, float]

    @property
    def informed(self) -> bool:
        """Whether more true positives mean more judged ones on each side of a test."""
        return min(self.se[0] + self.sp[1], self.se[1] + self.sp[0]) > 1


class GapErrors(NamedTuple):
    """The judge's error in the language of a gap and in English.

    Attributes:
        informedness: Lower bound of Se + Sp - 1 in both, where the judge errs alike.
        apart: What is known in the language and in English where it errs differently, for the event that
            is bad; None where it errs alike.
    """

    informedness: float = 1.0
    apart: tuple[Known, Known] | None = None

    @classmethod
    def different(cls, there: Known, here: Known, *, harmful: bool) -> GapErrors:
        """A judge that errs differently; on legitimate requests a full refusal, the complement, is bad."""
        both = there, here
        if not harmful:
            both = Known(there.sp, there.se), Known(here.sp, here.se)
        return cls(apart=both)

    def judged(self, gap: float) -> Bounds[float]:
        """The smallest and the largest judged gap at a true one."""
        if self.apart is None:
            shrunk = gap * self.informedness
            return Bounds(min(gap, shrunk), max(gap, shrunk))
        there, here = self.apart
        found: list[float] = []
        # At the least and the largest share of bad replies in English that leaves room for the gap.
        for base in (max(0.0, -gap), min(1.0, 1 - gap)):
            for se, sp, se_en, sp_en in product(there.se, there.sp, here.se, here.sp):
                judged = (base + gap) * se + (1 - base - gap) * (1 - sp)
                found.append(judged - (base * se_en + (1 - base) * (1 - sp_en)))
        return Bounds(min(found), max(found))

    def true(self, judged: Bounds[float]) -> Bounds[float]:
        """The true gaps that an interval of the judged one leaves: the dual of tests at `judged(limit)`."""
        if self.apart is None:
            return unshrink(judged, self.informedness)
        return Bounds(
            _first(lambda gap: self.judged(gap).upper >= judged.lower),
            _first(lambda gap: self.judged(gap).lower > judged.upper),
        )


def known_in(design: ClaimDesign) -> tuple[Known | None, Known | None]:
    """What a gap's design holds of the judge in the language, and in English where it errs differently."""
    there, here = (
        None if se is None or sp is None else Known(se[1:], sp[1:])
        for se, sp in (
            (design.sensitivity, design.specificity),
            (design.baseline_sensitivity, design.baseline_specificity),
        )
    )
    return there, here


def is_assumed_alike(design: ClaimDesign) -> bool:
    """Whether a gap's error rates hold only if the judge errs alike in both languages."""
    there, here = known_in(design)
    return there is not None and here is None


def counts_full_refusals(claim: Claim) -> bool:
    """Whether a full refusal is what goes wrong: in gaps on legitimate requests.

    The positive of the judge's card, anything but a full refusal, is the good reply there.
    """
    return claim.kind == "language_gap" and not (claim.part or "").endswith("harmful")


def errors_of(claim: Claim, design: ClaimDesign) -> GapErrors:
    """The judge's error as the margins of a decidable gap claim hold it; none without a card."""
    there, here = known_in(design)
    if there is None:
        return GapErrors()
    if here is None:
        return GapErrors(design.p_pass / claim.threshold)
    return GapErrors.different(there, here, harmful=not counts_full_refusals(claim))


def _first(holds: Callable[[float], bool]) -> float:
    """The least gap of which something holds, of what holds of every larger one; 1 where of none."""
    low, high = -1.0, 1.0
    if holds(low):
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
