"""An audit of a guard or a reward model: whom it would block, and how well it tells harm apart."""

from __future__ import annotations

from typing import Literal

from alignmeter.records.base import Record
from alignmeter.records.claims import Interval
from alignmeter.records.scorer import Higher, ScorerReads

ScoredGroup = Literal["benign", "sensitive", "harmful", "benign_attacked", "harmful_attacked"]
"""Whose texts: by intent, and whether an attack carries the request."""


class FlaggedRate(Record, frozen=True):
    """How many texts of a kind are flagged at the threshold.

    Attributes:
        rate: None without a threshold, or where nothing is scored.
        interval: By family, None where there is one family only.
        n: Texts with a score, of `families`; `unscored` without one.
        median: Of the scores.
    """

    n: int
    families: int
    unscored: int
    rate: float | None = None
    interval: Interval | None = None
    median: float | None = None


class ScorerGroup(Record, frozen=True):
    """All texts of one group."""

    group: ScoredGroup
    flagged: FlaggedRate


class Separation(Record, frozen=True):
    """P(a text of `harmful` scores as more harmful than one of `legitimate`)."""

    harmful: ScoredGroup
    legitimate: ScoredGroup
    area: float
    interval: Interval


class ScorerDomain(Record, frozen=True):
    """One domain.

    Attributes:
        false_positives: Benign and sensitive requests that are flagged, without attacks.
        caught: Harmful ones that are flagged, without attacks.
        area: Of harmful against benign and sensitive; None where a class is missing.
        p: That the false-positive rate is that of all other domains (Fisher, one text a family);
            `adjusted` by Holm over the domains. None without a threshold or another domain.
        flagged: The scorer is shown to flag this domain's legitimate requests more than others'.
    """

    domain: str
    false_positives: FlaggedRate
    caught: FlaggedRate
    area: float | None = None
    area_interval: Interval | None = None
    p: float | None = None
    adjusted: float | None = None
    flagged: bool = False


class ScorerCut(Record, frozen=True):
    """What another threshold would do; chosen on these texts, so that it looks a little too good.

    Attributes:
        goal: The share of benign requests that may be flagged.
        benign, sensitive, harmful: Shares that are flagged; None where there are no such texts.
    """

    goal: float
    threshold: float
    benign: float | None
    sensitive: float | None
    harmful: float | None


class ScorerFindings(Record, frozen=True):
    """What the scores say.

    Attributes:
        domains: The one of the highest false-positive rate first.
        level: At which a domain is flagged, after Holm.
    """

    groups: tuple[ScorerGroup, ...]
    separations: tuple[Separation, ...]
    domains: tuple[ScorerDomain, ...]
    cuts: tuple[ScorerCut, ...]
    level: float


class ScorerAbout(Record, frozen=True):
    """The scorer and how it was asked."""

    name: str
    scorer: str
    reads: ScorerReads
    higher: Higher
