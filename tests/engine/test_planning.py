"""Planning: from a threat model and probes to trials that are fixed before the first call."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.engine import SMOKE_TRIALS, prompt_tokens, render
from alignmeter.errors import InputError
from alignmeter.identity import design_hash, trial_id
from alignmeter.suites import load_catalogue
from alignmeter.verdicts import expected_units

if TYPE_CHECKING:
    from conftest import Lab


def test_given_two_probes_that_ask_the_same_when_planned_then_both_are_named(lab: Lab) -> None:
    probes = [
        lab.probe("a", prompt="How long do eggs boil?"),
        lab.probe("b", prompt="How long do eggs boil?"),
    ]
    with pytest.raises(InputError, match="probes 'a' and 'b' render to the same trial"):
        lab.plan_of(lab.model(), probes)


def test_given_harmful_probes_when_planned_then_each_is_asked_attacked_and_plain_side_by_side(
    lab: Lab,
) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(harmful=20))
    assert len(plan.trials) == 40
    for attacked, plain in zip(plan.trials[::2], plan.trials[1::2], strict=True):
        assert attacked.probe == plain.probe
        assert attacked.attack_class in {"roleplay", "hierarchy", "suffix", "many_shot"}
        assert (plain.attack, plain.attack_class, plain.attack_seed) == ("plain", "plain", None)
        assert [message.content for message in plain.messages] == [f"Tell me about {plain.probe}."]
        assert attacked.request == plain.request
    (claim,) = plan.design.claims
    assert [unit[0] for unit in claim.units] == [trial.id for trial in plan.trials[::2]]


@pytest.mark.parametrize(
    ("adversaries", "expected"),
    [
        ({"paired_plain": False}, 20),
        ({"attacks": ["plain"]}, 20),
        ({"attacks": {"roleplay": 1, "plain": 0}}, 40),
    ],
)
def test_given_other_adversaries_when_planned_then_twins_are_asked_only_where_they_are_twins(
    lab: Lab, adversaries: dict[str, Any], expected: int
) -> None:
    assert len(lab.plan_of(lab.model(adversaries=adversaries), lab.probes(harmful=20)).trials) == expected


def test_given_weights_when_attacks_are_drawn_then_they_follow_them(lab: Lab) -> None:
    adversaries = {"attacks": {"roleplay": 3, "suffix": 1, "many_shot": 0}, "paired_plain": False}
    plan = lab.plan_of(lab.model(adversaries=adversaries), lab.probes(harmful=400))
    drawn = Counter(trial.attack for trial in plan.trials)
    assert set(drawn) == {"roleplay", "suffix"}
    assert 265 < drawn["roleplay"] < 335  # 300 expected, standard deviation 9


def test_given_the_same_probes_in_another_order_when_planned_then_the_plan_is_the_same(lab: Lab) -> None:
    probes = lab.probes(10, sensitive=10, harmful=10)
    one, other = lab.plan_of(lab.model(), probes), lab.plan_of(lab.model(), probes[::-1])
    assert one.trials == other.trials
    assert design_hash(one.design) == design_hash(other.design)
    assert one.design.n_trials == len(one.trials) == 40


def test_given_another_seed_when_planned_then_the_design_is_another(lab: Lab) -> None:
    probes = lab.probes(harmful=30)
    one, other = (lab.plan_of(lab.model(design={"seed": seed}), probes) for seed in (1, 2))
    assert {trial.id for trial in one.trials} != {trial.id for trial in other.trials}
    assert design_hash(one.design) != design_hash(other.design)


def test_given_a_trial_when_rendered_then_its_id_is_that_of_its_content(lab: Lab) -> None:
    for attack in ("plain", "many_shot"):
        trial = render(lab.probe("a", intent="harmful"), attack, lab.model())
        assert trial.id == trial_id(trial.messages, attack_seed=trial.attack_seed)


def test_given_the_smoke_run_when_planned_then_it_is_the_first_twenty_trials_without_claims(lab: Lab) -> None:
    probes = lab.probes(30, sensitive=30, harmful=30)
    whole, smoke = lab.plan_of(lab.model(), probes), lab.plan_of(lab.model(), probes, mode="smoke")
    assert SMOKE_TRIALS == 20
    assert smoke.trials == whole.trials[:20]
    assert smoke.design.claims == ()
    assert smoke.design.mode == "smoke"
    assert design_hash(smoke.design) != design_hash(whole.design)


def test_given_what_a_deployment_never_meets_when_planned_then_it_is_not_asked_but_benign_requests_are(
    lab: Lab,
) -> None:
    probes = [
        lab.probe("benign-other", domain="travel"),
        lab.probe("in", intent="sensitive", domain="medical", hazard="drugs"),
        lab.probe("other domain", intent="sensitive", domain="legal", hazard="drugs"),
        lab.probe("weight zero", intent="sensitive", domain="finance", hazard="drugs"),
        lab.probe("other hazard", intent="sensitive", domain="medical", hazard="fraud"),
        lab.probe("other language", language="de"),
        lab.probe("question", axis="factuality", reference="yes", domain="legal"),
    ]
    model = lab.model(domains={"medical": 1, "finance": 0}, hazards=["drugs"])
    assert {trial.probe for trial in lab.plan_of(model, probes).trials} == {"benign-other", "in"}
    assert len(lab.plan_of(lab.model(), probes).trials) == 6  # nothing named: everything in English


def test_given_things_that_nothing_measures_when_planned_then_they_are_claims_and_no_trials(
    lab: Lab,
) -> None:
    model = lab.model(
        languages={"en": 0.6, "tr": 0.4},
        domains=["cooking", "space"],
        hazards=["weapons"],
        formats=["browsing"],
    )
    plan = lab.plan_of(model, lab.probes(5))
    missing = [claim.id for claim in plan.design.claims if claim.kind == "coverage"]
    assert missing == [
        "coverage:language:tr",
        "coverage:domain:space",
        "coverage:hazard:weapons",
        "coverage:format:browsing",
    ]
    assert [item.name for item in plan.coverage if item.measured] == ["en", "cooking"]
    assert len(plan.trials) == 5


def test_given_a_plan_when_its_prompts_are_estimated_then_longer_prompts_count_more(lab: Lab) -> None:
    short = lab.plan_of(lab.model(), [lab.probe("a", prompt="x" * 40)])
    long = lab.plan_of(lab.model(), [lab.probe("a", prompt="x" * 400)])
    assert (prompt_tokens(short.trials), prompt_tokens(long.trials)) == (10, 100)


# --- what a run is expected to ask ---------------------------------------------------------------


def test_given_draws_of_the_first_families_when_expected_then_they_are_counted_where_they_are_asked(
    lab: Lab,
) -> None:
    model = lab.model(adversaries={"best_of_n": {"draws": 50, "families": 4}})
    plan = lab.plan_of(model, lab.probes(harmful=200), mode="sequential")
    (claim,) = plan.design.claims
    units = expected_units(claim, 0.0)
    assert 4 < units < 200
    assert len(plan.expected(0.0)) == units * 2 + 4 * 50


def test_given_parts_that_share_their_trials_when_expected_then_each_is_asked_once(lab: Lab) -> None:
    design = {"split": {"false_refusal_benign": ["language", "format", "domain"]}}
    whole = lab.plan_of(lab.model(), lab.probes(100), mode="sequential")
    parts = lab.plan_of(lab.model(design=design), lab.probes(100), mode="sequential")
    assert len(parts.design.claims) == 4
    assert len(parts.expected(0.25)) < 1.2 * len(whole.expected(0.25))
    assert len(parts.expected(4.0)) <= len(parts.trials)


def test_given_tasks_when_expected_then_all_of_them_are_and_the_plan_is_in_dispatch_order(lab: Lab) -> None:
    tasks = load_catalogue(["capability"])[:30]
    model = lab.model(suites=["triad", "capability"])
    plan = lab.plan_of(model, [*lab.probes(200), *tasks], mode="sequential")
    expected = plan.expected(0.0)
    assert len(plan.tasks) == 30
    assert set(plan.tasks) <= {trial.id for trial in expected}
    assert len(expected) == expected_units(plan.design.claims[0], 0.0) + 30
    assert [trial for trial in plan.trials if trial in expected] == list(expected)


def test_given_languages_that_are_compared_when_expected_then_their_pairs_are_counted(lab: Lab) -> None:
    probes = [
        lab.probe(f"{language}{n}", family=f"f{n}", language=language, intent="sensitive")
        for n in range(120)
        for language in ("en", "sw")
    ]
    model = lab.model(languages={"en": 0.999, "sw": 0.001})
    plan = lab.plan_of(model, probes, mode="sequential")
    rate, gap = plan.design.claims
    pairs = expected_units(gap, 0.0)
    assert gap.floor <= pairs < len(gap.units)
    asked = {trial for unit in rate.units[: expected_units(rate, 0.0)] for trial in unit}
    asked.update(trial for unit in gap.units[:pairs] for trial in unit)
    assert {trial.id for trial in plan.expected(0.0)} == asked


def test_given_a_run_that_asks_everything_when_expected_then_everything_is(lab: Lab) -> None:
    plan = lab.plan_of(lab.model(), lab.probes(30, sensitive=30, harmful=30))
    assert plan.expected(0.0) == plan.expected(4.0) == plan.trials
