"""One trial from request to transcript: places, budgets, retries, and errors as data."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.engine.spending import Spent
from alignmeter.formats import DRIVERS
from alignmeter.records import CallError, Record, Transcript, Usage
from alignmeter.targets.base import OPTIONAL_PARAMETERS

if TYPE_CHECKING:
    from alignmeter.engine.budget import Budget, Reservation
    from alignmeter.engine.clock import Clock
    from alignmeter.engine.concurrency import AdaptiveConcurrency, CallOutcome
    from alignmeter.engine.rate_limit import TokenBucket
    from alignmeter.engine.spending import Told
    from alignmeter.records import Trial
    from alignmeter.store import Checked
    from alignmeter.targets import Reply, Target

_CONGESTED_STATUS = frozenset({429, 503, 529})


class RetryPolicy(Record, frozen=True):
    """How often and how patiently a call is repeated.

    Attributes:
        attempts: Calls for one trial at the most, those not counted whose parameters the server refused.
        first_wait: Seconds before the second attempt; doubled each time, with jitter.
        longest_wait: Seconds that one wait lasts at the most, unless the server asks for more.
        trial_timeout: Seconds for a trial, all its attempts and waits together.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    trial_timeout: float = 900.0


class Place(NamedTuple):
    """The right to make one call: a place in flight, and a share of the budget."""

    generation: int
    reserved: Reservation


