"""Whether the suites keep their promises: what the schema of one file cannot see.

`parse_suite` guards each load and must be quick. What takes longer, or needs several files, is
looked at here, by `alignmeter suites check` and by the tests.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from alignmeter.errors import InputError
from alignmeter.records import Record
from alignmeter.suites.catalogue import (
    GENERATED_SUITES,
    imported_suites,
    load_file,
    misnamed_files,
    readable_suite,
    usable_files,
)
from alignmeter.suites.data_files import data_yaml
from alignmeter.suites.duplicates import duplicate_pairs, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from alignmeter.records import Probe

ACROSS = 0.2
"""Overlap of shingles from which two prompts of different suites in English are too alike."""
WITHIN = 0.4
"""The same within one file of another language, whose grammar repeats more."""
LANGUAGE_SHARE = 0.98
"""Share of a file's prompts that must be told to be in its language."""
LENGTHS = (0.4, 2.5)
"""Bounds of a translation's length against its English original, in characters."""
DENSE_LENGTHS = (0.12, 1.2)
"""The same for Chinese, whose characters say more."""
CUE_TILT = 0.3
"""How far from one half the share of `yes` may be among questions that ask whether something is safe."""

_DENSE = frozenset({"zh"})
_SAFE = re.compile(r"\b(?:safe|fine|ok|okay|all right|enough)\b")
_CONTENT_FILE = "check.yaml"


class SuiteFinding(Record, frozen=True):
    """One thing that is not as it should be; `where` names a probe, a file or a cell."""

    check: str
    where: str
    problem: str


class SuiteCheck(Record, frozen=True):
    """One check over all suites: how much was looked at, and what was found."""

    name: str
    looked_at: int
    findings: tuple[SuiteFinding, ...]


class _Floor(NamedTuple):
    """Families that SUITES.md asks for: at least so many in each cell of these columns."""

    suite: str
    intent: str | None
    language: str
    at_least: int
    by_domain: bool


def check_suites() -> tuple[SuiteCheck, ...]:
    """Look at every suite there is.

    An imported suite is held to its schema alone: its wording is not ours to mend.

    Returns:
        One result a check, in a fixed order; no findings where all is well.
    """
    probes: list[Probe] = []
    misnamed = misnamed_files()
    broken = [SuiteFinding(check="schema", where=one.partition(": ")[0], problem=one) for one in misnamed]
    files, imported = usable_files(), imported_suites()
    for file in files:
        try:
            loaded = load_file(file)
            probes.extend(() if file.suite in imported else loaded)
        except InputError as error:
            broken.append(SuiteFinding(check="schema", where=file.name, problem=str(error)))
    checks: list[SuiteCheck] = [
        SuiteCheck(name="schema", looked_at=len(files) + len(misnamed_files()), findings=tuple(broken))
    ]
    # Tasks are sums, programs and patterns as often as prose; what they must hold is in their tests.
    generated = [
        probe for name in GENERATED_SUITES for probe in readable_suite(name) if probe.axis != "capability"
    ]
    for name, look in _CHECKS.items():
        # Wordings of a table repeat by design.
        members = probes if look in {_near_duplicates, _openings} else [*probes, *generated]
        found = tuple(
            SuiteFinding(check=name, where=where, problem=problem) for where, problem in look(members)
        )
        checks.append(SuiteCheck(name=name, looked_at=len(members), findings=found))
    return tuple(checks)


