"""The pairs of a language gap: one request a family, the same in that language and in English."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

from alignmeter.identity import keyed_hash
from alignmeter.verdicts.shapes import BASELINE, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.records import Trial
    from alignmeter.threat_model import ThreatModel

Side = Literal["harmful", "legitimate"]
"""Which requests a gap is about; benign and sensitive ones are legitimate."""


class TrialPair(NamedTuple):
    """One unattacked request in two languages."""

    there: Trial
    here: Trial


class Pairs(NamedTuple):
    """The pairs of one gap.

    Attributes:
        by_family: One pair each.
        left_out: Families with requests in both languages, none of which is known to be the same in both.
    """

    by_family: dict[str, TrialPair]
    left_out: int


class _Request(NamedTuple):
    """What a request and its translation have in common; `name` is the id without suite and language."""

    suite: str
    intent: str
    name: str


def gap_pairs(model: ThreatModel, trials: Iterable[Trial], language: str, side: Side) -> Pairs:
    """Pair the requests of a side in a language with the same ones in English, one pair a family.

    A translation carries the id of its original with another language in it. In suites where none
    does, ids come of the texts; there the only row of an intent in a family is paired with the only one
    in English. Of several pairs one is drawn, by the hash that also draws members of a family.

    Args:
        model: Gives the design seed.
        trials: Every trial that could be asked.
        language: Any but English.
        side: Which requests.
    """
    families: dict[str, dict[str, dict[_Request, Trial]]] = defaultdict(lambda: {language: {}, BASELINE: {}})
    for trial in trials:
        plain = trial.axis == "refusal" and trial.attack_class == PLAIN
        of_side = (trial.intent == "harmful") == (side == "harmful")
        if plain and of_side and trial.language in {language, BASELINE}:
            families[trial.family][trial.language][_request(trial)] = trial
    both = {family: found for family, found in families.items() if all(found.values())}
    named = {
        request.suite
        for found in both.values()
        for request in found[language].keys() & found[BASELINE].keys()
    }
    by_family: dict[str, TrialPair] = {}
    for family, found in both.items():
        there, here = found[language], found[BASELINE]
        same = [TrialPair(there[request], here[request]) for request in there.keys() & here.keys()]
        if pairs := same or _alone(
            [trial for trial in there.values() if trial.suite not in named],
            [trial for trial in here.values() if trial.suite not in named],
        ):
            by_family[family] = min(
                pairs,
                key=lambda pair: keyed_hash(model.design.seed, "member", pair.here.family, pair.here.id),
            )
    return Pairs(by_family, len(both) - len(by_family))


def _request(trial: Trial) -> _Request:
    name = trial.probe.removeprefix(f"{trial.suite}-{trial.language}-")
    return _Request(trial.suite, trial.intent, name)


def _alone(there: Iterable[Trial], here: Iterable[Trial]) -> list[TrialPair]:
    """Pair rows that are the only one of their intent in either language."""
    found: dict[str, tuple[list[Trial], list[Trial]]] = defaultdict(lambda: ([], []))
    for place, rows in enumerate((there, here)):
        for row in rows:
            found[row.intent][place].append(row)
    return [TrialPair(ours[0], theirs[0]) for ours, theirs in found.values() if len(ours) == len(theirs) == 1]
