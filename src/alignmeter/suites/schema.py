"""The schema of a suite file: what a row must hold, and what the rows of one file must be together.

A suite file is JSON Lines, one `alignmeter.records.Probe` a line, named `SUITE.LANGUAGE.jsonl`.
`parse_suite` checks it once, at the boundary; everything behind it trusts the probes. The rules of
one row are here; those that need the whole file are in `alignmeter.suites.file_rules`.

What is imported from a public file is not ours to shorten or to pair up: a suite with a record of its
import beside it (`alignmeter.suites.origins`) is held to fewer rules, those without which it could not
be asked or scored.
"""

from __future__ import annotations

import re
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Probe
from alignmeter.suites.duplicates import words
from alignmeter.suites.file_rules import FILE_RULES, Problem
from alignmeter.suites.rendering import closed_question_languages
from alignmeter.suites.task_rules import check_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from alignmeter.suites.file_rules import RuleSet

HAZARDS: Mapping[str, str] = MappingProxyType(
    {
        "violence": "killing, injuring or terrorising people",
        "weapons": "making, getting or moving weapons, chemical ones included",
        "drugs": "making, selling or misusing drugs, and drugging people",
        "self_harm": "suicide, self-injury and disordered eating",
        "cybercrime": "breaking into systems, malware, phishing",
        "fraud": "deceit or theft for gain",
        "privacy": "spying on people, exposing or selling what is theirs to keep",
        "hate": "contempt or persecution of people for what they are",
        "harassment": "threats, blackmail, stalking, bullying",
        "misinformation": "fabricated facts, news or evidence meant to deceive the public",
        "medical_harm": "hurting someone through medicines, poisons or wrong medical advice",
        "legal_evasion": "escaping the law: laundering, tax evasion, false testimony, false papers",
        "legal_harm": "losing a right or a case through wrong legal information",
        "financial_harm": "losing money through wrong financial information",
        "household_harm": "fire, gas, poison or spoiled food through wrong household advice",
        "outdoor_harm": "injury, cold, heat or drowning through wrong advice on the outdoors",
        "cyber_harm": "a stolen account or lost data through wrong advice on everyday security",
        "insecure_code": "code that works and brings a known weakness with it",
    }
)
"""The closed vocabulary of hazards: name and what it covers."""

MIN_WORDS = 3
MAX_WORDS = 60
"""Words in a prompt: a request, not an essay."""

_LETTERS_OF_A_WORD: Mapping[str, int] = MappingProxyType(
    {"zh": 2, "ja": 3, "bo": 4, "dz": 4, "km": 4, "lo": 4, "my": 4, "th": 4}
)
"""Languages that are written without spaces: the letters, vowel signs not counted, of about one word."""

CODE_LANGUAGES = ("python", "javascript", "c", "sql")
"""Languages of programming that a request may ask for: those that the judge of code reads."""

_AXES = ("refusal", "factuality", "code_security", "capability")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_SLUG = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)*")
_DOMAIN = re.compile(r"[a-z][a-z0-9_]*")
_LAST_LETTER = 0xFF  # what the font of drawn images holds
_CWE = re.compile(r"CWE-[1-9]\d*")
_FACT_FIELDS = ("reference", "explanation", "source", "jurisdiction", "checked_on")


class SuiteFile(NamedTuple):
    """Where rows come from: file name as shown in errors, and what its name promises."""

    name: str
    suite: str
    language: str


class _Row(Probe, frozen=True, forbid_unknown_fields=True):
    """A probe as a file may hold it: a field that is not known is an error, not ignored."""


def parse_suite(data: bytes, file: SuiteFile, *, rules: RuleSet = "authored") -> tuple[Probe, ...]:
    """Decode and validate one suite file.

    Args:
        data: The bytes of the file: JSON Lines in UTF-8.
        file: Its name, and the suite and language that every row must carry.
        rules: Which rules it is held to.

    Returns:
        The probes in file order.

    Raises:
        InputError: At the first row that breaks a rule; names file, line, what was expected, what
            came and what to do.
    """
    lines = data.splitlines()
    if not lines:
        raise InputError(f"{file.name}: expected one probe a line, got an empty file; add rows or remove it")
    probes = tuple(_decode(line, number, file) for number, line in enumerate(lines, 1))
    for number, probe in enumerate(probes, 1):
        for problem in row_problems(probe, file, rules):
            raise _error(file, number, problem)
    for file_rule in FILE_RULES[rules]:
        for index, problem in file_rule(probes):
            raise _error(file, index + 1, problem)
    return probes


def row_problems(probe: Probe, file: SuiteFile, rules: RuleSet) -> Iterator[Problem]:
    """Yield what is wrong with one row by itself."""
    for rule in _ROW_RULES[rules]:
        yield from rule(probe, file)


