"""The alignment tax from mean scores: no replies are seen, so arms count as independent samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.tax_flags import (
    ALPHA,
    LEVEL,
    Limits,
    LimitTests,
    Measured,
    changed,
    flagged,
    over_domains,
)
from alignmeter.analysis.tax_notes import notes
from alignmeter.records import Interval, Tax, TaxReport
from alignmeter.stats.arms import Arm, arms_difference, arms_ratio, arms_severity, arms_test, point_tier
from alignmeter.stats.ratio import DEFAULT_HEADROOM

if TYPE_CHECKING:
    from alignmeter.records import (
        DomainScores,
        MeanScore,
        ScoreTable,
        TaxCorrection,
        TaxFlag,
        TaxNotEstimable,
    )

RATIO_METHOD = "Koopman score, independent arms"
DIFFERENCE_METHOD = "Newcombe, independent arms"
FLAGGED, UNDECIDED, UNMEASURED = 1, 3, 4
NO_SCORE = "the table has no score of it"
_CODES: dict[TaxFlag, int] = {"above": FLAGGED, "unmeasured": UNMEASURED, "undecided": UNDECIDED}
"""Exit code of a report by the first of these flags that it has."""
_ROUNDING = 1e-12


class _Arms(NamedTuple):
    """Both arms of one cell as shares of the best possible score."""

    base: Arm
    aligned: Arm


def tax_of_table(
    table: ScoreTable,
    *,
    limits: Limits | None = None,
    correction: TaxCorrection = "benjamini_hochberg",
) -> TaxReport:
    """Compute absolute and relative tax, tier and flag of every variant in every domain.

    Where the numbers of items and the best possible score are known, intervals and tests count
    sampling error in, and a flag needs a test: "tax above the limit" corrected over all tests of the
    table, "within the limit" in its own test. Else the flag is the point estimate's.

    Args:
        table: At least one variant and one domain; scores at least 0 and at most the maximum.
        limits: Relative taxes above which domains are flagged; None: 10% everywhere.
        correction: Over domains and variants together, for the flags that rest on a test.
    """
    limits = limits or Limits()
    measured = [
        _measured(row, variant, score, limits)
        for row in table.domains
        for variant, score in zip(table.variants, row.variants, strict=True)
    ]
    taxes = flagged(measured, correction=correction)
    flags = {tax.flag for tax in taxes}
    return TaxReport(
        source=table.source,
        limit=limits.limit,
        alpha=ALPHA,
        variants=tuple(over_domains(variant, taxes, limits.limit) for variant in table.variants),
        taxes=taxes,
        notes=notes(table, taxes, correction),
        exit_code=next((code for flag, code in _CODES.items() if flag in flags), 0),
        correction=correction,
    )


def _measured(row: DomainScores, variant: str, score: MeanScore | None, limits: Limits) -> Measured:
    if score is None:
        tax = Tax(
            domain=row.domain,
            variant=variant,
            base=row.base,
            base_source=row.base_source,
            flag="unmeasured",
            basis="point",
            limit=limits.own(row.domain),
            invalid=NO_SCORE,
        )
        return Measured(tax, None)
    tax = Tax(
        domain=row.domain,
        variant=variant,
        base=row.base,
        score=score,
        base_source=row.base_source,
        absolute=row.base.value - score.value,
        flag="undecided",
        basis="point",
        limit=limits.own(row.domain),
    )
    limit = limits.of(row.domain)
    arms = _arms(row, score)
    if arms is not None:
        return _tested(tax, row, arms, limit)
    reason = _not_estimable(row)
    if reason is not None:
        return Measured(changed(tax, not_estimable=reason), None)
    above = (1 - limit) * row.base.value - score.value > _ROUNDING * row.base.value
    tax = changed(
        tax,
        relative=1 - score.value / row.base.value,
        tier=point_tier(row.base.value, score.value),
        flag="above" if above else "within",
    )
    return Measured(tax, None)


def _not_estimable(row: DomainScores) -> TaxNotEstimable | None:
    """Why a share of a bare base score means nothing; what counts as near guessing needs the maximum."""
    if row.base.value == 0:
        return "zero_base"
    headroom = 0.0 if row.maximum is None else DEFAULT_HEADROOM * row.maximum
    above = row.base.value - row.chance
    return "no_headroom" if above <= 0 or above < headroom * (1 - _ROUNDING) else None


def _arms(row: DomainScores, score: MeanScore) -> _Arms | None:
    if row.maximum is None or row.base.n is None or score.n is None:
        return None
    return _Arms(Arm(row.base.value / row.maximum, row.base.n), Arm(score.value / row.maximum, score.n))


def _tested(tax: Tax, row: DomainScores, arms: _Arms, limit: float) -> Measured:
    maximum = row.maximum or 1.0
    bounds = arms_difference(*arms, level=LEVEL)
    tax = changed(
        tax,
        basis="test",
        absolute_interval=Interval(
            lower=bounds.lower * maximum,
            upper=bounds.upper * maximum,
            level=LEVEL,
            method=DIFFERENCE_METHOD,
        ),
    )
    ratio = arms_ratio(*arms, level=LEVEL, chance=row.chance / maximum)
    if ratio.kind == "not_estimable":
        reason = "zero_base" if row.base.value == 0 else ratio.reason
        return Measured(changed(tax, not_estimable=reason), None)
    severity, test = arms_severity(*arms, alpha=ALPHA), arms_test(*arms, limit)
    tax = changed(
        tax,
        relative=ratio.estimate,
        interval=Interval(lower=ratio.lower, upper=ratio.upper, level=LEVEL, method=RATIO_METHOD),
        tier=point_tier(arms.base.mean, arms.aligned.mean),
        confirmed=severity.confirmed,
        cleared=severity.cleared,
    )
    return Measured(tax, LimitTests(test.p_fail, test.p_pass))
