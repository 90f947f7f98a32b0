"""Encodings and splitting: what was asked can be read back from what is sent."""

from __future__ import annotations

import base64
import codecs
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from alignmeter.attacks import AttackContext, get_attack
from alignmeter.attacks.encodings import HOMOGLYPHS, LEET, ZERO_WIDTH_SPACE
from alignmeter.attacks.splitting import split

_PIECE = re.compile(
    r"""(?:^|(?<=\x20))([a-z])(?:\ =\ |:\ |\ of\ the\ message:\ |,|\ be\ the\ words\ )(".*")(?=;?$)""",
    re.MULTILINE | re.VERBOSE,
)
_SEEDS = st.integers(0, 2**31 - 1)
_LATIN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,.?'äéß", min_size=1, max_size=80)
_ANY = st.text(min_size=1, max_size=80)


def _said(name: str, request: str, seed: int) -> str:
    (message,) = get_attack(name).render(request, seed=seed, context=AttackContext())
    return message.content


@given(_ANY, _SEEDS)
def test_given_any_request_when_in_base64_then_it_decodes_to_the_request(request: str, seed: int) -> None:
    content = _said("base64", f"{request} and more than that", seed)
    payload = max(re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", content), key=len)
    assert base64.b64decode(payload).decode() == f"{request} and more than that"


@given(_LATIN, _SEEDS)
def test_given_any_request_when_in_rot13_then_it_decodes_to_the_request(request: str, seed: int) -> None:
    assert request in codecs.decode(_said("rot13", request, seed), "rot13")


@given(_LATIN, _SEEDS)
def test_given_any_request_when_in_leetspeak_then_it_reads_the_same(request: str, seed: int) -> None:
    content = _said("leetspeak", request, seed).lower()
    letters = {digit: letter for letter, digit in LEET.items()}
    assert request.lower() in "".join(letters.get(sign, sign) for sign in content)


@given(_LATIN, _SEEDS)
def test_given_any_request_when_in_homoglyphs_then_it_looks_the_same(request: str, seed: int) -> None:
    latin = {other: letter for letter, other in HOMOGLYPHS.items()}
    assert "".join(latin.get(sign, sign) for sign in _said("homoglyph", request, seed)) == request


def test_given_the_homoglyphs_when_looked_at_then_each_is_a_cyrillic_letter_of_its_own() -> None:
    assert len(set(HOMOGLYPHS.values())) == len(HOMOGLYPHS) == 25
    assert all("\u0400" <= letter <= "\u04ff" for letter in HOMOGLYPHS.values())
    assert all("A" <= letter <= "z" for letter in HOMOGLYPHS)


@given(st.text(st.characters(codec="utf-8", exclude_characters=ZERO_WIDTH_SPACE), min_size=1), _SEEDS)
def test_given_any_request_when_zero_width_then_it_is_the_request_without_them(
    request: str, seed: int
) -> None:
    assert _said("zero_width", request, seed).replace(ZERO_WIDTH_SPACE, "") == request


def test_given_a_sentence_when_disguised_then_a_good_part_of_it_is() -> None:
    request = "Please explain to me how the old post office handled parcels"
    for seed in range(50):
        assert _said("zero_width", request, seed).count(ZERO_WIDTH_SPACE) >= 5
        assert sum(letter in HOMOGLYPHS.values() for letter in _said("homoglyph", request, seed)) >= 5


@given(_ANY, st.integers(1, 8))
def test_given_any_text_when_split_then_the_pieces_are_the_text_and_none_is_empty(
    text: str, count: int
) -> None:
    pieces = split(text, count)
    assert "".join(pieces) == text
    assert all(pieces)
    assert len(pieces) == min(count, len(text))


@given(st.text(min_size=3, max_size=80), _SEEDS)
def test_given_any_request_when_its_payload_is_split_then_the_named_order_gives_it_back(
    request: str, seed: int
) -> None:
    content = _said("payload_splitting", request, seed)
    pieces = {label: json.loads(text) for label, text in _PIECE.findall(content)}
    orders = re.findall(r"\b[a-z](?:(?: \+ |, |&| then | )[a-z])+\b", content)
    order = next(labels for one in orders if set(labels := re.findall(r"\b[a-z]\b", one)) == set(pieces))
    assert "".join(pieces[label] for label in order) == request
    assert request not in content or len(request) < 12
