"""`alignmeter label`: answers by line or by key, kept one by one, used at once, blind to the judge."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from alignmeter.api import Labelling, load_run
from alignmeter.store import read_labels

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Finished, Outcome

    from alignmeter.api import LabelTask


@pytest.fixture
def run(finished: Finished, cli: Cli, tmp_path: Path) -> Path:  # noqa: ARG001 - cli goes first
    """A copy of the finished run, in the folder that the command works in."""
    return shutil.copytree(finished.path, tmp_path / "runs" / "first")


@pytest.fixture
def answer(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Labels with these answers, one a line."""

    def label(answers: str, *options: str) -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{one}\n" for one in answers.split())))
        return cli("label", "first", "--claim", "false_refusal_benign", *options)

    return label


if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[..., Outcome]


def _given(run: Path) -> list[tuple[str, str | None]]:
    return [(label.annotator, label.label) for label in read_labels(run)]


# --- the dialogue --------------------------------------------------------------------------------


def test_answers_are_kept_with_who_gave_them_and_nothing_tells_what_the_judge_said(
    answer: Answer, run: Path
) -> None:
    outcome = answer("f n p x q", "--annotator", "ana")

    assert outcome.code == 0
    assert _given(run) == [("ana", "full"), ("ana", "none"), ("ana", "partial"), ("ana", "unclear")]
    asked = outcome.out.partition("Saved.")[0]
    for word in ("judge said", "flagged", "positive", "refusal-rules", "evidence"):
        assert word not in asked.lower().replace("what any judge said", "")
    assert "may be offensive or dangerous" in " ".join(asked.split())


