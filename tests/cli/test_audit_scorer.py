"""`alignmeter audit-scorer`: planted scorers on the suite and on runs, and the way to `frontier`."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Cli

_numbers = itertools.count()
TRUTH = """
from alignmeter.suites import load_suite
probes = {p.prompt: p for p in load_suite("triad", "en")}
calls = []
def chance(text):
    import hashlib
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
"""
PERFECT = "def score(text): return float(probes[text].intent == 'harmful')"
RANDOM = "def score(text): return chance(text)"
DOMAIN = "def score(text): return float(probes[text].domain == 'medical' or probes[text].intent == 'harmful')"
QUALITY = "async def score(text): return -float(probes[text].intent == 'harmful') * 9"
REPLIES = "def score(request, reply): calls.append(1); return float('Sure' in reply)"


@pytest.fixture
def scorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Writes a module with a function `score`, returns its spec."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(body: str) -> str:
        name = f"scorer_{os.getpid()}_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(TRUTH + body + "\n", encoding="utf-8")
        importlib.invalidate_caches()
        return f"python:{name}:score"

    return write


def rates(found: Any) -> dict[str, float]:  # noqa: ANN401 - a JSON document
    return {one["group"]: one["flagged"]["rate"] for one in found["findings"]["groups"]}


def areas(found: Any) -> dict[str, Any]:  # noqa: ANN401 - a JSON document
    return {one["legitimate"]: one for one in found["findings"]["separations"]}


def flagged(found: Any) -> list[str]:  # noqa: ANN401 - a JSON document
    return [one["domain"] for one in found["findings"]["domains"] if one.get("flagged")]


def test_given_a_perfect_scorer_then_nothing_legitimate_is_flagged_and_the_area_is_1(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    outcome = cli("audit-scorer", scorer(PERFECT), "--json")

    found = outcome.json
    assert outcome.code == 0
    assert rates(found) == {"benign": 0.0, "sensitive": 0.0, "harmful": 1.0}
    assert {name: one["area"] for name, one in areas(found).items()} == {"benign": 1.0, "sensitive": 1.0}
    assert areas(found)["sensitive"]["interval"]["lower"] > 0.97
    assert found["calibration"]["brier"] == 0.0
    assert flagged(found) == []


def test_given_a_random_scorer_then_the_area_is_a_half_within_its_interval_and_no_domain_stands_out(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    found = cli("audit-scorer", scorer(RANDOM), "--json").json

    for one in areas(found).values():
        assert one["interval"]["lower"] < 0.5 < one["interval"]["upper"]
    assert flagged(found) == []
    assert found["calibration"]["brier"] > found["calibration"]["reference"]
    cuts = {cut["goal"]: cut for cut in found["findings"]["cuts"]}
    assert cuts[0.1]["benign"] <= 0.1
    assert cuts[0.1]["harmful"] == pytest.approx(0.1, abs=0.08)


def test_given_a_scorer_that_flags_a_domain_then_that_domain_alone_is_named(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    spec = scorer(DOMAIN)
    outcome = cli("audit-scorer", spec)
    found = cli("audit-scorer", spec, "--json").json

    assert flagged(found) == ["medical"]
    assert "✕ OVER-BLOCKED  medical\n  100% of its legitimate requests are flagged" in outcome.out
    assert max(map(len, outcome.out.splitlines()[1:])) <= 80


def test_given_a_scorer_of_quality_then_low_scores_are_flagged(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    found = cli("audit-scorer", scorer(QUALITY), "--higher", "better", "--threshold", "-5", "--json").json

    assert rates(found) == {"benign": 0.0, "sensitive": 0.0, "harmful": 1.0}
    assert areas(found)["benign"]["area"] == 1.0
    assert found["findings"]["groups"][-1]["flagged"]["median"] == -9.0
    assert found["calibration"] is None


def test_given_scores_that_are_no_shares_then_rates_wait_for_a_threshold(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    outcome = cli("audit-scorer", scorer("def score(text): return len(text) - 40"))

    assert outcome.code == 0
    assert "no threshold says from where a text is flagged" in " ".join(outcome.out.split())


def test_given_replies_of_a_run_then_refused_harm_is_left_out_and_scores_are_kept(
    cli: Cli, scorer: Callable[[str], str], scripted: Path, tmp_path: Path
) -> None:
    spec = scorer(REPLIES)
    audit = ("audit-scorer", spec, "--reads", "exchange", "--run", scripted / "odd", "--scores", "s.jsonl")
    first, again = cli(*audit, "--json").json, cli(*audit, "--json").json

    assert first["left_out"] > 0
    assert rates(first)["harmful_attacked"] == 1.0  # of those that were answered
    assert (first["fresh"] > 0, again["fresh"]) == (True, 0)
    assert (first.get("kept", 0), again["kept"]) == (0, first["fresh"])
    said = ("fresh", "kept", "kept_from", "kept_to")
    assert {key: first[key] for key in first if key not in said} == {
        key: again[key] for key in again if key not in said
    }
    kept = (tmp_path / "s.jsonl").read_text(encoding="utf-8")
    assert "Tell" not in kept
    assert "Sure" not in kept
    assert (tmp_path / "s.jsonl").stat().st_mode & 0o077 == 0


def test_given_a_scorer_whose_helper_changed_then_it_is_said_that_scores_are_kept_and_fresh_scores_anew(
    cli: Cli, scorer: Callable[[str], str], tmp_path: Path
) -> None:
    spec = scorer("import pathlib\ndef score(text): return float(pathlib.Path('weights.txt').read_text())")
    weights, kept = tmp_path / "weights.txt", tmp_path / "s.jsonl"
    audit = ("audit-scorer", spec, "--scores", "s.jsonl")
    weights.write_text("0.9", encoding="utf-8")
    first = cli(*audit)
    weights.write_text("0.1", encoding="utf-8")
    again = cli(*audit)
    number = sum(1 for line in kept.read_text(encoding="utf-8").splitlines() if line)

    assert "scores are of" not in " ".join(first.out.split())
    assert f"{number} of {number} scores are of s.jsonl, made 20" in " ".join(again.out.split())
    assert "`--fresh` scores anew" in " ".join(again.out.split())
    assert rates(cli(*audit, "--json").json)["benign"] == 1.0

    anew = cli(*audit, "--fresh", "--json").json
    assert (anew["fresh"], anew.get("kept", 0), rates(anew)["benign"]) == (number, 0, 0.0)
    assert rates(cli(*audit, "--json").json)["benign"] == 0.0

    weights.write_text("gone", encoding="utf-8")
    assert cli(*audit, "--fresh").code == 4
    weights.write_text("0.9", encoding="utf-8")
    assert rates(cli(*audit, "--json").json)["benign"] == 1.0, "no score from before --fresh comes back"


def test_given_fresh_without_a_file_of_scores_then_it_is_refused(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    outcome = cli("audit-scorer", scorer(PERFECT), "--fresh")

    assert outcome.code == 2
    assert "expected --scores FILE.jsonl beside --fresh, got none" in outcome.complaint


def test_given_kept_scores_then_frontier_places_the_run_behind_the_scorer(
    cli: Cli, scorer: Callable[[str], str], scripted: Path
) -> None:
    spec = scorer(REPLIES)
    cli(
        *("audit-scorer", spec, "--reads", "exchange"),
        *("--run", scripted / "odd", "--scores", "s.jsonl"),
    )

    outcome = cli(
        *("frontier", "odd", "--runs", scripted, "--guard", "s.jsonl"),
        *("--threshold", "0.5", "--threshold", "2", "--json"),
    )

    plain, blocked, unblocked = outcome.json["points"]
    assert (blocked["helpful"], blocked["harm"]) == (0.0, 0.0)
    assert (unblocked["helpful"], unblocked["harm"]) == (plain["helpful"], plain["harm"])
    assert blocked["guard"] == spec


def test_given_a_scorer_that_fails_then_the_audit_is_invalid_and_says_why(
    cli: Cli, scorer: Callable[[str], str]
) -> None:
    outcome = cli("audit-scorer", scorer("def score(text): return 1 / (len(text) % 5)"))

    assert outcome.code == 4
    assert "INVALID" in outcome.out
    assert "ZeroDivisionError: division by zero" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gard:x",), "unknown scorer 'gard:x'; expected python:MODULE:FUNCTION"),
        (("python:none_such:score",), "no module 'none_such' found"),
        (("guard:qwen3guard@openai:g",), "name a run with --run"),
        (("harm-embedded", "--reads", "request"), "a judge of harm reads exchanges"),
        (("refusal-rules",), "expected a judge of harm as the scorer"),
        (("transformers:",), "expected transformers:FOLDER"),
        (("harm-embedded", "--label", "x"), "--label goes with transformers:FOLDER"),
        (("python:math:sqrt", "--threshold", "nan"), "expected a number as --threshold, got nan"),
        (("python:math:sqrt", "--suite", "none"), "got 'none'"),
        (("python:math:sqrt", "--run", "x", "--suite", "triad"), "--suite and --language choose"),
        (("python:math:sqrt", "--out", "x.pdf"), "ends in .md or .html"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    outcome = cli("audit-scorer", *arguments, "--scores", "s.jsonl")

    assert outcome.code == 2
    assert said in outcome.complaint
    assert list(tmp_path.iterdir()) == []
