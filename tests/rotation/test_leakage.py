"""How likely a family is known outside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError
from alignmeter.rotation import LEAK_LIMIT, Rates, leak_probability, read_rates

if TYPE_CHECKING:
    from pathlib import Path


def test_five_showings_to_an_unknown_provider_pass_the_limit_and_four_do_not() -> None:
    four, five = (leak_probability({("api.example.com", False): n}, Rates()) for n in (4, 5))

    assert four < LEAK_LIMIT < five
    assert five == pytest.approx(1 - math.exp(-0.25))


def test_a_model_on_this_machine_leaks_nothing_unless_it_is_given_a_rate() -> None:
    showings = {("127.0.0.1", True): 1000}

    assert leak_probability(showings, Rates()) == 0
    assert leak_probability(showings, Rates(named={"127.0.0.1": 0.001})) == pytest.approx(1 - math.exp(-1))


def test_a_python_function_may_call_anything_until_it_or_all_of_them_are_named() -> None:
    def rate(named: dict[str, float], provider: str = "python:bots:answer") -> float:
        return Rates(named=named).of(provider, local=False)

    assert rate({}) == Rates().default
    assert rate({"python": 0}) == rate({"python:bots:answer": 0}) == 0
    assert rate({"python:bots:other": 0}) == 0.05
    assert rate({"python": 0, "python:bots:answer": 0.1}) == 0.1
    assert Rates().of("python", local=True) == 0.05  # as earlier versions entered it


def test_showings_to_several_providers_add_up_with_their_rates() -> None:
    rates = Rates(named={"a.example": 0.1, "b.example": 0.0}, default=0.01)
    showings = {("a.example", False): 2, ("b.example", False): 50, ("c.example", False): 10}

    assert leak_probability(showings, rates) == pytest.approx(1 - math.exp(-0.3))


def test_rates_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("default: 0.02\napi.example.com: 0.1\nours.example: 0\n")

    rates = read_rates(tmp_path)

    assert rates.of("api.example.com", local=False) == 0.1
    assert rates.of("other.example", local=False) == 0.02
    assert rates.of("ours.example", local=False) == rates.of("embedded", local=True) == 0


@pytest.mark.parametrize("text", ["- a\n", "a: high\n", "a: -1\n", "a: .inf\n", "a: [\n"])
def test_a_rate_that_is_none_is_refused_with_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "providers.yaml").write_text(text)

    with pytest.raises(InputError, match=r"providers\.yaml: expected a rate"):
        read_rates(tmp_path)
