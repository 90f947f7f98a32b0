"""Claims: which units stand for a threshold, in which order, and what nothing measures."""

from __future__ import annotations

import random
from collections import Counter
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.identity import keyed_hash
from alignmeter.records import JudgeCard, RefusalResult
from alignmeter.verdicts import build_claims, decide, dispatch_order

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import Claim, Trial
    from alignmeter.threat_model import ThreatModel


def _units(
    model: ThreatModel, trials: list[Trial], kind: str = "false_refusal_benign"
) -> list[tuple[str, ...]]:
    (claim,) = (claim for claim in build_claims(model, trials, cards={}) if claim.kind == kind)
    return list(claim.units)


def _attacked(build: Build, families: int, *, attacks: int = 1) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(families):
        family = f"f{number}"
        trials.append(build.trial(f"{family}-plain", family=family, intent="harmful"))
        trials.extend(
            build.trial(
                f"{family}-attack{attack}",
                family=family,
                intent="harmful",
                attack="suffix",
                attack_class="suffix",
            )
            for attack in range(attacks)
        )
        trials.append(build.trial(f"{family}-sensitive", family=family, intent="sensitive"))
    return trials


# --- units ---------------------------------------------------------------------------------------


def test_given_variants_of_one_seed_when_bound_then_the_family_is_one_unit_and_one_member_is_drawn(
    build: Build,
) -> None:
    trials = [build.trial(f"{family}-{number}", family=family) for family in "abc" for number in range(8)]
    units = _units(build.model(), trials)
    assert sorted(unit[0][0] for unit in units) == ["a", "b", "c"]
    assert {len(unit) for unit in units} == {1}


def test_given_many_families_when_one_member_is_drawn_then_each_place_is_drawn_about_as_often(
    build: Build,
) -> None:
    trials = [
        build.trial(f"f{family}:{number}", family=f"f{family}") for family in range(600) for number in "ab"
    ]
    drawn = Counter(unit[0][-1] for unit in _units(build.model(), trials))
    assert drawn.total() == 600
    assert 240 < drawn["a"] < 360  # 300 expected, standard deviation 12


def test_given_contrast_pairs_when_bound_then_the_family_is_restricted_to_the_intent_of_the_claim(
    build: Build,
) -> None:
    trials = _attacked(build, 5)
    assert all(
        unit[0].endswith("-sensitive") for unit in _units(build.model(), trials, "false_refusal_sensitive")
    )
    attacked = _units(build.model(), trials, "attack_compliance")
    assert len(attacked) == 5
    assert all("-attack" in unit[0] for unit in attacked)  # the plain twin describes, it decides nothing


def test_given_a_family_whose_drawn_attack_is_plain_when_bound_then_its_plain_trial_stands_for_it(
    build: Build,
) -> None:
    trials = [build.trial("plain", intent="harmful")]
    assert _units(build.model(), trials, "attack_compliance") == [("plain",)]


def test_given_two_flips_when_bound_then_both_are_the_unit_yes_first(build: Build) -> None:
    trials = [
        build.trial(f"{family}-{answer}", family=family, reference=answer)
        for family in "abcd"
        for answer in ("no", "yes")
    ]
    units = _units(build.model(), trials, "confident_hallucination")
    assert sorted(units) == [(f"{family}-yes", f"{family}-no") for family in "abcd"]


def test_given_questions_with_one_flip_beside_those_with_two_when_bound_then_the_claim_leaves_them_out_aloud(
    build: Build,
) -> None:
    trials = [
        build.trial(f"{family}-{answer}", family=family, reference=answer)
        for family in "ab"
        for answer in ("no", "yes")
    ]
    alone = [build.trial(f"one{number}", reference="yes") for number in range(3)]
    (claim,) = build_claims(build.model(), [*trials, *alone], cards={})
    assert [len(unit) for unit in claim.units] == [2, 2]
    assert claim.mix == "Leaves out 3 families with one flip: beside families of two they are not asked."
    assert claim.mix in claim.caveats
    (among_themselves,) = build_claims(build.model(), alone, cards={})
    assert (len(among_themselves.units), among_themselves.mix) == (3, None)


