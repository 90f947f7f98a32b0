"""Code out of a reply: fenced blocks, and runs of lines that can be nothing else than code.

One pass over the lines; every expression is anchored to its line, so that the time is linear in the
length of the reply.
"""

from __future__ import annotations

import re
import textwrap
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.code_rules.catalogue import LANGUAGES, catalogue
from alignmeter.judges.code_rules.fences import LINE_CHARACTERS, parts_of
from alignmeter.judges.code_rules.pages import filled_in, is_page, scripts
from alignmeter.judges.code_rules.shell import only_setup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.judges.code_rules.catalogue import CodeLanguage
    from alignmeter.judges.code_rules.fences import Fence

_TAGS: dict[str, CodeLanguage] = {
    **dict.fromkeys(("python", "python3", "py", "py3", "ipython", "pycon"), "python"),
    **dict.fromkeys(
        ("javascript", "js", "jsx", "node", "nodejs", "mjs", "cjs", "es6", "typescript", "ts", "tsx"),
        "javascript",
    ),
    **dict.fromkeys(("c", "h", "c99", "c11", "cpp", "c++", "cc", "cxx", "hpp"), "c"),
    **dict.fromkeys(
        ("sql", "mysql", "postgresql", "postgres", "psql", "plpgsql", "pgsql", "tsql", "t-sql", "plsql"),
        "sql",
    ),
    **dict.fromkeys(("sqlite", "sqlite3"), "sql"),
}
_DOCUMENT_TAGS = frozenset({"markdown", "md"})
_PLAIN_TAGS = frozenset({"", "code", "plaintext", "text"})
_DIFF_TAGS = frozenset({"diff", "patch"})
_MARKUP_TAGS = frozenset({"html", "htm", "xhtml", "svg", "vue", "svelte", "ejs"})
_VERSION = re.compile(r"[\d.]+$")
_DIFF_HEAD = re.compile(r"\+\+\+ (?:\S{0,300}/)?([\w.-]{1,80})")

_CODE_SIGN = re.compile(r"[(){}\[\];=#<>@\"'`]|//|--|:$|,$")
_PROSE = re.compile(
    r"\s{0,3}(?:[-*•\d]\S{0,3}\s)?[A-Z][\w'\u2019]*(?:,? [\w'\u2019-]+){3,}[^;{}()=]*[.:!?]?\s*$"
)
_FIRST_WORD = re.compile(r"\s*([a-z]+|[A-Z]+)\b")
_KEYWORDS = frozenset(
    ("else", "try", "finally", "pass", "return", "break", "continue", "end", "begin", "from", "where", "and",
     "or", "values", "set", "group", "order", "limit", "join", "left", "inner", "on", "go", "select", "as")
)  # fmt: skip
_UNFENCED_LINES = 2
_SHELL = re.compile(
    r"\s*(?:[$!%] ?)?(?:pip3?|npm|npx|yarn|apt(?:-get)?|conda|uv|poetry|brew|gcc|python3?|node) \S"
)
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)")
_NOTEBOOK = re.compile(r"[ \t]*[!%]")


class Block(NamedTuple):
    """One piece of code.

    Attributes:
        language: None for program code in a language that the rules do not read.
        code: The text, dedented, prompts taken off.
        closed: False where the reply ended before the fence did.
        sure: Whether it is code beyond doubt: the reply marked it, or two lines can be nothing else.
        intro: The line of text before its fence.
        name: What the reply calls the language, or what gave it away.
    """

    language: CodeLanguage | None
    code: str
    closed: bool = True
    sure: bool = True
    intro: str = ""
    name: str = ""


def code_blocks(reply: str) -> tuple[Block, ...]:
    """Return the code that a reply hands over, in order of appearance.

    Args:
        reply: The reply as it came.

    Returns:
        The fenced blocks, changes to other code (`diff`) left out; only where there are no fences at all,
        unfenced code that is unmistakable.
    """
    found = parts_of(_lines(reply))
    if found.fences:
        return tuple(block for fence in found.fences if fence.tag not in _DIFF_TAGS for block in _read(fence))
    return _unfenced(found.outside[0])


def all_code(reply: str) -> tuple[Block, ...]:
    """Return all program code of a reply, wherever it stands: fences first, then what stands beside them.

    Data, plain text, what a program printed and the commands that install or start it are no program.

    Args:
        reply: The reply as it came.
    """
    found = parts_of(_lines(reply))
    fenced = [block for fence in found.fences for block in _read(fence)]
    return (*fenced, *(block for stretch in found.outside for block in _unfenced(stretch)))


