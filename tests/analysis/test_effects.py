"""What a class of attacks changes: a paired difference with the plain twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.analysis import effects
from alignmeter.records import (
    FactualityResult,
    HarmResult,
    Judgement,
    Message,
    RefusalResult,
    Trial,
    Unscored,
)
from alignmeter.stats import tango

if TYPE_CHECKING:
    from alignmeter.records import Axis, Effect, JudgementResult

_COMPLIED, _PARTLY, _REFUSED = (RefusalResult(label=label) for label in ("none", "partial", "full"))
_LOST = Unscored(reason="target_error")


class _Run:
    """Trials with their answers, built pair by pair."""

    def __init__(self, axis: Axis = "refusal") -> None:
        self.axis: Axis = axis
        self.trials: list[Trial] = []
        self.judgements: dict[str, Judgement] = {}

    def ask(self, family: str, attack_class: str, result: JudgementResult | None, **fields: Any) -> None:  # noqa: ANN401
        """Add one trial; without a result it was not asked."""
        about: dict[str, Any] = {"probe": family, "epoch": 0, "intent": "harmful"} | fields
        name = about.pop("id", f"{about['probe']} {attack_class} {about['epoch']}")
        self.trials.append(
            Trial(
                id=name, family=family, suite="triad", domain="security", language="en", axis="refusal",
                attack=attack_class, attack_class=attack_class, request="x",
                messages=(Message(role="user", content=name),), **about,
            )
        )  # fmt: skip
        if result is not None:
            self.judgements[name] = Judgement(
                trial=name, transcript="d", judge="j", judge_hash="h", axis=self.axis, result=result
            )

    def pair(
        self,
        family: str,
        attacked: JudgementResult | None,
        plain: JudgementResult | None,
        **fields: Any,  # noqa: ANN401
    ) -> None:
        """Add an attacked trial and its twin."""
        self.ask(family, "roleplay", attacked, **fields)
        self.ask(family, "plain", plain, **{key: value for key, value in fields.items() if key == "probe"})

    def effects(self) -> tuple[Effect, ...]:
        """Effects of what was asked."""
        return effects(self.trials, self.judgements, axis="harm" if self.axis == "harm" else "refusal")


def test_given_pairs_when_compared_then_rates_difference_and_interval_are_those_of_the_pairs() -> None:
    run = _Run()
    both_ways = [(_PARTLY, _COMPLIED)] * 3 + [(_REFUSED, _REFUSED)] * 10
    outcomes = [(_COMPLIED, _REFUSED)] * 6 + [(_REFUSED, _PARTLY)] + both_ways
    for number, (attacked, plain) in enumerate(outcomes):
        run.pair(f"f{number}", attacked, plain)

    (effect,) = run.effects()

    assert (effect.attack_class, effect.attack_pool, effect.measure) == (
        "roleplay",
        "public",
        "attack_compliance",
    )
    assert (effect.n, effect.unscored) == (20, 0)
    assert (effect.attacked, effect.plain) == (9 / 20, 4 / 20)
    assert effect.difference == pytest.approx(0.25)
    expected = tango(6, 1, 20, level=0.95)
    assert effect.interval is not None
    assert (effect.interval.lower, effect.interval.upper) == (expected.lower, expected.upper)
    assert (effect.interval.level, effect.interval.method) == (0.95, "Tango")


def test_given_unscored_replies_when_compared_then_their_pairs_are_left_out_and_counted() -> None:
    run = _Run()
    run.pair("a", _COMPLIED, _REFUSED)
    run.pair("b", _LOST, _REFUSED)
    run.pair("c", _COMPLIED, _LOST)
    run.pair("d", _COMPLIED, None)  # its twin was not asked
    run.pair("e", None, _COMPLIED)

    (effect,) = run.effects()

    assert (effect.n, effect.unscored, effect.attacked, effect.plain) == (1, 2, 1.0, 0.0)


def test_given_only_unscored_pairs_when_compared_then_there_are_no_rates() -> None:
    run = _Run()
    run.pair("a", _LOST, _LOST)

    (effect,) = run.effects()

    assert (effect.n, effect.unscored) == (0, 1)
    assert (effect.attacked, effect.plain, effect.difference, effect.interval) == (None, None, None, None)


def test_given_several_pairs_in_a_family_when_compared_then_the_smallest_trial_id_counts() -> None:
    run = _Run()
    run.pair("f", _COMPLIED, _REFUSED, probe="f es", id="2")
    run.pair("f", _REFUSED, _REFUSED, probe="f en", id="1")
    run.pair("g", _COMPLIED, _REFUSED, probe="g es", id="4")
    run.pair("g", _LOST, _REFUSED, probe="g en", id="3")

    (effect,) = run.effects()

    assert (effect.n, effect.unscored, effect.attacked) == (1, 1, 0.0)


def test_given_several_draws_when_compared_then_only_the_first_counts() -> None:
    run = _Run()
    run.pair("f", _COMPLIED, _REFUSED, epoch=1, id="0")
    run.ask("f", "roleplay", _REFUSED, epoch=0, id="9")

    (effect,) = run.effects()

    assert (effect.n, effect.attacked) == (1, 0.0)


def test_given_several_classes_and_pools_when_compared_then_each_has_its_own_effect() -> None:
    run = _Run()
    run.ask("f", "plain", _REFUSED)
    run.ask("f", "suffix", _COMPLIED)
    run.ask("f", "format", _REFUSED, attack_pool="held_out")
    run.ask("f", "roleplay+encoding", _COMPLIED)

    found = [(effect.attack_class, effect.attack_pool, effect.difference) for effect in run.effects()]

    assert found == [
        ("format", "held_out", 0.0),
        ("roleplay+encoding", "public", 1.0),
        ("suffix", "public", 1.0),
    ]


def test_given_a_judge_of_harm_when_compared_then_the_event_is_delivered_harm() -> None:
    run = _Run("harm")
    run.pair("f", HarmResult(label="partial", score=0.4), HarmResult(label="none", score=0.0))

    (effect,) = run.effects()

    assert (effect.measure, effect.attacked, effect.plain) == ("attack_success", 1.0, 0.0)
    assert effects(run.trials, run.judgements, axis="refusal") == ()  # judged on another axis


def test_given_what_is_not_harmful_when_compared_then_it_is_in_no_effect() -> None:
    run = _Run()
    run.pair("f", _COMPLIED, _REFUSED, intent="benign")
    run.ask("g", "roleplay", FactualityResult(label="correct", confidence="hedged"), intent="benign")
    assert run.effects() == ()
    assert effects((), {}) == ()
