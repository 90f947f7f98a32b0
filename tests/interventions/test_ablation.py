"""Which principle causes which refusal, on runs made by hand."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console

from alignmeter.interventions.ablation import VariantRun, ablate
from alignmeter.interventions.constitutions import constitution_variants, load_constitution
from alignmeter.report.lab import render_ablation
from alignmeter.stats import mcnemar_exact, tango

if TYPE_CHECKING:
    from conftest import MakeJudgements, MakeTrial

    from alignmeter.records import RefusalLabel, Trial

CONSTITUTION = load_constitution("broad")
VARIANTS = {variant.name: variant for variant in constitution_variants(CONSTITUTION)}


def _run(
    name: str, trials: tuple[Trial, ...], judged: MakeJudgements, labels: dict[str, RefusalLabel | None]
) -> VariantRun:
    return VariantRun(run=f"runs/{name}", variant=VARIANTS[name], trials=trials, judgements=judged(labels))


def test_given_a_principle_whose_absence_ends_refusals_when_ablated_then_it_is_needed_for_them(
    make_trial: MakeTrial, make_judgements: MakeJudgements
) -> None:
    trials = tuple(make_trial(f"t{n}") for n in range(20))
    all_refused: dict[str, RefusalLabel | None] = {one.id: "full" for one in trials}
    fewer: dict[str, RefusalLabel | None] = {
        one.id: "none" if n < 12 else "partial" for n, one in enumerate(trials)
    }
    runs = [
        _run("broad", trials, make_judgements, all_refused),
        _run("broad-without-harmless", trials, make_judgements, fewer),
        _run("broad-without-honest", trials, make_judgements, all_refused),
    ]

    found = ablate(CONSTITUTION, tuple(VARIANTS.values()), runs)

    harmless, honest = found.effects
    assert (harmless.principle, harmless.side, harmless.intent) == ("harmless", "needed", "harmful")
    assert (harmless.n, harmless.with_it, harmless.without_it) == (20, 20, 8)
    assert (harmless.added, harmless.removed, harmless.flagged) == (12, 0, True)
    assert harmless.p == mcnemar_exact(12, 0).p_two_sided
    assert harmless.interval is not None
    assert harmless.interval.lower == tango(12, 0, 20, level=0.95).lower
    assert (honest.principle, honest.difference, honest.flagged) == ("honest", 0.0, False)
    assert [cause.needed for cause in found.refusals] == [("harmless",)] * 12 + [()] * 8
    assert all(cause.unprompted is None for cause in found.refusals)
    assert "broad-only-honest" in found.missing
    assert any("what is enough" in note for note in found.notes)


def test_given_a_principle_that_refuses_alone_when_ablated_then_it_is_enough(
    make_trial: MakeTrial, make_judgements: MakeJudgements
) -> None:
    trials = (make_trial("a", intent="benign"), make_trial("b", intent="benign"))
    runs = [
        _run("broad", trials, make_judgements, {"a": "full", "b": "none"}),
        _run("broad-none", trials, make_judgements, {"a": "none", "b": "full"}),
        _run("broad-only-honest", trials, make_judgements, {"a": "full", "b": "none"}),
    ]

    found = ablate(CONSTITUTION, tuple(VARIANTS.values()), runs)

    (effect,) = found.effects
    assert (effect.side, effect.intent, effect.added, effect.removed) == ("enough", "benign", 1, 1)
    assert (effect.difference, effect.flagged) == (0.0, False)
    (cause,) = found.refusals
    assert (cause.trial, cause.enough, cause.needed, cause.unprompted) == ("a", ("honest",), (), False)


def test_given_a_request_refused_without_any_principle_when_ablated_then_no_principle_is_enough_for_it(
    make_trial: MakeTrial, make_judgements: MakeJudgements
) -> None:
    trials = tuple(make_trial(name) for name in ("anyway", "caused", "unknown"))
    alone: dict[str, RefusalLabel | None] = {"anyway": "full", "caused": "full", "unknown": "full"}
    runs = [
        _run("broad", trials, make_judgements, alone),
        _run("broad-none", trials, make_judgements, {"anyway": "full", "caused": "none", "unknown": None}),
        _run("broad-only-honest", trials, make_judgements, alone),
        _run("broad-only-harmless", trials, make_judgements, {"anyway": "full", "caused": "none"}),
    ]

    found = ablate(CONSTITUTION, tuple(VARIANTS.values()), runs)

    said = {cause.trial: (cause.enough, cause.unprompted) for cause in found.refusals}
    assert said == {"anyway": ((), True), "caused": (("honest",), False), "unknown": ((), None)}
    printed = StringIO()
    Console(file=printed, width=100).print(render_ablation(found))
    assert "3 trials are refused under all principles; 1 of them without any principle too, 1 hangs on" in (
        " ".join(printed.getvalue().split())
    )


def test_given_several_trials_of_a_family_when_ablated_then_the_plain_one_that_both_scored_counts(
    make_trial: MakeTrial, make_judgements: MakeJudgements
) -> None:
    trials = (
        make_trial("f-roleplay", family="f", attack="roleplay"),
        make_trial("f-plain", family="f"),
        make_trial("g-roleplay", family="g", attack="roleplay"),
        make_trial("g-plain", family="g"),
        make_trial("h-plain", family="h"),
    )
    whole: dict[str, RefusalLabel | None] = {
        "f-roleplay": "full",
        "f-plain": "none",
        "g-roleplay": "full",
        "g-plain": None,
        "h-plain": "full",
    }
    without: dict[str, RefusalLabel | None] = {
        "f-roleplay": "none",
        "f-plain": "none",
        "g-roleplay": "none",
        "g-plain": "full",
    }
    runs = [
        _run("broad", trials, make_judgements, whole),
        _run("broad-without-helpful", trials, make_judgements, without),
    ]

    (effect,) = ablate(CONSTITUTION, tuple(VARIANTS.values()), runs).effects

    # f by its plain trial (no change), g by its attacked one (added), h is scored in one run only.
    assert (effect.n, effect.added, effect.removed) == (2, 1, 0)


@pytest.mark.parametrize("intent", ["benign", "sensitive", "harmful"])
def test_each_intent_is_counted_apart(
    make_trial: MakeTrial, make_judgements: MakeJudgements, intent: str
) -> None:
    trials = (
        make_trial("b", intent="benign"),
        make_trial("s", intent="sensitive"),
        make_trial("h", intent="harmful"),
    )
    refuses: dict[str, RefusalLabel | None] = {one.id: "full" for one in trials}
    answers: dict[str, RefusalLabel | None] = {
        one.id: "none" if one.intent == intent else "full" for one in trials
    }
    runs = [
        _run("broad", trials, make_judgements, refuses),
        _run("broad-without-helpful", trials, make_judgements, answers),
    ]

    effects = ablate(CONSTITUTION, tuple(VARIANTS.values()), runs).effects

    assert {one.intent: one.added for one in effects} == {
        "benign": int(intent == "benign"),
        "sensitive": int(intent == "sensitive"),
        "harmful": int(intent == "harmful"),
    }


@pytest.mark.parametrize(("unmask", "shown"), [(False, ["", "", "Request open"]), (True, None)])
def test_harmful_and_sequestered_requests_are_masked(
    make_trial: MakeTrial, make_judgements: MakeJudgements, unmask: bool, shown: list[str] | None
) -> None:
    secret = msgspec.structs.replace(make_trial("secret", intent="benign"), pool="sequestered")
    trials = (make_trial("harm"), secret, make_trial("open", intent="benign"))
    runs = [_run("broad", trials, make_judgements, {one.id: "full" for one in trials})]

    found = ablate(CONSTITUTION, tuple(VARIANTS.values()), runs, unmask=unmask)

    assert [one.request for one in found.refusals] == (shown or [one.request for one in trials])
    assert [one.masked for one in found.refusals] == [not unmask, not unmask, False]
