"""The suites there are, one by one: what each asks, how much of it there is, and when a run asks it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from alignmeter.records import Record
from alignmeter.rotation import not_held_out
from alignmeter.suites import ONLY_WHEN_NAMED, imported_suites
from alignmeter.threat_model import default_threat_model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.records import Axis, Probe

When = Literal["default", "null", "named"]
Content = Literal["requests", "questions", "programs", "tasks", "other"]

_CONTENT: dict[Axis, Content] = {
    "refusal": "requests",
    "factuality": "questions",
    "code_security": "programs",
    "capability": "tasks",
}


class ListedSuite(Record, frozen=True):
    """One suite.

    Attributes:
        suite: Its name, as a threat model writes it.
        asks: Requests that may be refused, questions with a known answer, programs to be written, or tasks,
            on which no claim rests; several where the suite mixes them.
        probes: In all languages.
        families: Independent units; a translation belongs to the family of its original.
        languages: ISO 639-1 codes, English first.
        asked: By `default`, where a threat model leaves `suites` out; where it is `named` only; or there and
            where `suites` is `null`.
    """

    suite: str
    asks: tuple[Content, ...]
    probes: int
    families: int
    languages: tuple[str, ...]
    asked: When


def list_suites(probes: Iterable[Probe]) -> tuple[ListedSuite, ...]:
    """Sum up the suites of some probes.

    Args:
        probes: Those of whole suites, as `alignmeter.suites.readable_probes` returns them.

    Returns:
        One a suite, in alphabetical order.
    """
    by_suite: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        by_suite[probe.suite].append(probe)
    default = default_threat_model().suites or ()
    named = {*ONLY_WHEN_NAMED, *imported_suites()}
    return tuple(
        ListedSuite(
            suite=suite,
            asks=tuple(sorted({_CONTENT.get(probe.axis, "other") for probe in found})),
            probes=len(found),
            families=len({probe.family for probe in found}),
            languages=tuple(
                sorted({probe.language for probe in found}, key=lambda code: (code != "en", code))
            ),
            asked="default" if suite in default else "null" if _taken(suite, named) else "named",
        )
        for suite, found in sorted(by_suite.items())
    )


def _taken(suite: str, named: set[str]) -> bool:
    """Whether `suites: null` takes a suite."""
    return suite not in named and bool(not_held_out([suite]))
