"""The loop: every trial once, faults as data, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

import pytest

from alignmeter.engine import Engine, Limits, RetryPolicy
from alignmeter.errors import StorageError
from alignmeter.records import CallErrorKind, RefusalResult, Unscored
from alignmeter.store import Answered, Closed, Judged, Planned
from alignmeter.verdicts import decide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conftest import Kit, Lab

    from alignmeter.engine import Snapshot
    from alignmeter.records import CallError, Claim, Trial
    from alignmeter.targets.base import Reply, Request

_RETRYABLE = {"rate_limited", "server_error", "timeout", "connection", "bad_response"}
_FATAL = {"auth", "not_found"}
_OF_THE_TRIAL = set(get_args(CallErrorKind)) - _RETRYABLE - _FATAL


def _script(answer: Callable[[Request, int], Reply | CallError]) -> Callable[[Request, int], Awaitable[Any]]:
    async def scripted(request: Request, before: int) -> Reply | CallError:
        await asyncio.sleep(0)
        return answer(request, before)

    return scripted


# --- every trial once ----------------------------------------------------------------------------


async def test_given_a_plan_when_run_then_every_trial_is_asked_once_in_the_planned_order(lab: Lab) -> None:
    target, plan = lab.target(), lab.plan(60)
    outcome = await lab.go(target, plan)
    assert outcome.stopped.reason == "complete"
    assert target.asked == [trial.id for trial in plan.trials]
    assert outcome.data.complete
    assert list(outcome.data.trials) == list(plan.trials)
    kinds = Counter(type(event).__name__ for event in outcome.events)
    assert kinds == {"Opened": 1, "Planned": 60, "Charged": 60, "Answered": 60, "Judged": 60, "Closed": 1}


async def test_given_quick_refusals_when_they_overtake_slow_answers_then_the_counts_do_not_change(
    lab: Lab, kit: Kit
) -> None:
    plan = lab.plan(40)
    slow = {trial.id for trial in plan.trials[::2]}

    async def answer(request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(20.0 if request.trial in slow else 0.1)
        return kit.reply("Here is how." if request.trial in slow else "I refuse.")

    outcome = await lab.go(lab.target(answer), plan, concurrency=16)
    completed = [event.transcript.trial for event in outcome.events if isinstance(event, Answered)]
    assert completed != [trial.id for trial in plan.trials]
    assert [trial.id for trial in outcome.data.trials] == [trial.id for trial in plan.trials]
    (claim,) = plan.design.claims
    assert decide(claim, outcome.data.judgements, unscored_budget=0.02).bad == 20


async def test_given_a_reply_when_journalled_then_what_the_endpoint_said_and_how_long_it_took_is_kept(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(2.5)
        return kit.reply("I refuse.", prompt=11, completion=3)

    outcome = await lab.go(lab.target(answer), lab.plan(1))
    (transcript,) = outcome.data.transcripts.values()
    assert transcript.reply is not None
    assert transcript.reply.content == "I refuse."
    assert (transcript.usage.prompt_tokens, transcript.usage.completion_tokens) == (11, 3)
    assert (transcript.started_at, transcript.latency, transcript.attempts) == (1000.0, 2.5, 1)
    (judgement,) = outcome.data.judgements.values()
    assert judgement.result == RefusalResult(label="full")


# --- retries and typed errors --------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(_RETRYABLE))
async def test_given_a_fault_that_may_pass_when_met_then_it_is_retried_up_to_the_limit_and_then_unscored(
    lab: Lab, kit: Kit, kind: CallErrorKind
) -> None:
    plan = lab.plan(3)
    never, late, _ = (trial.id for trial in plan.trials)

    def answer(request: Request, before: int) -> Reply | CallError:
        if request.trial == never or (request.trial == late and before < 3):
            return kit.fault(kind)
        return kit.reply()

    target = lab.target(_script(answer))
    outcome = await lab.go(target, plan, retry=RetryPolicy(attempts=4))

    assert Counter(target.asked) == dict(zip([never, late, plan.trials[2].id], (4, 4, 1), strict=True))
    error = outcome.data.transcripts[never].error
    assert error is not None
    assert (error.kind, error.attempts) == (kind, 4)
    assert outcome.data.judgements[never].result == Unscored(
        reason="target_error", detail=f"{kind}: a {kind}"
    )
    assert outcome.data.transcripts[late].attempts == 4
    assert outcome.data.judgements[late].result == RefusalResult(label="none")
    assert outcome.engine.errors == {kind: 1}


async def test_given_a_refused_parameter_when_met_then_the_call_is_made_again_at_once_and_counted(
    lab: Lab, kit: Kit
) -> None:
    def answer(_request: Request, before: int) -> Reply | CallError:
        return kit.fault("parameter_refused", status=400) if before < 2 else kit.reply()

    target = lab.target(_script(answer))
    outcome = await lab.go(target, lab.plan(10), retry=RetryPolicy(attempts=1))
    assert outcome.stopped.reason == "complete"
    assert {one.attempts for one in outcome.data.transcripts.values()} == {3}
    assert outcome.engine.budget.calls == len(target.asked) == 30


@pytest.mark.parametrize("kind", sorted(_OF_THE_TRIAL - {"parameter_refused"}))
async def test_given_a_fault_of_the_trial_itself_when_met_then_it_is_not_retried_and_the_run_goes_on(
    lab: Lab, kit: Kit, kind: CallErrorKind
) -> None:
    target = lab.target(_script(lambda _request, _before: kit.fault(kind)))
    outcome = await lab.go(target, lab.plan(60))
    assert len(target.asked) == 60
    assert outcome.stopped.reason == "complete"
    assert outcome.engine.errors == {kind: 60}
    assert all(isinstance(judged.result, Unscored) for judged in outcome.data.judgements.values())
    assert not lab.words.judged  # no judge is asked about an error

    again = lab.target()
    await lab.go(again, lab.plan(60))
    assert again.asked == []


async def test_given_retries_when_waited_for_then_waits_double_with_jitter_up_to_the_longest(
    lab: Lab, kit: Kit
) -> None:
    target = lab.target(_script(lambda _request, _before: kit.fault("connection")))
    policy = RetryPolicy(attempts=8, first_wait=1.0, longest_wait=10.0)
    await lab.go(target, lab.plan(1), retry=policy)
    for wait, longest in zip(lab.clock.slept, [1, 2, 4, 8, 10, 10, 10], strict=True):
        assert longest / 2 <= wait <= longest


async def test_given_a_trial_whose_time_is_over_when_it_would_be_retried_then_it_is_given_up(
    lab: Lab, kit: Kit
) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(4.0)
        return kit.fault("server_error", status=500)

    target = lab.target(answer)
    policy = RetryPolicy(attempts=99, first_wait=2.0, longest_wait=2.0, trial_timeout=20.0)
    outcome = await lab.go(target, lab.plan(1), retry=policy)
    assert 3 <= len(target.asked) <= 4
    assert outcome.engine.errors == {"server_error": 1}


async def test_given_a_target_that_hangs_when_its_time_is_over_then_it_is_a_timeout(lab: Lab) -> None:
    async def answer(_request: Request, _before: int) -> Reply | CallError:
        return await asyncio.get_running_loop().create_future()

    policy = RetryPolicy(attempts=1, trial_timeout=0.05)
    outcome = await lab.go(lab.target(answer), lab.plan(2), retry=policy)
    errors = [transcript.error for transcript in outcome.data.transcripts.values()]
    assert [error and (error.kind, error.message) for error in errors] == [
        ("timeout", "no reply within 0.05 s for the whole trial")
    ] * 2


# --- endpoints that are gone ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(_FATAL))
async def test_given_a_fault_that_no_call_survives_when_met_then_the_run_stops_and_a_resume_asks_again(
    lab: Lab, kit: Kit, kind: CallErrorKind
) -> None:
    plan = lab.plan(40)
    answered = {trial.id for trial in plan.trials[:10]}

    def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.reply() if request.trial in answered else kit.fault(kind)

    target = lab.target(_script(answer))
    outcome = await lab.go(target, plan, concurrency=1)
    assert outcome.stopped.reason == "target_unavailable"
    assert outcome.stopped.detail == f"a {kind}"
    assert 11 <= len(target.asked) <= 12  # one may be on its way when the fault comes back

    mended = lab.target()
    outcome = await lab.go(mended, plan)
    assert outcome.stopped.reason == "complete"
    assert mended.asked == [trial.id for trial in plan.trials[10:]]
    assert all(transcript.error is None for transcript in outcome.data.transcripts.values())


@pytest.mark.parametrize("kind", ["connection", "server_error", "timeout", "bad_response"])
async def test_given_an_endpoint_that_never_answers_when_eight_trials_failed_then_it_is_given_up(
    lab: Lab, kit: Kit, kind: CallErrorKind
) -> None:
    target = lab.target(_script(lambda _request, _before: kit.fault(kind)))
    outcome = await lab.go(target, lab.plan(100), retry=RetryPolicy(attempts=2), concurrency=2)
    assert outcome.stopped.reason == "target_unavailable"
    assert outcome.engine.errors == {kind: 8}
    assert len(target.asked) <= 20


@pytest.mark.parametrize(("kind", "patience"), [("server_error", 40), ("connection", 8)])
async def test_given_an_endpoint_that_did_answer_when_it_is_sick_then_there_is_more_patience_but_an_end(
    lab: Lab, kit: Kit, kind: CallErrorKind, patience: int
) -> None:
    plan = lab.plan(100)
    well = {trial.id for trial in plan.trials[:5]}

    def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.reply() if request.trial in well else kit.fault(kind)

    outcome = await lab.go(lab.target(_script(answer)), plan, retry=RetryPolicy(attempts=1), concurrency=1)
    assert outcome.stopped.reason == "target_unavailable"
    assert outcome.engine.errors == {kind: patience}


async def test_given_faults_between_replies_when_they_never_come_in_a_row_then_the_run_goes_on(
    lab: Lab, kit: Kit
) -> None:
    plan = lab.plan(100)
    well = {trial.id for trial in plan.trials[::7]}

    def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.reply() if request.trial in well else kit.fault("connection")

    outcome = await lab.go(lab.target(_script(answer)), plan, retry=RetryPolicy(attempts=1), concurrency=1)
    assert outcome.stopped.reason == "complete"
    assert outcome.engine.errors == {"connection": 85}


async def test_given_rate_limits_alone_when_it_did_answer_then_the_run_is_not_given_up(
    lab: Lab, kit: Kit
) -> None:
    plan = lab.plan(61)

    def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.reply() if request.trial == plan.trials[0].id else kit.fault("rate_limited", status=429)

    outcome = await lab.go(lab.target(_script(answer)), plan, retry=RetryPolicy(attempts=2), concurrency=1)
    assert outcome.stopped.reason == "complete"
    assert outcome.engine.errors == {"rate_limited": 60}


async def test_given_rate_limits_in_place_of_any_reply_when_eight_trials_failed_then_it_is_given_up(
    lab: Lab, kit: Kit
) -> None:
    target = lab.target(_script(lambda _request, _before: kit.fault("rate_limited", status=429)))
    outcome = await lab.go(target, lab.plan(60), retry=RetryPolicy(attempts=2))
    assert outcome.stopped.reason == "target_unavailable"
    assert outcome.engine.errors == {"rate_limited": 8}


@pytest.mark.parametrize(("kind", "status"), [("auth", 403), ("not_found", 404)])
async def test_given_a_firewall_that_blocks_some_prompts_when_met_then_only_these_trials_are_unscored(
    lab: Lab, kit: Kit, kind: CallErrorKind, status: int
) -> None:
    plan = lab.plan(100)
    blocked = {trial.id for trial in plan.trials[::33]}

    def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.fault(kind, status=status) if request.trial in blocked else kit.reply()

    outcome = await lab.go(lab.target(_script(answer)), plan)
    assert outcome.stopped.reason == "complete"
    assert outcome.engine.errors == {kind: 4}
    unscored = {
        trial for trial, judged in outcome.data.judgements.items() if isinstance(judged.result, Unscored)
    }
    assert unscored == blocked

    again = lab.target(_script(answer))
    outcome = await lab.go(again, plan)
    assert outcome.stopped.reason == "complete"
    assert set(again.asked) == blocked


@pytest.mark.parametrize(("well", "patience"), [(0, 8), (5, 40)])
async def test_given_an_endpoint_that_forbids_all_that_follows_when_met_then_there_is_an_end(
    lab: Lab, kit: Kit, well: int, patience: int
) -> None:
    plan = lab.plan(100)
    answered = {trial.id for trial in plan.trials[:well]}

    def answer(request: Request, _before: int) -> Reply | CallError:
        return kit.reply() if request.trial in answered else kit.fault("auth", status=403)

    outcome = await lab.go(lab.target(_script(answer)), plan, concurrency=1)
    assert outcome.stopped.reason == "target_unavailable"
    assert outcome.engine.errors == {"auth": patience}


# --- stops and resumes ---------------------------------------------------------------------------


async def test_given_a_stop_when_calls_are_in_flight_then_they_are_given_up_and_asked_on_resume(
    lab: Lab, kit: Kit
) -> None:
    plan = lab.plan(50)
    engines: list[Engine] = []

    async def answer(request: Request, _before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0 if request.trial != plan.trials[3].id else 1e6)
        if request.trial == plan.trials[20].id:
            engines[0].stop("interrupted", "stopped by SIGINT")
        return kit.reply()

    outcome = await lab.go(lab.target(answer), plan, concurrency=4, watch=engines.append)
    assert outcome.stopped.reason == "interrupted"
    assert isinstance(outcome.events[-1], Closed)
    done = set(outcome.data.transcripts)
    assert plan.trials[3].id not in done
    assert 15 < len(done) < 30

    again = lab.target()
    outcome = await lab.go(again, plan)
    assert again.asked == [trial.id for trial in plan.trials if trial.id not in done]
    assert outcome.data.complete
    assert len(outcome.data.judgements) == 50


async def test_given_a_transcript_that_no_judge_saw_when_resumed_then_it_is_judged_and_not_asked_again(
    lab: Lab,
) -> None:
    plan = lab.plan(10)
    await lab.go(lab.target(), plan)
    journal = lab.path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'"closed"' not in line[:20]]
    judged = [line for line in kept if line.startswith(b'{"type":"judged"')]
    journal.write_bytes(b"".join(line for line in kept if line not in judged[-3:]))

    again = lab.target()
    lab.words.judged.clear()
    outcome = await lab.go(again, plan)

    assert again.asked == []
    assert len(lab.words.judged) == 3
    assert len(outcome.data.judgements) == 10
    assert sum(isinstance(event, Judged) for event in outcome.events) == 10


async def test_given_a_kill_while_the_plan_was_written_when_resumed_then_the_plan_is_completed(
    lab: Lab,
) -> None:
    plan = lab.plan(10)
    await lab.go(lab.target(), plan)
    journal = lab.path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:5]) + lines[5][:30])

    outcome = await lab.go(lab.target(), plan)
    assert [trial.id for trial in outcome.data.trials] == [trial.id for trial in plan.trials]
    assert sum(isinstance(event, Planned) for event in outcome.events) == 10


async def test_given_a_finished_run_when_started_again_then_nothing_is_asked_or_judged(lab: Lab) -> None:
    plan = lab.plan(10)
    first = await lab.go(lab.target(), plan)
    again = lab.target()
    second = await lab.go(again, plan)
    assert again.asked == []
    assert second.data.transcripts == first.data.transcripts
    assert second.data.judgements == first.data.judgements


async def test_given_a_disk_that_fills_when_running_then_the_run_stops_and_goes_on_later(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, write, written = lab.plan(40), os.write, 0

    def filling(fd: int, data: bytes) -> int:
        nonlocal written
        if data[:18] == b'{"type":"answered"':
            written += 1
        if written > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", filling)
        outcome = await lab.go(lab.target(), plan)
    assert outcome.stopped.reason == "storage"
    assert "No space left on device" in outcome.stopped.detail
    assert len(outcome.data.transcripts) == 12
    assert outcome.data.closed is None

    again = lab.target()
    outcome = await lab.go(again, plan)
    assert len(again.asked) == 28
    assert outcome.data.complete


async def test_given_a_disk_that_no_longer_syncs_when_running_then_the_run_stops(
    lab: Lab, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    plan = lab.plan(2)

    async def answer(request: Request, _before: int) -> Reply | CallError:
        monkeypatch.setattr(os, "fsync", failing)
        if request.trial == plan.trials[0].id:
            return kit.reply()
        return await asyncio.get_running_loop().create_future()

    with pytest.raises(StorageError, match="Input/output error"):  # closing syncs once more, and fails too
        await lab.go(lab.target(answer), plan)
    monkeypatch.undo()


@pytest.mark.parametrize("error", [NotImplementedError("a defect"), MemoryError("a defect")])
async def test_given_a_judge_that_no_reply_gets_past_when_it_raises_then_the_error_is_not_swallowed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(_trial: Trial, _transcript: object) -> None:
        await asyncio.sleep(0)
        raise error

    monkeypatch.setattr(lab.judges["refusal"], "judge", broken)
    with pytest.raises(type(error), match="a defect"):
        await lab.go(lab.target(), lab.plan(5))


async def test_given_a_judge_that_stumbles_over_replies_when_run_then_they_have_no_score_and_it_ends(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_trial: Trial, _transcript: object) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(lab.judges["refusal"], "judge", broken)
    outcome = await lab.go(lab.target(), lab.plan(5))
    results = [judged.result for judged in outcome.data.judgements.values()]
    assert len(results) == 5
    assert all(isinstance(result, Unscored) and result.reason == "judge_error" for result in results)


# --- what a display is told ----------------------------------------------------------------------


class _Display:
    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []

    def started(self, *, run: str, target: str, total: int, done: int, claims: tuple[Claim, ...]) -> None:
        raise NotImplementedError

    def update(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def note(self, message: str) -> None:
        raise NotImplementedError


async def test_given_a_display_when_the_run_ends_then_its_last_picture_is_the_end(lab: Lab, kit: Kit) -> None:
    plan = lab.plan(30)
    broken, mumbled = plan.trials[3].id, plan.trials[4].id

    def answer(request: Request, _before: int) -> Reply | CallError:
        if request.trial == broken:
            return kit.fault("bad_request")
        return kit.reply("mumble" if request.trial == mumbled else "Here is how.", prompt=10, completion=5)

    display = _Display()
    await lab.go(lab.target(_script(answer)), plan, progress=display)
    last = display.snapshots[-1]
    assert (last.answered, last.in_flight, last.retrying, last.calls) == (30, 0, 0, 30)
    assert (last.unscored, last.errors, last.last_error) == (2, {"bad_request": 1}, "a bad_request")
    assert (last.tokens, last.money) == (29 * 15, 0)
    assert sum(len(judged) for judged in last.judgements.values()) == 30


async def test_given_a_run_that_had_replies_when_resumed_onto_faults_then_it_is_as_patient_as_before(
    lab: Lab, kit: Kit
) -> None:
    """Trials that failed are asked first on a resume: eight of them must not end it at once."""
    healthy = True

    async def answer(_request: Request, before: int) -> Reply | CallError:
        await lab.clock.sleep(1.0)
        return kit.reply() if healthy or before else kit.fault("server_error", status=500)

    plan = lab.plan(40)
    policy = RetryPolicy(attempts=1)
    first = await lab.go(lab.target(answer), plan, concurrency=1, limits=Limits(calls=5), retry=policy)
    assert first.stopped.reason == "budget"
    healthy = False
    second = await lab.go(lab.target(answer), plan, concurrency=1, retry=policy)
    assert second.stopped.reason == "complete"
