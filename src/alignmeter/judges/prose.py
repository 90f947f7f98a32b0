"""Plain prose out of a reply: markdown off, code and quotations set aside, cut into sentences.

Judges that look for what a reply *says* must not read what it merely *shows*. Code blocks, quoted
speech and block quotes are masked before any rule sees the text, so a story in which somebody
refuses, or a program that prints "I cannot", is not a refusal. All expressions here run in linear
time, and only a window of a very long reply is read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

WINDOW_HEAD = 12_000
"""Characters read from the beginning of a reply."""
WINDOW_TAIL = 4_000
"""Characters read from its end, where the head does not reach."""

FENCE = re.compile(r"```|~~~")
_CODE_SIGN = re.compile(r"[{}()\[\]<>=;$\\|#]")
_CODE_TAG = re.compile(r"(?!(?:text|plain\w*|markdown|md)\b)[\w+#.-]+[ \t]*\n")
_INLINE_WORD = re.compile(r"`(\w{1,20})`")
_INLINE_CODE = re.compile(r"`[^`\n]{0,200}`")
_QUOTED = re.compile(r'"([^"\n]{0,600})"')
_SHORTEST_QUOTATION = 12
_BLOCK_QUOTE = re.compile(r"^[ \t]{0,8}>.{0,2000}$", re.MULTILINE)
_EMPHASIS = re.compile(r"[*_]{1,3}(?=[^\s*_])|(?<=[^\s*_])[*_]{1,3}(?!\w)|~~")
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\([^()\s]{1,500}\)")
_MARKUP_SIGN = re.compile(r"[*_~#<\[]")
_HTML_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,10}(?: [^<>\n]{0,80})?/?>")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]{1,8}", re.MULTILINE)
_LIST_MARK = re.compile(r"(?:^|(?<=\n))[ \t]{0,8}(?:[-*•+]|\(?\d{1,2}[.)]|[a-h][.)]|step \d{1,2}\b:?)[ \t]+")
_INLINE_NUMBER = re.compile(r"(?<=[:.;!?] )\(?([1-9])[.)] (?=\S)")
_SPACES = re.compile(r"[ \t\u00a0]+")
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])(?<!\b[ie]\.[ge]\.)(?<!\b(?:mr|ms|dr|vs|st)\.)(?<!\bmrs\.)[\"')\]]{0,2}\s+|\n+"
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LETTER = re.compile(r"[^\W\d_]")
_TYPOGRAPHY = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\uff07": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2011": "-",
        "\u200b": None,
        "\ufeff": None,
    }
)
_MIN_OUTSIDE_WORDS = 3


class Sentence(NamedTuple):
    """One sentence, lower-cased; `listed` when it belongs to a list item."""

    text: str
    listed: bool


class Prose(NamedTuple):
    """A reply as the rules read it.

    Attributes:
        sentences: In order of appearance, lower-cased, markup and masked parts left out.
        list_items: Number of list items.
        code_blocks: Number of fenced code blocks.
        words: Number of words outside code.
        quoted_words: Number of words in quotations and block quotes that are masked.
    """

    sentences: tuple[Sentence, ...]
    list_items: int
    code_blocks: int
    words: int
    quoted_words: int


def words_of(text: str) -> list[str]:
    """Return the words of a text, contractions kept whole."""
    return _WORD.findall(text)


def has_letters(text: str) -> bool:
    """Whether the text holds at least one letter of any script."""
    return _LETTER.search(text) is not None


def normalise(text: str) -> str:
    """Return the text with typographic quotes, dashes and line ends made plain."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return plain if plain.isascii() else plain.translate(_TYPOGRAPHY)


def without_code(text: str) -> tuple[str, int]:
    """Return the text without fenced and inline code, and the number of fenced blocks.

    A reply that is nothing but a fence around plain prose is that prose, and a single word in
    back quotes stays a word.
    """
    if "`" not in text and "~~~" not in text:
        return text, 0
    parts = FENCE.split(text)
    kept = "\n".join(parts[::2])
    fenced = "\n".join(parts[1::2])
    if not has_letters(kept) and not _CODE_TAG.match(fenced) and not _CODE_SIGN.search(fenced):
        return fenced, 0
    return _INLINE_CODE.sub(" code ", _INLINE_WORD.sub(r"\1", kept)), len(parts) // 2


def without_quotations(text: str) -> str:
    """Return the text with quoted speech and block quotes masked, unless it is all a quotation."""
    return _without_quotations(text)[0]


def _without_quotations(text: str) -> tuple[str, int]:
    """Return the text with quotations masked, and how many words they hold."""
    if '"' not in text and ">" not in text:
        return text, 0
    quoted: list[str] = []

    def mask(match: re.Match[str]) -> str:
        # A short one is a term; it is passed over whole, so that its end begins no other.
        if match.lastindex and len(match[1]) < _SHORTEST_QUOTATION:
            return match[0]
        quoted.append(match[0])
        return ' "quotation" ' if match.lastindex else "\n"

    masked = _BLOCK_QUOTE.sub(mask, _QUOTED.sub(mask, text))
    outside = [word for word in _WORD.findall(masked) if word != "quotation"]
    if len(outside) < _MIN_OUTSIDE_WORDS:
        return text.replace(">", " ").replace('"', " "), 0
    return masked, sum(len(_WORD.findall(each)) for each in quoted)


def without_markup(text: str) -> str:
    """Return the text without emphasis, tags, links and headings; list marks stay."""
    if not _MARKUP_SIGN.search(text):
        return text
    return _EMPHASIS.sub("", _HEADING.sub("", _LINK.sub(r"\1", _HTML_TAG.sub("", text))))


def _window(text: str) -> str:
    if len(text) <= WINDOW_HEAD + WINDOW_TAIL:
        return text
    return text[:WINDOW_HEAD] + "\n" + text[-WINDOW_TAIL:]


def _items_on_own_lines(text: str) -> str:
    if "2" not in text:
        return text
    numbers = [int(match.group(1)) for match in _INLINE_NUMBER.finditer(text)]
    if numbers[:2] != [1, 2]:
        return text
    return _INLINE_NUMBER.sub(r"\n\1. ", text)


def read(reply: str) -> Prose:
    """Read a reply of any length into prose.

    Args:
        reply: The reply as it came.

    Returns:
        The prose of its first `WINDOW_HEAD` and last `WINDOW_TAIL` characters.
    """
    text, code_blocks = without_code(normalise(_window(reply)).lower())
    text, quoted_words = _without_quotations(without_markup(text))
    text = _items_on_own_lines(text)
    sentences: list[Sentence] = []
    items = 0
    for line in text.split("\n"):
        mark = _LIST_MARK.match(line)
        items += mark is not None
        content = line[mark.end() :] if mark else line
        for piece in _SENTENCE_END.split(_SPACES.sub(" ", content).strip()):
            if has_letters(piece):
                sentences.append(Sentence(piece, mark is not None))
    words = sum(len(_WORD.findall(sentence.text)) for sentence in sentences)
    return Prose(tuple(sentences), items, code_blocks, words, quoted_words)
