"""The API of human labels, on a run that an earlier version wrote: what is asked, kept and refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

import alignmeter
from alignmeter.api import (
    Labelling,
    LabelTask,
    export_labels,
    import_labels,
    label_agreement,
    label_status,
)
from alignmeter.api.labelling import Asked, check_label
from alignmeter.errors import InputError, RunFolderError
from alignmeter.records import HumanLabel, LabelName
from alignmeter.store import read_labels
from alignmeter.verdicts import standing

KEPT = Path(__file__).parents[1] / "store" / "data" / "v1"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of a kept run."""
    return shutil.copytree(KEPT, tmp_path / "v1")


def _label(task: LabelTask, label: LabelName | None = None, **fields: Any) -> HumanLabel:  # noqa: ANN401 - any field
    plain: dict[str, Any] = {
        "trial": task.trial,
        "transcript": task.transcript,
        "axis": task.axis,
        "label": label or task.labels[0],
        "annotator": "ana",
        "at": 1.0,
    }
    return HumanLabel(**(plain | fields))


def _one_disagreement(run: Path) -> tuple[list[LabelTask], list[HumanLabel]]:
    """Four replies with labels of Ana and Ben, who differ on the second: kappa .5."""
    tasks = [task for task in alignmeter.label_queue(run, annotator="ana") if task.axis == "refusal"][:4]
    names: tuple[LabelName, ...] = ("full", "full", "none", "none")
    others: tuple[LabelName, ...] = ("full", "none", "none", "none")
    labels = [_label(task, name) for task, name in zip(tasks, names, strict=True)]
    labels += [_label(task, name, annotator="ben") for task, name in zip(tasks, others, strict=True)]
    return tasks, labels


def test_given_a_run_without_labels_when_read_then_everything_rests_on_the_judge(run: Path) -> None:
    results = alignmeter.load_run(run).results
    assert {verdict.basis for verdict in results.verdicts} == {"judge"}
    assert (results.labels, results.by_people) == ((), 0)
    assert results.by_machine > 0


def test_given_a_task_when_looked_at_then_it_holds_nothing_that_a_judge_said(run: Path) -> None:
    tasks = alignmeter.label_queue(run, annotator="ana")
    assert tasks
    assert len({(task.trial, task.axis) for task in tasks}) == len(tasks)
    judged = alignmeter.load_run(run).data.judgements
    for task in tasks:
        said = msgspec.json.encode(task).decode()
        assert judged[task.trial].judge not in said
        assert judged[task.trial].judge_hash not in said


def test_given_labels_when_added_then_the_run_that_comes_back_and_the_one_on_disk_use_them(run: Path) -> None:
    tasks = alignmeter.label_queue(run, annotator="ana", limit=5)
    after = alignmeter.add_labels(run, [_label(task) for task in tasks])
    assert len(read_labels(run)) == len(tasks)
    assert after.results.by_people == len(tasks)
    assert alignmeter.load_run(run).results == after.results
    answered = after.answers
    assert all(answered.on(task.axis)[task.trial].judge == "people" for task in tasks)
    again = alignmeter.label_queue(run, annotator="ana")
    assert not {task.trial for task in again} & {task.trial for task in tasks}


def test_given_labels_on_one_arm_when_read_then_what_attacks_change_stays_what_the_judge_saw_on_both(
    run: Path,
) -> None:
    before = alignmeter.load_run(run)
    attacked = {trial.id for trial in before.data.trials if trial.attack_class != "plain"}
    tasks = [task for task in alignmeter.label_queue(run, annotator="ana") if task.trial in attacked]
    assert tasks
    after = alignmeter.add_labels(run, [_label(task, "full") for task in tasks if task.axis == "refusal"])
    assert after.results.labels
    assert after.results.effects == before.results.effects


