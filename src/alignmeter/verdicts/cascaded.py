"""What a cascade without a card shows of a claim: the rate that its second judge would have found.

The second judge saw everything that the first flagged or doubted, and a random share of the rest. Each
of those drawn stands for others, so the labels that a cascade ends with are too few bad ones by what the
first judge misses: they are no rate. Where a card was measured on such labels, it knows; here nobody does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from alignmeter.records import TwoStageCounts, Unscored
from alignmeter.stats import Bounds, two_stage_rate
from alignmeter.verdicts.design import boundaries_of
from alignmeter.verdicts.evidence import SEQUENTIAL, stream_bounds
from alignmeter.verdicts.outcomes import is_bad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.records import Claim, ClaimDesign, Judgement

_BELOW_ONE = 0.5
"""Stands for the share that was to be drawn where nothing was: a two-stage rate tells the rest by it only
from what was seen for certain."""


class TwoStageEvidence(NamedTuple):
    """The rate of bad members by the second judge.

    Attributes:
        estimate: Weighted by inclusion; None where nothing was drawn from what stands for others.
        bounds: At the design's error rates.
        method: How the bounds were made.
        seen: What the second judge saw.
    """

    estimate: float | None
    bounds: Bounds[float]
    method: str
    seen: TwoStageCounts


class _Reply(NamedTuple):
    """One judged member: its unit, what both judges said (NaN for no score), and the second's chance."""

    unit: int
    first: float
    second: float
    asked: bool
    certain: bool


def has_stages(claim: Claim, judgements: Mapping[str, Judgement]) -> bool:
    """Whether a cascade judged the replies of a claim."""
    judged = (judgements.get(trial) for unit in claim.units for trial in unit)
    return any(one.stages for one in judged if one is not None and one.axis == claim.axis)


def two_stage_evidence(
    claim: Claim, design: ClaimDesign, judgements: Mapping[str, Judgement], used: int
) -> TwoStageEvidence | None:
    """Weigh a cascade's answers about the units that count; None where no cascade judged them.

    Args:
        claim: A claim on a rate.
        design: Its design, without a card.
        judgements: By trial id.
        used: Units that count, in the committed order.

    Notes:
        At fixed n the bounds are those of `two_stage_rate`. A stream was stopped by what it showed, so
        there E[X] = E[C] + E[D] / pi, with C bad and seen for certain, D bad and drawn, and each of the
        two has an exact interval that holds at any stop, at half of the error rates. Members without
        an answer count as good below and as bad above.
    """
    units = claim.units[:used]
    replies = _replies(claim, units, judgements)
    if not replies:
        return None
    drawn_with = [
        stage.inclusion
        for unit in units
        for trial in unit
        if trial in judgements
        for stage in judgements[trial].stages[1:]
        if stage.inclusion < 1
    ]
    chance = drawn_with[0] if drawn_with else None
    seen = _counts(replies)
    members = len(units) * len(claim.units[0])
    if not any(reply.asked for reply in replies):
        return TwoStageEvidence(None, Bounds(0.0, 1.0), "the second judge saw nothing", seen)
    first, second, asked, certain, unit = np.array(
        [(reply.first, reply.second, reply.asked, reply.certain, reply.unit) for reply in replies]
    ).T
    found = two_stage_rate(
        first,
        second,
        np.where(certain == 1, 1.0, chance or _BELOW_ONE),
        asked == 1,
        clusters=unit.astype(np.int64),
        level=1 - design.alpha - design.alpha_fail,
    )
    estimate = None if math.isnan(found.estimate) else found.estimate
    if design.method == "fixed":
        judged = len(replies) / members
        bounds = Bounds(found.lower * judged, found.upper * judged + 1 - judged)
        return TwoStageEvidence(estimate, bounds, "two stages, weighted by inclusion", seen)
    bounds = _at_any_stop(design, units, replies, chance)
    if estimate is not None:  # few draws by luck can leave it outside; wider is valid too
        bounds = Bounds(min(bounds.lower, estimate), max(bounds.upper, estimate))
    return TwoStageEvidence(estimate, bounds, f"two stages, {SEQUENTIAL}", seen)


def _replies(
    claim: Claim, units: Sequence[tuple[str, ...]], judgements: Mapping[str, Judgement]
) -> tuple[_Reply, ...]:
    """The members that a cascade judged; what the first let through may be drawn, so it is not certain."""
    found: list[_Reply] = []
    for number, unit in enumerate(units):
        for trial in unit:
            judged = judgements.get(trial)
            if judged is None or not judged.stages or judged.axis != claim.axis:
                continue
            cheap, *later = judged.stages
            unscored = isinstance(cheap.result, Unscored)
            first = 0.5 if unscored else float(is_bad(claim.kind, cheap.result))
            second = math.nan
            if later and not isinstance(later[0].result, Unscored):
                second = float(is_bad(claim.kind, later[0].result))
            certain = bool(later) and later[0].inclusion == 1
            found.append(_Reply(number, first, second, bool(later), certain))
    return tuple(found)


def _counts(replies: Sequence[_Reply]) -> TwoStageCounts:
    certain = [reply.second for reply in replies if reply.certain]
    drawn = [reply.second for reply in replies if reply.asked and not reply.certain]
    return TwoStageCounts(
        certain=len(certain),
        certain_bad=certain.count(1.0),
        drawn=len(drawn),
        drawn_bad=drawn.count(1.0),
        rest=sum(not reply.certain for reply in replies),
    )


def _at_any_stop(
    design: ClaimDesign, units: Sequence[tuple[str, ...]], replies: Sequence[_Reply], chance: float | None
) -> Bounds[float]:
    """The interval of a stopped stream: the sum of those of its two parts."""
    seen = np.zeros((2, len(units), 2), dtype=np.int64)  # certain and drawn; bad and missing by unit
    seen[0, :, 1] = [len(unit) for unit in units]
    for reply in replies:
        seen[0, reply.unit, 1] -= 1
        if reply.asked:
            part = 0 if reply.certain else 1
            seen[part, reply.unit] += (reply.second == 1, math.isnan(reply.second))
    halved = msgspec.structs.replace(design, alpha=design.alpha / 2, alpha_fail=design.alpha_fail / 2)
    boundaries = boundaries_of(halved)
    certain, drawn = (
        stream_bounds(boundaries, [(int(bad), int(missing)) for bad, missing in part]) for part in seen
    )
    if chance is None:
        everything = all(reply.certain for reply in replies)
        return Bounds(certain.lower, certain.upper if everything else 1.0)
    return Bounds(
        min(1.0, certain.lower + drawn.lower / chance), min(1.0, certain.upper + drawn.upper / chance)
    )
