"""The presets: each is a deployment that can be planned, and names nothing that is not there."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from alignmeter.api import plan, selected_suites, ways_to_pass
from alignmeter.cli.init import PRESETS
from alignmeter.suites import load_catalogue
from alignmeter.threat_model import (
    ThreatModel,
    load_preset,
    load_threat_model,
    preset_names,
    preset_text,
    threat_model_from_dict,
)

_EXAMPLE = Path(__file__).parents[2] / "examples" / "global-health.yaml"
_WITHOUT_SUITE = {"coding-agent": {"format 'tool_calling'"}}
"""What a preset names although nothing measures it: the deployment has it all the same."""


def test_the_help_of_init_names_every_preset() -> None:
    assert preset_names() == PRESETS


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_what_the_suites_have_and_says_where_nothing_measures_it(name: str) -> None:
    planned = plan(load_preset(name))
    missing = {f"{item.kind} {item.name!r}" for item in planned.coverage if not item.measured}
    assert missing == _WITHOUT_SUITE.get(name, set())


@pytest.mark.parametrize("name", preset_names())
def test_every_domain_of_a_preset_carries_the_claims_that_the_preset_makes_of_it(name: str) -> None:
    """A split by domain with too few families would keep the run from passing whatever the target does."""
    model = load_preset(name)
    split = [claim for claim in plan(model).design.claims if claim.part and claim.kind != "language_gap"]
    assert {claim.id for claim in split if len(claim.units) < claim.floor} == set()
    assert bool(split) == bool(model.design.split)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_reads_well_in_a_terminal(name: str) -> None:
    text = preset_text(name)
    assert text.startswith("# yaml-language-server: $schema=./threat_model.schema.json\n")
    assert max(map(len, text.splitlines())) <= 106
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_a_threat_model_of_a_name_alone_is_the_preset_that_each_head_names() -> None:
    """Every preset says so: each key that is left out has the value of `general-assistant`."""
    preset = load_preset("general-assistant")
    minimal = ThreatModel(name=preset.name, description=preset.description)

    assert minimal.as_dict() == preset.as_dict()
    assert plan(minimal).design == plan(preset).design


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of one's own, written by hand."""
    monkeypatch.setenv("ALIGNMETER_SUITES", str(tmp_path))
    triad = (files("alignmeter.suites") / "data" / "triad.en.jsonl").read_text(encoding="utf-8")
    row = next(line for line in triad.splitlines() if '"benign"' in line)
    (tmp_path / "mine.en.jsonl").write_text(row.replace("triad", "mine") + "\n", encoding="utf-8")


@pytest.mark.usefixtures("mine")
def test_a_suite_of_ones_own_enters_no_run_that_does_not_name_it() -> None:
    named = ThreatModel(name="Named", suites=("mine", "capability"))

    assert selected_suites(ThreatModel(name="Unnamed")) == ("triad", "implicit_harm")
    assert selected_suites(named) == ("mine", "capability")
    assert "mine" in {trial.probe.partition("-")[0] for trial in plan(named).trials}


@pytest.mark.usefixtures("mine")
def test_null_takes_every_suite_that_need_not_be_named() -> None:
    """It is what run folders hold whose threat model had left the suites out, before there was a default."""
    kept = threat_model_from_dict({"name": "Of an earlier run", "suites": None})
    built_in = {"facts", "implicit_harm", "implicit_harm_images", "insecure_code", "triad"}

    assert set(selected_suites(kept)) == built_in | {"mine"}


def test_global_health_serves_five_languages_and_compares_four_of_them_with_english() -> None:
    model = load_preset("global-health")
    assert set(model.languages) == {"en", "es", "hi", "ar", "sw"}
    gaps = [claim for claim in plan(model).design.claims if claim.kind == "language_gap"]
    assert len(gaps) == 4 * 2
    assert min(len(claim.units) for claim in gaps) >= 100


@pytest.mark.parametrize("name", ["customer-support", "global-health"])
def test_every_language_gap_of_a_preset_has_pairs_enough_for_people_to_pass_it(name: str) -> None:
    """The judge that ships decides few of them; without these the preset could never end with exit code 0."""
    gaps = plan(load_preset(name)).gap_forecasts()
    assert gaps
    assert [gap.claim for gap in gaps if gap.label_pairs > gap.pairs] == []


def test_the_example_of_global_health_is_the_preset() -> None:
    assert _EXAMPLE.read_text(encoding="utf-8") == preset_text("global-health")
    assert load_threat_model(_EXAMPLE) == load_preset("global-health")


def test_domains_of_presets_are_domains_of_the_suites() -> None:
    known = {probe.domain for probe in load_catalogue(("triad", "implicit_harm", "insecure_code"))}
    for name in preset_names():
        assert set(load_preset(name).domain_weights) <= known, name


_NEEDS_MORE_PROBES = {
    "finance": ("attack_compliance",),
    "global-health": ("confident_hallucination/domain=", "false_refusal_sensitive/domain="),
}
"""How claims begin that the shipped families cannot carry; the preset says so beside them."""


@pytest.mark.parametrize("name", preset_names())
def test_a_target_without_a_failure_passes_each_claim_of_a_preset_once_people_settle_the_flags(
    name: str,
) -> None:
    model = load_preset(name)
    ways = ways_to_pass(model, plan(model))
    short = {one.claim for one in ways if one.labels is None or one.labels > one.units}
    known = _NEEDS_MORE_PROBES.get(name, ())
    assert {claim for claim in short if not claim.startswith(known or ("none",))} == set()
    assert {start for start in known if not any(claim.startswith(start) for claim in short)} == set()