def _error(file: SuiteFile, line: int, problem: Problem) -> InputError:
    return InputError(
        f"{file.name}:{line}: expected {problem.expected}, got {problem.came!r}; {problem.remedy}"
    )


def _decode(line: bytes, number: int, file: SuiteFile) -> Probe:
    try:
        row = msgspec.json.decode(line, type=_Row)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file.name}:{number}: expected one probe as a JSON object, got {line[:60]!r} ({error}); "
            "correct the row"
        ) from error
    return Probe(**msgspec.structs.asdict(row))


def _belongs_to_its_file(probe: Probe, file: SuiteFile) -> Iterator[Problem]:
    if probe.suite != file.suite:
        yield Problem(f"suite {file.suite!r}", probe.suite, "move the row or correct `suite`")
    if not _LANGUAGE.fullmatch(probe.language):
        yield Problem("a language code such as 'en' or 'zh-Hans'", probe.language, "correct `language`")
    if probe.language != file.language:
        yield Problem(f"language {file.language!r}", probe.language, "move the row or correct `language`")


def _is_named_well(probe: Probe, file: SuiteFile) -> Iterator[Problem]:
    # The prefix makes an id unique in the whole catalogue once it is unique in its file; a family
    # carries no language, because translations of one probe share it.
    id_prefix, family_prefix = f"{file.suite}-{file.language}-", f"{file.suite}-"
    if not (probe.id.startswith(id_prefix) and _SLUG.fullmatch(probe.id)):
        yield Problem(f"an id in lower case that starts with {id_prefix!r}", probe.id, "correct `id`")
    if not (probe.family.startswith(family_prefix) and _SLUG.fullmatch(probe.family)):
        yield Problem(
            f"a family in lower case that starts with {family_prefix!r}", probe.family, "correct `family`"
        )
    if not _DOMAIN.fullmatch(probe.domain):
        yield Problem("a domain of lower-case letters and underscores", probe.domain, "correct `domain`")


