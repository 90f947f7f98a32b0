"""Which replies people label next: what a verdict hangs on, then what narrows the estimate most."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.identity import keyed_uniform
from alignmeter.stats import neyman_allocation
from alignmeter.verdicts.gap_people import read_labels
from alignmeter.verdicts.label_estimate import (
    JUDGE_VERDICTS,
    PILOT,
    JudgeVerdict,
    Member,
    draw_order,
    is_open,
    members,
)
from alignmeter.verdicts.labelled import weigh
from alignmeter.verdicts.outcomes import is_bad

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.records import Claim, Judgement

ESTIMATE_LABELS = 200
"""Labels of a claim after which its estimate is taken as good enough."""


class ClaimQueue(NamedTuple):
    """What is left to label for one claim, by trial id, in order.

    Attributes:
        verdict: What the verdict hangs on, with other replies mixed in: a person who knew that all of
            them were flagged would not be blind to the judge.
        flagged: How many of these the verdict hangs on.
        estimate: What narrows the estimate.
    """

    verdict: tuple[str, ...]
    flagged: int
    estimate: tuple[str, ...]


def claim_queue(
    claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement], *, seed: int
) -> ClaimQueue:
    """Work out what is left to label for a claim.

    First every judged-bad reply of the units that were asked, in the committed order, until no label
    that is still open can change the verdict. Then 20 of each verdict of the judge, then Neyman's
    allocation from the rates found so far, up to `ESTIMATE_LABELS`. Replies of one verdict are drawn
    in an order that depends on the seed alone. Of a language gap both replies of each pair, in the
    committed order and whatever the judge said of them, until people have decided, and nothing else.

    Args:
        claim: A claim with units.
        judgements: The judge's answers on its axis, by trial id.
        people: What people said on it, by trial id; what they dispute is still open.
        seed: The design's seed.
    """
    if claim.kind == "language_gap":
        return _gap_queue(claim, judgements, people)
    replies = members(claim, judgements)
    left = {called: _left(replies, called, people, seed) for called in JUDGE_VERDICTS}
    flagged = _flagged(claim, replies, judgements, people)
    pilot = [
        trial
        for called in ("negative", "unscored")
        for trial in left[called][: max(0, PILOT - _labelled(replies, called, people))]
    ]
    first = _mixed(flagged, pilot, seed) if flagged else ()
    taken = set(first)
    wanted = _allocation(claim, replies, people)
    rest = {
        called: [trial for trial in left[called] if trial not in taken][
            : max(0, n - _in(left[called], taken))
        ]
        for called, n in wanted.items()
    }
    later = draw_order((trial for trials in rest.values() for trial in trials), seed)
    return ClaimQueue(first, len(flagged), tuple(later))


def _gap_queue(
    claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]
) -> ClaimQueue:
    """Both replies of each pair that was asked, until people have decided."""
    labels = read_labels(claim, judgements, people)
    left = () if labels.state in {"pass", "fail"} else labels.open
    return ClaimQueue(left, len(left), ())


def _flagged(
    claim: Claim,
    replies: Sequence[Member],
    judgements: Mapping[str, Judgement],
    people: Mapping[str, Judgement],
) -> list[str]:
    """Judged-bad replies whose label may still change the verdict, in the committed order."""
    weighed = weigh(claim, judgements, people)
    if weighed.basis != "judge" and weighed.is_decided:
        return []
    asked = len(weighed.readings)
    return [
        member.trial
        for member in replies
        if member.called == "positive" and member.unit < asked and is_open(people.get(member.trial))
    ]


def _left(
    replies: Sequence[Member], called: JudgeVerdict, people: Mapping[str, Judgement], seed: int
) -> list[str]:
    trials = [member.trial for member in replies if member.called == called]
    return draw_order((trial for trial in trials if is_open(people.get(trial))), seed)


def _labelled(replies: Sequence[Member], called: JudgeVerdict, people: Mapping[str, Judgement]) -> int:
    return sum(member.called == called and not is_open(people.get(member.trial)) for member in replies)


def _in(trials: Sequence[str], taken: set[str]) -> int:
    return sum(trial in taken for trial in trials)


def _mixed(flagged: Sequence[str], others: Sequence[str], seed: int) -> tuple[str, ...]:
    """Spread the others evenly among the flagged; these keep their order."""
    keyed = [
        ((index + keyed_uniform(seed, "mix", trial)) / len(group), trial)
        for group in (flagged, others)
        for index, trial in enumerate(group)
    ]
    return tuple(trial for _, trial in sorted(keyed))


def _allocation(
    claim: Claim, replies: Sequence[Member], people: Mapping[str, Judgement]
) -> dict[JudgeVerdict, int]:
    """Labels that each verdict of the judge still wants."""
    sizes: list[int] = []
    rates: list[float] = []
    done: list[int] = []
    for called in JUDGE_VERDICTS:
        mine = [member.trial for member in replies if member.called == called]
        said = [people[trial].result for trial in mine if not is_open(people.get(trial))]
        sizes.append(len(mine))
        done.append(len(said))
        rates.append((sum(is_bad(claim.kind, result) for result in said) + 0.5) / (len(said) + 1))
    least = [min(PILOT, size) for size in sizes]
    if any(n < few for n, few in zip(done, least, strict=True)):
        goal = least  # the pilot comes first: without it the rates say nothing
    else:
        goal = neyman_allocation(sizes, rates, max(sum(least), min(ESTIMATE_LABELS, sum(sizes))), PILOT)
    return {called: max(0, n - have) for called, n, have in zip(JUDGE_VERDICTS, goal, done, strict=True)}
