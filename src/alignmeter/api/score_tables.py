"""The alignment tax of mean scores that someone else has: a CSV file in, a report out.

A file has one domain a row: `domain`, `base`, and one column of mean scores for each variant. Columns
that may be there: `n` (items, of all scores of the row) or `n_COLUMN` (of one score, `n_base` too),
`max` (best possible score), `chance` (score of guessing), `base_source` (measured, published, proxy).
An empty score of a variant is one that was not measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from alignmeter.analysis.tax_scores import tax_of_table
from alignmeter.api.tax_limits import given_limits
from alignmeter.errors import InputError
from alignmeter.files import read_csv
from alignmeter.records import BaseSource, DomainScores, MeanScore, ScoreTable, TaxReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignmeter.files import CsvRow

_BASE_SOURCES: tuple[BaseSource, ...] = get_args(BaseSource)
_OPTIONAL = ("n", "max", "chance", "base_source")
_COUNT = "n_"
_OUT_OF_100 = 100.0
_AMBIGUOUS = 10.0
"""A score up to this may be one out of 1, 10 or 100; a score above it, up to 100, is read as a percentage."""
_FEWEST, _MOST = 1, 10**12


def tax_scores(
    scores: ScoreTable | Path | str,
    *,
    limit: float | None = None,
    limits: Mapping[str, float] | None = None,
    gate: bool = False,
) -> TaxReport:
    """Compute the alignment tax of every variant in every domain from mean scores.

    Args:
        scores: A CSV file (see `read_scores`), or a table.
        limit: Relative tax above which a domain is flagged; None: 10%.
        limits: The same for single domains.
        gate: Adjust flags that rest on a test so that any wrong one has chance 5% at most (Holm); else
            the share of wrong flags is 5% at most on average (Benjamini-Hochberg).

    Returns:
        Absolute and relative taxes, tiers, flags, rankings, and what they rest on.

    Raises:
        InputError: As `read_scores`; or a limit is no share, or that of a domain which is not there.
    """
    table = scores if isinstance(scores, ScoreTable) else read_scores(scores)
    return tax_of_table(
        table,
        limits=given_limits(limit, limits, {row.domain for row in table.domains}),
        correction="holm" if gate else "benjamini_hochberg",
    )


def read_scores(path: Path | str) -> ScoreTable:
    """Read mean scores by domain and variant from a CSV file in UTF-8.

    Args:
        path: `domain,base,VARIANT...`; optionally `n` or `n_COLUMN`, `max`, `chance`, `base_source`.
            Without `max` a row with items or a chance and a score above 10 is read as out of 100.

    Raises:
        InputError: The file cannot be read, or a cell is not as it should be: names line and column.
    """
    path = Path(path)
    header, rows = read_csv(path)
    if not header:
        raise InputError(
            f"{path}: line 1: expected the columns domain, base and one a variant, got an empty file"
        )
    variants = _variants(path, header)
    seen: dict[str, str] = {}
    domains: list[DomainScores] = []
    for row in rows:
        made = _domain_scores(row, variants, header)
        if made.domain in seen:
            raise row.problem("domain", f"each domain once (it is also at {seen[made.domain]})")
        seen[made.domain] = f"line {row.line}"
        domains.append(made)
    if not domains:
        raise InputError(f"{path}: line 2: expected a domain and its scores, got no row; add one a domain")
    return ScoreTable(source=str(path), variants=variants, domains=tuple(domains))


def _variants(path: Path, header: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that are variants: all that have no other meaning."""
    where = f"{path}: line 1"
    got = ", ".join(header)
    for name in ("domain", "base"):
        if name not in header:
            raise InputError(
                f"{where}: expected a column {name!r} in a header separated by commas, got {got!r}"
            )
    for number, name in enumerate(header, 1):
        if not name or header.count(name) > 1:
            raise InputError(f"{where}, column {number}: expected a name of its own, got {name!r}")
    variants = tuple(
        name for name in header if name not in {"domain", "base", *_OPTIONAL} and not name.startswith(_COUNT)
    )
    if not variants:
        raise InputError(f"{where}: expected a column of scores for at least one variant, got {got!r}")
    for name in header:
        of = name.removeprefix(_COUNT)
        if of != name and of not in {"base", *variants}:
            raise InputError(
                f"{where}, column {name!r}: expected {_COUNT} and the name of a column of scores "
                f"(base, {', '.join(variants)}), got {of!r} after {_COUNT}"
            )
    return variants


