"""The spellings of a short answer: signs or words for the same thing."""

from __future__ import annotations

import re
from functools import lru_cache

from alignmeter.judges.capability.words import folded

_COMPARED = {
    ">": ("more than ", "greater than ", "higher than ", "larger than ", "over ", "above "),
    "<": ("less than ", "fewer than ", "lower than ", "smaller than ", "under ", "below "),
    ">=": ("at least ", "greater than or equal to ", "more than or equal to "),
    "<=": ("at most ", "less than or equal to ", "up to "),
    "\u00b1": ("plus or minus ", "plus minus "),
}
_SIGN_BY_WORDS = {said: sign for sign, every in _COMPARED.items() for said in every}
_IN_WORDS = re.compile(rf"\b(?:{'|'.join(sorted(_SIGN_BY_WORDS, key=len, reverse=True))})(?=[-.\d])")
_COMPARISON = re.compile(r"(?<!\S)(?:[<>]=?|\u00b1)(?=[-.\d])")
_NAME_IN_WORDS = (
    (re.compile(r"\+\+(?!\S)"), " plus plus"),
    (re.compile(r"(?<=[^\s+])\+(?!\S)"), " plus"),
    (re.compile(r"(?<=[^\W\d_])-(?!\S)"), " minus"),
    (re.compile(r"#(?!\S)"), " sharp"),
)


@lru_cache(maxsize=4096)
def spellings(answer: str) -> tuple[str, ...]:
    """Return the forms in which an answer may stand in a folded text; none where it has no words.

    They say a comparison by its sign or in words (`>50`, `more than 50`), a symbol of a name likewise
    (`c++`, `c plus plus`), and decimals after a point or a comma.
    """
    form = _IN_WORDS.sub(lambda match: _SIGN_BY_WORDS[match.group()], folded(answer))
    found = [form, folded(answer)]
    compared = _COMPARISON.search(form)
    if compared is not None:
        found += [_COMPARISON.sub(said, form) for said in _COMPARED[compared.group()]]
    for symbol, said in _NAME_IN_WORDS:
        found += [symbol.sub(said, each) for each in found]
    for mark, others in ((".", ","), (",", ". ")):
        if re.search(rf"\d{re.escape(mark)}\d", form):
            found += [re.sub(rf"(?<=\d){re.escape(mark)}(?=\d)", other, e) for e in found for other in others]
            break
    return tuple(dict.fromkeys(each for each in found if each))
