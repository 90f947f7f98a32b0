"""`alignmeter plan`: what a run would ask, could show and would cost, before any call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignmeter.cli.judge_options import JudgesOption, judge_choice
from alignmeter.cli.numbers import real, whole
from alignmeter.cli.output import (
    JsonOption,
    ThreatModelOption,
    console,
    examples,
    print_json,
    print_line,
    tell,
)
from alignmeter.cli.output_file import output_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from alignmeter.api import Unread
    from alignmeter.engine import Plan, Prices
    from alignmeter.records import Axis, Trial
    from alignmeter.threat_model import ThreatModel
    from alignmeter.verdicts import Forecast

EXAMPLES = examples(
    "alignmeter plan",
    "alignmeter plan -m threat_model.yaml --max-tokens 256 --prices prices.yaml",
    "alignmeter plan --plot expected-calls.svg",
    "alignmeter plan --judge 'cascade:harm-embedded>llm:harm@openai:gpt-x'",
    "alignmeter plan --json",
)

_SECONDS_PER_CALL = 2.0
_PARALLEL = 16
_SCENARIOS = {"well within its limits": 0.25, "exactly at its limits": 1.0, "far over them": 4.0}
"""Targets for which the cost is told apart: true rates as multiples of the limits."""


def plan(  # noqa: PLR0913 - a command line's options
    *,
    threat_model: ThreatModelOption = None,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Plan a run that asks everything, decided or not.")
    ] = False,
    max_tokens: Annotated[
        int, typer.Option(parser=whole(1), metavar="N", help="Longest reply, for the token estimate.")
    ] = 512,
    prices: Annotated[
        str | None,
        typer.Option(help="YAML with `prompt` and `completion`: money a million tokens.", metavar="FILE"),
    ] = None,
    seconds_per_call: Annotated[
        float,
        typer.Option(
            parser=real(exclusive=True), metavar="S", help="Latency of one call, for the time estimate."
        ),
    ] = _SECONDS_PER_CALL,
    concurrency: Annotated[
        int, typer.Option(parser=whole(1), metavar="N", help="Calls in flight, for the time estimate.")
    ] = _PARALLEL,
    judge: JudgesOption = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            parser=output_file(),
            help="Write a chart of expected calls against the true rate.",
            metavar="FILE.svg",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show coverage, claims, expected calls, tokens, money and time of a run, without asking anything."""
    from alignmeter.api import (
        judge_calls,
        judges_of,
        read_prices,
        read_threat_model,
        unread_replies,
        ways_to_pass,
    )
    from alignmeter.api import plan as make_plan

    model, source = read_threat_model(None if threat_model is None else Path(threat_model))
    price = read_prices(Path(prices)) if prices is not None else None
    choice = judge_choice(judge, None, None, allow_self=False)
    made = make_plan(model, mode="fixed" if fixed else "sequential", judges=choice)
    judges = judges_of(choice, None, seed=model.design.seed, languages=model.languages)
    judging = {name: judge_calls(made, judges, multiple) for name, multiple in _SCENARIOS.items()}
    unread = unread_replies(made, judges)
    if unread is not None:
        tell(f"warning: {unread.sentence} with --judge")
    forecasts, gaps = made.forecasts(), made.gap_forecasts()
    ways = ways_to_pass(model, made, choice)
    cost = _Cost(made, max_tokens, seconds_per_call, concurrency, price)
    if plot is not None:
        from alignmeter.report import write_plan_chart

        write_plan_chart(plot, made.design.claims)
    if as_json:
        print_json(
            {
                "threat_model": source,
                "mode": made.design.mode,
                "estimate": cost.at_most(),
                "expected": {name: cost.expected(multiple) for name, multiple in _SCENARIOS.items()},
                "judge_calls": judging,
                "claims": forecasts,
                "language_gaps": gaps,
                "ways_to_pass": ways,
                "unread": unread,
                "missing": [claim.missing for claim in made.design.claims if claim.missing],
                "coverage": made.coverage,
            }
        )
        return
    out = console()
    out.print(f"{model.name} ({source})\n")
    _print_claims(out, model, made, forecasts, unread)
    if ways:
        from alignmeter.report.ways_to_pass import render_ways

        out.print(render_ways(ways))
    if gaps:
        from alignmeter.report.gap_forecasts import render_gaps

        out.print(render_gaps(gaps))
    _print_coverage(out, made)
    _print_cost(out, cost)
    _print_judging(out, judging)
    if plot is not None:
        print_line(f"Chart       {plot}")


def _print_judging(out: Console, judging: dict[str, dict[Axis, float]]) -> None:
    """Say what models behind judges are expected to be asked; nothing where there are none."""
    for scenario, by_axis in judging.items():
        for axis, calls in by_axis.items():
            out.print(f"Judges ({axis}), a target {scenario}: about {round(calls)} calls beside these")


