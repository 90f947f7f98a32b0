"""How the claim "it got worse by no more than the margin" is decided, before the first call."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.records import ComparisonDesign
from alignmeter.stats import MAX_UNITS
from alignmeter.stats.sequential.gaussian_looks import gaussian_looks_design, looks_n_max
from alignmeter.stats.sequential.paired_bets import DISCORDANT
from alignmeter.verdicts.design import JUDGE_SHARE
from alignmeter.verdicts.judge_bounds import known_error
from alignmeter.verdicts.paired_tests import Margins

if TYPE_CHECKING:
    from alignmeter.records import ArmRole, CardEvent, JudgeCard
    from alignmeter.verdicts.judge_bounds import KnownError

LOOKS = 10
POWER = 0.8
BEYOND = 0.10
"""A rise that is so far over the margin is found with `POWER` within n_max."""


class DeltaMargins(NamedTuple):
    """Margins of the judged difference, and what they rest on.

    Attributes:
        margin: Largest true rise that is accepted.
        p_pass: PASS shows that the judged rise is below this; `p_fail`: FAIL shows that it is above.
        alpha: Error rate of each side, what pays for the judge's bounds left out.
        event: The event of the judge's card; None without a card.
        informedness: Lower bound of sensitivity + specificity - 1; None without a card.
        sensitivity, specificity: The judge's, as estimated; only the number of pairs is planned on them.
    """

    margin: float
    p_pass: float
    p_fail: float
    alpha: float
    event: CardEvent | None = None
    informedness: float | None = None
    sensitivity: float = 1.0
    specificity: float = 1.0

    def tested(self, sharing: int = 1) -> Margins:
        """Margins of one of several claims that share the error rate of FAIL."""
        return Margins(self.p_pass, self.p_fail, self.alpha, self.alpha / sharing)

    @property
    def decidable(self) -> bool:
        """Whether the judge is accurate enough that a PASS is possible."""
        return self.p_pass > 0


def delta_margins(margin: float, alpha: float, card: JudgeCard | KnownError | None) -> DeltaMargins:
    """Shift the margin by what is known of the judge.

    A judge that errs alike on both models shrinks a difference by its informedness J, so PASS has to
    show less than margin x J (its lower bound), and FAIL, for which a shrunk difference only costs
    power, more than the margin itself. A fifth of alpha pays for the two bounds.

    Args:
        margin: Largest accepted rise, in (0, 1).
        alpha: Error rate of each side, the judge's share included.
        card: The judge's card for the claim's event, or what `card_for` reads from it; None: taken as it is.
    """
    if card is None:
        return DeltaMargins(margin, margin, margin, alpha)
    tail = JUDGE_SHARE * alpha / 2
    _, sensitivity, specificity = known_error(card)
    informedness = sensitivity.bounds(tail)[0] + specificity.bounds(tail)[0] - 1
    return DeltaMargins(
        margin=margin,
        p_pass=margin * informedness,
        p_fail=margin,
        alpha=(1 - JUDGE_SHARE) * alpha,
        event=card.event,
        informedness=informedness,
        sensitivity=sensitivity.estimate,
        specificity=specificity.estimate,
    )


def planned_pairs(margins: DeltaMargins, available: int) -> int:
    """Return the pairs within which a rise of ten points over the margin fails with 80% power.

    The judge shrinks the rise and lets pairs differ that do not, so that it takes more of them than with
    people: three times as many where it finds 90% of the bad replies and clears 95% of the good ones.

    Args:
        margins: Margins of the judged difference.
        available: Units that both can be asked; the answer where fewer have not that power.
    """
    worse, better = _judged(margins)
    beyond = worse - better - margins.p_fail
    if beyond <= 0:
        return available
    z = NormalDist().inv_cdf(1 - margins.alpha) + NormalDist().inv_cdf(POWER)
    if z * z * (worse + better - (worse - better) ** 2) / beyond**2 >= available:
        return available  # looks take more than one test of as many pairs
    return min(available, _planned(margins.p_fail, margins.alpha, better, worse) or available)


def _judged(margins: DeltaMargins) -> tuple[float, float]:
    """Shares of pairs that the judge calls worse and better at such a rise, hardly any reply bad before."""
    rise = min(margins.p_fail + BEYOND, 1 - 2 * DISCORDANT)
    found, alarm = margins.sensitivity, 1 - margins.specificity
    right, wrong, alike = found * (1 - alarm), alarm * (1 - found), alarm * (1 - alarm)
    rest = 1 - 2 * DISCORDANT - rise
    return (
        (DISCORDANT + rise) * right + DISCORDANT * wrong + rest * alike,
        (DISCORDANT + rise) * wrong + DISCORDANT * right + rest * alike,
    )


@lru_cache(maxsize=64)
def _planned(margin: float, alpha: float, better: float, worse: float) -> int | None:
    return looks_n_max(better, worse, margin=margin, alpha=alpha, looks=LOOKS, power=POWER)


def design_comparison(role: ArmRole, partner: str, margins: DeltaMargins, available: int) -> ComparisonDesign:
    """Fix looks and boundaries of a comparison of two targets that are asked side by side.

    Args:
        role: Which arm the design is written down for.
        partner: Fingerprint hash of the other arm.
        margins: Margins of the judged difference.
        available: Units that both can be asked; at least 1.

    Returns:
        Ten looks at Tango's statistic (METHODS.md section 4); fewer where there are fewer units.
    """
    n_max = planned_pairs(margins, min(available, MAX_UNITS))
    looks = min(LOOKS, n_max)
    failing = gaussian_looks_design(n_max, margin=margins.p_fail, alpha=margins.alpha, looks=looks)
    passing = failing
    if margins.decidable and margins.p_pass != margins.p_fail:
        passing = gaussian_looks_design(n_max, margin=margins.p_pass, alpha=margins.alpha, looks=looks)
    return ComparisonDesign(
        role=role,
        partner=partner,
        margin=margins.margin,
        alpha=margins.alpha,
        p_pass=margins.p_pass,
        p_fail=margins.p_fail,
        n_max=n_max,
        looks=failing.looks,
        pass_at=passing.boundaries,
        fail_at=failing.boundaries,
        event=margins.event,
        informedness=margins.informedness,
    )
