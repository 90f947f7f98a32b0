"""Scored items: what one model scored on the items of capability domains, wherever it was measured.

A run, a results file of another harness and a plain CSV all become `ItemScores`; a tax is the
difference of two of them, paired by item.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from alignmeter.records.base import Record
from alignmeter.records.claims import Interval
from alignmeter.records.tasks import Grade

ScoreSource = Literal["run", "lm-eval", "inspect", "helm", "csv", "other"]
"""Who measured: a run of ours, or the format in which somebody else's scores came; `other`: a format of
an installed reader."""


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
        chance: Score of guessing it, in [0, 1]; None where only that of its domain is known, if any.
    """

    item: str
    family: str
    domain: str
    score: float | None
    unscored: str = ""
    refused: bool | None = None
    version: str = ""
    prompt: str = ""
    chance: float | None = None


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
        scored_by_domain: `scored_by` of the source of a domain, where sources of several are put together.
        stated: Domains of which the source itself states what it asked, and holds it whole: an item that
            is not there was not asked. Of any other domain it may have failed.
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
    scored_by_domain: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    stated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def scorer_of(self, domain: str) -> str:
        """Return who scored a domain, empty where nobody says."""
        return self.scored_by_domain.get(domain, self.scored_by)


class DomainMean(Record, frozen=True):
    """What one model scored in one domain.

    Attributes:
        n: Items with a score, `unscored` without; the mean is of the former alone.
        families: Independent units among the scored items.
        interval: None where fewer than two families are scored.
        reported: Mean as the source itself printed it; None where it printed none.
        refused: Replies that refused, None where nobody looked at any.
        grade: Tasks of this grade alone; None: all of the domain.
    """

    domain: str
    n: int
    unscored: int
    families: int
    mean: float | None
    interval: Interval | None = None
    metric: str = ""
    chance: float = 0.0
    reported: float | None = None
    refused: int | None = None
    grade: Grade | None = None


class ScoresSummary(Record, frozen=True):
    """What results hold: the scores of one model, without its items."""

    model: str
    source: ScoreSource
    origin: str
    domains: tuple[DomainMean, ...]
    scored_by: str = ""
    provenance: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()


class DomainDifference(Record, frozen=True):
    """Two models on the items of one domain that both have.

    Attributes:
        shared: Items that both have, `pairs` those with both scores.
        families: Independent units among the pairs.
        base: Mean score of the base over the pairs, `other` of the other model.
        difference: Other minus base, in [-1, 1].
        interval: Of the difference, paired by item.
        unscored_base, unscored_other: Items without a score of one side, those without a row included.
        absent_base, absent_other: Items that one side has no row of, though it may have been asked them.
        only_base, only_other: Items that are not shared, absent from the other side or left out.
        invalid: Why nothing may be concluded, and then there is no difference; empty where it may.
    """

    domain: str
    shared: int
    pairs: int
    families: int
    base: float | None = None
    other: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    unscored_base: int = 0
    unscored_other: int = 0
    absent_base: int = 0
    absent_other: int = 0
    only_base: int = 0
    only_other: int = 0
    metric: str = ""
    invalid: str = ""


class ScoresComparison(Record, frozen=True):
    """Two models' scores, paired by item.

    Attributes:
        shared: Items that both have, in all domains; `versioned` those whose content is known to be
            the same on both sides.
        only_base, only_other: Domains without a shared item.
        exit_code: 4 where a domain is invalid, else 0.
    """

    base: ScoresSummary
    other: ScoresSummary
    shared: int
    versioned: int
    domains: tuple[DomainDifference, ...]
    only_base: tuple[str, ...] = ()
    only_other: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exit_code: int = 0
