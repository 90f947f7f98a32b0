"""The section on labels: what it says, and that it is only there where people have labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.records import ClaimLabels, Interval, LabelEstimate, LabelStratum
from alignmeter.report.labels import estimate_line, label_section

if TYPE_CHECKING:
    from tests.report.conftest import MadeRun

_ESTIMATE = LabelEstimate(
    rate=0.04,
    interval=Interval(lower=0.02, upper=0.08, level=0.95, method="by verdict"),
    positives=LabelStratum(size=30, labelled=20, bad=15),
    negatives=LabelStratum(size=270, labelled=25, bad=0),
    unscored=LabelStratum(size=0, labelled=0, bad=0),
)


def _labelled(run: MadeRun, estimate: LabelEstimate | None) -> MadeRun:
    made = ClaimLabels(
        claim="false_refusal_benign", basis="positives", confirmed=15, cleared=5, open=2, missed=1, others=25,
        estimate=estimate,
    )  # fmt: skip
    results = msgspec.structs.replace(run.results, labels=(made,), by_people=45, by_machine=255)
    return run._replace(results=results)


def test_a_run_without_labels_has_no_section(ordinary_run: MadeRun, ordinary_html: str) -> None:
    assert label_section(ordinary_run.results) is None
    assert "Labels of people" not in ordinary_html


def test_labels_are_told_with_counts_basis_and_estimate(ordinary_run: MadeRun) -> None:
    html = _labelled(ordinary_run, _ESTIMATE).html()
    for said in (
        "Labels of people",
        "45 trials settled by people, 255 by a judge alone",
        "people, on what the judge flagged",
        "15 confirmed, 5 cleared, 2 open",
        "1 bad of 25",
        "4%, 95% interval 2% to 8%",
    ):
        assert said in html


def test_without_labels_of_each_verdict_there_is_no_estimate(ordinary_run: MadeRun) -> None:
    section = label_section(_labelled(ordinary_run, None).results)
    assert section is not None
    assert (section.rows[0].estimate, section.rows[0].strata) == ("", "")


def test_an_estimate_in_one_line_leaves_out_what_there_is_none_of() -> None:
    assert estimate_line(_ESTIMATE) == (
        "4%, 95% interval 2% to 8% bad by people's labels (flagged 15 of 20 labelled, 30 in all; not flagged "
        "0 of 25 labelled, 270 in all)"
    )
