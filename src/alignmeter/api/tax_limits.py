"""The limits of a tax: those that somebody gives, of the runs' threat models, of custom domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alignmeter.analysis.tax_flags import LIMIT, Limits
from alignmeter.analysis.unscored import UNSCORED_BUDGET
from alignmeter.errors import InputError
from alignmeter.figures import exact_percent
from alignmeter.threat_model import threat_model_from_dict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from alignmeter.api.tax_sources import Model


class Standard(NamedTuple):
    """What all domains and all variants of a comparison are held against.

    Attributes:
        limit: Relative tax above which a domain is flagged.
        unscored: Share of items without a score above which a domain is invalid.
        notes: What was chosen where the runs differ, one sentence each.
    """

    limit: float = LIMIT
    unscored: float = UNSCORED_BUDGET
    notes: tuple[str, ...] = ()


class _Threshold(NamedTuple):
    """One threshold of the runs' threat models: the strictest, and a note where they differ."""

    value: float
    notes: tuple[str, ...]


def given_limits(
    limit: float | None, by_domain: Mapping[str, float] | None, domains: Collection[str]
) -> Limits:
    """Return the limits that somebody gave, 10% where they gave none for all.

    Args:
        limit: For all domains, None where not given.
        by_domain: For single domains.
        domains: Those that were measured.

    Raises:
        InputError: A limit is no share above 0 and below 1, or is for a domain that was not measured.
    """
    single = dict(by_domain or {})
    for name in single:
        if name not in domains:
            raise InputError(
                f"expected a limit for a domain that was measured ({', '.join(sorted(domains)) or 'none'}), "
                f"got {name!r}; correct it"
            )
    for share in (*([] if limit is None else [limit]), *single.values()):
        if not 0 < share < 1:
            raise InputError(f"expected a limit above 0 and below 1 (0.1 for 10%), got {share!r}; correct it")
    return Limits(LIMIT if limit is None else limit, single)


def standard_of(models: Sequence[Model], limit: float | None) -> Standard:
    """Return the strictest thresholds of the runs' threat models, whatever the order of the models.

    Args:
        models: Those without a run set nothing.
        limit: The limit that somebody gave, which goes before those of threat models; None for none.
    """
    thresholds = [
        (model.name, threat_model_from_dict(model.run.manifest.threat_model).thresholds)
        for model in models
        if model.run is not None
    ]
    if not thresholds:
        return Standard(LIMIT if limit is None else limit)
    unscored = _strictest("unscored", [(name, one.unscored) for name, one in thresholds])
    if limit is not None:
        return Standard(limit, unscored.value, unscored.notes)
    taxes = _strictest(
        "alignment_tax", [(name, one.alignment_tax) for name, one in thresholds], "; `--limit` sets another"
    )
    return Standard(taxes.value, unscored.value, (*taxes.notes, *unscored.notes))


def _strictest(threshold: str, by_model: Sequence[tuple[str, float]], hint: str = "") -> _Threshold:
    names: dict[float, list[str]] = {}
    for name, value in by_model:
        names.setdefault(value, []).append(name)
    least = min(names)
    if len(names) == 1:
        return _Threshold(least, ())
    said = "; ".join(f"{exact_percent(value)} ({', '.join(names[value])})" for value in sorted(names))
    return _Threshold(
        least,
        (
            f"The threat models of the runs differ in thresholds.{threshold}: {said}. The strictest, "
            f"{exact_percent(least)}, holds for all{hint}.",
        ),
    )


def limits_of_runs(models: Sequence[Model], domains: Collection[str]) -> dict[str, float]:
    """Return the limits that custom domains set before their runs; the strictest where runs differ."""
    found: dict[str, float] = {}
    for model in models:
        for name, limit in model.run.manifest.tax_limits.items() if model.run else ():
            for domain in domains:
                if domain == name or domain.startswith(f"{name}, "):  # its quality, its compliance
                    found[domain] = min(limit, found.get(domain, limit))
    return found