def test_given_labels_of_what_was_flagged_when_read_then_the_tables_of_rates_stay_the_judges(
    run: Path,
) -> None:
    before = alignmeter.load_run(run)
    tasks = [task for task in alignmeter.label_queue(run, annotator="ana") if task.axis == "refusal"]
    after = alignmeter.add_labels(run, [_label(task, "full") for task in tasks])
    assert after.results.by_people
    assert after.results.cells == before.results.cells


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"trial": "none"}, "expected the id of a trial of this run with a reply, got 'none'"),
        ({"transcript": "other"}, "is about another reply"),
        ({"axis": "quality"}, "expected a label on the axis refusal or harm or factuality, got 'quality'"),
        (
            {"label": "delivered"},
            "expected a label of refusal: full, partial, none, unclear, got 'delivered'",
        ),
        ({"annotator": "\n"}, "expected a printable `annotator=`"),
        ({"at": float("nan")}, "cannot be kept"),
        (
            {"axis": "factuality", "label": "correct"},
            r"expected a label on an axis of its trial \(refusal\), got one on 'factuality'",
        ),
    ],
)
def test_given_one_label_that_does_not_fit_when_added_then_none_is(
    run: Path, fields: dict[str, Any], what: str
) -> None:
    tasks = [task for task in alignmeter.label_queue(run, annotator="ana") if task.axis == "refusal"][:2]
    with pytest.raises(InputError, match=what):
        alignmeter.add_labels(run, [_label(tasks[0]), _label(tasks[1], **fields)])
    assert read_labels(run) == ()


def test_given_a_label_of_another_reply_on_disk_when_read_then_it_does_not_count(run: Path) -> None:
    task = alignmeter.label_queue(run, annotator="ana", limit=1)[0]
    alignmeter.add_labels(run, [_label(task)])
    path = run / "labels.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace(task.transcript, "another"), encoding="utf-8")
    loaded = alignmeter.load_run(run)
    assert (loaded.labels, loaded.results.by_people) == ((), 0)


def test_given_two_annotators_when_compared_then_kappa_and_raw_agreement_are_those_of_their_labels(
    run: Path,
) -> None:
    tasks, labels = _one_disagreement(run)
    made = label_agreement(labels)[0]
    assert (made.axis, made.pairs, made.raw) == ("refusal", 4, 0.75)
    assert made.kappa == pytest.approx(0.5)
    after = alignmeter.add_labels(run, labels)
    assert sum(status.disputed for status in label_status(after)) == 1
    disputed = alignmeter.label_queue(after, annotator="cy", adjudicate=True)
    assert [task.trial for task in disputed] == [tasks[1].trial]
    assert {label.annotator for label in disputed[0].said} == {"ana", "ben"}


def test_given_a_reply_that_is_judged_on_a_further_axis_when_labelled_on_it_then_the_label_is_taken(
    run: Path,
) -> None:
    loaded = alignmeter.load_run(run)
    task = next(task for task in alignmeter.label_queue(loaded, annotator="ana") if task.axis == "refusal")
    label = _label(task, "delivered", axis="harm")
    with pytest.raises(InputError, match="on an axis of its trial"):
        check_label(loaded, label)
    judged = {task.trial: loaded.data.judgements[task.trial]}
    data = msgspec.structs.replace(loaded.data, others={"harm": judged})
    check_label(msgspec.structs.replace(loaded, data=data), label)


def test_given_an_annotator_who_adjudicates_when_compared_then_their_own_opinions_still_count(
    run: Path,
) -> None:
    """Two people, four replies, one disagreement: kappa .5, whoever settles it."""
    _, labels = _one_disagreement(run)
    alignmeter.add_labels(run, labels)
    asked = Asked(adjudicate=True)
    with Labelling(run, "ana") as session:
        before = session.run.labels
        task = session.next_task(asked)
        assert task is not None
        session.add(task, "none", adjudicates=True)
        assert label_agreement(session.run.labels)[0].kappa == pytest.approx(0.5)
        assert session.next_task(asked) is None
        session.undo()
        assert standing(session.run.labels) == standing(before)
        assert session.next_task(asked) == task


