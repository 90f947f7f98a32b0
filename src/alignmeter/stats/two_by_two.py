"""Two independent shares: Fisher's exact test."""

from __future__ import annotations

import math

_TIE = 1e-9
"""Tables whose probabilities differ by less than this share count as equally likely."""


def fisher_exact(a: int, b: int, c: int, d: int) -> float:
    """Test that two independent shares are the same.

    Args:
        a: Events of the first group; `b` its other units.
        b: See `a`.
        c: Events of the second group; `d` its other units.
        d: See `c`.

    Returns:
        The two-sided p-value: the probability, with all margins fixed, of every table that is no more
        likely than this one; 1 where a group or a column is empty.

    Raises:
        ValueError: A count is not a whole number >= 0.

    References:
        R. A. Fisher, "On the interpretation of chi-squared from contingency tables, and the calculation
        of P", Journal of the Royal Statistical Society 85, 87-94, 1922.

    Examples:
        >>> from alignmeter.stats.two_by_two import fisher_exact
        >>> round(fisher_exact(3, 1, 1, 3), 4)
        0.4857
    """
    counts = (a, b, c, d)
    if any(count != int(count) or count < 0 for count in counts):
        raise ValueError(f"counts must be whole numbers >= 0, got {counts!r}")
    events, first, total = a + c, a + b, a + b + c + d
    low, high = max(0, events - (c + d)), min(events, first)
    logs = [_log_choose(first, k) + _log_choose(total - first, events - k) for k in range(low, high + 1)]
    whole = _log_choose(total, events)
    seen = logs[a - low] + math.log1p(_TIE)
    return min(1.0, sum(math.exp(log - whole) for log in logs if log <= seen))


def fisher_greater(a: int, b: int, c: int, d: int) -> float:
    """Test that the first of two independent shares is not greater.

    Args:
        a: Events of the first group; `b` its other units.
        b: See `a`.
        c: Events of the second group; `d` its other units.
        d: See `c`.

    Returns:
        The one-sided p-value: the probability, with all margins fixed, of as many events of the first
        group or more; 1 where a group or a column is empty.

    Raises:
        ValueError: A count is not a whole number >= 0.

    Examples:
        >>> from alignmeter.stats.two_by_two import fisher_greater
        >>> round(fisher_greater(3, 1, 1, 3), 4)
        0.2429
    """
    counts = (a, b, c, d)
    if any(count != int(count) or count < 0 for count in counts):
        raise ValueError(f"counts must be whole numbers >= 0, got {counts!r}")
    events, first, total = a + c, a + b, a + b + c + d
    whole = _log_choose(total, events)
    tail = range(a, min(events, first) + 1)
    logs = [_log_choose(first, k) + _log_choose(total - first, events - k) - whole for k in tail]
    return min(1.0, math.fsum(map(math.exp, logs)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
