"""Constitutions: the shipped ones, their variants, and the files that `run --variant` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alignmeter.errors import InputError
from alignmeter.interventions.constitutions import (
    BUILT_IN_CONSTITUTIONS,
    constitution_variants,
    load_constitution,
    system_prompt,
    write_variants,
)
from alignmeter.targets.variants import read_variant

if TYPE_CHECKING:
    from pathlib import Path

HAND = """
name: mine
title: Two
preamble: Be good.
principles:
  - {id: one, title: One, text: Do one., exceptions: [a, b]}
  - {id: two, title: Two, text: Do two.}
closing: That is all.
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(HAND, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "principles", "with_exceptions"), [("broad", 3, 0), ("fine", 12, 12)])
def test_the_shipped_constitutions_are_broad_and_fine_grained(
    name: str, principles: int, with_exceptions: int
) -> None:
    found = load_constitution(name)
    assert len(found.ids) == len(set(found.ids)) == principles
    assert sum(bool(one.exceptions) for one in found.principles) == with_exceptions


def test_given_a_file_when_made_a_system_prompt_then_it_holds_everything_in_order(mine: Path) -> None:
    assert system_prompt(load_constitution(str(mine))) == (
        "Be good.\n\n- One: Do one. Exceptions: a; b.\n- Two: Do two.\n\nThat is all."
    )


def test_a_variant_changes_nothing_but_its_principle() -> None:
    constitution = load_constitution("fine")
    lines = system_prompt(constitution).splitlines()
    for variant in constitution_variants(constitution, "leave_one_out")[1:]:
        title = next(one.title for one in constitution.principles if one.id == variant.principle)
        assert variant.system_prompt.splitlines() == [
            line for line in lines if not line.startswith(f"- {title}:")
        ]


@pytest.mark.parametrize("name", BUILT_IN_CONSTITUTIONS)
def test_both_designs_ask_every_principle_left_out_and_alone(name: str) -> None:
    constitution = load_constitution(name)
    variants = constitution_variants(constitution)
    assert len(variants) == len({one.digest for one in variants}) == 2 + 2 * len(constitution.ids)
    assert [one.kind for one in constitution_variants(constitution, "add_one")].count("only") == len(
        constitution.ids
    )
    assert {one.kind for one in constitution_variants(constitution, "leave_one_out")} == {"whole", "without"}


def test_given_written_variants_when_read_by_run_then_the_system_prompts_have_the_same_digests(
    tmp_path: Path,
) -> None:
    variants = constitution_variants(load_constitution("fine"))
    paths = write_variants(variants, tmp_path / "v")
    read = [read_variant(path) for path in paths]
    assert [one.system_prompt_digest for one in read] == [one.digest for one in variants]
    assert [one.name for one in read] == [one.name for one in variants]
    assert write_variants(variants, tmp_path / "v") == paths  # the same again is no conflict


def test_variants_of_one_text_share_a_file(tmp_path: Path) -> None:
    broad = load_constitution("broad")
    two = msgspec.structs.replace(broad, name="two", principles=broad.principles[:2])
    variants = constitution_variants(two)

    paths = write_variants(variants, tmp_path / "v")

    assert len(paths) == len(variants) == 6
    assert len(set(paths)) == len(list((tmp_path / "v").iterdir())) == 4
    by_variant = dict(zip((one.digest for one in variants), paths, strict=True))
    assert all(read_variant(path).system_prompt_digest == digest for digest, path in by_variant.items())


def test_given_a_file_of_the_same_name_with_other_text_when_written_then_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "broad-only-honest.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists with other text"):
        write_variants(constitution_variants(load_constitution("broad")), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["broad-only-honest.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a list", "two or more principles"),
        (HAND.replace("id: two", "id: one"), "got 'one' twice"),
        (HAND.replace("preamble", "preample"), "two or more principles"),
        (HAND.partition("  - {id: two")[0], "two or more principles"),
        ("a: [", "two or more principles"),
    ],
)
def test_given_a_file_that_is_no_constitution_when_loaded_then_one_line_says_so(
    mine: Path, text: str, said: str
) -> None:
    mine.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        load_constitution(str(mine))
    assert "\n" not in str(caught.value)


def test_given_an_unknown_name_when_loaded_then_the_built_in_ones_are_named() -> None:
    with pytest.raises(InputError, match="expected broad or fine, or a YAML file"):
        load_constitution("brood")
