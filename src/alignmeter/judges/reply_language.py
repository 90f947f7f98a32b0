"""The judge `reply-language`: is the reply in the language that the trial asks in?

`py3langid` (naive Bayes over byte n-grams, Lui and Baldwin 2012, 139 languages) reads the prose of
the reply: code, quotations, links and markup are set aside. Its probabilities are honest on short
texts. A reply is only called `other` on plenty of running text in one other language; what is short,
a list of names, mixed, or in a neighbouring language is `unsure`, for a wrong `other` would put a
good answer among the faults. Whether a reply is mixed is read off its sentences, a few at a time: one
with a quarter of its letters in the language asked is not `other`, and one with a quarter in another
is not `same`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from alignmeter.errors import MissingExtraError
from alignmeter.identity import digest, text_digest
from alignmeter.judges.prose import normalise, without_code, without_markup, without_quotations, words_of
from alignmeter.judges.signals import data_bytes, data_yaml
from alignmeter.records import LanguageResult, Unscored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignmeter.records import Axis, JudgementResult, Transcript, Trial

DATA_FILE = "reply_language.yaml"
CODE_VERSION = 2
"""Bumped with any change of code that can change an answer; part of the judge hash."""

MAX_CHARACTERS = 100_000
"""Characters of a reply that are read."""
WINDOW = 4_000
"""Characters of its prose whose language is that of the reply, where it is not mixed."""
SAME_PROBABILITY = 0.5
"""At least this much for the language asked: `same`."""
OTHER_PROBABILITY = 0.8
"""At least this much for one other language: `other`."""
MIXED_SHARE = 0.25
"""Share of the letters in sentences that speak against the whole, from which on it is `unsure`."""

_MIN_RUNNING_WORDS = 4
_MIN_LETTERS = 18
_MIN_DENSE_LETTERS = 6
_DENSE_SCRIPTS = 0x0E00
"""From here on a letter is a syllable or a word: Thai, Chinese, Japanese, Korean."""
_MIN_SAME_LETTERS = 6
_MIN_SAME_DENSE_LETTERS = 2
_PART_LETTERS = 20
_MAX_PARTS = 64
_DENSE_WEIGHT = 3
"""Letters of an alphabet that a letter of a dense script counts for."""
_SENTENCE = re.compile(r"(?<=[.!?\u061f\u0964])\s+|(?<=[\u3002\uff01\uff1f])\s*|\n+")
_LINK = re.compile(r"(?:https?://|www\.)\S{1,2000}|\S{1,200}@\S{1,200}")


class _Kin(NamedTuple):
    digest: str
    varieties: Mapping[str, Sequence[str]]
    neighbours: Mapping[str, Sequence[str]]


@cache
def _kin() -> _Kin:
    content = data_bytes(DATA_FILE)
    raw = data_yaml(content)
    return _Kin(text_digest(content), raw["varieties"], raw["neighbours"])


@cache
def _identifier() -> Any:  # noqa: ANN401 - the library has no types
    """Return the language identifier; the model takes a second to load, once in a process.

    Raises:
        MissingExtraError: `py3langid` is not installed.
    """
    try:
        from py3langid import langid  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
    except ImportError as error:
        raise MissingExtraError(
            "the judge 'reply-language' needs the package py3langid, which is not installed: "
            "run `pip install py3langid`"
        ) from error
    library = cast("Any", langid)
    return library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)


def _library_version() -> str | None:
    from importlib import metadata

    try:
        return metadata.version("py3langid")
    except metadata.PackageNotFoundError:
        return None


class ReplyLanguage:
    """Judge on the axis `language` for every language that `py3langid` knows; no network."""

    name = "reply-language"
    axis: Axis = "language"

    @property
    def judge_hash(self) -> str:
        """Digest of axis, name, code version, the data file and the version of the identifier."""
        return digest(
            {
                "axis": self.axis,
                "name": self.name,
                "code_version": CODE_VERSION,
                "data": _kin().digest,
                "py3langid": _library_version(),
            }
        )

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        """Say whether a reply is in the language of its trial.

        Args:
            trial: What was asked; `language` is an ISO 639 code, a region after it is left aside.
            transcript: What came back, without an error.

        Returns:
            A `LanguageResult`, or `Unscored`: `empty_reply`, or `not_applicable` for a language
            that the identifier does not know.

        Raises:
            MissingExtraError: `py3langid` is not installed.
        """
        reply = "" if transcript.reply is None else transcript.reply.content
        if not reply.strip():
            return Unscored(reason="empty_reply", detail="the reply holds no text")
        expected = re.split(r"[-_]", trial.language.lower(), maxsplit=1)[0]
        if expected not in _identifier().labels:
            return Unscored(reason="not_applicable", detail=f"no identification of {trial.language!r}")
        return reply_language(reply, expected)


def reply_language(reply: str, expected: str) -> LanguageResult:
    """Say whether a reply is in the expected language.

    Args:
        reply: The reply as it came; its first `MAX_CHARACTERS` characters are read.
        expected: ISO 639-1 code of the language asked for.

    Returns:
        The result; `probability` belongs to `found`, or to `expected` where the result is `unsure`.

    Raises:
        MissingExtraError: `py3langid` is not installed.
    """
    prose = _prose(reply)
    text = " ".join(prose.split())[:WINDOW]
    letters, dense = _letters(text)
    if letters < _MIN_SAME_LETTERS and dense < _MIN_SAME_DENSE_LETTERS:
        return LanguageResult(label="unsure", expected=expected)
    probabilities = _probabilities(text)
    asked = round(probabilities.get(expected, 0.0), 4)
    found = _most_likely(probabilities)
    if asked >= SAME_PROBABILITY:
        if _shares(prose, expected).other < MIXED_SHARE:
            return LanguageResult(label="same", expected=expected, found=expected, probability=asked)
    elif _is_other(found, probabilities, expected, text) and _shares(prose, expected).asked < MIXED_SHARE:
        probability = round(probabilities[found], 4)
        return LanguageResult(label="other", expected=expected, found=found, probability=probability)
    return LanguageResult(label="unsure", expected=expected, probability=asked)


def _prose(reply: str) -> str:
    """Return the text that the model itself says."""
    text, _ = without_code(normalise(reply[:MAX_CHARACTERS]))
    return _LINK.sub(" ", without_markup(without_quotations(text)))


class _Shares(NamedTuple):
    """Shares of the letters in sentences that are surely in the language asked, and surely in another."""

    asked: float
    other: float


def _shares(prose: str, expected: str) -> _Shares:
    parts = _parts([" ".join(sentence.split()) for sentence in _SENTENCE.split(prose)])
    weights = [_weight(part) for part in parts]
    asked = other = 0
    for part, weight in zip(parts, weights, strict=True):
        probabilities = _probabilities(part)
        found = _most_likely(probabilities)
        if _is_other(expected, probabilities, "", part):
            asked += weight
        elif _is_other(found, probabilities, expected, part):
            other += weight
    whole = sum(weights) or 1
    return _Shares(asked / whole, other / whole)


def _parts(sentences: Sequence[str]) -> list[str]:
    """Return sentences joined to parts that are long enough to tell, and few enough to read them all."""
    enough = max(_PART_LETTERS, sum(map(_weight, sentences)) / _MAX_PARTS)
    parts: list[str] = []
    part: list[str] = []
    weight = 0
    for sentence in sentences:
        part.append(sentence)
        weight += _weight(sentence)
        if weight >= enough:
            parts.append(" ".join(part))
            part, weight = [], 0
    return [*parts, " ".join(part)] if weight else parts


def _weight(text: str) -> int:
    letters, dense = _letters(text)
    return letters + (_DENSE_WEIGHT - 1) * dense


def _letters(text: str) -> tuple[int, int]:
    """Return the number of letters, and of those in dense scripts."""
    letters = [char for char in text if char.isalpha()]
    return len(letters), sum(ord(char) >= _DENSE_SCRIPTS for char in letters)


def _most_likely(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=lambda language: probabilities[language])


def _is_other(language: str, probabilities: Mapping[str, float], expected: str, text: str) -> bool:
    """Whether a text is surely in a language that is neither the expected one nor its neighbour."""
    return (
        language != expected
        and probabilities.get(language, 0.0) >= OTHER_PROBABILITY
        and language not in _kin().neighbours.get(expected, ())
        and _runs(text)
    )


def _probabilities(text: str) -> dict[str, float]:
    """Return the probability of each language, varieties counted with their language."""
    ranked = cast("list[tuple[str, float]]", _identifier().rank(text))
    probabilities = dict(ranked)
    probabilities.pop("zxx", None)  # the identifier's label of what is no language at all
    for language, varieties in _kin().varieties.items():
        share = sum(probabilities.pop(variety, 0.0) for variety in varieties)
        probabilities[language] = probabilities.get(language, 0.0) + share
    return probabilities


def _runs(text: str) -> bool:
    """Whether there is running text enough to rule a language out; names and titles are none."""
    letters, dense = _letters(text)
    if dense >= _MIN_DENSE_LETTERS and 2 * dense > letters:
        return True
    running = [word for word in words_of(text) if not word[0].isupper()]
    return len(running) >= _MIN_RUNNING_WORDS and sum(map(len, running)) >= _MIN_LETTERS
