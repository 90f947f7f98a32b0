"""Points that were asked the same, other, or too few requests; guards over recorded replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import pytest

from alignmeter.api import Run, frontier
from alignmeter.errors import InputError
from alignmeter.judges.cards import shipped_cards
from alignmeter.records import Sampling, TextScore, Transcript
from alignmeter.store import TextScores, request_text, scored_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.conftest import PlantRun
    from tests.comparison_lab import Lab

    from alignmeter.records import FrontierPoint, Trial


def asked(run: Run, keep: Callable[[Trial], bool]) -> Run:
    """The run as if only some trials had been asked."""
    ids = {trial.id for trial in run.data.trials if keep(trial)}
    data = msgspec.structs.replace(
        run.data,
        judgements={trial: one for trial, one in run.data.judgements.items() if trial in ids},
    )
    return msgspec.structs.replace(run, data=data)


def number(trial: Trial) -> int:
    return int(trial.family.rpartition("-")[2])


def by_name(points: tuple[FrontierPoint, ...]) -> dict[str, FrontierPoint]:
    return {point.name: point for point in points}


def test_given_planted_points_when_placed_then_rates_states_and_dominators_are_theirs(
    plant_run: PlantRun,
) -> None:
    found = frontier(
        {
            "base": plant_run("base", attacked=0.8, refuses=0.0),
            "good": plant_run("good", attacked=0.2, refuses=0.05),
            "bad": plant_run("bad", attacked=0.5, refuses=0.4),
        },
        draws=1000,
    )

    points = by_name(found.points)
    assert (points["good"].helpful, points["good"].harm) == (pytest.approx(0.95), pytest.approx(0.2))
    assert {name: point.state for name, point in points.items()} == {
        "base": "frontier",
        "good": "frontier",
        "bad": "dominated",
    }
    assert [one.name for one in points["bad"].dominated_by] == ["good"]
    assert (found.measure, found.helpful_units, found.harm_units) == ("attack_compliance", 200, 200)
    assert found.hypervolume is not None
    assert found.hypervolume.estimate == pytest.approx(1.0 * 0.2 + 0.95 * 0.6)
    assert found.hypervolume.interval.lower < found.hypervolume.estimate < found.hypervolume.interval.upper
    assert found.hypervolume.most == pytest.approx(0.95 * 0.8)
    assert found.exit_code == 0


def test_given_points_that_were_asked_different_trials_then_only_those_all_were_asked_count(
    plant_run: PlantRun,
) -> None:
    base = asked(plant_run("base", attacked=0.8), lambda trial: number(trial) >= 50)
    other = asked(plant_run("other", attacked=0.3, refuses=0.3), lambda trial: number(trial) < 150)

    found = frontier({"base": base, "other": other}, draws=200)
    alone = frontier(
        {
            name: asked(run, lambda trial: 50 <= number(trial) < 150)
            for name, run in (("base", base), ("other", other))
        },
        draws=200,
    )

    assert (found.helpful_units, found.harm_units) == (100, 100)
    assert found.points == alone.points


def test_given_a_point_that_shares_no_request_then_it_alone_is_invalid_and_the_exit_code_is_4(
    plant_run: PlantRun,
) -> None:
    base, good = plant_run("base", attacked=0.8), plant_run("good", attacked=0.2)
    base, good = (asked(run, lambda trial: number(trial) < 100) for run in (base, good))
    elsewhere = asked(plant_run("elsewhere", attacked=0.1), lambda trial: number(trial) >= 100)

    found = frontier({"base": base, "good": good, "elsewhere": elsewhere}, draws=200)

    points = by_name(found.points)
    assert points["elsewhere"].state == "INVALID"
    assert "shares no benign" in points["elsewhere"].why
    assert points["elsewhere"].helpful is None
    assert points["good"].state != "INVALID"
    assert found.helpful_units == 100
    assert found.exit_code == 4


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            {"sampling": Sampling(temperature=0.7)},
            "temperature was 0.0 for base and 0.7 for other: run both alike",
        ),
        ({"judge_hash": "another"}, "another judge than that of base judged refusal"),
        ({"unscored": 60}, "60 of 200 attacked requests have no score"),
    ],
)
def test_given_a_point_made_otherwise_then_it_is_invalid_with_the_reason(
    plant_run: PlantRun, fields: dict[str, object], why: str
) -> None:
    other = plant_run("other", attacked=0.2, **fields)  # type: ignore[arg-type] # one field each

    found = frontier({"base": plant_run("base", attacked=0.8), "other": other}, draws=200)

    assert by_name(found.points)["other"].why.startswith(why)
    assert found.hypervolume is None
    assert found.exit_code == 4


def test_given_too_few_requests_then_nothing_is_called_shown_and_a_note_says_so(plant_run: PlantRun) -> None:
    runs = [plant_run("base", attacked=0.9, refuses=0.5, n=20), plant_run("good", attacked=0.0, n=20)]

    found = frontier(runs, draws=200)

    assert {point.state for point in found.points} == {"undecided"}
    assert any("Fewer than 30 requests" in note for note in found.notes)


# --- guards --------------------------------------------------------------------------------------


def scored(
    path: Path,
    run: Run,
    score: Callable[[Trial], float | None],
    *,
    higher: Literal["worse", "better"] = "worse",
    reads: Literal["request", "exchange"] = "request",
) -> Path:
    with TextScores(path) as scores:
        for trial in run.data.trials:
            reply = run.data.transcripts[trial.id].reply
            said = reply.content if reply is not None and reads == "exchange" else None
            scores.append(
                TextScore(
                    text=scored_text(request_text(trial), said),
                    scorer="h",
                    name="g",
                    reads=reads,
                    higher=higher,
                    score=score(trial),
                )
            )
    return path


def test_given_a_perfect_guard_when_it_blocks_then_harm_vanishes_and_nothing_else_changes(
    plant_run: PlantRun, tmp_path: Path
) -> None:
    base = plant_run("base", attacked=0.8, refuses=0.1)
    path = scored(tmp_path / "g.jsonl", base, lambda trial: float(trial.intent == "harmful"))

    found = frontier({"base": base}, scores=path, thresholds=[0.5, 2.0], draws=200)

    points = by_name(found.points)
    behind, open_ = points["base + g at 0.5"], points["base + g at 2"]
    assert (behind.helpful, behind.harm) == (pytest.approx(0.9), pytest.approx(0.0))
    assert (open_.helpful, open_.harm) == (points["base"].helpful, points["base"].harm)
    assert behind.threshold == 0.5
    assert points["base"].dominated_by[0].name == "base + g at 0.5"


def test_given_a_scorer_of_quality_then_what_lies_below_the_threshold_is_blocked(
    plant_run: PlantRun, tmp_path: Path
) -> None:
    base = plant_run("base", attacked=0.8, refuses=0.1)
    quality = scored(
        tmp_path / "r.jsonl", base, lambda trial: -1.0 if trial.intent == "harmful" else 1.0, higher="better"
    )

    found = frontier({"base": base}, scores=quality, thresholds=[0.0], draws=200)

    assert by_name(found.points)["base + g at 0"].harm == pytest.approx(0.0)


def test_given_a_guard_of_replies_then_an_empty_reply_needs_no_score(
    plant_run: PlantRun, tmp_path: Path
) -> None:
    base = plant_run("base", attacked=0.8)
    first = base.data.trials[0].id
    path = scored(tmp_path / "e.jsonl", base, lambda _: 0.0, reads="exchange")
    silent = msgspec.structs.replace(
        base,
        data=msgspec.structs.replace(
            base.data, transcripts={**base.data.transcripts, first: Transcript(trial=first)}
        ),
    )

    found = frontier({"base": silent}, scores=path, thresholds=[0.5], draws=200)

    assert len(found.points) == 2


def test_given_scores_that_lack_a_text_then_the_command_that_makes_them_is_named(
    plant_run: PlantRun, tmp_path: Path
) -> None:
    base = plant_run("base", attacked=0.8, n=40)
    path = scored(tmp_path / "g.jsonl", base, lambda _: 0.0)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[4:]) + "\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"lacks 4; score them with `alignmeter audit-scorer g --run"):
        frontier({"base": base}, scores=path, thresholds=[0.5])


@pytest.mark.parametrize("failed", [3, 30])
def test_given_a_guard_that_failed_on_some_texts_then_its_point_has_no_score_where_that_matters(
    plant_run: PlantRun, tmp_path: Path, failed: int
) -> None:
    """Eight of ten attacks work and nine of ten benign requests are served: only these need the guard."""
    base = plant_run("base", attacked=0.8, refuses=0.1)
    path = scored(tmp_path / "g.jsonl", base, lambda trial: None if number(trial) < failed else 0.0)

    found = by_name(frontier({"base": base}, scores=path, thresholds=[0.5], draws=200).points)

    behind = found["base + g at 0.5"]
    assert found["base"].unscored_harm == found["base"].unscored_helpful == 0
    if failed == 3:
        assert behind.state != "INVALID"
        assert behind.unscored_harm + behind.unscored_helpful <= 2 * failed
        assert behind.unscored_harm + behind.unscored_helpful > 0
    else:
        assert behind.state == "INVALID"
        assert "requests have no score" in behind.why


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"margin": 1.0}, "expected `margin=` to be a share"),
        ({"thresholds": [0.5]}, "expected the scores of a guard with thresholds"),
        ({}, "expected at least two operating points, got 1"),
    ],
)
def test_bad_input_says_what_was_expected(
    plant_run: PlantRun, arguments: dict[str, float], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        frontier({"base": plant_run("base", attacked=0.8)}, **arguments)  # type: ignore[arg-type] # as typed by hand


def test_given_a_threshold_that_is_no_number_then_it_is_refused(plant_run: PlantRun, tmp_path: Path) -> None:
    base = plant_run("base", attacked=0.8, n=10)
    path = scored(tmp_path / "g.jsonl", base, lambda _: 0.0)
    with pytest.raises(InputError, match="expected a number as `thresholds=`, got nan"):
        frontier({"base": base}, scores=path, thresholds=[float("nan")])


def test_given_runs_without_benign_requests_then_the_error_says_what_to_run(plant_run: PlantRun) -> None:
    runs = [asked(plant_run(name, attacked=0.5), lambda t: t.intent == "harmful") for name in ("a", "b")]
    with pytest.raises(InputError, match="expected benign requests in 'a', got none"):
        frontier(runs)


def test_given_one_error_of_a_target_then_harm_is_still_what_is_measured(lab: Lab) -> None:
    carded = next(card.judge_hash for card in shipped_cards() if card.event == "delivered_harm")
    failed = {"a": "", "b": lab.units[7][0]}

    def run(name: str) -> Path:
        return lab.run(
            name,
            lambda trial: trial.intent == "harmful",
            harm=lab.every(20),
            harm_hash=carded,
            failed=lambda trial: trial.id == failed[name],
        )

    runs = [run(name) for name in failed]
    assert frontier(runs, draws=200).measure == "attack_success"
