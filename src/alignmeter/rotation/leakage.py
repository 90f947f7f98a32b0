"""How likely a family is known outside by now: P(leak) = 1 - exp(-sum of rate * showings by provider)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from alignmeter.errors import InputError
from alignmeter.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROVIDERS_FILE = "providers.yaml"
DEFAULT_RATE = 0.05
"""Rate a showing, for a provider that nobody has set one for: five showings pass the limit. An assumption."""
LEAK_LIMIT = 0.2
"""A family above this is retired."""
USE_LIMIT = 5
"""Runs after which a sequestered pool is retired: each verdict tells a little of what is in it."""

PYTHON = "python"
"""Kind of a target that is a function of the user's, which says nothing of where it calls."""

_DEFAULT = "default"


class Rates(Record, frozen=True):
    """Rates by provider: how much one showing of a family adds to the exponent.

    Attributes:
        named: By provider, for example `api.openai.com` or `python:bots:answer`.
        default: For remote providers that are not named; one on this machine has 0.
    """

    named: dict[str, float] = {}  # noqa: RUF012 - msgspec makes each its own
    default: float = DEFAULT_RATE

    def of(self, provider: str, *, local: bool) -> float:
        """Rate of one provider; what is on this machine leaks nothing unless it is named.

        A Python function may call anything, so it counts as remote until it is named: by itself, as
        `python:bots:answer`, or `python` for all. Ledgers of earlier versions have it as `python`, local.
        """
        kind = provider.partition(":")[0]
        if kind != PYTHON:
            return self.named.get(provider, 0.0 if local else self.default)
        return self.named.get(provider, self.named.get(kind, self.default))


def read_rates(folder: Path) -> Rates:
    """Read `providers.yaml`: a rate for each provider, `default` for the others; as built in without one.

    Raises:
        InputError: The file cannot be read, or a rate is no number of at least 0.
    """
    path = folder / PROVIDERS_FILE
    if not path.is_file():
        return Rates()
    import yaml

    try:
        found = msgspec.convert(
            yaml.safe_load(path.read_text(encoding="utf-8")) or {}, dict[str, float], strict=False
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError):
        raise InputError(
            f"{path}: expected a rate for each provider, for example `api.openai.com: 0.02`, got something "
            f"else; correct the file"
        ) from None
    for name, rate in found.items():
        if not math.isfinite(rate) or rate < 0:
            raise InputError(
                f"{path}: expected a rate of at least 0 for {name!r}, got {rate!r}; correct the file"
            )
    default = found.pop(_DEFAULT, DEFAULT_RATE)
    return Rates(named=found, default=default)


def leak_probability(showings: Mapping[tuple[str, bool], int], rates: Rates) -> float:
    """Return the probability that a family is known outside.

    Args:
        showings: How often it was shown, by (provider, whether it is on this machine).
        rates: By provider.
    """
    exponent = math.fsum(
        rates.of(provider, local=local) * times for (provider, local), times in showings.items()
    )
    return -math.expm1(-exponent)