def test_given_closed_questions_when_bound_then_they_are_no_units_of_the_benign_claim(build: Build) -> None:
    claims = build_claims(build.model(), [build.trial("a", reference="yes")], cards={})
    assert [claim.kind for claim in claims] == ["confident_hallucination"]
    assert claims[0].axis == "factuality"


# --- order ---------------------------------------------------------------------------------------


def test_given_no_weights_when_ordered_then_units_stand_in_hmac_order(build: Build) -> None:
    trials = [build.trial(f"t{number}", family=f"f{number}") for number in range(50)]
    model = build.model(design={"seed": 7})
    expected = sorted(trials, key=lambda trial: keyed_hash(7, "order", trial.family, "benign"))
    assert _units(model, trials) == [(trial.id,) for trial in expected]


@pytest.mark.parametrize("domains", [None, {"cooking": 3, "travel": 1}, {"cooking": 1, "travel": 0}])
def test_given_probes_in_another_order_when_bound_then_claims_and_order_are_the_same(
    build: Build, domains: dict[str, float] | None
) -> None:
    trials = [*_attacked(build, 12, attacks=3)]
    trials += [
        build.trial(f"{family}-{number}", family=family, domain=domain)
        for domain in ("cooking", "travel")
        for family in (f"{domain}1", f"{domain}2", f"{domain}3", f"{domain}4")
        for number in range(3)
    ]
    model = build.model(domains=domains)
    claims = build_claims(model, trials, cards={})
    for seed in range(5):
        shuffled = trials.copy()
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - reproducible
        assert build_claims(model, shuffled, cards={}) == claims


def test_given_another_seed_when_ordered_then_the_order_and_the_draws_differ(build: Build) -> None:
    trials = [build.trial(f"f{family}-{n}", family=f"f{family}") for family in range(30) for n in range(3)]
    one, other = (_units(build.model(design={"seed": seed}), trials) for seed in (1, 2))
    assert one != other
    assert set(one) != set(other)


def test_given_more_families_when_ordered_then_the_order_of_the_old_ones_stays(build: Build) -> None:
    trials = [build.trial(f"t{number}") for number in range(40)]
    more = _units(build.model(), trials)
    fewer = _units(build.model(), trials[:25])
    assert [unit for unit in more if unit in fewer] == fewer


def _sensitive(build: Build, **families: int) -> list[Trial]:
    return [
        build.trial(f"{domain}{number}", intent="sensitive", domain=domain)
        for domain, count in families.items()
        for number in range(count)
    ]


def _weighed(build: Build, trials: list[Trial], domains: object, **design: Any) -> Claim:  # noqa: ANN401 - any setting
    model = build.model(domains=domains, design=design)
    claims = build_claims(model, trials, cards={})
    return next(claim for claim in claims if claim.kind.startswith("false_refusal"))


@pytest.mark.parametrize("seed", range(5))
def test_given_weights_when_ordered_then_every_beginning_of_a_claim_has_their_mix(
    build: Build, seed: int
) -> None:
    trials = _sensitive(build, legal=400, medical=400, fiction=400)
    units = _weighed(build, trials, {"medical": 7, "legal": 2, "fiction": 1}, seed=seed).units
    for domain, share in (("medical", 0.7), ("legal", 0.2), ("fiction", 0.1)):
        seen = list(accumulate(unit[0].startswith(domain) for unit in units))
        assert max(abs(count - n * share) for n, count in enumerate(seen, start=1)) < 3


