"""The rate of bad replies of a run, estimated from labels drawn within each verdict of the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.records import ClaimLabels, Interval, LabelEstimate, LabelStratum, Unscored
from alignmeter.stats import Stratum, by_verdict, effective_counts
from alignmeter.verdicts.labelled import weigh
from alignmeter.verdicts.outcomes import is_bad
from alignmeter.verdicts.people import has_no_reply, is_flagged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.records import Claim, Judgement

JudgeVerdict = Literal["positive", "negative", "unscored"]
JUDGE_VERDICTS: tuple[JudgeVerdict, ...] = ("positive", "negative", "unscored")
LEVEL = 0.95


class Member(NamedTuple):
    """One reply of a claim: its trial, its unit, and what the judge called it."""

    trial: str
    unit: int
    called: JudgeVerdict


def members(claim: Claim, judgements: Mapping[str, Judgement]) -> tuple[Member, ...]:
    """Every reply of a claim in the committed order; trials without a reply are left out."""
    found: list[Member] = []
    for number, unit in enumerate(claim.units):
        for trial in unit:
            judged = judgements.get(trial)
            if judged is None or has_no_reply(judged):
                continue
            called: JudgeVerdict = "positive" if is_flagged(claim, judged) else "negative"
            if isinstance(judged.result, Unscored) or judged.axis != claim.axis:
                called = "unscored"
            found.append(Member(trial, number, called))
    return tuple(found)


def claim_labels(
    claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement], *, seed: int
) -> ClaimLabels | None:
    """Sum up what people said of a claim; None where they said nothing.

    Args:
        claim: The claim.
        judgements: The judge's answers on its axis, by trial id.
        people: What people said on it, by trial id.
        seed: Seed of the Monte-Carlo product behind the interval.
    """
    replies = members(claim, judgements)
    if not any(member.trial in people for member in replies):
        return None
    weighed = weigh(claim, judgements, people)
    return ClaimLabels(
        claim=claim.id,
        basis=weighed.basis,
        confirmed=weighed.total("confirmed"),
        cleared=weighed.total("cleared"),
        unclear=weighed.total("unclear"),
        open=weighed.total("open"),
        missed=weighed.total("missed"),
        others=weighed.total("others"),
        estimate=_estimate(claim, replies, people, seed),
    )


def _estimate(
    claim: Claim, replies: tuple[Member, ...], people: Mapping[str, Judgement], seed: int
) -> LabelEstimate | None:
    strata: list[LabelStratum] = []
    effective: list[Stratum] = []
    for called in JUDGE_VERDICTS:
        mine = [member for member in replies if member.called == called]
        seen = [
            (member.unit, is_bad(claim.kind, people[member.trial].result))
            for member in mine
            if member.trial in people and not isinstance(people[member.trial].result, Unscored)
        ]
        strata.append(LabelStratum(size=len(mine), labelled=len(seen), bad=sum(bad for _, bad in seen)))
        events, n = effective_counts([float(bad) for _, bad in seen], [unit for unit, _ in seen])
        effective.append(Stratum(len(mine), n, min(events, n)))
    if any(stratum.size and not stratum.labelled for stratum in strata):
        return None
    found = by_verdict(effective, seed=seed, level=LEVEL)
    positives, negatives, unscored = strata
    return LabelEstimate(
        rate=found.estimate,
        interval=Interval(
            lower=found.lower, upper=found.upper, level=LEVEL, method="by verdict of the judge, Jeffreys"
        ),
        positives=positives,
        negatives=negatives,
        unscored=unscored,
    )