def _lines(reply: str) -> list[str]:
    return reply.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _read(fence: Fence) -> Iterator[Block]:
    tag, body, closed, intro = fence
    if not any(line.strip() for line in body):
        return
    if tag in _DOCUMENT_TAGS:  # the reply wraps its whole text in a fence: look at the fences inside
        inside = [each for each in parts_of(body).fences if each.tag not in _DOCUMENT_TAGS]
        yield from (block for each in inside for block in _read(each))
        return
    if tag in _DIFF_TAGS:
        tag, body = _patched(body)
    text = textwrap.dedent("\n".join(body))
    tag = next((name for name in _names(tag) if _is_known(name)), tag)
    if tag in _MARKUP_TAGS or (tag in _PLAIN_TAGS and is_page(text)):
        script = scripts(text)
        if script.strip():
            yield Block("javascript", script, closed, intro=intro, name=tag)
        if filled_in(text):
            yield Block(None, text, closed, intro=intro, name="a template that code fills in")
        return
    language = _TAGS.get(tag)
    if language is None and tag in _PLAIN_TAGS:
        tag = _guess(text.split("\n")) or ""
        language = _TAGS.get(tag)
    code = _without_prompts(text) if language == "python" else text
    if code.strip() and (language is not None or _is_program(tag, body)):
        yield Block(language, code, closed, intro=intro, name=tag)


def _names(tag: str) -> tuple[str, ...]:
    """Return what a tag may stand for: `python3.11` is python, `app.py` is py."""
    return (tag, _VERSION.sub("", tag), tag.rpartition(".")[2])


def _is_known(tag: str) -> bool:
    return (
        tag in _TAGS
        or tag in _PLAIN_TAGS
        or tag in _MARKUP_TAGS
        or any(tag in catalogue().lists[name] for name in ("data_tags", "shell_tags", "session_tags"))
    )


def _is_program(tag: str, body: Sequence[str]) -> bool:
    """Whether a fence that no rule reads holds a program: a tag that nobody knows counts as a language."""
    lists = catalogue().lists
    if tag in lists["shell_tags"] or tag in lists["session_tags"]:
        return not only_setup(body, session=tag in lists["session_tags"])
    return bool(tag) and tag not in lists["data_tags"]


def _patched(body: Sequence[str]) -> tuple[str, list[str]]:
    """Return tag and lines of what a change leaves behind; lines that go are blank and keep their number."""
    head = next((match for line in body if (match := _DIFF_HEAD.match(line)) is not None), None)
    tag = "" if head is None or "." not in head.group(1) else head.group(1).rpartition(".")[2].lower()
    gone = ("-", "+++ ", "@@", "diff ", "index ", "\\")
    return tag, ["" if line.startswith(gone) else line[line[:1] in {"+", " "} :] for line in body]


def _without_prompts(text: str) -> str:
    """Return Python as a file: interpreter prompts and its output off, notebook and shell lines blank."""
    lines = text.split("\n")
    if any(line.startswith(">>>") for line in lines):
        return "\n".join(line[4:] if _PROMPT.match(line) else "" for line in lines)
    if all(_SHELL.match(line) or not line.strip() or line.lstrip().startswith("#") for line in lines):
        return ""
    return "\n".join("" if _NOTEBOOK.match(line) else line for line in lines)


def _guess(lines: Sequence[str]) -> str | None:
    """Return the language with the most unmistakable lines, None where there is none.

    What looks like Python is tried as such, for only Python parses as Python.
    """
    telling = [line for line in lines if _is_code(line[:LINE_CHARACTERS])]
    counts = {
        language: sum(pattern.match(line[:LINE_CHARACTERS]) is not None for line in telling)
        for language, pattern in _signs().items()
    }
    best = max(LANGUAGES, key=lambda language: counts[language])
    if best != "python" or not counts[best]:
        best = max(counts, key=lambda language: counts[language])
    return best if counts[best] else None


@cache
def _signs() -> dict[str, re.Pattern[str]]:
    return {**catalogue().code_lines, **catalogue().unread_lines}


@cache
def _any_sign() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern.pattern})" for pattern in _signs().values()))


def _unfenced(lines: Sequence[str]) -> tuple[Block, ...]:
    """Return the runs of code lines of a reply without fences."""
    blocks: list[Block] = []
    run: list[str] = []
    for line in lines:
        if _is_prose(line[:LINE_CHARACTERS], inside=bool(run)):
            blocks.extend(_run(run))
            run = []
        elif run or _is_code(line[:LINE_CHARACTERS]):
            run.append(line)
    return (*blocks, *_run(run))


def _is_code(line: str) -> bool:
    return _any_sign().match(line) is not None


def _is_prose(line: str, *, inside: bool) -> bool:
    if not line.strip():
        return False
    if _is_code(line):
        return False
    first = _FIRST_WORD.match(line)
    keyword = first is not None and first.group(1).lower() in _KEYWORDS
    if _PROSE.match(line) is not None and not keyword:
        return True
    return not inside or not (
        keyword or _CODE_SIGN.search(line) or line[0] in " \t" or len(line.split()) == 1
    )


def _run(run: list[str]) -> Iterator[Block]:
    name = _guess(run)
    if name is None:
        return
    language = _TAGS.get(name)
    pattern = _signs()[name]
    strong = sum(pattern.match(line[:LINE_CHARACTERS]) is not None for line in run)
    filled = sum(bool(line.strip()) for line in run)
    sure = strong >= _UNFENCED_LINES
    statement = language == "sql" and "\n".join(run).rstrip().endswith(";")
    if statement or (filled >= _UNFENCED_LINES and (sure or language not in {"sql", None})):
        code = textwrap.dedent("\n".join(run)).strip("\n")
        yield Block(language, code, sure=sure, name=name)
