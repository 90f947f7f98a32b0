"""What the numbers of a tax report rest on and do not say, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import BaseSource, ScoreTable, Tax, TaxCorrection, VariantOutcome

_SOURCES: dict[BaseSource, str] = {
    "published": "Published base scores, not measured here: {domains}. Prompts, scoring and version may "
    "differ from those of the variants, and that difference is in the tax.",
    "proxy": "Proxy base scores, of another model that stands in for the base model: {domains}. The "
    "difference between the two models is in the tax.",
    "unstated": "The table does not say where these base scores come from (column base_source): {domains}.",
}
_NO_INTERVAL = (
    "No interval and no test, for want of a number of items or of the best possible score: {domains}. Their "
    "tiers and flags are those of the bare numbers, which chance may have moved."
)
_UNMEASURED = "Not measured, because the table has no score: {domains}."
_NOT_ESTIMABLE = (
    "Ratio not estimable: {domains}. The base score is 0, or is not shown to lie 10 points of 100 above "
    "guessing; read the absolute tax."
)
_NO_ITEMS = (
    "No capability item was asked of both models, so that no tax could be measured: run both with "
    "`suites: [triad, tax_domains, capability]` in the threat model, and with --fixed."
)
_CORRECTIONS: dict[TaxCorrection, str] = {
    "benjamini_hochberg": "Benjamini-Hochberg at 5%",
    "holm": "Holm at 5%",
}
_ASSUMED = "Read as scores out of 100, because one is above 10 and there is no column max: {domains}."
_TESTED = (
    "Intervals are at 90%: each end is a one-sided 95% bound. Under the tier of the bare number stand the "
    "tiers that are confirmed (>=) and cleared (<=), not corrected for the number of cells; flags that rest "
    "on a test are ({correction}).",
    "The arms are taken as independent samples of independent items: too wide where both answered the same "
    "items, too narrow where items come in families. Only sampling error is in them.",
)
_MEAN = "The mean over domains describes this choice of domains; nothing is decided on it."


def notes(table: ScoreTable, taxes: Sequence[Tax], correction: TaxCorrection) -> tuple[str, ...]:
    """Return the sentences that apply, one subject each."""
    found = [
        text.format(domains=_listed(row.domain for row in table.domains if row.base_source == source))
        for source, text in _SOURCES.items()
        if any(row.base_source == source for row in table.domains)
    ]
    for text, domains in (
        (
            _NO_INTERVAL,
            [tax.domain for tax in taxes if tax.absolute_interval is None and tax.flag != "unmeasured"],
        ),
        (_UNMEASURED, [f"{tax.domain} ({tax.variant})" for tax in taxes if tax.flag == "unmeasured"]),
        (_NOT_ESTIMABLE, [tax.domain for tax in taxes if tax.not_estimable is not None]),
        (_ASSUMED, [row.domain for row in table.domains if row.assumed_maximum]),
    ):
        if domains:
            found.append(text.format(domains=_listed(domains)))
    if any(tax.absolute_interval is not None for tax in taxes):
        found.extend(text.format(correction=_CORRECTIONS[correction]) for text in _TESTED)
    return (*found, _MEAN)


_PAIRED = (
    "Intervals are at 90%: each end is a one-sided 95% bound, from pairs, with families as the independent "
    "units. Under the tier of the bare number stand the tiers that are confirmed (>=) and cleared (<=), not "
    "corrected for the number of cells, as flags are ({correction}). Items without a score count at their "
    "worst."
)
_OUTCOMES = (
    "An outcome rests on the tax of the mean score over domains; those by domain are adjusted for the number "
    "of domains (Holm). Each bound errs at most {alpha}; the error of the judges is not in it and is taken "
    "to be alike for both models. Static attacks only: attacked harm is a lower bound."
)
_ONE_CHECKPOINT = (
    "One checkpoint a method ({methods}) supports claims about these checkpoints, not about methods."
)


def comparison_notes(
    taxes: Sequence[Tax], outcomes: Sequence[VariantOutcome], correction: TaxCorrection
) -> tuple[str, ...]:
    """Return the sentences that apply to a comparison of variants with their base model."""
    found: list[str] = []
    estimable = [tax for tax in taxes if tax.not_estimable is not None]
    if not taxes:
        found.append(_NO_ITEMS)
    else:
        found.append(_PAIRED.format(correction=_CORRECTIONS[correction]))
    if estimable:
        found.append(_NOT_ESTIMABLE.format(domains=_listed(tax.domain for tax in estimable)))
    found.extend(
        f"{tax.domain}, {tax.variant}: nothing is concluded, because {tax.invalid}."
        for tax in taxes
        if tax.flag == "invalid" and not any(one.invalid and one.variant == tax.variant for one in outcomes)
    )
    if any(one.safety is not None for one in outcomes):
        found.append(_OUTCOMES.format(alpha=f"{100 * outcomes[0].outcome.alpha:.3g}%"))
    methods = [one.labels.method for one in outcomes if one.labels.method is not None]
    single = [method for method in dict.fromkeys(methods) if methods.count(method) == 1]
    if single:
        found.append(_ONE_CHECKPOINT.format(methods=", ".join(single)))
    return (*found, _MEAN) if taxes else tuple(found)


def _listed(domains: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(domains))
