"""How hard a run may press its target, and how much it may spend."""

from __future__ import annotations

from alignmeter.engine.budget import Prices
from alignmeter.engine.caller import RetryPolicy
from alignmeter.engine.purse import Limits
from alignmeter.records import Record


class EngineOptions(Record, frozen=True):
    """How hard the engine may press, and how much it may spend.

    Attributes:
        concurrency: Calls in flight from the start and at the most; None starts small and adapts.
        requests_per_minute, tokens_per_minute: The provider's rate limits; None for none.
        judge_prices: What the judges' models cost; None for the same as the target.
    """

    concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    limits: Limits = Limits()
    prices: Prices = Prices()
    judge_prices: Prices | None = None
    retry: RetryPolicy = RetryPolicy()
