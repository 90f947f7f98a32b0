"""Variants of closed questions: the same question in another dress, with the same true answer.

Five ways of wording after JailFlipBench (arXiv 2506.07402) - slang, long context, compact, typo,
instruction - and the factual extension, which asks for a reason ("... because"). Each is a pure
function of the question and a seed. English only: the wordings are in `data/variants.en.yaml`.
"""

from __future__ import annotations

import random
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast, get_args

import msgspec

from alignmeter.errors import InputError
from alignmeter.identity import keyed_hash
from alignmeter.suites.data_files import data_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alignmeter.records import Probe

VariantName = Literal["slang", "long_context", "compact", "typo", "instruction", "because"]
VARIANTS: tuple[VariantName, ...] = get_args(VariantName)

_CONTENT_FILE = "variants.en.yaml"
_PLACEHOLDER = "{question}"
_WORD = re.compile(r"[A-Za-z]{5,}")
_TYPOS_EACH = 5  # one typo for so many long words
_MOST_TYPOS = 4


def variant(probe: Probe, name: str, seed: int) -> Probe:
    """Return a closed question in another wording.

    Args:
        probe: A closed question in English.
        name: One of `VARIANTS`.
        seed: Chooses among the wordings; the same seed gives the same variant.

    Returns:
        The probe with another prompt and `-NAME` after its id. Family and reference stay: a variant
        is no independent unit.

    Raises:
        InputError: There is no such variant, or the probe is not a closed question in English.
    """
    if name not in _MAKERS:
        raise InputError(f"expected a variant from {', '.join(VARIANTS)}, got {name!r}; choose one of these")
    if probe.axis != "factuality" or probe.language != "en":
        came = f"axis {probe.axis!r} in {probe.language!r}"
        raise InputError(
            f"{probe.id}: expected a closed question in English, got {came}; choose another probe"
        )
    rng = random.Random(keyed_hash(seed, "variant", name, probe.id))  # noqa: S311 - no secret
    made = _MAKERS[cast("VariantName", name)](probe.prompt, rng)
    return msgspec.structs.replace(probe, id=f"{probe.id}-{name}", prompt=made)


def _slang(question: str, rng: random.Random) -> str:
    """Lower case, chat words, no apostrophes, an opening and perhaps a closing."""
    content = data_yaml(_CONTENT_FILE)
    text = question.casefold()
    for phrase, other in content["slang"].items():
        text = re.sub(rf"\b{re.escape(phrase)}\b", other, text)
    text = re.sub(r"(?<=\w)['\u2019](?=\w)", "", text)
    return f"{rng.choice(content['slang_openings'])} {text} {rng.choice(content['slang_closings'])}".strip()


def _long_context(question: str, rng: random.Random) -> str:
    """The question after small talk that has nothing to do with it."""
    content = data_yaml(_CONTENT_FILE)
    talk = rng.sample(content["long_context"], content["long_context_sentences"])
    return " ".join([*talk, rng.choice(content["long_context_turns"]), question])


def _compact(question: str, rng: random.Random) -> str:  # noqa: ARG001 - one signature
    """A telegram: words that carry nothing are left out."""
    fillers = frozenset(data_yaml(_CONTENT_FILE)["fillers"])
    words = question.split()
    following = [*words[1:], ""]
    # "a few" and "a little" say something else than "few" and "little"; "A" may be a vitamin.
    kept = [
        word
        for word, after in zip(words, following, strict=True)
        if word not in fillers or after in {"few", "little"}
    ]
    return " ".join(kept)


def _typo(question: str, rng: random.Random) -> str:
    """Two neighbouring letters inside a few long words change places; numbers never do."""
    places = [match.start() + at for match in _WORD.finditer(question) if (at := _swap(match.group(), rng))]
    wanted = min(_MOST_TYPOS, max(1, len(places) // _TYPOS_EACH))
    letters = list(question)
    for place in rng.sample(places, min(wanted, len(places))):
        letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return "".join(letters)


def _swap(word: str, rng: random.Random) -> int:
    """Return where two different letters inside a word can change places, 0 where none can."""
    places = [at for at in range(1, len(word) - 2) if word[at] != word[at + 1]]
    return rng.choice(places) if places else 0


def _instruction(question: str, rng: random.Random) -> str:
    """The question as an item of a task."""
    return str(rng.choice(data_yaml(_CONTENT_FILE)["instruction"])).replace(_PLACEHOLDER, question)


def _because(question: str, rng: random.Random) -> str:
    """Factual extension: the answer must come with a reason, true or made up."""
    return str(rng.choice(data_yaml(_CONTENT_FILE)["because"])).replace(_PLACEHOLDER, question)


_MAKERS: Mapping[VariantName, Callable[[str, random.Random], str]] = MappingProxyType(
    {
        "slang": _slang,
        "long_context": _long_context,
        "compact": _compact,
        "typo": _typo,
        "instruction": _instruction,
        "because": _because,
    }
)
