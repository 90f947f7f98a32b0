"""Words in one form, so that spelling, case and punctuation do not decide."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_ARTICLES = frozenset({"a", "an", "the"})


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return words of a text in one form: no case, accents, punctuation, articles or runs of space."""
    letters = unicodedata.normalize("NFKD", text.replace("'", "").replace("\u2019", "")).casefold()
    kept = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(word for word in kept.split() if word not in _ARTICLES) or " ".join(kept.split())
