"""The catalogue: which suites there are, what they hold, and what they cover.

Suites are files named `SUITE.LANGUAGE.jsonl`: those of the package, found through
`importlib.resources`, so that a wheel, a zip file and a checkout behave alike, and those that a user
keeps in the folder `alignmeter-suites` (or where `$ALIGNMETER_SUITES` says), imported ones among them.
A file is validated once a process. The suite `facts` has no file: it is generated from tables, with the
same seed every time, and so is `capability`.

A file of the user's that is not usable stops what needs it: what asks for its suite, or for all that there
are. Whatever else meets it leaves it out with a `LeftOutWarning`.
"""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.errors import InputError, LeftOutWarning
from alignmeter.identity import digest, text_digest
from alignmeter.records import Intent, Probe, Record
from alignmeter.suites.capability import CAPABILITY_SUITE, generate_capability
from alignmeter.suites.facts import FACTS_SUITE, generate_facts
from alignmeter.suites.origins import ORIGIN_SUFFIX, SuiteOrigin, origin_path, read_origin
from alignmeter.suites.schema import SuiteFile, parse_suite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.resources.abc import Traversable

    from alignmeter.suites.file_rules import RuleSet

USER_FOLDER = "alignmeter-suites"
"""Where a user's own suites are looked for in the working directory."""
FOLDER_VARIABLE = "ALIGNMETER_SUITES"
"""Environment variable that names another folder."""

GENERATED_SUITES = (CAPABILITY_SUITE, FACTS_SUITE)
"""Suites without a file, in English only."""

ONLY_WHEN_NAMED = ("capability", "tax_domains")
"""Suites that measure capability: asked where a threat model names them, not where it takes all."""

_SUFFIX = ".jsonl"
_ENGLISH = "en"


class ProbeCount(Record, frozen=True):
    """Probes and families of one cell; families are the independent units."""

    suite: str
    intent: Intent
    domain: str
    language: str
    probes: int
    families: int


def suite_names() -> tuple[str, ...]:
    """Return the names of the suites there are, built in or a user's own, in alphabetical order.

    A file whose name is none of a suite is left out with a warning.
    """
    return tuple(sorted({*(file.suite for file in suite_files()), *GENERATED_SUITES}))


def load_suite(name: str, language: str = "en") -> tuple[Probe, ...]:
    """Return the probes of one suite in one language, in file order.

    Args:
        name: A name from `suite_names()`.
        language: A language code, for example `en`.

    Raises:
        InputError: There is no such suite, the suite lacks the language, or a row is not valid.
    """
    check_suite(name)
    generated = name in GENERATED_SUITES
    languages = [_ENGLISH] if generated else sorted(file.language for file in _files_of(name))
    if language not in languages:
        raise InputError(
            f"suite {name!r}: expected a language from {', '.join(languages)}, got {language!r}; choose "
            "one of these"
        )
    return _generated(name) if generated else load_file(_file(name, language))


def load_catalogue(names: Iterable[str] | None = None) -> tuple[Probe, ...]:
    """Return the probes of the named suites, or of all, in every language that they have.

    Public sets quote one another. A prompt of an imported suite that an earlier suite asks in the same
    words is left out, so that it is asked once.

    Raises:
        InputError: There is no such suite, or a row is not valid.
    """
    # dict.fromkeys: a suite that is named twice is still loaded once.
    chosen = suite_names() if names is None else tuple(dict.fromkeys(names))
    for name in chosen:
        check_suite(name)
    return _each_once({name: _load_all(name) for name in chosen})


def readable_probes() -> tuple[Probe, ...]:
    """Return the probes of all suites that can be read, as `load_catalogue` does; others are warned of."""
    return _each_once({name: probes for name in suite_names() if (probes := _read_all(name)) is not None})


def readable_suite(name: str) -> tuple[Probe, ...]:
    """Return the probes of a suite in all its languages, none and a warning where it cannot be read."""
    return _read_all(name) or ()


def check_suite(name: str) -> None:
    """Refuse a suite that a file of the user's means to be, which can be none.

    Raises:
        InputError: Says what is wrong with the file.
    """
    for suite, problem in _folders().misnamed:
        if suite == name:
            raise InputError(problem)


def check_folder() -> None:
    """Refuse a folder of the user's suites with a file that can be none, for what asks all that there are.

    Raises:
        InputError: Says what is wrong with the first.
    """
    for _, problem in _folders().misnamed:
        raise InputError(problem)


