"""The chart of a plan: expected units of each claim against its true rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignmeter.files import write_text
from alignmeter.verdicts import expect, is_decidable
from alignmeter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from alignmeter.records import Claim

_POINTS = 41
_REACH = 4.0


def write_plan_chart(path: Path, claims: Iterable[Claim]) -> Path:
    """Write an SVG of expected units against the true rate, as a multiple of each claim's limit.

    Raises:
        StorageError: The file cannot be written.
    """
    import altair as alt
    import vl_convert

    chart = (
        alt.Chart(alt.Data(values=_rows(claims)))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("multiple:Q", title="true rate, as a multiple of the limit", axis=alt.Axis(format="~g")),
            y=alt.Y("units:Q", title="expected units"),
            color=alt.Color("claim:N", title=None),
        )
        .properties(width=520, height=300, title="Expected units until each claim is decided")
    )
    svg = vl_convert.vegalite_to_svg(chart.to_json())
    write_text(path, svg)
    return path


def _rows(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    multiples = np.linspace(0, _REACH, _POINTS)
    rows: list[dict[str, Any]] = []
    for claim in claims:
        if claim.design is None or not claim.units or not is_decidable(claim.design):
            continue
        rates = [min(1.0, float(multiple) * claim.threshold) for multiple in multiples]
        rows.extend(
            {"claim": visible(claim.id), "multiple": round(float(multiple), 6), "units": one.units}
            for multiple, one in zip(multiples, expect(claim.design, rates), strict=True)
        )
    return rows
