"""What people said of a run's replies, for page and terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.figures import confidence, percent
from alignmeter.report.text import between, count, plural, visible

if TYPE_CHECKING:
    from alignmeter.records import ClaimLabels, LabelBasis, LabelEstimate, LabelStratum, Results

BASES: dict[LabelBasis, str] = {
    "judge": "the judge",
    "positives": "people, on what the judge flagged",
    "all": "people, on every reply",
}


class LabelRow(NamedTuple):
    """One claim that people labelled, in words."""

    title: str
    basis: str
    flagged: str
    others: str
    estimate: str
    strata: str


class LabelSection(NamedTuple):
    """The section of the report about labels."""

    lead: str
    rows: tuple[LabelRow, ...]


def label_section(results: Results) -> LabelSection | None:
    """Prepare the labels of a run for its report; None where nobody has labelled."""
    if not results.labels:
        return None
    titles = {verdict.claim: verdict.title for verdict in results.verdicts}
    settled, machine = plural(results.by_people, "trial"), count(results.by_machine)
    lead = (
        f"{settled} settled by people, {machine} by a judge alone. Estimates are about the replies of this "
        f"run, from labels taken as drawn at random within each part and verdict of the judge that drew "
        f"them; they pass and fail nothing."
    )
    rows = tuple(_row(titles.get(made.claim, made.claim), made) for made in results.labels)
    return LabelSection(lead, rows)


def _row(title: str, made: ClaimLabels) -> LabelRow:
    parts = [f"{made.confirmed} confirmed", f"{made.cleared} cleared"]
    parts += [f"{made.unclear} unclear"] if made.unclear else []
    parts += [f"{made.open} open"] if made.open else []
    return LabelRow(
        title=visible(title),
        basis=BASES[made.basis],
        flagged=", ".join(parts),
        others=f"{made.missed} bad of {made.others}" if made.others else "none",
        estimate="" if made.estimate is None else _rate(made.estimate),
        strata="" if made.estimate is None else _strata(made.estimate),
    )


def estimate_line(estimate: LabelEstimate) -> str:
    """An estimate from labels in one line."""
    return f"{_rate(estimate)} bad by people's labels ({_strata(estimate)})"


def _rate(estimate: LabelEstimate) -> str:
    level = confidence(1 - estimate.interval.level)
    return f"{percent(estimate.rate)}, {level} interval {between(estimate.interval)}"


def _strata(estimate: LabelEstimate) -> str:
    named = (
        ("flagged", estimate.positives),
        ("not flagged", estimate.negatives),
        ("unscored", estimate.unscored),
    )
    strata = "; ".join(f"{name} {_stratum(stratum)}" for name, stratum in named if stratum.size)
    if not estimate.drawn_otherwise:
        return strata
    return f"{strata}; labels were drawn by what another judge of this run said, and stand for that"


def _stratum(stratum: LabelStratum) -> str:
    return f"{stratum.bad} of {stratum.labelled} labelled, {stratum.size} in all"
