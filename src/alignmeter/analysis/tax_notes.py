"""What the numbers of a tax report rest on and do not say, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import BaseSource, ScoreTable, Tax

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
_NOT_ESTIMABLE = (
    "Ratio not estimable: {domains}. The base score is 0, or is not shown to lie 10 points of 100 above "
    "guessing; read the absolute tax."
)
_ASSUMED = "Read as scores out of 100, because one is above 10 and there is no column max: {domains}."
_TESTED = (
    "Intervals are at 90%: each end is a one-sided 95% bound. Under the tier of the bare number stand the "
    "tiers that are confirmed (>=) and cleared (<=), not corrected for the number of cells; flags that rest "
    "on a test are (Benjamini-Hochberg at 5%).",
    "The arms are taken as independent samples of independent items: too wide where both answered the same "
    "items, too narrow where items come in families. Only sampling error is in them.",
)
_MEAN = "The mean over domains describes this choice of domains; nothing is decided on it."


def notes(table: ScoreTable, taxes: Sequence[Tax]) -> tuple[str, ...]:
    """Return the sentences that apply, one subject each."""
    found = [
        text.format(domains=_listed(row.domain for row in table.domains if row.base_source == source))
        for source, text in _SOURCES.items()
        if any(row.base_source == source for row in table.domains)
    ]
    for text, domains in (
        (_NO_INTERVAL, [tax.domain for tax in taxes if tax.absolute_interval is None]),
        (_NOT_ESTIMABLE, [tax.domain for tax in taxes if tax.not_estimable is not None]),
        (_ASSUMED, [row.domain for row in table.domains if row.assumed_maximum]),
    ):
        if domains:
            found.append(text.format(domains=_listed(domains)))
    if any(tax.absolute_interval is not None for tax in taxes):
        found.extend(_TESTED)
    return (*found, _MEAN)


def _listed(domains: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(domains))
