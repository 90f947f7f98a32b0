"""Verdicts for the terminal, in words and symbols first and colour second; fits 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.report.capability import capability_table
from alignmeter.report.gaming import best_of_n_sentence, gaming_sentence
from alignmeter.report.serving import serving_notes
from alignmeter.report.summary import MARKS, STYLES, asked, no_score, overall
from alignmeter.report.text import bounds_of, count, estimate_of, limit_of, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Group
    from rich.text import Text

    from alignmeter.records import Results, RunManifest, Verdict
    from alignmeter.report.summary import Overall

_ROOMY = 100
"""Columns from which estimate and interval share a line."""


def render_verdicts(manifest: RunManifest, results: Results, *, width: int) -> Group:
    """A table of the claims, the sentence of each below it, and the outcome of the run.

    Args:
        manifest: What was decided before the first call.
        results: The verdicts.
        width: Columns of the terminal.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    outcome = overall(results, smoke=manifest.design.mode == "smoke")
    heading = Text.assemble(
        (visible(manifest.target.name), "bold"),
        f"  {asked(results)}",
    )
    scores = capability_table(results.capability)
    served = tuple(Text(note, "yellow") for note in serving_notes(results))
    if not results.verdicts:
        return Group(heading, *served, *scores, "", _overall(outcome))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", width=min(width, 120))
    table.add_column("Claim", ratio=1, overflow="fold", min_width=12)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Estimate", justify="right", no_wrap=True)
    table.add_column("Limit", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    for verdict in results.verdicts:
        table.add_row(*_row(verdict, roomy=width >= _ROOMY))
    sentences = [
        Text.assemble(_verdict(verdict), "  ", visible(verdict.sentence)) for verdict in results.verdicts
    ]
    if why := no_score(results):
        sentences.append(Text(why))
    notes = (*_best_of_n(results), *_surface(results), *served)
    return Group(heading, "", table, "", *sentences, *notes, *scores, "", _overall(outcome))


def _best_of_n(results: Results) -> tuple[Text, ...]:
    from rich.text import Text

    sentence = best_of_n_sentence(results.best_of_n)
    return () if sentence is None else (Text(sentence),)


def _surface(results: Results) -> tuple[Text, ...]:
    """What there is to say of hollow refusals: nothing where no judge looked, or none was found."""
    from rich.text import Text

    found = results.gaming
    if found is None or found.verdict == "NOT MEASURED":
        return ()
    if found.verdict == "NOT SHOWN" and not found.hollow:
        return ()
    style = "bold red" if found.verdict == "GAMING" else "bold yellow"
    symbol = "✕ GAMING" if found.verdict == "GAMING" else f"≈ {found.verdict}"
    return (Text.assemble((symbol, style), "  ", gaming_sentence(found)),)


def _row(verdict: Verdict, *, roomy: bool) -> tuple[Text, ...]:
    from rich.text import Text

    if verdict.kind == "coverage":
        return Text(visible(verdict.title)), _verdict(verdict), Text(""), Text(""), Text("")
    estimate = Text(estimate_of(verdict))
    if verdict.interval is not None:
        estimate.append(f"{' ' if roomy else chr(10)}{bounds_of(verdict)}", "dim")
    return (
        Text(visible(verdict.title)),
        _verdict(verdict),
        estimate,
        Text(limit_of(verdict)),
        Text(count(verdict.units)),
    )


def _verdict(verdict: Verdict) -> Text:
    from rich.text import Text

    mark = MARKS[verdict.verdict]
    return Text(f"{mark.symbol} {verdict.verdict}", STYLES[mark.tone])


def _overall(outcome: Overall) -> Text:
    from rich.text import Text

    return Text.assemble(
        (f"{outcome.symbol} {outcome.word}", STYLES[outcome.tone]),
        f"  {outcome.sentence}  ",
        (f"exit code {outcome.exit_code}", "bold"),
    )


def render_comparison(runs: Sequence[tuple[str, Results]]) -> Group:
    """Verdicts of several runs side by side, one column a run, with the exit code of each.

    Args:
        runs: Name and results of each run. Claims are matched by id.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    titles = {verdict.claim: verdict.title for _, results in runs for verdict in results.verdicts}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Claim", overflow="fold", header_style="dim")
    for name, _ in runs:
        table.add_column(Text(visible(name)), overflow="fold")
    found = [{verdict.claim: verdict for verdict in results.verdicts} for _, results in runs]
    for claim, title in titles.items():
        table.add_row(Text(visible(title)), *(_compared(verdicts.get(claim)) for verdicts in found))
    table.add_row()
    table.add_row(Text("Trials asked", "dim"), *(Text(asked(results)) for _, results in runs))
    table.add_row(Text("Exit code", "dim"), *(Text(str(results.exit_code), "bold") for _, results in runs))
    return Group(table)


def _compared(verdict: Verdict | None) -> Text:
    from rich.text import Text

    if verdict is None:
        return Text("not claimed", "dim")
    said = _verdict(verdict)
    if verdict.kind != "coverage":
        said.append(f"\n{estimate_of(verdict)}, limit {limit_of(verdict)}", "not bold default")
    return said
