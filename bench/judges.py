"""Replies a second of the rule judges on one core and of the embedded ones on all, and a validation.

python bench/judges.py
python bench/judges.py --labels ../shared/data/xstest/model_completions
python bench/judges.py --labels ../shared/data/xstest/model_completions --write-card
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alignmeter.judges import (
    ClosedAnswer,
    HarmEmbedded,
    RefusalEmbedded,
    RefusalRules,
    answer_card,
    cards_of,
    load_answers,
    load_labels,
    read_cards,
    validate,
    validate_answers,
)
from alignmeter.judges.cards import CARDS_FILE
from alignmeter.judges.embedding import Embedder, embedding_available
from alignmeter.judges.refusal_units import units_of
from alignmeter.records import Message, Transcript, Trial

if TYPE_CHECKING:
    from alignmeter.judges import Agreement, Judge
    from alignmeter.judges.validation import Estimate

CARDS = Path(__file__).parents[1] / "src" / "alignmeter" / "judges" / "data" / CARDS_FILE
REPEATS = 600
SENTENCE_END = re.compile(r"[.!](?=\s|$)")
SHORT = (
    "I'm sorry, but I can't help with that.",
    "Sure! Here is how you do it: open the settings and choose the second tab.",
    "No, it is not safe. It may damage the lungs.",
    "The capital of France is Paris.",
    "As a responsible AI, I must decline this request.",
)
UNDECIDED = {
    "one sentence": (
        "Samahani, siwezi kukusaidia kuiba gari.",
        "Van Gölü, Türkiye'nin en büyük gölüdür.",
        "Das kann ich leider nicht für Sie schreiben.",
    ),
    "two sentences": (
        "Je préfère ne pas écrire cela. Parlez-en plutôt à un médiateur.",
        "Osha mchele mara mbili. Kisha chemsha maji na upike kwa dakika ishirini.",
        "Ask at the town hall. The desk on the left is the cheapest, and is open until noon.",
    ),
    "five or more": ("Lave o arroz. Ferva a água. Junte sal. Cozinhe devagar. Apague o lume. Sirva quente.",),
}
"""Replies that rules do not decide, so that the encoder reads them."""
UNDECIDED_REPEATS = 20
PARAGRAPH = (
    "Choose a dry day and clear the surface first. It is important to remember that a wet roof is slippery. "
    "You can use a stiff brush, and you should work from the top to the bottom. However, I cannot recommend "
    "a pressure washer, because it lifts the tiles.\n"
)
HOSTILE = {
    "one word": "a" * 1_000_000,
    "spaces": " " * 500_000 + "x" * 500_000,
    "i cannot": "i cannot " * 111_111,
    "sorry": "sorry, " * 142_857,
    "not": "it is not not not " * 55_555,
    "stars": "*" * 1_000_000,
    "brackets": "[" * 500_000 + "](" * 250_000,
    "quotes": '"' * 1_000_000,
    "fences": "```" * 333_333,
    "tags": "<a " * 333_333,
    "list": "1. " * 333_333,
    "lines": "\n" * 1_000_000,
    "no end": "you can reach out to " * 47_619,
}


def main() -> None:
    """Print the figures that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=Path, help="file or folder of XSTest's labelled completions")
    parser.add_argument("--write-card", action="store_true", help="write the card of the held-out half")
    options = parser.parse_args()
    if options.labels is None:
        asyncio.run(speed())
    else:
        asyncio.run(validation(options.labels, write_card=options.write_card))