def misnamed_files() -> tuple[str, ...]:
    """Say of each file of the user's that can be no suite what is wrong with it."""
    return tuple(problem for _, problem in _folders().misnamed)


def _each_once(loaded: dict[str, tuple[Probe, ...]]) -> tuple[Probe, ...]:
    """All probes, suite by suite; of imported suites those that no earlier suite asks in the same words."""
    # Ids carry suite and language (see schema.py), so they are unique across files too.
    imported = [name for name in loaded if name in imported_suites()]
    seen = {_asked(probe) for name in loaded if name not in imported for probe in loaded[name]}
    kept = {name: tuple(_unseen(loaded[name], seen)) for name in imported}
    return tuple(probe for name in loaded for probe in kept.get(name, loaded[name]))


def built_in_domains() -> dict[str, str]:
    """Return the domains of the built-in suites, each with a suite that has it."""
    of_package = {entry.name.partition(".")[0] for entry in _data().iterdir() if entry.name.endswith(_SUFFIX)}
    english = {name: load_file(_file(name, _ENGLISH)) for name in of_package}
    loaded = english | {name: _generated(name) for name in GENERATED_SUITES}
    return {probe.domain: name for name in sorted(loaded) for probe in loaded[name]}


def suite_digest(name: str) -> str:
    """Return the SHA-256 over name and bytes of every file of a suite, as 64 hex digits.

    Of a generated suite it is that over its probes.

    Raises:
        InputError: There is no such suite, or a file of it cannot be read.
    """
    check_suite(name)
    if name in GENERATED_SUITES:
        return digest(_generated(name))
    return digest({file.name: text_digest(_read(file)) for file in _files_of(name)})


def imported_suites() -> tuple[str, ...]:
    """Return the names of the suites that were imported, in alphabetical order."""
    folder = user_folder()
    if not folder.is_dir():
        return ()
    return tuple(sorted(path.name.removesuffix(ORIGIN_SUFFIX) for path in folder.glob(f"*{ORIGIN_SUFFIX}")))


def suite_origin(name: str) -> SuiteOrigin | None:
    """Return where an imported suite comes from, None for any other.

    Raises:
        InputError: The record of the import is broken.
    """
    path = origin_path(user_folder(), name)
    return read_origin(path) if path.is_file() else None


def suite_sources(names: Iterable[str]) -> dict[str, str]:
    """Return where the imported ones among some suites come from, a sentence each.

    Raises:
        InputError: The record of an import is broken.
    """
    found = {name: suite_origin(name) for name in names}
    return {name: origin.sentence for name, origin in found.items() if origin is not None}


def suite_tax_limits(names: Iterable[str]) -> dict[str, float]:
    """Return the relative tax that the custom domains among some suites may pay, where they set a limit.

    Raises:
        InputError: The record of an import is broken.
    """
    found = {name: suite_origin(name) for name in names}
    return {
        name: origin.tax_limit
        for name, origin in found.items()
        if origin is not None and origin.tax_limit is not None
    }


def counts(probes: Iterable[Probe]) -> tuple[ProbeCount, ...]:
    """Count probes and families by suite, intent, domain and language, in that sorting order."""
    cells: defaultdict[tuple[str, Intent, str, str], list[str]] = defaultdict(list)
    for probe in probes:
        cells[probe.suite, probe.intent, probe.domain, probe.language].append(probe.family)
    return tuple(
        ProbeCount(
            suite=suite,
            intent=intent,
            domain=domain,
            language=language,
            probes=len(families),
            families=len(set(families)),
        )
        for (suite, intent, domain, language), families in sorted(cells.items())
    )


def user_folder() -> Path:
    """Return the folder of the user's own suites, there or not."""
    return Path(os.environ.get(FOLDER_VARIABLE) or USER_FOLDER)


def usable_files() -> tuple[SuiteFile, ...]:
    """Return what `suite_files` does, without a word of what is left out."""
    return tuple(_folders().entries)


def suite_files() -> tuple[SuiteFile, ...]:
    """Return every suite file there is, in the order of their names.

    A file of the user's with another name than expected, or that of a built-in one, is left out with a
    warning.
    """
    for problem in misnamed_files():
        warnings.warn(f"left out {problem}", LeftOutWarning, stacklevel=2)
    return usable_files()


