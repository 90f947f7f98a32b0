"""Charts: safe, themable, the same every time, and with words for those who cannot see them."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import msgspec

from alignmeter.records import Cell, Interval
from alignmeter.report.charts import COLOURS, Panel, forest, gap_forest, rates
from alignmeter.report.tables import suites

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.report.conftest import Asked, MadeRun

    from alignmeter.report.charts import Chart

SVG = "{http://www.w3.org/2000/svg}"


def drawings(chart: Chart | None) -> dict[str, ElementTree.Element]:
    assert chart is not None
    return {name: ElementTree.fromstring(svg) for name, svg in chart.drawings}  # noqa: S314 - our own


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def cell(value: str, bad: int, n: int, *, by: str = "domain", measure: str = "refusal_rate") -> Cell:
    interval = Interval(lower=0.1, upper=0.4, level=0.95, method="Wilson") if n else None
    estimate = bad / n if n else None
    return Cell(
        measure=measure,
        suite="triad",
        by=by,
        value=value,
        n=n,
        bad=bad,
        unscored=0,
        estimate=estimate,
        interval=interval,
    )


def test_a_forest_has_one_row_a_claim_that_is_a_rate(ordinary_run: MadeRun) -> None:
    for root in drawings(forest(ordinary_run.results.verdicts)).values():
        said = texts(root)
        assert "Compliance with attacked harmful requests" in said
        assert "FAIL · 36% (26% to 48%)" in said
        assert not [text for text in said if "sw" in text.split()]


def test_a_forest_says_in_words_what_it_draws(ordinary_run: MadeRun) -> None:
    for name, root in drawings(forest(ordinary_run.results.verdicts)).items():
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"forest-{name}-title forest-{name}-text"
        description = root.findtext(f"{SVG}desc") or ""
        assert "False refusal of benign requests: INCONCLUSIVE · 5.2% (1.7% to 16%); limit 2%." in description


def test_a_part_is_named_by_what_tells_it_from_the_claim_as_a_whole(ordinary_run: MadeRun) -> None:
    whole = ordinary_run.results.verdicts[0]
    part = msgspec.structs.replace(
        whole, claim=f"{whole.claim}/domain=legal", title=f"{whole.title}: domain legal"
    )
    for root in drawings(forest([whole, part])).values():
        assert {whole.title, "\u2013 domain legal"} <= set(texts(root))
        assert f"{part.title}:" in (root.findtext(f"{SVG}desc") or "")
    for root in drawings(forest([part])).values():
        assert any(text.startswith(whole.title) for text in texts(root))


def test_language_gaps_stand_in_a_chart_that_reaches_below_zero(ordinary_run: MadeRun) -> None:
    ordinary = ordinary_run.results.verdicts[0]
    assert ordinary.interval is not None
    gap = msgspec.structs.replace(
        ordinary,
        claim="language_gap/language=es,harmful",
        kind="language_gap",
        estimate=-0.5,
        interval=msgspec.structs.replace(ordinary.interval, lower=-0.9, upper=0.04),
    )
    assert gap_forest([ordinary]) is None
    assert forest([gap]) is None
    for root in drawings(gap_forest([ordinary, gap])).values():
        said = texts(root)
        assert "es, harmful requests" in said
        assert ordinary.title not in said
        assert any(text.startswith("\u2212") or text.startswith("-") for text in said)  # a tick below zero


def test_no_rate_no_chart(ordinary_run: MadeRun) -> None:
    coverage = [verdict for verdict in ordinary_run.results.verdicts if verdict.kind == "coverage"]
    assert coverage
    assert forest(coverage) is None
    assert forest([]) is None
    assert rates([], title="t", name="n") is None
    assert rates([Panel("By intent", (("benign", cell("benign", 0, 0)),))], title="t", name="n") is None


def test_a_claim_without_a_score_keeps_its_row(ordinary_run: MadeRun) -> None:
    verdict = msgspec.structs.replace(ordinary_run.results.verdicts[0], verdict="INVALID", estimate=None)
    for root in drawings(forest([verdict])).values():
        assert "INVALID · nothing scored" in texts(root)


def test_a_drawing_holds_no_style_no_link_and_no_handler(ordinary_run: MadeRun) -> None:
    charts = [forest(ordinary_run.results.verdicts)]
    charts += [suite.chart for suite in suites(ordinary_run.results.cells)]
    for root in (root for chart in charts for root in drawings(chart).values()):
        for element in root.iter():
            tag = element.tag.removeprefix(SVG)
            assert tag in {"svg", "g", "path", "rect", "line", "text", "title", "desc"}
            assert not [
                name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name
            ]


def test_every_colour_has_a_rule_that_follows_the_theme(ordinary_run: MadeRun) -> None:
    style = files("alignmeter.report").joinpath("assets/report.css").read_text(encoding="utf-8")
    charts = [forest(ordinary_run.results.verdicts)]
    charts += [suite.chart for suite in suites(ordinary_run.results.cells)]
    used = set(
        re.findall(
            r'(fill|stroke)="(#\w+)"', "".join(svg for chart in charts if chart for _, svg in chart.drawings)
        )
    )
    assert len(used) > 5
    for attribute, colour in used:
        assert colour in COLOURS
        assert f'.chart [{attribute}="{colour}"]' in style


def test_a_hostile_title_is_text(ordinary_run: MadeRun) -> None:
    verdict = msgspec.structs.replace(
        ordinary_run.results.verdicts[0], title="<script>alert(1)</script>\u202e"
    )
    chart = forest([verdict])
    assert chart is not None
    for _, svg in chart.drawings:
        assert "<script" not in svg
        assert "⟦U+202E⟧" in svg


def test_tables_group_domains_by_intent_and_show_every_measure(
    new_run: Callable[..., MadeRun], new_trial: Callable[..., Asked]
) -> None:
    run = new_run(
        [new_trial(1), new_trial(2, domain="travel"), new_trial(3, intent="sensitive", domain="medical")]
    )
    (suite,) = suites(run.results.cells)
    by_domain = next(table for table in suite.tables if table.caption == "By domain")
    assert [(row.group, row.label) for row in by_domain.rows] == [
        ("benign", "cooking"),
        ("", "travel"),
        ("sensitive", "medical"),
    ]
    assert by_domain.measures[0] == "Refused (full or partial)"
    assert by_domain.rows[0].numbers[0].rate == "0%"


def test_suites_of_unknown_names_and_measures_still_show() -> None:
    odd = msgspec.structs.replace(cell("a/b", 1, 4, by="phase_of_moon", measure="oddity"), suite="my suite!")
    (suite,) = suites([odd])
    assert suite.title == "my suite!"
    assert suite.tables[0].caption == "By phase of moon"
    assert suite.chart is not None
