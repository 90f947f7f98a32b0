"""Answers that are numbers: read exactly, or the row is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.records import NumberCheck
from alignmeter.suites.importing.numbers import is_plain_number, number_of

if TYPE_CHECKING:
    from conftest import Importing, Made

TASK = {"kind": "number", "answer": {"column": "answer"}}


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1234", 1234),
        ("007", 7),
        (" 5. ", 5),
        (".5", 0.5),
        ("-0.25", -0.25),
        ("\u22127", -7),
        ("2.5e3", 2500),
        ("1e-7", 1e-7),
        ("9007199254740993", 9007199254740993),
        ("12345678901234567890123", 12345678901234567890123),
        ("1,234", 1234),
        ("12,345,678.5", 12345678.5),
        ("12,34,567", 1234567),
        ("1 234", 1234),
        ("1\u202f234\u202f567", 1234567),
        ("1_000", 1000),
        ("$1,200.50", 1200.5),
        ("-$5", -5),
        ("$-5", -5),
        ("5 €", 5),
        ("50%", 50),
    ],
)
def test_given_a_cell_with_a_number_when_read_then_it_is_that_number(cell: str, number: float) -> None:
    found = number_of(cell)
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize(
    "cell",
    ["", "-", ".", "$", "3,14", "0,125", "1,2,3", "1,000,00", "1,234 567", "1 2", "--5", "nan", "inf",
     "1e999", "12345678901234567.5", "1/2", "12 apples"],
)  # fmt: skip
def test_given_a_cell_without_a_number_that_can_be_told_when_read_then_it_is_none(cell: str) -> None:
    assert number_of(cell) is None
    assert not is_plain_number(cell)


def test_given_numbers_with_units_or_spaces_when_asked_then_they_are_not_plain() -> None:
    assert [text for text in ("5", "-1,234.5", "$5", "5%", "1 234") if is_plain_number(text)] == [
        "5",
        "-1,234.5",
    ]


def test_given_large_whole_numbers_when_imported_then_they_are_compared_exactly(
    made: Made, importing: Importing
) -> None:
    built = made(
        'text,answer\na?,9007199254740993\nb?,"1,250.5"\n', fields={"intent": {"value": "benign"}}, task=TASK
    )
    checks = [probe.check for probe in importing.probes(built)]
    assert checks == [NumberCheck(answer=9007199254740993), NumberCheck(answer=1250.5, tolerance=1e-6)]


def test_given_a_decimal_comma_when_imported_then_its_row_is_named(made: Made) -> None:
    with pytest.raises(InputError, match=r"row 1 \(line 2\).*expected a number such as 1234.*got '3,14'"):
        made('text,answer\na?,"3,14"\n', fields={"intent": {"value": "benign"}}, task=TASK)