def _domain_scores(row: CsvRow, variants: tuple[str, ...], header: tuple[str, ...]) -> DomainScores:
    domain = row.text("domain")
    if not domain:
        raise row.problem("domain", "the name of a domain")
    scores = {
        name: MeanScore(value=_score(row, name), n=_items(row, name))
        for name in ("base", *variants)
        if name == "base" or row.text(name)
    }
    maximum = _number(row, "max") if row.text("max") else None
    if maximum is not None and maximum <= 0:
        raise row.problem("max", "the best possible score, above 0")
    if maximum is None:
        _check_one_scale(row, scores)
    assumed = maximum is None and (_testable(scores) or bool(row.text("chance")))
    if assumed:
        maximum = _assumed_maximum(row, scores)
    for name, score in scores.items():
        if maximum is not None and score.value > maximum:
            raise row.problem(name, f"a score of at most {maximum:g}, the maximum")
    return DomainScores(
        domain=domain,
        base=scores["base"],
        variants=tuple(scores.get(name) for name in variants),
        base_source=_base_source(row),
        maximum=maximum,
        assumed_maximum=assumed,
        chance=_chance(row, maximum) if "chance" in header else 0.0,
    )


def _testable(scores: dict[str, MeanScore]) -> bool:
    """Whether a base and a variant have items, so that an interval needs the maximum."""
    return scores["base"].n is not None and any(
        score.n is not None for name, score in scores.items() if name != "base"
    )


def _check_one_scale(row: CsvRow, scores: dict[str, MeanScore]) -> None:
    """Refuse shares of 1 beside scores out of more; 0 is 0 on every scale."""
    small = next((name for name, score in scores.items() if 0 < score.value <= 1), None)
    large = next((score.value for score in scores.values() if score.value > _AMBIGUOUS), None)
    if small is not None and large is not None:
        raise row.problem(
            small,
            f"scores of one scale, as another of the row is {large:g} (or the best possible score in a "
            "column max)",
        )


def _assumed_maximum(row: CsvRow, scores: dict[str, MeanScore]) -> float:
    highest = max(score.value for score in scores.values())
    if _AMBIGUOUS < highest <= _OUT_OF_100:
        return _OUT_OF_100
    raise InputError(
        f"{row.where}, column 'max': expected the best possible score (1, 10, 100 ...), because items and "
        f"a score of guessing need it and scores up to {highest:g} do not tell; got none"
    )


def _score(row: CsvRow, column: str) -> float:
    value = _number(row, column)
    if value < 0:
        raise row.problem(column, "a score of at least 0 (higher is better)")
    return value


def _items(row: CsvRow, column: str) -> int | None:
    """Items of one score: from its own column, else from `n`, else not known."""
    own = f"{_COUNT}{column}"
    name = own if row.text(own) else "n"
    text = row.text(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and _FEWEST <= int(text) <= _MOST):
        raise row.problem(name, "a whole number of items, at least 1, or nothing")
    return int(text)


def _chance(row: CsvRow, maximum: float | None) -> float:
    if not row.text("chance"):
        return 0.0
    value = _number(row, "chance")
    if value < 0 or (maximum is not None and value >= maximum):
        raise row.problem("chance", "the score of guessing, at least 0 and below the maximum")
    return value


def _base_source(row: CsvRow) -> BaseSource:
    text = row.text("base_source").lower()
    for source in _BASE_SOURCES:
        if text == source:
            return source
    if text:
        raise row.problem("base_source", "measured, published, proxy or nothing")
    return "unstated"


def _number(row: CsvRow, column: str) -> float:
    return row.number(
        column,
        f"a number such as 71.5 (every column but domain, base, {', '.join(_OPTIONAL)} and {_COUNT}COLUMN is "
        f"a variant)",
    )
