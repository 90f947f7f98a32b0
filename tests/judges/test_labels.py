"""Reading human labels from files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.errors import InputError
from alignmeter.judges import load_labels, shipped_labels
from alignmeter.judges.labels import CLASSES, LabelAxis, parse_pairs

if TYPE_CHECKING:
    from pathlib import Path

XSTEST_HEADER = "id,prompt,completion,final_label\n"


def test_given_xstest_rows_when_read_then_labels_split_and_model_are_ours(tmp_path: Path) -> None:
    path = tmp_path / "xstest_v2_completions_modelx.csv"
    path.write_text(
        XSTEST_HEADER
        + "v2-1,Ask one,Gladly,1_full_compliance\n"
        + 'v2-2,Ask two,"No,\nnever",2_full_refusal\n'
        + "v2-3,Ask three,A bit,3_partial_refusal\n",
        encoding="utf-8",
    )
    replies = load_labels(path, "xstest")
    assert [reply.label for reply in replies] == ["none", "full", "partial"]
    assert [reply.split for reply in replies] == ["development", "held_out", "development"]
    assert {reply.model for reply in replies} == {"modelx"}
    assert replies[1].reply == "No,\nnever"


def test_given_a_folder_when_read_then_all_its_csv_files_count(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.csv").write_text("prompt,reply,label\nAsk,Sure,none\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not labels", encoding="utf-8")
    assert [reply.model for reply in load_labels(tmp_path, "csv")] == ["a", "b"]


def test_given_a_byte_order_mark_when_read_then_the_first_column_is_found(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("prompt,reply,label\nAsk,Jamás,full\n", encoding="utf-8-sig")
    (reply,) = load_labels([path], "csv")
    assert (reply.prompt, reply.reply, reply.label, reply.split) == ("Ask", "Jamás", "full", "all")


@pytest.mark.parametrize(
    ("content", "format_", "words"),
    [
        (b"prompt,reply\nA,B\n", "csv", ["line 1", "'label'", "prompt, reply"]),
        (
            b"prompt,reply,label\nA,B,refused\n",
            "csv",
            ["line 2", "'label'", "full, partial, none", "'refused'"],
        ),
        (b"prompt,reply,label\nA,B\n", "csv", ["line 2", "'label'", "short row"]),
        (b'prompt,reply,label\nA,"B,full\n', "csv", ["well-formed CSV"]),
        (b"prompt,reply,label\nA,\xff\xfe,full\n", "csv", ["UTF-8", "byte"]),
        (b"prompt,reply,label\n", "csv", ["at least one row"]),
        (b"", "csv", ["'prompt'", "an empty file"]),
        (XSTEST_HEADER.encode() + b"v2-x,A,B,2_full_refusal\n", "xstest", ["line 2", "'id'", "'v2-x'"]),
        (
            XSTEST_HEADER.encode() + b"v2-1,A,B,refusal\n",
            "xstest",
            ["final_label", "2_full_refusal", "'refusal'"],
        ),
    ],
)
def test_given_a_faulty_file_when_read_then_the_error_says_where_and_what(
    tmp_path: Path, content: bytes, format_: str, words: list[str]
) -> None:
    path = tmp_path / "faulty.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_labels(path, "xstest" if format_ == "xstest" else "csv")
    message = str(caught.value)
    assert "\n" not in message
    assert "faulty.csv" in message
    assert all(word in message for word in words), message


def test_given_no_such_path_or_an_empty_folder_when_read_then_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such path"):
        load_labels(tmp_path / "absent.csv", "csv")
    with pytest.raises(InputError, match=r"\.csv files"):
        load_labels(tmp_path, "csv")


def test_given_gptfuzz_rows_when_read_then_replies_to_one_question_are_one_cluster(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("question,Response,label\n7,Surely not.,0\n7,Step 1.,1\n", encoding="utf-8")
    first, second = load_labels(path, "gptfuzz")
    assert (first.label, second.label) == ("none", "delivered")
    assert first.id == second.id == "question-7"
    assert (first.axis, first.intent, first.attack, first.prompt) == (
        "harm",
        "harmful",
        "jailbreak_template",
        "",
    )


def test_given_halueval_lines_when_read_then_yes_is_incorrect_and_confidence_is_not_known(
    tmp_path: Path,
) -> None:
    path = tmp_path / "general_data.json"
    rows = [
        {"ID": "1", "user_query": "Ask", "chatgpt_response": "A", "hallucination": "no"},
        {"ID": "2", "user_query": "Ask", "chatgpt_response": "B", "hallucination": "yes"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    replies = load_labels(path, "halueval")
    assert [reply.label for reply in replies] == ["correct", "incorrect"]
    assert {(reply.axis, reply.reference, reply.confidence) for reply in replies} == {
        ("factuality", None, None)
    }


def test_given_every_column_of_ours_when_read_then_each_is_kept(tmp_path: Path) -> None:
    row = {
        "prompt": "Ask", "reply": "Non.", "label": "full", "language": "FR", "attack": "suffix",
        "model": "m", "id": "p-1", "split": "held_out", "intent": "harmful", "hazard": "fraud",
    }  # fmt: skip
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(row) + "\n\n", encoding="utf-8")
    (reply,) = load_labels(path, "jsonl")
    assert (reply.language, reply.attack, reply.model, reply.id) == ("fr", "suffix", "m", "p-1")
    assert (reply.split, reply.intent, reply.hazard) == ("held_out", "harmful", "fraud")


def test_given_an_id_in_place_of_an_empty_prompt_when_read_then_it_is_the_prompts(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("id,prompt,reply,label\nq-7,,No.,full\n,Ask,Yes.,none\n", encoding="utf-8")
    assert [(reply.id, reply.prompt) for reply in load_labels(path, "csv")] == [("q-7", ""), ("Ask", "Ask")]


def test_given_columns_and_words_of_the_user_when_mapped_then_they_become_ours(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text("question,answer,human\nAsk,No.,refused\nAsk,Yes.,complied\n", encoding="utf-8")
    replies = load_labels(
        path,
        "csv",
        columns=parse_pairs(["prompt=question,reply=answer", "label=human"], "--columns"),
        labels_map=parse_pairs(["refused=full, complied=none"], "--labels-map"),
    )
    assert [(reply.prompt, reply.reply, reply.label) for reply in replies] == [
        ("Ask", "No.", "full"),
        ("Ask", "Yes.", "none"),
    ]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("{", {}, ["line 1", "JSON object"]),
        ('{"prompt": "A", "reply": "B"}', {}, ["line 1", "'label'", "prompt, reply"]),
        ('{"prompt": "A", "reply": ["B"], "label": "full"}', {}, ["line 1", "'reply'", "text", "list"]),
        (
            '{"prompt": "A", "reply": "B", "label": "delivered"}',
            {},
            ["line 1", "'label'", "full, partial, none"],
        ),
        (
            '{"prompt": "A", "reply": "B", "label": "full", "split": "train"}',
            {},
            ["'split'", "held_out", "'train'"],
        ),
        (
            '{"prompt": " ", "reply": "B", "label": "full"}',
            {},
            ["line 1", "'prompt'", "a prompt, or its id in the column 'id'", "neither"],
        ),
        ('{"a": 1}', {"columns": {"question": "a"}}, ["`columns=`", "'question'", "prompt"]),
        ('{"a": 1}', {"labels_map": {"no": "refused"}}, ["`labels_map=`", "'no'", "'refused'"]),
        ('{"a": 1}', {"axis": "taste"}, ["axis of labels", "'taste'"]),
        (
            '{"prompt": "A", "reply": "B", "label": "full"}',
            {"columns": {"attack": "way"}},
            ["line 1", "'way'"],
        ),
    ],
)
def test_given_a_faulty_json_file_when_read_then_the_error_says_where_and_what(
    tmp_path: Path, content: str, options: dict[str, Any], words: list[str]
) -> None:
    path = tmp_path / "faulty.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_labels(path, "jsonl", **options)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_given_a_published_set_when_told_of_another_axis_then_it_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "train.csv"
    path.write_text("question,Response,label\nseven,A,0\n", encoding="utf-8")
    with pytest.raises(InputError, match="labels of the axis harm, got `axis=refusal`"):
        load_labels(path, "gptfuzz", axis="refusal")
    with pytest.raises(InputError, match="`columns=` and `labels_map=` go with"):
        load_labels(path, "gptfuzz", columns={"prompt": "question"})
    with pytest.raises(InputError, match="line 2: column 'question': expected the number of a question"):
        load_labels(path, "gptfuzz")


@pytest.mark.parametrize("text", ["a", "a=", "=b", "a=b,a=c"])
def test_given_pairs_that_are_none_when_parsed_then_they_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--columns: expected"):
        parse_pairs([text], "--columns")


def test_the_replies_that_ship_are_labelled_on_their_axis_and_clustered_by_prompt() -> None:
    axes: tuple[LabelAxis, ...] = ("refusal", "factuality")
    for axis in axes:
        shipped = shipped_labels(axis)
        assert shipped.name
        assert {reply.axis for reply in shipped.replies} == {axis}
        assert {reply.label for reply in shipped.replies} <= set(CLASSES[axis])
    english = shipped_labels("refusal", ["en"]).replies
    assert {reply.language for reply in english} == {"en"}
    with pytest.raises(InputError, match="labelled replies for refusal ship in"):
        shipped_labels("refusal", ["xx"])
