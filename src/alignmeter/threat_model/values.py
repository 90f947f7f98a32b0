"""The values of a threat model: shares, weights, names. Each says what was expected and what came."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any, cast

LANGUAGE_CODES = frozenset(
    (resources.files("alignmeter.threat_model") / "iso_639_1.txt").read_text(encoding="utf-8").split()
)
"""The two-letter codes of ISO 639-1."""

LANGUAGE_SUM_TOLERANCE = 0.01
_SHOWN_LENGTH = 60
_PREFIX_LENGTH = 3
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(%?)", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_PART_SEPARATOR = re.compile(r"\s*\|\s*")


def shown(value: object) -> str:
    """Return a value as an error message shows it: short, and on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes out
        return "a number that is far too large"
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 4]} ..."


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that looks most like `name` or begins with it, if there is one."""
    by_form = {_form(candidate): candidate for candidate in valid}
    form = _form(name)
    near = difflib.get_close_matches(form, by_form, n=1)
    near += [candidate for candidate in by_form if len(form) >= _PREFIX_LENGTH and candidate.startswith(form)]
    return by_form[near[0]] if near else None


def _form(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def to_number(value: object) -> float | None:
    """Read a number, or text such as `5%` or `1e-3`; None where it is neither."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip())
        return None if match is None else _percent(match[1]) if match[2] else float(match[1])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _percent(digits: str) -> float:
    """Read `digits` percent so that `7%` is the same number as `0.07`, not a rounding error beside it."""
    mantissa, _, exponent = digits.lower().partition("e")
    return float(f"{mantissa}e{int(exponent or '0') - 2}")


def share(value: object) -> float:
    """Read a share strictly between 0 and 1: `5%` or `0.05`."""
    number = to_number(value)
    if number is None or not 0 < number < 1:
        hint = f" (write {value}% for percent)" if _looks_like_percent(value, number) else ""
        raise ValueError(f"expected a share between 0 and 1 such as 5% or 0.05, got {shown(value)}{hint}")
    return number


def _looks_like_percent(value: object, number: float | None) -> bool:
    return not isinstance(value, str) and number is not None and 1 <= number < 100  # noqa: PLR2004 - percent


def half_share(value: object) -> float:
    """Read an error rate of one of two one-sided tests: strictly between 0 and 0.5."""
    number = to_number(value)
    if number is None or not 0 < number < 0.5:  # noqa: PLR2004 - two tests at one half are no test
        raise ValueError(f"expected an error rate between 0 and 0.5 such as 5% or 0.05, got {shown(value)}")
    return number


def chance(value: object) -> float:
    """Read a probability that may be 0: `10%` or `0.1`."""
    number = to_number(value)
    if number is None or not 0 <= number < 1:
        raise ValueError(f"expected a chance from 0 to under 1 such as 10% or 0.1, got {shown(value)}")
    return number + 0.0


def user_share(value: object) -> float:
    """Read a language's share of the users: above 0, at most 1."""
    number = to_number(value)
    if number is None or not 0 < number <= 1:
        raise ValueError(f"expected a share of users above 0 and at most 1, got {shown(value)}")
    return number


def weight(value: object) -> float:
    """Read a weight: finite, 0 or more."""
    number = to_number(value)
    if number is None or not 0 <= number < math.inf:
        raise ValueError(f"expected a weight: a number of 0 or more, got {shown(value)}")
    return number + 0.0  # -0.0 becomes 0.0, so that equal models have equal hashes


def language_code(value: object) -> str:
    """Read an ISO 639-1 code."""
    if not isinstance(value, str) or value not in LANGUAGE_CODES:
        near = str(value).strip().lower()
        hint = f"; nearest: {near!r}" if near in LANGUAGE_CODES else ""
        raise ValueError(f"expected a two-letter ISO 639-1 code such as en, got {shown(value)}{hint}")
    return value


