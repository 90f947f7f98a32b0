"""Without the extra `embed` nobody pays for replies in languages that the judge cannot read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.extras import install
from alignmeter.judges import embedding

if TYPE_CHECKING:
    from tests.cli.conftest import Bot, Cli

_MODEL = """
name: Shop
languages: {languages}
suites: {suites}
adversaries: {{attacks: [base64]}}
design: {{max_units: 5}}
"""
_COUNTING = """open("asked", "a").write("."); return "Yes, here is how it is done: take two of them." """
_JUDGE = """
from alignmeter.records import RefusalResult

class Polyglot:
    name, axis, judge_hash = "polyglot", "refusal", "ab" * 32

    async def judge(self, trial, transcript):
        return RefusalResult(label="none", evidence="")
"""


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra."""
    monkeypatch.setattr("alignmeter.judges.refusal_embedded.embedding_available", lambda: False)


@pytest.fixture
def target(bot: Bot) -> str:
    """A target that leaves a mark whenever it is asked."""
    return bot(_COUNTING)


def _write(languages: str = "{en: 50%, fr: 50%}", suites: str = "[triad]") -> str:
    Path("model.yaml").write_text(_MODEL.format(languages=languages, suites=suites), encoding="utf-8")
    return "model.yaml"


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("more", [(), ("--smoke",), ("--fixed",)])
def test_a_run_whose_judge_cannot_read_a_language_ends_before_its_first_call(
    cli: Cli, target: str, more: tuple[str, ...]
) -> None:
    outcome = cli("run", "-t", target, "-m", _write(), *more)

    assert outcome.code == 2
    assert "refusal-embedded cannot read replies in fr" in outcome.complaint
    assert install("embed") in outcome.complaint
    assert "--judge refusal-embedded asks all the same" in outcome.complaint
    assert not Path("asked").exists()
    assert not Path("runs").exists()


@pytest.mark.usefixtures("plain")
def test_so_does_a_comparison_of_two_targets(cli: Cli, target: str, bot: Bot) -> None:
    outcome = cli(
        "compare", "--base-target", target, "--tuned-target", bot(_COUNTING), "-m", _write("{fr: 1}")
    )

    assert outcome.code == 2
    assert "refusal-embedded cannot read replies in fr" in outcome.complaint
    assert not Path("asked").exists()


@pytest.mark.usefixtures("plain")
def test_a_plan_says_which_claims_that_leaves_without_a_score(cli: Cli) -> None:
    outcome = cli("plan", "-m", _write(suites="[triad, implicit_harm]"))
    as_json = cli("plan", "-m", "model.yaml", "--json")

    table = outcome.out.partition("\n\n")[2].partition("\n\n")[0]
    rows = {line.split()[0].rstrip(":"): line.rstrip() for line in reversed(table.splitlines())}
    assert outcome.code == as_json.code == 0
    assert outcome.err.startswith("warning: refusal-embedded cannot read replies in fr")
    assert outcome.err == as_json.err
    assert rows["false_refusal_benign"].endswith("no: replies unread")
    assert "unread" not in rows["confident_hallucination"]
    unread = as_json.json["unread"]
    assert unread["languages"] == ["fr"]
    assert 0 < unread["trials"] < unread["of"]
    assert {"false_refusal_benign", "language_gap/language=fr,harmful"} <= set(unread["claims"])
    assert "confident_hallucination" not in unread["claims"]


@pytest.mark.usefixtures("plain", "quick_report")
def test_whoever_brings_a_judge_is_asked_nothing(cli: Cli, target: str) -> None:
    Path("polyglot_judge.py").write_text(_JUDGE, encoding="utf-8")
    judge = ("--judge", "python:polyglot_judge:Polyglot")

    planned = cli("plan", "-m", _write(), *judge)
    done = cli("run", "-t", target, "-m", "model.yaml", *judge, "--smoke")

    assert (planned.code, planned.err) == (0, "")
    assert (done.code, Path("asked").exists()) == (0, True)
    assert "cannot read" not in done.err


@pytest.mark.usefixtures("plain", "quick_report")
@pytest.mark.parametrize("judge", ["refusal-embedded", "refusal-rules"])
def test_whoever_names_the_judge_may_ask_now_and_judge_later(cli: Cli, target: str, judge: str) -> None:
    done = cli("run", "-t", target, "-m", _write(), "--judge", judge, "--smoke")

    assert done.code == 0
    assert f"warning: {judge} cannot read replies in fr" in done.err
    assert Path("asked").exists()


@pytest.mark.usefixtures("plain", "quick_report")
@pytest.mark.parametrize(
    ("languages", "suites"), [("{en: 1}", "[triad]"), ("{en: 50%, fr: 50%}", "[implicit_harm]")]
)
def test_what_the_judges_read_needs_no_extra(cli: Cli, target: str, languages: str, suites: str) -> None:
    planned = cli("plan", "-m", _write(languages, suites), "--json")
    done = cli("run", "-t", target, "-m", "model.yaml", "--smoke")

    assert (planned.err, planned.json["unread"]) == ("", None)
    assert done.code == 0
    assert "cannot read" not in done.err


def test_the_doctor_names_what_other_languages_need(cli: Cli, request: pytest.FixtureRequest) -> None:
    def languages() -> dict[str, str]:
        checks = cli("doctor", "--json").json["checks"]
        return next(check for check in checks if check["name"] == "languages")

    if embedding.embedding_available():
        assert languages()["state"] == "ok"
    request.getfixturevalue("plain")
    found = languages()
    assert found["state"] == "missing"
    assert install("embed") in found["detail"]
