"""Text of strangers made safe to look at, on a page or a terminal.

Characters that reorder, hide or break text, or act on a terminal, are shown by their code point, as in
`⟦U+202E⟧`. Escaping for HTML is something else, and the template's work.
"""

from __future__ import annotations

import json
import re

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line feed: null, escape (ANSI), C1
    "\xad\u061c\u180e\u200b\u200e\u200f"  # soft hyphen, zero width space, direction marks
    "\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # separators, bidirectional overrides
    "\ud800-\udfff\ufffe\uffff"  # lone surrogates: not encodable; noncharacters: not allowed in XML
    "\U000e0000-\U000e0fff"  # tags and variation selectors that smuggle text
    "]"
    # Joiners are part of the spelling of Persian or Hindi, and of nothing in ASCII.
    "|(?<![^\x00-\x7f])[\u200c\u200d](?![^\x00-\x7f])"
)


def visible(text: str) -> str:
    """Show every character that would act on the page or on a terminal, instead of letting it act."""
    return _UNSEEN.sub(_code_point, text.replace("\r\n", "\n"))


def json_escaped(text: str) -> str:
    """Escape in a JSON document every character that would act on a terminal; its values stay the same."""
    return _UNSEEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def _code_point(match: re.Match[str]) -> str:
    return f"⟦U+{ord(match[0]):04X}⟧"
