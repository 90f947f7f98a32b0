"""Budgets in calls, tokens and money: reserved before a call, settled after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.engine.purse import Limits, Purse
from alignmeter.records import CallError, Record, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Message, Sampling, Transcript, Trial
    from alignmeter.store import Charged, Checked
    from alignmeter.targets import Reply

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


class Account:
    """Calls to the target, or to the models of judges: tokens at one price, out of a purse that they share.

    Every call is reserved before it is made and settled when it is over, by one rule whoever makes it.

    Args:
        purse: What they spend, and others with them.
        prices: Of these calls.
        prefix: High estimate of the tokens that the target puts before every prompt, until replies say how
            long their prompts were; None where nothing is to be learnt.
    """

    def __init__(self, purse: Purse, prices: Prices, prefix: int | None = None) -> None:
        self._purse = purse
        self._prices = prices
        self._estimated_prefix = prefix
        self._learnt_prefix: int | None = None
        self.calls = 0
        self.prompt = 0
        self.completion = 0
        self._reserved = Usage()

    def wanted(self, messages: Sequence[Message], sampling: Sampling) -> Reservation:
        """What a call may cost, the prefix included: the longest that was seen, or the estimate before."""
        plain = reservation(messages, sampling)
        prefix = self._estimated_prefix if self._learnt_prefix is None else self._learnt_prefix
        return plain._replace(prompt=plain.prompt + (prefix or 0), prefix=prefix or 0)

    def fits(self, wanted: Reservation) -> bool:
        """Whether a call fits beside what was spent and what is in flight."""
        return self._purse.fits(wanted.prompt + wanted.completion, self.cost(wanted.usage))

    def reserve(self, wanted: Reservation) -> None:
        """Count a call that is about to be made."""
        self.calls += 1
        self._purse.in_flight += 1
        self._reserved += wanted.usage

    def cancel(self, wanted: Reservation) -> None:
        """Undo a reservation whose call was not made."""
        self.calls -= 1
        self._release(wanted)

    def settle(self, wanted: Reservation, answer: Reply | CallError | None) -> Usage:
        """Replace a reservation by what its call cost (docs/decisions/0062).

        Args:
            wanted: The reservation.
            answer: What came of the call; None where it was given up.

        Returns:
            The tokens that were counted: those of a reply, estimated where the endpoint does not say; all
            that was reserved where no usable reply came and the call may be billed; else none.
        """
        if answer is None or (isinstance(answer, CallError) and answer.may_be_billed):
            used = wanted.usage
        elif isinstance(answer, CallError):
            used = Usage(prompt_tokens=0, completion_tokens=0)
        else:
            used = self._used(wanted, answer.usage, answer.message.content)
        self.add(used)
        self._release(wanted)
        return used

    def carry(self, calls: int, tokens: Usage) -> None:
        """Count what calls cost that an earlier process of the run made."""
        self.calls += calls
        self.add(tokens)

    def carry_reply(self, wanted: Reservation, used: Usage, reply: str) -> None:
        """Count the tokens of a reply that an earlier process got, as `settle` does."""
        self.add(self._used(wanted, used, reply))

    def add(self, used: Usage) -> None:
        """Count tokens; what is not told counts as none."""
        self.prompt += _counted(used.prompt_tokens, 0)
        self.completion += _counted(used.completion_tokens, 0)

    @property
    def money(self) -> float:
        """Spent so far."""
        return self.cost(Usage(prompt_tokens=self.prompt, completion_tokens=self.completion))

    @property
    def most_tokens(self) -> int:
        """Spent and reserved."""
        most = self._most
        return (most.prompt_tokens or 0) + (most.completion_tokens or 0)

    @property
    def most_money(self) -> float:
        """Spent and reserved."""
        return self.cost(self._most)

    def cost(self, used: Usage) -> float:
        """Money for so many tokens."""
        prompt, completion = used.prompt_tokens or 0, used.completion_tokens or 0
        return (prompt * self._prices.prompt + completion * self._prices.completion) / _MILLION

    @property
    def _most(self) -> Usage:
        return self._reserved + Usage(prompt_tokens=self.prompt, completion_tokens=self.completion)

    def _release(self, wanted: Reservation) -> None:
        self._reserved -= wanted.usage
        self._purse.over()

    def _used(self, wanted: Reservation, used: Usage, reply: str) -> Usage:
        if self._estimated_prefix is not None and used.prompt_tokens is not None and used.prompt_tokens > 0:
            # By the likely count: beside a high one a long prompt would hide the prefix.
            self._learnt_prefix = max(self._learnt_prefix or 0, used.prompt_tokens - wanted.likely)
        return Usage(
            prompt_tokens=_counted(used.prompt_tokens, wanted.prompt),
            completion_tokens=_counted(used.completion_tokens, estimate_tokens(reply)),
        )


class Budget:
    """Counts what was spent and what calls in flight may still spend, on the target and on judges.

    Args:
        limits: What may be spent.
        prices: Of the target.
        judge_prices: Of judges' models; None for the same.
        prefix: High estimate of the tokens that the target puts before every prompt.
        beside: A budget whose limits hold over it and this one together; those of this one are not heeded.

    Attributes:
        purse: The limits, and who else keeps them.
        target: The calls to the target.
        judges: Those to the models of judges.
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
        self.target = Account(self.purse, prices, prefix)
        self.judges = Account(self.purse, judge_prices or prices)

    @property
    def calls(self) -> int:
        """Calls made or under way, to the target and to judges."""
        return self.target.calls + self.judges.calls

    @property
    def prompt_tokens(self) -> int:
        """Prompt tokens spent so far."""
        return self.target.prompt + self.judges.prompt

    @property
    def completion_tokens(self) -> int:
        """Completion tokens spent so far."""
        return self.target.completion + self.judges.completion

    @property
    def tokens(self) -> int:
        """Tokens spent so far."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def money(self) -> float:
        """Money spent so far."""
        return self.target.money + self.judges.money

    @property
    def most_tokens(self) -> int:
        """Tokens spent, and those that calls in flight may still spend."""
        return self.target.most_tokens + self.judges.most_tokens

    @property
    def most_money(self) -> float:
        """Money spent, and what calls in flight may still spend."""
        return self.target.most_money + self.judges.most_money

    def carry(self, trial: Trial, transcript: Transcript, sampling: Sampling) -> None:
        """Count what an earlier process of the same run spent on a trial."""
        self.target.carry(transcript.attempts, transcript.lost)
        if transcript.reply is not None:
            wanted = self.target.wanted(trial.messages, sampling)
            self.target.carry_reply(wanted, transcript.usage, transcript.reply.content)

    def carry_checked(self, checked: Checked) -> None:
        """Count what a process of this run spent before it asked the first trial."""
        self.target.carry(checked.calls, checked.usage)
        self.judges.carry(checked.judge_calls, checked.judge_usage)

    def carry_charge(self, charged: Charged) -> None:
        """Count what an earlier process spent at the most on calls whose answer it did not live to keep."""
        (self.judges if charged.role == "judge" else self.target).carry(charged.calls, charged.tokens)

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
        some = 0 < spent.judge_calls < spent.calls
        judged = f" ({spent.judge_calls} of the calls by judges)" if some else ""
        needed = "" if wanted is None else self._needed(wanted, self.judges if judge else self.target)
        said = ", ".join(part for part in parts if part)
        whose = " by both targets together" if len(self.purse.budgets) > 1 else ""
        return f"budget spent{whose}: {said}{judged}{needed}; raise it to go on"

    def _needed(self, wanted: Reservation, account: Account) -> str:
        """Say what of tokens and money a call may take; nothing where neither is limited."""
        limits = self.purse.limits
        parts = [
            f"{wanted.prompt + wanted.completion} tokens" if limits.tokens is not None else "",
            f"{account.cost(wanted.usage):.4g} in money" if limits.money is not None else "",
        ]
        said = " and ".join(part for part in parts if part)
        return f"; the next call may take {said}" if said else ""
