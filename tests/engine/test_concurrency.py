"""How many calls at once: the window opens by what goes well and halves once for each burst of trouble."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from alignmeter.engine.concurrency import AdaptiveConcurrency
from alignmeter.engine.rate_limit import TokenBucket

if TYPE_CHECKING:
    from conftest import Kit, Lab

    from alignmeter.engine import Engine
    from alignmeter.engine.concurrency import CallOutcome
    from alignmeter.records import CallError, CallErrorKind
    from alignmeter.targets.base import Reply, Request


async def _round_trip(window: AdaptiveConcurrency, outcome: CallOutcome) -> None:
    """Fill the window, then let every call end alike."""
    generations = [await window.acquire() for _ in range(window.limit)]
    for generation in generations:
        window.release(generation, outcome)


async def test_given_no_congestion_when_calls_succeed_then_the_window_doubles_each_round_up_to_its_maximum(
    lab: Lab,
) -> None:
    window = AdaptiveConcurrency(start=4, maximum=20, clock=lab.clock)
    sizes = [window.limit]
    for _ in range(4):
        await _round_trip(window, "ok")
        sizes.append(window.limit)
    assert sizes == [4, 8, 16, 20, 20]


async def test_given_a_burst_of_429_when_all_calls_of_a_window_get_it_then_it_halves_once(lab: Lab) -> None:
    window = AdaptiveConcurrency(start=16, maximum=64, clock=lab.clock)
    await _round_trip(window, "congested")
    assert window.limit == 8
    await _round_trip(window, "congested")
    assert window.limit == 4


async def test_given_congestion_was_met_when_calls_succeed_then_the_window_grows_by_one_a_round(
    lab: Lab,
) -> None:
    window = AdaptiveConcurrency(start=16, maximum=64, clock=lab.clock)
    await _round_trip(window, "congested")
    size = window.limit
    for _ in range(20):
        await _round_trip(window, "ok")
    assert size + 17 <= window.limit <= size + 20


async def test_given_nothing_but_congestion_when_it_goes_on_then_one_call_is_left(lab: Lab) -> None:
    window = AdaptiveConcurrency(start=3, maximum=64, clock=lab.clock)
    for _ in range(9):
        await _round_trip(window, "congested")
    assert window.limit == 1


async def test_given_other_errors_when_calls_end_then_the_window_stays(lab: Lab) -> None:
    window = AdaptiveConcurrency(start=6, maximum=64, clock=lab.clock)
    await _round_trip(window, "other")
    assert window.limit == 6


async def test_given_a_full_window_when_places_are_given_back_then_waiters_get_them_in_order(
    lab: Lab,
) -> None:
    window = AdaptiveConcurrency(start=1, maximum=1, clock=lab.clock)
    generation = await window.acquire()
    served: list[int] = []

    async def wait(number: int) -> None:
        mine = await window.acquire()
        served.append(number)
        window.release(mine, "ok")

    waiters = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert window.in_flight == 1
    window.release(generation, "ok")
    await asyncio.gather(*waiters)
    assert served == [0, 1, 2, 3, 4]
    assert window.in_flight == 0


async def test_given_waiters_that_are_cancelled_when_a_place_is_freed_then_none_is_lost(lab: Lab) -> None:
    window = AdaptiveConcurrency(start=1, maximum=1, clock=lab.clock)
    generation = await window.acquire()
    early, late = (asyncio.create_task(window.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.sleep(0)
    window.release(generation, "ok")
    late.cancel()  # its place is already on the way
    await asyncio.gather(early, late, return_exceptions=True)
    assert window.in_flight == 0
    assert await asyncio.wait_for(window.acquire(), 1) == 0


async def test_given_a_pause_when_a_waiting_call_is_cancelled_then_its_place_is_free_again(lab: Lab) -> None:
    window = AdaptiveConcurrency(start=1, maximum=1, clock=lab.clock)
    window.release(await window.acquire(), "congested", retry_after=60.0)
    paused = asyncio.create_task(window.acquire())
    await asyncio.sleep(0)
    paused.cancel()
    await asyncio.gather(paused, return_exceptions=True)
    assert window.in_flight == 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [("rate_limited", 429), ("server_error", 503), ("server_error", 529), ("timeout", None)],
)
async def test_given_a_sign_of_congestion_when_one_call_in_a_run_gets_it_then_the_window_halves(
    lab: Lab, kit: Kit, kind: CallErrorKind, status: int | None
) -> None:
    plan = lab.plan(60)
    seen: list[int] = []

    async def answer(request: Request, before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        if request.trial == plan.trials[0].id and not before:
            seen.append(engine_of[0].snapshot().limit)
            return kit.fault(kind, status=status)
        if len(seen) == 1:
            seen.append(engine_of[0].snapshot().limit)
        return kit.reply()

    engine_of: list[Engine] = []
    outcome = await lab.go(lab.target(answer), plan, concurrency=16, watch=engine_of.append)
    assert outcome.stopped.reason == "complete"
    assert seen == [16, 8]


async def test_given_an_endpoint_that_bears_ten_calls_when_run_then_it_settles_near_ten_and_all_is_answered(
    lab: Lab, kit: Kit
) -> None:
    in_flight = 0

    async def answer(_request: Request, _before: int) -> Reply | CallError:
        nonlocal in_flight
        in_flight += 1
        try:
            if in_flight > 10:
                return kit.fault("rate_limited", status=429)
            await lab.clock.sleep(1.0)
            return kit.reply()
        finally:
            in_flight -= 1

    outcome = await lab.go(lab.target(answer), lab.plan(300))
    assert outcome.stopped.reason == "complete"
    assert not outcome.engine.errors
    assert 4 <= outcome.engine.snapshot().limit <= 16
    assert lab.clock.now - 1000 < 80  # 30 s at ten a second, and the price of finding it


async def test_given_an_option_or_a_target_with_a_limit_when_run_then_no_more_calls_are_in_flight(
    lab: Lab,
) -> None:
    plan = lab.plan(40)
    for number, (option, own, peak) in enumerate(
        [(None, 3, 3), (5, None, 5), (9, 4, 4), (2, 4, 2), (None, None, 40)]
    ):
        lab.path = lab.path.with_name(f"run{number}")
        target = lab.target(max_concurrency=own)
        await lab.go(target, plan, concurrency=option)
        assert target.peak <= peak
        assert peak in {40, target.peak}


# --- Retry-After ---------------------------------------------------------------------------------


async def test_given_retry_after_when_one_call_gets_it_then_no_other_call_goes_out_until_it_is_over(
    lab: Lab, kit: Kit
) -> None:
    plan = lab.plan(40)

    async def answer(request: Request, before: int) -> Reply | CallError:
        if request.trial == plan.trials[4].id and not before:
            await lab.clock.sleep(0.5)
            return kit.fault("rate_limited", status=429, retry_after=30.0)
        await lab.clock.sleep(1.0)
        return kit.reply()

    target = lab.target(answer)
    outcome = await lab.go(target, plan, concurrency=8)

    assert outcome.stopped.reason == "complete"
    assert not [moment for moment in target.at if 1000.5 < moment < 1030.5]
    assert sum(moment <= 1000.5 for moment in target.at) == 8
    assert target.asked.count(plan.trials[4].id) == 2
    assert outcome.data.transcripts[plan.trials[4].id].attempts == 2


async def test_given_retry_after_beyond_the_time_of_a_trial_when_met_then_the_run_stops_and_says_why(
    lab: Lab, kit: Kit
) -> None:
    """A quota of the day is spent: sleeping until tomorrow looks like a hang."""

    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.fault("rate_limited", status=429, retry_after=86_400.0)

    outcome = await lab.go(lab.target(answer), lab.plan(40))
    assert outcome.stopped.reason == "target_unavailable"
    assert outcome.stopped.detail == "a rate_limited; it will not answer before 1970-01-02 00:16 UTC"
    assert lab.clock.now - 1000 < 60


async def test_given_a_rate_limit_that_names_no_time_when_it_goes_on_then_pauses_double_until_a_success(
    lab: Lab,
) -> None:
    window = AdaptiveConcurrency(start=8, maximum=8, clock=lab.clock)

    async def pause_after(outcome: CallOutcome) -> float:
        window.release(await window.acquire(), outcome, rate_limited=outcome == "congested")
        before = lab.clock.now
        window.release(await window.acquire(), "other")
        return lab.clock.now - before

    pauses = [await pause_after("congested") for _ in range(8)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert await pause_after("ok") == 0
    assert await pause_after("congested") == 0.5


async def test_given_a_time_to_wait_when_it_is_shorter_than_the_doubled_pause_then_the_pause_holds(
    lab: Lab,
) -> None:
    window = AdaptiveConcurrency(start=8, maximum=8, clock=lab.clock)
    began = lab.clock.now
    for _ in range(4):
        window.release(await window.acquire(), "congested", retry_after=0.008, rate_limited=True)
    await window.acquire()
    assert lab.clock.now - began == 0.5 + 1 + 2 + 4


async def test_given_a_quota_of_the_minute_without_retry_after_when_run_then_no_trial_is_lost_to_it(
    lab: Lab, kit: Kit
) -> None:
    asked: Counter[int] = Counter()

    async def answer(_request: Request, _before: int) -> Reply | CallError:
        minute = int(lab.clock.now // 60)
        asked[minute] += 1
        await lab.clock.sleep(0.2)
        return kit.reply() if asked[minute] <= 60 else kit.fault("rate_limited", status=429)

    target = lab.target(answer)
    outcome = await lab.go(target, lab.plan(200))
    assert outcome.stopped.reason == "complete"
    assert not outcome.engine.errors
    assert len(target.asked) < 2 * 200


async def test_given_trials_that_wait_for_another_attempt_when_there_are_many_then_no_new_ones_are_begun(
    lab: Lab, kit: Kit
) -> None:
    """Or else a dead endpoint would be sent the first attempt of every trial within a second."""
    waiting: list[int] = []

    async def answer(_request: Request, before: int) -> Reply | CallError:
        await asyncio.sleep(0)
        waiting.append(engines[0].snapshot().retrying)
        return kit.reply() if before else kit.fault("connection")

    engines: list[Engine] = []
    target = lab.target(answer)
    outcome = await lab.go(target, lab.plan(100), concurrency=6, watch=engines.append)
    assert outcome.stopped.reason == "complete"
    assert not outcome.engine.errors
    assert 4 <= max(waiting) <= 12
    assert len(set(target.asked[:30])) < 25


# --- rate limits ---------------------------------------------------------------------------------


async def test_given_no_rate_limit_when_taking_then_nothing_waits(lab: Lab) -> None:
    bucket = TokenBucket(None, lab.clock)
    for _ in range(100):
        await bucket.take(1e9)
    assert lab.clock.slept == []


async def test_given_requests_a_minute_when_run_then_no_minute_holds_more_than_that_and_a_small_burst(
    lab: Lab,
) -> None:
    target = lab.target()
    outcome = await lab.go(target, lab.plan(200), requests_per_minute=60, concurrency=20)
    assert outcome.stopped.reason == "complete"
    assert 196 <= lab.clock.now - 1000 <= 202
    for start in target.at:
        assert sum(start <= moment < start + 60 for moment in target.at) <= 62


async def test_given_tokens_a_minute_when_run_then_prompts_and_longest_replies_are_counted(lab: Lab) -> None:
    target = lab.target()
    # 40 trials of about 6 tokens of prompt and 40 of reply: 46 x 40 = 1840 tokens.
    await lab.go(target, lab.plan(40), tokens_per_minute=460, concurrency=20)
    assert 220 <= lab.clock.now - 1000 <= 250
