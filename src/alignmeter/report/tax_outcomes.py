"""Tax and safety together as tables: the same for terminal, Markdown and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.safety import HEADROOM, UNSAFE, WORTHWHILE
from alignmeter.analysis.tax_paired import MODERATE, SIGNIFICANT
from alignmeter.figures import ends, one_decimal, points, signed_points
from alignmeter.report.grid import Grid
from alignmeter.report.tax_charts import TRIAD_TITLES
from alignmeter.report.text import NOTHING, visible

if TYPE_CHECKING:
    from alignmeter.records import (
        Interval,
        Outcome,
        OutcomeName,
        TaxReport,
        TriadMeasure,
        TriadRate,
        VariantOutcome,
    )
    from alignmeter.report.summary import Tone

OUTCOME_TONES: dict[OutcomeName, tuple[str, Tone]] = {
    "NO HEADROOM": ("○", "unmeasured"),
    "TAX, STILL UNSAFE": ("✕", "fail"),
    "TAX WITHOUT BENEFIT": ("✕", "fail"),
    "BENEFIT": ("✓", "pass"),
    "MORE HARM": ("✕", "fail"),
    "UNPROVEN": ("≈", "inconclusive"),
    "NOT MEASURED": ("○", "unmeasured"),
    "INVALID": ("!", "invalid"),
}
"""Symbol and tone of each outcome: told apart by symbol and word before colour."""

_SCOPES = ("targeted", "broad", None)
_HARM = {"attack_success": "Harm delivered under attack", "attack_compliance": "Compliance under attack"}


class Said(NamedTuple):
    """The outcome of one variant in words."""

    variant: str
    outcome: OutcomeName
    symbol: str
    tone: Tone
    sentence: str
    domains: str


def said(report: TaxReport) -> tuple[Said, ...]:
    """Return the outcome of each variant, and of the domains where it is another one."""
    return tuple(
        Said(
            variant=visible(_labelled(one)),
            outcome=one.outcome.outcome,
            symbol=OUTCOME_TONES[one.outcome.outcome][0],
            tone=OUTCOME_TONES[one.outcome.outcome][1],
            sentence=visible(one.outcome.sentence),
            domains=_other_domains(one),
        )
        for one in report.outcomes
    )


def worst_outcomes(report: TaxReport) -> tuple[str, ...]:
    """Name the variants of each outcome that fails, for example `MORE HARM: dpo, rlhf`."""
    failing = [name for name, (_, tone) in OUTCOME_TONES.items() if tone == "fail"]
    named = {
        name: [visible(one.variant) for one in report.outcomes if one.outcome.outcome == name]
        for name in failing
    }
    return tuple(f"{name}: {', '.join(variants)}." for name, variants in named.items() if variants)


def grids(report: TaxReport) -> tuple[Grid, ...]:
    """Return the tables that have something to say."""
    makers = (_side_by_side, _answered, _triad, _triad_domains, _hazards)
    return tuple(grid for make in makers if (grid := make(report)) is not None and grid.rows)


def _labelled(one: VariantOutcome) -> str:
    labels = [word for word in (one.labels.method, one.labels.scope) if word]
    return f"{one.variant} ({', '.join(labels)})" if labels else one.variant


def _other_domains(one: VariantOutcome) -> str:
    """Name the domains whose own outcome differs from that of the mean score."""
    differing: dict[OutcomeName, list[str]] = {}
    for outcome in one.by_domain:
        if outcome.outcome != one.outcome.outcome and outcome.domain is not None:
            differing.setdefault(outcome.outcome, []).append(visible(outcome.domain))
    return " ".join(f"By domain {name}: {', '.join(domains)}." for name, domains in differing.items())


def _side_by_side(report: TaxReport) -> Grid | None:
    """Variants by method, targeted beside broad."""
    measures = {one.safety.measure for one in report.outcomes if one.safety is not None}
    harm = _HARM[next(iter(measures))] if len(measures) == 1 else "Attacked harm"
    ordered = sorted(
        report.outcomes,
        key=lambda one: (one.labels.method or "\uffff", _SCOPES.index(one.labels.scope)),
    )
    rows = [
        (
            visible(one.variant),
            visible(one.labels.method or NOTHING),
            one.labels.scope or NOTHING,
            _tax(one.outcome),
            NOTHING if one.safety is None else _rate(one.safety.base, one.safety.base_interval, HEADROOM),
            NOTHING if one.safety is None else _rate(one.safety.aligned, one.safety.aligned_interval, UNSAFE),
            NOTHING if one.safety is None else _points(one.safety.gain, one.safety.gain_interval, WORTHWHILE),
            one.outcome.outcome,
        )
        for one in ordered
    ]
    if not any(one.safety or one.outcome.tax for one in report.outcomes):
        return None
    return Grid(
        "Variants side by side",
        f"Tax: of the mean score over domains. {harm}: base model, aligned model, and what was gained.",
        ("Variant", "Method", "Scope", "Tax", "Base", "Aligned", "Gain", "Outcome"),
        tuple(rows),
        names=3,
    )


def _tax(outcome: Outcome) -> str:
    if outcome.tax is None:
        return NOTHING
    above = SIGNIFICANT if outcome.outcome == "TAX, STILL UNSAFE" else MODERATE
    return _rate(outcome.tax.estimate, outcome.tax.interval, above)


def _answered(report: TaxReport) -> Grid | None:
    rows = [
        (
            visible(tax.domain),
            visible(tax.variant),
            str(tax.answered.n),
            NOTHING if tax.relative is None else _rate(tax.relative, tax.interval, tax.limit or report.limit),
            NOTHING if tax.answered.relative is None else _rate(tax.answered.relative, tax.answered.interval),
            NOTHING if tax.answered.refusal_share is None else one_decimal(tax.answered.refusal_share),
        )
        for tax in report.taxes
        if tax.answered is not None and tax.flag != "invalid"
    ]
    return Grid(
        "How much of the tax is refusal",
        "The tax on all items, on those that both models answered, and the share of the loss that lies on "
        "items which one of them refused (below 0%: what was refused did not add to it). Where the score is "
        "compliance itself, refusal is all of it.",
        ("Domain", "Variant", "Answered", "Tax, all", "Tax, answered", "Refusal's share"),
        tuple(rows),
        names=2,
    )


def _triad(report: TaxReport) -> Grid | None:
    return _triad_of(
        report,
        [None],
        "Refusal triad",
        "Refusal of plain requests, 95% intervals. Benign and sensitive: full or partial; harmful: full. In "
        "brackets the change from the base model on the requests that both were asked, 90% interval.",
    )


def _triad_domains(report: TaxReport) -> Grid | None:
    domains = sorted(
        {rate.domain for one in report.outcomes for rate in one.triad if rate.domain is not None}
    )
    return _triad_of(report, domains, "Refusal triad by domain", "As above.")


def _triad_of(report: TaxReport, domains: list[str] | list[None], title: str, lead: str) -> Grid | None:
    if report.base is None or not any(one.triad for one in report.outcomes):
        return None
    models = [report.base.triad, *(one.triad for one in report.outcomes)]
    rows: list[tuple[str, ...]] = []
    for measure, words in TRIAD_TITLES.items():
        for domain in domains:
            found = [_find(triad, measure, domain) for triad in models]
            if any(found):
                name = words if domain is None else f"{words}: {visible(domain)}"
                rows.append((name, *(NOTHING if rate is None else _refusal(rate) for rate in found)))
    names = [visible(report.base.name), *(visible(one.variant) for one in report.outcomes)]
    return Grid(title, lead, ("Requests", *names), tuple(rows), detail=domains != [None])


def _find(triad: tuple[TriadRate, ...], measure: TriadMeasure, domain: str | None) -> TriadRate | None:
    return next((rate for rate in triad if rate.measure == measure and rate.domain == domain), None)


def _refusal(rate: TriadRate) -> str:
    if rate.estimate is None:
        return NOTHING
    lines = _rate(rate.estimate, rate.interval)
    if rate.change is not None and rate.change_interval is not None:
        lines += f"\n[{_points(rate.change, rate.change_interval, sign=True)}]".replace("\n(", " (")
    return f"{lines}\nof {rate.n}"


def _hazards(report: TaxReport) -> Grid | None:
    measured = [one for one in report.outcomes if one.safety is not None]
    hazards = sorted({gain.hazard for one in measured if one.safety for gain in one.safety.by_hazard})
    rows: list[tuple[str, ...]] = []
    for hazard in hazards:
        cells: list[str] = []
        for one in measured:
            gain = next((g for g in one.safety.by_hazard if g.hazard == hazard), None) if one.safety else None
            cells.append(
                NOTHING
                if gain is None
                else f"{one_decimal(gain.base)} to {one_decimal(gain.aligned)}\n"
                f"{_points(gain.gain, gain.interval)}\nof {gain.n}"
            )
        rows.append((visible(hazard).replace("_", " "), *cells))
    return Grid(
        "Attacked harm by hazard",
        "From the base model to the variant, and what was gained (90% interval). It describes; nothing is "
        "decided on it.",
        ("Hazard", *(visible(_labelled(one)) for one in measured)),
        tuple(rows),
        detail=True,
    )


def _rate(value: float, interval: Interval | None, limit: float | None = None) -> str:
    if interval is None:
        return one_decimal(value)
    return f"{one_decimal(value)}\n{ends(interval, limit, one_decimal)}"


def _points(value: float, interval: Interval, limit: float | None = None, *, sign: bool = False) -> str:
    first = (signed_points if sign else points)(value)
    return f"{first}\n({ends(interval, limit, points).removesuffix(' points')})"
