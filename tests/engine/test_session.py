"""A resume is refused as soon as it would not be the same run, and says what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

from alignmeter.engine import Stopped, Twin, check_resumable, differences, open_session, twin
from alignmeter.errors import DesignChangedError, RunFolderError
from alignmeter.records import Sampling
from alignmeter.store import StopReason

if TYPE_CHECKING:
    from conftest import Kit, Lab


def test_given_the_same_design_target_and_judge_when_resumed_then_nothing_differs(lab: Lab) -> None:
    target, plan = lab.target(), lab.plan(5)
    assert differences(lab.manifest(target, plan), lab.manifest(target, plan)) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "other"}, "target model was 'scripted', is 'other'"),
        ({"revision": "r2"}, "target revision was 'None', is 'r2'"),
        ({"system_prompt": "ab" * 32}, "target system_prompt was 'None', is 'abababababab'"),
        ({"few_shot": "cd" * 32}, "target few_shot was 'None'"),
        ({"weights": "ef" * 32}, "target weights was 'None'"),
        ({"sampling": Sampling(max_tokens=96)}, "max_tokens was 40, is 96"),
    ],
)
def test_given_another_target_when_resumed_then_it_is_refused_naming_what_differs(
    lab: Lab, change: dict[str, Any], says: str
) -> None:
    target, plan = lab.target(), lab.plan(5)
    session = open_session(lab.path, lab.manifest(target, plan), plan)
    session.journal.close()
    target.fingerprint = msgspec.structs.replace(target.fingerprint, **change)
    with pytest.raises(DesignChangedError, match=f"cannot be resumed: {says}") as caught:
        check_resumable(session.folder, lab.manifest(target, plan))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"thresholds": {"false_refusal_benign": "3%"}}, "claims"),
        ({"thresholds": {"unscored": "5%"}}, "unscored_budget"),
        ({"design": {"alpha": "1%"}}, "alpha, claims"),
        ({"design": {"seed": 2}}, "seed, claims, trials"),
        ({"design": {"max_units": 4}}, "claims, trials, n_trials"),
    ],
)
def test_given_another_design_when_resumed_then_it_is_refused_and_the_folder_is_untouched(
    lab: Lab, settings: dict[str, Any], field: str
) -> None:
    target, plan = lab.target(), lab.plan(5)
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()
    before = {path.name: path.read_bytes() for path in lab.path.iterdir()}

    changed = lab.plan_of(lab.model(**settings), lab.probes(5))
    with pytest.raises(DesignChangedError, match=f"the design changed in {field};"):
        open_session(lab.path, lab.manifest(target, changed), changed)
    assert {path.name: path.read_bytes() for path in lab.path.iterdir()} == before


def test_given_a_suite_that_changed_when_resumed_then_it_is_refused(lab: Lab) -> None:
    target, plan = lab.target(), lab.plan(5)
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()
    changed = lab.plan_of(lab.model(), [*lab.probes(4), lab.probe("benign-4", prompt="Something else?")])
    with pytest.raises(DesignChangedError, match="the design changed in claims, trials"):
        open_session(lab.path, lab.manifest(target, changed), changed)


def test_given_another_judge_when_resumed_then_it_is_refused_and_named(lab: Lab, kit: Kit) -> None:
    target, plan = lab.target(), lab.plan(5)
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()
    lab.judges = {"refusal": kit.judge("refusal", version="2")}
    with pytest.raises(DesignChangedError, match="judge word-refusal changed"):
        open_session(lab.path, lab.manifest(target, plan), plan)


def test_given_a_judge_left_out_when_resumed_then_it_is_refused_and_named(lab: Lab, kit: Kit) -> None:
    """A run without claims, too: its design does not tell which judges it had."""
    target, plan = lab.target(), lab.plan(5)
    lab.judges = {"refusal": lab.words, "quality": kit.judge("quality")}
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()
    lab.judges = {"refusal": lab.words}
    with pytest.raises(DesignChangedError, match="judge word-quality is left out"):
        open_session(lab.path, lab.manifest(target, plan), plan)


def test_given_another_url_when_resumed_then_it_is_refused_until_it_is_said_to_be_the_same_system(
    lab: Lab,
) -> None:
    target, plan = lab.target(), lab.plan(5)
    target.url = "http://localhost:8000/v1"
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()
    target.url = "http://other-host:9000/v1"
    moved = lab.manifest(target, plan)
    with pytest.raises(DesignChangedError, match=r"localhost:8000/v1, .* asks http://other-host:9000/v1;"):
        open_session(lab.path, moved, plan)
    open_session(lab.path, moved, plan, same_system=True).journal.close()
    session = open_session(lab.path, moved, plan)  # said once, and remembered
    session.journal.close()
    assert session.data.asked_at(session.folder.manifest) == {
        "target": ("http://localhost:8000/v1", "http://other-host:9000/v1")
    }


def test_given_an_unfinished_run_when_looked_at_then_another_address_or_an_old_name_is_in_doubt(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, plan = lab.target(), lab.plan(5)
    target.url = "http://localhost:8000/v1"
    session = open_session(lab.path, lab.manifest(target, plan), plan)
    session.journal.close()
    same = lab.manifest(target, plan)
    assert twin(session.folder, same) == Twin(finished=False)
    target.url = "http://localhost:9000/v1"
    found = twin(session.folder, lab.manifest(target, plan))
    assert found is not None
    assert found.moved
    monkeypatch.setattr("time.time", lambda: session.data.worked_at + 25 * 3600)
    found = twin(session.folder, same)
    assert found is not None
    assert "25 hours ago" in found.doubt


@pytest.mark.parametrize("name", ["fine_tune_delta", "alignment_tax"])
def test_given_another_limit_that_is_no_claim_when_resumed_then_it_is_named(lab: Lab, name: str) -> None:
    target, plan = lab.target(), lab.plan(5)
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()
    stricter = lab.manifest(target, plan, lab.model(thresholds={name: "1%"}))
    with pytest.raises(DesignChangedError, match=rf"threat model thresholds {name} was 0.1\d*, is 0.01;"):
        open_session(lab.path, stricter, plan)
    renamed = lab.manifest(target, plan, lab.model(name="Another name"))
    open_session(lab.path, renamed, plan).journal.close()


def test_given_a_run_in_work_when_opened_by_another_then_it_is_refused(lab: Lab) -> None:
    target, plan = lab.target(), lab.plan(5)
    session = open_session(lab.path, lab.manifest(target, plan), plan)
    with pytest.raises(RunFolderError, match="another alignmeter process is working on this run"):
        open_session(lab.path, lab.manifest(target, plan), plan)
    session.journal.close()
    open_session(lab.path, lab.manifest(target, plan), plan).journal.close()


def test_given_a_run_when_begun_then_its_manifest_holds_what_was_decided_and_no_secret(lab: Lab) -> None:
    target, plan = lab.target(), lab.plan(5)
    session = open_session(lab.path, lab.manifest(target, plan), plan)
    session.journal.close()
    manifest = session.folder.manifest
    assert manifest.design == plan.design
    assert manifest.judges == {"word-refusal": "1"}
    assert manifest.target.fingerprint == target.fingerprint
    assert {"python", "msgspec", "scipy"} <= set(manifest.packages)
    assert [trial.id for trial in session.pending] == [trial.id for trial in plan.trials]


def test_every_reason_to_stop_fails_was_interrupted_or_leaves_the_code_to_the_verdicts() -> None:
    codes = {reason: Stopped(reason=reason).exit_code for reason in get_args(StopReason)}
    assert codes == {
        "complete": None,
        "budget": None,
        "interrupted": 130,
        "target_unavailable": 5,
        "judge_unavailable": 5,
        "storage": 5,
    }
