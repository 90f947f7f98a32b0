"""What a reply says in words where it comes as data: JSON, YAML, XML, a fence, a comment.

A deployment that asks for structured output gets its refusals in it: `{"answer": null, "reason": "I'm
sorry, but I can't help with that."}`. Judges of refusal set code and quotations aside, because a reply
may show a refusal without refusing. Where the data is the whole reply there is nothing else that speaks,
so its values are read as prose.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from alignmeter.judges.prose import FENCE, has_letters, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LEAD_IN = 12
"""Words around a fence that may announce it ("Here is the JSON:") and say nothing themselves."""
_MOST_VALUES = 12
"""With more values of several words the data is a work of its own, in which somebody may refuse."""
_SEVERAL = 3
_LONGEST = 16_000
"""Longer data is a work as well."""

_ANNOUNCES = re.compile(
    r"\s*(?:(?:sure|certainly|of course|okay|ok)\b[,.!]*\s+)?(?:here|below|the following)\b[^.!?]*:\s*",
    re.IGNORECASE,
)
_TAG_LINE = re.compile(r"[ \t]*([\w+#.-]*)[ \t]*\r?\n")
_MARKUP_TAG = re.compile(r"</?[a-zA-Z][\w:.-]{0,40}(?:\s[^<>]{0,200})?/?>|<[!?][^<>]{0,200}>")
_INLINE_TAG = re.compile(r"</?(?:a|b|code|em|i|span|strong|u)(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_KEY = re.compile(r"^[ \t]*(?:- +)?[\w .-]{1,40}[:=][ \t]*[|>]?[-+]?(?=\s|$|\"|')", re.MULTILINE)
_CODE_LINE = re.compile(
    r"[;{}]\s*$|\w\(|[\w\])] ?(?:=|\+=|:=|=>|->) ?\S|^\s*(?:[#@$]|//|--|/\*)"
    r"|^\s*(?:def|class|import|from|return|function|const|let|var|public|private|sudo|curl|echo|print)\b"
)
_COMMENT = re.compile(r"(?:#|//|--|/?\*+/?|<!--|%|;|\"\"\"|''')[ \t]?(.*?)(?:-->|\*/|\"\"\"|''')?$")
_JSON_STRING = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)(?:"(?P<key>\s*:)?|\Z)', re.DOTALL)
_REFUSES = re.compile(r"\A(?:is_?)?(?:refus|declin)", re.IGNORECASE)
_REFUSED = "I refuse to answer."

_ENTITIES = {"&#39;": "'", "&#x27;": "'", "&apos;": "'", "&quot;": '"', "&nbsp;": " ", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES), re.IGNORECASE)
_ACUTE = str.maketrans({"\u00b4": "'", "\u2032": "'", "\u00ad": None, "\u2060": None})
_GRAVE = re.compile(
    r"(?<=\b[iI])`(?=(?:m|ll|ve|d)\b)|(?<=[a-z]n)`(?=t\b)|(?<=\b[iI]t)`(?=s\b)|(?<=[tT]hat)`(?=s\b)"
)

_BOXED = re.compile(r"\\(?:boxed|text|textbf|mathbf|mathrm)\{([^{}\n]{0,200})\}")
_CONTROL = re.compile(r"<\|[^<>|]{1,40}\|>|</?(?:s|unk|pad|bos|eos|eot|mask)>|\[/?(?:INST|PAD|UNK)\]")
_SPEAKS = re.compile(r"[^\W_]")
_FEWEST_REPEATS = 5


def spoken(reply: str) -> str:
    """Return a reply as prose where it is nothing but data, else as it came.

    Args:
        reply: The reply, without its reasoning.

    Returns:
        The values of JSON, YAML or XML that is the whole reply or behind a few words, and comments where
        there is no other code, a line each; a fence around prose is taken off. Typewriter apostrophes,
        entities of HTML and boxes of LaTeX are made plain. Programs, what they print too, and long
        documents stay as they are: they are what was asked for. Empty where the data holds no value.
    """
    text = _plain(reply)
    if len(text) > _LONGEST:
        return text
    if "```" in text or "~~~" in text:
        return _of_fences(text)
    begin = text.lstrip()[:1]
    said = _of_json(text) if begin and begin in "{[" else _of_markup(text) if begin == "<" else None
    return text if said is None else said


def says_nothing(text: str) -> bool:
    """Whether a text holds no word and no number, or one of them over and over, as broken models write."""
    words = _CONTROL.sub(" ", text).split()
    whole = "".join(words)
    if not _SPEAKS.search(whole):
        return True
    return (len(whole) >= _FEWEST_REPEATS and len(set(whole)) == 1) or (
        len(words) >= _FEWEST_REPEATS and len(set(words)) == 1
    )


def _plain(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(lambda match: _ENTITIES[match.group().lower()], text)
    if "\\" in text:
        text = _BOXED.sub(r"\1", _BOXED.sub(r"\1", text))  # one in another, as in \boxed{\text{No}}
    if "`" in text:
        text = _GRAVE.sub("'", text)
    return text if text.isascii() else text.translate(_ACUTE)


def _of_fences(text: str) -> str:
    parts = FENCE.split(text)
    outside = "\n".join(parts[::2])
    if len(words_of(outside)) > _LEAD_IN:
        return text
    said = [_of_fence(part, announced=has_letters(outside)) for part in parts[1::2]]
    found = [each for each in said if each is not None]
    if len(found) < len(said):
        return text
    return "\n".join(found if _ANNOUNCES.fullmatch(outside) else (outside, *found))


def _of_fence(part: str, *, announced: bool) -> str | None:
    """What a fence says; None where it holds a program or a work of its own.

    Prose that is announced ("Here is the letter:") is a work as well, in which somebody may decline.
    """
    tag = _TAG_LINE.match(part)
    kind = tag.group(1).lower() if tag else ""
    body = part[tag.end() :] if tag else part
    begin = body.lstrip()[:1]
    if kind.startswith("json") or (begin and begin in "{["):
        return _of_json(body)
    if kind in {"xml", "html"} or begin == "<":
        return _of_markup(body)
    if kind in {"yaml", "yml", "toml", "ini"}:
        return _values(_KEY.sub("", body).splitlines())
    if any(_CODE_LINE.search(line) for line in body.splitlines()):
        return _of_comments(body)
    return None if announced else body


def _of_markup(text: str) -> str | None:
    return _values(_MARKUP_TAG.sub("\n", _INLINE_TAG.sub("", text)).splitlines())


def _of_comments(code: str) -> str | None:
    """What the comments of code say that is nothing else; None for any other code."""
    lines = filter(None, map(str.strip, code.splitlines()))
    comments = [_COMMENT.match(line) for line in lines]
    return "\n".join(found.group(1) for found in comments if found) if all(comments) else None


def _of_json(text: str) -> str | None:
    """What JSON says, whole or broken off; None where it is a work of its own, or no JSON."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        strings = list(_JSON_STRING.finditer(text))
        if not any(found["key"] for found in strings):
            return None
        return _values(_unescaped(found["text"]) for found in strings if not found["key"])
    return None if _has_records(document) else _values(_json_values(document))


