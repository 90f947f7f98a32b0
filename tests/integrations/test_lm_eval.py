"""Results of lm-evaluation-harness 0.4.13, as its command line wrote them."""

from __future__ import annotations

import json
import math
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.analysis.pairing import pair_items
from alignmeter.errors import InputError
from alignmeter.integrations import ReadOptions, read_item_scores
from alignmeter.integrations.base import mean_by_domain
from alignmeter.integrations.csv_scores import write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integrations.conftest import Lines, LmEvalFolder


def test_a_folder_holds_all_tasks_as_domains(lm_eval: LmEvalFolder) -> None:
    scores = read_item_scores(lm_eval.path)

    assert (scores.model, scores.source) == ("SmolLM2-135M-Instruct.Q4_1", "lm-eval")
    assert {one.domain for one in scores.items} == {"word_problems", "closed_facts"}
    assert scores.metric == {
        "word_problems": "exact_match, strict-match",
        "closed_facts": "exact_match, first-word",
    }


def test_the_printed_score_is_the_mean_of_the_items(lm_eval: LmEvalFolder) -> None:
    scores = read_item_scores(lm_eval.path)
    printed = json.loads(lm_eval.results.read_text(encoding="utf-8"))["results"]

    assert scores.reported["closed_facts"] == printed["closed_facts"]["exact_match,first-word"] == 0.625
    assert mean_by_domain(scores.items) == pytest.approx(scores.reported)


def test_the_filter_is_the_first_listed_and_said_or_the_one_asked_for(lm_eval: LmEvalFolder) -> None:
    first = read_item_scores(lm_eval.path)
    asked = read_item_scores(lm_eval.path, options=ReadOptions(filters=("flexible-extract",)))

    assert first.notes == (
        "word_problems: the filter strict-match is read, the first listed; --filter chooses another "
        "(flexible-extract).",
    )
    assert asked.notes == ()
    assert asked.metric["word_problems"] == "exact_match, flexible-extract"
    assert asked.metric["closed_facts"] == "exact_match, first-word"
    assert first.scorers["word_problems"] != asked.scorers["word_problems"]


def test_each_item_keeps_its_id_content_and_prompt(lm_eval: LmEvalFolder) -> None:
    (first, *_) = [one for one in read_item_scores(lm_eval.path).items if one.domain == "closed_facts"]
    sample = json.loads(lm_eval.samples("closed_facts").read_text(encoding="utf-8").splitlines()[0])

    assert first.item == "0"
    assert first.family == sample["doc_hash"]
    assert first.prompt == sample["prompt_hash"]
    assert len(first.version) == 64


def test_provenance_is_kept(lm_eval: LmEvalFolder) -> None:
    stated = read_item_scores(lm_eval.path).provenance

    assert stated["harness"] == "lm-eval 0.4.13"
    assert stated["date"].startswith("20")
    assert stated["version of word_problems"] == "1.0"
    assert stated["shots of closed_facts"] == "0"
    assert "num_concurrent=1" in stated["model arguments"]
    assert stated["chat template"] == "of the endpoint"


def test_a_results_file_and_a_file_of_samples_are_read_as_well(lm_eval: LmEvalFolder) -> None:
    whole = read_item_scores(lm_eval.path)

    assert read_item_scores(lm_eval.results).items == whole.items
    alone = read_item_scores(lm_eval.samples("closed_facts"))
    assert alone.items == tuple(one for one in whole.items if one.domain == "closed_facts")
    assert alone.reported == {"closed_facts": 0.625}