def _has_a_history(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001 - one signature
    if not probe.provenance.strip():
        yield Problem("provenance: who wrote the row", probe.provenance, "fill in `provenance`")
    if probe.version < 1:
        yield Problem("a version of 1 or more", probe.version, "correct `version`")


def _asks_one_short_thing(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    if probe.axis == "capability":  # a task may be long: a program, a puzzle, a text to work on
        if probe.prompt != probe.prompt.strip() or not probe.prompt:
            yield Problem("a prompt without white space at its ends", probe.prompt, "correct `prompt`")
        return
    if probe.prompt != probe.prompt.strip() or len(probe.prompt.splitlines()) != 1:
        yield Problem(
            "a prompt of one line without white space at its ends", probe.prompt, "correct `prompt`"
        )
    letters = _LETTERS_OF_A_WORD.get(probe.language.partition("-")[0])
    if letters is None:
        count, longest, unit = len(words(probe.prompt)), MAX_WORDS, "words"
    else:
        count, longest, unit = sum(map(str.isalnum, probe.prompt)), letters * MAX_WORDS, "letters"
    if not MIN_WORDS <= count <= longest:
        expected = f"a prompt of {MIN_WORDS} to {longest} {unit}"
        yield Problem(expected, f"{count} {unit}", "shorten or lengthen it")


def _names_its_hazard(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    near_harm = probe.intent != "benign" or probe.axis in {"factuality", "code_security"}
    if near_harm and probe.hazard not in HAZARDS:
        yield Problem(f"a hazard from {', '.join(HAZARDS)}", probe.hazard, "correct `hazard`")
    if not near_harm and probe.hazard is not None:
        yield Problem("no hazard on a benign request", probe.hazard, "remove `hazard` or correct `intent`")


def _is_scored_by_its_axis(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    if probe.axis not in _AXES:
        yield Problem(f"an axis from {', '.join(_AXES)}", probe.axis, "correct `axis`")
    if probe.axis != "refusal" and probe.intent != "benign":
        yield Problem(f"intent 'benign' on axis {probe.axis!r}", probe.intent, "correct `intent`")
    for field in _FACT_FIELDS:
        value: str | None = getattr(probe, field)
        if probe.axis == "factuality" and not (value or "").strip():
            yield Problem(f"{field} on a closed question", value, f"fill in `{field}`")
        told = probe.axis == "capability" and field in {"reference", "explanation"}
        if probe.axis != "factuality" and value is not None and not told:
            yield Problem(f"no {field} outside axis 'factuality'", value, f"remove `{field}`")


def _names_its_weakness(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    code = probe.axis == "code_security"
    if code and not _CWE.fullmatch(probe.cwe or ""):
        yield Problem("the weakness as CWE-NUMBER on axis 'code_security'", probe.cwe, "correct `cwe`")
    if code and probe.code_language not in CODE_LANGUAGES:
        expected = f"a code_language from {', '.join(CODE_LANGUAGES)}"
        yield Problem(expected, probe.code_language, "correct `code_language`")
    for field in ("cwe", "code_language"):
        if not code and getattr(probe, field) is not None:
            came = getattr(probe, field)
            yield Problem(f"no {field} outside axis 'code_security'", came, f"remove `{field}`")


def _shows_what_can_be_drawn(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    image = probe.image
    if image is None:
        return
    texts = (image.title, *(text for row in image.rows for text in row))
    if not image.rows or any(not text.strip() or len(text.splitlines()) != 1 for text in texts):
        yield Problem("an image with a title and rows, one line each", texts, "correct `image`")
    if any(ord(letter) > _LAST_LETTER for text in texts for letter in text):
        yield Problem("letters of Latin-1 in an image", texts, "write it with other letters")
    numbers = [value.replace(".", "", 1).isdecimal() and float(value) for _, value in image.rows]
    if image.kind == "chart" and (False in numbers or not any(numbers)):
        yield Problem("numbers of 0 or more in a chart, one above 0", image.rows, "correct `image`")


def _has_a_source_and_dates(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    if probe.source is not None and "https://" not in probe.source:
        yield Problem(
            "a source with organisation, title and https address", probe.source, "complete `source`"
        )
    for field, value in (("checked_on", probe.checked_on), ("expires", probe.expires)):
        if value is not None and not _is_iso_date(value):
            yield Problem(f"{field} as YYYY-MM-DD", value, f"correct `{field}`")
    if probe.expires is not None and probe.checked_on is None:
        yield Problem("no expiry without a fact", probe.expires, "remove `expires`")
    if probe.expires is not None and probe.checked_on is not None and probe.expires <= probe.checked_on:
        yield Problem(f"an expiry after {probe.checked_on}", probe.expires, "correct `expires`")


def _is_iso_date(text: str) -> bool:
    try:
        # `fromisoformat` also reads 20261121 and week dates; only the one form sorts as text.
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _asks_something(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    if not probe.prompt or probe.prompt != probe.prompt.strip():
        yield Problem("a prompt without white space at its ends", probe.prompt[:60], "correct `prompt`")


def _names_a_hazard(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    if probe.hazard is not None and not _DOMAIN.fullmatch(probe.hazard):
        yield Problem("a hazard of lower-case letters and underscores", probe.hazard, "correct `hazard`")


def _can_be_scored(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    axis = probe.axis
    if axis not in _AXES:
        yield Problem(f"an axis from {', '.join(_AXES)}", axis, "correct `axis`")
    if axis != "refusal" and probe.intent != "benign":
        yield Problem(f"intent 'benign' on axis {axis!r}", probe.intent, "correct `intent`")
    if axis == "factuality" and probe.reference not in {"yes", "no"}:
        yield Problem("reference 'yes' or 'no' on axis 'factuality'", probe.reference, "correct `reference`")
    if axis == "factuality" and probe.language not in closed_question_languages():
        known = ", ".join(closed_question_languages())
        yield Problem(f"a closed question in {known}", probe.language, "leave the row out")


def _has_a_check(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    if (probe.axis == "capability") != (probe.check is not None):
        came = None if probe.check is None else "a check"
        yield Problem("a check on axis 'capability' and on no other", came, "correct `axis` or `check`")
    if probe.check is not None:
        for expected, came in check_problems(probe.check):
            yield Problem(expected, came, "correct `check`")


def _has_real_dates(probe: Probe, file: SuiteFile) -> Iterator[Problem]:  # noqa: ARG001
    for field, value in (("checked_on", probe.checked_on), ("expires", probe.expires)):
        if value is not None and not _is_iso_date(value):
            yield Problem(f"{field} as YYYY-MM-DD", value, f"correct `{field}`")


_ROW_RULES: Mapping[RuleSet, tuple[Callable[[Probe, SuiteFile], Iterator[Problem]], ...]] = {
    "authored": (
        _belongs_to_its_file,
        _is_named_well,
        _has_a_history,
        _asks_one_short_thing,
        _names_its_hazard,
        _is_scored_by_its_axis,
        _has_a_check,
        _names_its_weakness,
        _shows_what_can_be_drawn,
        _has_a_source_and_dates,
    ),
    "imported": (
        _belongs_to_its_file,
        _is_named_well,
        _has_a_history,
        _asks_something,
        _names_a_hazard,
        _can_be_scored,
        _has_a_check,
        _names_its_weakness,
        _shows_what_can_be_drawn,
        _has_real_dates,
    ),
}
