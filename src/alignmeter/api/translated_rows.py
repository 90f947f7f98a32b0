"""Which translated rows are taken: those that survive the round trip and that a suite may hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec

from alignmeter.records import Probe, Record
from alignmeter.suites.drift import EXPLAINED, Drift, RoundTrip, drifts, shared_words
from alignmeter.suites.file_rules import FILE_RULES
from alignmeter.suites.schema import row_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from alignmeter.suites.file_rules import Problem, RuleSet
    from alignmeter.suites.schema import SuiteFile


class Doubtful(Record, frozen=True):
    """A translation that was not accepted, and why; for a person to mend."""

    id: str
    original: str
    translation: str
    back: str
    flags: tuple[Drift, ...]
    why: tuple[str, ...]


class Sorted(NamedTuple):
    """Translated rows.

    Attributes:
        kept: The rows of the suite: whole families, none of whose rows is doubtful or missing.
        doubtful: In the order of the suite.
    """

    kept: list[Probe]
    doubtful: list[Doubtful]


class Bound(NamedTuple):
    """What the rows are to become.

    Attributes:
        file: The file, with the suite and the language translated into.
        rules: Which rules the suite is held to.
        source: Language translated from.
        model: Name of the translator, for the provenance.
    """

    file: SuiteFile
    rules: RuleSet
    source: str
    model: str


class Similarity(NamedTuple):
    """How round trips are compared: a function as `drifts` takes it, and its name."""

    of: Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
    name: str


def sort_rows(
    probes: Sequence[Probe], done: Mapping[str, RoundTrip], bound: Bound, similarity: Similarity
) -> Sorted:
    """Sort translated rows into those of the suite and doubtful ones.

    Args:
        probes: The rows to translate.
        done: Their round trips by id, of as many as there are.
        bound: What they are to become.
        similarity: How the way back is compared with the originals.
    """
    asked = [probe for probe in probes if probe.id in done]
    flags = drifts(
        [done[probe.id] for probe in asked],
        [probe.prompt for probe in probes],
        is_language=_is_language(bound.file.language),
        similarity=similarity.of,
    )
    found = {probe.id: one for probe, one in zip(asked, flags, strict=True) if one}
    why = {name: tuple(EXPLAINED[flag] for flag in one) for name, one in found.items()}
    for name, problem in _broken_rules(_whole(probes, done, found), done, bound):
        found[name], why[name] = ("rules",), (f"expected {problem.expected}, got {str(problem.came)!r}",)
    return Sorted(
        kept=[_row(probe, done[probe.id], bound) for probe in _whole(probes, done, found)],
        doubtful=[
            Doubtful(
                id=probe.id,
                original=done[probe.id].original,
                translation=done[probe.id].translation,
                back=done[probe.id].back,
                flags=found[probe.id],
                why=why[probe.id],
            )
            for probe in asked
            if probe.id in found
        ],
    )


def similarity_here() -> Similarity:
    """By sentence embeddings where the extra `embed` is installed, else by words."""
    from alignmeter.judges.embedding import embedder, embedding_available

    if not embedding_available():
        return Similarity(shared_words, "words")

    def cosine(texts: Sequence[str], others: Sequence[str]) -> Sequence[Sequence[float]]:
        model = embedder()
        rows = model.encode(list(texts)) @ model.encode(list(others)).T
        return cast("list[list[float]]", rows.tolist())

    return Similarity(cosine, "embeddings")


def _whole(probes: Sequence[Probe], done: Mapping[str, RoundTrip], bad: Mapping[str, object]) -> list[Probe]:
    """The rows of families that are translated in full and without a flag."""
    broken = {probe.family for probe in probes if probe.id in bad or probe.id not in done}
    return [probe for probe in probes if probe.family not in broken]


def _broken_rules(
    probes: Sequence[Probe], done: Mapping[str, RoundTrip], bound: Bound
) -> Iterable[tuple[str, Problem]]:
    """The rows that a suite file may not hold, by id; the file's rules after those of one row."""
    rows = [_row(probe, done[probe.id], bound) for probe in probes]
    found = {
        probe.id: problem
        for probe, row in zip(probes, rows, strict=True)
        for problem in list(row_problems(row, bound.file, bound.rules))[:1]
    }
    broken = {probe.family for probe in probes if probe.id in found}
    fine = [(probe, row) for probe, row in zip(probes, rows, strict=True) if probe.family not in broken]
    for rule in FILE_RULES[bound.rules]:
        for index, problem in rule([row for _, row in fine]):
            found.setdefault(fine[index][0].id, problem)
    return found.items()


def _row(probe: Probe, trip: RoundTrip, bound: Bound) -> Probe:
    day = datetime.now(UTC).date().isoformat()
    _, suite, language = bound.file
    return msgspec.structs.replace(
        probe,
        id=probe.id.replace(f"{suite}-{bound.source}-", f"{suite}-{language}-", 1),
        language=language,
        prompt=trip.translation,
        provenance=f"translated from {probe.id} version {probe.version} by {bound.model} on {day}; "
        "compared after a round trip, no native review",
    )


def _is_language(language: str) -> Callable[[str], bool]:
    from alignmeter.suites.checks import told_language

    return lambda text: told_language(text, language)