def own_suites() -> frozenset[str]:
    """Return the names of the suites of which the user keeps a file."""
    packaged = {entry.name for entry in _data().iterdir()}
    return frozenset(file.suite for file in _folders().entries if file.name not in packaged)


def _data() -> Traversable:
    return files("alignmeter.suites") / "data"


class _Folders(NamedTuple):
    """What the folders of suites hold.

    Attributes:
        entries: The suite files, in the order of their names.
        misnamed: Of files of the user's that can be none: the suite that each means to be, and what is
            wrong with it.
    """

    entries: dict[SuiteFile, Traversable]
    misnamed: list[tuple[str, str]]


def _folders() -> _Folders:
    found = _Folders({}, [])
    folders: list[Traversable] = [_data()]
    if user_folder().is_dir():
        folders.append(user_folder())
    entries = [entry for folder in folders for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)]
    for entry in sorted(entries, key=lambda entry: entry.name):  # of two of one name the built-in one first
        suite, _, language = entry.name.removesuffix(_SUFFIX).partition(".")
        file = SuiteFile(entry.name, suite, language)
        where = user_folder() / entry.name
        if not suite or not language:
            problem = f"{where}: expected a file named SUITE.LANGUAGE{_SUFFIX}, got {entry.name!r}; rename it"
            found.misnamed.append((suite, problem))
        elif file in found.entries or suite in GENERATED_SUITES:
            problem = (
                f"{where}: expected a suite of another name than the built-in ones, got {suite!r} in "
                f"{language!r}; rename the file and the `suite` of its rows"
            )
            found.misnamed.append((suite, problem))
        else:
            found.entries[file] = entry
    return found


def _asked(probe: Probe) -> tuple[str, str]:
    return probe.axis, probe.prompt


def _unseen(probes: Iterable[Probe], seen: set[tuple[str, str]]) -> Iterator[Probe]:
    """Yield the first probe of each wording that was not seen, and remember it."""
    for probe in probes:
        if _asked(probe) not in seen:
            seen.add(_asked(probe))
            yield probe


def _read_all(suite: str) -> tuple[Probe, ...] | None:
    """The probes of a suite in all its languages; None, and a warning, where they cannot be read."""
    try:
        return _load_all(suite)
    except InputError as error:
        warnings.warn(f"left out the suite {suite!r}: {error}", LeftOutWarning, stacklevel=3)
        return None


def _load_all(suite: str) -> tuple[Probe, ...]:
    if suite in GENERATED_SUITES:
        return _generated(suite)
    return tuple(probe for file in _files_of(suite) for probe in load_file(file))


def generate_suite(name: str, seed: int) -> tuple[Probe, ...]:
    """Return the probes that a generated suite has with another seed.

    Args:
        name: A name from `GENERATED_SUITES`.
        seed: The same seed gives the same probes.
    """
    return generate_capability(seed) if name == CAPABILITY_SUITE else generate_facts(seed)


@cache
def _generated(name: str) -> tuple[Probe, ...]:
    return generate_capability() if name == CAPABILITY_SUITE else generate_facts()


def _file(suite: str, language: str) -> SuiteFile:
    return SuiteFile(f"{suite}.{language}{_SUFFIX}", suite, language)


def _files_of(suite: str) -> tuple[SuiteFile, ...]:
    found = tuple(file for file in suite_files() if file.suite == suite)
    if not found:
        raise InputError(
            f"expected a suite from {', '.join(suite_names())}, got {suite!r}; choose one of these"
        )
    return found


def _read(file: SuiteFile) -> bytes:
    return _bytes(_folders().entries[file])


def load_file(file: SuiteFile) -> tuple[Probe, ...]:
    """Return the probes of one file.

    Raises:
        InputError: It cannot be read, or a row is not valid.
    """
    entry = _folders().entries[file]
    # A record of an import says nothing of a suite of the package.
    imported = file.suite in imported_suites() and entry == user_folder() / file.name
    return _parsed(file, _bytes(entry), "imported" if imported else "authored")


def _bytes(entry: Traversable) -> bytes:
    try:
        return entry.read_bytes()
    except OSError as error:
        raise InputError(
            f"{entry}: expected a readable file, got {error.strerror!r}; mend it or move it away"
        ) from None


@cache
def _parsed(file: SuiteFile, data: bytes, rules: RuleSet) -> tuple[Probe, ...]:
    return parse_suite(data, file, rules=rules)
