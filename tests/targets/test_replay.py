"""`replay:` targets: what a run recorded, under the name of who said it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from alignmeter.errors import InputError, RunFolderError
from alignmeter.identity import design_hash
from alignmeter.records import (
    SCHEMA_VERSION,
    CallError,
    CallErrorKind,
    Design,
    Message,
    RunManifest,
    Sampling,
    TargetFingerprint,
    TargetRecord,
    TokenLogprob,
    Transcript,
    Usage,
)
from alignmeter.store import Answered, RunFolder
from alignmeter.targets import TargetOptions, resolve_target
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from pathlib import Path

_SAID = Transcript(
    trial="said",
    reply=Message(role="assistant", content="No."),
    finish_reason="refusal",
    hard_refusal="policy",
    usage=Usage(prompt_tokens=9, completion_tokens=2),
    model_reported="m-2",
    logprobs=(TokenLogprob("No", logprob=-0.1, top={"Yes": -2.4}),),
)
_KINDS: tuple[CallErrorKind, ...] = get_args(CallErrorKind)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A run with one reply, and one error of each kind."""
    design = Design(mode="fixed", alpha=0.05, seed=1, unscored_budget=0.02, claims=(), trials="", n_trials=0)
    fingerprint = TargetFingerprint(kind="embedded", model="small", sampling=Sampling(max_tokens=7))
    target = TargetRecord(
        spec="embedded", name="small", fingerprint=fingerprint, fingerprint_hash="f", url="http://h/v1"
    )
    manifest = RunManifest(
        schema_version=SCHEMA_VERSION, run_id="r", created_at=0, target=target, threat_model={},
        threat_model_hash="", threat_model_source="", suites={}, judges={}, design=design,
        design_hash=design_hash(design), packages={}, alignmeter_version="0",
    )  # fmt: skip
    journal = RunFolder.create(tmp_path / "run", manifest).journal()
    journal.append(Answered(transcript=_SAID))
    for kind in _KINDS:
        error = CallError(kind=kind, message=f"a {kind}", retry_after=60.0)
        journal.append(Answered(transcript=Transcript(trial=kind, error=error)))
    journal.close()
    return tmp_path / "run"


async def _ask(run: Path, trial: str) -> Reply | CallError:
    async with resolve_target(f"replay:{run}") as target:
        return await target.generate(Request(messages=(), sampling=Sampling(), trial=trial))


async def test_given_a_recorded_reply_when_replayed_then_everything_that_was_said_comes_back(
    recorded: Path,
) -> None:
    assert _SAID.reply is not None
    assert await _ask(recorded, "said") == Reply(
        message=_SAID.reply,
        finish_reason="refusal",
        hard_refusal="policy",
        usage=_SAID.usage,
        model_reported="m-2",
        logprobs=_SAID.logprobs,
    )


async def test_given_a_trial_that_was_not_recorded_when_replayed_then_it_is_an_error_not_a_reply(
    recorded: Path,
) -> None:
    error = await _ask(recorded, "never asked")
    assert isinstance(error, CallError)
    assert (error.kind, "holds no reply to trial never asked" in error.message) == ("not_recorded", True)


@pytest.mark.parametrize("kind", _KINDS)
async def test_given_a_recorded_error_when_replayed_then_it_is_an_error_that_is_neither_retried_nor_fatal(
    recorded: Path, kind: CallErrorKind
) -> None:
    error = await _ask(recorded, kind)
    assert isinstance(error, CallError)
    assert not error.retryable
    assert not error.fatal
    assert f"a {kind}" in error.message


def test_given_a_replayed_run_when_fingerprinted_then_it_is_the_original_system(recorded: Path) -> None:
    target = resolve_target(f"replay:{recorded}", TargetOptions(sampling=Sampling(max_tokens=500)))
    assert target.fingerprint == RunFolder.open(recorded).manifest.target.fingerprint
    assert target.url == "http://h/v1"
    assert target.max_concurrency is None


def test_given_a_variant_of_its_own_when_replayed_then_it_is_refused_but_a_name_is_not(
    recorded: Path,
) -> None:
    with pytest.raises(InputError, match="`system_prompt=` goes with the targets"):
        resolve_target(f"replay:{recorded}", TargetOptions(variant=Variant(system_prompt="Be safe.")))
    assert resolve_target(f"replay:{recorded}", TargetOptions(variant=Variant(name="again")))


def test_given_a_folder_that_is_no_run_when_replayed_then_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no run folder"):
        resolve_target(f"replay:{tmp_path}")
