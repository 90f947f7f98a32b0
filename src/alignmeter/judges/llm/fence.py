"""The fence around text that a judge must read and never obey.

Three layers, because each alone has been broken: marker lines with a code that the text cannot know
(it is derived from the text's own digest), a sign before every line of the text ("datamarking", Hines
et al. 2024, arXiv 2403.14720), and the defusing of whatever looks like a marker or like the control
tokens of a chat template, which some servers read as control tokens wherever they stand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignmeter.identity import keyed_hash, text_digest
from alignmeter.judges.model_calls import encodable

if TYPE_CHECKING:
    from collections.abc import Iterable

LINE_SIGN = "| "
"""Stands before every line of fenced text."""

_CODE_DIGITS = 16
_HEAD_SHARE = 0.75
_LINE_END = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters, invisible marks, direction overrides and the "tag" letters that smuggle hidden text.
# The joiners U+200C and U+200D stay: Persian, Hindi and Bengali are spelled with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_OPENING = "<\uff1c\ufe64\u2039\u3008\u27e8\u300a\u00ab\u226a\u27ea\u276e\u2770\u2329"
_CLOSING = ">\uff1e\ufe65\u203a\u3009\u27e9\u300b\u00bb\u226b\u27eb\u276f\u2771\u232a"
_MARKER_SIGNS = re.compile(f"[{_OPENING}]{{3,}}|[{_CLOSING}]{{3,}}")
_CONTROL_TOKEN = re.compile(
    r"<[|\uff5c][^<>\n]{0,60}>"
    r"|<[^<>\n]{0,60}[|\uff5c]>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|<</?SYS>>"
    r"|</?(?:s|bos|eos|pad|unk|mask|think|start_of_turn|end_of_turn|start_of_image)>",
    re.IGNORECASE,
)
_DEFUSED = str.maketrans("<>[]", "\u2039\u203a()")


def neutralised(text: str) -> str:
    """Return the text without what could be taken for a marker, a control token or hidden text.

    It stays readable: signs are replaced by look-alikes that no program reads as the original.
    Lone surrogates, which no request can carry, become question marks.
    """
    plain = _INVISIBLE.sub("", _LINE_END.sub("\n", encodable(text)))
    plain = _CONTROL_TOKEN.sub(lambda match: match.group().translate(_DEFUSED), plain)
    return _MARKER_SIGNS.sub(_defused_run, plain)


def _defused_run(match: re.Match[str]) -> str:
    sign = "\u2039" if match.group()[0] in _OPENING else "\u203a"
    return " ".join(sign * len(match.group()))


def fence_code(seed: int, texts: Iterable[str]) -> str:
    """Return the code of the markers for these texts: 16 hex digits that occur in none of them.

    Args:
        seed: The judge's seed; the same seed and texts give the same code.
        texts: All texts that will be fenced, neutralised.
    """
    parts = tuple(texts)
    digests = tuple(text_digest(part) for part in parts)
    lowered = [part.lower() for part in parts]
    attempt = 0
    while True:
        code = keyed_hash(seed, "fence", str(attempt), *digests).hex()[:_CODE_DIGITS]
        if not any(code in part for part in lowered):
            return code
        attempt += 1


def fenced(name: str, text: str, code: str, *, limit: int, omitted: str) -> str:
    """Return the text between its markers, the sign before every line.

    Args:
        name: What it is, in capitals, for example `REPLY`.
        text: The text, neutralised.
        code: What `fence_code` returned.
        limit: Characters shown at the most; of a longer text, the beginning and the end.
        omitted: The line that stands for the rest, with `{count}`; it alone carries no sign.
    """
    body = _signed(text)
    if len(text) > limit:
        head = int(limit * _HEAD_SHARE)
        tail = limit - head
        note = omitted.replace("{count}", str(len(text) - limit))
        body = f"{_signed(text[:head])}\n{note}\n{_signed(text[len(text) - tail :])}"
    return f"<<<{name} {code}>>>\n{body}\n<<<END {name} {code}>>>"


def _signed(text: str) -> str:
    return "\n".join(LINE_SIGN + line for line in text.split("\n"))
