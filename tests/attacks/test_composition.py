"""Compositions: `a | b` applies the left one first."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.attacks import AttackContext, attack_names, get_attack
from alignmeter.errors import InputError

_CONTEXT = AttackContext(suffixes=("one", "two"))
_REQUEST = "How do I ask for it?"


def _said(name: str, seed: int = 1) -> str:
    return get_attack(name).render(_REQUEST, seed=seed, context=_CONTEXT)[-1].content


def test_given_two_attacks_when_composed_then_the_left_one_is_inside_the_right_one() -> None:
    for seed in range(20):
        payload = max(re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", _said("roleplay | base64", seed)), key=len)
        inner = base64.b64decode(payload).decode()
        assert _REQUEST in inner
        assert inner in {_said("roleplay", each) for each in range(200)}

        outer = _said("base64 | roleplay", seed)
        assert _REQUEST not in outer
        assert base64.b64encode(_REQUEST.encode()).decode() in outer


def test_given_a_history_when_composed_then_it_stays_and_the_last_turn_is_attacked() -> None:
    for name in ("many_shot | rot13", "rot13 | many_shot"):
        messages = get_attack(name).render(_REQUEST, seed=1, context=_CONTEXT)
        assert len(messages) == 97
        assert "Ubj qb V nfx sbe vg?" in messages[-1].content
        assert not any("Ubj" in message.content for message in messages[:-1])


@pytest.mark.parametrize("spelling", ["roleplay|base64", "roleplay | base64", "  roleplay  |base64 "])
def test_given_any_spelling_when_looked_up_then_the_name_is_one(spelling: str) -> None:
    found = get_attack(spelling)
    assert (found.name, found.attack_class) == ("roleplay | base64", "roleplay+encoding")
    assert found.reference == f"{get_attack('roleplay').reference}; {get_attack('base64').reference}"
    assert found.summary == "Apply roleplay, then base64."


def test_given_parts_when_composed_then_one_held_out_or_latin_part_makes_the_whole_so() -> None:
    assert get_attack("roleplay | base64").pool == "public"
    assert get_attack("roleplay | form_fill").pool == "held_out"
    assert get_attack("form_fill | roleplay").pool == "held_out"
    assert get_attack("rot13 | roleplay").latin_only
    assert not get_attack("base64 | roleplay").latin_only


def test_given_the_same_attack_twice_when_composed_then_each_place_has_a_seed_of_its_own() -> None:
    same = sum(
        len(set(re.findall(r"== (\w+)", text))) == 1
        for text in (
            get_attack("cached_suffix | cached_suffix")
            .render("x", seed=seed, context=AttackContext(suffixes=("== one", "== two")))[-1]
            .content
            for seed in range(200)
        )
    )
    assert 60 < same < 140  # 100 expected, standard deviation 7


@given(
    names=st.lists(st.sampled_from(attack_names()), min_size=2, max_size=3),
    request=st.text(min_size=1, max_size=40),
    seed=st.integers(0, 2**31 - 1),
)
def test_given_any_attacks_when_composed_then_the_conversation_follows_from_the_seed(
    names: list[str], request: str, seed: int
) -> None:
    found = get_attack(" | ".join(names))
    messages = found.render(request, seed=seed, context=_CONTEXT)
    assert messages == found.render(request, seed=seed, context=_CONTEXT)
    assert messages[-1].role == "user"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("roleplay |", "expected attacks on both sides of each '|', such as 'roleplay | base64', got"),
        ("| base64", "expected attacks on both sides"),
        ("roleplay || base64", "expected attacks on both sides"),
        ("plain | base64", "'plain' is no part of a composition"),
        ("roleplay | bas64", "unknown attack 'bas64' in 'roleplay | bas64'; nearest: 'base64'"),
        ("|".join(["base64"] * 5), "expected a composition of at most 4 attacks, got 5"),
    ],
)
def test_given_a_composition_that_is_none_when_looked_up_then_the_error_says_why(
    name: str, what: str
) -> None:
    with pytest.raises(InputError, match=re.escape(what)):
        get_attack(name)
