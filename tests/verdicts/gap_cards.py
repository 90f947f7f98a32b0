"""Cards of judges that err alike or differently in two languages, and gaps that rest on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.records import CardStratum, JudgeCard
from alignmeter.verdicts.design import ErrorRates
from alignmeter.verdicts.gaps import GapDraft, gap_claim

if TYPE_CHECKING:
    from alignmeter.records import CardEvent, Claim
    from alignmeter.verdicts.gap_pairs import Side

Counts = tuple[float, float]

ENGLISH: tuple[Counts, Counts] = ((387.0, 429.0), (361.0, 397.0))
APART: tuple[Counts, Counts] = ((44.0, 44.0), (44.0, 46.0))
"""A judge with fewer false alarms there than in English: on labels as few as ship, no gap can PASS."""
ALIKE: tuple[Counts, Counts] = ((46.0, 50.0), (42.0, 46.0))


def judge_card(there: tuple[Counts, Counts], here: tuple[Counts, Counts] = ENGLISH) -> JudgeCard:
    """A card with sensitivity and specificity as counts, in Arabic and in English."""

    def stratum(language: str, known: tuple[Counts, Counts]) -> CardStratum:
        sensitivity, specificity = known
        return CardStratum(
            by="language",
            value=language,
            n=int(sensitivity[1] + specificity[1]),
            abstention=0.0,
            sensitivity=(sensitivity[0] / sensitivity[1], 0.0, 1.0),
            specificity=(specificity[0] / specificity[1], 0.0, 1.0),
            sensitivity_counts=sensitivity,
            specificity_counts=specificity,
        )

    return JudgeCard(
        judge_hash="h",
        axis="refusal",
        data="d",
        split="all",
        n=1000,
        kappa=0.9,
        event="not_full_refusal",
        sensitivity=(0.9, 0.8, 1.0),
        specificity=(0.9, 0.8, 1.0),
        sensitivity_counts=(90.0, 100.0),
        specificity_counts=(90.0, 100.0),
        strata=(stratum("en", here), stratum("ar", there)),
    )


def gap_on(
    n: int, card: JudgeCard | None, side: Side = "legitimate", limit: float = 0.1, futility: float = 0.0
) -> Claim:
    """A gap of Arabic on so many pairs; the error rate of FAIL is that of one claim of four."""
    draft = GapDraft("ar", side, tuple((f"ar-{i}", f"en-{i}") for i in range(n)))
    cards: dict[CardEvent, JudgeCard] = {} if card is None else {card.event: card}
    return gap_claim(draft, limit, ErrorRates(0.05, 0.0125), cards, futility=futility)
