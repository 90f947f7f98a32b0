"""Scores of items in a CSV file."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.analysis.pairing import pair_items
from alignmeter.api.tax_sources import merged
from alignmeter.errors import InputError
from alignmeter.integrations import ReadOptions, read_item_scores, write_csv
from alignmeter.records import ItemScores, ScoredItem

if TYPE_CHECKING:
    from pathlib import Path


def file(folder: Path, text: str, name: str = "dpo.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_three_columns_are_enough(tmp_path: Path) -> None:
    path = file(tmp_path, "item,domain,score\nq1,law,1\nq2,law,0.25\n\nq1,art,\n")

    scores = read_item_scores(path)

    assert (scores.model, scores.source, scores.origin) == ("dpo", "csv", str(path))
    assert [(one.item, one.domain, one.family, one.score) for one in scores.items] == [
        ("q1", "law", "q1", 1.0),
        ("q2", "law", "q2", 0.25),
        ("q1", "art", "q1", None),
    ]
    assert scores.items[2].unscored == "the file has no score"


def test_all_columns_are_kept_and_others_are_named(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        "domain,item,score,family,model,version,prompt,metric,refused,max,chance,text\n"
        "law,q1,8,f,m,v1,p1,grade,TRUE,10,2.5,hello\nlaw,q2,5,f,m,v2,p2,,no,10,,there\n",
    )

    scores = read_item_scores(path)

    first, second = scores.items
    assert (first.score, first.family, first.version, first.prompt, first.refused) == (
        0.8,
        "f",
        "v1",
        "p1",
        True,
    )
    assert second.refused is False
    assert (scores.model, scores.metric, scores.chance) == ("m", {"law": "grade"}, {"law": 0.25})
    assert (first.chance, second.chance) == (0.25, None)
    assert scores.notes == ("Columns that are not read: text.",)


def test_one_model_is_chosen_where_there_are_several(tmp_path: Path) -> None:
    path = file(tmp_path, "item,domain,score,model\nq1,law,1,base\nq1,law,0,dpo\n")

    assert read_item_scores(path, options=ReadOptions(model="dpo")).items[0].score == 0.0
    with pytest.raises(
        InputError, match=r"one of its models \('base', 'dpo'\), got None; choose one with `model=`"
    ):
        read_item_scores(path)


def test_the_best_possible_score_is_given_for_all_or_in_a_row(tmp_path: Path) -> None:
    path = file(tmp_path, "item,domain,score,max\nq1,law,50,\nq2,law,1,4\n")

    scores = read_item_scores(path, options=ReadOptions(maximum=100))

    assert [one.score for one in scores.items] == [0.5, 0.25]


def test_domains_are_chosen(tmp_path: Path) -> None:
    path = file(tmp_path, "item,domain,score\nq1,law,1\nq1,art,0\n")

    assert {one.domain for one in read_item_scores(path, options=ReadOptions(domains=("art",))).items} == {
        "art"
    }
    with pytest.raises(InputError, match=r"expected a domain that is there \(art, law\), got 'music'"):
        read_item_scores(path, options=ReadOptions(domains=("art", "music")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "item,domain,score\nq1,law,5\n",
            r"line 2, column 'score': expected a score from 0 to 1, got 5.0; state the",
        ),
        ("item,domain,score\nq1,law,-1\n", r"expected a score from 0 to 1, got -1.0"),
        (
            "item,domain,score\nq1,law,good\n",
            r"line 2, column 'score': expected a number such as 0.5, .*got 'good'",
        ),
        ("item,domain,score\nq1,law,nan\n", r"expected a number such as 0.5, or nothing, got 'nan'"),
        ("item,domain,score\nq1,law,1_0\n", r"got '1_0'"),
        ("item,domain,score\n,law,1\n", r"line 2, column 'item': expected the name of the item, got ''"),
        ("item,domain,score\nq1,,1\n", r"column 'domain'"),
        ("item,domain,score\nq1,law\n", r"line 2: expected 3 cells as in line 1, got 2"),
        ("item,domain,score\n", r"expected at least one item, got none"),
        ("item,domain,score,score\nq1,law,1,1\n", r"column 3: expected a name of its own, got 'score' again"),
        ("item,domain,score,refused\nq1,law,1,maybe\n", r"column 'refused': expected true, false or nothing"),
        ("item,domain,score,max\nq1,law,1,0\n", r"column 'max': expected the best possible score, above 0"),
        ("item,domain,score,max\nq1,law,5,4\n", r"a score from 0 to 4, got 5.0; correct the maximum"),
        (
            "item,domain,score,metric\nq1,law,1,f1\nq2,law,1,em\n",
            r"line 3, column 'metric': expected one for all",
        ),
        ("item,domain,score,chance\nq1,law,1,1\n", r"column 'chance': expected the score of guessing"),
        ('item,domain,score\n"q1,law,1\n', r"expected well-formed CSV"),
    ],
)
def test_bad_cells_are_one_sentence_that_names_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        read_item_scores(file(tmp_path, text), format="csv")
    assert "\n" not in str(raised.value)


def test_a_file_of_other_columns_or_bytes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"line 1: expected the columns item, domain, score, got name, score"
    ):
        read_item_scores(file(tmp_path, "name,score\na,1\n"), format="csv")
    (tmp_path / "latin.csv").write_bytes("item,domain,score\né,law,1\n".encode("latin-1"))
    with pytest.raises(InputError, match="expected UTF-8 text, got byte 18 that is not"):
        read_item_scores(tmp_path / "latin.csv")


def test_a_mark_at_the_beginning_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes(b"\xef\xbb\xbfitem,domain,score\r\nq1,law,1\r\n")

    assert read_item_scores(tmp_path / "s.csv").items[0].score == 1.0


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    text = (
        "item,domain,score,family,model,version,prompt,metric,refused,chance\n"
        'q1,law,0.1,"a, b",m,v,p,f1,true,0.25\nq2,law,,f,m,,,f1,,0.25\n'
    )
    scores = read_item_scores(file(tmp_path, text))

    write_csv(scores, tmp_path / "copy.csv")

    copy = read_item_scores(tmp_path / "copy.csv")
    assert copy == msgspec.structs.replace(
        scores,
        origin=str(tmp_path / "copy.csv"),
        provenance={"file": "copy.csv", "measured by": "csv", "read from": str(tmp_path / "dpo.csv")},
    )
    with pytest.raises(InputError, match="in a folder that exists"):
        write_csv(scores, tmp_path / "no" / "copy.csv")


def test_a_row_says_what_was_scored_by_whom_on_which_scale_and_where_it_was(tmp_path: Path) -> None:
    write_csv(_of_a_run("judge one"), tmp_path / "s.csv")

    first, second = csv.DictReader((tmp_path / "s.csv").open(encoding="utf-8"))
    assert (first["metric"], first["score"], first["max"], first["model"]) == ("compliance", "0.5", "1", "m")
    assert (first["scored_by"], first["scorer"], first["asked"]) == ("alignmeter", "judge one", "2")
    assert (first["source"], first["origin"]) == ("run", "runs/m")
    assert (second["score"], second["unscored"]) == ("", "timeout")


def test_scores_that_may_not_be_paired_are_not_paired_after_they_were_written(tmp_path: Path) -> None:
    for judge in ("judge one", "judge two"):
        write_csv(_of_a_run(judge), tmp_path / f"{judge}.csv")
    one, two = (read_item_scores(tmp_path / f"{judge}.csv") for judge in ("judge one", "judge two"))

    (domain,) = pair_items(one, two).domains

    assert "scored differently, by 'judge one' and by 'judge two'" in domain.invalid
    assert merged("m", (one, _of_a_run("x", domain="art"))).scorer_of("law") == "alignmeter"


def test_what_a_source_did_not_ask_is_not_missing_after_it_was_written(tmp_path: Path) -> None:
    whole = _of_a_run("judge")
    few = msgspec.structs.replace(whole, items=whole.items[:1])
    for name, scores in (("whole", whole), ("few", few)):
        write_csv(scores, tmp_path / f"{name}.csv")
    read = [read_item_scores(tmp_path / f"{name}.csv") for name in ("whole", "few")]

    assert [one.stated for one in read] == [("law",), ("law",)]
    assert [one.absent_other for one in pair_items(*read).domains] == [0]


def test_rows_that_were_taken_out_of_a_written_file_are_missing(tmp_path: Path) -> None:
    write_csv(_of_a_run("judge"), tmp_path / "whole.csv")
    lines = (tmp_path / "whole.csv").read_text(encoding="utf-8").splitlines()
    cut = read_item_scores(file(tmp_path, "\n".join(lines[:2]), "cut.csv"))

    (domain,) = pair_items(read_item_scores(tmp_path / "whole.csv"), cut).domains

    assert (cut.stated, domain.absent_other) == ((), 1)


def test_a_number_of_items_asked_that_is_none_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "item,domain,score,asked\nq1,law,1,maybe\n")

    with pytest.raises(InputError, match=r"line 2, column 'asked': expected the items asked of this domain"):
        read_item_scores(path)


def _of_a_run(judge: str, domain: str = "law") -> ItemScores:
    return ItemScores(
        model="m",
        source="run",
        origin="runs/m",
        items=(
            ScoredItem(item="q1", family="q1", domain=domain, score=0.5),
            ScoredItem(item="q2", family="q2", domain=domain, score=None, unscored="timeout"),
        ),
        metric={domain: "compliance"},
        scored_by="alignmeter",
        scorers={domain: judge},
        stated=(domain,),
    )