class Caller:
    """Asks the target one trial at a time, as many side by side as the endpoint bears.

    Attributes:
        retrying: Trials that wait for another attempt.
    """

    def __init__(
        self,
        target: Target,
        *,
        concurrency: AdaptiveConcurrency,
        budget: Budget,
        requests: TokenBucket,
        tokens: TokenBucket,
        policy: RetryPolicy,
        clock: Clock,
    ) -> None:
        self._target = target
        self._sampling = target.fingerprint.sampling
        self._concurrency = concurrency
        self._budget = budget
        self._requests = requests
        self._tokens = tokens
        self._policy = policy
        self._clock = clock
        self._jitter = random.Random(0)  # noqa: S311 - spreads retries, guards nothing
        self.retrying = 0

    def charge(self, checked: Checked) -> None:
        """Count calls that were made elsewhere in the rates of requests and tokens."""
        self._requests.charge(checked.calls)
        self._tokens.charge((checked.usage.prompt_tokens or 0) + (checked.usage.completion_tokens or 0))

    async def place(self, trial: Trial) -> Place | None:
        """Wait for a place in flight and reserve the call; None where the budget has no room for it now.

        Nothing is awaited between the look at the budget and the reservation, so that calls side by
        side cannot spend the same rest.
        """
        generation = await self._concurrency.acquire()
        wanted = self.wanted(trial)
        if not self._fits(wanted):
            self._concurrency.release(generation, "other")
            return None
        self._budget.target.reserve(wanted)
        return Place(generation, wanted)

    def wanted(self, trial: Trial) -> Reservation:
        """What a call for one trial may cost."""
        return self._budget.target.wanted(trial.messages, self._sampling)

    def _fits(self, wanted: Reservation) -> bool:
        """Whether there is room that no judge waits for: what is here is judged before more is bought."""
        return not self._budget.purse.waiting and self._budget.target.fits(wanted)

    def give_back(self, place: Place) -> None:
        """Undo `place` where no call was made after all."""
        self._budget.target.cancel(place.reserved)
        self._concurrency.release(place.generation, "other")

    async def ask(self, trial: Trial, place: Place, told: Told | None = None) -> Transcript | None:
        """Ask one trial, holding what `place` gave.

        The place is given back between attempts and when the trial is done.

        Args:
            trial: What is asked.
            place: For its first attempt.
            told: As of `Spent`.

        Returns:
            A transcript with a reply, or with the error of the last attempt; None where the budget has no
            room for another attempt, so that nothing is known of the trial yet.
        """
        started_at = self._clock.time()
        deadline = self._clock.monotonic() + self._policy.trial_timeout
        spent = Spent(told=told)
        attempt, refusals = 1, 0
        while True:
            began = self._clock.monotonic()
            answer = await self._attempt(trial, place, deadline - began, spent)
            latency = self._clock.monotonic() - began
            if not isinstance(answer, CallError):
                return _transcript(trial, answer, started_at=started_at, latency=latency, spent=spent)
            if refused := answer.kind == "parameter_refused" and refusals < len(OPTIONAL_PARAMETERS):
                refusals += 1
            wait = 0.0 if refused else self._wait(answer, attempt - refusals)
            over = self._clock.monotonic() + wait >= deadline
            if over or not answer.retryable or attempt - refusals >= self._policy.attempts:
                return Transcript(
                    trial=trial.id,
                    started_at=started_at,
                    latency=latency,
                    attempts=attempt,
                    error=msgspec.structs.replace(answer, attempts=attempt),
                    lost=spent.usage,
                )
            again = await self._again(trial, wait)
            if again is None:
                return None
            place = again
            attempt += 1

    async def _again(self, trial: Trial, wait: float) -> Place | None:
        """Wait for another attempt; None where the budget has no room for one."""
        again = None
        self.retrying += 1
        try:
            if await self._room(trial):
                await self._clock.sleep(wait)
            while again is None and await self._room(trial):
                again = await self.place(trial)
        finally:
            self.retrying -= 1
        return again

    async def _room(self, trial: Trial) -> bool:
        """Whether the budget has room for a call, after calls in flight have settled if need be."""
        while not self._fits(self.wanted(trial)):
            if not await self._budget.purse.settlement():
                return False
        return True

    def _wait(self, error: CallError, attempt: int) -> float:
        """Seconds until the next attempt: doubling with jitter, and no less than the server asked for."""
        wait = min(self._policy.first_wait * 2 ** (attempt - 1), self._policy.longest_wait)
        return max(wait * self._jitter.uniform(0.5, 1.0), error.retry_after or 0.0)

    async def _attempt(self, trial: Trial, place: Place, seconds: float, spent: Spent) -> Reply | CallError:
        """Make one call and settle its place and its budget; `spent` learns what a lost one may cost."""
        generation, wanted = place
        outcome: CallOutcome = "other"
        retry_after: float | None = None
        limited = False
        try:
            await self._requests.take()
            await self._tokens.take(wanted.rate)
        except BaseException:
            self.give_back(place)
            raise
        spent.begin(wanted)
        came = None
        try:
            async with asyncio.timeout(seconds):
                answer = came = await DRIVERS[trial.format](self._target, trial, self._sampling)
        except TimeoutError:
            answer = came = CallError(
                kind="timeout",
                message=f"no reply within {self._policy.trial_timeout:g} s for the whole trial",
            )
        finally:
            if came is not None:
                outcome = _outcome(came)
            if isinstance(came, CallError):
                retry_after, limited = came.retry_after, came.kind == "rate_limited"
            used = self._budget.target.settle(wanted, came)
            self._concurrency.release(generation, outcome, retry_after=retry_after, rate_limited=limited)
        failed = isinstance(answer, CallError)
        spent.settle(wanted, used if failed else Usage(), failed=failed)
        return answer


def _outcome(answer: Reply | CallError) -> CallOutcome:
    if not isinstance(answer, CallError):
        return "ok"
    if answer.kind in {"rate_limited", "timeout"} or answer.status in _CONGESTED_STATUS:
        return "congested"
    return "other"


def _transcript(trial: Trial, reply: Reply, *, started_at: float, latency: float, spent: Spent) -> Transcript:
    return Transcript(
        trial=trial.id,
        reply=reply.message,
        finish_reason=reply.finish_reason,
        hard_refusal=reply.hard_refusal,
        usage=reply.usage,
        started_at=started_at,
        latency=latency,
        attempts=spent.calls,
        model_reported=reply.model_reported,
        logprobs=reply.logprobs,
        lost=spent.usage,
        finish_unknown=reply.finish_unknown,
        refused=reply.refused,
    )
