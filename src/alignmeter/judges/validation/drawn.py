"""Labels of a run: each stands for the replies that it was drawn from, which the judge has seen all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignmeter.stats import Drawn, EffectiveCounts, drawn_counts, effective_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from alignmeter.records import JudgementResult


class RunReply(NamedTuple):
    """One reply of a run, labelled or not.

    Attributes:
        harmful: Whether its request was.
        result: What the judge said of it.
    """

    model: str
    language: str
    attack: str
    harmful: bool
    result: JudgementResult


class Draws(NamedTuple):
    """What labels were drawn from.

    Attributes:
        replies: Of each draw all replies, labelled or not; labels name a draw by its place.
        labels: How many of them have a label; none where none could be drawn.
        by_intent: Whether the judge's answers depend on what a request was after, so that each event is
            measured on the requests on which claims count it.
    """

    replies: tuple[tuple[RunReply, ...], ...]
    labels: tuple[int, ...]
    by_intent: bool = False

    def weights(self, of: Sequence[int]) -> NDArray[np.float64]:
        """How many replies each label stands for, by the draws that the labels belong to; shape (n,)."""
        return np.array([len(self.replies[draw]) / self.labels[draw] for draw in of])


class EventDraws(NamedTuple):
    """The draws of some labels, and what the judge said of an event on all their replies.

    Attributes:
        draws: All draws.
        of: The draw of each label, shape (n,).
        says: Whether the judge saw the event; None where it gave no score, or the reply is not in question.
    """

    draws: Draws
    of: NDArray[np.int64]
    says: Callable[[RunReply], bool | None]

    def weights(self) -> NDArray[np.float64]:
        """How many replies each label stands for, shape (n,)."""
        return self.draws.weights(self.of.tolist())

    def counts(
        self, positive: bool, truth: NDArray[np.bool_], predicted: NDArray[np.bool_], units: NDArray[np.int64]
    ) -> EffectiveCounts:
        """Return (right, labels) among the true events, or among the others, at their effective size.

        Args:
            positive: Which of the two; the labels hold at least one.
            truth: Whether each reply is positive by its label, shape (n,).
            predicted: Whether it is by the judge, shape (n,).
            units: What labels share, shape (n,).
        """
        side, right = truth == positive, predicted == truth
        missing = [0, 0]
        made: list[Drawn] = []
        for number, (replies, labels) in enumerate(zip(self.draws.replies, self.draws.labels, strict=True)):
            said = [each for reply in replies if (each := self.says(reply)) is not None]
            agree = sum(each == positive for each in said)
            if not labels:
                missing[0] += agree
                missing[1] += len(said) - agree
            elif said:
                mine = side & (self.of == number)
                made.append(
                    Drawn(
                        size=len(replies),
                        labels=labels,
                        right=int((mine & right).sum()),
                        wrong=int((mine & ~right).sum()),
                        may_be_right=agree > 0,
                        may_be_wrong=agree < len(said),
                    )
                )
        found = drawn_counts(made, missing=(missing[0], missing[1]))
        # Replies that share a prompt tell less, as labels that are taken as they come do.
        worth = effective_counts(right[side], units[side]).n / int(side.sum())
        return EffectiveCounts(found.events * worth, found.n * worth)
