"""Budgets in calls, tokens and money: reserved before a call, settled after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.engine.purse import Limits, Purse
from alignmeter.records import Record, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Judgement, Message, Sampling, Transcript, Trial
    from alignmeter.store import Charged, Checked

CHARACTERS_PER_TOKEN = 4
IMAGE_TOKENS = 1_600
"""Reserved for an image until replies tell; most models count a few hundred to this many."""
_MILLION = 1_000_000
_NOT_ASCII = 0x80


class Prices(Record, frozen=True):
    """Money for a million tokens, in whatever currency the user counts."""

    prompt: float = 0.0
    completion: float = 0.0


class Reservation(NamedTuple):
    """The most that one call may cost.

    Attributes:
        prompt: Tokens of the prompt by a high estimate, `prefix` included.
        completion: Tokens of the longest reply allowed.
        likely: Tokens of the prompt as they are forecast, `prefix` left out.
        prefix: Tokens of the prompt that the target puts before every one of them.
    """

    prompt: int
    completion: int
    likely: int
    prefix: int = 0

    @property
    def usage(self) -> Usage:
        """The same as tokens used."""
        return Usage(prompt_tokens=self.prompt, completion_tokens=self.completion)

    @property
    def rate(self) -> int:
        """Tokens that limits of tokens a minute are kept by: the likely ones and the longest reply."""
        return self.likely + self.prefix + self.completion


def estimate_tokens(text: str) -> int:
    """Rough count of tokens: four characters each, at least one."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)


def most_tokens(messages: Sequence[Message]) -> int:
    """High estimate of the tokens of some messages: one for 3 bytes of ASCII, one for 2 of other UTF-8.

    An image is counted at `IMAGE_TOKENS`; a target that counts more is known by its first reply.
    """
    data = "".join(message.content for message in messages).encode("utf-8", "replace")
    plain = sum(byte < _NOT_ASCII for byte in data)
    images = sum(len(message.images) for message in messages)
    return math.ceil(plain / 3 + (len(data) - plain) / 2) + IMAGE_TOKENS * images


def reservation(messages: Sequence[Message], sampling: Sampling) -> Reservation:
    """What a call may cost: its prompt, by a high estimate, and the longest reply allowed."""
    likely = sum(estimate_tokens(message.content) for message in messages)
    return Reservation(max(likely, most_tokens(messages)), sampling.max_tokens, likely)


def _counted(told: int | None, estimate: int) -> int:
    """Tokens as a target counts them, or the estimate where it does not say; nothing is ever given back."""
    return estimate if told is None or told < 0 else told