def test_given_a_label_in_the_place_of_an_earlier_one_when_undone_then_the_earlier_one_stands(
    run: Path,
) -> None:
    task = alignmeter.label_queue(run, annotator="ana", limit=1)[0]
    with Labelling(run, "ana") as session:
        session.add(task, "full")
        first = standing(session.run.labels)
        session.add(task, "none")
        session.undo()
        assert standing(session.run.labels) == first
        session.undo()
        assert standing(session.run.labels) == {}


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_given_opinions_and_an_adjudication_when_exported_then_both_come_back(
    run: Path, tmp_path: Path, name: str
) -> None:
    task = alignmeter.label_queue(run, annotator="ana", limit=1)[0]
    labels = [_label(task, "full", note="a\u2028b\x85c"), _label(task, "none", annotator="ben")]
    labels.append(_label(task, "none", adjudicates=True))
    alignmeter.add_labels(run, labels)
    assert export_labels(run, tmp_path / name) == 3
    assert import_labels(run, tmp_path / name, annotator="cy").known == 3
    (run / "labels.jsonl").unlink()
    import_labels(run, tmp_path / name, annotator="cy")
    assert read_labels(run) == tuple(labels)


@pytest.mark.parametrize(("share", "drawn"), [(0.0, 0), (1.0, 4)])
def test_given_a_share_when_another_annotator_asks_then_so_many_come_again_first(
    run: Path, share: float, drawn: int
) -> None:
    tasks = alignmeter.label_queue(run, annotator="ana", limit=4)
    alignmeter.add_labels(run, [_label(task) for task in tasks])
    queue = alignmeter.label_queue(run, annotator="ben", share=share)
    first = {task.trial for task in queue[:drawn]}
    assert first == {task.trial for task in tasks if drawn}
    assert len(alignmeter.label_queue(run, annotator="ben", second=True)) == 4
    assert alignmeter.label_queue(run, annotator="ana", second=True) == ()


def test_given_an_open_session_when_another_begins_then_it_is_refused(run: Path) -> None:
    with Labelling(run, "ana"), pytest.raises(RunFolderError, match="another process is labelling"):
        Labelling(run, "ben")


def test_given_no_run_when_labelled_then_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no run folder"):
        Labelling(tmp_path, "ana")
    with pytest.raises(InputError, match="expected a claim of this run"):
        alignmeter.label_queue(KEPT, annotator="ana", claim="nonsense")


def test_given_an_export_from_before_a_correction_when_imported_then_the_correction_stands(
    run: Path, tmp_path: Path
) -> None:
    task = alignmeter.label_queue(run, annotator="ana", limit=1)[0]
    alignmeter.add_labels(run, [_label(task, "full", at=1.0)])
    export_labels(run, tmp_path / "old.csv")
    alignmeter.add_labels(run, [_label(task, "none", at=2.0)])
    made = import_labels(run, tmp_path / "old.csv", annotator="ana")
    assert (made.added, made.known, made.older) == (0, 0, (f"{tmp_path / 'old.csv'}: line 2",))
    assert [said[0].label for said in standing(alignmeter.load_run(run).labels).values()] == ["none"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "trial,label,label\nx,full,none\n"),
        ("a.jsonl", '{"trial": "x", "label": "full", "label": "none"}\n'),
    ],
)
def test_given_a_label_twice_in_a_row_when_imported_then_it_is_refused(
    run: Path, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="once, got 'label' again"):
        import_labels(run, tmp_path / name, annotator="ana")


def test_given_a_refusal_by_the_provider_and_a_cut_reply_when_asked_then_both_are_in_the_task(
    run: Path,
) -> None:
    loaded = alignmeter.load_run(run)
    first = alignmeter.label_queue(loaded, annotator="ana", limit=1)[0]
    transcripts = dict(loaded.data.transcripts)
    transcripts[first.trial] = msgspec.structs.replace(
        transcripts[first.trial], hard_refusal="I cannot assist with that", finish_reason="length"
    )
    data = msgspec.structs.replace(loaded.data, transcripts=transcripts)
    task = alignmeter.label_queue(msgspec.structs.replace(loaded, data=data), annotator="ana", limit=1)[0]
    assert (task.signal, task.cut) == ("I cannot assist with that", True)
    assert (first.signal, first.cut) == (None, False)
