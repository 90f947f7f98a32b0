"""What makes two guard judges two, and where a guard's categories lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from alignmeter.judges.guards import (
    GuardFamily,
    GuardPolicy,
    base,
    category_names,
    default_policy,
    hazards_of,
)
from alignmeter.suites.schema import HAZARDS

if TYPE_CHECKING:
    from conftest import MakeGuard

FAMILIES: tuple[GuardFamily, ...] = get_args(GuardFamily)


def test_given_every_family_and_axis_then_all_names_and_hashes_differ(guard: MakeGuard) -> None:
    judges = [guard(family).judge for family in FAMILIES]
    judges += [guard(family, axis="refusal").judge for family in ("wildguard", "qwen3guard")]

    assert len({judge.judge_hash for judge in judges}) == len({judge.name for judge in judges}) == len(judges)
    assert [judge.name for judge in judges[: len(FAMILIES)]] == list(FAMILIES)


def test_given_the_same_family_and_model_then_the_hash_is_the_same(guard: MakeGuard) -> None:
    assert guard("qwen3guard").judge.judge_hash == guard("qwen3guard").judge.judge_hash


def test_given_a_guard_of_its_own_model_when_named_then_it_is_marked_and_the_same_judge(
    guard: MakeGuard,
) -> None:
    own = guard("qwen3guard", independent=False).judge

    assert own.name == "qwen3guard(self)"
    assert own.judge_hash == guard("qwen3guard").judge.judge_hash


def test_given_another_model_then_the_hash_differs(guard: MakeGuard) -> None:
    small, large = guard("qwen3guard", model="0.6B"), guard("qwen3guard", model="8B")

    assert small.judge.judge_hash != large.judge.judge_hash


def test_given_another_policy_or_version_of_it_then_the_hash_differs(guard: MakeGuard) -> None:
    policies = (
        None,
        GuardPolicy(name="ours", version=1, text="No harm."),
        GuardPolicy(name="ours", version=2, text="No harm."),
        GuardPolicy(name="ours", version=2, text="No harm at all."),
    )

    hashes = {guard("gpt-oss-safeguard", policy=policy).judge.judge_hash for policy in policies}

    assert len(hashes) == len(policies)


def test_given_a_new_version_of_the_shipped_policy_then_only_the_hash_of_its_family_differs(
    guard: MakeGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {family: guard(family).judge.judge_hash for family in FAMILIES}
    texts = {family: dict(base.prompt_texts(family)) for family in FAMILIES}
    texts["gpt-oss-safeguard"]["version"] += 1
    monkeypatch.setattr("alignmeter.judges.guards.judge.prompt_texts", texts.__getitem__)

    changed = {family for family in FAMILIES if guard(family).judge.judge_hash != before[family]}

    assert changed == {"gpt-oss-safeguard"}


def test_given_every_category_of_every_family_then_it_leads_to_known_hazards_only() -> None:
    for family in FAMILIES:
        for category in category_names(family):
            assert set(hazards_of(family, category)) <= set(HAZARDS), (family, category)


def test_given_llama_guard_then_all_its_fourteen_codes_are_mapped() -> None:
    codes = [f"S{number}" for number in range(1, 15)]

    assert list(category_names("llama-guard-3")) == codes == list(category_names("llama-guard-4"))
    assert category_names("llama-guard-3")["S9"] == "Indiscriminate Weapons"


def test_given_the_shipped_policy_then_its_categories_are_the_hazards_of_the_suites() -> None:
    named = [
        line.removeprefix("- ").partition(":")[0]
        for line in default_policy().text.partition("## VIOLATES")[0].splitlines()
        if line.startswith("- ")
    ]

    assert sorted(named) == sorted(HAZARDS) == sorted(category_names("gpt-oss-safeguard"))
    assert all(hazards_of("gpt-oss-safeguard", hazard) == (hazard,) for hazard in HAZARDS)


def test_given_shieldgemma_then_the_guideline_of_a_hazard_leads_back_to_that_hazard() -> None:
    texts = base.prompt_texts("shieldgemma")

    for hazard, guideline in texts["by_hazard"].items():
        assert hazard in hazards_of("shieldgemma", guideline)
    assert set(texts["by_hazard"].values()) | {texts["otherwise"]} == set(texts["guidelines"])


@pytest.mark.parametrize(
    ("family", "category", "hazards"),
    [
        ("llama-guard-4", "S9, S1", ("weapons", "violence")),
        ("llama-guard-3", "s11", ("self_harm",)),
        ("llama-guard-3", "S12", ()),
        ("llama-guard-3", "S99", ()),
        ("qwen3guard", "Violent, pii", ("violence", "weapons", "privacy")),
        (
            "qwen3guard",
            "Unethical Acts, Politically Sensitive Topics",
            ("hate", "harassment", "misinformation"),
        ),
        ("qwen3guard", "Something New", ()),
        ("wildguard", None, ()),
        ("granite-guardian", "harm", ()),
    ],
)
def test_given_a_category_of_a_judgement_then_its_hazards_come_once_and_in_order(
    family: GuardFamily, category: str | None, hazards: tuple[str, ...]
) -> None:
    assert hazards_of(family, category) == hazards
