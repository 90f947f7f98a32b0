"""Every command that a document or a help text prints can be typed as it stands, values included."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import typer

from alignmeter.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GROUP = typer.main.get_command(app)
_START = re.compile(r"^\s*(?:\$ )?(?:for .*; do )?(alignmeter .*)$")
_URLS = {"url", "judge_url", "base_url", "tuned_url", "back_url"}


class Printed(NamedTuple):
    """A command and where it is printed."""

    where: str
    words: tuple[str, ...]


def _words(line: str) -> tuple[str, ...] | None:
    found = _START.match(line)
    if found is None:
        return None
    command = re.sub(r"\$\([^)]*\)", "NAME", re.split(r"\s#\s", found[1])[0])
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    words = list(lexer)
    end = next((place for place, word in enumerate(words) if set(word) <= set("|;&<>")), len(words))
    return tuple(words[1:end])


def _in_documents() -> Iterator[Printed]:
    for path in DOCUMENTS:
        fenced, lines = False, path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        for number, line in enumerate(lines, 1):
            fenced ^= line.startswith("```")
            if fenced and (words := _words(line)):
                yield Printed(f"{path.name}:{number}", words)


def _in_help(group: Any, path: str = "") -> Iterator[Printed]:  # noqa: ANN401 - Typer's own type
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _in_help(command, f"{path}{name} ")
        else:
            for line in (command.epilog or "").splitlines():
                if words := _words(line):
                    yield Printed(f"{path}{name} --help", words)


def _commands(group: Any) -> Iterator[Any]:  # noqa: ANN401 - Typer's own type
    for command in group.commands.values():
        yield command
        yield from _commands(command) if hasattr(command, "commands") else ()


PRINTED = [*_in_documents(), *_in_help(GROUP)]


@pytest.mark.parametrize("printed", PRINTED, ids=lambda one: f"{one.where} {' '.join(one.words)[:60]}")
def test_a_printed_command_is_understood(printed: Printed) -> None:
    command: Any = GROUP
    words = list(printed.words)
    while hasattr(command, "commands"):
        if words in (["--help"], ["--version"]):
            return
        command = command.commands[words.pop(0)]

    with command.make_context(" ".join(printed.words), words) as context:
        urls = [value for name, value in context.params.items() if name in _URLS and value]

    assert all(url.startswith(("http://", "https://")) for url in urls)


def test_no_printed_command_holds_what_a_shell_would_take_for_a_redirection() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    texts += [command.epilog or "" for command in _commands(GROUP)]
    lines = [line for text in texts for line in text.splitlines() if _START.match(line)]
    unquoted = [re.sub(r"'[^']*'|\"[^\"]*\"", "", re.split(r"\s#\s", line)[0]) for line in lines]

    assert [line for line in unquoted if re.search(r"\w>\w", line)] == []


def test_commands_were_found() -> None:
    assert len(PRINTED) > 150
