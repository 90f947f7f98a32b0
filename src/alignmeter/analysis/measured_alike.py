"""Whether two models' scores were measured alike: versions of items, prompts, scorers, metrics, guessing.

What makes the sources as a whole incomparable is an error that names both; what spoils one domain is a
sentence for its `invalid`, empty where nothing does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alignmeter.records import ItemScores, ScoredItem

    Pairs: TypeAlias = Sequence[tuple[ScoredItem, ScoredItem]]

Prompts = Literal["same", "any"]
"""Whether both models must have been sent the same text for an item, where it is known."""

_NAMED = 3
"""Items that a message names before it counts the rest."""


def named_items(items: Sequence[ScoredItem]) -> str:
    """Name the first items and count the rest: `'law' 'q1', 'law' 'q2' and 7 more`."""
    named = ", ".join(f"{item.domain!r} {item.item!r}" for item in items[:_NAMED])
    return named if len(items) <= _NAMED else f"{named} and {len(items) - _NAMED:,} more"


def check_scorer(base: ItemScores, other: ItemScores, domains: Iterable[str]) -> None:
    """Refuse scores of which no domain was scored by the same scorer, where both sides say who scored.

    Raises:
        InputError: Names the first domain and both scorers.
    """
    scorers = {domain: (base.scorer_of(domain), other.scorer_of(domain)) for domain in domains}
    if all(one and two and one != two for one, two in scorers.values()):
        domain, (one, two) = next(iter(scorers.items()))
        raise InputError(
            f"{base.origin} and {other.origin}: domain {domain!r}: expected scores by one scorer, got "
            f"{one!r} and {two!r}; score both models with the same harness, judge and version"
        )


def check_versions(base: ItemScores, other: ItemScores, pairs: Pairs) -> None:
    """Refuse shared items whose versions are known on both sides and are not the same.

    Raises:
        InputError: Names the items.
    """
    changed = [one for one, two in pairs if one.version and two.version and one.version != two.version]
    if changed:
        raise InputError(
            f"{base.origin} and {other.origin}: expected shared items to have one version, got "
            f"{len(changed):,} whose content differs: {named_items(changed)}; score both models on the same "
            "version of the data"
        )


def check_prompts(base: ItemScores, other: ItemScores, pairs: Pairs, prompts: Prompts) -> int:
    """Refuse shared items for which the two models were sent different texts, unless that is allowed.

    Returns:
        How many such items there are, where both sides know what was sent.

    Raises:
        InputError: There are some, and prompts have to be the same; names the items.
    """
    differing = [one for one, two in pairs if one.prompt and two.prompt and one.prompt != two.prompt]
    if differing and prompts == "same":
        raise InputError(
            f"{base.origin} and {other.origin}: expected both models to be sent the same text for an item, "
            f"got {len(differing):,} that differ: {named_items(differing)}; use the same few-shot examples "
            "and chat template, or allow it with `prompts=any` where they must differ"
        )
    return len(differing)


def scored_otherwise(base: ItemScores, other: ItemScores, domain: str) -> str:
    """Say how the two sides of a domain were scored differently, as far as both say how."""
    one, two = base.scorer_of(domain), other.scorer_of(domain)
    if one and two and one != two:
        return (
            f"the two sides were scored by {one!r} and by {two!r}; score both models with the same harness, "
            "judge and version"
        )
    one, two = base.metric.get(domain, ""), other.metric.get(domain, "")
    if one and two and one != two:
        return f"the two sides have different metrics, {one!r} and {two!r}; choose the same for both"
    one, two = base.scorers.get(domain, ""), other.scorers.get(domain, "")
    if one and two and one != two:
        return (
            f"the two sides were scored differently, by {one!r} and by {two!r}: task version or settings of "
            "the metric differ; score both models with the same"
        )
    return ""


def guessing(base: ItemScores, other: ItemScores, domain: str, pairs: Pairs) -> tuple[float, str]:
    """Return the score of guessing on the pairs, in [0, 1], and what is wrong with it.

    Each item's own counts where one is known of all of them, because that of a domain depends on which
    of its items a model was asked.
    """
    own = [{item.chance for item in pair if item.chance is not None} for pair in pairs]
    stated = {scores.chance[domain] for scores in (base, other) if domain in scores.chance}
    for chances in own if all(own) else [stated]:
        if len(chances) > 1:
            return 0.0, (
                f"guessing scores {min(chances):g} on one side and {max(chances):g} on the other; state the "
                "same for both"
            )
    if not all(own):
        return max(stated, default=0.0), ""
    return math.fsum(chance for chances in own for chance in chances) / len(own), ""
