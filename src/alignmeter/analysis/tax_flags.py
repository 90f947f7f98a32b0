"""What every tax has in common, wherever its numbers come from: limits, flags, and each variant over all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.records import Tax, VariantTax
from alignmeter.stats.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.records import TaxCorrection, TaxFlag

LIMIT = 0.10
"""Relative tax above which a domain is flagged."""
ALPHA = 0.05
LEVEL = 1 - 2 * ALPHA
"""Two-sided coverage of intervals, so that each end agrees with a one-sided test at `ALPHA`."""


class Limits(NamedTuple):
    """Relative tax above which a domain is flagged, where not every domain has the same."""

    limit: float = LIMIT
    by_domain: Mapping[str, float] = {}

    def of(self, domain: str) -> float:
        """Return the limit of one domain."""
        return self.by_domain.get(domain, self.limit)

    def own(self, domain: str) -> float | None:
        """Return the limit of a domain that has another than all; else None."""
        limit = self.of(domain)
        return limit if limit != self.limit else None


class LimitTests(NamedTuple):
    """P-values of "tax above the limit" and of "tax within it"."""

    above: float
    within: float


class Measured(NamedTuple):
    """A tax before the flags, which need the tests of all cells; `tests` is None without one."""

    tax: Tax
    tests: LimitTests | None


def flagged(
    measured: Sequence[Measured], *, correction: TaxCorrection = "benjamini_hochberg"
) -> tuple[Tax, ...]:
    """Decide the flags that rest on tests, all of them together.

    "Above" needs its test adjusted over all cells; "within" its own test, for that every cell is within
    needs no correction.
    """
    adjust = holm if correction == "holm" else benjamini_hochberg
    adjusted = iter(adjust([one.tests.above for one in measured if one.tests is not None]).tolist())
    taxes: list[Tax] = []
    for tax, tests in measured:
        if tests is None:
            taxes.append(tax)
            continue
        p_above = next(adjusted)
        flag: TaxFlag = "above" if p_above <= ALPHA else "within" if tests.within <= ALPHA else "undecided"
        taxes.append(changed(tax, flag=flag, p_above=p_above))
    return tuple(taxes)


def over_domains(variant: str, taxes: Sequence[Tax], limit: float = LIMIT) -> VariantTax:
    """Rank the domains of one variant by their relative tax."""
    ranked = sorted(
        ((tax.relative, tax) for tax in taxes if tax.variant == variant and tax.relative is not None),
        key=lambda pair: -pair[0],
    )
    return VariantTax(
        variant=variant,
        ranking=tuple(tax.domain for _, tax in ranked),
        high=tuple(
            tax.domain
            for relative, tax in ranked
            if relative > (limit if tax.limit is None else tax.limit) + 1e-12  # not by rounding
        ),
        low=tuple(tax.domain for _, tax in reversed(ranked) if tax.tier == "minimal"),
        mean=sum(relative for relative, _ in ranked) / len(ranked) if ranked else None,
    )


def changed(tax: Tax, **fields: object) -> Tax:
    """Return the tax with other values in some fields."""
    return msgspec.structs.replace(tax, **fields)
