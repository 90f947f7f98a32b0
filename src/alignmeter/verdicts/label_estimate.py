"""The rate of bad replies of a run, estimated from labels drawn within each verdict of the judge.

A reply that several claims hold, a whole and its parts, may be drawn for each of them, so parts have
labels at other shares than the whole; and labels are drawn by what one judge said, or several said one
after another, whoever reads the run. Each label therefore stands for the replies of its own cell: those
of the same claims and of the same verdicts of the judges that drew (docs/decisions/0057, 0063).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from alignmeter.identity import keyed_uniform
from alignmeter.records import ClaimLabels, Interval, LabelEstimate, LabelStratum, Unscored
from alignmeter.stats import Stratum, by_verdict, effective_counts
from alignmeter.verdicts.gap_people import gap_labels
from alignmeter.verdicts.labelled import can_be_labelled, weigh
from alignmeter.verdicts.outcomes import is_bad
from alignmeter.verdicts.people import has_no_reply, is_disputed, is_flagged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.records import Claim, Judgement

JudgeVerdict = Literal["positive", "negative", "unscored"]
JUDGE_VERDICTS: tuple[JudgeVerdict, ...] = ("positive", "negative", "unscored")
LEVEL = 0.95

PILOT = 20
"""Labels that each verdict of the judge gets at least, before the rest is shared out."""

_Cell = tuple[frozenset[str], tuple[JudgeVerdict | None, ...]]
"""What a label was drawn by: the claims that hold its reply, and the verdicts of the judges that drew; None
for one that has not seen it, and so cannot have drawn it."""


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
            found.append(Member(trial, number, _called(claim, judged)))
    return tuple(found)


def _called(claim: Claim, judged: Judgement | None) -> JudgeVerdict:
    if judged is None or isinstance(judged.result, Unscored) or judged.axis != claim.axis:
        return "unscored"
    return "positive" if is_flagged(claim, judged) else "negative"


def is_open(said: Judgement | None) -> bool:
    """Whether people have not labelled a reply, or dispute its label."""
    return said is None or is_disputed(said.result)


def draw_order(trials: Iterable[str], seed: int) -> list[str]:
    """Trials in the order in which they are drawn for labelling, which depends on the seed alone."""
    return sorted(trials, key=lambda trial: keyed_uniform(seed, "label", trial))


def claim_labels(
    claim: Claim,
    judgements: Mapping[str, Judgement],
    people: Mapping[str, Judgement],
    *,
    seed: int,
    claims: Iterable[Claim] = (),
    drawn_by: Sequence[Mapping[str, Judgement]] = (),
) -> ClaimLabels | None:
    """Sum up what people said of a claim; None where they said nothing.

    Args:
        claim: The claim.
        judgements: The judge's answers on its axis, by trial id.
        people: What people said on it, by trial id.
        seed: The design's seed: of the order in which labels were drawn, and of the Monte-Carlo
            product behind the interval.
        claims: All claims of the run, for which labels were drawn as well.
        drawn_by: The answers of each judge by whose verdicts labels were drawn, by trial id; the verdicts
            of the first of them that serves are the strata of the estimate. None given: this judge alone.
    """
    replies = members(claim, judgements)
    if not any(member.trial in people for member in replies):
        return None
    weighed = weigh(claim, judgements, people)
    drew = drawn_by or (judgements,)
    drawn_for = [other for other in claims if _draws_labels(other, judgements, people)]
    # The strata are the verdicts of the first judge each of whose verdicts has labels.
    tried = (
        _estimate(replies, _Labels(claim, people, _cells(claim, drawn_for, (drew[n], *drew)), seed))
        for n in range(len(drew))
    )
    estimate = next((found for found in tried if found is not None), None)
    if estimate is not None and any(answers != judgements for answers in drew):
        estimate = msgspec.structs.replace(estimate, drawn_otherwise=True)
    return ClaimLabels(
        claim=claim.id,
        basis=weighed.basis,
        confirmed=weighed.total("confirmed"),
        cleared=weighed.total("cleared"),
        unclear=weighed.total("unclear"),
        open=weighed.total("open"),
        missed=weighed.total("missed"),
        others=weighed.total("others"),
        estimate=estimate,
    )


def _draws_labels(claim: Claim, judgements: Mapping[str, Judgement], people: Mapping[str, Judgement]) -> bool:
    """Whether replies are labelled for a claim: for a language gap only where people have decided it."""
    if claim.kind != "language_gap":
        return can_be_labelled(claim)
    labels = gap_labels(claim, judgements, people)
    return labels is not None and labels.rests_on_people


def _cells(
    claim: Claim, claims: Iterable[Claim], drawn_by: Sequence[Mapping[str, Judgement]]
) -> dict[str, _Cell]:
    """What each reply of a claim was drawn by."""
    holders: dict[str, set[str]] = {trial: set() for unit in claim.units for trial in unit}
    for other in claims:
        if other.axis == claim.axis:
            for trial in (trial for unit in other.units for trial in unit if trial in holders):
                holders[trial].add(other.id)
    return {
        trial: (
            frozenset(names),
            tuple(_called(claim, answers[trial]) if trial in answers else None for answers in drawn_by),
        )
        for trial, names in holders.items()
    }


class LabelDraw(NamedTuple):
    """Replies that were drawn alike, and those of them of which people could say what they are."""

    replies: tuple[Member, ...]
    labelled: tuple[Member, ...]


class _Draw(NamedTuple):
    """Replies of which some were drawn at random: how many, and of those drawn the unit and whether bad."""

    size: int
    seen: list[tuple[int, bool]]


class _Labels(NamedTuple):
    """The labels of a claim, and what they were drawn by."""

    claim: Claim
    people: Mapping[str, Judgement]
    cells: Mapping[str, _Cell]
    seed: int

    def seen(self, replies: Iterable[Member]) -> list[tuple[int, bool]]:
        """The unit of each reply of which people could say whether it is bad, and what they said."""
        return [
            (reply.unit, is_bad(self.claim.kind, self.people[reply.trial].result))
            for reply in self.known(replies)
        ]

    def known(self, replies: Iterable[Member]) -> tuple[Member, ...]:
        """The replies of which people could say what they are."""
        said = ((reply, self.people.get(reply.trial)) for reply in replies)
        return tuple(
            reply for reply, answer in said if answer is not None and not isinstance(answer.result, Unscored)
        )

    def strata(self, replies: Iterable[Member]) -> list[list[Member]]:
        """Tell replies apart by the verdict of the judge that drew first; those that it has not seen last."""
        found: dict[JudgeVerdict | None, list[Member]] = defaultdict(list)
        for reply in replies:
            found[self.cells[reply.trial][1][0]].append(reply)
        return [found[called] for called in (*JUDGE_VERDICTS, None) if called in found]

    def drawn(self, replies: Sequence[Member]) -> list[LabelDraw]:
        """Tell the replies of one verdict of the judge apart by what they were drawn by.

        Where a cell has no label although all were drawn alike, as for a claim of which only the whole
        is labelled, they are one draw: the order of drawing up to its first gap. That they were is told by
        a gap that lies in a cell with labels, or behind the last of all labels.
        """
        by_cell: dict[_Cell, list[Member]] = defaultdict(list)
        for reply in replies:
            by_cell[self.cells[reply.trial]].append(reply)
        each = {cell: LabelDraw(tuple(mine), self.known(mine)) for cell, mine in by_cell.items()}
        if all(draw.labelled for draw in each.values()):
            return list(each.values())
        of = {reply.trial: reply for reply in replies}
        order = draw_order(of, self.seed)
        first = list(takewhile(lambda trial: not is_open(self.people.get(trial)), order))
        labelled = self.known(of[trial] for trial in first)
        everything = sum(len(draw.labelled) for draw in each.values())
        in_known = len(first) < len(order) and bool(each[self.cells[order[len(first)]]].labelled)
        if len(labelled) == everything or (in_known and len(labelled) >= PILOT):
            return [LabelDraw(tuple(replies), labelled)]
        return list(each.values())

    def draws(self, replies: Sequence[Member]) -> list[_Draw]:
        """The same as counts."""
        return [_Draw(len(draw.replies), self.seen(draw.labelled)) for draw in self.drawn(replies)]


def label_draws(
    claim: Claim,
    judgements: Mapping[str, Judgement],
    people: Mapping[str, Judgement],
    *,
    seed: int,
    claims: Iterable[Claim] = (),
    drawn_by: Sequence[Mapping[str, Judgement]] = (),
) -> list[LabelDraw]:
    """Tell the replies of a claim apart by what labels were drawn by; within a draw all were drawn alike.

    Args: As those of `claim_labels`.
    """
    drew = drawn_by or (judgements,)
    labels = _Labels(claim, people, _cells(claim, claims, drew), seed)
    replies = members(claim, judgements)
    return [draw for mine in labels.strata(replies) for draw in labels.drawn(mine)]


class LabelShare(NamedTuple):
    """What people said of the replies to which the judge that reads a run gave one verdict.

    Attributes:
        size, labelled: Replies, and those of which people could say whether they are bad.
        worth: What these labels are worth; nothing where none could be drawn from some of the replies.
    """

    size: int
    labelled: int
    worth: Stratum


def label_shares(
    claim: Claim,
    judgements: Mapping[str, Judgement],
    people: Mapping[str, Judgement],
    *,
    seed: int,
    claims: Iterable[Claim] = (),
    drawn_by: Sequence[Mapping[str, Judgement]] = (),
) -> dict[JudgeVerdict, LabelShare]:
    """Say how often people call bad what the judge called good, bad, or could not score.

    Args: As those of `claim_labels`.
    """
    labels = _Labels(claim, people, _cells(claim, claims, drawn_by or (judgements,)), seed)
    replies = members(claim, judgements)
    found: dict[JudgeVerdict, LabelShare] = {}
    for called in JUDGE_VERDICTS:
        mine = [member for member in replies if member.called == called]
        draws = labels.draws(mine)
        whole = bool(draws) and all(draw.seen for draw in draws)
        worth = _weighted(draws) if whole else Stratum(len(mine), 0, 0)
        found[called] = LabelShare(len(mine), len(labels.seen(mine)), worth)
    return found


def _estimate(replies: Sequence[Member], labels: _Labels) -> LabelEstimate | None:
    known: list[Stratum] = []
    blank = 0
    for mine in labels.strata(replies):
        if not labels.seen(mine):
            return None
        draws = labels.draws(mine)
        known.append(_weighted([draw for draw in draws if draw.seen]))
        blank += sum(draw.size for draw in draws if not draw.seen)
    # Cells without a label have no rate: they are good for the lower end and bad for the upper one.
    found = by_verdict([*known, Stratum(blank, 0, 0)], seed=labels.seed, level=LEVEL)
    rate = sum(one.size * one.events / one.labelled for one in known) / sum(one.size for one in known)
    positives, negatives, unscored = (_counts(replies, called, labels) for called in JUDGE_VERDICTS)
    return LabelEstimate(
        rate=rate,
        interval=Interval(
            lower=min(found.lower, rate),
            upper=max(found.upper, rate),
            level=LEVEL,
            method="by verdict of the judge, Jeffreys",
        ),
        positives=positives,
        negatives=negatives,
        unscored=unscored,
    )


def _counts(replies: Iterable[Member], called: JudgeVerdict, labels: _Labels) -> LabelStratum:
    mine = [member for member in replies if member.called == called]
    seen = labels.seen(mine)
    return LabelStratum(size=len(mine), labelled=len(seen), bad=sum(bad for _, bad in seen))


def _weighted(draws: Sequence[_Draw]) -> Stratum:
    """The replies of one verdict of the judge as one stratum: their rate, each draw by its own size.

    The labels are worth 1 / sum of w^2 / n, with w the share of a draw in the replies and n what its
    labels are worth: the design effect of unequal weights (Kish).
    """
    size = sum(draw.size for draw in draws)
    rate = spread = 0.0
    for draw in draws:
        events, n = effective_counts([float(bad) for _, bad in draw.seen], [unit for unit, _ in draw.seen])
        share = draw.size / size
        rate += share * events / n
        spread += share**2 / n
    worth = min(1 / spread, size)  # rounding must not make more of them than there are
    return Stratum(size, worth, min(rate * worth, worth))
