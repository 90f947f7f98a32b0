"""How hard models are pressed and what may be spent on them: the same options wherever targets are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from alignmeter.cli.numbers import real, whole
from alignmeter.errors import InputError

if TYPE_CHECKING:
    from alignmeter.engine import Allowance, EngineOptions, Prices, Spending

ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        parser=whole(1),
        metavar="N",
        help="Calls in flight to a target from the start; default: adapts, 8 to 64.",
    ),
]
RpmOption = Annotated[
    float | None,
    typer.Option(parser=real(exclusive=True), metavar="X", help="Requests a minute to a target at the most."),
]
TpmOption = Annotated[
    float | None,
    typer.Option(parser=real(1.0), metavar="X", help="Tokens a minute of a target at the most."),
]
MaxAttemptsOption = Annotated[
    int, typer.Option(parser=whole(1), metavar="N", help="Calls for one trial, retries included.")
]
TrialTimeoutOption = Annotated[
    float,
    typer.Option(parser=real(exclusive=True), metavar="S", help="Seconds for one trial, retries included."),
]
BudgetCallsOption = Annotated[
    int | None,
    typer.Option(
        parser=whole(1), metavar="N", help="Stop after so many calls, over all resumes, judges' included."
    ),
]
BudgetCallsOfModelsOption = Annotated[
    int | None,
    typer.Option(parser=whole(1), metavar="N", help="Stop after so many calls to models, over all starts."),
]
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
PriceTunedOption = Annotated[
    float | None,
    typer.Option(parser=real(), metavar="X", help="The same for the tuned model; default: as the base."),
]

MAX_ATTEMPTS = 5
TRIAL_TIMEOUT = 900.0
"""Defaults of `RetryPolicy`, which is not imported before a command runs."""


class EngineChoice(NamedTuple):
    """What the user said of speed, patience and limits."""

    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    max_attempts: int = MAX_ATTEMPTS
    trial_timeout: float = TRIAL_TIMEOUT
    budget_calls: int | None = None
    budget_tokens: int | None = None
    budget_money: float | None = None
    price_prompt: float = 0.0
    price_completion: float = 0.0
    price_judge_prompt: float | None = None
    price_judge_completion: float | None = None
    tuned_price_prompt: float | None = None
    tuned_price_completion: float | None = None

    def options(self) -> EngineOptions:
        """Gather the options; prices are those of the base where two targets are asked.

        Raises:
            InputError: Money is limited, and nothing says what a token costs.
        """
        from alignmeter.engine import EngineOptions, Limits, Prices, RetryPolicy

        prices = Prices(prompt=self.price_prompt, completion=self.price_completion)
        _check_priced(self.budget_money, prices, self.tuned_prices() or prices)
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

    def tuned_prices(self) -> Prices | None:
        """What the tuned model costs; None where nothing was said of it alone."""
        from alignmeter.engine import Prices

        given = self.tuned_price_prompt, self.tuned_price_completion
        if given == (None, None):
            return None
        return Prices(
            prompt=self.price_prompt if given[0] is None else given[0],
            completion=self.price_completion if given[1] is None else given[1],
        )


class BudgetChoice(NamedTuple):
    """What the user said of limits where models are asked outside a run."""

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    price_prompt: float = 0.0
    price_completion: float = 0.0

    def allowance(self) -> Allowance:
        """Gather the limits.

        Raises:
            InputError: Money is limited, and nothing says what a token costs.
        """
        from alignmeter.engine import Allowance, Limits, Prices

        prices = Prices(prompt=self.price_prompt, completion=self.price_completion)
        _check_priced(self.money, prices)
        return Allowance(limits=Limits(calls=self.calls, tokens=self.tokens, money=self.money), prices=prices)


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
