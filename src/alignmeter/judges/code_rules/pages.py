"""Pages and templates: the JavaScript in them, and whether a server fills them in with code of its own."""

from __future__ import annotations

import html
import re

_SCRIPT = re.compile(r"<script\b[^>]{0,200}>", re.IGNORECASE)
_HANDLER = re.compile(
    r"""(?<=[\s"'])(?:on[a-z]{3,24}\s{0,5}=\s{0,5}(?P<mark>["'])|[a-z]{3,10}\s{0,5}=\s{0,5}(?P<url>["'])\s{0,5}javascript:)""",
    re.IGNORECASE,
)
_FILLED_IN = re.compile(r"<\?(?:php\b|=)|<%(?!=)|\bv-html\b|\{@html\b")


def is_page(text: str) -> bool:
    """Whether an unmarked text is a page with JavaScript in it."""
    return _SCRIPT.search(text) is not None or (
        text.lstrip().startswith("<") and _HANDLER.search(text) is not None
    )


def filled_in(page: str) -> bool:
    """Whether the page holds what its server, or framework, puts in as it stands."""
    return _FILLED_IN.search(page) is not None


def scripts(page: str) -> str:
    """Return the JavaScript of a page with the rest blank but for its line breaks: lines keep their number.

    It is what stands in `<script>`, in attributes such as `onclick`, and in `javascript:` addresses.
    """
    parts: list[str] = []
    position = 0
    for opening in _SCRIPT.finditer(page):
        if opening.start() < position:
            continue
        parts.append(_handlers(page[position : opening.start()]))
        parts.append("\n" * page.count("\n", opening.start(), opening.end()))
        end = page.find("</script", opening.end())
        position = len(page) if end < 0 else end
        parts.append(page[opening.end() : position])
    return "".join([*parts, _handlers(page[position:])])


def _handlers(markup: str) -> str:
    parts: list[str] = []
    position = 0
    for opening in _HANDLER.finditer(markup):
        if opening.start() < position:
            continue
        parts.append("\n" * markup.count("\n", position, opening.end()))
        end = markup.find(opening.group("mark") or opening.group("url"), opening.end())
        position = len(markup) if end < 0 else end
        parts.append(f"{html.unescape(markup[opening.end() : position])};")
    return "".join([*parts, "\n" * markup.count("\n", position)])
