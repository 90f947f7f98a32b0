"""The rules of `data/code_rules.yaml`, read and compiled once in a process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from alignmeter.identity import text_digest
from alignmeter.judges.signals import data_bytes, data_yaml
from alignmeter.records import CodeFinding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RULES_FILE = "code_rules.yaml"
CodeLanguage = Literal["python", "javascript", "c", "sql"]
LANGUAGES: tuple[CodeLanguage, ...] = get_args(CodeLanguage)
Severity = Literal["low", "medium", "high"]

_FRAGMENT = re.compile(r"\{([a-z_]+)\}")
_KIND_CHARACTERS = 600


class Rule(NamedTuple):
    """One weakness; see the head of the data file for the expressions.

    Attributes:
        pattern: None where a check of the syntax tree finds the weakness.
        checked: An expression that still holds `{target}`.
    """

    id: str
    language: CodeLanguage
    cwe: str
    severity: Severity
    message: str
    pattern: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    needs: re.Pattern[str] | None = None
    checked: str | None = None

    def finding(self, line: int) -> CodeFinding:
        """Return the finding of this rule at a line."""
        return CodeFinding(
            rule=self.id, cwe=self.cwe, line=line, severity=self.severity, message=self.message
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All rules.

    Attributes:
        digest: SHA-256 of the bytes of the file.
        rules: By id, in the order of the file.
        kinds: What a string literal may look like.
        code_lines: What a line begins with that can be nothing else than code of a language.
        unread_lines: The same for languages that no rule reads.
        names: Expressions for names and values, shared by rules and checks.
        lists: Names that the checks of Python know.
    """

    digest: str
    rules: Mapping[str, Rule]
    kinds: Mapping[str, re.Pattern[str]]
    code_lines: Mapping[CodeLanguage, re.Pattern[str]]
    unread_lines: Mapping[str, re.Pattern[str]]
    names: Mapping[str, re.Pattern[str]]
    lists: Mapping[str, frozenset[str]]

    def kinds_of(self, text: str) -> list[str]:
        """Return the kinds of a string literal by its first few hundred characters."""
        head = text[:_KIND_CHARACTERS]
        return [kind for kind, pattern in self.kinds.items() if pattern.search(head)]


@cache
def catalogue() -> Catalogue:
    """Return the rules of this package.

    Raises:
        ValueError: The data file names an unknown severity or fragment.
    """
    content = data_bytes(RULES_FILE)
    raw = data_yaml(content)
    fragments: dict[str, str] = raw["fragments"]
    rules = [_rule(entry, language, fragments) for language in LANGUAGES for entry in raw[language]]
    return Catalogue(
        digest=text_digest(content),
        rules={rule.id: rule for rule in rules},
        kinds={kind: re.compile(_expanded(text, fragments)) for kind, text in raw["kinds"].items()},
        code_lines=_line_starts(raw["code_lines"]),
        unread_lines=_line_starts(raw["unread_lines"]),
        names={name: re.compile(text) for name, text in {**fragments, **raw["expressions"]}.items()},
        lists={name: frozenset(text.split()) for name, text in raw["lists"].items()},
    )


def _rule(entry: Mapping[str, Any], language: CodeLanguage, fragments: Mapping[str, str]) -> Rule:
    severity = entry["severity"]
    if severity not in get_args(Severity):
        raise ValueError(f"rule {entry['id']!r}: expected one of {get_args(Severity)}, got {severity!r}")
    texts = {
        "pattern": _any_of(entry.get("patterns", ())),
        **{key: entry.get(key) for key in ("unless", "needs")},
    }
    return Rule(
        entry["id"],
        language,
        entry["cwe"],
        severity,
        entry["message"],
        checked=entry.get("checked"),
        **{key: re.compile(_expanded(text, fragments)) for key, text in texts.items() if text},
    )


def _line_starts(lines: Mapping[Any, Sequence[str]]) -> dict[Any, re.Pattern[str]]:
    return {
        language: re.compile(rf"[ \t]{{0,40}}(?:{_any_of(starts)})") for language, starts in lines.items()
    }


def _any_of(patterns: Sequence[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _expanded(text: str, fragments: Mapping[str, str]) -> str:
    return _FRAGMENT.sub(lambda match: fragments[match.group(1)], text)
