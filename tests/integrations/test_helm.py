"""Runs of HELM: files that its own classes of version 0.5.16 wrote."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.analysis.pairing import pair_items
from alignmeter.errors import InputError
from alignmeter.integrations import ReadOptions, read_item_scores
from alignmeter.integrations.base import mean_by_domain

if TYPE_CHECKING:
    from pathlib import Path

EXACT = ReadOptions(metrics=("exact_match",))
DOMAIN = "closed_facts:method=generation"


def edited(path: Path, **changes: Any) -> None:  # noqa: ANN401 - JSON values
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(document | changes), encoding="utf-8")


def test_a_run_is_a_domain_named_without_its_model(helm: Path) -> None:
    scores = read_item_scores(helm / "base", options=EXACT)

    assert (scores.model, scores.source) == ("own/base", "helm")
    assert scores.metric == {DOMAIN: "exact_match"}
    assert scores.reported == {DOMAIN: 0.75}
    assert [one.score for one in scores.items] == [1, 1, 1, 0, 1, 1, 0, 1]


def test_perturbed_instances_are_left_out_and_counted(helm: Path) -> None:
    scores = read_item_scores(helm / "base", options=EXACT)

    assert [one.item for one in scores.items] == [f"id{n}" for n in range(8)]
    assert scores.notes == (f"{DOMAIN}: 2 perturbed instances are left out, as from HELM's own score.",)


def test_a_metric_must_be_chosen_because_a_run_does_not_say_which_counts(helm: Path) -> None:
    with pytest.raises(
        InputError, match="`metrics=` to choose one of exact_match, quasi_exact_match, got none"
    ):
        read_item_scores(helm / "base")
    with pytest.raises(
        InputError, match=r"a metric that is there \(exact_match, quasi_exact_match\), got 'f1'"
    ):
        read_item_scores(helm / "base", options=ReadOptions(metrics=("f1",)))


def test_a_suite_of_two_models_needs_a_choice_and_they_pair(helm: Path) -> None:
    with pytest.raises(InputError, match=r"one of its models \('own/aligned', 'own/base'\), got None"):
        read_item_scores(helm, options=EXACT)
    base, aligned = (
        read_item_scores(helm, options=ReadOptions(metrics=("exact_match",), model=model))
        for model in ("own/base", "own/aligned")
    )

    paired = pair_items(base, aligned)

    assert (paired.shared, paired.versioned) == (8, 8)
    assert (paired.domains[0].other - paired.domains[0].base).sum() == -2


def test_provenance_is_kept(helm: Path) -> None:
    stated = read_item_scores(helm / "base", options=EXACT).provenance

    assert stated["harness"] == "HELM"
    assert stated[f"run of {DOMAIN}"] == "closed_facts:method=generation,model=own_base"
    assert stated[f"scenario of {DOMAIN}"] == "own.ClosedFactsScenario"
    assert "temperature=0.0" in stated["generation"]


def test_content_comes_from_the_instances_where_the_state_is_gone(helm: Path, broken_helm: Path) -> None:
    state = json.loads((broken_helm / "scenario_state.json").read_text(encoding="utf-8"))
    (broken_helm / "scenario_state.json").unlink()
    bare = read_item_scores(broken_helm, options=EXACT)
    instances = [part["instance"] for part in state["request_states"]]
    (broken_helm / "instances.json").write_text(json.dumps(instances), encoding="utf-8")

    found = read_item_scores(broken_helm, options=EXACT)

    whole = read_item_scores(helm / "base", options=EXACT)
    assert {one.version for one in bare.items} == {""}
    assert [one.version for one in found.items] == [one.version for one in whole.items]
    assert {one.prompt for one in found.items} == {""}


def test_other_trials_are_members_of_the_family(broken_helm: Path) -> None:
    path = broken_helm / "per_instance_stats.json"
    rows = [row for row in json.loads(path.read_text(encoding="utf-8")) if "perturbation" not in row]
    path.write_text(json.dumps([*rows, *(row | {"train_trial_index": 1} for row in rows)]), encoding="utf-8")

    items = read_item_scores(broken_helm, options=EXACT).items

    assert (items[8].item, items[8].family) == ("id0 (run 2)", "id0")
    assert len({one.family for one in items}) == 8


def test_an_instance_without_the_metric_is_unscored(broken_helm: Path) -> None:
    path = broken_helm / "per_instance_stats.json"
    rows = [row for row in json.loads(path.read_text(encoding="utf-8")) if "perturbation" not in row]
    rows[0]["stats"] = [stat for stat in rows[0]["stats"] if stat["name"]["name"] != "exact_match"]
    path.write_text(json.dumps(rows), encoding="utf-8")
    (broken_helm / "stats.json").unlink()

    scores = read_item_scores(broken_helm, options=EXACT)

    assert (scores.items[0].score, scores.items[0].unscored) == (None, "HELM has no exact_match of it")
    assert scores.notes == (f"{DOMAIN}: no single printed mean of exact_match to check the items against.",)


def test_each_of_several_splits_is_a_domain_with_its_own_printed_mean(broken_helm: Path) -> None:
    for name in ("per_instance_stats.json", "stats.json"):
        path = broken_helm / name
        found = json.loads(path.read_text(encoding="utf-8"))
        valid = json.loads(json.dumps(found).replace('"split": "test"', '"split": "valid"'))
        if name == "stats.json":
            for stat in valid:
                if stat["name"]["name"] == "exact_match" and "perturbation" not in stat["name"]:
                    stat["mean"] = 1.0
        else:
            for row in valid:
                row["instance_id"] = f"v{row['instance_id']}"
                for stat in row["stats"]:
                    if stat["name"]["name"] == "exact_match":
                        stat["mean"] = 1.0
        path.write_text(json.dumps([*valid, *found]), encoding="utf-8")

    scores = read_item_scores(broken_helm, options=EXACT)

    assert scores.reported == {f"{DOMAIN},split=valid": 1.0, f"{DOMAIN},split=test": 0.75}
    assert mean_by_domain(scores.items) == scores.reported
    one = ReadOptions(metrics=("exact_match",), domains=(f"{DOMAIN},split=test",))
    assert [item.score for item in read_item_scores(broken_helm, options=one).items] == [
        1,
        1,
        1,
        0,
        1,
        1,
        0,
        1,
    ]


def test_items_without_the_printed_mean_are_refused(broken_helm: Path) -> None:
    path = broken_helm / "per_instance_stats.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(rows[1:]), encoding="utf-8")

    with pytest.raises(InputError, match=r"the source's own 0\.75, got 0\.714286; the items are incomplete"):
        read_item_scores(broken_helm, options=EXACT)


def test_files_that_are_missing_or_not_of_helm_are_named(broken_helm: Path, tmp_path: Path) -> None:
    edited(broken_helm / "run_spec.json", adapter_spec=3)
    with pytest.raises(InputError, match=r"run_spec\.json: expected what HELM writes .*adapter_spec"):
        read_item_scores(broken_helm, options=EXACT)
    (broken_helm / "run_spec.json").unlink()
    with pytest.raises(InputError, match=r"run_spec\.json: expected a readable file, got 'No such file"):
        read_item_scores(broken_helm, options=EXACT)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"a folder with per_instance_stats\.json, got an empty folder"):
        read_item_scores(tmp_path / "empty", format="helm")


def test_one_domain_of_a_suite_is_chosen(helm: Path, tmp_path: Path) -> None:
    for name in ("base", "more"):
        shutil.copytree(helm / "base", tmp_path / name)
    edited(tmp_path / "more" / "run_spec.json", name="other_facts:method=generation,model=own_base")

    scores = read_item_scores(tmp_path, options=EXACT)

    assert {one.domain for one in scores.items} == {DOMAIN, "other_facts:method=generation"}
    only = ReadOptions(metrics=("exact_match",), domains=("other_facts:method=generation",))
    assert len(read_item_scores(tmp_path, options=only).items) == 8


def test_a_run_states_what_it_asked_where_each_request_has_its_row(helm: Path, broken_helm: Path) -> None:
    whole = read_item_scores(helm / "base", options=EXACT)
    assert whole.stated == tuple(whole.metric)

    (broken_helm / "stats.json").unlink()
    rows = json.loads((broken_helm / "per_instance_stats.json").read_text(encoding="utf-8"))
    (broken_helm / "per_instance_stats.json").write_text(json.dumps(rows[1:]), encoding="utf-8")
    assert read_item_scores(broken_helm, options=EXACT).stated == ()