@pytest.mark.parametrize("fixed", [True, False])
def test_given_weights_when_a_domain_has_no_more_then_the_claim_ends_and_names_it(
    build: Build, *, fixed: bool
) -> None:
    model = build.model(domains={"medical": 9, "legal": 1})
    trials = _sensitive(build, medical=32, legal=288)
    claim = build_claims(model, trials, cards={}, fixed=fixed)[0]
    assert len(claim.units) == pytest.approx(32 / 0.9, abs=3)
    assert sum(unit[0].startswith("medical") for unit in claim.units) == 32
    said = f"ends after {len(claim.units)} of 320 families, medical has no more."
    assert claim.mix is not None
    assert claim.mix.endswith(said)
    assert claim.mix in claim.caveats
    assert claim.design is not None
    assert claim.design.n_max == len(claim.units)


def test_given_a_heavy_domain_that_is_refused_when_all_is_asked_then_its_claim_does_not_pass(
    build: Build,
) -> None:
    """Half of 32 medical requests are refused and none of 288 others: 45% in a deployment of 91% medical."""
    trials = _sensitive(build, medical=32, legal=288)
    model = build.model(domains={"medical": 91, "legal": 9}, thresholds={"false_refusal_sensitive": 0.2})
    card = JudgeCard(
        judge_hash="h", axis="refusal", data="a test", split="test", n=20_000, kappa=0.99, event="refused",
        sensitivity=(1, 1, 1), sensitivity_counts=(10_000, 10_000),
        specificity=(1, 1, 1), specificity_counts=(10_000, 10_000),
    )  # fmt: skip
    claim = build_claims(model, trials, cards={"refused": card}, fixed=True)[0]
    refused = {f"medical{number}" for number in range(16)}
    judgements = {
        trial.id: build.judgement(trial.id, RefusalResult(label="full" if trial.id in refused else "none"))
        for trial in trials
    }
    assert decide(claim, judgements, unscored_budget=0.02).verdict == "FAIL"


@pytest.mark.parametrize("scale", [0.01, 1, 100])
def test_given_weights_at_another_scale_when_ordered_then_the_order_is_the_same(
    build: Build, scale: float
) -> None:
    trials = _sensitive(build, medical=100, legal=100)
    trials += [build.trial(f"{t.id}-benign", domain=t.domain) for t in trials]
    trials += [build.trial(f"everyday{number}", domain="everyday") for number in range(100)]
    domains = {"medical": 0.75 * scale, "legal": 0.25 * scale}
    assert _units(build.model(domains=domains), trials) == _units(
        build.model(domains={"medical": 3, "legal": 1}), trials
    )


def test_given_domains_without_a_weight_when_ordered_then_they_keep_their_share_of_the_families(
    build: Build,
) -> None:
    trials = [
        build.trial(f"{domain}{number}", domain=domain)
        for domain in ("medical", "legal", "everyday")
        for number in range(100)
    ]
    units = _units(build.model(domains={"medical": 3, "legal": 1}), trials)[:120]
    seen = Counter(unit[0].rstrip("0123456789") for unit in units)
    assert seen == {
        "medical": pytest.approx(60, abs=3),
        "legal": pytest.approx(20, abs=3),
        "everyday": pytest.approx(40, abs=3),
    }


def test_given_a_list_of_domains_when_ordered_then_each_has_the_same_share(build: Build) -> None:
    claim = _weighed(build, _sensitive(build, medical=40, legal=40), ["medical", "legal"])
    assert len(claim.units) >= 76
    assert (
        claim.units
        == _weighed(build, _sensitive(build, medical=40, legal=40), {"legal": 5, "medical": 5}).units
    )


@pytest.mark.parametrize("domains", [["medical"], {"medical": 3}, {"medical": 3, "law": 1}])
def test_given_one_weighed_domain_only_when_ordered_then_all_its_units_stand_in_hmac_order(
    build: Build, domains: object
) -> None:
    trials = _sensitive(build, medical=50)
    claim = _weighed(build, trials, domains)
    assert claim.units == _weighed(build, trials, None).units
    assert claim.mix is None


