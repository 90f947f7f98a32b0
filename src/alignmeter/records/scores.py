"""Scored items: what one model scored on the items of capability domains, wherever it was measured.

A run, a results file of another harness and a plain CSV all become `ItemScores`; a tax is the
difference of two of them, paired by item.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from alignmeter.records.base import Record

ScoreSource = Literal["run", "lm-eval", "inspect", "helm", "csv"]
"""Who measured: a run of ours, or the format in which somebody else's scores came."""


class ScoredItem(Record, frozen=True):
    """One item of one domain, scored for one model.

    Attributes:
        item: What two models' scores pair by: the trial id in a run, the harness's own id elsewhere.
        family: The independent unit; items of one family are never independent.
        domain: For example `mathematics`; free text for a user's own.
        score: Share of the best possible score, in [0, 1]; None where it could not be scored, and then
            it counts neither for nor against.
        unscored: Why there is no score.
        refused: Whether the reply refused, None where nobody looked.
        version: Digest of the item's content where it is known; items of different versions never pair.
        prompt: Digest of what the model was sent for it, few-shot examples and chat template included,
            where it is known; another prompt makes another measurement of the same item.
    """

    item: str
    family: str
    domain: str
    score: float | None
    unscored: str = ""
    refused: bool | None = None
    version: str = ""
    prompt: str = ""


class ItemScores(Record, frozen=True):
    """The scored items of one model.

    Attributes:
        model: Name of the model, for people.
        source: The format, and `origin` the file or run folder.
        metric: Name of the score as its source calls it, by domain.
        chance: Score of guessing by domain, in [0, 1]; 0 where not named.
        reported: Mean score by domain as the source itself prints it, to be checked against the items.
        provenance: What the source says of itself: version of the harness, task version, model
            arguments, date ...
        scored_by: Digest of judge and scoring version; scores by different scorers do not pair.
        scorers: Digest of how a domain was scored, by domain, where a source has several ways: task
            version, settings of metric and filter. As `scored_by`, but for that domain alone.
        notes: What was chosen in reading and what a reader should know, one sentence each.
    """

    model: str
    source: ScoreSource
    origin: str
    items: tuple[ScoredItem, ...]
    metric: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    chance: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    reported: dict[str, float] = msgspec.field(default_factory=dict[str, float])
    provenance: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    scored_by: str = ""
    scorers: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
