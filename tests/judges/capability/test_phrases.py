"""Short answers against replies: what is another way to write it, and what is another answer."""

from __future__ import annotations

import pytest

from alignmeter.judges.capability.finding import Finding
from alignmeter.judges.capability.phrases import check_text
from alignmeter.judges.capability.spans import plain
from alignmeter.judges.capability.words import folded
from alignmeter.records import TextCheck

SAME = [
    # spelling
    ("Canberra", "canberra."),
    ("Canberra", "**Canberra**"),
    ("Canberra", "“Canberra”"),
    ("Canberra", "'Canberra'"),
    ("Canberra", "Canberra- the capital of Australia."),
    ("Canberra", "> Canberra"),
    ("Canberra", "<answer>Canberra</answer>"),
    ("São Paulo", "Sao Paulo"),
    ("the Netherlands", "Netherlands"),
    ("well-known", "well known"),
    ("don't", "don\u2019t"),
    ("R&D", "R and D"),
    ("not covered", "Not covered."),
    ("Portrait of a Lady", "The Portrait of A Lady"),
    ("Hepatitis A", "It is hepatitis A."),
    ("vitamin A", "Vitamin A, because it is stored in the liver."),
    # numbers
    ("5%", "5 %"),
    ("5%", "5 percent"),
    ("5%", "5 per cent."),
    ("5%", "5.0%"),
    ("5%", "$5\\%$"),
    ("5%", "**5%**"),
    ("0.5%", ".5 %"),
    ("-5%", "-5 %"),
    ("-5%", "\u22125%"),
    ("-5%", "\u20135%"),
    ("-5%", "minus 5 percent"),
    ("-5%", "The premium changes by -5%."),
    ("-5%", "Answer: **-5%**"),
    ("-5%", "$-5\\%$"),
    ("+5%", "5%"),
    ("5%", "+5 %"),
    ("1.5 km", "1.5 km."),
    ("1.5 km", "1.5km"),
    ("1,5 km", "1.5 km"),
    ("1.5 km", "1,5 km"),
    ("1,3", "1, 3"),
    ("1,234 km", "1234 km"),
    ("1 234 km", "1,234 km"),
    ("1.234.567 km", "1 234 567 km"),
    ("2024-01-31", "2024/01/31."),
    ("31.01.2024", "31-01-2024"),
    ("10-20", "10\u201320"),
    ("20-30 EUR", "20 to 30 EUR"),
    ("-40 °C", "minus 40 degrees Celsius"),
    ("37.5 °C", "37,5°C"),
    ("p<0.05", "p < .05"),
    ("1/2", "½"),
    ("m²", "m^2"),
    ("H2O", "H₂O"),
    ("x²", "$x^{2}$"),
    ("√2", r"\(\sqrt{2}\)"),
    ("√2", r"\boxed{\sqrt{2}}"),
    # money
    ("$20", "20 dollars"),
    ("$20", "The fee is $20."),
    ("$20", "**$20.00**"),
    ("$20", "USD 20"),
    ("$20", "\\$20"),
    ("$-20", "-$20"),
    ("-20 EUR", "-€20"),
    ("-20 EUR", "-20 euros"),
    ("-20 EUR", "EUR -20"),
    ("20 €", "20€"),
    ("1,234.50 EUR", "€1234.5"),
    ("£5", "5 pounds"),
    ("$5 million", "5 million dollars"),
    # comparisons
    (">50", "> 50"),
    (">50", "&gt; 50"),
    (">50", "more than 50"),
    (">50", "It must be over 50."),
    (">50", "$>50$"),
    ("more than 50", ">50"),
    ("≥50", ">= 50"),
    ("≥50", "at least 50"),
    ("≥50", "no less than 50"),
    ("≤50", "\\leq 50"),
    ("≤50", "no more than 50"),
    ("<5%", "less than 5 percent"),
    ("±5", "+/- 5"),
    ("x > y", "x>y"),
    # names
    ("C++", "C++."),
    ("C++", "`C++`"),
    ("C++", "It is written in C++ (1998)."),
    ("C++", "C++17"),
    ("C++", "C plus plus"),
    ("C#", "C\\#"),
    ("C#", "C sharp"),
    ("F♯", "F#"),
    ("A+", "A+ is the rating."),
    ("A+", "'A+'"),
    ("A+", "A plus"),
    ("A-", "The rating is A-."),
    ("A-", "A minus"),
    ("AA-", "**AA-**"),
    ("Na+", "Na⁺"),
    ("18+", "18+"),
    ("Disney+", "Disney Plus"),
    (".NET", ".NET"),
]
OTHER = [
    ("-5%", "5%"),
    ("-5%", "+5%"),
    ("-5%", "5 percent"),
    ("5%", "-5%"),
    ("5%", "minus 5%"),
    ("5%", "negative 5 percent"),
    ("5%", "$-5\\%$"),
    ("5%", "15%"),
    ("5%", "5.5%"),
    ("5%", "0.5%"),
    ("5%", "5‰"),
    ("5%", "5 EUR"),
    ("-20 EUR", "20 EUR"),
    ("20 EUR", "-20 EUR"),
    ("20 EUR", "20 USD"),
    ("20 EUR", "$20"),
    ("20 EUR", "120 EUR"),
    ("20 EUR", "1,020 EUR"),
    ("$20", "€20"),
    ("$20", "-$20"),
    ("$-20", "$20"),
    ("€ 5", "$ 5"),
    ("$5", "$5 million"),
    ("$5", "$5.50"),
    (">50", "<50"),
    (">50", "50"),
    (">50", "≥50"),
    (">50", "less than 50"),
    (">50", "no more than 50"),
    (">50", "not more than 50"),
    ("≥50", "at most 50"),
    ("≤50", "≥50"),
    ("5 km", ">5 km"),
    ("±5", "-5"),
    ("x > y", "x < y"),
    ("x+1", "x-1"),
    ("p<0.05", "p > 0.05"),
    ("-40 °C", "40 °C"),
    ("O-", "O+"),
    ("2x", "-2x"),
    ("$1.2M", "$1.2B"),
    ("-x", "x"),
    ("C++", "C"),
    ("C", "C++"),
    ("C", "C#"),
    ("C#", "C"),
    ("C#", "C++"),
    ("F#", "F"),
    ("A+", "A"),
    ("A+", "A-"),
    ("A-", "A"),
    ("A", "A-"),
    ("A", "A+"),
    ("AA-", "AA"),
    ("Na+", "Na"),
    ("18+", "18"),
    ("18 years", "18+ years"),
    ("Hepatitis A", "Hepatitis B"),
    ("vitamin A", "Vitamin D."),
    ("5 km", "5.5 km"),
    ("5 km", "1.5 km"),
    ("1.5 km", "15 km"),
    ("1.5", "1-5"),
    ("1,5", "15"),
    ("345 km", "12 345 km"),
    ("10-20", "1020"),
    ("1/2", "1-2"),
    ("10²", "102"),
    ("1½ cups", "11/2 cups"),
    ("√2", "2"),
    ("Section 5.2", "Section 5"),
    ("Section 5", "Section 5.2"),
    ("not covered", "covered"),
    ("covered", "not covered"),
]


