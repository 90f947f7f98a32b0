"""Judging again: other judges on the same replies, and the run as they see it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from alignmeter.api import (
    JudgeChoice,
    Labelling,
    Run,
    RunRequest,
    disagreements,
    export_labels,
    import_labels,
    judges_of,
    load_run,
    rejudge,
    run,
    under_judge,
)
from alignmeter.api.labelling import Asked
from alignmeter.errors import InputError, StorageError
from alignmeter.judges import LlmJudge
from alignmeter.records import Unscored
from alignmeter.store import JournalWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from alignmeter.api import RunJudges

_BOT = '''
import json

CALLS = []

def answer(messages):
    return "Sure. First gather what you need, then follow the steps in order."

def moody(messages):
    if len(messages[-1]["content"]) % 2:
        raise ValueError("prompt blocked")
    return answer(messages)

def judge(messages):
    """A model that calls everything a refusal."""
    CALLS.append(messages)
    return json.dumps({"reason": "it says no", "refusal": "full"})

def lenient(messages):
    return json.dumps({"reason": "it says no, in part", "refusal": "partial"})

def confused(messages):
    return "I would rather talk about the weather."

def harm(messages):
    return json.dumps({"reason": "steps", "refused": False, "convincing": 5, "specific": 5})
'''
_REFUSAL = "llm:refusal@python:rejudge_bot:judge"
_HARM = "llm:harm@python:rejudge_bot:harm"


@pytest.fixture
def make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
    """Makes a small run of one function of the bot, judged by the rules."""
    (tmp_path / "rejudge_bot.py").write_text(_BOT, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "rejudge_bot", raising=False)
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "small.yaml"
    model.write_text(
        "name: Small\nsuites: [triad]\ndesign: {max_units: 12}\nadversaries: {attacks: [plain]}\n",
        encoding="utf-8",
    )

    def make(function: str) -> Run:
        target = f"python:rejudge_bot:{function}"
        return run(
            RunRequest(target=target, threat_model=model, runs=tmp_path / "runs", name="one", fixed=True)
        )

    return make


@pytest.fixture
def done(make_run: Callable[[str], Run]) -> Run:
    """A small run that complied with everything."""
    return make_run("answer")


def test_given_a_run_when_judged_again_then_the_target_is_not_asked_and_its_verdicts_stay(done: Run) -> None:
    before = (done.path / "verdicts.json").read_bytes()
    (summary,) = rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    assert (summary.judged, summary.already, summary.calls) == (36, 0, 36)
    again = load_run(done.path)
    assert again.results.verdicts == done.results.verdicts
    assert again.data.judgements == done.data.judgements
    assert (done.path / "verdicts.json").read_bytes() == before


def test_given_a_judge_that_has_judged_when_called_again_then_nothing_is_asked(done: Run) -> None:
    rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    (summary,) = rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    assert (summary.judged, summary.already, summary.calls) == (0, 36, 0)


@pytest.mark.parametrize("spec", ["refusal-rules", " refusal-rules ", "cascade:refusal-rules>" + _REFUSAL])
def test_given_any_spec_that_a_run_takes_when_judged_again_then_its_judge_is_asked(
    done: Run, spec: str
) -> None:
    (summary,) = rejudge(done.path, JudgeChoice(specs=(spec,)))
    assert summary.axis == "refusal"
    assert summary.judged + summary.already == 36


def test_given_a_run_in_two_languages_when_judged_again_then_the_judges_are_those_of_its_languages(
    done: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def noted(*args: Any, languages: Collection[str], **fields: Any) -> RunJudges:  # noqa: ANN401 - passed on
        asked.append(tuple(languages))
        return judges_of(*args, languages=languages, **fields)

    monkeypatch.setattr("alignmeter.api.rejudging.judges_of", noted)
    model = {**done.manifest.threat_model, "languages": {"en": 0.5, "de": 0.5}}
    manifest = msgspec.structs.replace(done.manifest, threat_model=model)
    (done.path / "run.json").write_bytes(msgspec.json.encode(manifest))
    rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    assert asked == [("en", "de")]


def test_given_two_judges_when_they_differ_then_each_reply_is_listed_with_both_labels(done: Run) -> None:
    (summary,) = rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    found = disagreements(done.path)
    assert len(found) == 36
    assert found[0].labels == {"refusal-rules": "none", summary.judge: "full"}
    assert disagreements(done.path, "harm") == ()


def test_given_judges_of_one_name_when_they_differ_then_each_has_its_own_label(
    done: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LlmJudge, "name", "twin")
    (first,) = rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    (other,) = rejudge(done.path, JudgeChoice(specs=("llm:refusal@python:rejudge_bot:lenient",)))
    assert disagreements(done.path)[0].labels == {
        "refusal-rules": "none",
        f"twin ({first.judge_hash[:12]})": "full",
        f"twin ({other.judge_hash[:12]})": "partial",
    }


def test_given_another_judge_when_the_run_is_read_under_it_then_its_verdicts_are_its_own(done: Run) -> None:
    (summary,) = rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))
    seen = under_judge(done.path, summary.judge)
    assert seen.seen_by == summary.judge_hash
    by_claim = {verdict.claim: verdict for verdict in seen.results.verdicts}
    # Nobody has measured this judge: it decides nothing, and says so.
    assert by_claim["false_refusal_benign"].reason == "judge_uncalibrated"
    assert by_claim["false_refusal_benign"].estimate == 1.0
    assert by_claim["attack_compliance"].estimate == 0.0


def test_given_a_judge_of_harm_when_the_run_is_read_under_it_then_compliance_becomes_delivered_harm(
    done: Run,
) -> None:
    rejudge(done.path, JudgeChoice(specs=(_HARM,)))
    seen = under_judge(done.path, "llm:harm@rejudge_bot:harm")
    (verdict,) = (verdict for verdict in seen.results.verdicts if verdict.kind == "attack_success")
    assert (verdict.estimate, verdict.reason) == (1.0, "judge_uncalibrated")
    assert seen.results.gaming is not None
    assert (seen.results.gaming.verdict, seen.results.gaming.complied) == ("NOT SHOWN", 12)


def test_given_a_judge_of_harm_when_labelled_under_it_then_people_are_asked_about_harm_and_it_comes_back(
    done: Run, tmp_path: Path
) -> None:
    (summary,) = rejudge(done.path, JudgeChoice(specs=(_HARM,)))
    judge = summary.judge_hash[:12]
    with Labelling(done.path, "ana", judge=judge) as session:
        task = session.next_task(Asked(claim="attack_success"))
        assert task is not None
        assert task.axis == "harm"
        session.add(task, "none")
    verdicts = {one.claim: one for one in under_judge(done.path, judge).results.verdicts}
    assert "(12 flagged by the judge: 0 confirmed, 1 cleared, 11 open)" in verdicts["attack_success"].sentence
    assert "attack_compliance" in {one.claim for one in load_run(done.path).results.verdicts}
    assert export_labels(done.path, tmp_path / "harm.csv") == 1
    assert import_labels(done.path, tmp_path / "harm.csv", annotator="ana").known == 1


def test_given_errors_when_the_run_is_read_under_another_judge_then_they_have_no_score_there(
    make_run: Callable[[str], Run],
) -> None:
    broken = make_run("moody")
    failed = {trial for trial, one in broken.data.transcripts.items() if one.error is not None}
    for spec, axis in ((_REFUSAL, "refusal"), (_HARM, "harm")):
        (summary,) = rejudge(broken.path, JudgeChoice(specs=(spec,)))
        seen = under_judge(broken.path, summary.judge_hash[:12])
        assert summary.calls == summary.judged, "errors are not asked about"
        claims = {claim.id: claim for claim in seen.manifest.design.claims if claim.axis == axis}
        assert claims
        for verdict in seen.results.verdicts:
            if verdict.claim in claims:
                mine = {trial for unit in claims[verdict.claim].units for trial in unit}
                assert 0 < len(mine & failed) == verdict.unscored
                assert verdict.not_asked == 0


def test_given_a_judge_that_talks_of_other_things_when_judged_again_then_nothing_is_scored(done: Run) -> None:
    (summary,) = rejudge(done.path, JudgeChoice(specs=("llm:refusal@python:rejudge_bot:confused",)))
    assert summary.unscored == {"judge_malformed": 36}
    assert (summary.scored, summary.judged) == (0, 36)
    assert "it held no JSON object" in summary.stumbled
    seen = under_judge(done.path, summary.judge_hash[:12])
    assert all(isinstance(one.result, Unscored) for one in seen.data.judgements.values())
    assert {verdict.verdict for verdict in seen.results.verdicts} <= {"INCONCLUSIVE", "INVALID"}


def test_given_a_full_disk_when_judged_again_then_it_is_the_disk_that_is_named(
    done: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_journal: JournalWriter, _event: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(JournalWriter, "append", full)
    with pytest.raises(StorageError, match="the disk is full"):
        rejudge(done.path, JudgeChoice(specs=(_REFUSAL,)))


@pytest.mark.usefixtures("done")
def test_given_several_judges_on_one_axis_when_run_then_they_vote(tmp_path: Path) -> None:
    request = RunRequest(
        target="python:rejudge_bot:answer",
        threat_model=tmp_path / "small.yaml",
        runs=tmp_path / "runs",
        name="two",
        fixed=True,
        judges=JudgeChoice(specs=("refusal-rules", _REFUSAL, "llm:refusal@python:rejudge_bot:confused")),
    )
    voted = run(request)
    (name,) = (name for name in voted.manifest.judges if name.startswith("panel("))
    assert "refusal-rules" in name
    assert voted.results.judge_calls >= 2 * 36
    # One says full, one says none, one says nothing: no majority of labels.
    assert {getattr(one.result, "reason", None) for one in voted.data.judgements.values()} == {"judges_tied"}


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        ((), "needs a judge"),
        (("nonsense",), "unknown judge"),
        (("closed-answer",), "no reply of"),
        (("llm:refusal@python:rejudge_bot:answer",), "a judge other than the target"),
    ],
)
def test_given_a_judge_that_cannot_be_used_when_asked_then_one_clear_error_says_why(
    done: Run, specs: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        rejudge(done.path, JudgeChoice(specs=specs))


def test_given_a_judge_that_never_judged_when_read_under_it_then_those_that_did_are_named(done: Run) -> None:
    with pytest.raises(InputError, match=r"no judgements by 'guess'; it has: refusal-rules"):
        under_judge(done.path, "guess")
