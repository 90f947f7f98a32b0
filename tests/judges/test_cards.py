"""The shipped cards are those of the shipped judges."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

import alignmeter.judges
from alignmeter.errors import InputError
from alignmeter.judges import (
    ClosedAnswer,
    LabelledReply,
    RefusalRules,
    answer_card,
    cards_by_event,
    cards_for,
    cards_of,
    default_judges,
    load_answers,
    load_labels,
    read_cards,
    validate,
    validate_answers,
    write_cards,
)
from alignmeter.records import HarmResult, Unscored

if TYPE_CHECKING:
    from pathlib import Path

    from alignmeter.judges import ValidationReport
    from alignmeter.judges.labels import Label
    from alignmeter.records import Axis, JudgementResult, Transcript, Trial


def test_given_the_shipped_judges_when_their_cards_are_looked_up_then_every_event_has_one() -> None:
    cards = cards_by_event(default_judges().values())
    assert set(cards) == {"refused", "not_full_refusal", "confidently_wrong"}, (
        "a judge changed: measure again with `python bench/judges.py --labels ... --write-card`"
    )
    assert {(card.axis, card.data, card.labels_by) for card in cards.values()} == {
        ("refusal", "xstest", "people"),
        ("factuality", "closed_answer_replies", "machine"),
    }


def test_given_a_judge_that_nobody_measured_when_its_cards_are_looked_up_then_there_are_none() -> None:
    assert cards_for("0" * 64) == ()


def test_given_the_shipped_answers_when_measured_now_then_the_shipped_card_is_confirmed() -> None:
    report = asyncio.run(validate_answers(ClosedAnswer(), load_answers()))
    assert (answer_card(report, data="closed_answer_replies"),) == cards_for(ClosedAnswer().judge_hash)
    assert report.event.sensitivity[0] >= 0.95
    assert report.event.specificity[0] >= 0.95


@pytest.fixture(scope="module")
def held_out_report(xstest_folder: Path) -> ValidationReport:
    labels = [label for label in load_labels(xstest_folder, "xstest") if label.split == "held_out"]
    return asyncio.run(validate(RefusalRules(), labels))


def test_given_the_labelled_data_when_measured_now_then_the_shipped_card_is_confirmed(
    held_out_report: ValidationReport,
) -> None:
    measured = cards_of(held_out_report, data="xstest", split="held_out")
    assert measured == cards_for(RefusalRules().judge_hash)


def test_given_the_labelled_data_when_measured_now_then_the_judge_is_good_enough_to_ship(
    held_out_report: ValidationReport,
) -> None:
    part = held_out_report.part("held_out")
    assert part.kappa is not None
    assert part.kappa_refused is not None
    assert part.kappa[1] >= 0.70, "published string matching reaches .70 on the whole set"
    assert part.kappa_refused[1] >= 0.80


def test_given_labels_of_one_kind_only_when_a_card_is_made_then_it_is_refused() -> None:
    label = LabelledReply(id="1", prompt="Hello?", reply="Hello to you.", label="none")
    report = asyncio.run(validate(RefusalRules(), [label]))
    with pytest.raises(ValueError, match="refusing and of complying"):
        cards_of(report, data="own", split="all")


def test_given_the_package_when_its_public_names_are_read_then_each_exists_and_is_documented() -> None:
    for name in alignmeter.judges.__all__:
        value = getattr(alignmeter.judges, name)
        assert value.__doc__ or name in {"GuardFamily", "LabelAxis", "LabelFormat"}, f"{name} is a Literal"


def harm_label(number: int, label: Label, said: str) -> LabelledReply:
    return LabelledReply(
        id=f"p-{number}",
        prompt="Ask",
        reply=said,
        label=label,
        axis="harm",
        language="en" if number % 2 else "sw",
        attack="suffix" if number % 3 else "",
    )


class HarmEcho:
    """A harm judge that answers what the reply says, with a score."""

    name = "echo"
    axis: Axis = "harm"
    judge_hash = "e" * 64

    async def judge(self, trial: Trial, transcript: Transcript) -> JudgementResult:
        assert trial.axis == "harm"
        text = "" if transcript.reply is None else transcript.reply.content
        if text == "partial":
            return HarmResult(label="partial", score=0.6)
        if text == "unsure":
            return Unscored(reason="judge_timeout")
        return HarmResult(
            label="delivered" if text == "harm" else "none", score=0.9 if text == "harm" else 0.1
        )


HARM = [
    *(harm_label(i, "delivered", "harm" if i % 5 else "none") for i in range(40)),
    *(harm_label(40 + i, "none", "none" if i % 8 else "harm") for i in range(40)),
    *(harm_label(80 + i, "partial", "partial") for i in range(10)),
    *(harm_label(90 + i, "none", "unsure") for i in range(10)),
]


def test_given_harm_labels_when_validated_then_any_part_of_it_counts_and_scores_are_checked() -> None:
    report = asyncio.run(validate(HarmEcho(), HARM))
    part = report.part()
    (event,) = part.events
    assert report.classes == ("none", "partial", "delivered")
    assert event.event == "delivered_harm"
    assert event.n == 90
    assert event.sensitivity[0] == pytest.approx(42 / 50)
    assert event.specificity[0] == pytest.approx(35 / 40)
    assert event.informedness is not None
    assert event.informedness[0] == pytest.approx(42 / 50 + 35 / 40 - 1)
    assert event.informedness[1] < event.informedness[0] < event.informedness[2]
    # TP 42, FN 8, TN 35, FP 5
    assert event.mcc is not None
    assert event.mcc[0] == pytest.approx((42 * 35 - 5 * 8) / (47 * 50 * 40 * 43) ** 0.5)
    assert part.abstention == pytest.approx(0.1)
    assert part.calibration is not None
    assert part.calibration.n == 90
    assert sum(each.n for each in part.calibration.bins) == 90
    assert part.calibration.brier < part.calibration.reference


def test_given_languages_and_attacks_when_a_card_is_made_then_each_has_its_accuracy() -> None:
    (card,) = cards_of(asyncio.run(validate(HarmEcho(), HARM)), data="own")
    assert {(each.by, each.value) for each in card.strata} == {
        ("language", "en"),
        ("language", "sw"),
        ("attack", ""),
        ("attack", "suffix"),
    }
    assert sum(each.n for each in card.strata if each.by == "language") == card.n == 90
    assert (card.judge, card.abstention) == ("echo", 0.1)


def test_given_cards_in_a_users_file_when_looked_up_then_they_are_found_and_replaced_by_newer_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cards" / "mine.json"
    (card,) = cards_of(asyncio.run(validate(HarmEcho(), HARM)), data="own", labels_by="machine")
    write_cards(path, [card])
    write_cards(path, [msgspec.structs.replace(card, data="newer")])
    assert [each.data for each in read_cards(path)] == ["newer"]
    assert cards_for(HarmEcho.judge_hash) == ()
    assert cards_for(HarmEcho.judge_hash, path)[0].data == "newer"
    monkeypatch.setenv("ALIGNMETER_CARDS", str(path))
    assert cards_by_event([HarmEcho()])["delivered_harm"].labels_by == "machine"


def test_given_a_machine_labelled_card_of_the_user_when_people_labelled_too_then_people_count(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.json"
    shipped = cards_for(RefusalRules().judge_hash, path)
    write_cards(path, [msgspec.structs.replace(shipped[0], labels_by="machine", data="mine")])
    assert {card.data for card in cards_for(RefusalRules().judge_hash, path)} == {"xstest"}
    write_cards(path, [msgspec.structs.replace(shipped[0], data="mine")])
    assert {card.data for card in cards_for(RefusalRules().judge_hash, path)} == {"mine", "xstest"}


def test_given_a_file_that_holds_no_cards_when_looked_up_then_the_error_names_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.json: expected judge cards"):
        cards_for("0" * 64, path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sensitivity_counts": (5.0, 0.0)}, r"sensitivity_counts as .*, got \[5\.0, 0\.0\]"),
        ({"specificity_counts": (5.0, 3.0)}, r"specificity_counts as .*, got \[5\.0, 3\.0\]"),
        ({"sensitivity_counts": (-1.0, 3.0)}, r"sensitivity_counts as .*, got \[-1\.0, 3\.0\]"),
        ({"sensitivity_counts": (0.0, 0.0)}, "sensitivity_counts as "),
        ({"specificity": (2.0, 0.0, 1.0)}, r"a specificity within 0 and 1, got \[2\.0, 0\.0, 1\.0\]"),
    ],
)
def test_given_a_card_with_figures_that_cannot_be_when_looked_up_then_the_error_names_it(
    tmp_path: Path, changed: dict[str, tuple[float, ...]], said: str
) -> None:
    path = tmp_path / "mine.json"
    (card,) = cards_of(asyncio.run(validate(HarmEcho(), HARM)), data="own")
    swahili = next(stratum for stratum in card.strata if stratum.value == "sw")
    for wrong, where in (
        (msgspec.structs.replace(card, **changed), "card 2 of echo for delivered_harm: "),
        (
            msgspec.structs.replace(card, strata=(msgspec.structs.replace(swahili, **changed),)),
            "card 2 of echo for delivered_harm, language sw: ",
        ),
    ):
        path.write_bytes(msgspec.json.encode([card, wrong]))
        with pytest.raises(InputError, match=rf"mine\.json: {where}expected {said}"):
            read_cards(path)


def test_given_a_judge_that_scores_nothing_when_a_card_is_made_then_it_is_refused() -> None:
    labels = [harm_label(i, "none" if i % 2 else "delivered", "unsure") for i in range(10)]
    with pytest.raises(ValueError, match="scored by the judge"):
        cards_of(asyncio.run(validate(HarmEcho(), labels)), data="own")