def _has_records(document: object) -> bool:
    """Whether a document holds a list of several objects, such as the turns of a dialogue."""
    left = [document]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            left.extend(cast("dict[str, object]", node).values())
        elif isinstance(node, list):
            values = cast("list[object]", node)
            if sum(isinstance(value, dict) for value in values) > 1:
                return True
            left.extend(values)
    return False


def _json_values(document: object) -> Iterator[str]:
    """The values of a document, in order; a key that names a refusal and is true says so."""
    left = [("", document)]
    while left:
        key, node = left.pop()
        if isinstance(node, dict):
            left.extend(reversed(cast("dict[str, object]", node).items()))
        elif isinstance(node, list):
            left.extend((key, value) for value in reversed(cast("list[object]", node)))
        elif node is True and _REFUSES.match(key):
            yield _REFUSED
        elif isinstance(node, bool):  # says nothing without what it is about
            yield f"{key}: {node}".lower() if key else str(node)
        elif node is not None:
            yield str(node)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def _values(found: Iterable[str]) -> str | None:
    """Values as lines, programs among them fenced; None where there are too many of several words."""
    # Half of a surrogate pair, which JSON can write, can be kept nowhere.
    values = [value.encode(errors="replace").decode() for value in found]
    if sum(len(words_of(value)) >= _SEVERAL for value in values) > _MOST_VALUES:
        return None
    return "\n".join(_fenced(value) for value in values)


def _fenced(value: str) -> str:
    lines = value.splitlines()
    code = sum(_CODE_LINE.search(line) is not None for line in lines)
    return f"```\n{value}\n```" if has_letters(value) and 2 * code > len(lines) else value