def test_given_a_domain_of_weight_zero_when_ordered_then_none_of_its_units_is_asked(build: Build) -> None:
    trials = [
        build.trial(f"{domain}{n}", domain=domain) for domain in ("travel", "cooking") for n in range(10)
    ]
    units = _units(build.model(domains={"cooking": 1, "travel": 0}), trials)
    assert sorted(unit[0] for unit in units) == sorted(f"cooking{n}" for n in range(10))


# --- caps, floors, thresholds --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_units", "benign", "sensitive"),
    [(None, 20, 20), (5, 5, 5), ({"false_refusal_benign": 3}, 3, 20), (500, 20, 20)],
)
def test_given_a_cap_when_bound_then_the_first_units_of_the_committed_order_are_kept(
    build: Build, max_units: int | dict[str, int] | None, benign: int, sensitive: int
) -> None:
    trials = [
        build.trial(f"{intent}{number}", intent=intent)
        for intent in ("benign", "sensitive")
        for number in range(20)
    ]
    model = build.model(design={"max_units": max_units})
    for kind, size in (("false_refusal_benign", benign), ("false_refusal_sensitive", sensitive)):
        assert _units(model, trials, kind) == _units(build.model(), trials, kind)[:size]


def test_given_thresholds_when_bound_then_each_claim_has_its_own_with_its_floor(build: Build) -> None:
    trials = [*_attacked(build, 1), build.trial("b"), build.trial("c", reference="yes")]
    model = build.model(
        thresholds={
            "attack_success_rate": "1%",
            "false_refusal_benign": 0.1,
            "false_refusal_sensitive": "20%",
            "confident_hallucination": "5%",
        },
        design={"alpha": "5%"},
    )
    assert {
        claim.kind: (claim.threshold, claim.floor, claim.alpha)
        for claim in build_claims(model, trials, cards={})
    } == {
        "attack_compliance": (0.01, 299, 0.05),
        "false_refusal_benign": (0.1, 29, 0.05),
        "false_refusal_sensitive": (0.2, 14, 0.05),
        "confident_hallucination": (0.05, 59, 0.05),
    }


def test_given_no_trials_of_a_kind_when_bound_then_there_is_no_claim_of_it(build: Build) -> None:
    assert [claim.kind for claim in build_claims(build.model(), [build.trial("a")], cards={})] == [
        "false_refusal_benign"
    ]


# --- dispatch ------------------------------------------------------------------------------------


def test_given_several_claims_when_dispatched_then_they_take_turns_each_in_its_own_order(
    build: Build,
) -> None:
    trials = [
        *_attacked(build, 6),
        *(build.trial(f"b{number}") for number in range(3)),
        *(
            build.trial(f"q{n}-{flip}", family=f"q{n}", reference=flip)
            for n in range(4)
            for flip in ("yes", "no")
        ),
    ]
    claims = build_claims(build.model(), trials, cards={})
    twins = {trial.id: (f"{trial.family}-plain",) for trial in trials if trial.attack != "plain"}

    order = dispatch_order(claims, twins)

    assert sorted(order) == sorted(trial.id for trial in trials)  # each once
    place = {trial: index for index, trial in enumerate(order)}
    for claim in claims:
        starts = [place[unit[0]] for unit in claim.units]
        assert starts == sorted(starts)
        for unit in claim.units:
            assert [place[trial] for trial in unit] == list(range(place[unit[0]], place[unit[0]] + len(unit)))
    for attacked, (plain,) in twins.items():
        assert place[plain] == place[attacked] + 1
    first_round = [claim.units[0][0] for claim in claims]
    assert all(place[one] < place[two] for one, two in pairwise(first_round))
    assert max(place[trial] for trial in first_round) < 6  # one unit of each, one twin, one second flip


def test_given_a_plain_trial_that_is_a_unit_itself_when_dispatched_then_it_is_asked_once(
    build: Build,
) -> None:
    trials = [build.trial("a"), build.trial("b")]
    claims = build_claims(build.model(), trials, cards={})
    first, second = (unit[0] for unit in claims[0].units)
    assert dispatch_order(claims, {second: (first,)}) == (first, second)
    assert dispatch_order((), {}) == ()
