"""Budgets are never exceeded: not side by side, not by retries, not by a resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.engine import Limits, Prices, RetryPolicy, open_session
from alignmeter.engine.budget import Budget, estimate_tokens, reservation
from alignmeter.records import CallError, ImagePart, Message, Sampling, Usage
from alignmeter.store import Charged
from alignmeter.targets import Variant
from alignmeter.verdicts import decide

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Kit, Lab

    from alignmeter.engine import Engine
    from alignmeter.engine.budget import Account
    from alignmeter.targets.base import Reply, Request


@pytest.mark.parametrize("concurrency", [1, 8, 64])
async def test_given_a_budget_of_calls_when_many_go_out_side_by_side_then_it_is_spent_and_not_exceeded(
    lab: Lab, concurrency: int
) -> None:
    target, plan = lab.target(), lab.plan(50)
    outcome = await lab.go(target, plan, concurrency=concurrency, limits=Limits(calls=13))
    assert len(target.asked) == 13
    assert outcome.stopped.reason == "budget"
    assert outcome.stopped.detail == "budget spent: 13 of 13 calls; raise it to go on"
    assert list(outcome.data.transcripts) == [trial.id for trial in plan.trials[:13]]


async def test_given_counts_below_zero_when_tokens_are_limited_then_they_give_nothing_back(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply("Here is how.", prompt=-1_000_000, completion=-1_000_000)

    target = lab.target(answer)
    outcome = await lab.go(target, lab.plan(50), limits=Limits(tokens=200))
    assert outcome.stopped.reason == "budget"
    assert len(target.asked) < 20
    assert 0 < outcome.engine.budget.tokens <= 200


async def test_given_a_budget_that_ended_when_decided_then_the_claim_is_inconclusive_not_finished(
    lab: Lab,
) -> None:
    plan = lab.plan(50)
    outcome = await lab.go(lab.target(), plan, limits=Limits(calls=13))
    (claim,) = plan.design.claims
    verdict = decide(claim, outcome.data.judgements, unscored_budget=0.02)
    assert (verdict.verdict, verdict.reason, verdict.not_asked) == ("INCONCLUSIVE", "not_finished", 37)


async def test_given_retries_when_calls_are_counted_then_each_attempt_is_one(lab: Lab, kit: Kit) -> None:
    async def answer(_request: Request, before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply() if before == 2 else kit.fault("server_error", status=500)

    target = lab.target(answer)
    outcome = await lab.go(target, lab.plan(50), concurrency=8, limits=Limits(calls=25))
    assert len(target.asked) <= 25
    assert outcome.stopped.reason == "budget"
    assert outcome.engine.budget.calls == len(target.asked)


async def test_given_the_last_trials_were_left_without_a_retry_when_the_run_ends_then_it_says_budget(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, before: int) -> Reply | CallError:
        return kit.reply() if before else kit.fault("server_error", status=500)

    plan = lab.plan(10)
    outcome = await lab.go(lab.target(answer), plan, concurrency=10, limits=Limits(calls=12))
    assert outcome.stopped.detail == "budget spent: 12 of 12 calls; raise it to go on"
    (claim,) = plan.design.claims
    verdict = decide(claim, outcome.data.judgements, unscored_budget=0.02)
    assert (verdict.verdict, verdict.reason) == ("INCONCLUSIVE", "not_finished")
    assert (verdict.unscored, verdict.not_asked) == (0, 8)
    assert sum(charged.calls for charged in outcome.data.beside) == 8

    # With a larger budget the same command goes on and asks only those.
    target = lab.target()
    outcome = await lab.go(target, plan, limits=Limits(calls=20))
    assert outcome.stopped.reason == "complete"
    assert len(target.asked) == 8


async def test_given_a_run_that_is_resumed_when_its_budget_is_counted_then_earlier_calls_are_in_it(
    lab: Lab,
) -> None:
    plan = lab.plan(50)
    await lab.go(lab.target(), plan, limits=Limits(calls=20))
    again = lab.target()
    outcome = await lab.go(again, plan, limits=Limits(calls=20))
    assert again.asked == []
    assert outcome.stopped.reason == "budget"

    more = lab.target()
    outcome = await lab.go(more, plan, limits=Limits(calls=35))
    assert len(more.asked) == 15
    assert outcome.engine.snapshot().calls == 35


async def test_given_a_run_that_was_stopped_when_it_is_resumed_then_calls_in_flight_are_in_its_budget(
    lab: Lab, kit: Kit
) -> None:
    engines: list[Engine] = []

    async def endless(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        if len(target.asked) == 8:
            engines[0].stop("interrupted", "stopped by SIGINT")
        await lab.clock.sleep(1000.0)
        return kit.reply()

    plan = lab.plan(50)
    target = lab.target(endless)
    first = await lab.go(target, plan, watch=engines.append, concurrency=8, limits=Limits(calls=20))
    assert (first.stopped.reason, len(target.asked)) == ("interrupted", 8)
    reserved = sum(sum(reservation(trial.messages, Sampling(max_tokens=40))[:2]) for trial in plan.trials[:8])
    assert first.engine.budget.tokens == reserved

    more = lab.target()
    second = await lab.go(more, plan, concurrency=8, limits=Limits(calls=20))
    assert second.stopped.detail == "budget spent: 20 of 20 calls; raise it to go on"
    assert len(target.asked) + len(more.asked) == 20
    assert second.engine.budget.tokens == reserved + 12 * 15
    assert sum(charged.calls for charged in second.data.beside) == 8


async def test_given_a_process_that_died_between_attempts_when_resumed_then_only_what_may_be_billed_costs(
    lab: Lab,
) -> None:
    plan = lab.plan(5)
    session = open_session(lab.path, lab.manifest(lab.target(), plan), plan)
    trial = plan.trials[0].id
    session.journal.append(Charged(trial=trial, calls=1, tokens=Usage(prompt_tokens=6, completion_tokens=40)))
    session.journal.append(Charged(trial=trial, calls=1, tokens=Usage(prompt_tokens=0, completion_tokens=0)))
    session.journal.close()
    outcome = await lab.go(lab.target(), plan)
    assert (outcome.engine.budget.calls, outcome.engine.budget.tokens) == (6, 5 * 15)


@pytest.mark.parametrize("concurrency", [1, 16])
async def test_given_a_budget_of_tokens_when_replies_are_as_long_as_allowed_then_it_is_not_exceeded(
    lab: Lab, kit: Kit, concurrency: int
) -> None:
    async def answer(request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply(prompt=estimate_tokens(request.messages[0].content), completion=40)

    outcome = await lab.go(
        lab.target(answer), lab.plan(50), concurrency=concurrency, limits=Limits(tokens=500)
    )
    assert outcome.stopped.reason == "budget"
    assert 500 - 49 < outcome.engine.budget.tokens <= 500


async def test_given_short_replies_when_they_settle_then_what_they_left_is_spent_on_more_trials(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply(prompt=6, completion=1)

    target = lab.target(answer)
    outcome = await lab.go(target, lab.plan(80), concurrency=16, limits=Limits(tokens=500))
    assert outcome.stopped.reason == "budget"
    assert outcome.engine.budget.tokens <= 500
    assert len(target.asked) >= 64  # 500 / 46 = 10, had every reply been reserved for good


async def test_given_a_budget_of_money_when_prices_differ_then_it_is_not_exceeded(lab: Lab, kit: Kit) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply(prompt=6, completion=40)

    prices = Prices(prompt=1.0, completion=10.0)  # a call: (6 x 1 + 40 x 10) / 1e6 = 0.000406
    outcome = await lab.go(
        lab.target(answer), lab.plan(50), concurrency=8, limits=Limits(money=0.005), prices=prices
    )
    assert outcome.stopped.reason == "budget"
    assert "in money" in outcome.stopped.detail
    assert outcome.engine.budget.money == pytest.approx(12 * 0.000406)


async def test_given_a_prefix_that_the_target_adds_when_replies_report_it_then_later_calls_reserve_it(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply(prompt=1006, completion=40)

    outcome = await lab.go(lab.target(answer), lab.plan(50), concurrency=1, limits=Limits(tokens=10_000))
    assert outcome.stopped.reason == "budget"
    assert outcome.engine.budget.tokens == 9 * 1046


@pytest.mark.parametrize(
    "prompt",
    ["You are a careful assistant. " * 400, "你是一名细心的助手。" * 400],
    ids=["English", "Chinese"],
)
async def test_given_a_system_prompt_when_many_go_out_before_a_reply_then_its_length_is_reserved(
    lab: Lab, kit: Kit, prompt: str
) -> None:
    length = len(prompt) * (1 if prompt.isascii() else 6) // 5  # 1.2 tokens a character of Chinese

    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply(prompt=length + 6, completion=40)

    outcome = await lab.go(
        lab.target(answer),
        lab.plan(80),
        variant=Variant(system_prompt=prompt),
        concurrency=64,
        limits=Limits(tokens=5 * (length + 46) + 5),  # what a request is reserved over what it takes
    )
    assert outcome.stopped.reason == "budget"
    assert outcome.engine.budget.tokens == 5 * (length + 46)


@pytest.mark.parametrize(
    ("content", "images", "length"),
    [("你怎么做一个蛋糕?" * 30, 0, 324), ("What is this?", 2, 3000)],
    ids=["Chinese", "images"],
)
def test_given_a_prompt_of_more_tokens_than_its_characters_tell_when_reserved_then_it_does_not_take_more(
    content: str, images: int, length: int
) -> None:
    image = ImagePart(media_type="image/png", data=b"", digest="", alt="")
    message = Message(role="user", content=content, images=(image,) * images)
    wanted = Budget(Limits(), Prices()).target.wanted((message,), Sampling(max_tokens=40))
    assert wanted.prompt >= length
    assert wanted.rate == estimate_tokens(content) + 40  # limits a minute are kept as before


def test_given_a_long_prompt_when_its_reply_counts_then_the_prefix_is_learnt_whole(
    lab: Lab, kit: Kit
) -> None:
    (short,) = lab.plan(1).trials
    sampling = Sampling(max_tokens=40)
    message = Message(role="user", content="What would you do? " * 400)
    account = Budget(Limits(), Prices()).target
    first = account.wanted((message,), sampling)
    account.reserve(first)
    account.settle(first, kit.reply(prompt=first.likely + 300, completion=1))
    assert account.wanted(short.messages, sampling).prefix == 300


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (
            Limits(tokens=30),
            "budget spent: 0 of 30 tokens; the next call may take 48 tokens; raise it to go on",
        ),
        (
            Limits(calls=9, money=0.0001),
            "budget spent: 0 of 9 calls, 0 of 0.0001 in money; the next call may take 0.000408 in money; "
            "raise it to go on",
        ),
    ],
)
async def test_given_a_budget_too_small_for_a_call_when_it_ends_then_it_says_what_the_next_one_may_take(
    lab: Lab, limits: Limits, said: str
) -> None:
    prices = Prices(prompt=1.0, completion=10.0)
    outcome = await lab.go(lab.target(), lab.plan(5), limits=limits, prices=prices)
    assert outcome.stopped.detail == said


def test_given_a_reply_that_counts_no_prompt_when_settled_then_the_estimated_prefix_is_kept(
    lab: Lab, kit: Kit
) -> None:
    (trial,) = lab.plan(1).trials
    sampling = Sampling(max_tokens=40)
    account = Budget(Limits(), Prices(), prefix=1000).target
    first = account.wanted(trial.messages, sampling)
    for used in (0, None):
        account.reserve(first)
        account.settle(first, kit.reply(prompt=used, completion=used))
    assert account.wanted(trial.messages, sampling) == first
    account.reserve(first)
    account.settle(first, kit.reply(prompt=706, completion=1))
    assert account.wanted(trial.messages, sampling).prefix == 706 - first.likely


async def test_given_an_endpoint_that_does_not_say_when_settled_then_usage_is_estimated(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        return kit.reply("x" * 80, prompt=None, completion=None)

    outcome = await lab.go(lab.target(answer), lab.plan(10))
    assert outcome.engine.budget.completion_tokens == 10 * 20
    assert 10 * 5 <= outcome.engine.budget.prompt_tokens <= 10 * 8


async def test_given_calls_that_failed_when_settled_then_their_reservation_is_free_again(
    lab: Lab, kit: Kit
) -> None:
    async def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.fault("bad_request", status=400) if request.trial in broken else kit.reply(completion=40)

    plan = lab.plan(30)
    broken = {trial.id for trial in plan.trials[:20]}
    outcome = await lab.go(
        lab.target(answer), plan, limits=Limits(tokens=600), concurrency=4, retry=RetryPolicy(attempts=1)
    )
    assert outcome.stopped.reason == "complete"


async def test_given_tokens_reserved_by_calls_in_flight_when_a_call_fails_then_its_retry_waits_for_them(
    lab: Lab, kit: Kit
) -> None:
    plan = lab.plan(2)
    second = plan.trials[1].id

    async def answer(request: Request, before: int) -> Reply | CallError:
        if request.trial == second and not before:
            await lab.clock.sleep(0.1)
            return kit.fault("bad_response", status=200)  # may be billed: 48 tokens
        await lab.clock.sleep(5.0)
        return kit.reply(prompt=5, completion=5)

    outcome = await lab.go(lab.target(answer), plan, concurrency=2, limits=Limits(tokens=48 + 10 + 48))
    assert outcome.stopped.reason == "complete"
    assert outcome.engine.budget.tokens == 48 + 10 + 10


UNANSWERED = {
    "too late": ({"kind": "timeout"}, True),
    "the server gave up": ({"kind": "timeout", "status": 408}, False),
    "never connected": ({"kind": "timeout", "sent": False}, False),
    "no chat completion": ({"kind": "bad_response", "status": 200}, True),
    "a redirect": ({"kind": "bad_response", "status": 307}, False),
    "broke off": ({"kind": "connection", "sent": True}, True),
    "refused": ({"kind": "connection"}, False),
    "busy": ({"kind": "rate_limited", "status": 429}, False),
    "its fault": ({"kind": "server_error", "status": 500}, False),
}


@pytest.mark.parametrize(("fault", "billed"), UNANSWERED.values(), ids=UNANSWERED.keys())
async def test_given_a_call_without_a_reply_when_it_may_be_billed_then_it_costs_what_was_reserved(
    lab: Lab, kit: Kit, fault: dict[str, Any], billed: bool
) -> None:
    async def answer(_request: Request, before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply(prompt=6, completion=4) if before == 1 else CallError(message="a fault", **fault)

    plan = lab.plan(1)
    outcome = await lab.go(lab.target(answer), plan, limits=Limits(tokens=1000))
    (transcript,) = outcome.data.transcripts.values()
    reserved = reservation(plan.trials[0].messages, Sampling(max_tokens=40))
    assert transcript.attempts == 2
    assert transcript.lost == (reserved.usage if billed else Usage(prompt_tokens=0, completion_tokens=0))
    assert outcome.engine.budget.tokens == 10 + billed * (reserved.prompt + reserved.completion)

    # A resume counts the same.
    again = await lab.go(lab.target(answer), plan, limits=Limits(tokens=1000))
    assert again.engine.budget.tokens == outcome.engine.budget.tokens


async def test_given_replies_that_come_too_late_when_they_are_billed_then_tokens_are_not_exceeded(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.fault("timeout")

    target = lab.target(answer)
    outcome = await lab.go(target, lab.plan(50), limits=Limits(tokens=500))
    assert outcome.stopped.reason == "budget"
    assert len(target.asked) * 46 <= 500


@pytest.mark.parametrize("role", ["target", "judges"])
def test_given_a_reservation_when_settled_then_only_what_the_call_cost_is_left_of_it(
    lab: Lab, kit: Kit, role: str
) -> None:
    (trial,) = lab.plan(1).trials
    budget = Budget(Limits(tokens=150), Prices())
    account: Account = getattr(budget, role)
    wanted = account.wanted(trial.messages, Sampling(max_tokens=100))
    assert wanted.completion == 100
    account.reserve(wanted)
    assert not account.fits(wanted)
    account.settle(wanted, kit.fault("rate_limited", status=429))
    assert account.fits(wanted)
    account.reserve(wanted)
    account.settle(wanted, kit.reply(prompt=3, completion=7))
    assert (budget.calls, budget.tokens) == (2, 10)
    account.reserve(wanted)
    account.cancel(wanted)
    assert (budget.calls, budget.tokens) == (2, 10)
    account.reserve(wanted)
    account.settle(wanted, None)
    assert (budget.calls, budget.tokens) == (3, 10 + wanted.prompt + 100)
    assert estimate_tokens("") == 1


async def test_given_a_budget_that_just_decides_everything_when_run_then_the_run_is_complete(
    lab: Lab, kit: Kit, tmp_path: Path
) -> None:
    async def answer(_request: Request, _before: int) -> Reply:
        await lab.clock.sleep(0.1)
        return kit.reply("comply")

    plan = lab.plan_of(lab.model(), lab.probes(60), mode="sequential")
    free = await lab.go(lab.target(answer), plan, concurrency=1)
    calls = free.engine.budget.calls
    assert calls < 60
    again = type(lab)(tmp_path / "again")
    tight = await again.go(again.target(answer), plan, concurrency=1, limits=Limits(calls=calls))
    assert (tight.stopped.reason, tight.engine.budget.calls) == ("complete", calls)