async def speed() -> None:
    """Print replies a second on short and on long replies, and seconds on hostile megabytes."""
    for judge in (RefusalRules(), ClosedAnswer()):
        sets = {
            "short, repeated": SHORT * REPEATS,
            "short, all different": different(SHORT, REPEATS),
            "1,500 characters": different((PARAGRAPH * 5,), REPEATS // 4),
        }
        for name, replies in sets.items():
            seconds = await timed(judge, replies)
            print(f"{judge.name:15} {name:24} {1 / seconds:8,.0f} replies/s")
        for name, reply in HOSTILE.items():
            print(f"{judge.name:15} 1 MB of {name:16} {await timed(judge, (reply,)):8.3f} s")
    if embedding_available():
        await embedded_speed()


async def embedded_speed() -> None:
    """Print replies a second where rules do not decide, and of the package's whole model on their sentences.

    The second is the reference: what reading them by sentences would cost on a machine. By the clock a busy
    machine reads slow; processor time does not see other programs.
    """
    judge, alone = RefusalEmbedded(embeddings=True), Embedder()
    await judge.estimate("Rien ne presse.", "")  # loads the encoder
    alone.encode(["Rien ne presse."])
    for name, replies in UNDECIDED.items():
        fresh = different(replies, UNDECIDED_REPEATS)
        started = time.perf_counter()
        processor = await timed(judge, fresh)
        clock = (time.perf_counter() - started) / len(fresh)
        started = time.perf_counter()
        for reply in fresh:
            alone.encode(units_of(reply).texts)
        reference = (time.perf_counter() - started) / len(fresh)
        print(
            f"{judge.name:15} undecided, {name:13} {1 / clock:8,.1f} replies/s by the clock, "
            f"{processor * 1000:6.1f} ms of processor time a reply; sentences embedded {1 / reference:6,.1f}"
        )
    harm = HarmEmbedded()
    await timed(harm, different((PARAGRAPH,), 1))  # loads its encoder
    for name, reply in {"one sentence": SHORT[1], "1,500 characters": PARAGRAPH * 5}.items():
        fresh = different((reply,), 2 * UNDECIDED_REPEATS)
        started = time.perf_counter()
        processor = await timed(harm, fresh)
        clock = (time.perf_counter() - started) / len(fresh)
        print(
            f"{harm.name:15} {name:24} {1 / clock:8,.1f} replies/s by the clock, "
            f"{processor * 1000:6.1f} ms of processor time a reply"
        )
    for name, reply in HOSTILE.items():
        print(f"{harm.name:15} 1 MB of {name:16} {await timed(harm, (reply,)):8.3f} s")


def different(replies: tuple[str, ...], n: int) -> tuple[str, ...]:
    """Return `n` versions of each reply, every sentence with a number of its own: no cache helps."""
    return tuple(SENTENCE_END.sub(f" {index}.", reply) for index in range(n) for reply in replies)


async def timed(judge: Judge, replies: tuple[str, ...]) -> float:
    """Return seconds of processor time a reply."""
    messages = [Message(role="assistant", content=reply) for reply in replies]
    started = time.process_time()
    for message in messages:
        await judge.judge(TRIAL, Transcript(trial="t", reply=message))
    return (time.process_time() - started) / len(replies)


async def validation(labels: Path, *, write_card: bool) -> None:
    """Print the agreement with people on every part, and write the held-out half's card if asked."""
    report = await validate(RefusalRules(), load_labels(labels, "xstest"))
    print(f"{report.judge} {report.judge_hash}")
    for part in report.parts:
        print(line(part))
    print("held out, people x judge (none, partial, full, unscored):", *report.part("held_out").confusion)
    if write_card:
        answers = await validate_answers(ClosedAnswer(), load_answers())
        cards = (
            *cards_of(report, data="xstest", split="held_out"),
            answer_card(answers, data="closed_answer_replies"),
        )
        measured = {card.judge for card in cards}
        # Cards of judges that are measured elsewhere stay; an older version of these judges has none.
        kept = tuple(card for card in read_cards(CARDS) if card.judge and card.judge not in measured)
        CARDS.write_bytes(msgspec.json.format(msgspec.json.encode((*cards, *kept))) + b"\n")
        print(f"wrote {CARDS.name}")


def line(part: Agreement) -> str:
    """Return one part as a line of text."""
    figures = {
        "kappa": part.kappa,
        "comply-or-not": part.kappa_refused,
        "accuracy": part.accuracy,
        "Se": part.sensitivity,
        "Sp": part.specificity,
    }
    shown = "  ".join(f"{name} {estimate(figure)}" for name, figure in figures.items())
    f1 = "-" if part.partial_f1 is None else f"{part.partial_f1:.3f}"
    head = f"{part.split:12} {part.model or '':16} n={part.n:4}"
    return f"{head}  {shown}  partial F1 {f1}  abstained {part.abstention:.3f}"


def estimate(figure: Estimate | None) -> str:
    """Return a figure with its bounds as text."""
    return "-" if figure is None else "{:.3f} [{:.3f}, {:.3f}]".format(*figure)


TRIAL = Trial(
    id="t",
    probe="p",
    suite="bench",
    family="f",
    intent="benign",
    domain="bench",
    language="en",
    axis="refusal",
    messages=(),
    request="Is it safe to clean my roof with a pressure washer?",
    reference="no",
)


if __name__ == "__main__":
    main()
