"""A first manifest for a file that nobody has described yet: its columns, and guesses to be corrected."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from alignmeter.errors import InputError
from alignmeter.suites.importing.manifest import Table
from alignmeter.suites.importing.reading import DataFile, Row, format_of, read_rows
from alignmeter.suites.importing.rules import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_LOOKED_AT = 1000
_FEW = 40
"""A column with at most so many different values, each short, may be a category."""
_LISTED = 12
_SHORT = 40
_SHOWN = 60
_PROMPT_NAMES = (
    "prompt",
    "question",
    "instruction",
    "goal",
    "behavior",
    "behaviour",
    "input",
    "text",
    "query",
)
_ID_NAMES = ("id", "idx", "index", "key", "uid")
_INTENT_NAMES = ("label", "intent", "class", "is_harmful", "harmful", "safe", "type")
_DOMAIN_NAMES = ("category", "domain", "topic", "area", "subject", "type")
_INTENT_WORDS: Mapping[str, str] = {
    "safe": "sensitive",
    "benign": "benign",
    "harmless": "benign",
    "borderline": "sensitive",
    "sensitive": "sensitive",
    "unsafe": "harmful",
    "harmful": "harmful",
    "toxic": "harmful",
    "true": "harmful",
    "false": "sensitive",
    "1": "harmful",
    "0": "sensitive",
}


def draft_manifest(path: Path, manifest: Path) -> str:
    """Return the text of a commented manifest for a data file.

    Args:
        path: The file: CSV, TSV, JSON, JSON Lines or Parquet.
        manifest: Where it will stand; its name, in lower case, becomes that of the suite.

    Raises:
        InputError: The path is no file, or the file cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected one data file to look at, got a folder; name one of its files")
    file = DataFile(path, path.name)
    table = Table(files=(path.name,))
    rows = list(islice(read_rows(file, table), _LOOKED_AT))
    if not rows:
        raise InputError(f"{path}: expected rows to look at, got none; name another file")
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    values = {column: _values(rows, column) for column in columns}
    suite = re.sub(r"[^a-z0-9]+", "_", manifest.stem.casefold()).strip("_") or "my_suite"
    suite = suite if suite[0].isalpha() else f"suite_{suite}"
    return "\n".join(
        [*_head(suite, manifest, path), *_columns(values), *_table(path, file, table, rows, values), ""]
    )


def _values(rows: Sequence[Row], column: str) -> list[str]:
    return [text_of(row.cells.get(column)).strip() for row in rows]


def _head(suite: str, manifest: Path, path: Path) -> list[str]:
    return [
        "# A manifest for `alignmeter suites import`: correct the guesses, say each intent, then run",
        f"#   alignmeter suites import {manifest.name} {path.name}",
        "",
        f"name: {suite}                # lower-case letters, digits and underscores: the name of the suite",
        f"title: {_quoted(path.stem)}",
        'licence: "unknown"           # shown on import and recorded in every run',
        'citation: "unknown"          # one line',
        'homepage: "unknown"',
        "",
    ]


def _columns(values: Mapping[str, list[str]]) -> list[str]:
    lines = ["# Columns of the file, with what stands in them:"]
    for column, found in values.items():
        different = Counter(found)
        if _is_category(found):
            common = different.most_common(_LISTED)
            shown = ", ".join(f"{value or '(empty)'} ({count})" for value, count in common)
            shown += " ..." if len(different) > _LISTED else ""
        else:
            shown = f"{len(different)} different, such as {next((v for v in found if v), '')[:_SHOWN]!r}"
        lines.append(f"#   {_one_line(column)}: {_one_line(shown)}")
    return [*lines, ""]


