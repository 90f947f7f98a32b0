"""Figures of judges as tables: cards, and a judge against labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

    from alignmeter.judges import Agreement, ValidationReport
    from alignmeter.judges.labels import LabelAxis
    from alignmeter.judges.validation import Estimate
    from alignmeter.records import JudgeCard


def print_cards(out: Console, known: tuple[JudgeCard, ...]) -> None:
    """Print one row a card."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("judge", "event", "measured on, by"):
        table.add_column(heading, overflow="fold")
    for heading in ("n", "un-\nscored", "kappa", "Se", "Sp", "J"):
        table.add_column(heading, justify="right", no_wrap=True)
    for card in known:
        table.add_row(
            card.judge or card.axis,
            card.event.replace("_", " "),
            f"{card.data} ({card.split}), {card.labels_by}",
            str(card.n),
            "n/a" if card.abstention is None else f"{card.abstention:.1%}",
            f"{card.kappa:.2f}",
            f"{card.sensitivity[0]:.2f}",
            f"{card.specificity[0]:.2f}",
            f"{card.sensitivity[0] + card.specificity[0] - 1:.2f}",
        )
    out.print(table)


def print_report(out: Console, report: ValidationReport) -> None:
    """Print each split in full, then one table for the models, one for the languages, one for the attacks."""
    for part in report.parts:
        if part.whole:
            _print_part(out, report, part)
    _print_groups(out, report)


def _print_part(out: Console, report: ValidationReport, part: Agreement) -> None:
    from rich.table import Table
    from rich.text import Text

    about = f": {part.n} replies to {part.prompts} prompts"
    out.print(Text.assemble("\n", (part.split, "bold"), about))
    if part.chained:
        out.print(
            f"  several prompts and several ids are joined in {part.chained} of them. If ids number rows, "
            "say --columns id=COLUMN with the column of the prompt",
        )
    if part.stands_for:
        worst = f"; {part.undrawn} of which no label was drawn are at their worst in the bounds"
        out.print(
            f"  the table counts labels; the figures below are of the {part.stands_for} replies of the run "
            f"that these stand for, each label by what it was drawn from{worst if part.undrawn else ''}",
        )
    table = Table(box=None, pad_edge=False)
    table.add_column("people \\ judge")
    for label in (*report.classes, "unscored"):
        table.add_column(label, justify="right")
    for label, row in zip(report.classes, part.confusion, strict=True):
        table.add_row(label, *(str(count) for count in row))
    out.print(table)
    words = _WORDS[report.axis]
    figures = (
        ("kappa, three classes", part.kappa),
        (f"kappa, {words.kappa}", part.kappa_refused),
        ("accuracy", part.accuracy),
        (f"sensitivity to {words.event}", part.sensitivity),
        ("specificity", part.specificity),
    )
    lost = sum(part.unscored.values()) > 0
    out.print(f"  {'':<24} figure [95% interval]{', an unscored reply is wrong' if lost else ''}")
    for name, estimate in figures:
        if estimate is not None or not part.stands_for:
            _print_figure(out, name, estimate)
    if lost:
        out.print(f"  {'':<24} over the replies with a score, as on a card")
        _print_figure(out, "kappa, three classes", part.kappa_scored)
    for event in part.events:
        name = event.event.replace("_", " ")
        _print_figure(out, f"Se, {name}", event.sensitivity)
        _print_figure(out, f"Sp, {name}", event.specificity)
        _print_figure(out, f"J, {name}", event.informedness)
        _print_figure(out, f"MCC, {name}", event.mcc)
    if report.axis != "factuality" and not part.stands_for:
        f1 = "n/a" if part.partial_f1 is None else f"{part.partial_f1:.3f}"
        out.print(f"  {words.graded:<24} {f1}")
    why = ", ".join(f"{count} {reason}" for reason, count in part.unscored.items())
    out.print(f"  {'share unscored':<24} {part.abstention:.3f}{f' ({why})' if why else ''}")
    if part.calibration is not None:
        found = part.calibration
        out.print(f"  {'calibration error':<24} {found.error:.3f}")
        out.print(
            f"  {'Brier score':<24} {found.brier:.3f} (of the bare share: {found.reference:.3f})",
        )


class _Words(NamedTuple):
    """How the figures of an axis are called."""

    kappa: str
    event: str
    graded: str


_WORDS: dict[LabelAxis, _Words] = {
    "refusal": _Words("refused or not", "refusals", "F1, partial refusals"),
    "harm": _Words("harm or none", "harm", "F1, partial harm"),
    "factuality": _Words("correct or not", "what is not", ""),
}


def _print_figure(out: Console, name: str, estimate: Estimate | None) -> None:
    from alignmeter.figures import number_ends

    bounds = "" if estimate is None else f"  [{number_ends(*estimate[1:], ', ')}]"
    out.print(f"  {name:<24} {_point(estimate)}{bounds}")


def _print_groups(out: Console, report: ValidationReport) -> None:
    """Print one table for the models, one for the languages and one for the attack families."""
    from rich.table import Table

    groupings: tuple[Literal["model", "language", "attack"], ...] = ("model", "language", "attack")
    for grouping in groupings:
        parts = [part for part in report.parts if getattr(part, grouping) is not None]
        parts = [part for part in parts if grouping != "model" or part.model]
        if not parts:
            continue
        out.print(f"\nby {grouping}", style="bold")
        table = Table(box=None, pad_edge=False)
        table.add_column(grouping)
        table.add_column("part")
        for heading in ("replies", "kappa", _WORDS[report.axis].kappa, "Se", "Sp"):
            table.add_column(heading, justify="right")
        for part in sorted(parts, key=lambda part: str(getattr(part, grouping))):
            sides = (part.sensitivity, part.specificity)
            if part.stands_for and part.events:
                sides = (part.events[0].sensitivity, part.events[0].specificity)
            figures = (part.kappa, part.kappa_refused, *sides)
            name = str(getattr(part, grouping)) or "(none)"
            table.add_row(name, part.split, str(part.n), *map(_point, figures))
        out.print(table)


def _point(estimate: Estimate | None) -> str:
    """A figure that the labels do not define is n/a, never 0."""
    return "n/a" if estimate is None else f"{estimate[0]:.3f}"
