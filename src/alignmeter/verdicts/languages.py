"""In which of its languages a family is asked, so that a claim comes near to the mix of the users."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from alignmeter.identity import keyed_uniform

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
    """Weigh languages so that families, each asked in one, come to the users' shares as nearly as can be.

    Most families are there in English only. Drawn by the users' shares, those that are there in Spanish
    too would give a service with half of its users in Spanish a quarter of its questions; so they are
    asked in Spanish more often. Raking (Deming and Stephan 1940): weights times wanted over expected
    numbers, until they agree. Where families are too few the language gets all that it has.

    Args:
        model: Gives the users' shares.
        trials: Those of one claim as a whole, in the languages that are served.

    Returns:
        A weight above 0 for each language of the trials.
    """
    languages: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        languages[trial.family].add(trial.language)
    patterns = Counter(frozenset(found) for found in languages.values())
    users = {language: model.languages[language] for pattern in patterns for language in pattern}
    wanted = {language: len(languages) * share / sum(users.values()) for language, share in users.items()}
    weights = users
    for _ in range(_ROUNDS if len(users) > 1 else 0):
        expected: defaultdict[str, float] = defaultdict(float)
        for pattern, count in patterns.items():
            whole = sum(weights[language] for language in pattern)
            for language in pattern:
                expected[language] += count * weights[language] / whole
        raked = {language: weights[language] * wanted[language] / expected[language] for language in users}
        largest = max(raked.values())
        weights = {language: max(weight / largest, _NEVER) for language, weight in raked.items()}
    return weights


def draw_language(model: ThreatModel, intent: Intent, chances: Chances, trials: Sequence[Trial]) -> str:
    """Draw the language of a family, of those that it has: the same one in all claims on an intent."""
    languages = sorted({trial.language for trial in trials})
    if len(languages) == 1:
        return languages[0]
    sums = list(accumulate(chances[language] for language in languages))
    point = keyed_uniform(model.design.seed, "language", trials[0].family, intent) * sums[-1]
    return next(language for language, total in zip(languages, sums, strict=True) if point <= total)