def name(value: object) -> str:
    """Read a name of a domain, hazard or suite: lower case, digits and underscores."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"expected a lower-case name such as household_safety, got {shown(value)}")
    return value


def line_of_text(value: object) -> str:
    """Read text that is not empty and stays on one line."""
    if not isinstance(value, str):
        hint = " (put it in quotes)" if isinstance(value, (int, float)) else ""
        raise ValueError(f"expected text, got {shown(value)}{hint}")
    if not value.strip():
        raise ValueError(f"expected text that is not empty, got {shown(value)}")
    return _printable(value, allowed="")


def text(value: object) -> str:
    """Read text of any number of lines, the empty one included."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {shown(value)}")
    return _printable(value, allowed="\n\t")


def _printable(value: str, *, allowed: str) -> str:
    """Refuse control characters: such text is printed to terminals and into reports."""
    for character in value:
        if character not in allowed and unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            raise ValueError(f"expected text without control characters, got {shown(character)} in it")
    return value


def one_of(kind: str, valid: tuple[str, ...]) -> Callable[[object], str]:
    """Return a reader of one of a few names, whose error gives the nearest one."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in valid:
            return value
        near = nearest(value, valid) if isinstance(value, str) else None
        hint = f"nearest valid name: {near!r}" if near else f"valid names: {', '.join(valid)}"
        raise ValueError(f"expected {kind}, got {shown(value)}; {hint}")

    return read


def attack_name(known: tuple[str, ...]) -> Callable[[object], str]:
    """Return a reader of an attack's name, or of several joined by `|`, spaces put in order.

    Whether there is such an attack is known only where attacks are: plugins and private code add some.
    """

    def read(value: object) -> str:
        spelled = _spelled_attack(value)
        if isinstance(spelled, str) and all(_NAME.fullmatch(part) for part in spelled.split(" | ")):
            return spelled
        near = nearest(value, known) if isinstance(value, str) else None
        hint = f"; nearest valid name: {near!r}" if near else ""
        raise ValueError(
            f"expected the name of an attack such as many_shot, or several such as 'roleplay | base64', "
            f"got {shown(value)}{hint}"
        )

    return read


def weighted_attacks(value: object) -> Mapping[Any, Any]:
    """Read the weights of attacks; one spelled in two ways is an error."""
    weights = weighted(value)
    spelled = [_spelled_attack(key) for key in weights]
    for position, key in enumerate(spelled):
        if key in spelled[:position]:
            raise ValueError(f"expected each attack once, got {shown(key)} twice")
    return weights


def _spelled_attack(value: object) -> object:
    return _PART_SEPARATOR.sub(" | ", value.strip()) if isinstance(value, str) else value


def listed(value: object) -> tuple[Any, ...]:
    """Read a list without repetitions."""
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"expected a list such as [one, two], got {shown(value)}")
    items = tuple(cast("list[object]", value))
    for position, item in enumerate(items):
        if item in items[:position]:
            raise ValueError(f"expected each item once, got {shown(item)} twice")
    return items


def weighted(value: object) -> Mapping[Any, Any]:
    """Read weights: a mapping from names, or a list of names that weigh the same."""
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value)
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"expected a list of names, or a mapping from names to weights, got {shown(value)}")
    items = listed(cast(object, value))
    for item in items:
        if not isinstance(item, str):
            raise ValueError(f"expected a list of names, got {shown(item)} in it")
    return dict.fromkeys(items, 1.0)


def some_weight(weights: Mapping[Any, float]) -> Mapping[Any, float]:
    """Check that something can be drawn by these weights."""
    if not weights:
        raise ValueError("expected at least one name, got none")
    total = sum(weights.values())
    if not 0 < total < math.inf:
        raise ValueError(f"expected weights with a finite sum above 0, got a sum of {total:g}")
    return weights


def shares_of_one(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Check that the shares of the languages sum to 1."""
    total = math.fsum(shares.values())
    if abs(total - 1) > LANGUAGE_SUM_TOLERANCE + 1e-9:
        given = ", ".join(f"{code} {value:g}" for code, value in list(shares.items())[:6])
        raise ValueError(f"expected user shares that sum to 1, got {total:g} ({given or 'no language'})")
    return shares
