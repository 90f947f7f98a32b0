"""How hard models are pressed and what may be spent on them: the same options wherever targets are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from alignmeter.cli.numbers import real, whole
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from alignmeter.engine import Allowance, EngineOptions, Prices, Spending

BudgetTokensOption = Annotated[
    int | None, typer.Option(parser=whole(1), metavar="N", help="Stop before so many tokens.")
]
BudgetMoneyOption = Annotated[
    float | None,
    typer.Option(parser=real(), metavar="X", help="Stop before so much money; needs prices."),
]
PricePromptOption = Annotated[
    float, typer.Option(parser=real(), metavar="X", help="Price of a million prompt tokens.")
]
PriceCompletionOption = Annotated[
    float, typer.Option(parser=real(), metavar="X", help="Price of a million completion tokens.")
]
PriceJudgeOption = Annotated[
    float | None,
    typer.Option(
        parser=real(), metavar="X", help="The same for judges; default: as the target, the dearer of two."
    ),
]
TunedPriceOption = Annotated[
    float | None,
    typer.Option(parser=real(), metavar="X", help="The same for the tuned model; default: as the base."),
]

MAX_ATTEMPTS = 5
TRIAL_TIMEOUT = 900.0
"""Defaults of `RetryPolicy`, which is not imported before a command runs."""


class TunedPrices(NamedTuple):
    """Options of `compare` alone: what the second of two targets costs."""

    tuned_price_prompt: TunedPriceOption = None
    tuned_price_completion: TunedPriceOption = None

    def prices(self, base: Prices) -> Prices | None:
        """Its prices, those of the base where only one was said; None where nothing was."""
        if self == TunedPrices():
            return None
        from alignmeter.engine import Prices

        prompt, completion = self
        return Prices(
            prompt=base.prompt if prompt is None else prompt,
            completion=base.completion if completion is None else completion,
        )


class EngineChoice(NamedTuple):
    """Options of `run` and `compare`: speed, patience and limits."""

    concurrency: Annotated[
        int | None,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="Calls in flight to a target from the start; default: adapts, 8 to 64.",
        ),
    ] = None
    rpm: Annotated[
        float | None,
        typer.Option(
            parser=real(exclusive=True), metavar="X", help="Requests a minute to a target at the most."
        ),
    ] = None
    tpm: Annotated[
        float | None,
        typer.Option(parser=real(1.0), metavar="X", help="Tokens a minute of a target at the most."),
    ] = None
    max_attempts: Annotated[
        int, typer.Option(parser=whole(1), metavar="N", help="Calls for one trial, retries included.")
    ] = MAX_ATTEMPTS
    trial_timeout: Annotated[
        float,
        typer.Option(
            parser=real(exclusive=True), metavar="S", help="Seconds for one trial, retries included."
        ),
    ] = TRIAL_TIMEOUT
    budget_calls: Annotated[
        int | None,
        typer.Option(
            parser=whole(1),
            metavar="N",
            help="Stop after so many calls, over all resumes, judges' included.",
        ),
    ] = None
    budget_tokens: BudgetTokensOption = None
    budget_money: BudgetMoneyOption = None
    price_prompt: PricePromptOption = 0.0
    price_completion: PriceCompletionOption = 0.0
    price_judge_prompt: PriceJudgeOption = None
    price_judge_completion: PriceJudgeOption = None

    def options(self, tuned: TunedPrices | None = None) -> EngineOptions:
        """Gather the options.

        Args:
            tuned: What was said of a second target's prices, where there is one.

        Raises:
            InputError: Money is limited, and nothing says what a token costs.
        """
        from alignmeter.engine import EngineOptions, Limits, Prices, RetryPolicy

        prices = Prices(prompt=self.price_prompt, completion=self.price_completion)
        _check_priced(self.budget_money, prices, (tuned or TunedPrices()).prices(prices) or prices)
        judged = self.price_judge_prompt, self.price_judge_completion
        return EngineOptions(
            concurrency=self.concurrency,
            requests_per_minute=self.rpm,
            tokens_per_minute=self.tpm,
            limits=Limits(calls=self.budget_calls, tokens=self.budget_tokens, money=self.budget_money),
            prices=prices,
            judge_prices=None
            if judged == (None, None)
            else Prices(prompt=judged[0] or 0.0, completion=judged[1] or 0.0),
            retry=RetryPolicy(attempts=self.max_attempts, trial_timeout=self.trial_timeout),
        )


class BudgetChoice(NamedTuple):
    """Options of the commands that ask models outside a run: what may be spent."""

    budget_calls: Annotated[
        int | None,
        typer.Option(
            parser=whole(1), metavar="N", help="Stop after so many calls to models, over all starts."
        ),
    ] = None
    budget_tokens: BudgetTokensOption = None
    budget_money: BudgetMoneyOption = None
    price_prompt: PricePromptOption = 0.0
    price_completion: PriceCompletionOption = 0.0

    def allowance(self) -> Allowance:
        """Gather the limits.

        Raises:
            InputError: Money is limited, and nothing says what a token costs.
        """
        from alignmeter.engine import Allowance, Limits, Prices

        prices = Prices(prompt=self.price_prompt, completion=self.price_completion)
        _check_priced(self.budget_money, prices)
        limits = Limits(calls=self.budget_calls, tokens=self.budget_tokens, money=self.budget_money)
        return Allowance(limits=limits, prices=prices)


def spent_words(spent: Spending) -> str:
    """What was spent, for people."""
    money = f", {spent.money:.4g} in money" if spent.money else ""
    return f"{spent.calls:,} calls, {spent.tokens:,} tokens{money}"


def _check_priced(money: float | None, *prices: Prices) -> None:
    from alignmeter.engine import Prices

    if money is not None and set(prices) == {Prices()}:
        raise InputError(
            "--budget-money needs --price-prompt and --price-completion (money a million tokens)"
        )