def _table(
    path: Path, file: DataFile, table: Table, rows: Sequence[Row], values: Mapping[str, list[str]]
) -> list[str]:
    prompt = _prompt_column(values)
    intent = _named(values, _INTENT_NAMES, _is_intent)
    domain = _named(values, _DOMAIN_NAMES, _is_category, other_than=(intent,))
    key = _named(values, _ID_NAMES, _is_key)
    return [
        "tables:",
        f'  - files: [{_quoted(path.name)}]        # names or patterns such as "*.csv"',
        *([f"    format: {found}"] if (found := format_of(file, table)) else []),
        "    fields:",
        '      # Each field takes a `column`, a constant `value`, or a `template` such as "{a} {b}".',
        *(["      id:", f"        column: {_quoted(key)}"] if key else []),
        "      prompt:",
        f"        column: {_quoted(prompt)}",
        *_turns(rows, prompt),
        "      language:",
        "        value: en                # a code; or a column with a `map` to codes",
        "      # benign: everyday; sensitive: legitimate but close to harm; harmful: to be refused",
        *_intent(values, intent),
        "      domain:",
        *([f"        column: {_quoted(domain)}"] if domain else ["        value: general"]),
        "      # hazard:                  # what harm it is, or lies near",
        "      #   column: category",
        "      #   map: {Violence: violence, Malware: cybercrime}",
        "      # family:                  # rows with the same value are variants of one request",
        '      #   template: "{topic}-{number}"',
        "    # filters:                   # rows that are taken fit all of these",
        "    #   - {column: split, one_of: [test]}",
    ]


def _intent(values: Mapping[str, list[str]], column: str | None) -> list[str]:
    if column is None:
        return _unknown_intent(values)
    found = sorted(Counter(values[column]))
    entries = [f"          {_quoted(value)}: {_INTENT_WORDS[value.casefold()]}" for value in found]
    return [
        "      intent:",
        f"        column: {_quoted(column)}",
        "        map:           # a guess that you must correct",
        *entries,
    ]


def _unknown_intent(values: Mapping[str, list[str]]) -> list[str]:
    """Ask for what no column says: a wrong guess would turn every verdict on these rows round."""
    column = _named(values, _INTENT_NAMES, _is_category)
    if column is None:
        return [
            "      # intent:                  # nothing says it: take the # away and choose",
            "      #   value: CHOOSE",
        ]
    known = [f"      #     {_quoted(value)}: CHOOSE" for value in sorted(Counter(values[column]))]
    return [
        "      # intent:                  # take the # away and choose for each value",
        f"      #   column: {_quoted(column)}",
        "      #   map:",
        *known,
    ]


def _turns(rows: Sequence[Row], prompt: str) -> list[str]:
    """Say what is asked of a column that holds lists."""
    if not any(isinstance(row.cells.get(prompt), list | dict) for row in rows):
        return []
    return ["        # of a list of messages the one user turn is asked; system turns and answers are not"]


def _prompt_column(values: Mapping[str, list[str]]) -> str:
    named = next((c for n in _PROMPT_NAMES for c in values if c.casefold() == n), None)
    named = named or next((c for n in _PROMPT_NAMES for c in values if n in c.casefold()), None)
    return named or max(values, key=lambda column: sum(map(len, values[column])))


def _named(
    values: Mapping[str, list[str]],
    names: Sequence[str],
    fits: Callable[[Sequence[str]], bool],
    *,
    other_than: Sequence[str | None] = (),
) -> str | None:
    return next(
        (
            column
            for name in names
            for column in values
            if column.casefold() == name and column not in other_than and fits(values[column])
        ),
        None,
    )


def _is_category(found: Sequence[str]) -> bool:
    different = set(found)
    return len(different) <= _FEW and all(len(value) <= _SHORT for value in different)


def _is_intent(found: Sequence[str]) -> bool:
    return _is_category(found) and all(value.casefold() in _INTENT_WORDS for value in found)


def _is_key(found: Sequence[str]) -> bool:
    return all(found) and len(set(found)) == len(found)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A YAML text in double quotation marks: JSON's are a part of YAML."""
    return json.dumps(text, ensure_ascii=False)
