"""The report of a run: one HTML file that loads nothing and trusts nothing that a target said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.figures import confidence, lower_end, upper_end
from alignmeter.report import method
from alignmeter.report.capability import capability_rows
from alignmeter.report.charts import forest, gap_forest
from alignmeter.report.gaming import best_of_n_sentence, effect_rows, gaming_section
from alignmeter.report.html import render_page
from alignmeter.report.labels import BASES, label_section
from alignmeter.report.serving import serving_notes
from alignmeter.report.summary import MARKS, asked, overall
from alignmeter.report.tables import saturated_rows, suites
from alignmeter.report.text import bounds_of, count, estimate_of, limit_of, plural, rate, spaced, utc, visible
from alignmeter.report.transcripts import Fact, facets, items, unscored_counts
from alignmeter.report.words import BAD, ERRORS
from alignmeter.verdicts import FLOOR_SOUGHT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignmeter.records import JudgeCard, Results, RunManifest, Verdict
    from alignmeter.report.summary import Mark
    from alignmeter.report.transcripts import Item
    from alignmeter.store import RunData, StopReason

_STOPPED: dict[StopReason, str] = {
    "interrupted": "The run was interrupted; what follows is what was answered until then.",
    "budget": "The run stopped at its budget; what follows is what was answered until then.",
    "target_unavailable": "The run stopped because the target could not be reached any more.",
    "judge_unavailable": "The run stopped because a judge could not be reached any more.",
    "complete": "",
    "storage": "The run stopped because its folder could not be written any more.",
}


class Card(NamedTuple):
    """One claim on the page; `jump` names the way to its bad transcripts, empty where there are none."""

    id: str
    title: str
    verdict: str
    mark: Mark
    sentence: str
    headline: str
    limit: str
    jump: str
    facts: tuple[Fact, ...]
    caveats: tuple[str, ...]


def render_report(
    manifest: RunManifest,
    data: RunData,
    results: Results,
    *,
    cards: Sequence[JudgeCard] = (),
    title: str | None = None,
) -> str:
    """Render the report of a run as one HTML document.

    Args:
        manifest: What was decided before the first call.
        data: Trials, transcripts and judgements.
        results: Verdicts, cells and coverage.
        cards: Measured accuracy of the judges.
        title: Heading of the page; the target's name where None.

    Returns:
        The document; the same for the same arguments.
    """
    shown = items(manifest, data)
    return render_page(
        "report.html.j2",
        script="report.js",
        heading=visible(title or manifest.target.name),
        header=_header(manifest, results, titled=title is not None),
        outcome=overall(results, smoke=manifest.design.mode == "smoke"),
        notices=_notices(manifest, data, results),
        claims=[_card(verdict, shown) for verdict in results.verdicts],
        forest=forest(results.verdicts),
        gaps=gap_forest(results.verdicts),
        rated=[_rated(verdict) for verdict in results.verdicts if verdict.kind != "coverage"],
        suites=suites(results.cells),
        several_languages=any(cell.by == "language" for cell in results.cells),
        stopped_early=results.saved > 0,
        saturated=saturated_rows(results.saturated),
        attack_effects=effect_rows(results),
        best_of_n=best_of_n_sentence(results.best_of_n),
        surface=gaming_section(results),
        capability=capability_rows(results.capability),
        labelled=label_section(results),
        coverage=results.coverage,
        errors=_errors(results),
        unscored=unscored_counts(data.judgements),
        items=shown,
        facets=facets(manifest, shown),
        method=method.sections(manifest, data, results, cards),
        limits=(*serving_notes(results), *method.LIMITS),
        judges=method.judges(manifest, cards),
    )


def write_report(
    path: Path, manifest: RunManifest, data: RunData, results: Results, *, name: str | None = None
) -> Path:
    """Write `report.html`, or a file of another name, into a run folder, with the cards of its judges.

    Raises:
        StorageError: The folder cannot be written.
    """
    from alignmeter.judges import cards_for
    from alignmeter.store import RunFolder

    cards = [card for judge_hash in manifest.judges.values() for card in cards_for(judge_hash)]
    return RunFolder(path).write_report(render_report(manifest, data, results, cards=cards), name)


def _card(verdict: Verdict, shown: Sequence[Item]) -> Card:
    bad = sum(item.outcome == "bad" and verdict.claim in item.claims.split() for item in shown)
    return Card(
        id=visible(verdict.claim),
        title=visible(verdict.title),
        verdict=verdict.verdict,
        mark=MARKS[verdict.verdict],
        sentence=visible(verdict.sentence),
        headline="" if verdict.kind == "coverage" else estimate_of(verdict),
        limit="" if verdict.kind == "coverage" else limit_of(verdict),
        jump=f"Show the {plural(bad, 'transcript')} that {BAD[verdict.kind]}" if bad else "",
        facts=() if verdict.kind == "coverage" else tuple(_figures(verdict)),
        caveats=tuple(visible(caveat) for caveat in verdict.caveats),
    )


class Rated(NamedTuple):
    """One row of the table behind the forest plot."""

    title: str
    verdict: str
    estimate: str
    between: str
    limit: str
    bad: str


def _rated(verdict: Verdict) -> Rated:
    return Rated(
        title=visible(verdict.title),
        verdict=verdict.verdict,
        estimate=estimate_of(verdict),
        between=bounds_of(verdict),
        limit=limit_of(verdict),
        bad=_bad(verdict),
    )


def _bad(verdict: Verdict) -> str:
    """Bad of units; of a cascade without a card, of those that its second judge saw."""
    seen = verdict.two_stage
    if seen is None:
        return f"{count(verdict.bad)} of {count(verdict.units)}"
    return f"{count(seen.certain_bad + seen.drawn_bad)} of {count(seen.certain + seen.drawn)} seen twice"


def _figures(verdict: Verdict) -> list[Fact]:
    interval = verdict.interval
    figures = [Fact("Estimate", estimate_of(verdict))]
    if interval is not None:
        figures.append(
            Fact(
                f"Interval, {confidence(1 - interval.level)}",
                f"{bounds_of(verdict)} ({visible(interval.method)})",
            )
        )
    figures += [
        *(
            (Fact("Judge's error taken out", rate(verdict.corrected)),)
            if verdict.corrected is not None
            else ()
        ),
        Fact("Limit", limit_of(verdict)),
        *_counted(verdict),
        *_saved(verdict),
        Fact("Unscored", count(verdict.unscored)),
        Fact("Not asked", count(verdict.not_asked)),
        Fact("Error rate of a pass, of a fail", _error_rates(verdict)),
        _floor(verdict),
    ]
    if verdict.hard_refusals:
        figures.append(Fact("Refused by provider signal", count(verdict.hard_refusals)))
    if verdict.minimum_detectable_effect is not None:
        effect = lower_end(verdict.minimum_detectable_effect)
        figures.append(Fact("Largest true rate passed with 80% power", effect))
    if verdict.units_to_decide is not None:
        figures.append(Fact("Units that would decide the rate seen", count(verdict.units_to_decide)))
    if verdict.without_labels is not None:
        figures.append(Fact("Rests on", BASES[verdict.basis]))
        figures.append(Fact("The judge alone says", verdict.without_labels))
    figures.append(Fact("Reason", spaced(verdict.reason)))
    return figures


def _floor(verdict: Verdict) -> Fact:
    """Of a language gap the pairs that the judge calls alike; no number of them may do."""
    if verdict.kind != "language_gap":
        return Fact("Clean units that a pass takes", count(verdict.floor))
    none = verdict.floor > FLOOR_SOUGHT
    return Fact(
        "Pairs without a difference that a pass takes",
        f"over {count(FLOOR_SOUGHT)}" if none else count(verdict.floor),
    )


def _counted(verdict: Verdict) -> tuple[Fact, ...]:
    """Bad units; of a cascade without a card, what its second judge found in each of its parts."""
    seen = verdict.two_stage
    if seen is None:
        return (Fact("Bad of units", _bad(verdict)),)
    return (
        Fact("Bad of those flagged or doubted", f"{count(seen.certain_bad)} of {count(seen.certain)}"),
        Fact(
            "Bad of those drawn from the rest",
            f"{count(seen.drawn_bad)} of {count(seen.drawn)}, for {count(seen.rest)}",
        ),
    )


def _saved(verdict: Verdict) -> list[Fact]:
    """Units that were not worth asking any more."""
    saved = verdict.available - verdict.units - verdict.not_asked
    return [Fact("Units saved", f"{count(saved)} of {count(verdict.available)}")] if saved > 0 else []


def _error_rates(verdict: Verdict) -> str:
    return f"{upper_end(verdict.alpha)}, {upper_end(verdict.alpha_fail or verdict.alpha)}"


def _header(manifest: RunManifest, results: Results, *, titled: bool) -> tuple[Fact, ...]:
    """What the run was; the target's name stands here where the heading says something else."""
    return (
        *((Fact("Target", visible(manifest.target.name)),) if titled else ()),
        Fact("Model", visible(manifest.target.fingerprint.model)),
        Fact("Run", visible(manifest.run_id)),
        Fact("Begun", utc(manifest.created_at)),
        Fact("Trials", asked(results).replace(" trials", "")),
    )


