"""Code out of a reply: fenced blocks, and runs of lines that can be nothing else than code.

One pass over the lines; every expression is anchored to its line, so that the time is linear in the
length of the reply.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.judges.code_rules.catalogue import LANGUAGES, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignmeter.judges.code_rules.catalogue import CodeLanguage

_TAGS: dict[str, CodeLanguage] = {
    **dict.fromkeys(("python", "python3", "py", "py3", "ipython", "pycon"), "python"),
    **dict.fromkeys(
        ("javascript", "js", "jsx", "node", "nodejs", "mjs", "typescript", "ts", "tsx"), "javascript"
    ),
    **dict.fromkeys(("c", "h", "c99", "c11", "cpp", "c++", "cc", "cxx", "hpp"), "c"),
    **dict.fromkeys(
        ("sql", "mysql", "postgresql", "postgres", "psql", "plpgsql", "pgsql", "tsql", "t-sql", "plsql"),
        "sql",
    ),
    **dict.fromkeys(("sqlite", "sqlite3"), "sql"),
}
_DOCUMENT_TAGS = frozenset({"markdown", "md"})
_MARKUP_TAGS = frozenset({"html", "htm", "vue", "svelte", "ejs"})
_FENCE = re.compile(r"[ \t>]{0,12}(```+|~~~+)[ \t]*\{?\.?([\w+#.-]{0,20})")
_CLOSING = re.compile(r"[ \t>]{0,12}(```+|~~~+)[ \t]*$")
_CLOSES_ITSELF = re.compile(r"```|~~~")
_SCRIPT = re.compile(r"<script\b[^>]{0,200}>", re.IGNORECASE)
_LINE_CHARACTERS = 400

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
        code: The text, dedented, prompts taken off.
        closed: False where the reply ended before the fence did.
        fenced: Whether the reply itself marked it as code.
        intro: The line of text before its fence.
    """

    language: CodeLanguage
    code: str
    closed: bool = True
    fenced: bool = True
    intro: str = ""


def code_blocks(reply: str) -> tuple[Block, ...]:
    """Return the code of a reply in the languages that the rules read, in order of appearance.

    Args:
        reply: The reply as it came.

    Returns:
        The fenced blocks; only where there are no fences at all, unfenced code that is unmistakable.
    """
    lines = reply.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    fenced = list(_fenced(lines))
    if fenced:
        return tuple(block for fence in fenced for block in _read(fence))
    return _unfenced(lines)


class _Fence(NamedTuple):
    tag: str
    body: list[str]
    closed: bool
    intro: str


def _fenced(lines: Sequence[str]) -> Iterator[_Fence]:
    mark = tag = intro = ""
    body: list[str] = []
    for line in lines:
        if mark:
            end = _CLOSING.match(line[:_LINE_CHARACTERS])
            if end is not None and end.group(1).startswith(mark):
                yield _Fence(tag, body, True, intro)
                mark = intro = ""
            else:
                body.append(line)
            continue
        opening = _FENCE.match(line)
        if opening is not None and not _CLOSES_ITSELF.search(line, opening.end()):
            mark, tag, body = opening.group(1), opening.group(2).lower(), []
        elif line.strip():
            intro = line.strip()
    if mark:
        yield _Fence(tag, body, False, intro)


def _read(fence: _Fence) -> Iterator[Block]:
    tag, body, closed, intro = fence
    if tag in _DOCUMENT_TAGS:  # the reply wraps its whole text in a fence: look at the fences inside
        inside = [each for each in _fenced(body) if each.tag not in _DOCUMENT_TAGS]
        yield from (block for each in inside for block in _read(each))
        return
    text = textwrap.dedent("\n".join(body))
    if tag in _MARKUP_TAGS or (not tag and _SCRIPT.search(text)):
        script = _scripts(text)
        if script.strip():
            yield Block("javascript", script, closed, intro=intro)
        return
    language = _TAGS.get(tag)
    if language is None and tag in {"", "code", "plaintext", "text"}:
        language = _guess(text.split("\n"))
    if language is None:
        return
    code = _without_prompts(text) if language == "python" else text
    if code.strip():
        yield Block(language, code, closed, intro=intro)


def _scripts(page: str) -> str:
    """Return the scripts of a page with the rest blank but for its line breaks: lines keep their number."""
    parts: list[str] = []
    position = 0
    for opening in _SCRIPT.finditer(page):
        if opening.start() < position:
            continue
        parts.append("\n" * page.count("\n", position, opening.end()))
        end = page.find("</script", opening.end())
        position = len(page) if end < 0 else end
        parts.append(page[opening.end() : position])
    return "".join(parts)


def _without_prompts(text: str) -> str:
    """Return Python as a file: interpreter prompts and its output off, notebook and shell lines blank."""
    lines = text.split("\n")
    if any(line.startswith(">>>") for line in lines):
        return "\n".join(line[4:] if _PROMPT.match(line) else "" for line in lines)
    if all(_SHELL.match(line) or not line.strip() or line.lstrip().startswith("#") for line in lines):
        return ""
    return "\n".join("" if _NOTEBOOK.match(line) else line for line in lines)


def _guess(lines: Sequence[str]) -> CodeLanguage | None:
    """Return the language with the most unmistakable lines, None where there is none."""
    counts = {
        language: sum(pattern.match(line[:_LINE_CHARACTERS]) is not None for line in lines)
        for language, pattern in catalogue().code_lines.items()
    }
    best = max(LANGUAGES, key=lambda language: counts[language])
    return best if counts[best] else None


def _unfenced(lines: Sequence[str]) -> tuple[Block, ...]:
    """Return the runs of code lines of a reply without fences."""
    blocks: list[Block] = []
    run: list[str] = []
    for line in lines:
        if _is_prose(line[:_LINE_CHARACTERS], inside=bool(run)):
            blocks.extend(_run(run))
            run = []
        elif run or _is_code(line[:_LINE_CHARACTERS]):
            run.append(line)
    return (*blocks, *_run(run))


def _is_code(line: str) -> bool:
    return any(pattern.match(line) for pattern in catalogue().code_lines.values())


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
    language = _guess(run)
    if language is None:
        return
    pattern = catalogue().code_lines[language]
    strong = sum(pattern.match(line[:_LINE_CHARACTERS]) is not None for line in run)
    filled = sum(bool(line.strip()) for line in run)
    statement = language == "sql" and "\n".join(run).rstrip().endswith(";")
    if statement or (filled >= _UNFENCED_LINES and (strong >= _UNFENCED_LINES or language != "sql")):
        yield Block(language, textwrap.dedent("\n".join(run)).strip("\n"), fenced=False)