def _near_duplicates(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """English across all suites, every other language within its file."""
    groups: defaultdict[tuple[str, str], list[Probe]] = defaultdict(list)
    for probe in probes:
        groups[("" if probe.language == "en" else probe.suite), probe.language].append(probe)
    for (_, language), members in groups.items():
        threshold = ACROSS if language == "en" else WITHIN
        for pair in duplicate_pairs([probe.prompt for probe in members], threshold=threshold):
            first, second = members[pair.first], members[pair.second]
            if first.image is not None and first.family == second.family:
                continue  # two flips ask the same of two images
            problem = f"{pair.similarity:.0%} like {members[pair.first].id}"
            yield members[pair.second].id, problem


def _languages(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """The language of a file is the language of its prompts."""
    identifier = _identifier(sorted({probe.language for probe in probes}))
    told: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for probe in probes:
        found = str(identifier.classify(probe.prompt)[0])
        told[probe.suite, probe.language][found] += 1
    for (suite, language), counts in sorted(told.items()):
        share = counts[language] / counts.total()
        if share < LANGUAGE_SHARE:
            others = ", ".join(f"{count} {name}" for name, count in counts.most_common() if name != language)
            yield f"{suite}.{language}", f"only {share:.0%} of the prompts are in {language}: {others}"


def told_language(text: str, language: str) -> bool:
    """Whether a text is told to be in a language rather than English; yes where nobody could tell."""
    identifier = _pair_identifier(language)
    return language not in identifier.nb_classes or str(identifier.classify(text)[0]) == language


@cache
def _pair_identifier(language: str) -> Any:  # noqa: ANN401 - the library has no types
    return _identifier([language])


def _identifier(languages: Sequence[str]) -> Any:  # noqa: ANN401 - the library has no types
    from py3langid import langid  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    library = cast("Any", langid)
    identifier = library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)
    known = [language for language in languages if language in identifier.nb_classes]
    identifier.set_languages([*known, *(["en"] if "en" not in known else [])])
    return identifier


def _translations(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """A translation has an original, agrees with it, and is about as long."""
    originals = {_key(probe): probe for probe in probes if probe.language == "en"}
    for probe in probes:
        if probe.language == "en":
            continue
        original = originals.get(_key(probe))
        if original is None:
            yield probe.id, "no English probe of its family and intent"
            continue
        if (probe.domain, probe.hazard, probe.axis) != (original.domain, original.hazard, original.axis):
            yield probe.id, f"domain, hazard or axis differs from {original.id}"
        if probe.prompt == original.prompt:
            yield probe.id, "not translated"
        ratio = len(probe.prompt) / len(original.prompt)
        low, high = DENSE_LENGTHS if probe.language in _DENSE else LENGTHS
        if not low <= ratio <= high:
            yield probe.id, f"{ratio:.1f} times as long as {original.id}"


def _key(probe: Probe) -> tuple[str, str, str, str | None]:
    return probe.suite, probe.family, probe.intent, probe.reference


def _banned(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """Nothing about minors in a harmful light, nothing sexual, no operational detail."""
    banned = data_yaml(_CONTENT_FILE)["banned"]
    patterns = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in banned.items()}
    for probe in probes:
        if probe.intent != "harmful":
            continue
        for name, pattern in patterns.items():
            match = pattern.search(probe.prompt)
            if match is not None:
                yield probe.id, f"{name}: {match.group()!r}"


def _cues(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """A question that asks whether something is safe must not have one answer."""
    answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for probe in probes:
        if probe.axis == "factuality" and probe.language == "en" and _SAFE.search(probe.prompt.casefold()):
            answers[probe.suite][probe.reference or ""] += 1
    for suite, counts in answers.items():
        share = counts["yes"] / counts.total()
        if abs(share - 0.5) > CUE_TILT:
            yield suite, f"{share:.0%} of the questions with `safe`, `fine`, `enough` ... have the answer yes"


def _openings(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """No two words begin so many prompts that they are a template."""
    openings: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for probe in probes:
        if probe.language == "en":
            openings[probe.suite][words(probe.prompt)[:2]] += 1
    for suite, counts in openings.items():
        total = counts.total()
        for opening, times in counts.items():
            if times > max(8, 0.02 * total):
                yield suite, f"{times} prompts begin with {' '.join(opening)!r}"


def _floors(probes: Sequence[Probe]) -> Iterator[tuple[str, str]]:
    """As many families as a claim needs."""
    for raw in data_yaml(_CONTENT_FILE)["floors"]:
        floor = _Floor(**raw)
        cells: defaultdict[str, set[str]] = defaultdict(set)
        for probe in probes:
            intent = floor.intent is None or probe.intent == floor.intent
            if (probe.suite, probe.language) == (floor.suite, floor.language) and intent:
                cells[probe.domain if floor.by_domain else "all domains"].add(probe.family)
        for cell, families in sorted(cells.items()) or [("all domains", set[str]())]:
            if floor.by_domain and cell in data_yaml(_CONTENT_FILE)["pooled_domains"]:
                continue
            if len(families) < floor.at_least:
                where = "/".join(part for part in (floor.suite, floor.language, floor.intent, cell) if part)
                yield where, f"{len(families)} families, {floor.at_least} wanted"


_CHECKS: Mapping[str, Callable[[Sequence[Probe]], Iterable[tuple[str, str]]]] = {
    "near-duplicates": _near_duplicates,
    "language": _languages,
    "translations": _translations,
    "banned content": _banned,
    "cues of the answer": _cues,
    "openings": _openings,
    "floors": _floors,
}
