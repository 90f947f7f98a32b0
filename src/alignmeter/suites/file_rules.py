"""What the rows of one suite file must be together: unique ids, no duplicates, whole families."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from alignmeter.records import Probe

RuleSet = Literal["authored", "imported"]
"""Which rules a suite is held to."""


class Problem(NamedTuple):
    """What is wrong with a row, without the place."""

    expected: str
    came: object
    remedy: str


def _ids_are_unique(probes: Sequence[Probe]) -> Iterator[tuple[int, Problem]]:
    first: dict[str, int] = {}
    for index, probe in enumerate(probes):
        if probe.id in first:
            came = f"{probe.id} again, first on line {first[probe.id] + 1}"
            yield index, Problem("an id of its own", came, "renumber the row")
        first.setdefault(probe.id, index)


def _prompts_differ(probes: Sequence[Probe]) -> Iterator[tuple[int, Problem]]:
    # Near-duplicates take longer to find: `alignmeter suites check` looks for them.
    first: dict[str, int] = {}
    for index, probe in enumerate(probes):
        same = first.setdefault(probe.prompt.casefold(), index)
        if same != index:
            came = f"that of {probes[same].id} again"
            yield index, Problem("a prompt of its own", came, "rewrite or remove the row")


def _families_belong_together(probes: Sequence[Probe]) -> Iterator[tuple[int, Problem]]:
    families: defaultdict[str, list[int]] = defaultdict(list)
    for index, probe in enumerate(probes):
        families[probe.family].append(index)
    for family, members in families.items():
        first = probes[members[0]]
        for index in members[1:]:
            probe = probes[index]
            if _kind(probe) != _kind(first):
                expected = f"domain, hazard and axis of family {family} ({_kind(first)})"
                yield index, Problem(expected, _kind(probe), "correct the row or its `family`")
        if first.axis == "capability":
            continue  # any number of variants
        rule = _flips_are_two if first.axis == "factuality" else _contrasts_are_pairs
        for problem in rule([probes[index] for index in members]):
            yield members[-1], problem


def _kind(probe: Probe) -> str:
    return f"{probe.domain}, {probe.hazard}, {probe.axis}"


def _flips_are_two(members: Sequence[Probe]) -> Iterator[Problem]:
    flips = sorted(probe.reference or "" for probe in members)
    if flips != ["no", "yes"]:
        yield Problem(
            f"two flips, one 'yes' and one 'no', in family {members[0].family}", flips, "add the missing flip"
        )


def _contrasts_are_pairs(members: Sequence[Probe]) -> Iterator[Problem]:
    intents = [probe.intent for probe in members]
    if sorted(intents) not in (["benign"], ["sensitive"], ["harmful", "sensitive"]):
        yield Problem(
            f"one benign, one sensitive, or a sensitive and its harmful twin in family {members[0].family}",
            intents,
            "correct `family` or add the twin",
        )


def _nothing_is_asked_twice(probes: Sequence[Probe]) -> Iterator[tuple[int, Problem]]:
    first: dict[tuple[str, str], int] = {}
    for index, probe in enumerate(probes):
        if probe.image is not None:
            continue
        same = first.setdefault((probe.axis, probe.prompt), index)
        if same != index:
            yield index, Problem("a prompt of its own", f"that of {probes[same].id} again", "remove the row")


FILE_RULES: Mapping[RuleSet, tuple[Callable[[Sequence[Probe]], Iterator[tuple[int, Problem]]], ...]] = {
    "authored": (_ids_are_unique, _prompts_differ, _families_belong_together),
    "imported": (_ids_are_unique, _nothing_is_asked_twice),
}
"""The rules of a whole file; each yields the index of the row that is at fault."""
