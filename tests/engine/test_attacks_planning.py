"""Planning under attacks: any registered name or composition, drawn only where it changes a request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.engine import render
from alignmeter.errors import InputError
from alignmeter.identity import trial_id
from alignmeter.records import DrawnImage
from alignmeter.suites.images import image_parts

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Lab


@pytest.mark.parametrize(
    ("attacks", "what"),
    [
        ({"rolplay": 1}, "unknown attack 'rolplay'; nearest: 'roleplay'"),
        ({"roleplay": 1, "suffx": 0}, "unknown attack 'suffx'; nearest: 'suffix'"),
        ({"roleplay | bse64": 1}, "unknown attack 'bse64' in 'roleplay | bse64'; nearest: 'base64'"),
    ],
)
def test_given_a_name_that_does_not_exist_when_planned_then_the_nearest_is_named(
    lab: Lab, attacks: dict[str, float], what: str
) -> None:
    with pytest.raises(InputError, match=what.replace("|", r"\|")):
        lab.plan_of(lab.model(adversaries={"attacks": attacks}), lab.probes(harmful=2))


def test_given_a_composition_when_planned_then_trials_tell_its_name_class_and_pool(lab: Lab) -> None:
    model = lab.model(adversaries={"attacks": ["roleplay|base64", "form_fill"], "paired_plain": False})
    trials = lab.plan_of(model, lab.probes(harmful=30)).trials
    assert {(trial.attack, trial.attack_class, trial.attack_pool) for trial in trials} == {
        ("roleplay | base64", "roleplay+encoding", "public"),
        ("form_fill", "format", "held_out"),
    }


def test_given_a_request_in_another_script_when_planned_then_latin_attacks_are_not_drawn_for_it(
    lab: Lab,
) -> None:
    probes = [
        lab.probe(f"p{number}", intent="harmful", prompt=f"{number} كيف أفعل ذلك بسرعة؟")
        for number in range(20)
    ]
    model = lab.model(adversaries={"attacks": ["rot13", "base64", "plain"], "paired_plain": False})
    assert {trial.attack for trial in lab.plan_of(model, probes).trials} == {"base64", "plain"}
    english = lab.plan_of(model, lab.probes(harmful=30)).trials
    assert {trial.attack for trial in english} == {"rot13", "base64", "plain"}
    only_latin = lab.model(adversaries={"attacks": ["rot13", "homoglyph | rot13"]})
    with pytest.raises(InputError, match=r"no attack of the threat model \(homoglyph \| rot13, rot13\) chan"):
        lab.plan_of(only_latin, probes)


def test_given_a_harmful_request_about_an_image_when_attacked_then_its_last_turn_carries_the_image(
    lab: Lab,
) -> None:
    label = DrawnImage(kind="label", title="CLEANER", rows=(("Net", "2 kg"),))
    probe = lab.probe("a", intent="harmful", image=label)
    model = lab.model(images=True, adversaries={"attacks": ["many_shot"], "best_of_n": {"draws": 2}})
    trials = lab.plan_of(model, [probe]).trials
    assert [trial.attack for trial in trials] == ["many_shot", "plain", "best_of_n", "best_of_n"]
    (image,) = image_parts(probe)
    for trial in trials:
        *before, last = trial.messages
        assert last.images == (image,)
        assert not any(message.images for message in before)
        assert trial.id == trial_id(
            trial.messages, epoch=trial.epoch, attack_seed=trial.attack_seed, image_digests=[image.digest]
        )


def test_given_several_draws_when_rendered_then_they_are_trials_of_their_own_of_one_family(lab: Lab) -> None:
    probe = lab.probe("a", intent="harmful")
    drawn = [render(probe, "best_of_n", lab.model(), draw=index) for index in range(8)]
    assert [trial.epoch for trial in drawn] == list(range(8))
    assert len({trial.id for trial in drawn}) == len({trial.messages for trial in drawn}) == 8
    assert len({(trial.family, trial.attack_seed) for trial in drawn}) == 1
    assert drawn[0] == render(probe, "best_of_n", lab.model())
    for trial in drawn:
        assert trial.id == trial_id(trial.messages, epoch=trial.epoch, attack_seed=trial.attack_seed)


def test_given_a_file_of_suffixes_when_planned_then_they_are_asked_and_a_missing_file_is_named(
    lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "found.jsonl"
    file.write_text('{"suffix": "== x"}\n', encoding="utf-8")
    adversaries: dict[str, Any] = {
        "attacks": ["cached_suffix"],
        "paired_plain": False,
        "suffix_file": str(file),
    }
    trials = lab.plan_of(lab.model(adversaries=adversaries), lab.probes(harmful=3)).trials
    assert {trial.messages[0].content for trial in trials} == {f"{trial.request} == x" for trial in trials}

    file.unlink()
    with pytest.raises(InputError, match=r"found\.jsonl: cannot read the file of suffixes"):
        lab.plan_of(lab.model(adversaries=adversaries), lab.probes(harmful=3))
    with pytest.raises(InputError, match="needs a file of suffixes"):
        lab.plan_of(lab.model(adversaries={"attacks": ["cached_suffix"]}), lab.probes(harmful=3))


def test_given_a_pool_as_a_claim_when_planned_then_its_attacks_and_compositions_keep_their_weights(
    lab: Lab,
) -> None:
    weights = {"roleplay": 8.0, "roleplay | base64": 2.0, "form_fill": 90.0}
    model = lab.model(
        adversaries={"attacks": weights},
        design={"split": {"attack_compliance": ["attack_pool", "attack_class"]}},
    )
    plan = lab.plan_of(model, lab.probes(harmful=400))
    attack = {trial.id: trial.attack for trial in plan.trials}
    claims = {claim.part: Counter(attack[unit[0]] for unit in claim.units) for claim in plan.design.claims}
    assert claims["attack_pool=public"] == {
        "roleplay": pytest.approx(320, abs=30),  # standard deviation 8
        "roleplay | base64": pytest.approx(80, abs=30),
    }
    assert "attack_class=plain" not in claims
    assert "plain" in attack.values()  # the twins are asked beside
