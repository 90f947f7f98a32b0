"""Quality by rubric: a judge model grades what the target wrote, and the grade stands beside compliance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Bot, Cli

MODEL = """
name: Writers
suites: [tax_domains]
domains: {creative_fiction: 1, controversial_topics: 1}
design: {max_units: 8}
"""
WRITES = 'return "The keeper counted the waves, and on the ninth he lit the lamp nobody had asked for."'


@pytest.mark.parametrize(
    ("says", "unscored", "mean"),
    [('\'{"reason": "Particulars, little shape.", "grade": 7}\'', 0, 0.7), ('"no grade today"', 8, None)],
    ids=["grades", "malformed"],
)
def test_a_judge_of_quality_scores_each_domain_a_second_time_or_leaves_it_unscored(
    cli: Cli, bot: Bot, *, says: str, unscored: int, mean: float | None
) -> None:
    Path("model.yaml").write_text(MODEL, encoding="utf-8")
    judge = f"llm:quality@{bot(f'return {says}')}"

    made = cli("run", "-t", bot(WRITES), "-m", "model.yaml", "--fixed", "--judge", judge, "--json", "-q").json

    means = {one["domain"]: one for one in made["results"]["capability"]}
    domains = ("creative_fiction", "controversial_topics")
    assert set(means) == {*domains, *(f"{domain}, quality" for domain in domains)}
    assert sum(means[domain]["n"] for domain in domains) == 8
    assert {means[domain]["mean"] for domain in domains} == {1.0}
    quality = [means[f"{domain}, quality"] for domain in domains]
    assert sum(one["unscored"] for one in quality) == unscored
    assert [one.get("mean") for one in quality] == [None if mean is None else pytest.approx(mean)] * 2
