"""Validate a judge: put labelled replies to it, and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.judges.validation.asking import CONCURRENCY, ask
from alignmeter.judges.validation.report import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.judges.base import Judge
    from alignmeter.judges.labels import LabelledReply
    from alignmeter.judges.validation.asking import Progress
    from alignmeter.judges.validation.report import ValidationReport


async def validate(
    judge: Judge,
    labels: Sequence[LabelledReply],
    *,
    seed: int = 0,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
) -> ValidationReport:
    """Measure a judge on labelled replies of its axis.

    Args:
        judge: Any judge on the axis of the labels; a target behind it is open.
        labels: Replies with their labels, at least one.
        seed: Seed of the bootstrap (2,000 resamples of prompts).
        concurrency: Replies before the judge at once.
        progress: Told after every reply.

    Returns:
        Figures for all replies, for every split that the labels name, and within each by model,
        language and attack family.

    Raises:
        ValueError: The judge answers on another axis, or there are no labels.
    """
    for label in labels:
        if label.axis != judge.axis:
            raise ValueError(f"judge must answer on the axis {label.axis!r}, got {judge.axis!r}")
    judged = await ask(judge, labels, concurrency=concurrency, progress=progress)
    return measure(judge, judged, seed=seed)
