"""Logs that Inspect 0.3.285 wrote for questions of our own, asked of an endpoint with scripted replies.

`tools/compare_harnesses/make_inspect_logs.py` makes them: every third reply is wrong, the last is none.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.analysis.pairing import pair_items
from alignmeter.errors import InputError
from alignmeter.integrations import ReadOptions, read_item_scores

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("inspect_ai", reason="the extra `inspect` is not installed")

NO_REPLY = {"message": "no reply", "traceback": "", "traceback_ansi": ""}
FACTS = ReadOptions(domains=("closed_facts",))
RIGHT = [1, 1, 0, 1, 1, 0, 1, 0]
"""Of the closed facts: the third and sixth reply are wrong, the last is no answer."""


@pytest.fixture
def edited(inspect_epochs: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """Makes a copy of the `.json` log, changed."""

    def edit(change: Callable[[dict[str, Any]], object]) -> Path:
        document = json.loads(inspect_epochs.read_text(encoding="utf-8"))
        change(document)
        path = tmp_path / "log.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return edit


def test_a_folder_holds_all_tasks_as_domains_with_the_printed_scores(inspect_logs: Path) -> None:
    scores = read_item_scores(inspect_logs)

    assert (scores.model, scores.source) == ("openai-api/local/scripted", "inspect")
    counts = {domain: sum(one.domain == domain for one in scores.items) for domain in scores.metric}
    assert counts == {"word_problems": 10, "closed_facts": 8}
    assert scores.reported == {"word_problems": pytest.approx(0.6), "closed_facts": pytest.approx(5 / 8)}
    assert set(scores.metric.values()) == {"pattern"}
    assert scores.notes == ()


def test_each_item_has_the_score_that_its_reply_got(inspect_logs: Path) -> None:
    scores = read_item_scores(inspect_logs, options=FACTS)

    assert [one.score for one in scores.items] == RIGHT
    assert [one.item for one in scores.items] == [str(number) for number in range(1, 9)]
    assert len({one.version for one in scores.items}) == len({one.prompt for one in scores.items}) == 8


def test_provenance_is_kept(inspect_logs: Path) -> None:
    stated = read_item_scores(inspect_logs, options=FACTS).provenance

    assert stated["harness"] == "Inspect 0.3.285"
    assert stated["version of closed_facts"] == "1"
    assert "temperature=0.0" in stated["generation"]
    assert stated["solver of closed_facts"] == "generate"
    assert stated["status of closed_facts"] == "success"


def test_epochs_are_members_of_one_family_or_the_log_s_own_mean(inspect_epochs: Path) -> None:
    members = read_item_scores(inspect_epochs)
    reduced = read_item_scores(inspect_epochs, options=ReadOptions(epochs="mean"))

    assert len(members.items) == 16
    assert {one.family for one in members.items} == {str(number) for number in range(1, 9)}
    assert {one.item for one in members.items if one.family == "3"} == {"3", "3 (run 2)"}
    assert [one.score for one in reduced.items] == [0.5] * 7 + [0]  # the second epoch says the contrary
    assert members.reported == reduced.reported == {"closed_facts": pytest.approx(7 / 16)}
    with pytest.raises(InputError, match=r"a reducer of epochs that the log holds \(mean\).*got 'max'"):
        read_item_scores(inspect_epochs, options=ReadOptions(epochs="max"))


@pytest.mark.parametrize("epochs", [1, 2])
def test_ids_that_end_in_a_number_sign_are_samples_of_their_own(
    edited: Callable[[Callable[[dict[str, Any]], object]], Path], epochs: int
) -> None:
    # Like `owner/repo#123` of an agent benchmark, and like an epoch's own name.
    names = ["q", "q#2", "q#3", "repo#1", "repo#2", "repo#3", "other#1", "8"]

    def rename(document: dict[str, Any]) -> None:
        kept = [one for one in document["samples"] if one["epoch"] <= epochs]
        document["samples"] = [one | {"id": names[int(one["id"]) - 1]} for one in kept]
        document["eval"]["config"]["epochs"] = epochs
        (printed,) = document["results"]["scores"]
        for metric in printed["metrics"].values():
            metric["value"] = {1: sum(RIGHT) / 8, 2: 7 / 16}[epochs]

    scores = read_item_scores(edited(rename))

    assert len({one.item for one in scores.items}) == len(scores.items) == 8 * epochs
    assert {one.family for one in scores.items} == set(names)
    assert pair_items(scores, scores).shared == 8 * epochs


def test_the_same_items_of_two_logs_pair_and_other_content_does_not(
    inspect_logs: Path, edited: Callable[[Callable[[dict[str, Any]], object]], Path]
) -> None:
    base = read_item_scores(inspect_logs, options=FACTS)

    paired = pair_items(base, read_item_scores(edited(lambda _: None)))
    assert (paired.shared, paired.versioned) == (8, 8)

    def other_target(document: dict[str, Any]) -> None:
        document["samples"][0]["target"] = "perhaps"

    with pytest.raises(InputError, match="one version, got 1 whose content differs: 'closed_facts' '1'"):
        pair_items(base, read_item_scores(edited(other_target)))


def test_a_changed_score_is_found_by_the_printed_mean(
    edited: Callable[[Callable[[dict[str, Any]], object]], Path],
) -> None:
    def improve(document: dict[str, Any]) -> None:
        sample = next(one for one in document["samples"] if one["scores"]["pattern"]["value"] == "I")
        sample["scores"]["pattern"]["value"] = "C"

    with pytest.raises(InputError, match=r"the mean of the items to be the source's own 0\.4375"):
        read_item_scores(edited(improve))


def test_a_sample_that_failed_is_unscored_and_not_wrong(
    edited: Callable[[Callable[[dict[str, Any]], object]], Path],
) -> None:
    def fail(document: dict[str, Any]) -> None:
        document["status"] = "error"
        document["results"] = None
        document["samples"][0] |= {"error": NO_REPLY, "scores": {}}

    scores = read_item_scores(edited(fail))

    (failed,) = [one for one in scores.items if one.score is None]
    assert failed.unscored == "error: no reply"
    assert any("status is 'error'" in note for note in scores.notes)
    assert any("no accuracy or mean" in note for note in scores.notes)


def test_a_failed_sample_that_was_scored_all_the_same_counts_as_the_log_counts_it_and_that_is_said(
    edited: Callable[[Callable[[dict[str, Any]], object]], Path],
) -> None:
    def fail(document: dict[str, Any]) -> None:
        document["eval"]["config"]["score_on_error"] = True
        document["samples"][0]["error"] = NO_REPLY

    scores = read_item_scores(edited(fail))

    assert scores.reported == {"closed_facts": pytest.approx(7 / 16)}
    assert all(one.score is not None for one in scores.items)
    assert any("a score all the same (score_on_error): 1; it counts" in note for note in scores.notes)


def test_a_sample_that_failed_in_every_epoch_is_unscored_in_a_reduction_too(
    edited: Callable[[Callable[[dict[str, Any]], object]], Path],
) -> None:
    def fail(document: dict[str, Any]) -> None:
        for sample in document["samples"]:
            if str(sample["id"]) == "8":
                sample |= {"error": NO_REPLY, "scores": {}}
        (reduction,) = document["reductions"]
        reduction["samples"] = [one for one in reduction["samples"] if str(one["sample_id"]) != "8"]
        (printed,) = document["results"]["scores"]
        for metric in printed["metrics"].values():
            metric["value"] = 0.5

    scores = read_item_scores(edited(fail), options=ReadOptions(epochs="mean"))

    assert [(one.item, one.score) for one in scores.items] == [
        *((str(number), 0.5) for number in range(1, 8)),
        ("8", None),
    ]
    assert scores.items[-1].unscored == "error: no reply"


def test_a_value_that_is_no_number_is_refused(
    edited: Callable[[Callable[[dict[str, Any]], object]], Path],
) -> None:
    def grade(document: dict[str, Any]) -> None:
        document["samples"][0]["scores"]["pattern"]["value"] = "B+"

    with pytest.raises(InputError, match=r"expected a number, or C, P, I or N, from 'pattern', got .*B\+"):
        read_item_scores(edited(grade))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ReadOptions(metrics=("match",)), r"a scorer that is there \(pattern\), got 'match'"),
        (ReadOptions(domains=("law",)), r"a task that is there \(closed_facts, word_problems\), got 'law'"),
        (ReadOptions(model="gpt"), "gpt"),
        (ReadOptions(family="topic"), "expected metadata 'topic' that names its family"),
        (ReadOptions(filters=("strict",)), "options that inspect results have a use for"),
    ],
)
def test_names_that_are_not_there_are_refused_with_what_is(
    inspect_logs: Path, options: ReadOptions, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_item_scores(inspect_logs, options=options)


def test_a_torn_log_is_named(inspect_logs: Path, tmp_path: Path) -> None:
    (whole, *_) = sorted(inspect_logs.glob("*.eval"))
    torn = tmp_path / "torn.json"
    torn.write_text('{"version": 2, "status": "success", "eval": {}}', encoding="utf-8")

    with pytest.raises(InputError, match=r"torn\.json: expected an Inspect log that inspect-ai can read"):
        read_item_scores(torn)
    renamed = Path(shutil.copy(whole, tmp_path / "log.bin"))
    assert read_item_scores(renamed).source == "inspect"


def test_a_log_states_what_it_asked_unless_samples_are_gone_from_it(
    inspect_logs: Path, edited: Callable[[Callable[[dict[str, Any]], object]], Path]
) -> None:
    assert set(read_item_scores(inspect_logs).stated) == {"closed_facts", "word_problems"}

    def lose(document: dict[str, Any]) -> None:
        document["samples"] = document["samples"][:-1]
        document["results"]["scores"] = []

    assert read_item_scores(edited(lose)).stated == ()
