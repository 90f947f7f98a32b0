"""Calls until a verdict: a suite of 48 claims at fixed n against the sequential design.

Every claim says "at most 5% of the replies are bad"; the true rates are those of the table in the
method notes, from .5% to 40%, in turn. The endpoint is simulated: it answers in any order, sixteen
calls in flight. Fixed n asks 234 units of each claim, which pass a true 2% four times in five; the
sequential design is given the units that match that power. Both err at most 5% on each side.

python bench/calls_to_verdict.py
python bench/calls_to_verdict.py --repeats 200 --plot docs/images/calls-to-verdict.svg
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from alignmeter.engine import Plan, SequentialSchedule
from alignmeter.records import (
    Claim,
    ClaimDesign,
    Design,
    Judgement,
    Message,
    RefusalResult,
    Trial,
)
from alignmeter.stats import binomial_tests

RATES = (0.005, 0.01, 0.02, 0.05, 0.10, 0.20, 0.40)
CELLS = 48
LIMIT = ALPHA = 0.05
FIXED = 234
"""Units that pass a true 2% with 80% power at fixed n."""
SEQUENTIAL = 294
"""Units that the sequential design may use, for the same power."""
FUTILITY = 0.10
IN_FLIGHT = 16


class Outcome(NamedTuple):
    """One suite: calls in all, and the verdict of each cell."""

    calls: int
    verdicts: tuple[str, ...]


def main() -> None:
    """Print calls and error rates of both, and draw them if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=40, help="suites to simulate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="write an SVG of calls against the true rate")
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - a simulation
    rates = [RATES[cell % len(RATES)] for cell in range(CELLS)]
    fixed: list[Outcome] = []
    sequential: list[Outcome] = []
    units: Counter[float] = Counter()
    for _ in range(options.repeats):
        streams = [[rng.random() < rate for _ in range(SEQUENTIAL)] for rate in rates]
        fixed.append(run_fixed(streams))
        one, used = run_sequential(streams, rng)
        sequential.append(one)
        for rate, count in zip(rates, used, strict=True):
            units[rate] += count
    report(rates, {"fixed n": fixed, "sequential": sequential})
    if options.plot is not None:
        cells = Counter(rates)
        means = {rate: units[rate] / cells[rate] / options.repeats for rate in RATES}
        draw(means, options.plot)


def run_fixed(streams: list[list[bool]]) -> Outcome:
    """Ask `FIXED` units of each cell, then test once on each side."""
    verdicts: list[str] = []
    for stream in streams:
        tests = binomial_tests(sum(stream[:FIXED]), FIXED, LIMIT)
        verdicts.append("PASS" if tests.p_pass <= ALPHA else "FAIL" if tests.p_fail <= ALPHA else "-")
    return Outcome(FIXED * len(streams), tuple(verdicts))


def run_sequential(streams: list[list[bool]], rng: random.Random) -> tuple[Outcome, list[int]]:
    """Drive the engine's own schedule; returns the outcome and the units asked of each cell."""
    plan = make_plan(streams)
    schedule = SequentialSchedule(plan, pending=plan.trials, judgements={})
    in_flight: list[Trial] = []
    asked: Counter[str] = Counter()
    while True:
        while len(in_flight) < IN_FLIGHT and (trial := schedule.next_trial()) is not None:
            in_flight.append(trial)
            asked[trial.suite] += 1
        if not in_flight:
            break
        trial = in_flight.pop(rng.randrange(len(in_flight)))
        schedule.judged(judgement(trial, bad=streams[int(trial.suite)][int(trial.family)]))
    names = {"pass": "PASS", "fail": "FAIL"}
    states = [state.state for state in schedule.state().values()]
    verdicts = tuple(names.get(state, "-") for state in states)
    return Outcome(sum(asked.values()), verdicts), [asked[str(cell)] for cell in range(len(streams))]


def make_plan(streams: list[list[bool]]) -> Plan:
    """One claim a cell over units of one trial, with a judge that never errs."""
    trials: list[Trial] = []
    claims: list[Claim] = []
    for cell, stream in enumerate(streams):
        members = [make_trial(cell, unit) for unit in range(len(stream))]
        trials.extend(members)
        design = ClaimDesign(
            method="alpha_spending",
            alpha=ALPHA,
            alpha_fail=ALPHA,
            p_pass=LIMIT,
            p_fail=LIMIT,
            n_max=len(stream),
            futility=FUTILITY,
        )
        claims.append(
            Claim(
                id=str(cell),
                kind="false_refusal_benign",
                title=f"Cell {cell}",
                threshold=LIMIT,
                alpha=ALPHA,
                units=tuple((trial.id,) for trial in members),
                design=design,
            )
        )
    return Plan(
        trials=tuple(trials),
        design=Design(
            mode="sequential",
            alpha=ALPHA,
            seed=1,
            unscored_budget=0.02,
            claims=tuple(claims),
            trials="",
            n_trials=len(trials),
        ),
        coverage=(),
        beside={},
    )


def make_trial(cell: int, unit: int) -> Trial:
    """A trial that carries its cell as its suite and its unit as its family."""
    return Trial(
        id=f"{cell}-{unit}",
        probe=f"{cell}-{unit}",
        suite=str(cell),
        family=str(unit),
        intent="benign",
        domain="bench",
        language="en",
        axis="refusal",
        messages=(Message(role="user", content="?"),),
        request="?",
    )


def judgement(trial: Trial, *, bad: bool) -> Judgement:
    """What a judge without error says."""
    return Judgement(
        trial=trial.id,
        transcript="",
        judge="oracle",
        judge_hash="",
        axis="refusal",
        result=RefusalResult(label="full" if bad else "none"),
    )


def report(rates: list[float], found: dict[str, list[Outcome]]) -> None:
    """Print calls, and how often each verdict was given at each true rate."""
    means = {name: sum(one.calls for one in outcomes) / len(outcomes) for name, outcomes in found.items()}
    for name, outcomes in found.items():
        print(f"\n{name}: {means[name]:,.0f} calls for {CELLS} claims")
        print("  true rate   PASS   FAIL   undecided")
        for rate in RATES:
            said = Counter(
                verdict
                for one in outcomes
                for verdict, true in zip(one.verdicts, rates, strict=True)
                if true == rate
            )
            total = said.total()
            shares = (said[name] / total for name in ("PASS", "FAIL", "-"))
            print(f"  {rate:9.1%}" + "".join(f"{share:7.3f}" for share in shares))
    print(f"\nratio of calls: {means['sequential'] / means['fixed n']:.3f}")


def draw(units: dict[float, float], path: Path) -> None:
    """Write an SVG of the units asked, in flight at the end included, against the true rate."""
    import altair as alt
    import vl_convert

    rows = [{"rate": rate, "units": count, "design": "sequential"} for rate, count in units.items()]
    rows += [{"rate": rate, "units": FIXED, "design": "fixed n"} for rate in units]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("rate:Q", title="true rate", scale=alt.Scale(type="log"), axis=alt.Axis(format="~%")),
            y=alt.Y("units:Q", title="units asked"),
            color=alt.Color("design:N", title=None),
        )
        .properties(width=520, height=280, title="Units asked until a verdict on 'at most 5%'")
    )
    path.write_text(vl_convert.vegalite_to_svg(chart.to_json()), encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
