"""Sequential designs: boundaries fixed before the first unit, decisions as soon as they are known."""

from __future__ import annotations

from alignmeter.stats.sequential.alpha_spending import (
    MAX_UNITS,
    AlphaSpendingDesign,
    AlphaSpendingProcess,
    OperatingCharacteristics,
    Step,
    alpha_spending_design,
)
from alignmeter.stats.sequential.betting import (
    BettingDesign,
    BettingProcess,
    betting_design,
)
from alignmeter.stats.sequential.gaussian_looks import (
    GaussianLooksDesign,
    GaussianLooksProcess,
    gaussian_looks_design,
)

__all__ = [
    "MAX_UNITS",
    "AlphaSpendingDesign",
    "AlphaSpendingProcess",
    "BettingDesign",
    "BettingProcess",
    "GaussianLooksDesign",
    "GaussianLooksProcess",
    "OperatingCharacteristics",
    "Step",
    "alpha_spending_design",
    "betting_design",
    "gaussian_looks_design",
]
