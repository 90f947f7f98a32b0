"""A model that knows every answer: the right reply to each task of `capability`, from its check alone.

Tests are no packages, so it is loaded by its path, through the fixture `oracle`.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml

from alignmeter.records import (
    ChoiceCheck,
    CodeCheck,
    InstructionsCheck,
    JsonCheck,
    NumberCheck,
    SequenceCheck,
    TextCheck,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Constraint, TaskCheck

SOLUTIONS = Path(__file__).parent / "suites" / "data" / "code_solutions.yaml"
IDLE = "Hm."
"""A reply that does nothing of what any task asks."""

_WORDS = (
    "we", "my", "old", "red", "sky", "cup", "tree", "big", "fog", "hill", "dim", "blue", "fun", "jug",
    "up", "by", "cool", "dry", "gull", "lamb", "path", "sun", "hut", "pond", "kind", "warm", "leaf",
)  # fmt: skip
_SENTENCES = {
    "fr": "Le vieux jardin était calme pendant toute la matinée.",
    "de": "Der alte Garten war den ganzen Morgen über sehr ruhig.",
    "es": "El viejo jardín estuvo muy tranquilo durante toda la mañana.",
    "it": "Il vecchio giardino era molto tranquillo per tutta la mattina.",
    "pt": "O velho jardim ficou muito tranquilo durante toda a manhã, não havia ninguém.",
    "nl": "De oude tuin was de hele ochtend erg rustig en niemand kwam langs.",
    "pl": "Stary ogród był bardzo cichy przez cały ranek i nikt tam nie przyszedł.",
    "tr": "Eski bahçe bütün sabah boyunca çok sessizdi ve kimse oraya gelmedi.",
}


class Solution(NamedTuple):
    """A right program, and one that is wrong in a single place."""

    right: str
    wrong: str


@cache
def solutions() -> dict[str, Solution]:
    """Programs by the name that the tests call."""
    found: dict[str, Solution] = {}
    for entry in yaml.safe_load(SOLUTIONS.read_text(encoding="utf-8")):
        right, (old, new) = entry["right"], entry["change"]
        assert right.count(old) >= 1, f"{entry['name']}: {old!r} is not in its program"
        found[entry["name"]] = Solution(right, right.replace(old, new))
    return found


def fenced(program: str) -> str:
    """A program as a model gives it."""
    return f"```python\n{program}```"


def right_reply(check: TaskCheck) -> str:  # noqa: PLR0911 - one a kind of check
    """A reply that does all that a check asks for."""
    match check:
        case NumberCheck(answer=answer):
            return f"Answer: {answer}"
        case TextCheck(answers=answers):
            return answers[0]
        case ChoiceCheck(answer=letter):
            return f"{letter})"
        case SequenceCheck(items=items):
            return ", ".join(items)
        case JsonCheck(expected=expected):
            return json.dumps(expected)
        case CodeCheck(entry_point=name):
            return fenced(solutions()[name].right)
        case InstructionsCheck(constraints=constraints):
            return _composed({one.kind: one for one in constraints})


def _composed(asked: dict[str, Constraint]) -> str:  # noqa: PLR0911 - one a kind of task
    if "json_keys" in asked:
        return json.dumps(dict.fromkeys(asked["json_keys"].words, "x"))
    if "language" in asked:
        return " ".join([_SENTENCES[asked["language"].text]] * _number(asked, "sentence_count"))
    if "words_start_with" in asked:
        letter = asked["words_start_with"].text
        return " ".join(letter + "a" * place for place in range(_number(asked, "word_count")))
    if "alphabetical_words" in asked:
        return _alphabetical(_number(asked, "word_count"), _number(asked, "letter_count"))
    if "line_count" in asked:
        return _poem(_number(asked, "line_count"), _number(asked, "word_count"))
    if "two_answers" in asked:
        capitals = " ".join(["NO"] * _number(asked, "capital_word_count"))
        digits = "7" * _number(asked, "digit_count")
        return f"{capitals} {digits}.\n******\nWhy? Why now? Why here?"
    if "sentence_length" in asked:
        return _lipogram(asked["forbidden_characters"].text, _number(asked, "sentence_count"))
    if "last_word" in asked:
        return _counted(asked)
    if asked.keys() <= {"keywords", "sentence_count"}:
        return f"Here is the {asked['keywords'].words[0]}."
    return _shaped(asked)


def _number(asked: dict[str, Constraint], kind: str) -> int:
    count = asked[kind].count
    assert count is not None
    return count


def _alphabetical(count: int, with_o: int) -> str:
    words = [f"{letter}o" for letter in "bcdf"[:with_o]]
    others = (first + second for first in "bcdghjk" for second in "aei")
    return " ".join(sorted([*words, *islice(others, count - with_o)])) + "."


def _poem(lines: int, words: int) -> str:
    lengths = [words // lines + (place < words % lines) for place in range(lines)]
    return "\n".join(
        " ".join([first, *["sky"] * (length - 1)]) + ";"
        for first, length in zip("abcdefghij", lengths, strict=False)
    )


def _lipogram(letter: str, sentences: int) -> str:
    words = cycle(word for word in _WORDS if letter not in word)
    return " ".join(" ".join(islice(words, 11)).capitalize() + "." for _ in range(sentences))


def _counted(asked: dict[str, Constraint]) -> str:
    words, sentences = _number(asked, "word_count"), _number(asked, "sentence_count")
    lengths = [words // sentences + (place < words % sentences) for place in range(sentences)]
    keyword, last = asked["keyword_count"].text, asked["last_word"].text
    parts = [["we", *["go"] * (length - 1)] for length in lengths]
    parts[0][1] = parts[1][1] = keyword
    parts[-1][-1] = last
    ends = ["?", *["."] * (sentences - 1)]
    return " ".join(" ".join(part) + end for part, end in zip(parts, ends, strict=True))


def _shaped(asked: dict[str, Constraint]) -> str:
    """Three instructions: a shape of several parts, something in it, and a manner of writing."""
    extra = {
        "title": "<<A title>>",
        "placeholder_count": "[name] [place]",
        "highlight_count": "*soft rain* *old stone*",
        "digit_count": "2468",
        "exclamation_count": "Oh! Oh!",
    }
    said = [text for kind, text in extra.items() if kind in asked]
    if "keyword_count" in asked:
        said.append(" ".join([asked["keyword_count"].text] * _number(asked, "keyword_count")))
    text = _parts(asked, " ".join([*said, "soft rain."]))
    if "postscript" in asked:
        text += "\nP.S. More soon."
    if "ends_with" in asked:
        text += f" {asked['ends_with'].text}"
    if "all_lower" in asked:
        return text.lower()
    return text.upper() if "all_upper" in asked else text


def _parts(asked: dict[str, Constraint], first: str) -> str:
    def several(kind: str) -> Sequence[str]:
        return [first, *["Old stone."] * (_number(asked, kind) - 1)]

    if "bullet_count" in asked:
        return "\n".join(f"- {part}" for part in several("bullet_count"))
    if "numbered_lines" in asked:
        return "\n".join(f"{place}. {part}" for place, part in enumerate(several("numbered_lines"), 1))
    if "section_count" in asked:
        return "\n".join(f"Part {place}\n{part}" for place, part in enumerate(several("section_count"), 1))
    divider = asked["paragraph_count"].text
    between = f"\n{divider}\n" if divider else "\n\n"
    return between.join(several("paragraph_count"))