class _Account:
    """Tokens spent at one price, and those that calls in flight may still spend."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.prompt = 0
        self.completion = 0
        self.reserved_prompt = 0
        self.reserved_completion = 0

    def reserve(self, wanted: Reservation, sign: int = 1) -> None:
        self.reserved_prompt += sign * wanted.prompt
        self.reserved_completion += sign * wanted.completion

    def spend(self, wanted: Reservation, used: Usage, reply: str) -> None:
        self.prompt += _counted(used.prompt_tokens, wanted.prompt)
        self.completion += _counted(used.completion_tokens, estimate_tokens(reply))

    def add(self, used: Usage) -> None:
        self.prompt += _counted(used.prompt_tokens, 0)
        self.completion += _counted(used.completion_tokens, 0)

    @property
    def money(self) -> float:
        return self.cost(self.prompt, self.completion)

    @property
    def most_tokens(self) -> int:
        """Spent and reserved."""
        return self.prompt + self.completion + self.reserved_prompt + self.reserved_completion

    @property
    def most_money(self) -> float:
        return self.cost(self.prompt + self.reserved_prompt, self.completion + self.reserved_completion)

    def cost(self, prompt: int, completion: int) -> float:
        return (prompt * self._prices.prompt + completion * self._prices.completion) / _MILLION


class Budget:
    """Counts what was spent and what calls in flight may still spend, on the target and on judges.

    A prompt is estimated, and so is the target's own prefix (system prompt, examples), until replies
    say how long their prompts were.

    Args:
        limits: What may be spent.
        prices: Of the target.
        judge_prices: Of judges' models; None for the same.
        prefix: High estimate of the tokens that the target puts before every prompt.
        beside: A budget whose limits hold over it and this one together; those of this one are not heeded.

    Attributes:
        purse: The limits, and who else keeps them.
        calls: Calls made or under way, to the target and to judges.
        judge_calls: Those to judges.
    """

    def __init__(
        self,
        limits: Limits,
        prices: Prices,
        judge_prices: Prices | None = None,
        *,
        prefix: int = 0,
        beside: Budget | None = None,
    ) -> None:
        self.purse = Purse(limits) if beside is None else beside.purse
        self.purse.budgets.append(self)
        self._target = _Account(prices)
        self._judges = _Account(judge_prices or prices)
        self._estimated_prefix = prefix
        self._learnt_prefix: int | None = None
        self.calls = 0
        self.judge_calls = 0

    @property
    def prompt_tokens(self) -> int:
        """Prompt tokens spent so far."""
        return self._target.prompt + self._judges.prompt

    @property
    def completion_tokens(self) -> int:
        """Completion tokens spent so far."""
        return self._target.completion + self._judges.completion

    @property
    def tokens(self) -> int:
        """Tokens spent so far."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def money(self) -> float:
        """Money spent so far."""
        return self._target.money + self._judges.money

    @property
    def most_tokens(self) -> int:
        """Tokens spent, and those that calls in flight may still spend."""
        return self._target.most_tokens + self._judges.most_tokens

    @property
    def most_money(self) -> float:
        """Money spent, and what calls in flight may still spend."""
        return self._target.most_money + self._judges.most_money

    @property
    def in_flight(self) -> bool:
        """Whether something is reserved for a call that is not over."""
        return self.most_tokens > self.tokens

    def wanted(self, trial: Trial, sampling: Sampling) -> Reservation:
        """What a call may cost, the prefix included: the longest that was seen, or the estimate before."""
        plain = reservation(trial.messages, sampling)
        prefix = self._estimated_prefix if self._learnt_prefix is None else self._learnt_prefix
        return plain._replace(prompt=plain.prompt + prefix, prefix=prefix)

    def carry(self, trial: Trial, transcript: Transcript, sampling: Sampling) -> None:
        """Count what an earlier process of the same run spent on a trial."""
        self.calls += transcript.attempts
        self._target.add(transcript.lost)
        if transcript.reply is not None:
            self._spend(self.wanted(trial, sampling), transcript.usage, transcript.reply.content)

    def carry_checked(self, checked: Checked) -> None:
        """Count what a process of this run spent before it asked the first trial."""
        self.calls += checked.calls + checked.judge_calls
        self.judge_calls += checked.judge_calls
        self._target.add(checked.usage)
        self._judges.add(checked.judge_usage)

    def carry_judgement(self, judgement: Judgement) -> None:
        """Count what an earlier process of the same run spent on a judgement."""
        self.calls += judgement.calls
        self.judge_calls += judgement.calls
        self._judges.add(judgement.usage)

    def carry_charge(self, charged: Charged) -> None:
        """Count what an earlier process spent at the most on calls whose answer it did not live to keep."""
        self.calls += charged.calls
        if charged.role == "judge":
            self.judge_calls += charged.calls
        (self._judges if charged.role == "judge" else self._target).add(charged.tokens)

    def fits(self, wanted: Reservation) -> bool:
        """Whether a call to the target fits beside what was spent and what is in flight."""
        return self._fits(wanted, self._target)

    def judge_fits(self, wanted: Reservation) -> bool:
        """Whether a call to a judge does."""
        return self._fits(wanted, self._judges)

    def _fits(self, wanted: Reservation, account: _Account) -> bool:
        return self.purse.fits(
            wanted.prompt + wanted.completion, account.cost(wanted.prompt, wanted.completion)
        )

    def reserve(self, wanted: Reservation) -> None:
        """Count a call to the target that is about to be made."""
        self.calls += 1
        self._target.reserve(wanted)

    def reserve_judge(self, wanted: Reservation) -> None:
        """Count a call to a judge that is about to be made."""
        self.calls += 1
        self.judge_calls += 1
        self._judges.reserve(wanted)

    def cancel(self, wanted: Reservation) -> None:
        """Undo a reservation whose call was not made."""
        self.calls -= 1
        self.settle(wanted, None)

    def settle(self, wanted: Reservation, used: Usage | None, reply: str = "") -> None:
        """Replace a reservation by what the call used; estimated where the endpoint does not say."""
        self._release(self._target, wanted)
        if used is not None:
            self._spend(wanted, used, reply)

    def _release(self, account: _Account, wanted: Reservation) -> None:
        account.reserve(wanted, -1)
        self.purse.settled()

    def lose(self, wanted: Reservation) -> Usage:
        """Count the whole of a reservation: no reply came, and the call may be billed."""
        self._release(self._target, wanted)
        self._target.add(wanted.usage)
        return wanted.usage

    def lose_judge(self, wanted: Reservation) -> Usage:
        """Do the same for a judge's call."""
        self._release(self._judges, wanted)
        self._judges.add(wanted.usage)
        return wanted.usage

    def settle_judge(self, wanted: Reservation, used: Usage | None, reply: str = "") -> Usage:
        """Do the same for a judge's call; returns the tokens that were counted."""
        before = self._judges.prompt, self._judges.completion
        self._release(self._judges, wanted)
        if used is not None:
            self._judges.spend(wanted, used, reply)
        return Usage(
            prompt_tokens=self._judges.prompt - before[0],
            completion_tokens=self._judges.completion - before[1],
        )

    def _spend(self, wanted: Reservation, used: Usage, reply: str) -> None:
        self._target.spend(wanted, used, reply)
        if used.prompt_tokens is not None and used.prompt_tokens > 0:
            # By the likely count: beside a high one a long prompt would hide the prefix.
            self._learnt_prefix = max(self._learnt_prefix or 0, used.prompt_tokens - wanted.likely)

    def describe(self, wanted: Reservation | None = None, *, judge: bool = False) -> str:
        """Say which budget ended, for people.

        Args:
            wanted: The call that did not fit; None where it is not known.
            judge: Whether it was one to a judge.
        """
        limits, spent = self.purse.limits, self.purse.spending
        parts = [
            f"{spent.calls} of {limits.calls} calls" if limits.calls is not None else "",
            f"{spent.tokens} of {limits.tokens} tokens" if limits.tokens is not None else "",
            f"{spent.money:.4g} of {limits.money:g} in money" if limits.money is not None else "",
        ]
        judged = f" ({spent.judge_calls} of the calls by judges)" if spent.judge_calls else ""
        needed = "" if wanted is None else self._needed(wanted, self._judges if judge else self._target)
        said = ", ".join(part for part in parts if part)
        whose = " by both targets together" if len(self.purse.budgets) > 1 else ""
        return f"budget spent{whose}: {said}{judged}{needed}; raise it to go on"

    def _needed(self, wanted: Reservation, account: _Account) -> str:
        """Say what of tokens and money a call may take; nothing where neither is limited."""
        limits = self.purse.limits
        parts = [
            f"{wanted.prompt + wanted.completion} tokens" if limits.tokens is not None else "",
            f"{account.cost(wanted.prompt, wanted.completion):.4g} in money"
            if limits.money is not None
            else "",
        ]
        said = " and ".join(part for part in parts if part)
        return f"; the next call may take {said}" if said else ""