def test_samples_alone_have_no_printed_score_and_say_so(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval
    folder.results.unlink()

    scores = read_item_scores(folder.samples("closed_facts"))

    assert (scores.reported, len(scores.items)) == ({}, 8)
    assert "nothing says whether more exact_match is better" in scores.notes[0]
    assert "no results file beside the samples" in scores.notes[1]
    with pytest.raises(InputError, match=r"expected a results_\*\.json beside the samples"):
        read_item_scores(folder.path)


def test_two_runs_pair_by_item_and_another_system_prompt_does_not(lm_eval: LmEvalFolder) -> None:
    base = read_item_scores(lm_eval.path)
    warm = read_item_scores(lm_eval.path.parent / "lm_eval_warm")
    told = read_item_scores(lm_eval.path.parent / "lm_eval_system")

    (facts,) = pair_items(base, warm).domains
    assert (facts.domain, len(facts.pairs)) == ("closed_facts", 8)
    with pytest.raises(InputError, match="same text for an item, got 8 that differ"):
        pair_items(base, told)
    assert pair_items(base, told, prompts="any").versioned == 8


def test_two_filters_are_two_ways_of_scoring_and_leave_the_other_tasks_comparable(
    lm_eval: LmEvalFolder,
) -> None:
    one = read_item_scores(lm_eval.path)
    two = read_item_scores(lm_eval.path, options=ReadOptions(filters=("flexible-extract",)))

    why = {domain.domain: domain.invalid for domain in pair_items(one, two).domains}
    assert "different metrics, 'exact_match, strict-match' and 'exact_match, flexible" in why["word_problems"]
    assert not why["closed_facts"]


@pytest.mark.parametrize(
    "shown", ["<function build_predictions at {}>", "functools.partial(<bound method A.b of <A at {}>>, k=1)"]
)
def test_where_a_filter_lay_in_memory_is_no_setting(broken_lm_eval: LmEvalFolder, shown: str) -> None:
    folder = broken_lm_eval

    def scorer(filter_fn: str) -> str:
        # `lm_eval run` writes a function of a task file down as Python shows it.
        def change(document: dict[str, Any]) -> None:
            steps = [{"function": "custom", "filter_fn": filter_fn}]
            document["configs"]["closed_facts"]["filter_list"] = [{"name": "first-word", "filter": steps}]

        folder.edit_results(change)
        return read_item_scores(folder.path).scorers["closed_facts"]

    assert scorer(shown.format("0x7f11aa22bb33")) == scorer(shown.format("0x000001D0C0FFEE00"))
    assert scorer(shown.format("0x7f11aa22bb33")) != scorer("<function another at 0x7f11aa22bb33>")


def test_a_changed_score_is_found_by_the_printed_mean(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval

    def flip(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines[0]["exact_match"] = 1.0 - lines[0]["exact_match"]
        return lines

    folder.edit_samples("closed_facts", flip)

    with pytest.raises(InputError, match=r"mean of the items to be the source's own 0\.625, got 0\.(5|75);"):
        read_item_scores(folder.path)


def test_missing_lines_and_missing_files_are_found(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval
    folder.edit_samples("closed_facts", lambda lines: lines[:-1])

    with pytest.raises(
        InputError, match=r"expected 8 samples of task 'closed_facts' .* got 7; the file is cut"
    ):
        read_item_scores(folder.path)
    folder.samples("closed_facts").unlink()
    with pytest.raises(
        InputError, match="one file of samples of task 'closed_facts' beside it, got none; run"
    ):
        read_item_scores(folder.path)


def test_a_choice_of_samples_is_read_where_the_printed_mean_and_error_are_theirs(
    broken_lm_eval: LmEvalFolder,
) -> None:
    folder, places = broken_lm_eval, (1, 2, 5, 7)
    folder.edit_samples("closed_facts", lambda lines: [lines[place] for place in places])
    scores = [line["exact_match"] for line in folder.lines("closed_facts")]
    assert len(set(scores)) == 2
    printed = {
        "exact_match,first-word": fmean(scores),
        "exact_match_stderr,first-word": stdev(scores) / math.sqrt(4),
    }
    folder.edit_results(lambda document: document["results"]["closed_facts"].update(printed))

    read = read_item_scores(folder.path)

    assert [one.item for one in read.items if one.domain == "closed_facts"] == ["1", "2", "5", "7"]
    assert any("4 of 8 samples were run, as --samples does" in note for note in read.notes)
    # Twice the samples with the same mean have another error: the file is cut.
    folder.edit_results(
        lambda document: document["results"]["closed_facts"].update(
            {"exact_match_stderr,first-word": stdev(scores * 2) / math.sqrt(8)}
        )
    )
    with pytest.raises(InputError, match="got 4; the file is cut or mixed"):
        read_item_scores(folder.path)


@pytest.mark.parametrize(("places", "read"), [((1, 5), True), ((0, 1), False)])
def test_samples_of_one_score_are_a_choice_where_they_are_not_the_first(
    broken_lm_eval: LmEvalFolder, places: tuple[int, int], read: bool
) -> None:
    folder = broken_lm_eval
    folder.edit_samples(
        "closed_facts", lambda lines: [lines[place] | {"exact_match": 1.0} for place in places]
    )
    printed = {"exact_match,first-word": 1.0, "exact_match_stderr,first-word": 0.0}
    folder.edit_results(lambda document: document["results"]["closed_facts"].update(printed))

    if read:
        assert read_item_scores(folder.path).reported["closed_facts"] == 1
    else:
        with pytest.raises(InputError, match="got 2; the file is cut or mixed"):
            read_item_scores(folder.path)


def test_a_torn_line_is_named(broken_lm_eval: LmEvalFolder) -> None:
    path = broken_lm_eval.samples("closed_facts")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) - 40], encoding="utf-8")

    with pytest.raises(InputError, match=r"line 8: expected JSON, got .*is the file whole\?"):
        read_item_scores(path)


def test_names_that_are_not_there_are_refused_with_what_is(lm_eval: LmEvalFolder) -> None:
    for options, said in (
        (
            ReadOptions(filters=("lenient",)),
            r"a filter .*\(first-word, flexible-extract, strict-match\), got 'lenient'",
        ),
        (ReadOptions(metrics=("acc",)), r"a metric that is there \(exact_match\), got 'acc'"),
        (
            ReadOptions(domains=("gsm8k",)),
            r"a task that is there \(closed_facts, word_problems\), got 'gsm8k'",
        ),
        (ReadOptions(model="gpt"), r"one of its models \('SmolLM2-135M-Instruct.Q4_1'\), got 'gpt'"),
        (
            ReadOptions(epochs="mean"),
            r"expected options that lm-eval results have a use for .*, got epochs 'mean'",
        ),
    ):
        with pytest.raises(InputError, match=said):
            read_item_scores(lm_eval.path, options=options)


def test_one_task_alone_is_read(lm_eval: LmEvalFolder) -> None:
    scores = read_item_scores(lm_eval.path, options=ReadOptions(domains=("closed_facts",)))

    assert {one.domain for one in scores.items} == {"closed_facts"}


def test_a_family_is_read_from_the_item(lm_eval: LmEvalFolder) -> None:
    scores = read_item_scores(lm_eval.path, options=ReadOptions(domains=("closed_facts",), family="answer"))

    assert {one.family for one in scores.items} == {"yes", "no"}
    with pytest.raises(InputError, match="to have a field 'passage' that names its family, got none"):
        read_item_scores(lm_eval.path, options=ReadOptions(family="passage"))


def test_the_same_task_twice_must_be_chosen(broken_lm_eval: LmEvalFolder, lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval
    for path in lm_eval.path.parent.joinpath("lm_eval_warm").iterdir():
        (folder.path / path.name).write_bytes(path.read_bytes())

    with pytest.raises(
        InputError, match=r"expected one result of 'closed_facts', got one in .* name the file"
    ):
        read_item_scores(folder.path)


def test_a_key_in_the_model_arguments_is_blotted_out(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval

    def add(document: dict[str, Any]) -> None:
        document["config"]["model_args"]["api_key"] = "sk-very-secret"
        document["config"]["model_args"]["tokenizer"] = "gpt2"

    folder.edit_results(add)

    arguments = read_item_scores(folder.path).provenance["model arguments"]

    assert "sk-very-secret" not in arguments
    assert "api_key=***" in arguments
    assert "tokenizer=gpt2" in arguments


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exact_match": [1, 0]}, "expected a number as 'exact_match' of the item, got '\\[1, 0\\]'"),
        ({"exact_match": 37.5}, "expected a score from 0 to 1, got 37.5; state the best possible score"),
        ({"doc_id": None, "exact_match": None}, "expected a number as 'exact_match'"),
    ],
)
def test_what_is_no_score_of_an_item_is_refused(
    broken_lm_eval: LmEvalFolder, change: dict[str, Any], said: str
) -> None:
    folder = broken_lm_eval
    folder.edit_samples("closed_facts", lambda lines: [lines[0] | change, *lines[1:]])

    with pytest.raises(InputError, match=said):
        read_item_scores(folder.path)


def test_a_score_of_nan_is_unscored(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval
    folder.edit_samples(
        "closed_facts",
        lambda lines: [lines[0] | {"exact_match": float("nan")}, *lines[1:]],
    )
    folder.edit_results(lambda document: document["results"].pop("word_problems"))
    folder.edit_results(
        lambda document: document["results"]["closed_facts"].update({"exact_match,first-word": 5 / 7}),
    )

    first = read_item_scores(folder.path).items[0]

    assert (first.score, first.unscored) == (None, "the harness scored it NaN")


def test_a_metric_of_which_less_is_better_is_refused(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval
    folder.edit_results(
        lambda document: document["higher_is_better"]["closed_facts"].update(exact_match=False),
    )

    with pytest.raises(InputError, match="'closed_facts' of which more is better, got 'exact_match'"):
        read_item_scores(folder.path)


def test_a_score_that_is_no_mean_of_items_is_not_checked_but_said(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval

    def change(document: dict[str, Any]) -> None:
        document["configs"]["closed_facts"]["metric_list"][0]["aggregation"] = "f1"
        document["results"]["closed_facts"]["exact_match,first-word"] = 0.4

    folder.edit_results(change)

    scores = read_item_scores(folder.path)

    assert "closed_facts" not in scores.reported
    assert "the harness prints 0.4, which it does not say is a mean" in scores.notes[-1]


def test_guessing_among_options_is_known_for_multiple_choice(broken_lm_eval: LmEvalFolder) -> None:
    folder = broken_lm_eval

    def change(document: dict[str, Any]) -> None:
        document["configs"]["closed_facts"] |= {
            "output_type": "multiple_choice",
            "metric_list": [{"metric": "acc"}],
        }
        printed = document["results"]["closed_facts"]
        printed["acc,none"] = printed.pop("exact_match,first-word")

    folder.edit_results(change)

    def ask(lines: Lines) -> Lines:
        return [
            {key: value for key, value in line.items() if key != "exact_match"}
            | {"acc": line["exact_match"], "filter": "none", "metrics": ["acc"]}
            | {"arguments": {f"gen_args_{n}": {} for n in range(4 if number else 2)}}
            for number, line in enumerate(lines)
        ]

    folder.edit_samples("closed_facts", ask)

    scores = read_item_scores(folder.path)

    assert scores.chance == {"closed_facts": pytest.approx((0.5 + 7 * 0.25) / 8)}
    assert scores.metric["closed_facts"] == "acc"

    def limit(document: dict[str, Any]) -> None:
        del document["results"]["word_problems"], document["results"]["closed_facts"]["acc,none"]
        document["n-samples"]["closed_facts"]["effective"] = 4

    folder.edit_results(limit)
    folder.edit_samples("closed_facts", lambda lines: lines[:4])
    few = read_item_scores(folder.path)
    write_csv(few, folder.path / "few.csv")

    assert few.chance == {"closed_facts": pytest.approx((0.5 + 3 * 0.25) / 4)}
    for other in (few, read_item_scores(folder.path / "few.csv")):
        facts = pair_items(scores, other).domains[0]
        assert (facts.shared, facts.chance, facts.invalid) == (
            4,
            pytest.approx(few.chance["closed_facts"]),
            "",
        )


@pytest.mark.parametrize(
    ("doc", "chance", "said"),
    [
        ({"mc2_targets": {"labels": [1, 1, 1, 0]}}, {"closed_facts": 0.75}, "guessing scores 0.75"),
        ({"question": "?"}, {}, "the score of guessing is not known and counts as 0"),
    ],
)
def test_guessing_is_not_one_option_where_the_task_scores_by_a_function_of_its_own(
    broken_lm_eval: LmEvalFolder, doc: dict[str, Any], chance: dict[str, float], said: str
) -> None:
    folder = broken_lm_eval

    def change(document: dict[str, Any]) -> None:
        document["configs"]["closed_facts"] |= {
            "output_type": "multiple_choice",
            "metric_list": [{"metric": "acc"}],
            "process_results": "def process_results_mc2(doc, results): ...",
        }
        printed = document["results"]["closed_facts"]
        printed["acc,none"] = printed.pop("exact_match,first-word")

    folder.edit_results(change)
    folder.edit_samples(
        "closed_facts",
        lambda lines: [
            {key: value for key, value in line.items() if key != "exact_match"}
            | {"acc": line["exact_match"], "filter": "none", "metrics": ["acc"], "doc": doc}
            | {"arguments": {f"gen_args_{n}": {} for n in range(4)}}
            for line in lines
        ],
    )

    scores = read_item_scores(folder.path)

    assert scores.chance == chance
    assert said in scores.notes[-1]


def test_results_that_a_program_wrote_down_with_their_samples_are_read(
    lm_eval: LmEvalFolder, tmp_path: Path
) -> None:
    document = json.loads(lm_eval.results.read_text(encoding="utf-8"))
    document["samples"] = {
        task: [json.loads(line) for line in lm_eval.samples(task).read_text(encoding="utf-8").splitlines()]
        for task in ("word_problems", "closed_facts")
    }
    (tmp_path / "mine.json").write_text(json.dumps(document), encoding="utf-8")

    assert read_item_scores(tmp_path / "mine.json").items == read_item_scores(lm_eval.path).items


def test_results_state_what_was_asked_and_lone_samples_do_not(
    lm_eval: LmEvalFolder, broken_lm_eval: LmEvalFolder
) -> None:
    assert set(read_item_scores(lm_eval.path).stated) == {"closed_facts", "word_problems"}

    broken_lm_eval.results.unlink()
    assert read_item_scores(broken_lm_eval.samples("closed_facts")).stated == ()
