"""In which of its languages a family is asked, so that a claim comes near to the mix of the users."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from alignmeter.identity import keyed_uniform
from alignmeter.verdicts.order import family_shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignmeter.records import Intent, Trial
    from alignmeter.threat_model import ThreatModel

Chances: TypeAlias = "Mapping[str, float]"
"""What each language weighs where a family has it; the chances of a family's languages are in proportion."""

_ROUNDS = 50
_NEVER = 1e-12
"""The least weight, beside the largest of 1: the share of a language that others crowd out."""


def language_chances(model: ThreatModel, trials: Iterable[Trial]) -> Chances:
    """Weigh languages so that a claim comes as near to the users' shares of them as can be.

    Most families are there in English only. Drawn by the users' shares, those that are there in Spanish
    too would give a service with half of its users in Spanish a quarter of its questions; so they are
    asked in Spanish more often. Raking (Deming and Stephan 1940): weights times wanted over expected
    shares, until they agree. A family counts by its share of the claim: where domains are weighed those
    of a small domain that weighs much stand in it more often than others. Where families are too few the
    language gets all that it has.

    Args:
        model: Gives the users' shares.
        trials: Those of one claim as a whole, in the languages that are served.

    Returns:
        A weight above 0 for each language of the trials.
    """
    languages: dict[str, set[str]] = defaultdict(set)
    families: dict[str, Trial] = {}
    for trial in trials:
        languages[trial.family].add(trial.language)
        families.setdefault(trial.family, trial)
    patterns: defaultdict[frozenset[str], float] = defaultdict(float)
    for family, share in family_shares(model, families).items():
        patterns[frozenset(languages[family])] += share
    users = {name: model.languages[name] for names in languages.values() for name in names}
    spoken = frozenset[str]().union(*patterns)
    whole = sum(users[language] for language in spoken)
    weights = users
    for _ in range(_ROUNDS if len(spoken) > 1 else 0):
        expected: defaultdict[str, float] = defaultdict(float)
        for pattern, share in patterns.items():
            together = sum(weights[language] for language in pattern)
            for language in pattern:
                expected[language] += share * weights[language] / together
        raked = {
            language: weights[language] * users[language] / whole / expected[language] for language in spoken
        }
        largest = max(raked.values())
        weights = users | {language: max(weight / largest, _NEVER) for language, weight in raked.items()}
    return weights


def draw_language(model: ThreatModel, intent: Intent, chances: Chances, trials: Sequence[Trial]) -> str:
    """Draw the language of a family, of those that it has: the same one in all claims on an intent."""
    languages = sorted({trial.language for trial in trials})
    if len(languages) == 1:
        return languages[0]
    sums = list(accumulate(chances[language] for language in languages))
    point = keyed_uniform(model.design.seed, "language", trials[0].family, intent) * sums[-1]
    return next(language for language, total in zip(languages, sums, strict=True) if point <= total)
