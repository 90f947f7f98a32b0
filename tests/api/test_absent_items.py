"""Items that only one of two models has: they may be those that failed, and are not left out in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alignmeter.api import compare_scores, tax
from alignmeter.api.scores import scores_of_run

if TYPE_CHECKING:
    from tests.api.conftest import PlantRun, PlantScores

    from alignmeter.records import ItemScores


def _right_ones(scores: ItemScores, keep_wrong: int = 0) -> ItemScores:
    """The rows of an export that drops what failed, but for some."""
    wrong = [item.item for item in scores.items if item.score == 0.0][keep_wrong:]
    return msgspec.structs.replace(scores, items=tuple(one for one in scores.items if one.item not in wrong))


def test_failed_items_that_were_left_out_of_a_file_do_not_make_a_tax_of_0(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", {"law": 0.8}), plant_scores("dpo", {"law": 0.6})

    report = tax(base, [_right_ones(dpo)])

    (law,) = report.taxes
    assert (law.flag, law.relative, report.exit_code) == ("invalid", None, 4)
    assert law.invalid == (
        "120 of 300 items have no score on both sides, more than the 2% allowed; 120 of them have no row in "
        "one of the two sources (if the two sets of items differ on purpose, compare what they share with "
        "`--items shared`)"
    )


def test_the_base_model_may_have_lost_items_too(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", {"law": 0.6}), plant_scores("dpo", {"law": 0.6})

    assert tax(_right_ones(base), [dpo]).exit_code == 4


def test_few_lost_items_count_at_their_worst(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", {"law": 0.9}), plant_scores("dpo", {"law": 0.9})

    lacking, whole = (tax(base, [one]).taxes[0] for one in (_right_ones(dpo, keep_wrong=26), dpo))

    assert (lacking.unscored, lacking.flag) == (4, "within")
    assert lacking.interval is not None
    assert whole.interval is not None
    assert lacking.interval.upper > whole.interval.upper


def test_the_user_can_say_that_the_two_sets_differ_on_purpose(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", {"law": 0.9}), plant_scores("dpo", {"law": 0.9}, n=300)
    first = msgspec.structs.replace(dpo, items=dpo.items[:120])

    assert tax(base, [first]).exit_code == 4
    assert compare_scores(base, first).exit_code == 4
    shared = tax(base, [first], items="shared")
    assert (shared.taxes[0].flag, shared.exit_code) == ("within", 0)
    assert any("120 items are shared; 180 are only in base.csv" in one for one in shared.outcomes[0].notes)
    assert compare_scores(base, first, items="shared").exit_code == 0


def test_a_source_of_several_says_of_each_domain_what_it_was_asked(plant_scores: PlantScores) -> None:
    base = plant_scores("base", {"law": 0.9, "art": 0.9})
    law, art = (plant_scores(name, {name: 0.9}) for name in ("law", "art"))
    limited = msgspec.structs.replace(law, items=law.items[:120], stated=("law",))
    cut = msgspec.structs.replace(art, items=art.items[:120])

    report = tax(base, {"dpo": [limited, cut]})

    assert {one.domain: one.flag for one in report.taxes} == {"law": "within", "art": "invalid"}


def test_two_results_that_share_too_little_are_not_compared(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", {"law": 0.8}), plant_scores("dpo", {"law": 0.6})

    found = compare_scores(base, _right_ones(dpo))

    (law,) = found.domains
    assert (law.shared, law.absent_other, law.difference, law.interval) == (180, 120, None, None)
    assert (found.shared, found.exit_code) == (180, 4)
    assert "120 of 300 items have no score on both sides" in law.invalid


def test_empty_scores_and_missing_rows_weigh_alike(plant_scores: PlantScores) -> None:
    base, dpo = plant_scores("base", {"law": 0.9}), plant_scores("dpo", {"law": 0.9}, unscored=60)

    found = compare_scores(base, dpo).domains[0]

    assert "60 of 300 items have no score on both sides" in found.invalid
    assert "--items" not in found.invalid


def test_what_a_run_did_not_plan_or_ask_is_left_out_and_what_no_judge_has_seen_has_no_score(
    plant_run: PlantRun,
) -> None:
    run = plant_run("dpo", attacked=0.1)
    trials = tuple(msgspec.structs.replace(one, suite="tax_domains") for one in run.data.trials)
    asked = [trial.id for trial in trials if trial.intent == "sensitive"]
    transcripts = {name: one for name, one in run.data.transcripts.items() if name not in asked[100:]}
    judgements = {name: one for name, one in run.data.judgements.items() if name not in asked[60:]}
    data = msgspec.structs.replace(
        run.data, trials=trials, transcripts=transcripts, judgements=judgements, closed=None
    )

    scores = scores_of_run(msgspec.structs.replace(run, data=data))

    found = {item.item: item for item in scores.items}
    assert set(scores.stated) == {item.domain for item in scores.items}
    assert [found[name].score is None for name in asked[:100]] == [False] * 60 + [True] * 40
    assert found[asked[60]].unscored == "no judge has said anything of it"
    assert not set(asked[100:]) & set(found)
