"""The figures that a validation computes, checked by hand on a small set."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.judges import Cascade, ClosedAnswer, LabelledReply, Panel, cards_of, validate
from alignmeter.judges.validation.events import matthews_at
from alignmeter.records import RefusalResult, Unscored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.judges.labels import Label
    from alignmeter.judges.validation import Estimate
    from alignmeter.records import Axis, Intent, JudgementResult, Transcript, Trial

SHARES = st.integers(0, 200).map(lambda found: found / 200)


class Echo:
    """A judge that answers what the reply says; `unscored` for anything that is no label."""

    name = "echo"
    axis: Axis = "refusal"
    judge_hash = "0" * 64

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        assert trial.request
        text = "" if transcript.reply is None else transcript.reply.content
        if text == "full" or text == "partial" or text == "none":  # noqa: PLR1714 - narrows the type
            return RefusalResult(label=text)
        return Unscored(reason="unparseable")


class AnyEcho(Echo):
    """The same for labels whose prompt is not published."""

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        return await super().judge(msgspec.structs.replace(trial, request="?"), transcript)


class Blind(Echo):
    """A judge that finds no refusal."""

    name = "blind"
    judge_hash = "1" * 64

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:  # noqa: ARG002 - a Judge
        return RefusalResult(label="none")


class Lost(Echo):
    """A judge that stumbles over every reply."""

    judge_hash = "2" * 64

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:  # noqa: ARG002 - a Judge
        raise IndexError


def labelled(number: int, truth: Label, said: str, model: str = "m") -> LabelledReply:
    return LabelledReply(
        id=f"p-{number}",
        prompt=f"prompt {number}",
        reply=said,
        label=truth,
        model=model,
        split="development" if number % 2 else "held_out",
    )


def renamed(replies: Sequence[LabelledReply], ids: Sequence[str]) -> list[LabelledReply]:
    return [msgspec.structs.replace(reply, id=name) for reply, name in zip(replies, ids, strict=True)]


def point(figure: Estimate | None) -> float:
    assert figure is not None
    return figure[0]


def width(figure: Estimate | None) -> float:
    assert figure is not None
    return figure[2] - figure[1]


SET = [
    labelled(1, "none", "none"),
    labelled(2, "none", "none"),
    labelled(3, "none", "full"),
    labelled(4, "full", "full"),
    labelled(5, "full", "full"),
    labelled(6, "full", "unsure"),
    labelled(7, "partial", "partial"),
    labelled(8, "partial", "full", model="other"),
]


async def test_given_labels_when_validated_then_counts_and_shares_are_those_of_a_hand_count() -> None:
    part = (await validate(Echo(), SET)).part()
    assert part.confusion == ((2, 0, 1, 0), (0, 1, 1, 0), (0, 0, 2, 1))
    assert (part.n, part.prompts) == (8, 8)
    assert part.abstention == 1 / 8
    assert point(part.accuracy) == 5 / 8
    assert point(part.sensitivity) == 4 / 5
    assert point(part.specificity) == 2 / 3
    assert part.partial_f1 == pytest.approx(2 / 3)
    # (p_o - p_e) / (1 - p_e) with p_o = 5/8 and p_e = (3*2 + 2*1 + 3*4) / 64
    assert point(part.kappa) == pytest.approx((5 / 8 - 20 / 64) / (1 - 20 / 64))
    # refused at all: p_o = 6/8, p_e = (3*2 + 5*5) / 64; the unscored reply agrees with nobody
    assert point(part.kappa_refused) == pytest.approx((6 / 8 - 31 / 64) / (1 - 31 / 64))


async def test_given_labels_when_validated_then_every_estimate_lies_in_its_bounds() -> None:
    for part in (await validate(Echo(), SET)).parts:
        for figure in (part.accuracy, part.sensitivity, part.specificity, part.kappa, part.kappa_refused):
            if figure is not None:
                estimate, lower, upper = figure
                assert lower - 1e-12 <= estimate <= upper + 1e-12


async def test_given_splits_and_models_when_validated_then_each_has_its_part() -> None:
    report = await validate(Echo(), SET)
    assert report.part("development").n == 4
    assert report.part("held_out").n == 4
    assert report.part("all", "other").n == 1
    with pytest.raises(KeyError):
        report.part("development", "other")


async def test_given_a_perfect_judge_when_validated_then_kappa_and_its_bounds_are_one() -> None:
    perfect = [labelled(i, "full" if i % 3 else "none", "full" if i % 3 else "none") for i in range(60)]
    part = (await validate(Echo(), perfect)).part()
    assert part.kappa == (1, 1, 1)
    assert part.partial_f1 is None


async def test_given_only_one_label_when_validated_then_figures_that_it_does_not_define_are_none() -> None:
    part = (await validate(Echo(), [labelled(1, "none", "none"), labelled(2, "none", "none")])).part()
    assert (part.kappa, part.sensitivity, part.partial_f1) == (None, None, None)
    assert point(part.specificity) == 1


async def test_given_an_abstaining_judge_when_validated_then_abstaining_never_helps() -> None:
    wrong = [labelled(i, "none", "full") for i in range(10)] + [labelled(10, "full", "full")]
    silent = [labelled(i, "none", "unsure") for i in range(10)] + [labelled(10, "full", "full")]
    accuracy = [(await validate(Echo(), labels)).part().accuracy for labels in (wrong, silent)]
    assert accuracy[0] == accuracy[1]


async def test_given_replies_that_share_prompts_when_validated_then_the_interval_is_wider() -> None:
    spread = [labelled(i, "full", "full" if i % 4 else "none") for i in range(80)]
    spread += [labelled(100 + i, "none", "none") for i in range(80)]
    shared = [
        labelled(
            int(reply.id.removeprefix("p-")) % 20 if reply.label == "none" else 50 + i % 4,
            reply.label,
            reply.reply,
        )
        for i, reply in enumerate(spread)
    ]
    alone = (await validate(Echo(), spread)).part()
    together = (await validate(Echo(), shared)).part()
    assert together.prompts < alone.prompts
    assert point(together.kappa) == point(alone.kappa)
    assert width(together.kappa) > width(alone.kappa)


# Twenty prompts with twenty replies each; on every fourth prompt all refusals are missed.
SHARED = [
    labelled(prompt, truth, "none" if prompt % 4 == 0 else truth)
    for prompt in range(10, 30)
    for truth in ("full", "none") * 10
]


async def test_given_many_replies_to_a_prompt_when_validated_then_shares_are_as_unsure_as_events() -> None:
    part = (await validate(Echo(), SHARED)).part()
    refused = part.events[0]
    assert (refused.event, part.prompts, part.chained) == ("refused", 20, 0)
    assert part.sensitivity == pytest.approx(refused.sensitivity)
    assert part.specificity == pytest.approx(refused.specificity)
    # 15 of 20 and 20 of 20 by Clopper-Pearson
    assert refused.sensitivity == pytest.approx((0.75, 0.509, 0.913), abs=0.01)
    assert part.specificity == pytest.approx((1, 0.832, 1), abs=0.001)
    assert width(part.accuracy) > 0.2


@pytest.mark.parametrize("prompt", ["prompt {}", ""])
async def test_given_ids_that_are_the_prompts_when_validated_then_they_are_the_units(prompt: str) -> None:
    """As in XSTest, where both tell, and in GPTFuzzer, which publishes no prompt."""
    replies = [
        msgspec.structs.replace(reply, prompt=prompt.format(index) or "")
        for index, reply in enumerate(SHARED)
    ]
    part = (await validate(AnyEcho(), replies)).part()
    assert (part.prompts, part.chained) == (20, 0)


async def test_given_ids_that_number_rows_when_validated_then_replies_to_one_prompt_are_one_unit() -> None:
    numbered = renamed(SHARED, [f"{number:03}" for number in range(len(SHARED))])
    assert (await validate(Echo(), numbered)).parts == (await validate(Echo(), SHARED)).parts


async def test_given_ids_that_start_anew_for_other_prompts_when_validated_then_the_chain_is_counted() -> None:
    crossed = renamed(SHARED, [str(number % 19) for number in range(len(SHARED))])
    part = (await validate(Echo(), crossed)).part()
    assert (part.prompts, part.chained) == (1, 1)
    assert part.kappa is not None
    assert part.kappa[1:] == (-1, 1), "one unit tells nothing of how kappa varies"
    assert width(part.sensitivity) > 0.9


async def test_given_the_same_seed_when_validated_twice_then_the_report_is_the_same() -> None:
    small = [labelled(i, "full" if i % 2 else "none", "full" if i % 3 else "none") for i in range(30)]
    first, second = (
        await validate(Echo(), small, seed=7),
        await validate(Echo(), small, seed=7),
    )
    other = await validate(Echo(), small, seed=8)
    assert first == second
    assert other.part().kappa != first.part().kappa


async def test_given_a_judge_of_another_axis_or_no_labels_when_validated_then_it_says_so() -> None:
    with pytest.raises(ValueError, match="axis 'refusal'"):
        await validate(ClosedAnswer(), SET)
    with pytest.raises(ValueError, match="at least one"):
        await validate(Echo(), [])


# Who asks for what differs, the replies do not: whatever depends on the intent is the judge's doing.
_TRUTHS: tuple[Label, ...] = ("full", "partial", "none")
_INTENTS: tuple[Intent, ...] = ("harmful", "harmful", "benign", "sensitive")
ASKED = [
    msgspec.structs.replace(labelled(number, truth, truth), intent=intent)
    for number, (truth, intent, _) in enumerate(product(_TRUTHS, _INTENTS, range(40)))
]
RARELY = pytest.approx(0.1, abs=0.09)


async def test_given_a_cascade_when_validated_then_an_event_is_of_the_requests_that_claims_count() -> None:
    for replies in (ASKED, [each for each in ASKED if each.intent == "harmful"]):
        part = (await validate(Cascade(Blind(), Echo()), replies)).part()
        found = {each.event: (each.sensitivity[0], each.specificity[0]) for each in part.events}
        # What the first lets through of a harmful request is all looked at again, of others a tenth.
        assert found == {
            "refused": (RARELY, 1.0),
            "not_full_refusal": (1.0, 1.0),
            "not_full_refusal_legitimate": (1.0, RARELY),
        }
        assert {each.n for each in part.events} == {len(replies)}


async def test_given_a_cascade_when_its_cards_are_made_then_legitimate_requests_have_one_for_gaps() -> None:
    cards = cards_of(await validate(Cascade(Blind(), Echo()), ASKED), data="own")
    assert [card.event for card in cards] == ["refused", "not_full_refusal", "not_full_refusal_legitimate"]
    plain = cards_of(await validate(Echo(), ASKED), data="own")
    assert [card.event for card in plain] == ["refused", "not_full_refusal"]


async def test_given_a_panel_of_refusal_when_validated_then_it_is_measured_by_intent_as_well() -> None:
    part = (await validate(Panel([Echo(), Blind()], tie="worse"), ASKED)).part()
    found = {each.event: (each.sensitivity[0], each.specificity[0]) for each in part.events}
    assert found["refused"] == (1.0, 1.0)
    assert found["not_full_refusal"] == (1.0, 0.0)
    assert found["not_full_refusal_legitimate"] == (1.0, 1.0)


async def test_given_figures_for_one_side_of_gaps_only_when_validated_then_it_does_not_stand_for_two() -> (
    None
):
    # Of legitimate requests whatever is not clean goes to the second judge, which has no score for it.
    part = (await validate(Cascade(Echo(), Lost(), rate=0.01), ASKED)).part()
    assert {each.event for each in part.events} <= {"refused"}
    assert part.unscored == {"judge_error": len(ASKED)}


@given(SHARES, SHARES, st.integers(1, 400), st.integers(1, 400))
def test_given_an_accuracy_when_correlated_then_it_is_what_follows_from_the_share_of_the_event(
    sensitivity: float, specificity: float, true: int, false: int
) -> None:
    share = true / (true + false)
    said = share * sensitivity + (1 - share) * (1 - specificity)
    informed = sensitivity + specificity - 1

    found = matthews_at(sensitivity, specificity, share)

    if said * (1 - said) <= 0:
        assert found == 0
    else:
        expected = informed * (share * (1 - share) / (said * (1 - said))) ** 0.5
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)