class _Cost:
    """Calls, tokens, money and time of a plan."""

    def __init__(
        self,
        made: Plan,
        max_tokens: int,
        seconds_per_call: float,
        concurrency: int,
        prices: Prices | None,
    ) -> None:
        self._made = made
        self._max_tokens = max_tokens
        self._seconds = seconds_per_call
        self.concurrency = concurrency
        self.prices = prices

    def at_most(self) -> dict[str, float]:
        """If every trial is asked."""
        return self._of(self._made.trials)

    def expected(self, multiple: float) -> dict[str, float]:
        """If every true rate is this multiple of its limit."""
        return self._of(self._made.expected(multiple))

    def _of(self, trials: Sequence[Trial]) -> dict[str, float]:
        from alignmeter.engine import prompt_tokens

        calls, prompt = len(trials), prompt_tokens(trials)
        completion = calls * self._max_tokens
        found: dict[str, float] = {
            "calls": calls,
            "prompt_tokens": prompt,
            "completion_tokens_at_most": completion,
            "seconds": round(calls * self._seconds / min(self.concurrency, max(calls, 1)), 1),
        }
        if self.prices is not None:
            million = 1_000_000
            money = (prompt * self.prices.prompt + completion * self.prices.completion) / million
            found["money_at_most"] = round(money, 6)
        return found


def _print_claims(
    out: Console, model: ThreatModel, made: Plan, forecasts: tuple[Forecast, ...], unread: Unread | None
) -> None:
    from rich.table import Table

    from alignmeter.figures import percent
    from alignmeter.verdicts import unlike_users

    if not made.trials:
        out.print("No suite asks anything that this threat model allows: see `alignmeter suites list`.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("claim", overflow="fold")
    for heading in ("limit", "units", "floor", "0", "1/4", "1", "4"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("can it PASS?", overflow="fold", min_width=12)
    for one in forecasts:
        units = [f"{one.at(multiple).units:.0f}" for multiple in (0.0, 0.25, 1.0, 4.0)]
        figures = (percent(one.threshold), str(one.available), str(one.floor), *units)
        whole, _, part = one.claim.partition("/")
        label = f"  {part.partition('=')[2]}" if part else whole
        lost = unread is not None and one.claim in unread.claims
        table.add_row(label, *figures, "no: replies unread" if lost else _reach(one))
    out.print(table)
    for claim in made.design.claims:
        for said in (claim.mix, unlike_users(model, claim, made.trials)):
            if said is not None:
                out.print(f"{claim.id}: {said}")
    out.print(
        "floor: clean units before a PASS can come. 0, 1/4, 1, 4: units expected where the true rate is so "
        "many times the limit. The right column counts the judge's known error in; a rate given there passes "
        "four times in five.",
        style="dim",
    )
    if any(one.reach != "both" for one in forecasts):
        out.print(
            "A claim that cannot PASS stops asking once a FAIL is unlikely: raise its limit, add probes, or "
            "measure a better judge.",
            style="dim",
        )


def _reach(one: Forecast) -> str:
    from alignmeter.figures import lower_end, percent

    if not one.calibrated:
        return "no: no judge card"
    if one.reach == "nothing":
        return "no: judge too weak"
    if one.reach == "fail_only":
        return f"no: {one.floor - one.available} units short"
    if one.detectable is None:
        return f"{percent(one.at(0.0).p_pass)} likely at 0"
    return f"yes, up to {lower_end(one.detectable)}"


def _print_coverage(out: Console, made: Plan) -> None:
    from rich.table import Table

    if not made.coverage:
        return
    out.print()
    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "named in the threat model", "trials"):
        table.add_column(heading, justify="right" if heading == "trials" else "left")
    for item in made.coverage:
        table.add_row(item.kind, item.name, str(item.trials) if item.measured else "NOT MEASURED")
    out.print(table)


def _print_cost(out: Console, cost: _Cost) -> None:
    from rich.table import Table

    rows = {name: cost.expected(multiple) for name, multiple in _SCENARIOS.items()}
    rows["at most"] = cost.at_most()
    out.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("a target")
    for heading in ("calls", "prompt tokens", "completion tokens", "time"):
        table.add_column(heading, justify="right")
    if cost.prices is not None:
        table.add_column("money", justify="right")
    for name, row in rows.items():
        figures = [f"{row['calls']:,.0f}", f"{row['prompt_tokens']:,.0f}"]
        figures += [f"<= {row['completion_tokens_at_most']:,.0f}", _duration(row["seconds"])]
        figures += [f"<= {row['money_at_most']:.4g}"] if "money_at_most" in row else []
        table.add_row(name, *figures)
    out.print(table)
    out.print(
        f"{cost.concurrency} calls at once. A system prompt or examples come on top.",
        style="dim",
    )


def _duration(seconds: float) -> str:
    minute = 60
    return f"{seconds:.0f} s" if seconds < 2 * minute else f"{seconds / minute:.0f} min"
