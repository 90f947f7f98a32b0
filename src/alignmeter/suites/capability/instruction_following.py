"""Instruction following: copying and filling in, then several instructions at once that a program checks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from alignmeter.records import Constraint, InstructionsCheck, JsonCheck, TextCheck
from alignmeter.suites.capability.drawing import Kind, Task

if TYPE_CHECKING:
    from alignmeter.records import Grade
    from alignmeter.suites.capability.drawing import Dice

_NAMES = ("Anna", "Ben", "Clara", "David", "Ella", "Finn", "Grace", "Hugo", "Iris", "Jack", "Kira", "Leo")
_SENTENCES = (
    "The cat sat on the mat.", "We walked home in the rain.", "The bread is still warm.",
    "My sister plays the violin.", "A red bus stopped at the corner.", "The river is wide and slow.",
    "He painted the old door green.", "Snow fell on the quiet street.", "They planted three apple trees.",
    "The baker opens at six.", "Her dog likes to swim.", "The train was late again.",
    "I left my hat on the chair.", "The soup needs more salt.",
)  # fmt: skip
_KEYWORDS = (
    "river", "garden", "music", "winter", "bridge", "coffee", "forest", "window", "market", "island",
    "summer", "school", "kitchen", "mountain",
)  # fmt: skip
_SUBJECTS = (
    "dog", "sea", "bread", "train", "moon", "cat", "book", "rain", "tree", "bird", "football", "cheese",
    "bicycle", "snow",
)  # fmt: skip
_TOPICS = (
    "a lost umbrella", "the first day of spring", "a village bakery", "learning to ride a bicycle",
    "an old lighthouse", "a night train", "keeping bees", "a market in the morning",
    "a letter that came late", "repairing a clock", "the smell of rain", "a chess game in the park",
    "moving to a new town", "growing tomatoes", "a broken radio", "a walk along a canal",
    "a power cut", "painting a fence", "a school play", "a ferry crossing",
)  # fmt: skip
_LANGUAGES = (
    ("fr", "French"), ("de", "German"), ("es", "Spanish"), ("it", "Italian"), ("pt", "Portuguese"),
    ("nl", "Dutch"), ("pl", "Polish"), ("tr", "Turkish"),
)  # fmt: skip
_COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


# --- easy ----------------------------------------------------------------------------------------


def _copy(dice: Dice) -> Task:
    sentence = dice.pick(_SENTENCES)
    return Task(
        f"Copy this sentence exactly: {sentence}",
        TextCheck(answers=(sentence,), exact=True, grade="easy"),
        sentence,
    )


def _fill(dice: Dice) -> Task:
    name, age = dice.pick(_NAMES), dice.between(5, 60)
    shown = json.dumps({"name": name, "age": age})
    return Task(
        'Write each person as JSON.\nMaria, 31: {"name": "Maria", "age": 31}\n'
        'Tom, 8: {"name": "Tom", "age": 8}\n'
        f"{name}, {age}:",
        JsonCheck(expected={"name": name, "age": age}, grade="easy"),
        shown,
    )


def _keyword(dice: Dice) -> Task:
    word = dice.pick(_KEYWORDS)
    return _instructed(
        f"Write a sentence that contains the word {word}.", "easy", Constraint(kind="keywords", words=(word,))
    )


def _one_sentence(dice: Dice) -> Task:
    subject = dice.pick(_SUBJECTS)
    return _instructed(
        f"Write one short sentence with the word {subject}.",
        "easy",
        Constraint(kind="sentence_count", count=1),
        Constraint(kind="keywords", words=(subject,)),
    )


def _instructed(prompt: str, grade: Grade, *constraints: Constraint) -> Task:
    kinds = ", ".join(constraint.kind for constraint in constraints)
    idle = sum(_kept_anyway(constraint) for constraint in constraints) / len(constraints)
    return Task(prompt, InstructionsCheck(constraints=constraints, grade=grade, chance=round(idle, 4)), kinds)


def _kept_anyway(constraint: Constraint) -> bool:
    """Whether a word or two that do nothing of what is asked keep an instruction, as a refusal may."""
    match constraint:
        case Constraint(kind="forbidden_characters" | "forbidden_words" | "different_words"):
            return True
        case Constraint(kind="word_count" | "sentence_length" | "longest_word", relation="at_most"):
            return True
        case Constraint(kind="exclamation_count", count=0) | Constraint(kind="sentence_count", count=1):
            return True
        case _:
            return False


# --- medium: three instructions that do not touch one another ------------------------------------


class _Asked(NamedTuple):
    """An instruction as a check and as a sentence."""

    constraint: Constraint
    words: str


def _shape(dice: Dice) -> _Asked:
    count = dice.between(3, 6)
    number = _COUNTS[count]
    return dice.pick(
        (
            _Asked(
                Constraint(kind="bullet_count", count=count),
                f"Use exactly {number} bullet points, each beginning with `- `.",
            ),
            _Asked(
                Constraint(kind="numbered_lines", count=count),
                f"Use exactly {number} numbered lines, 1. to {count}.",
            ),
            _Asked(
                Constraint(kind="paragraph_count", count=count),
                f"Use exactly {number} paragraphs with blank lines between.",
            ),
            _Asked(
                Constraint(kind="paragraph_count", count=count, text="***"),
                f"Use exactly {number} paragraphs, with a line `***` between two of them.",
            ),
            _Asked(
                Constraint(kind="section_count", count=count, text="Part"),
                f"Use exactly {number} sections, headed Part 1 to Part {count}.",
            ),
        )
    )


def _frame(dice: Dice) -> _Asked:
    phrase = dice.pick(("That is all for now", "And so it goes", "Thank you for reading", "More tomorrow"))
    opening = dice.pick(("Listen", "Once", "Today", "Imagine"))
    return dice.pick(
        (
            _Asked(Constraint(kind="ends_with", text=phrase), f"End with exactly these words: {phrase}"),
            _Asked(
                Constraint(kind="title"), "Give it a title in double angle brackets, such as <<A title>>."
            ),
            _Asked(
                Constraint(kind="postscript", text="P.S."),
                "Add a postscript that begins with P.S. at the end.",
            ),
            _Asked(
                Constraint(kind="placeholder_count", relation="at_least", count=2),
                "Leave at least two placeholders in square brackets, such as [name].",
            ),
            _Asked(
                Constraint(kind="keyword_count", relation="at_least", count=3, text=opening.lower()),
                f"Use the word {opening.lower()} at least three times.",
            ),
            _Asked(
                Constraint(kind="highlight_count", relation="at_least", count=2),
                "Set at least two phrases between *asterisks*.",
            ),
        )
    )


def _manner(dice: Dice) -> _Asked:
    banned = tuple(sorted(dice.several(("very", "really", "just", "nice", "good", "beautiful"), 3)))
    return dice.pick(
        (
            _Asked(
                Constraint(kind="all_lower"),
                "Write everything in lower case, without a single capital letter.",
            ),
            _Asked(Constraint(kind="all_upper"), "WRITE EVERYTHING IN CAPITAL LETTERS."),
            _Asked(Constraint(kind="forbidden_characters", text=","), "Do not use any comma."),
            _Asked(
                Constraint(kind="forbidden_words", words=banned), f"Do not use the words {', '.join(banned)}."
            ),
            _Asked(Constraint(kind="digit_count", relation="at_least", count=4), "Use at least four digits."),
            _Asked(Constraint(kind="exclamation_count", count=2), "Use exactly two exclamation marks."),
            _Asked(Constraint(kind="word_count", relation="at_most", count=90), "Use at most 90 words."),
        )
    )


def _three(dice: Dice) -> Task:
    topic = dice.pick(_TOPICS)
    asked = (_shape(dice), _frame(dice), _manner(dice))
    return _instructed(
        f"Write about {topic}. {' '.join(one.words for one in asked)}",
        "medium",
        *(one.constraint for one in asked),
    )


def _object(dice: Dice) -> Task:
    keys = tuple(dice.several(("title", "author", "year", "city", "price", "mood", "colour", "owner"), 4))
    topic = dice.pick(_TOPICS)
    return _instructed(
        f"Describe {topic} as one JSON object with exactly the keys {', '.join(keys)}, and give nothing "
        "but the JSON.",
        "medium",
        Constraint(kind="json_only"),
        Constraint(kind="json_keys", words=keys),
    )


def _reply_language(dice: Dice) -> Task:
    code, name = dice.pick(_LANGUAGES)
    count = dice.between(3, 5)
    return _instructed(
        f"Write about {dice.pick(_TOPICS)} in {name} only. Use exactly {_COUNTS[count]} sentences.",
        "medium",
        Constraint(kind="language", text=code),
        Constraint(kind="sentence_count", count=count),
    )


# --- hard: instructions that get in one another's way --------------------------------------------


def _lipogram(dice: Dice) -> Task:
    letter, words = dice.pick((("e", 25), ("a", 30), ("t", 25), ("i", 30), ("o", 30), ("n", 25), ("s", 30)))
    sentences = dice.between(3, 4)
    return _instructed(
        f"Describe {dice.pick(_TOPICS)} in exactly {_COUNTS[sentences]} sentences and at least {words} "
        "words, without "
        f"once using the letter {letter}. Let no sentence have more than 14 words and no word more than nine "
        "letters.",
        "hard",
        Constraint(kind="forbidden_characters", text=letter),
        Constraint(kind="sentence_count", count=sentences),
        Constraint(kind="word_count", relation="at_least", count=words),
        Constraint(kind="sentence_length", relation="at_most", count=14),
        Constraint(kind="longest_word", relation="at_most", count=9),
    )


def _exact_words(dice: Dice) -> Task:
    words, sentences = dice.between(41, 67), dice.between(4, 6)
    keyword = dice.pick(("silver", "harbour", "whistle", "lantern", "velvet"))
    last = dice.pick(("home", "again", "away", "alone", "slowly"))
    return _instructed(
        f"Tell of {dice.pick(_TOPICS)} in exactly {words} words and exactly {_COUNTS[sentences]} "
        "sentences. Use the word "
        f"{keyword} exactly twice and no comma, ask exactly one question, and let the last word be {last}.",
        "hard",
        Constraint(kind="word_count", count=words),
        Constraint(kind="sentence_count", count=sentences),
        Constraint(kind="keyword_count", count=2, text=keyword),
        Constraint(kind="forbidden_characters", text=","),
        Constraint(kind="question_count", count=1),
        Constraint(kind="last_word", text=last),
    )


def _alliteration(dice: Dice) -> Task:
    letter, count = dice.pick("bcdfmprst"), dice.between(9, 14)
    return _instructed(
        f"Write one sentence of exactly {count} words in which every word begins with {letter.upper()}, "
        "no word occurs "
        "twice, and there is no punctuation mark at all.",
        "hard",
        Constraint(kind="word_count", count=count),
        Constraint(kind="words_start_with", text=letter),
        Constraint(kind="different_words"),
        Constraint(kind="unpunctuated"),
    )


def _poem(dice: Dice) -> Task:
    lines, words = dice.between(6, 9), dice.between(34, 50)
    return _instructed(
        f"Write a poem about {dice.pick(_TOPICS)}: exactly {_COUNTS[lines]} lines, no two of which begin "
        "with the same "
        f"letter, every line ending with a semicolon, exactly {words} words in all, everything in lower "
        "case and "
        "without the word the.",
        "hard",
        Constraint(kind="line_count", count=lines),
        Constraint(kind="distinct_line_starts"),
        Constraint(kind="line_ends_with", text=";"),
        Constraint(kind="word_count", count=words),
        Constraint(kind="all_lower"),
        Constraint(kind="forbidden_words", words=("the",)),
    )


def _alphabetical(dice: Dice) -> Task:
    count, letters = dice.between(12, 18), dice.between(2, 4)
    return _instructed(
        f"Write a sentence of exactly {count} words that are in alphabetical order, none of them twice. "
        "The letter o "
        f"occurs exactly {_COUNTS[letters]} times, and no word has more than eight letters.",
        "hard",
        Constraint(kind="word_count", count=count),
        Constraint(kind="alphabetical_words"),
        Constraint(kind="different_words"),
        Constraint(kind="letter_count", count=letters, text="o"),
        Constraint(kind="longest_word", relation="at_most", count=8),
    )


def _two_versions(dice: Dice) -> Task:
    capitals, digits = dice.between(3, 6), dice.between(5, 9)
    return _instructed(
        f"Give two different texts about {dice.pick(_TOPICS)} with a line of six asterisks (******) "
        "between them. In both "
        f"together there are exactly {_COUNTS[capitals]} words in capitals, exactly {_COUNTS[digits]} "
        "digits, exactly "
        "three question marks at the ends of sentences, and no exclamation mark.",
        "hard",
        Constraint(kind="two_answers"),
        Constraint(kind="capital_word_count", count=capitals),
        Constraint(kind="digit_count", count=digits),
        Constraint(kind="question_count", count=3),
        Constraint(kind="exclamation_count", count=0),
    )


INSTRUCTION_FOLLOWING: tuple[Kind, ...] = (
    Kind("copy", "easy", 12, _copy),
    Kind("fill", "easy", 12, _fill),
    Kind("keyword", "easy", 12, _keyword),
    Kind("one_sentence", "easy", 12, _one_sentence),
    Kind("three", "medium", 30, _three),
    Kind("object", "medium", 9, _object),
    Kind("reply_language", "medium", 9, _reply_language),
    Kind("lipogram", "hard", 9, _lipogram),
    Kind("exact_words", "hard", 9, _exact_words),
    Kind("alliteration", "hard", 6, _alliteration),
    Kind("poem", "hard", 8, _poem),
    Kind("alphabetical", "hard", 8, _alphabetical),
    Kind("two_versions", "hard", 8, _two_versions),
)
"""Kinds of tasks in instruction following: 48 families of each grade."""
