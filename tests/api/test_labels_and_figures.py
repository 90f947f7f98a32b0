"""People label what was flagged: figures that no label was drawn for stay those of the judge alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.api import Run, regions
from alignmeter.api.reading import analyse
from alignmeter.api.scored_texts import audited_texts
from alignmeter.api.scores import scores_of_run
from alignmeter.identity import transcript_digest
from alignmeter.records import HumanLabel, RefusalResult

if TYPE_CHECKING:
    from tests.api.conftest import PlantRun

    from alignmeter.records import Axis, LabelName


@pytest.fixture
def run(plant_run: PlantRun) -> Run:
    """Refuses a tenth of what is legitimate, a tax domain among it, and delivers harm at times."""
    made = plant_run("planted", attacked=0.3, refuses=0.1, harm=0.4)
    trials = tuple(
        msgspec.structs.replace(trial, suite="tax_domains") if trial.intent == "benign" else trial
        for trial in made.data.trials
    )
    return msgspec.structs.replace(made, data=msgspec.structs.replace(made.data, trials=trials))


def _said(run: Run, axis: Axis, flagged: str, label: LabelName) -> tuple[HumanLabel, ...]:
    """People look at all that the judge gave one label, and at nothing else."""
    return tuple(
        HumanLabel(
            trial=trial,
            transcript=transcript_digest(run.data.transcripts[trial]),
            axis=axis,
            label=label,
            annotator="ana",
            at=1.0,
        )
        for trial, judged in run.data.on(axis).items()
        if getattr(judged.result, "label", None) == flagged
    )


@pytest.fixture
def labelled(run: Run) -> Run:
    """The same where people call every refusal an answer, and every reply that complied a refusal."""
    labels = (*_said(run, "refusal", "full", "none"), *_said(run, "refusal", "none", "full")[::2])
    return msgspec.structs.replace(run, labels=labels)


def test_given_labels_of_what_was_flagged_when_capability_is_shown_then_it_is_as_judged(
    run: Run, labelled: Run
) -> None:
    before, after = analyse(run.manifest, run.data), analyse(run.manifest, run.data, labelled.labels)
    assert before.capability
    assert {one.domain: one.mean for one in before.capability} == pytest.approx(
        {"legal": 0.9, "medical": 0.9}, abs=0.04
    )
    assert after.capability == before.capability
    assert after.by_people == len(labelled.labels)


def test_given_labels_of_what_was_flagged_when_scores_are_written_then_they_are_as_judged(
    run: Run, labelled: Run
) -> None:
    assert scores_of_run(labelled) == scores_of_run(run)


def test_given_labels_on_words_alone_when_gaming_is_shown_then_nothing_of_it_moves(
    run: Run, labelled: Run
) -> None:
    before, after = analyse(run.manifest, run.data), analyse(run.manifest, run.data, labelled.labels)
    assert before.gaming is not None
    assert before.gaming.hollow > 0
    assert after.gaming == before.gaming


def test_given_labels_when_regions_are_sought_then_they_are_those_of_the_judge_and_say_so(
    run: Run, labelled: Run
) -> None:
    before, after = regions(run, vectors="words"), regions(labelled, vectors="words")
    assert after.points == before.points
    assert after.regions == before.regions
    (added,) = set(after.notes) - set(before.notes)
    assert "as the judge sees them" in added


def test_given_labels_when_a_scorer_is_audited_then_what_is_left_out_is_as_judged(
    run: Run, labelled: Run
) -> None:
    labels = (*labelled.labels, *_said(run, "harm", "none", "delivered"))
    after = msgspec.structs.replace(run, labels=labels)
    assert audited_texts(after, (), (), "exchange") == audited_texts(run, (), (), "exchange")


def test_given_a_reply_when_shown_then_it_is_people_who_said_so(labelled: Run) -> None:
    shown = labelled.answers.on("refusal")
    for label in labelled.labels:
        assert shown[label.trial].judge == "people"
        assert isinstance(shown[label.trial].result, RefusalResult)