def _notices(manifest: RunManifest, data: RunData, results: Results) -> list[str]:
    notices: list[str] = []
    if data.closed is None:
        notices.append("The run has not come to its end; what follows is what was answered until now.")
    elif data.closed.reason != "complete":
        detail = f" ({visible(data.closed.detail)})" if data.closed.detail else ""
        notices.append(_STOPPED[data.closed.reason] + detail)
    for who, urls in data.asked_at(manifest).items():
        if len(urls) > 1:
            asked_there = "The target" if who == "target" else f"The judge {visible(who)}"
            notices.append(
                f"{asked_there} was asked at {' and at '.join(map(visible, urls))}, said to be the same "
                f"system."
            )
    if manifest.design.mode == "smoke":
        notices.append("A smoke run asks a handful of trials to try the pipeline; it decides nothing.")
    hidden = sum(trial.pool == "sequestered" for trial in data.trials if trial.id in data.transcripts)
    if hidden:
        notices.append(
            f"A sequestered pool answers with verdicts only: {plural(hidden, 'transcript')} of it "
            f"{'is' if hidden == 1 else 'are'} left out of this page."
        )
    errors = sum(results.errors.values())
    if errors:
        notices.append(f"{plural(errors, 'trial')} ended in an error: unscored, and never counted as safe.")
    return notices


def _errors(results: Results) -> list[tuple[str, str, int]]:
    known: dict[str, str] = {**ERRORS}
    return [(spaced(kind), known.get(kind, ""), number) for kind, number in results.errors.items()]