def test_a_reply_is_shown_as_it_was_written(
    answer: Answer, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = 'return xs[0:100:3], {"a":b:1}  \n\tif :x: and a[b]: [bold]\n' + "word " * 60
    asked = Labelling.next_task

    def with_reply(work: Labelling, *given: Any) -> LabelTask | None:  # noqa: ANN401 - passed on
        task = asked(work, *given)
        return None if task is None else msgspec.structs.replace(task, reply=reply)

    monkeypatch.setattr(Labelling, "next_task", with_reply)
    outcome = answer("q", "--annotator", "ana")
    assert f"Reply:\n{reply}\n" in outcome.out
    assert _given(run) == []


def test_a_skipped_reply_comes_again_and_an_undone_one_too(answer: Answer, run: Path) -> None:
    def trials(outcome: Outcome) -> list[str]:
        return [line.split()[3] for line in outcome.out.splitlines() if line.startswith("--- ")]

    first = trials(answer("s f u n q", "--annotator", "ana"))
    again = trials(answer("q", "--annotator", "ana"))

    assert first[1] == first[3]
    assert [label for _, label in _given(run)] == ["full", None, "none"]
    assert again == first[:1]


def test_a_session_ends_at_its_limit_or_with_its_input_and_the_next_goes_on(
    answer: Answer, run: Path
) -> None:
    answer("f f f f", "--limit", "2", "--annotator", "ana")
    assert len(_given(run)) == 2
    answer("f", "--annotator", "ana")
    trials = [label.trial for label in read_labels(run)]
    assert len(trials) == len(set(trials)) == 3


@pytest.mark.parametrize(
    ("answers", "kept"),
    [("f u n", ["full", None, "none"]), ("f", ["full"]), ("f n n", ["full"]), ("f u q", ["full", None])],
)
def test_the_last_label_of_a_session_can_be_undone_before_it_ends(
    answer: Answer, run: Path, answers: str, kept: list[str | None]
) -> None:
    outcome = answer(answers, "--limit", "1", "--annotator", "ana")
    assert [label for _, label in _given(run)] == kept
    assert "u takes back the last label" in outcome.out
    assert f"Saved. {len(kept) % 2} labels" in outcome.out


def test_a_note_that_is_no_utf8_costs_no_label(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for errors in ("strict", "surrogateescape"):
        typed = io.BytesIO(b"t\ncaf\xe9\nf\nq\n")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(typed, encoding="utf-8", errors=errors))
        assert cli("label", "first", "--annotator", "ana").code == 0
    assert [label.note for label in read_labels(run)] == ["caf\ufffd"] * 2


def test_a_key_that_means_nothing_is_told_the_keys_and_help_says_how_to_judge(
    answer: Answer,
    run: Path,  # noqa: ARG001 - it is what is labelled
) -> None:
    out = " ".join(answer("z ? m t because f q", "--annotator", "ana").out.split())
    assert "'z' is no key here: f refuses in full" in out
    assert "Judge what the reply does, not how it sounds" in out


def test_a_note_goes_with_the_next_answer(answer: Answer, run: Path) -> None:
    answer("t odd f f q", "--annotator", "ana")
    assert [label.note for label in read_labels(run)] == ["odd", ""]


def test_labels_change_verdict_show_gate_and_report_at_once(answer: Answer, cli: Cli, run: Path) -> None:
    assert load_run(run).results.verdicts[0].basis == "judge"
    outcome = answer(" ".join(["n"] * 300), "--annotator", "ana")

    results = {verdict.claim: verdict for verdict in load_run(run).results.verdicts}
    verdict = results["false_refusal_benign"]
    assert (verdict.without_labels, verdict.bad) == ("FAIL", 0)
    assert verdict.verdict != "FAIL"
    assert f"false_refusal_benign: FAIL -> {verdict.verdict}" in outcome.out
    stored = json.loads((run / "verdicts.json").read_text(encoding="utf-8"))
    assert stored["labels"][0]["claim"] == "false_refusal_benign"
    assert stored["by_people"] == len(read_labels(run))
    shown = cli("show", "first", "--claim", "false_refusal_benign", "--json").json
    assert {row["judged_by"] for row in shown["trials"]} >= {"people"}
    assert shown["labels"][0]["cleared"] > 0
    checks = {check["id"]: check["verdict"] for check in cli("gate", "first", "--json").json["checks"]}
    assert checks["false_refusal_benign"] == verdict.verdict
    cli("report", "first")
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "Labels of people" in html
    assert "The judge alone says" in html


# --- two annotators ------------------------------------------------------------------------------


def test_a_second_annotator_sees_the_same_replies_and_agreement_is_told(
    answer: Answer, cli: Cli, run: Path
) -> None:
    answer("f f n n q", "--annotator", "ana")
    second = answer("f n n n f", "--annotator", "ben", "--second")

    assert [who for who, _ in _given(run)].count("ben") == 4
    assert "Nothing is left to label" in second.out
    made = cli("label", "first", "--status", "--json").json
    agreement = made["agreement"][0]
    assert agreement["pairs"] == 4
    assert 0 <= agreement["raw"] <= 1
    assert "kappa" in second.out
    disputed = sum(claim["disputed"] for claim in made["claims"])
    assert disputed == round(4 * (1 - agreement["raw"]))
    if disputed:
        settled = answer("n " * 4, "--adjudicate", "--annotator", "cy")
        assert "Labelled by ana" in settled.out
    assert sum(claim["disputed"] for claim in cli("label", "first", "--status", "--json").json["claims"]) == 0


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_labels_come_back_from_a_file_as_they_were(answer: Answer, cli: Cli, run: Path, name: str) -> None:
    answer("f n x q", "--annotator", "ana")
    before = read_labels(run)
    assert cli("label", "first", "--export", name, "--json").json == {"file": name, "labels": 3}
    (run / "labels.jsonl").unlink()

    assert cli("label", "first", "--import", name, "--json").json == {
        "added": 3,
        "known": 0,
        "empty": 0,
        "older": [],
    }
    assert sorted(label.trial for label in read_labels(run)) == sorted(label.trial for label in before)
    assert {(one.trial, one.label, one.annotator) for one in read_labels(run)} == {
        (one.trial, one.label, one.annotator) for one in before
    }
    assert cli("label", "first", "--import", name, "--json").json == {
        "added": 0,
        "known": 3,
        "empty": 0,
        "older": [],
    }


BAD_FILES = {
    "no column": ("labels.csv", "trial,says\n{0},full\n", "line 1: expected the columns trial and label"),
    "unknown trial": (
        "labels.csv",
        "trial,label\n{0},full\nnone,full\n",
        "line 3: expected the id of a trial",
    ),
    "unknown label": ("labels.csv", "trial,label\n{0},perhaps\n", "line 2: expected an axis and one of its"),
    "label of another axis": (
        "labels.csv",
        "trial,label\n{0},correct\n",
        "line 2: expected a label of refusal",
    ),
    "twice": ("labels.csv", "trial,label\n{0},full\n{0},none\n", "line 3: expected one label of"),
    "another reply": ("labels.csv", "trial,label,transcript\n{0},full,abc\n", "line 2: the label of trial"),
    "short row": ("labels.csv", "trial,label\n{0}\n", "line 2: expected 2 cells as in line 1, got 1"),
    "no object": ("labels.jsonl", "[1]\n", "line 1: expected a JSON object"),
    "no label": ("labels.jsonl", '{{"trial": "{0}"}}\n', "line 1: expected trial and label"),
    "a date": ("labels.csv", "trial,label,at\n{0},full,today\n", "line 2: expected `at` in seconds"),
    "no time": (
        "labels.csv",
        "trial,label,at\n{0},full,nan\n",
        "line 2: expected `at` in seconds since 1970",
    ),
    "an endless time": ("labels.csv", "trial,label,at\n{0},full,inf\n", "line 2: expected `at` in seconds"),
    "axis of other trials": (
        "labels.csv",
        "trial,label,axis\n{0},correct,factuality\n",
        "line 2: expected a label on an axis of its trial (refusal), got one on 'factuality'",
    ),
    "other ending": ("labels.txt", "", "ends in .csv or .jsonl"),
    "missing": ("none.csv", None, "expected a readable file"),
}


@pytest.mark.parametrize(("name", "text", "what"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_does_not_fit_names_the_line_and_nothing_is_added(
    cli: Cli, run: Path, name: str, text: str | None, what: str
) -> None:
    trial = next(claim for claim in load_run(run).manifest.design.claims if claim.units).units[0][0]
    if text is not None:
        (run.parent.parent / name).write_text(text.format(trial), encoding="utf-8")
    outcome = cli("label", "first", "--import", name, "--annotator", "ana")
    assert outcome.code == 2
    assert what in outcome.complaint
    assert read_labels(run) == ()


def test_rows_without_a_label_are_left_out(cli: Cli, run: Path) -> None:
    trials = [unit[0] for unit in load_run(run).manifest.design.claims[0].units[:2]]
    with (run.parent.parent / "l.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["trial", "label"], [trials[0], ""], [trials[1], "full"]])
    made = cli("label", "first", "--import", "l.csv", "--annotator", "ana", "--json").json
    assert made == {"added": 1, "known": 0, "empty": 1, "older": []}


# --- bad input and a kill ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--claim", "nonsense"), "expected a claim of this run that people can label"),
        (("--annotator", " "), "expected a printable --annotator"),
        (("--export", "a.csv", "--import", "b.csv"), "leave one out"),
        (("--second", "--adjudicate"), "leave one out"),
        (("--json",), "--json goes with"),
        (("--limit", "0"), "expected a whole number of at least 1, got '0'"),
        (("--share", "2"), "--share must lie between 0 and 1"),
    ],
)
def test_options_that_cannot_be_are_refused_on_one_line(
    cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], what: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    outcome = cli("label", "first", *options)
    assert outcome.code == 2
    said = outcome.out + outcome.err
    assert what in said
    assert said.count("\n") == 1
    assert read_labels(run) == ()


def test_given_a_kill_in_the_middle_when_started_again_then_every_answer_is_there(run: Path) -> None:
    command = [sys.executable, "-m", "alignmeter", "label", "first", "--annotator", "ana"]
    folder = run.parent.parent
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    for count in range(1, 4):
        process.stdin.write(b"x\n")
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while len(read_labels(run)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()

    before = read_labels(run)
    assert len(before) == 3
    done = subprocess.run(command, cwd=folder, input=b"x\n", capture_output=True, check=True)
    assert b"Saved. 1 labels by ana" in done.stdout
    after = read_labels(run)
    assert after[:3] == before
    assert len({label.trial for label in after}) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is a thing of Unix")
def test_given_a_terminal_when_one_key_is_pressed_then_no_enter_is_needed(run: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "alignmeter", "label", "first", "--annotator", "ana"],
        cwd=run.parent.parent, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    os.close(theirs)
    for count, key in enumerate((b"x", b"x"), 1):
        os.write(ours, key)
        deadline = time.monotonic() + 60
        while len(read_labels(run)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
    os.write(ours, b"q")
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, out
    assert len(read_labels(run)) == 2
