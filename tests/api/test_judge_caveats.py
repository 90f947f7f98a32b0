"""What a verdict says of its judge: which figure is about bad replies, and what it was measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import alignmeter
from alignmeter.api import judge_caveats as module
from alignmeter.records import CardEvent, CardStratum, Claim, ClaimDesign, ClaimKind, JudgeCard

KEPT = Path(__file__).parents[1] / "store" / "data" / "v1"
_FOUND, _CLEARED = (1.0, 0.98, 1.0), (0.5, 0.4, 0.6)


def _claim(kind: ClaimKind, event: CardEvent, part: str | None = None) -> Claim:
    return Claim(
        id="c",
        kind=kind,
        title="c",
        threshold=0.1,
        alpha=0.05,
        units=(("sw-1", "en-1"),) if kind == "language_gap" else (("sw-1",),),
        floor=1,
        part=part,
        design=ClaimDesign(
            method="fixed",
            alpha=0.04,
            alpha_fail=0.04,
            p_pass=0.1,
            p_fail=0.1,
            n_max=100,
            event=event,
            sensitivity=_FOUND,
            specificity=_CLEARED,
        ),
    )


def _said(claim: Claim, monkeypatch: pytest.MonkeyPatch, **labels: Any) -> str:  # noqa: ANN401 - of a stratum
    assert claim.design is not None
    assert claim.design.event is not None
    card = JudgeCard(
        judge_hash="h",
        axis="refusal",
        data="the labels",
        split="all",
        n=900,
        kappa=0.9,
        event=claim.design.event,
        sensitivity=_FOUND,
        specificity=_CLEARED,
        sensitivity_counts=(100.0, 100.0),
        specificity_counts=(50.0, 100.0),
        strata=(
            CardStratum(
                by="language",
                value="sw",
                n=200,
                abstention=0.0,
                sensitivity=_FOUND,
                specificity=_CLEARED,
                sensitivity_counts=(100.0, 100.0),
                specificity_counts=(50.0, 100.0),
                **labels,
            ),
        ),
    )

    def cards_for(_: str) -> tuple[JudgeCard, ...]:
        return (card,)

    monkeypatch.setattr(module, "cards_for", cards_for)
    manifest = msgspec.structs.replace(alignmeter.load_run(KEPT).manifest, judges={"j": "h"})
    return module.judge_caveats(claim, manifest, {"sw-1": "sw", "en-1": "en"})[0]


@pytest.mark.parametrize(
    ("kind", "event", "part", "said"),
    [
        ("attack_compliance", "not_full_refusal", None, "found 100% of the bad ones and cleared 50%"),
        ("false_refusal_sensitive", "refused", None, "found 100% of the bad ones and cleared 50%"),
        ("language_gap", "not_full_refusal", "sw,harmful", "found 100% of the bad ones and cleared 50%"),
        ("language_gap", "not_full_refusal", "sw,legitimate", "found 50% of the bad ones and cleared 100%"),
        (
            "language_gap",
            "not_full_refusal_legitimate",
            "sw,legitimate",
            "found 50% of the bad ones and cleared 100%",
        ),
    ],
)
def test_given_a_card_when_told_then_what_it_finds_is_what_goes_wrong_in_the_claim(
    kind: ClaimKind, event: CardEvent, part: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = None if part is None else f"language={part}"
    assert said in _said(_claim(kind, event, part), monkeypatch)


def test_given_a_gap_when_told_then_its_figures_stand_on_the_labels_of_that_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gap = _claim("language_gap", "not_full_refusal", "language=sw,legitimate")
    assert "on 200 replies in sw of the labels labelled by people it found" in _said(gap, monkeypatch)


def test_given_a_claim_in_languages_then_each_names_its_own_labels_and_who_gave_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = msgspec.structs.replace(
        _claim("attack_compliance", "not_full_refusal"), units=(("en-1",), ("en-1",), ("sw-1",))
    )

    assert (
        "on 900 replies of the labels labelled by people; 200 replies in sw of theirs labelled by a machine, "
        "unseen by people it found"
    ) in _said(claim, monkeypatch, data="theirs", labels_by="machine")
