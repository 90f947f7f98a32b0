"""By whom labels were drawn, and what follows for the rate, in a run that two judges of an axis have read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.api import Labelling, LabelTask, add_labels, load_run, under_judge
from alignmeter.api.labelling import Asked
from alignmeter.identity import transcript_digest
from alignmeter.records import HumanLabel, Judgement, RefusalResult
from alignmeter.store import Judged, RunFolder, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alignmeter.api import Run
    from alignmeter.records import LabelEstimate

KEPT = Path(__file__).parents[1] / "store" / "data" / "v1"
CLAIM = "false_refusal_benign"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A kept run, read by a second judge of refusals that flags a third of what the first does not."""
    path = Path(shutil.copytree(KEPT, tmp_path / "v1"))
    own = load_run(path).data
    journal = RunFolder.open(path).journal()
    for place, (trial, judged) in enumerate(sorted(own.on("refusal").items())):
        flags = place % 3 == 0
        said = RefusalResult(label="full" if flags else "none")
        made = Judgement(
            trial=trial, transcript=judged.transcript, judge="other", judge_hash="b" * 64, axis="refusal",
            result=said,
        )  # fmt: skip
        journal.append(Judged(judgement=made, again=True))
    journal.sync()
    journal.close()
    return path


def _estimate(run: Run) -> LabelEstimate | None:
    return next((made.estimate for made in run.results.labels if made.claim == CLAIM), None)


def _marked(labels: Iterable[HumanLabel], mark: str) -> list[HumanLabel]:
    return [msgspec.structs.replace(label, drawn_by=mark) for label in labels]


def _flagged_by_other(run: Path, flagged: int, rest: int) -> list[HumanLabel]:
    """Labels of what the other judge flagged in the claim, all bad, and of some of the rest, all good."""
    seen = under_judge(run, "other")
    claim = next(one for one in seen.manifest.design.claims if one.id == CLAIM)
    units = [unit[0] for unit in claim.units if unit[0] in seen.data.transcripts]
    bad = {trial for trial in units if getattr(seen.data.on("refusal")[trial].result, "label", "") == "full"}
    chosen = [*sorted(bad)[:flagged], *sorted(set(units) - bad)[:rest]]
    assert bad
    assert set(units) - bad
    return [
        HumanLabel(
            trial=trial, transcript=transcript_digest(seen.data.transcripts[trial]), axis="refusal",
            label="full" if trial in bad else "none", annotator="ana", at=1.0, drawn_by="b" * 64,
        )
        for trial in chosen
    ]  # fmt: skip


def test_given_labels_drawn_by_another_judge_when_read_under_the_runs_own_then_the_estimate_is_the_same(
    run: Path,
) -> None:
    add_labels(run, _flagged_by_other(run, 99, 1))
    own, other = _estimate(load_run(run)), _estimate(under_judge(run, "other"))
    assert own is not None
    assert other is not None
    assert (own.rate, own.interval) == (other.rate, other.interval)
    assert own.rate < 0.9, "not the share of bad ones among the labels"
    assert (own.drawn_otherwise, other.drawn_otherwise) == (True, False)


@pytest.mark.parametrize("mark", ["", "c" * 64])
def test_given_labels_of_nobody_knows_whose_drawing_when_estimated_then_any_judge_may_have_drawn_them(
    run: Path, mark: str
) -> None:
    labels = _marked(_flagged_by_other(run, 99, 1), mark)
    add_labels(run, labels)
    for read in (load_run(run), under_judge(run, "other")):
        found = _estimate(read)
        assert found is not None
        replies = found.positives.size + found.negatives.size + found.unscored.size
        assert found.rate == pytest.approx(sum(label.label == "full" for label in labels) / replies)


def test_given_a_session_when_a_reply_is_labelled_then_the_label_says_who_drew_it(
    run: Path,
) -> None:
    def one(session: Labelling, asked: Asked) -> LabelTask:
        task = session.next_task(asked)
        assert task is not None
        session.add(task, "none")
        return task

    own_hash = next(judged.judge_hash for judged in load_run(run).data.on("refusal").values())
    with Labelling(run, "ana") as session:
        first = one(session, Asked(claim=CLAIM))
    with Labelling(run, "ana", judge="other") as session:
        one(session, Asked(claim=CLAIM))
    with Labelling(run, "ben", judge="other") as session:
        again = [one(session, Asked(claim=CLAIM, second=True)) for _ in range(2)]
    drawn = {(label.annotator, label.trial): label.drawn_by for label in read_labels(run)}
    assert drawn["ana", first.trial] == drawn["ben", first.trial] == own_hash
    assert first.trial in {task.trial for task in again}
    assert {mark for (who, _), mark in drawn.items() if who == "ben"} == {own_hash, "b" * 64}
