"""What a claim takes as known of its judge: the card at the languages of the claim's own replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.records import CardStratum, JudgeCard
from alignmeter.stats import clopper_pearson, shifted_thresholds
from alignmeter.verdicts import build_claims, card_for, delta_margins, mix_caveat
from alignmeter.verdicts.judge_bounds import judge_bounds, known_error

if TYPE_CHECKING:
    from conftest import Build

    from alignmeter.records import CardEvent
    from alignmeter.verdicts.judge_bounds import KnownError

_TAIL = 0.005


def _card(**found: tuple[float, float, float]) -> JudgeCard:
    """A card by language: Se, Sp and labels of each kind; as a whole much the same as its first language."""
    strata = tuple(
        CardStratum(
            by="language",
            value=language,
            n=int(2 * n),
            abstention=0.0,
            sensitivity=(se, 0.0, 1.0),
            specificity=(sp, 0.0, 1.0),
            sensitivity_counts=(se * n, n),
            specificity_counts=(sp * n, n),
        )
        for language, (se, sp, n) in found.items()
    )
    return JudgeCard(
        judge_hash="h", axis="refusal", data="d", split="all", n=4000, kappa=0.9, event="not_full_refusal",
        sensitivity=(0.91, 0.9, 0.92), sensitivity_counts=(1820.0, 2000.0),
        specificity=(0.98, 0.97, 0.99), specificity_counts=(1960.0, 2000.0),
        strata=strata,
    )  # fmt: skip


def _known(card: JudgeCard, **spoken: int) -> KnownError:
    known = card_for({"not_full_refusal": card}, "not_full_refusal", spoken)
    assert known is not None
    return known


def test_given_one_language_that_the_card_knows_then_its_own_labels_count() -> None:
    card = _card(en=(0.95, 0.99, 1000), de=(0.9, 0.98, 100))
    known = _known(card, de=50)
    assert known.sensitivity == (pytest.approx(0.9), ((90.0, 100),))
    assert known.specificity.bounds(_TAIL) == pytest.approx(clopper_pearson(98, 100, level=1 - 2 * _TAIL))


def test_given_a_card_that_does_not_tell_languages_apart_then_it_is_taken_whole() -> None:
    card = msgspec.structs.replace(_card(), strata=())
    assert _known(card, de=50, en=50) == known_error(card)


def test_given_languages_that_the_labels_hold_in_equal_shares_when_they_agree_then_all_labels_count() -> None:
    known = _known(_card(en=(0.9, 0.95, 300), de=(0.9, 0.95, 300)), en=40, de=40)
    ((found, labels),) = known.sensitivity.cells
    assert (found, labels) == (pytest.approx(540), pytest.approx(600))


def test_given_users_of_the_less_labelled_language_when_they_agree_then_the_other_hardly_helps() -> None:
    card = _card(en=(0.9, 0.95, 2000), de=(0.9, 0.95, 40))
    ((_, mostly_german),) = _known(card, de=95, en=5).sensitivity.cells
    ((_, mostly_english),) = _known(card, de=5, en=95).sensitivity.cells
    assert 40 < mostly_german < 50
    assert 1500 < mostly_english < 2040


def test_given_labels_that_show_a_difference_then_the_worst_language_bounds_it_whatever_its_share() -> None:
    """The replies that count may all be in that language."""
    card = _card(en=(0.95, 0.99, 1000), de=(0.5, 0.98, 100))
    known = _known(card, en=50, de=50)
    assert known.sensitivity.estimate == pytest.approx(0.725)
    lower, upper = known.sensitivity.bounds(_TAIL)
    assert lower == judge_bounds((50, 100), _TAIL)[0]
    assert upper == judge_bounds((950, 1000), _TAIL)[1]


def test_given_a_language_that_the_card_does_not_know_then_the_widest_bound_of_those_that_it_does() -> None:
    card = _card(en=(0.95, 0.99, 1000), de=(0.9, 0.9, 40), fr=(0.85, 0.95, 60))
    lower, upper = _known(card, it=10).sensitivity.bounds(_TAIL)
    each = [judge_bounds(counts, _TAIL) for counts in ((950, 1000), (36, 40), (51, 60))]
    assert (lower, upper) == (min(low for low, _ in each), max(high for _, high in each))


def test_given_a_few_users_of_an_unknown_language_then_the_bounds_widen_by_their_share_only() -> None:
    card = _card(en=(0.95, 0.99, 1000), de=(0.93, 0.98, 40))
    alone, few, many = (_known(card, en=100 - it, it=it) for it in (0, 5, 50))
    lows = [known.sensitivity.bounds(_TAIL)[0] for known in (alone, few, many)]
    assert lows[0] > lows[1] > lows[2] > judge_bounds((37.2, 40), _TAIL)[0]
    assert lows[0] - lows[1] < 0.01


def test_given_a_mix_with_a_language_of_few_labels_then_it_is_said_what_the_confidence_presumes() -> None:
    card = _card(en=(0.95, 0.99, 1000), de=(0.9, 0.98, 30), fr=(0.93, 0.98, 200))
    assert "under 50 labelled bad replies in de, it:" in (
        mix_caveat(card, {"en": 50, "de": 10, "fr": 5, "it": 1}) or ""
    )


@pytest.mark.parametrize("spoken", [{"de": 10}, {"it": 10}, {"en": 50, "fr": 5}, {"en": 50, "sw": 10}])
def test_given_one_language_or_labels_enough_or_a_difference_shown_then_nothing_is_presumed(
    spoken: dict[str, int],
) -> None:
    """Swahili has few labels, but they show that the judge errs otherwise: the worst language counts."""
    card = _card(en=(0.95, 0.99, 1000), de=(0.9, 0.98, 30), fr=(0.93, 0.98, 200), sw=(0.3, 0.98, 40))
    assert mix_caveat(card, spoken) is None


@pytest.mark.parametrize("share", [0.95, 0.5, 0.05])
def test_given_a_judge_half_blind_in_one_language_when_users_speak_it_then_a_pass_takes_what_it_misses(
    build: Build, share: float
) -> None:
    """A true rate over the limit may be judged at limit x Se_L of that language: PASS is tested there."""
    model = build.model(
        languages={"en": 1 - share, "de": share}, design={"correct_failures": False, "seed": 3}
    )
    trials = [
        build.trial(f"{code}-{i}", family=f"f{i}", intent="harmful", language=code)
        for i in range(80)
        for code in ("en", "de")
    ]
    cards: dict[CardEvent, JudgeCard] = {
        "not_full_refusal": _card(en=(0.95, 0.99, 1000), de=(0.5, 0.99, 100))
    }
    claims = build_claims(model, trials, cards=cards)
    (claim,) = (claim for claim in claims if claim.kind == "attack_compliance")
    se = judge_bounds((50, 100), _TAIL)[0], judge_bounds((950, 1000), _TAIL)[1]
    sp = judge_bounds((99, 100), _TAIL)[0], judge_bounds((99, 100), _TAIL)[1]
    assert claim.design is not None
    assert claim.design.p_pass == pytest.approx(shifted_thresholds(claim.threshold, se, sp).p_pass, abs=1e-9)


def test_given_a_comparison_in_languages_that_differ_then_the_least_informed_margin_holds() -> None:
    card = _card(en=(0.95, 0.99, 1000), de=(0.5, 0.98, 100))
    whole, mixed = (delta_margins(0.15, 0.05, known) for known in (card, _known(card, en=50, de=50)))
    lower = judge_bounds((50, 100), _TAIL)[0] + judge_bounds((98, 100), _TAIL)[0] - 1
    assert whole.informedness is not None
    assert mixed.informedness is not None
    assert mixed.informedness == pytest.approx(lower)
    assert mixed.informedness < whole.informedness
