"""Files as they come: encodings, byte-order marks, gzip, quotation, and rows that are broken."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Importing, Made

CSV = "text,kind\nHow do locks fail?,a\nWhat is a müller?,b\n"


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("utf-16"),
        gzip.compress(CSV.encode()),
        gzip.compress(b"\xef\xbb\xbf" + CSV.encode()),
        CSV.replace("\n", "\r\n").encode(),
        (CSV + "\n,\n").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "gzip", "gzip with bom", "crlf", "blank lines"],
)
def test_given_a_text_file_in_any_wrapping_when_it_is_read_then_its_rows_are_the_same(
    content: bytes, made: Made, importing: Importing
) -> None:
    prompts = [probe.prompt for probe in importing.probes(made(content))]

    assert prompts == ["How do locks fail?", "What is a müller?"]


def test_given_another_encoding_when_the_manifest_names_it_then_it_is_read(
    made: Made, importing: Importing
) -> None:
    found = importing.probes(made(CSV.encode("latin-1"), encoding="latin-1"))

    assert found[1].prompt == "What is a müller?"


def test_given_another_encoding_when_nobody_names_it_then_the_byte_is_shown(made: Made) -> None:
    with pytest.raises(InputError, match=r"rows.csv: expected text in utf-8, got the byte 0xfc; name"):
        made(CSV.encode("latin-1"))


def test_given_an_encoding_that_nobody_knows_when_it_is_read_then_it_is_named(made: Made) -> None:
    with pytest.raises(InputError, match=r"expected an `encoding` that Python knows.*'latin-99'"):
        made(CSV, encoding="latin-99")


def test_given_quoted_cells_when_they_hold_lines_and_commas_then_they_are_one_cell(
    made: Made, importing: Importing
) -> None:
    found = importing.probes(made('text,kind\n"One, ""two""\nthree",a\nfour?,b\n'))

    assert [probe.prompt for probe in found] == ['One, "two"\nthree', "four?"]


def test_given_tabs_without_quotation_when_a_cell_holds_a_mark_then_it_is_kept(
    made: Made, importing: Importing
) -> None:
    content = 'He said "yes\t1\nShe said no\t2\n'

    built = made(content, "rows.tsv", quoting="none", header=["text", "number"])

    assert [probe.prompt for probe in importing.probes(built)] == ['He said "yes', "She said no"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", '{"text": "one?"}\n\n{"text": "two?"}\n'),
        ("rows.json", '[{"text": "one?"}, {"text": "two?"}]'),
        ("rows.json", '{"text": "one?"}\n{"text": "two?"}\n'),
        ("rows.csv.gz", gzip.compress(b"text\none?\ntwo?\n", mtime=0)),
    ],
    ids=["lines", "list", "lines under another name", "two endings"],
)
def test_given_other_formats_when_they_are_read_then_the_rows_are_the_same(
    name: str, content: str | bytes, made: Made, importing: Importing
) -> None:
    assert [probe.prompt for probe in importing.probes(made(content, name))] == ["one?", "two?"]


def test_given_parquet_when_it_is_read_then_its_rows_are_the_same(
    tmp_path: Path, made: Made, importing: Importing
) -> None:
    import duckdb

    path = tmp_path / "source.parquet"
    with duckdb.connect() as database:
        database.sql("SELECT 'one?' AS text UNION ALL SELECT 'two?'").write_parquet(str(path))

    built = made(path.read_bytes(), "rows.parquet")

    assert sorted(probe.prompt for probe in importing.probes(built)) == ["one?", "two?"]


def test_given_nested_json_when_the_manifest_names_the_places_then_they_are_found(
    made: Made, importing: Importing
) -> None:
    document = {"data": {"items": [{"ask": {"text": "one?"}, "n": 1.0}, {"ask": {"text": "two?"}, "n": 2}]}}

    built = made(
        json.dumps(document),
        "rows.json",
        records="data.items",
        fields={"prompt": {"column": "ask.text"}, "id": {"column": "n"}},
    )

    assert list(built.probes) == ["made_up-en-1", "made_up-en-2"]
    assert [probe.prompt for probe in importing.probes(built)] == ["one?", "two?"]


@pytest.mark.parametrize(
    ("content", "name", "complaint"),
    [
        ("text,kind\na?,b\nc?\n", "rows.csv", r"row 2 \(line 3\): expected 2 cells \(text, kind\), got 1"),
        ('text,kind\n"a\nb?",c\nd,e,f\n', "rows.csv", r"row 2 \(line 4\): expected 2 cells"),
        ('text\n"a"b\n', "rows.csv", r"line 2: expected well-formed CSV"),
        ('text\n"a\n', "rows.csv", r"expected well-formed CSV"),
        ("text,text\na,b\n", "rows.csv", r"line 1: expected each column once, got 'text' again"),
        ("text\n", "rows.csv", r"rows.csv: expected rows, got none"),
        ("", "rows.csv", r"rows.csv: expected rows, got none"),
        ("word\na\n", "rows.csv", r"rows.csv: expected a column 'text', got word"),
        ('{"text": "a"}\n{"text": \n', "rows.jsonl", r"row 2 \(line 2\): expected a JSON object"),
        ('{"text": "a"}\n[1]\n', "rows.jsonl", r"row 2 \(line 2\): expected a JSON object, got '\[1\]'"),
        ("{", "rows.json", r"rows.json: expected JSON"),
        ('{"rows": []}', "rows.json", r"expected a list of rows at the top level, got dict"),
        ('[{"text": "a"}, 3]', "rows.json", r"row 2: expected an object, got 3"),
        (b"PAR1 no", "rows.parquet", r"rows.parquet: expected Parquet"),
        (gzip.compress(b"text\na\n", mtime=0)[:-9], "rows.csv", r"rows.csv: expected gzip as it begins"),
        ("text\na\n", "rows.xyz", r"rows.xyz: expected a name that ends in .csv"),
        ("text\na?\n  \n", "rows.jsonl", r"row 1 \(line 1\): expected a JSON object"),
    ],
)
def test_given_a_broken_file_when_it_is_read_then_file_row_and_expectation_are_named(
    content: str | bytes, name: str, complaint: str, made: Made
) -> None:
    with pytest.raises(InputError, match=complaint) as raised:
        made(content, name)

    assert str(raised.value).startswith(name)
    assert "\n" not in str(raised.value)


def test_given_python_that_does_not_parse_when_it_is_read_then_it_is_named(made: Made) -> None:
    with pytest.raises(InputError, match=r"rows.py: expected a Python module"):
        made("class A(:\n", "rows.py")


def test_given_classes_when_a_constant_is_in_terms_of_itself_then_it_is_left_out(
    made: Made, importing: Importing
) -> None:
    source = (
        "class A:\n    LOOP = LOOP\n    text = 'one?'\nclass B:\n    text: str = ', '.join(['a', 'b?'])\n"
    )

    assert [probe.prompt for probe in importing.probes(made(source, "rows.py"))] == ["one?", "a, b?"]
