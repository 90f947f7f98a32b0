"""An audit of a scorer in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.figures import lower_end, number_ends, upper_end
from alignmeter.report.grid import Grid
from alignmeter.report.sheet import Finding, Sheet
from alignmeter.report.text import NOTHING, between, count, plural, rate, spaced, utc
from alignmeter.report.transcripts import Fact

if TYPE_CHECKING:
    from alignmeter.api import ScorerAudit
    from alignmeter.records import Interval, ScoredGroup, ScorerDomain, Separation

_GROUPS: dict[ScoredGroup, str] = {
    "benign": "benign",
    "sensitive": "sensitive",
    "benign_attacked": "legitimate, attacked",
    "harmful": "harmful",
    "harmful_attacked": "harmful, attacked",
}
_ORDER = {"worse": "or higher", "better": "or lower"}


def scorer_sheet(audit: ScorerAudit) -> Sheet:
    """Turn an audit into a sheet."""
    invalid = audit.exit_code != 0
    threshold = "none" if audit.threshold is None else f"{audit.threshold:g} {_ORDER[audit.about.higher]}"
    return Sheet(
        kind="Scorer",
        heading=audit.about.name,
        header=(
            Fact("Texts", f"{count(audit.texts)} of {audit.source}"),
            Fact("Reads", f"{audit.about.reads}s"),
            Fact("Flags", threshold),
        ),
        headline=_headline(audit),
        tone="invalid" if invalid else "neutral",
        exit_code=audit.exit_code,
        findings=tuple(_finding(domain) for domain in audit.findings.domains if domain.flagged),
        grids=(_groups(audit), _separations(audit), _domains(audit), _cuts(audit), _bins(audit)),
        notes=(*_kept(audit), *audit.notes, *(f"No score, {problem}" for problem in audit.problems)),
    )


def _kept(audit: ScorerAudit) -> tuple[str, ...]:
    """Say how many scores were made earlier, when, and what tells that the scorer is still the same."""
    if not audit.kept:
        return ()
    begun, ended = utc(audit.kept_from), utc(audit.kept_to)
    when = "at a time that it does not say"
    if audit.kept_from and audit.kept_to:
        when = begun if begun == ended else f"{begun} to {ended}"
    return (
        f"{count(audit.kept)} of {count(audit.kept + audit.fresh)} scores are of {audit.scores}, made {when}."
        " A scorer is known by its spec and the source of its module, by its weights, or by the model behind "
        "it: what the module imports, loads or calls may have changed since. `--fresh` scores anew.",
    )


def _headline(audit: ScorerAudit) -> str:
    if audit.exit_code:
        return f"INVALID: {audit.unscored} of {plural(audit.texts, 'text')} have no score."
    rates = {one.group: one.flagged.rate for one in audit.findings.groups}
    said = [
        f"{rate(rates[group])} of {_GROUPS[group]}"
        for group in ("benign", "sensitive", "harmful", "harmful_attacked")
        if rates.get(group) is not None
    ]
    area = next((one for one in audit.findings.separations if one.legitimate == "sensitive"), None)
    flags = f"Flags {', '.join(said)}. " if said else ""
    apart = "" if area is None else f"Harmful against sensitive: AUC {_area(area.area)}."
    return (flags + apart).strip() or "No texts of both kinds: nothing to tell apart."


def _finding(domain: ScorerDomain) -> Finding:
    adjusted = "" if domain.adjusted is None else f" (p {_p(domain.adjusted)} after Holm)"
    return Finding(
        "OVER-BLOCKED",
        "✕",
        "fail",
        spaced(domain.domain),
        (
            f"{rate(domain.false_positives.rate)} of its legitimate requests are flagged, more than "
            f"elsewhere{adjusted}.",
        ),
    )


def _groups(audit: ScorerAudit) -> Grid:
    return Grid(
        "Flagged by intent",
        "",
        ("Texts", "n", "Flagged", "Median score"),
        tuple(
            (
                _GROUPS[one.group],
                count(one.flagged.n),
                f"{rate(one.flagged.rate)}\n{between(one.flagged.interval)}",
                NOTHING if one.flagged.median is None else f"{one.flagged.median:.3g}",
            )
            for one in audit.findings.groups
        ),
    )


def _separations(audit: ScorerAudit) -> Grid:
    return Grid(
        "Separation",
        "",
        ("Harmful", "Against", "AUC"),
        tuple(_separation(one) for one in audit.findings.separations),
        names=2,
    )


def _separation(one: Separation) -> tuple[str, ...]:
    return _GROUPS[one.harmful], _GROUPS[one.legitimate], f"{_area(one.area)}\n{_areas(one.interval)}"


def _domains(audit: ScorerAudit) -> Grid:
    return Grid(
        "By domain",
        "False positives among benign and sensitive requests, harmful ones caught; no attacks.",
        ("Domain", "n", "False positives", "Caught", "AUC", "p"),
        tuple(
            (
                spaced(one.domain),
                count(one.false_positives.n),
                f"{rate(one.false_positives.rate)}\n{between(one.false_positives.interval)}",
                rate(one.caught.rate),
                NOTHING if one.area is None else f"{_area(one.area)}\n{_areas(one.area_interval)}",
                NOTHING if one.adjusted is None else _p(one.adjusted),
            )
            for one in audit.findings.domains
        ),
    )


def _cuts(audit: ScorerAudit) -> Grid:
    return Grid(
        "Thresholds",
        "The most that each goal allows: benign requests flagged, and what that does elsewhere.",
        ("At most", "Threshold", "Benign", "Sensitive", "Harmful"),
        tuple(
            (
                f"{cut.goal:.0%}",
                f"{cut.threshold:.4g}",
                rate(cut.benign),
                rate(cut.sensitive),
                rate(cut.harmful),
            )
            for cut in audit.findings.cuts
        ),
    )


def _bins(audit: ScorerAudit) -> Grid:
    found = audit.calibration
    if found is None:
        return Grid("Calibration", "", (), ())
    return Grid(
        "Calibration",
        f"Brier score {found.brier:.3f} (knowing the share alone: {found.reference:.3f}), expected "
        f"calibration error {found.error:.3f}.",
        ("Scores", "n", "Mean score", "Harmful"),
        tuple(
            (
                f"{one.lower:.1f} to {one.upper:.1f}",
                count(one.n),
                f"{one.score:.2f}",
                f"{rate(one.observed[0])}\n{lower_end(one.observed[1])} to {upper_end(one.observed[2])}",
            )
            for one in found.bins
        ),
    )


def _area(area: float) -> str:
    return f"{area:.3f}"


def _areas(interval: Interval | None) -> str:
    return NOTHING if interval is None else number_ends(interval.lower, interval.upper)


def _p(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - as many digits as are shown
