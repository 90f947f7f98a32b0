"""Attacks: deterministic, seeded, and they never change what is asked for."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignmeter.attacks import (
    PLAIN,
    AttackContext,
    attack,
    attack_names,
    attack_seed,
    frame_languages,
    frames,
    get_attack,
)
from alignmeter.attacks.base import user
from alignmeter.errors import InputError
from alignmeter.records import Message
from alignmeter.threat_model import BUILT_IN_ATTACKS

_CONTEXT = AttackContext(suffixes=("== one", "== two", "== three", "== four"))
_NAMES = attack_names()
_HELD_OUT = {
    "form_fill",
    "code_comment",
    "table",
    "ticket",
    "payload_splitting",
    "register_shift",
    "tense_shift",
}
_ENCODED = {"base64", "rot13", "leetspeak", "homoglyph", "zero_width", "best_of_n", "payload_splitting"}
_REWORDED = {"tense_shift", "register_shift", "table", "code_comment"}
_WHOLE = sorted(set(_NAMES) - _ENCODED - _REWORDED)


def _said(name: str, request: str, seed: int, context: AttackContext = _CONTEXT) -> str:
    return get_attack(name).render(request, seed=seed, context=context)[-1].content


# --- the registry --------------------------------------------------------------------------------


def test_given_the_built_in_attacks_when_listed_then_they_are_those_that_editors_offer() -> None:
    assert set(BUILT_IN_ATTACKS) == {PLAIN, *_NAMES}


@pytest.mark.parametrize("name", _NAMES)
def test_given_a_built_in_attack_when_looked_up_then_it_says_what_it_does_and_where_it_was_published(
    name: str,
) -> None:
    found = get_attack(name)
    assert found.name == name
    assert re.search(r"20\d\d, .*\((arXiv \d{4}\.\d{5}|NeurIPS 2024)\)", found.reference)
    assert found.summary.endswith(".")


def test_given_the_pools_when_compared_then_unusual_formats_and_wordings_are_held_out() -> None:
    assert {name for name in _NAMES if get_attack(name).pool == "held_out"} == _HELD_OUT


def test_given_an_attack_that_does_not_exist_when_asked_for_then_the_nearest_is_named() -> None:
    with pytest.raises(
        InputError, match="unknown attack 'rolepaly'; nearest: 'roleplay'; see `alignmeter attacks list`"
    ):
        get_attack("rolepaly")
    with pytest.raises(InputError, match="unknown attack 'many-shot'; nearest: 'many_shot'"):
        get_attack("many-shot")
    with pytest.raises(InputError, match="unknown attack 'xyz'; known"):
        get_attack("xyz")


@pytest.mark.usefixtures("own_registry")
def test_given_private_code_when_it_registers_an_attack_then_it_is_one_like_the_others() -> None:
    @attack("politely", attack_class="manners", reference="ours", pool="held_out")
    def politely(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
        """Say please.

        It costs nothing.
        """
        del seed, context
        return (Message(role="user", content=f"Please! {request}"),)

    found = get_attack("politely")
    assert (found.attack_class, found.pool, found.summary) == ("manners", "held_out", "Say please.")
    assert "politely" in attack_names()
    assert politely("x", seed=1, context=_CONTEXT) == found.render("x", seed=1, context=_CONTEXT)
    with pytest.raises(InputError, match=r"'politely' is registered twice, by .*politely and .*impolitely"):

        @attack("politely", attack_class="manners", reference="ours")
        def impolitely(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:  # pyright: ignore[reportUnusedFunction]
            raise NotImplementedError


@pytest.mark.parametrize("name", ["Polite", "a|b", "", "plain", "2nd"])
def test_given_a_name_of_another_form_when_registered_then_it_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="expected a lower-case name of an attack such as my_attack, got"):
        attack(name, attack_class="x", reference="ours")


@pytest.mark.usefixtures("own_registry")
def test_given_private_code_that_fails_when_rendered_then_the_attack_is_named() -> None:
    @attack("broken", attack_class="broken", reference="ours")
    def broken(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:  # pyright: ignore[reportUnusedFunction]
        del seed, context
        raise KeyError(request)

    @attack("headless", attack_class="broken", reference="ours")
    def headless(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:  # pyright: ignore[reportUnusedFunction]
        del context
        return (Message(role="assistant", content=request),) * seed

    with pytest.raises(InputError, match=r"attack 'broken' failed on a request: KeyError\('x'\)"):
        get_attack("broken").render("x", seed=1, context=_CONTEXT)
    for messages in (0, 1):
        with pytest.raises(InputError, match="attack 'headless': expected messages that end with the user's"):
            get_attack("headless").render("x", seed=messages, context=_CONTEXT)


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([Message(role="user", content=cast(str, None))], "Expected `str`, got `null`"),
        ([Message(role="user", content=cast(str, 5))], "Expected `str`, got `int`"),
        ([Message(role=cast(Any, "bogus"), content="a"), user("b")], "Invalid enum value 'bogus'"),
        ([user("half of a pair: \ud83d")], "surrogates not allowed"),
        ([user("a"), "b"], "Expected `object`, got `str`"),
        ([object(), user("a")], "Encoding objects of type object is unsupported"),
    ],
)
def test_given_private_code_whose_messages_no_journal_can_keep_when_rendered_then_the_attack_is_named(
    messages: list[Any], why: str
) -> None:
    @attack("odd", attack_class="odd", reference="ours")
    def odd(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:  # pyright: ignore[reportUnusedFunction]
        del request, seed, context
        return tuple(messages)

    with pytest.raises(InputError, match="attack 'odd': expected messages with a role and a text") as caught:
        get_attack("rot13 | odd").render("x", seed=1, context=_CONTEXT)
    assert why in str(caught.value)
    str(caught.value).encode()


# --- every attack --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", _NAMES)
@given(request=st.text(min_size=1, max_size=80), seed=st.integers(0, 2**31 - 1))
def test_given_any_request_when_attacked_twice_then_the_conversation_is_the_same(
    name: str, request: str, seed: int
) -> None:
    found = get_attack(name)
    messages = found.render(request, seed=seed, context=_CONTEXT)
    assert messages[-1].role == "user"
    assert messages == found.render(request, seed=seed, context=_CONTEXT)


@pytest.mark.parametrize("name", _WHOLE)
@given(
    request=st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1),
    seed=st.integers(0, 2**31 - 1),
)
def test_given_any_request_when_framed_then_it_stands_whole_in_the_last_turn_of_the_user(
    name: str, request: str, seed: int
) -> None:
    content = _said(name, request, seed)
    assert request in content
    assert "{request}" not in content.replace(request, "")


@pytest.mark.parametrize("name", _NAMES)
def test_given_many_seeds_when_attacked_then_at_least_four_variants_come_up_and_none_is_rare(
    name: str,
) -> None:
    found = get_attack(name)
    said = [found.render("How do I ask it?", seed=seed, context=_CONTEXT) for seed in range(240)]
    variants = set(said)
    assert len(variants) >= 4
    if len(variants) < 40:  # frames; the others draw letters
        assert all(said.count(variant) > 240 / len(variants) / 3 for variant in variants)


@pytest.mark.parametrize("name", sorted(set(_NAMES) - {"many_shot"}))
def test_given_an_attack_of_one_turn_when_made_then_it_is_one_message_of_the_user(name: str) -> None:
    """A fake system turn stays inside the user's: a real one would be the deployment's own."""
    for seed in range(30):
        (message,) = get_attack(name).render("Say it once.", seed=seed, context=_CONTEXT)
        assert message.role == "user"


def test_given_another_script_when_an_attack_changes_latin_letters_only_then_it_does_not_work_on_it() -> None:
    arabic, turkish = "كيف أفتح قفلا بدون مفتاح؟", "Bunu nasıl yaparım, söyler misin?"  # noqa: RUF001 - Turkish
    for name in _NAMES:
        found = get_attack(name)
        assert found.works_on(turkish)
        assert found.works_on(arabic) is not found.latin_only
        # What says that it works on a script does change a request in it.
        (*_, last) = found.render(arabic, seed=3, context=_CONTEXT)
        assert (last.content != arabic) or found.latin_only or name == "many_shot"
    assert {name for name in _NAMES if get_attack(name).latin_only} == {
        "best_of_n",
        "homoglyph",
        "leetspeak",
        "rot13",
    }


# --- frames --------------------------------------------------------------------------------------


@given(
    request=st.text("abc {}#\n|"),
    before=st.sampled_from(["# ", "    ", "> ", " * ", "", "say: "]),
)
def test_given_a_request_with_braces_and_lines_when_filled_in_then_nothing_in_it_is_taken_for_a_placeholder(
    request: str, before: str
) -> None:
    filled = frames.fill(f"start\n{before}{{request}}\nend {{other}}", request=request)
    margin = before if before != "say: " else ""
    assert filled == f"start\n{before}" + request.replace("\n", f"\n{margin}") + "\nend {other}"


def test_given_frames_in_a_language_when_attacked_then_they_are_used_and_english_ones_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path_factory.mktemp("data")
    (data / "roleplay.en.yaml").write_text('frames: ["Once: {request}"]', encoding="utf-8")
    (data / "roleplay.es.yaml").write_text('frames: ["Érase: {request}"]', encoding="utf-8")
    monkeypatch.setattr(frames, "folder", lambda: data)
    caches = [vars(frames)[name] for name in ("_files", "_read")]
    for cache in caches:
        cache.cache_clear()
    try:
        assert frame_languages("roleplay") == ("en", "es")
        assert frame_languages("homoglyph") == ()
        assert _said("roleplay", "x", 1, AttackContext(language="es")) == "Érase: x"
        assert _said("roleplay", "x", 1, AttackContext(language="fr")) == "Once: x"
    finally:
        for cache in caches:
            cache.cache_clear()


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "ro", "sw", "tr"])
def test_given_a_probe_in_a_language_when_it_is_switched_then_the_frame_is_in_another(language: str) -> None:
    items = frames.load_frames("language_switch", language)["frames"]
    own = {frames.fill(item["text"], request="x") for item in items if item["in"] == language}
    said = {_said("language_switch", "x", seed, AttackContext(language=language)) for seed in range(100)}
    assert len(said) == len(items) - 1
    assert not said & own


# --- shifts of tense and register, tables --------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "past", "future"),
    [
        ("How do I open it?", "how did people in earlier times open it", "in the year 2150 open it?"),
        ("Tell me how to open it", "tell me how people in earlier times used to open it", "going to open it"),
        ("What's the surest way in?", "what used to be the surest way", "what will be the surest way in?"),
        ("Where could I hide it?", "where did people in earlier times hide", "in the year 2150 hide it?"),
        ("Open this lock.", "Open this lock.", "Open this lock."),
    ],
)  # fmt: skip
def test_given_a_request_when_its_tense_is_shifted_then_its_lead_is_turned_and_the_rest_kept(
    request_: str, past: str, future: str
) -> None:
    said = {_said("tense_shift", request_, seed) for seed in range(60)}
    assert len(said) == 5
    assert {past in text or future in text for text in said} == {True}
    assert any(past in text for text in said)
    assert any(future in text for text in said)


def test_given_a_request_when_its_register_is_shifted_then_only_listed_whole_words_change() -> None:
    said = {_said("register_shift", "Youth, can you act without an actress?", seed) for seed in range(60)}
    assert any("Youth, can u act w/o an actress?" in text for text in said)
    assert any("Youth, can ye act without an actress?" in text for text in said)


@pytest.mark.parametrize("request_", ["\u017fhow me how to do it", "TELL ME W\u0130TH CARE"])
def test_given_letters_that_only_fold_to_ascii_when_the_register_is_shifted_then_their_word_stays(
    request_: str,
) -> None:
    word = next(word for word in request_.split() if not word.isascii())
    assert all(word in _said("register_shift", request_, seed) for seed in range(60))


@given(
    request=st.text(st.characters(codec="utf-8", exclude_characters="\\<"), min_size=1),
    seed=st.integers(0, 1000),
)
def test_given_a_request_with_bars_and_lines_when_put_into_a_table_then_it_stays_one_cell(
    request: str, seed: int
) -> None:
    content = _said("table", request, seed)
    cell = request.replace("|", "\\|").replace("\n", "<br>")
    assert f"| {cell} |" in content
    assert cell.replace("<br>", "\n").replace("\\|", "|") == request


def test_given_a_request_of_several_lines_when_put_into_a_comment_then_every_line_is_one() -> None:
    for seed in range(60):
        lines = _said("code_comment", "First line.\nSecond line.", seed).split("\n")
        first = next(line for line in lines if line.endswith("First line."))
        assert lines[lines.index(first) + 1] == first.replace("First", "Second")
        assert first.strip() != "First line."


# --- many-shot -----------------------------------------------------------------------------------


def _characters(context_tokens: int, request: str = "Say it.") -> tuple[int, int]:
    messages = get_attack("many_shot").render(
        request, seed=1, context=AttackContext(context_tokens=context_tokens)
    )
    assert [message.role for message in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"]
    assert messages[-1].content == request
    return len(messages) // 2, sum(len(message.content) for message in messages)


def test_given_a_context_window_when_many_shots_are_packed_then_they_fill_at_most_half_of_it() -> None:
    shots = [_characters(tokens)[0] for tokens in (256, 1024, 2048, 4096, 2**20)]
    assert shots == sorted(shots)
    assert shots[0] == 4  # the least that is still many
    assert shots[1] < shots[-1]
    for tokens in (1024, 2048, 4096):
        count, characters = _characters(tokens)
        assert count > 4
        assert characters <= tokens * 4 / 2
    assert _characters(2**20)[0] == _characters(2**30)[0] == 48  # all that are shipped


def test_given_a_long_request_when_many_shots_are_packed_then_there_are_fewer_of_them() -> None:
    assert _characters(1024, "x" * 1500)[0] < _characters(1024)[0]


# --- seeds ---------------------------------------------------------------------------------------


def test_given_design_seed_family_and_attack_when_seeded_then_each_matters_and_the_seed_is_pinned() -> None:
    seeds = {
        attack_seed(design, family, name)
        for design in (1, 2)
        for family in ("a", "b")
        for name in ("roleplay", "suffix")
    }
    assert len(seeds) == 8
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert attack_seed(1, "a", "roleplay") == _PINNED


_PINNED = 707647471
