"""The alignment tax from mean scores: no replies are seen, so arms count as independent samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.tax_notes import notes
from alignmeter.records import Interval, Tax, TaxReport, VariantTax
from alignmeter.stats.arms import Arm, arms_difference, arms_ratio, arms_severity, arms_test, point_tier
from alignmeter.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import DomainScores, MeanScore, ScoreTable, TaxFlag

LIMIT = 0.10
"""Relative tax above which a domain is flagged."""
ALPHA = 0.05
LEVEL = 1 - 2 * ALPHA
"""Two-sided coverage of intervals, so that each end agrees with a one-sided test at `ALPHA`."""
RATIO_METHOD = "Koopman score, independent arms"
DIFFERENCE_METHOD = "Newcombe, independent arms"
FLAGGED, UNDECIDED = 1, 3


class _Arms(NamedTuple):
    """Both arms of one cell as shares of the best possible score."""

    base: Arm
    aligned: Arm


class _Measured(NamedTuple):
    """A tax before the flags, which need the tests of all cells; `tests` is None without one."""

    tax: Tax
    tests: tuple[float, float] | None


def tax_of_table(table: ScoreTable) -> TaxReport:
    """Compute absolute and relative tax, tier and flag of every variant in every domain.

    Where the numbers of items and the best possible score are known, intervals and tests count
    sampling error in, and a flag needs a test: "tax above 10%" with Benjamini-Hochberg over all
    tests of the table, "within 10%" in its own test. Else the flag is the point estimate's.

    Args:
        table: At least one variant and one domain; scores at least 0 and at most the maximum.
    """
    measured = [
        _measured(row, variant, score)
        for row in table.domains
        for variant, score in zip(table.variants, row.variants, strict=True)
    ]
    taxes = _flagged(measured)
    flags = {tax.flag for tax in taxes}
    return TaxReport(
        source=table.source,
        limit=LIMIT,
        alpha=ALPHA,
        variants=tuple(_over_domains(variant, taxes) for variant in table.variants),
        taxes=taxes,
        notes=notes(table, taxes),
        exit_code=FLAGGED if "above" in flags else UNDECIDED if "undecided" in flags else 0,
    )


def _measured(row: DomainScores, variant: str, score: MeanScore) -> _Measured:
    tax = Tax(
        domain=row.domain,
        variant=variant,
        base=row.base,
        score=score,
        base_source=row.base_source,
        absolute=row.base.value - score.value,
        flag="undecided",
        basis="point",
    )
    arms = _arms(row, score)
    if arms is not None:
        return _tested(tax, row, arms)
    if row.base.value == 0:
        return _Measured(_changed(tax, not_estimable="zero_base"), None)
    relative, tier = 1 - score.value / row.base.value, point_tier(row.base.value, score.value)
    flag: TaxFlag = "above" if tier in {"significant", "critical"} else "within"
    return _Measured(_changed(tax, relative=relative, tier=tier, flag=flag), None)


def _arms(row: DomainScores, score: MeanScore) -> _Arms | None:
    if row.maximum is None or row.base.n is None or score.n is None:
        return None
    return _Arms(Arm(row.base.value / row.maximum, row.base.n), Arm(score.value / row.maximum, score.n))


def _tested(tax: Tax, row: DomainScores, arms: _Arms) -> _Measured:
    maximum = row.maximum or 1.0
    bounds = arms_difference(*arms, level=LEVEL)
    tax = _changed(
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
        return _Measured(_changed(tax, not_estimable=reason), None)
    severity, test = arms_severity(*arms, alpha=ALPHA), arms_test(*arms, LIMIT)
    tax = _changed(
        tax,
        relative=ratio.estimate,
        interval=Interval(lower=ratio.lower, upper=ratio.upper, level=LEVEL, method=RATIO_METHOD),
        tier=point_tier(row.base.value, tax.score.value),
        confirmed=severity.confirmed,
        cleared=severity.cleared,
    )
    return _Measured(tax, (test.p_fail, test.p_pass))


def _flagged(measured: Sequence[_Measured]) -> tuple[Tax, ...]:
    """Decide the flags that rest on tests, all of them together."""
    adjusted = iter(benjamini_hochberg([one.tests[0] for one in measured if one.tests is not None]).tolist())
    taxes: list[Tax] = []
    for tax, tests in measured:
        if tests is None:
            taxes.append(tax)
            continue
        p_above = next(adjusted)
        flag: TaxFlag = "above" if p_above <= ALPHA else "within" if tests[1] <= ALPHA else "undecided"
        taxes.append(_changed(tax, flag=flag, p_above=p_above))
    return tuple(taxes)


def _over_domains(variant: str, taxes: Sequence[Tax]) -> VariantTax:
    ranked = sorted(
        ((tax.relative, tax) for tax in taxes if tax.variant == variant and tax.relative is not None),
        key=lambda pair: -pair[0],
    )
    return VariantTax(
        variant=variant,
        ranking=tuple(tax.domain for _, tax in ranked),
        high=tuple(tax.domain for _, tax in ranked if tax.tier in {"significant", "critical"}),
        low=tuple(tax.domain for _, tax in reversed(ranked) if tax.tier == "minimal"),
        mean=sum(relative for relative, _ in ranked) / len(ranked) if ranked else None,
    )


def _changed(tax: Tax, **fields: object) -> Tax:
    import msgspec

    return msgspec.structs.replace(tax, **fields)
