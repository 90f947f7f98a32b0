"""`alignmeter attacks`: what attackers try, and what it looks like."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from alignmeter.attacks import attack_names
from alignmeter.engine import render
from alignmeter.suites import load_suite
from alignmeter.suites.images import alt_text
from alignmeter.threat_model import default_threat_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

SPANISH = next(probe for probe in load_suite("implicit_harm", "es"))
PROBE = next(probe for probe in load_suite("triad") if probe.intent == "harmful")


def test_the_list_names_every_attack_with_class_pool_and_frames(cli: Cli) -> None:
    rows = {row["name"]: row for row in cli("attacks", "list", "--json").json["attacks"]}

    assert tuple(rows) == attack_names()
    assert rows["form_fill"]["class"] == "format"
    assert rows["form_fill"]["pool"] == "held_out"
    assert rows["form_fill"]["frame_languages"] == ["en"]
    assert rows["homoglyph"]["latin_only"] is True
    assert all(row["summary"] and row["reference"] for row in rows.values())


def test_the_list_for_people_says_what_frames_and_static_mean(cli: Cli) -> None:
    outcome = cli("attacks", "list")

    assert outcome.code == 0
    for name in attack_names():
        assert name in outcome.out
    said = " ".join(outcome.out.split())
    assert "in other languages the English text is used" in said
    assert "lower bound" in said


def test_an_attack_is_shown_as_a_run_of_that_seed_asks_it(cli: Cli) -> None:
    shown = cli("attacks", "show", "roleplay", "--probe", PROBE.id, "--json").json
    trial = render(PROBE, "roleplay", default_threat_model())

    assert shown["trial"] == trial.id
    assert [message["content"] for message in shown["messages"]] == [m.content for m in trial.messages]
    assert (shown["attack_class"], shown["attack_pool"], shown["draw"]) == ("roleplay", "public", 0)
    other = cli("attacks", "show", "roleplay", "--probe", PROBE.id, "--seed", "2", "--json").json
    assert other["attack_seed"] != shown["attack_seed"]


def test_a_conversation_is_printed_with_its_roles_and_nothing_in_it_is_markup(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "found.txt").write_text("[bold]==[/bold]", encoding="utf-8")

    outcome = cli(
        "attacks", "show", "many_shot|cached_suffix", "--probe", PROBE.id, "--suffix-file", "found.txt",
        "--context-tokens", "256",
    )  # fmt: skip

    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith("many_shot | cached_suffix  on ")
    assert [line for line in lines if line in {"user", "assistant"}] == ["user", "assistant"] * 4 + ["user"]
    assert "[bold]==[/bold]" in outcome.out


def test_the_examples_of_the_help_name_a_probe_that_exists(cli: Cli) -> None:
    words = cli("attacks", "show", "--help").out.split()
    named = {words[place + 1] for place, word in enumerate(words) if word == "--probe"} - {"ID"}

    assert named
    assert named <= {probe.id for probe in load_suite("triad")}


def test_the_plain_probe_and_a_closed_question_can_be_shown_too(cli: Cli) -> None:
    question = load_suite("implicit_harm")[0]
    (message,) = cli("attacks", "show", "base64", "--probe", question.id, "--json").json["messages"]
    token = max(message["content"].replace('"', " ").split(), key=len)
    assert question.prompt in base64.b64decode(token).decode()

    (plain,) = cli("attacks", "show", "plain", "--probe", PROBE.id, "--json").json["messages"]
    assert plain["content"] == PROBE.prompt


def test_a_wording_of_closed_questions_is_shown_as_a_run_of_that_seed_asks_it(cli: Cli) -> None:
    question = load_suite("implicit_harm")[0]
    shown = cli("attacks", "show", "slang", "--probe", question.id, "--json").json
    trial = render(question, "slang", default_threat_model())

    assert (shown["trial"], shown["attack_class"], shown["notes"]) == (trial.id, "slang", [])
    assert shown["messages"][0]["content"] == trial.messages[0].content


def test_what_no_run_asks_is_said_to_be_so(cli: Cli) -> None:
    benign = next(probe for probe in load_suite("triad") if probe.intent == "benign")
    (image, *_) = load_suite("implicit_harm_images")

    for probe, why in ((benign, "all others put plainly"), (image, "with an image is put plainly")):
        outcome = cli("attacks", "show", "base64", "--probe", probe.id)
        assert outcome.code == 0
        assert outcome.err.startswith("# no run asks this: ")
        assert why in outcome.err
        assert cli("attacks", "show", "plain", "--probe", probe.id).err == ""
    assert cli("attacks", "show", "base64", "--probe", PROBE.id, "--json").json["notes"] == []


def test_an_image_is_shown_in_words(cli: Cli) -> None:
    (probe, *_) = load_suite("implicit_harm_images")
    assert probe.image is not None

    assert f"[image] {alt_text(probe.image)}" in " ".join(
        cli("attacks", "show", "plain", "--probe", probe.id).out.split()
    )
    (message,) = cli("attacks", "show", "plain", "--probe", probe.id, "--json").json["messages"]
    assert message["images"] == [alt_text(probe.image)]


BAD = {
    "unknown attack": (("rolplay", "--probe", PROBE.id), "unknown attack 'rolplay'; nearest: 'roleplay'"),
    "unknown part": (("roleplay|x", "--probe", PROBE.id), "unknown attack 'x' in 'roleplay|x'"),
    "half a composition": (("roleplay|", "--probe", PROBE.id), "expected attacks on both sides of each '|'"),
    "unknown probe": (("roleplay", "--probe", f"{PROBE.id}x"), f"nearest: {PROBE.id!r}"),
    "no probe": (("roleplay",), "--probe"),
    "seed is no number": (("roleplay", "--probe", PROBE.id, "--seed", "x"), "got 'x'"),
    "negative draw": (("best_of_n", "--probe", PROBE.id, "--draw", "-1"), "got '-1'"),
    "draw of another": (("roleplay", "--probe", PROBE.id, "--draw", "2"), "expected --draw 0, got 2"),
    "draw of a part": (
        ("roleplay|best_of_n", "--probe", PROBE.id, "--draw", "2"),
        "expected --draw 0, got 2",
    ),
    "wording of a request": (("slang", "--probe", PROBE.id), "'slang', a wording of closed questions"),
    "wording in Spanish": (
        ("slang", "--probe", SPANISH.id),
        "expected a closed question in English, got axis 'factuality' in 'es'",
    ),
    "tiny window": (("many_shot", "--probe", PROBE.id, "--context-tokens", "5"), "got '5'"),
    "no suffix file": (("cached_suffix", "--probe", PROBE.id), "--suffix-file FILE"),
    "suffix file gone": (
        ("cached_suffix", "--probe", PROBE.id, "--suffix-file", "none.txt"),
        "none.txt: cannot read",
    ),
}


@pytest.mark.parametrize(("arguments", "what"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_that_says_what_to_do(cli: Cli, arguments: tuple[str, ...], what: str) -> None:
    outcome = cli("attacks", "show", *arguments)

    assert outcome.code == 2
    assert what in outcome.complaint