def score(answer: str, reply: str) -> float:
    found = check_text(TextCheck(answers=(answer,)), reply)
    assert isinstance(found, Finding)
    return found.score


@pytest.mark.parametrize(("answer", "reply"), SAME)
def test_another_way_to_write_an_answer_is_right(answer: str, reply: str) -> None:
    assert score(answer, reply) == 1.0


@pytest.mark.parametrize(("answer", "reply"), OTHER)
def test_another_sign_number_unit_or_symbol_is_another_answer(answer: str, reply: str) -> None:
    assert score(answer, reply) == 0.0


@pytest.mark.parametrize("answer", sorted({answer for pair in (*SAME, *OTHER) for answer in pair[:1]}))
def test_an_answer_given_to_the_letter_is_right_in_every_frame(answer: str) -> None:
    for frame in (
        "{}",
        "{}.",
        "Answer: {}",
        "The answer is {}.",
        "**{}**",
        '"{}"',
        "`{}`",
        "It is {}, I think.",
    ):
        assert score(answer, frame.format(answer)) == 1.0, frame


def test_what_is_to_be_copied_to_the_letter_keeps_its_signs() -> None:
    check = TextCheck(answers=("a > b, -5%",), exact=True)

    found = [check_text(check, reply) for reply in ("A > b, -5 %", "a < b, -5%", "a > b, 5%")]

    assert [one.score for one in found if isinstance(one, Finding)] == [1.0, 0.0, 0.0]


def test_dollars_are_money_unless_they_enclose_maths() -> None:
    assert plain("from $5 to $10").split() == ["from", "$5", "to", "$10"]
    assert plain("so $x = 5$ and $$ 7 $$, or \\$20").split() == [
        "so",
        "x",
        "=",
        "5",
        "and",
        "7",
        ",",
        "or",
        "$20",
    ]


def test_a_long_text_is_folded_in_time() -> None:
    for piece in ("1,", "5 000 ", "- ", "<", "$", "a+", "((", "5/", "-5% "):
        folded(piece * 30_000)
