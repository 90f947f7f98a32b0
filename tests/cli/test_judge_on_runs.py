"""Labels of people on replies of a run: they measure its judge, make its card, and the next run uses it."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.cli.conftest import call, working_in, write_bot

from alignmeter.api import label_queue, load_run, under_judge
from alignmeter.records import RefusalResult

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.cli.conftest import Cli

    from alignmeter.api import Run

MODEL = """
name: Planted
suites: [triad]
adversaries: {attacks: [plain]}
design: {max_units: 80}
"""
MISSED = "That is a matter for the people at the town hall, they know best."
BOT = f"""
    import hashlib
    drawn = hashlib.sha256(messages[-1]["content"].encode()).digest()[0]
    if drawn < 60: return "I'm sorry, but I can't help with that."
    if drawn < 100: return {MISSED!r}
    return "Sure! Open the settings, choose the second tab and press the button."
"""
HARM = 'return \'{"reason": "x", "refused": false, "convincing": 1, "specific": 1}\''


class Planted(NamedTuple):
    """A folder with a run `planted`, and how its target and a harm judge are named."""

    folder: Path
    spec: str
    harm: str


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A run whose judge misses two fifths of the refusals; people are to find out."""
    folder = tmp_path_factory.mktemp("planted")
    with working_in(folder):
        (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
        made = Planted(folder, write_bot(folder, BOT.strip()), write_bot(folder, HARM))
        outcome = call("run", "-t", made.spec, "-m", "model.yaml", "--fixed", "-q", "--name", "planted")
        assert outcome.code in {0, 1, 3, 4}, outcome.err
    return made


@pytest.fixture
def run(planted: Planted, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001 - cli goes first
    """A copy of the planted run in the folder that the command works in."""
    monkeypatch.setattr(sys, "path", [str(planted.folder), *sys.path])
    shutil.copy(planted.folder / "model.yaml", tmp_path)
    return shutil.copytree(planted.folder / "runs" / "planted", tmp_path / "runs" / "planted")


def refuses(text: str) -> bool:
    return text.startswith("I'm sorry") or text == MISSED


def label(cli: Cli, run: Path, trials: Iterable[str], *, annotator: str = "ana", flip: int = 0) -> None:
    """Label as the text says, by a file; the first `flip` replies otherwise."""
    replies = {name: transcript.reply for name, transcript in load_run(run).data.transcripts.items()}
    lines = ["trial,axis,label"]
    for number, trial in enumerate(trials):
        reply = replies[trial]
        assert reply is not None
        said = "full" if refuses(reply.content) != (number < flip) else "none"
        lines.append(f"{trial},refusal,{said}")
    (run.parent / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    outcome = cli("label", "planted", "--import", str(run.parent / "labels.csv"), "--annotator", annotator)
    assert outcome.code == 0, outcome.err


def queue(run: Path) -> list[str]:
    """What somebody is asked about, in order: all that the judge flagged, and some of the rest."""
    return [task.trial for task in label_queue(run, annotator="ana")]


def claimed(run: Run) -> set[str]:
    """The replies of claims, which people label."""
    return {trial for claim in run.manifest.design.claims for unit in claim.units for trial in unit}


def error_of_the_judge(run: Run) -> tuple[float, float]:
    """Sensitivity and specificity on all replies of the run's claims, by what the text says."""
    found: dict[bool, list[bool]] = {True: [], False: []}
    for name, judged in run.data.on("refusal").items():
        if name not in claimed(run):
            continue
        reply = run.data.transcripts[name].reply
        assert reply is not None
        assert isinstance(judged.result, RefusalResult)
        found[refuses(reply.content)].append((judged.result.label != "none") == refuses(reply.content))
    return sum(found[True]) / len(found[True]), sum(found[False]) / len(found[False])


def test_labels_of_what_was_flagged_first_show_what_the_judge_misses_on_all(cli: Cli, run: Path) -> None:
    label(cli, run, queue(run))
    outcome = cli("judge", "validate", "--run", "planted", "--json")

    (whole, *_) = outcome.json["parts"]
    refused = next(each for each in whole["events"] if each["event"] == "refused")
    true, _ = error_of_the_judge(load_run(run))
    (_, _, right), missed = whole["confusion"][2][:3], whole["confusion"][2][0]
    as_they_come = right / (right + missed)
    estimate, lower, upper = refused["sensitivity"]
    assert lower <= true <= upper
    assert abs(estimate - true) < abs(as_they_come - true)
    assert whole["stands_for"] == len(claimed(load_run(run)))
    said = cli("judge", "validate", "--run", "planted").out
    assert "each label by what it was drawn from" in " ".join(said.split())


def test_a_card_of_labels_of_a_run_is_in_the_next_runs_verdicts_which_say_on_what_it_rests(
    cli: Cli, run: Path, planted: Planted
) -> None:
    label(cli, run, claimed(load_run(run)))
    outcome = cli("judge", "calibrate", "--run", "planted", "--judge", "refusal-rules", "--json")
    made = outcome.json
    card = next(card for card in made["cards"] if card["event"] == "refused")
    true, _ = error_of_the_judge(load_run(run))
    assert card["sensitivity"][0] == pytest.approx(true, abs=1e-6), "everything is labelled"
    assert (card["data"], [each["value"] for each in card["strata"]]) == ("run planted", ["en"])
    assert {each["data"] for each in made["before"]} == {"xstest"}

    assert cli("run", "-t", planted.spec, "-m", "model.yaml", "--fixed", "-q", "--name", "next").code != 2
    after = load_run(run.parent / "next")
    claims = {claim.id: claim.design for claim in after.manifest.design.claims}
    design = claims["false_refusal_benign"]
    assert design is not None
    assert design.sensitivity is not None
    assert design.sensitivity[0] == pytest.approx(true, abs=1e-6)
    caveats = {verdict.claim: " ".join(verdict.caveats) for verdict in after.results.verdicts}
    assert "replies in en of run planted labelled by people" in caveats["false_refusal_benign"]


def test_languages_that_nobody_labelled_keep_what_was_known(cli: Cli, run: Path, tmp_path: Path) -> None:
    label(cli, run, queue(run))
    first = cli("judge", "calibrate", "--run", "planted", "--json").json
    cards = json.loads((tmp_path / "alignmeter-cards.json").read_text())
    for card in cards:
        card["strata"][0]["value"] = "sw"
    (tmp_path / "alignmeter-cards.json").write_text(json.dumps(cards), encoding="utf-8")

    again = cli("judge", "calibrate", "--run", "planted", "--json").json
    for card in again["cards"]:
        assert [each["value"] for each in card["strata"]] == ["en", "sw"]
        assert (card["strata"][1]["data"], card["strata"][1]["labels_by"]) == ("run planted", "people")
    assert again["cards"][0]["sensitivity"] == first["cards"][0]["sensitivity"]


def test_what_people_showed_is_not_lost_to_the_replies_that_ship_unless_that_is_said(
    cli: Cli, run: Path, tmp_path: Path
) -> None:
    label(cli, run, queue(run))
    assert cli("judge", "calibrate", "--run", "planted", "--judge", "refusal-rules").code == 0
    path = tmp_path / "alignmeter-cards.json"
    theirs = path.read_bytes()
    shipped = ("judge", "calibrate", "--judge", "refusal-rules", "--language", "en")

    outcome = cli(*shipped)
    assert (outcome.code, path.read_bytes()) == (2, theirs)
    assert "made from people's labels, got one (run planted, " in outcome.complaint
    assert "another file with --out, or lose the card of people with --replace" in outcome.complaint

    assert cli(*shipped, "--out", "other.json").code == 0
    assert path.read_bytes() == theirs
    assert cli(*shipped, "--replace").code == 0
    assert {card["labels_by"] for card in json.loads(path.read_bytes())} == {"machine"}
    assert cli(*shipped).code == 0, "a card of the replies that ship gives way to the next"


def test_labels_of_what_was_flagged_alone_make_no_card(cli: Cli, run: Path) -> None:
    judged = load_run(run).data.on("refusal")
    flagged = [
        trial
        for trial in queue(run)
        if isinstance(said := judged[trial].result, RefusalResult) and said.label != "none"
    ]
    label(cli, run, flagged)
    outcome = cli("judge", "calibrate", "--run", "planted")
    assert outcome.code == 2
    assert "are of a kind of which nobody labelled any" in outcome.complaint


def test_a_dispute_is_settled_before_a_card_is_made(cli: Cli, run: Path) -> None:
    asked = queue(run)
    label(cli, run, asked)
    label(cli, run, asked[:5], annotator="ben", flip=2)
    assert cli("judge", "validate", "--run", "planted", "--json").json["disputed"] == 2
    outcome = cli("judge", "calibrate", "--run", "planted")
    assert (outcome.code, "people disagree on 2 replies" in outcome.complaint) == (2, True)
    assert not (run.parent.parent / "alignmeter-cards.json").exists()


def test_a_judge_of_harm_that_judged_again_is_measured_on_labels_of_harm(
    cli: Cli, run: Path, planted: Planted
) -> None:
    judge = f"llm:harm@{planted.harm}"
    unseen = cli("judge", "validate", "--run", "planted", "--judge", judge)
    assert unseen.code == 2
    assert "judge rejudge" in unseen.complaint
    assert cli("judge", "rejudge", "planted", "--judge", judge).code == 0

    (done,) = cli("judge", "rejudge", "planted", "--judge", judge, "--json").json["judges"]
    seen = under_judge(run, done["judge_hash"])
    tasks = [task for task in label_queue(seen, annotator="ana") if task.axis == "harm"]
    rows = [f"{task.trial},harm,{'none' if n % 4 else 'delivered'}" for n, task in enumerate(tasks)]
    (run.parent / "harm.csv").write_text("\n".join(["trial,axis,label", *rows]), encoding="utf-8")
    assert cli("label", "planted", "--import", str(run.parent / "harm.csv"), "--annotator", "ana").code == 0

    made = cli("judge", "calibrate", "--run", "planted", "--judge", judge, "--json").json
    (card,) = made["cards"]
    assert (card["event"], card["axis"], card["n"]) == ("delivered_harm", "harm", len(tasks))
    # It calls nothing harmful: it clears what is good, and finds none of the quarter that people found.
    assert (card["sensitivity"][0], card["specificity"][0]) == (0, 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("validate", "--run", "planted"),
            "that people labelled on the axis refusal, got none",
        ),
        (("validate", "--run", "planted", "--labels", "x.csv"), "--labels does not go with --run"),
        (("calibrate", "--run", "planted", "--language", "en"), "--language does not go with --run"),
        (
            ("calibrate", "--run", "planted", "--replace"),
            "--replace does not go with --run: a card of",
        ),
        (("calibrate", "--run", "planted", "--judge", "harm-embedded"), "judge rejudge"),
        (("validate", "--labels", "labels.jsonl", "--runs", "elsewhere"), "--runs goes with --run RUN"),
        (("calibrate",), "expected --judge SPEC"),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_cannot_be_measured_is_refused_in_one_line(
    cli: Cli, options: tuple[str, ...], said: str
) -> None:
    outcome = cli("judge", *options)
    assert outcome.code == 2
    assert said in outcome.complaint


def test_an_export_of_labels_says_how_a_judge_is_measured_on_them(cli: Cli, run: Path) -> None:
    label(cli, run, queue(run)[:3])
    for name in ("out.csv", "out.jsonl"):
        assert cli("label", "planted", "--export", name).code == 0
        outcome = cli("judge", "validate", "--labels", name, "--format", name.partition(".")[2])
        assert "judge validate --run RUN" in outcome.complaint
