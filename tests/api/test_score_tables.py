"""CSV files of mean scores: what is read, and what is refused with file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

import alignmeter
from alignmeter.api import read_scores
from alignmeter.errors import InputError
from alignmeter.records import DomainScores, MeanScore

EXAMPLE = Path(__file__).parents[2] / "examples" / "tax_scores.csv"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "scores.csv"


def _complaint(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_scores(file)
    assert raised.value.exit_code == 2
    message = str(raised.value)
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


def test_the_example_is_the_published_table() -> None:
    report = alignmeter.tax_scores(EXAMPLE)

    assert len(report.taxes) == 10
    assert {tax.base_source for tax in report.taxes} == {"published"}
    assert report.exit_code == 1
    assert alignmeter.tax_scores(read_scores(EXAMPLE)) == report


def test_every_optional_column_is_read(file: Path) -> None:
    file.write_text(
        "\ufeffdomain , base,dpo,n,n_dpo,max,chance,base_source\r\n"
        '"law, civil", 0.8,0.7,500,400,1,0.25,Proxy\r\n'
        "\r\n"
        "code,71,70,,,,,\r\n",
        encoding="utf-8",
    )

    table = read_scores(file)

    assert table.variants == ("dpo",)
    assert table.domains == (
        DomainScores(
            domain="law, civil",
            base=MeanScore(value=0.8, n=500),
            variants=(MeanScore(value=0.7, n=400),),
            base_source="proxy",
            maximum=1,
            chance=0.25,
        ),
        DomainScores(domain="code", base=MeanScore(value=71), variants=(MeanScore(value=70),)),
    )


def test_items_and_a_score_above_ten_mean_a_maximum_of_one_hundred(file: Path) -> None:
    file.write_text("domain,base,dpo,n\nlaw,71,9,50\n", encoding="utf-8")

    (row,) = read_scores(file).domains

    assert (row.maximum, row.assumed_maximum) == (100, True)
    assert any("Read as scores out of 100" in note for note in alignmeter.tax_scores(file).notes)


def test_items_of_the_variants_alone_need_no_maximum(file: Path) -> None:
    file.write_text("domain,base,dpo,n_dpo\nlaw,7.1,6.9,50\n", encoding="utf-8")

    assert alignmeter.tax_scores(file).taxes[0].interval is None


@pytest.mark.parametrize("scores", ["0.8,0.7", "8.2,7.1", "110,90"])
def test_items_without_a_maximum_that_could_be_told_are_refused(file: Path, scores: str) -> None:
    said = _complaint(file, f"domain,base,dpo,n\nlaw,{scores},50\n")
    assert said.startswith("line 2, column 'max': expected the best possible score")


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("", "line 1", "an empty file"),
        ("\n \n", "line 1", "an empty file"),
        ("domain,base,dpo\n", "line 2", "got no row"),
        ("area,base,dpo\na,1,1\n", "line 1", "expected a column 'domain'"),
        ("domain;base;dpo\na;1;1\n", "line 1", "separated by commas, got 'domain;base;dpo'"),
        ("domain,dpo\na,1\n", "line 1", "expected a column 'base'"),
        ("domain,base,n\na,1,5\n", "line 1", "at least one variant"),
        ("domain,base,dpo,dpo\na,1,1,1\n", "line 1, column 3", "a name of its own, got 'dpo'"),
        ("domain,base,,dpo\na,1,1,1\n", "line 1, column 3", "a name of its own, got ''"),
        ("domain,base,dpo,n_rlhf\na,1,1,5\n", "line 1, column 'n_rlhf'", "got 'rlhf' after n_"),
        ("domain,base,dpo\na,1\n", "line 2", "expected 3 cells as in line 1, got 2"),
        ("domain,base,dpo\n,1,1\n", "line 2, column 'domain'", "the name of a domain"),
        ("domain,base,dpo\na,1,1\nb,1,1\na,1,1\n", "line 4, column 'domain'", "also at line 2"),
        ("domain,base,dpo\na,1,good\n", "line 2, column 'dpo'", "got 'good'"),
        ("domain,base,dpo\na,,1\n", "line 2, column 'base'", "expected a number such as 71.5"),
        ("domain,base,dpo\na,nan,1\n", "line 2, column 'base'", "got 'nan'"),
        ("domain,base,dpo\na,1_0,1\n", "line 2, column 'base'", "got '1_0'"),
        ("domain,base,dpo,notes\na,1,1,fine\n", "line 2, column 'notes'", "is a variant"),
        ("domain,base,dpo\na,1,-1\n", "line 2, column 'dpo'", "at least 0"),
        ("domain,base,dpo,max\na,7,11,10\n", "line 2, column 'dpo'", "at most 10, the maximum, got '11'"),
        ("domain,base,dpo,max\na,7,6,0\n", "line 2, column 'max'", "above 0, got '0'"),
        ("domain,base,dpo,n\na,70,60,0\n", "line 2, column 'n'", "whole number of items"),
        ("domain,base,dpo,n_dpo\na,70,60,9.5\n", "line 2, column 'n_dpo'", "got '9.5'"),
        ("domain,base,dpo,max,chance\na,7,6,10,10\n", "line 2, column 'chance'", "below the maximum"),
        ("domain,base,dpo,base_source\na,7,6,rumour\n", "line 2, column 'base_source'", "got 'rumour'"),
        ('domain,base,dpo\na,"1,1\n', "line 2", "well-formed CSV"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused_where_it_stands(
    file: Path, text: str, where: str, why: str
) -> None:
    said = _complaint(file, text)
    assert said.startswith(f"{where}: "), said
    assert why in said, said


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: expected a readable file"):
        read_scores(tmp_path / "none.csv")
    latin = tmp_path / "latin.csv"
    latin.write_bytes("domain,base,dpo\nm\xe9decine,1,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="expected UTF-8 text, got byte 17"):
        read_scores(latin)


def test_a_score_of_guessing_needs_the_maximum_as_items_do(file: Path) -> None:
    file.write_text("domain,base,dpo,chance\nlaw,26,24,25\n", encoding="utf-8")

    (tax,) = alignmeter.tax_scores(file).taxes

    assert (tax.not_estimable, tax.relative, tax.flag) == ("no_headroom", None, "undecided")
    said = _complaint(file, "domain,base,dpo,chance\nlaw,0.8,0.7,0.25\n")
    assert said.startswith("line 2, column 'max': expected the best possible score")


@pytest.mark.parametrize(("scores", "column"), [("0.8,72", "base"), ("72,0.8", "dpo"), ("1,10.5", "base")])
@pytest.mark.parametrize("n", ["", "50"])
def test_shares_beside_percentages_are_refused(file: Path, scores: str, column: str, n: str) -> None:
    said = _complaint(file, f"domain,base,dpo,n\nlaw,{scores},{n}\n")

    assert said.startswith(f"line 2, column '{column}': expected scores of one scale"), said


@pytest.mark.parametrize("row", ["law,72,0,", "law,72,0.8,100", "law,8.2,0.9,"])
def test_a_score_of_nothing_and_a_small_one_of_a_known_maximum_are_read(file: Path, row: str) -> None:
    file.write_text(f"domain,base,dpo,max\n{row}\n", encoding="utf-8")

    assert alignmeter.tax_scores(file).taxes[0].flag == "above"


def test_an_empty_score_of_a_variant_was_not_measured_and_the_others_are(file: Path) -> None:
    file.write_text(
        "domain,base,a,b,n,max\nmmlu,80,79,79,5000,100\nmedqa,70,,69,5000,100\n", encoding="utf-8"
    )
    alone = file.with_name("alone.csv")
    alone.write_text("domain,base,b,n,max\nmmlu,80,79,5000,100\nmedqa,70,69,5000,100\n", encoding="utf-8")

    report = alignmeter.tax_scores(file)

    assert {(tax.domain, tax.variant): tax.flag for tax in report.taxes} == {
        ("mmlu", "a"): "within",
        ("mmlu", "b"): "within",
        ("medqa", "a"): "unmeasured",
        ("medqa", "b"): "within",
    }
    (gap,) = (tax for tax in report.taxes if tax.flag == "unmeasured")
    assert (gap.score, gap.absolute, gap.relative, report.exit_code) == (None, None, None, 4)
    assert any("Not measured, because the table has no score: medqa (a)." in note for note in report.notes)
    assert not any("No interval and no test" in note for note in report.notes)
    assert report.variants[1] == alignmeter.tax_scores(alone).variants[0]


def test_a_flag_goes_before_a_score_that_is_not_there_and_that_before_what_is_undecided(file: Path) -> None:
    file.write_text("domain,base,a,b\nmmlu,80,50,79\nmedqa,70,,65\n", encoding="utf-8")
    assert alignmeter.tax_scores(file).exit_code == 1

    file.write_text("domain,base,a,n,max\nmmlu,80,73,30,100\nmedqa,70,,30,100\n", encoding="utf-8")
    assert alignmeter.tax_scores(file).exit_code == 4


def test_a_base_score_must_be_there(file: Path) -> None:
    assert "line 2, column 'base': expected a number" in _complaint(file, "domain,base,a\nmmlu,,50\n")
