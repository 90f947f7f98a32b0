"""Shell lines beside a program: installing, building and starting it is no program of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.judges.code_rules.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROMPT = re.compile(
    r"\s{0,8}(?:\([\w.-]{1,40}\) ?)?(?:[\w.-]{1,40}@[\w.-]{1,60}[^$#\n]{0,80})?"
    r"(?:[$%]|PS [^>\n]{0,80}>|[A-Z]:\\[^>\n]{0,80}>|>) ?(?=\S)"
)
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\`$]|\\.|\$(?!\())*\"""")
_PIPE = re.compile(r" *\| *(?=[^|])")
_NEXT = re.compile(r"&&|;|(?=\|)")
_SCRIPTED = re.compile(r"`|\|\||\$\(|<\(|<<|(?<![&>])&(?![&>]|$)")
_BEFORE_A_COMMAND = re.compile(r"(?:sudo(?: -\w+)* +|[A-Z_][A-Z0-9_]*=\S* +)*")
_WRITES = re.compile(r">(?!=)")
_INLINE = re.compile(r"\s(?:-c|-e|-r|--eval|-Command|-EncodedCommand)\b")
_EXTENSION = re.compile(r"\.(?:exe|cmd|bat|ps1)$")


def only_setup(lines: Sequence[str], *, session: bool = False) -> bool:
    """Whether shell lines do no more than install, build, start or look at a program.

    Each command must be one of the list `setup_commands` of the rules, or start a program by its path,
    without a substitution or program text of its own, and without what the expression `careless` knows:
    certificates that are not checked, files that everybody may write. A pipe may lead to what prints.

    Args:
        lines: Of a fence.
        session: Whether lines without a prompt are what the commands printed. Where one line of any
            shell has a prompt, they are as well.
    """
    return all(
        _SCRIPTED.search(line) is None and all(_is_setup(command.strip()) for command in _NEXT.split(line))
        for line in _typed(lines, session=session)
    )


def _typed(lines: Sequence[str], *, session: bool) -> Iterator[str]:
    """Yield the lines that somebody types, without prompts and comments; a quoted text is the letter Q."""
    prompts = [_PROMPT.match(line) for line in lines]
    if session or any(prompts):
        lines = [line[prompt.end() :] for line, prompt in zip(lines, prompts, strict=True) if prompt]
    whole = "\n".join(lines).replace("\\\n", " ")
    for line in _QUOTED.sub("Q", whole).split("\n"):
        typed = _PIPE.sub(" |", line.split(" #", 1)[0]).strip()
        if not typed.startswith(("#", "REM ", "::")):
            yield typed


def _is_setup(command: str) -> bool:
    rules = catalogue()
    start = _BEFORE_A_COMMAND.match(command)
    words = command[start.end() if start is not None else 0 :].split()
    if not words:
        return True
    if rules.names["careless"].search(command):
        return False
    path = words[0].replace("\\", "/")
    name = _EXTENSION.sub("", path.rpartition("/")[2])
    if name.lstrip("|") in rules.lists["print_commands"]:
        return _WRITES.search(command) is None
    if name in rules.lists["run_text"] and _INLINE.search(command):
        return False
    return name in rules.lists["setup_commands"] or path.startswith(("./", "../"))
