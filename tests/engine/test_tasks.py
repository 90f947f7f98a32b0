"""Tasks in a run: which are asked, in which order, and what whole runs of planted models score."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import alignmeter
from alignmeter.api import RunRequest, tax
from alignmeter.api.scores import scores_of_run
from alignmeter.engine import make_plan
from alignmeter.errors import InputError
from alignmeter.integrations import ReadOptions, read_item_scores
from alignmeter.records import CapabilityResult
from alignmeter.report.page import render_report
from alignmeter.suites import load_catalogue
from alignmeter.threat_model import ThreatModel, load_threat_model, threat_model_from_dict

if TYPE_CHECKING:
    from types import ModuleType

    from alignmeter.api import Run
    from alignmeter.engine import Plan

TESTS = Path(__file__).parents[1]

_BOTS = '''
"""Models with planted knowledge of the suite `capability`."""

import sys

sys.path.insert(0, {tests!r})

from capability_oracle import IDLE, right_reply

from alignmeter.suites import load_suite

CHECKS = {{probe.prompt: probe.check for probe in load_suite("capability")}}


def knows_all(messages):
    check = CHECKS.get(messages[-1]["content"])
    return "Here is what you asked for, in full." if check is None else right_reply(check)


def says_nothing(messages):
    return IDLE


def refuses(messages):
    return "I'm sorry, but I can't help with that."


def refuses_half(messages):
    text = messages[-1]["content"]
    return refuses(messages) if len(text) % 2 else knows_all(messages)
'''


def model(**changes: object) -> ThreatModel:
    return threat_model_from_dict({"name": "Tasks", "suites": ["capability"], **changes})


def plan(**changes: object) -> Plan:
    chosen = model(**changes)
    return make_plan(chosen, load_catalogue(chosen.suites), cards={})


# --- what is asked -------------------------------------------------------------------------------


def test_tasks_are_asked_only_where_their_suite_is_named() -> None:
    named = plan()
    unnamed = [ThreatModel(name="Tasks"), ThreatModel(name="Tasks", suites=None)]

    assert len(named.trials) == len(load_catalogue(["capability"]))
    for model in unnamed:
        assert not make_plan(model, load_catalogue(["capability"]), cards={}).trials


def test_domains_grades_and_items_narrow_what_is_asked() -> None:
    asked = plan(capability={"domains": ["mathematics"], "grades": ["easy", "hard"], "items": 3}).trials

    found = Counter((trial.domain, trial.check.grade) for trial in asked if trial.check is not None)
    assert found == {("mathematics", "easy"): 3, ("mathematics", "hard"): 3}


def test_the_domains_of_the_users_do_not_narrow_tasks() -> None:
    assert len(plan(domains={"medical": 1}).trials) == len(plan().trials)


def test_domains_and_grades_take_turns_so_that_a_run_that_stops_has_asked_of_all_alike() -> None:
    first = plan().trials[:15]

    cells = Counter((trial.domain, trial.check.grade) for trial in first if trial.check is not None)
    assert len(cells) == 15


def test_the_order_depends_on_the_seed_of_the_design_alone() -> None:
    one, again = plan(), plan()
    other = plan(design={"seed": 2})

    assert [t.id for t in one.trials] == [t.id for t in again.trials]
    assert [t.id for t in one.trials] != [t.id for t in other.trials]
    assert {t.id for t in one.trials} == {t.id for t in other.trials}


def test_tasks_belong_to_no_claim() -> None:
    assert not any(claim.units for claim in plan().design.claims)


def test_a_domain_that_no_suite_has_is_refused_by_name() -> None:
    with pytest.raises(
        InputError, match=r"'astrology' under `capability:`.* expected some of factual_recall"
    ):
        plan(capability={"domains": ["astrology"]})


def test_the_example_asks_every_task_and_the_requests_of_the_tax_domains() -> None:
    example = load_threat_model(TESTS.parent / "examples" / "capability.yaml")
    asked = make_plan(example, load_catalogue(example.suites), cards={}).trials

    suites = Counter(trial.suite for trial in asked)
    assert suites["capability"] == len(load_catalogue(["capability"]))
    assert suites["tax_domains"] > 0


# --- whole runs ----------------------------------------------------------------------------------


@pytest.fixture
def bots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, oracle: ModuleType) -> None:
    assert oracle.IDLE, "loaded under the name that the bots import"
    (tmp_path / "knowing_bots.py").write_text(_BOTS.format(tests=str(TESTS)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "knowing_bots", raising=False)


def run(tmp_path: Path, bot: str, **changes: object) -> Run:
    path = tmp_path / "tasks.yaml"
    settings = {"capability": {"items": 2}, **changes}
    path.write_text(f"name: Tasks\nsuites: [capability]\ncapability: {settings['capability']}\n", "utf-8")
    return alignmeter.run(
        RunRequest(target=f"python:knowing_bots:{bot}", threat_model=path, runs=tmp_path / "runs", name=bot)
    )


@pytest.mark.usefixtures("bots")
def test_a_model_that_knows_all_scores_all_in_every_domain_and_grade(tmp_path: Path) -> None:
    found = run(tmp_path, "knows_all")

    results = [judged.result for judged in found.data.on("capability").values()]
    if any(getattr(result, "reason", "") == "no_sandbox" for result in results):
        pytest.skip("no sandbox holds on this machine")
    assert {type(result) for result in results} == {CapabilityResult}
    means = {(one.domain, one.grade): (one.mean, one.unscored) for one in found.results.capability}
    assert len(means) == 5 * 4
    assert set(means.values()) == {(1.0, 0)}


@pytest.mark.usefixtures("bots")
def test_a_model_that_says_nothing_scores_no_more_than_guessing_and_refuses_nothing(tmp_path: Path) -> None:
    found = run(tmp_path, "says_nothing")

    for one in found.results.capability:
        assert one.mean is not None
        assert one.mean <= one.chance + 0.01, one
        assert one.refused == 0
    assert found.exit_code == 4, "tasks are no claim, so nothing was tested"


@pytest.mark.usefixtures("bots")
def test_a_model_that_refuses_is_counted_as_refusing_every_task(tmp_path: Path) -> None:
    found = run(tmp_path, "refuses")

    assert {one.refused for one in found.results.capability if one.grade is None} == {6}
    scores = scores_of_run(found)
    assert all(item.refused for item in scores.items)
    assert read_item_scores(found.path) == scores
    with pytest.raises(InputError, match=r"expected one of .*mathematics.*, got 'astrology'"):
        read_item_scores(found.path, options=ReadOptions(domains=("astrology",)))


@pytest.mark.usefixtures("bots")
def test_the_tax_between_two_runs_is_found_to_be_refusal_where_it_is(tmp_path: Path) -> None:
    only = {"capability": {"domains": ["mathematics"], "items": 16}}
    base, aligned = run(tmp_path, "knows_all", **only), run(tmp_path, "refuses_half", **only)

    report = tax(base, {"half": aligned})

    (found,) = report.taxes
    assert found.domain == "mathematics"
    assert found.absolute is not None
    assert found.absolute > 0.2
    assert found.answered is not None
    assert found.answered.refusal_share == pytest.approx(1.0), "what both answered, both had right"


@pytest.mark.usefixtures("bots")
def test_the_report_shows_each_domain_and_grade_with_its_interval(tmp_path: Path) -> None:
    found = run(tmp_path, "says_nothing", capability={"domains": ["mathematics"], "items": 4})

    page = render_report(found.manifest, found.answers, found.results)

    section = page.partition('<section id="capability"')[2].partition("</section>")[0]
    assert "mathematics" in section
    assert "right result" in section
    assert section.count("0% to 49%") == 3, "one a grade, of four tasks each"
    assert 'href="#capability"' in page
