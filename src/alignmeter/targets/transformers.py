"""`transformers:FOLDER`: a chat model in PyTorch on this machine, with or without a peft adapter.

Slower than the embedded target and asked in batches; for models and adapters that exist in the format
of transformers only. The two engines round differently, so that near-ties between tokens fall
differently: never compare an arm of one with an arm of the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from alignmeter.errors import TargetUnavailableError
from alignmeter.records import CallError, Message, Sampling, TargetFingerprint, Usage
from alignmeter.targets.base import Reply, refused_images
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_model import (
    Generated,
    TorchModel,
    adapter_digest,
    load_model,
    model_source,
    source_digest,
)
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from alignmeter.targets.base import Request

BATCH = 8
"""Conversations decoded together; measured on two cores: four times the tokens of one at a time."""
_GATHERING = 0.02
"""Seconds in which a batch fills up after its first request."""


class _Waiting(NamedTuple):
    """A request that waits for its batch."""

    prompt: list[int]
    sampling: Sampling
    seed: int
    answer: asyncio.Future[Generated]


class Transformers:
    """A local chat model through transformers; `async with` loads it.

    Args:
        path: Folder or `.gguf` file; None for the embedded model.
        adapter: Folder of a peft adapter.
        batch: Conversations decoded together at most.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        adapter: Path | None = None,
        variant: Variant | None = None,
        sampling: Sampling | None = None,
        batch: int = BATCH,
    ) -> None:
        for needed in ("torch", "transformers"):
            library(needed)
        self.spec = "transformers" if path is None else f"transformers:{path}"
        self.url: str | None = None
        self.max_concurrency: int | None = 2 * batch
        self._path = path
        self._adapter = adapter
        self._variant = variant or Variant()
        self._batch = batch
        self._model: TorchModel | None = None
        self._waiting: asyncio.Queue[_Waiting] | None = None
        self._loop: asyncio.Task[None] | None = None
        # One thread: PyTorch itself uses every core, and the event loop goes on meanwhile.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="transformers")
        self.fingerprint = TargetFingerprint(
            kind="transformers",
            model=model_source(path).stem,
            sampling=sampling or Sampling(),
            weights=source_digest(path),
            adapter=None if adapter is None else adapter_digest(adapter),
            system_prompt=self._variant.system_prompt_digest,
            few_shot=self._variant.few_shot_digest,
            runtime=_runtime(),
        )

    async def generate(self, request: Request) -> Reply | CallError:
        """Answer one request; see `Target.generate`."""
        model, queue = self._model, self._waiting
        if model is None or queue is None:
            raise TargetUnavailableError("the target is used before it is opened; use `async with`")
        if (fault := self._refused(request)) is not None:
            return fault
        prompt = model.prompt_tokens(self._variant.apply(request.messages))
        sampling = request.sampling
        if len(prompt) + sampling.max_tokens > model.context_tokens:
            return CallError(
                kind="context_overflow",
                message=f"{len(prompt)} tokens of prompt and {sampling.max_tokens} of reply do not fit into "
                f"{model.context_tokens}",
            )
        waiting = _Waiting(
            prompt, sampling, _row_seed(sampling, prompt), asyncio.get_running_loop().create_future()
        )
        await queue.put(waiting)
        try:
            made = await waiting.answer
        except (RuntimeError, ValueError, IndexError, MemoryError) as error:
            text = " ".join(str(error).split())[:200]
            return CallError(kind="target_exception", message=f"{self.spec}: {type(error).__name__}: {text}")
        return Reply(
            message=Message(role="assistant", content=made.text),
            finish_reason="stop" if made.ended else "length",
            usage=Usage(prompt_tokens=made.prompt_tokens, completion_tokens=made.completion_tokens),
        )

    def _refused(self, request: Request) -> CallError | None:
        """Say what this target cannot do, rather than to leave it out in silence."""
        if request.tools or request.constraint is not None:
            what = "tools" if request.tools else "a schema for the reply"
            return CallError(kind="bad_request", message=f"{self.spec} writes plain text only, got {what}")
        return refused_images(self.spec, request)

    async def __aenter__(self) -> Self:
        """Load the weights: a second, and about a minute the first time that a GGUF file is used."""
        loop = asyncio.get_running_loop()
        model = await loop.run_in_executor(
            self._worker, lambda: load_model(self._path, adapter=self._adapter)
        )
        self._model, self._waiting = model, asyncio.Queue()
        self._loop = loop.create_task(self._serve(model, self._waiting))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the batches and free the weights."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None
        self._model = self._waiting = None

    async def _serve(self, model: TorchModel, queue: asyncio.Queue[_Waiting]) -> None:
        """Take batches from the queue until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await queue.get()]
            await asyncio.sleep(_GATHERING)
            while len(batch) < self._batch and not queue.empty():
                batch.append(queue.get_nowait())
            for alike in _by_sampling(batch):
                await loop.run_in_executor(self._worker, _settle, model, alike, loop)


def _settle(model: TorchModel, batch: list[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
    """Answer a batch in the worker's thread; a fault goes to all who wait for it."""
    wanted = [one for one in batch if not one.answer.cancelled()]
    if not wanted:
        return
    try:
        made = model.generate(
            [one.prompt for one in wanted], wanted[0].sampling, [one.seed for one in wanted]
        )
    except Exception as error:  # whatever PyTorch raises is data of these trials
        fault = error if isinstance(error, RuntimeError | ValueError) else RuntimeError(repr(error))
        for one in wanted:
            loop.call_soon_threadsafe(_fail, one.answer, fault)
        return
    for one, generated in zip(wanted, made, strict=True):
        loop.call_soon_threadsafe(_succeed, one.answer, generated)


def _succeed(answer: asyncio.Future[Generated], generated: Generated) -> None:
    if not answer.done():
        answer.set_result(generated)


def _fail(answer: asyncio.Future[Generated], fault: Exception) -> None:
    if not answer.done():
        answer.set_exception(fault)


def _by_sampling(batch: list[_Waiting]) -> list[list[_Waiting]]:
    groups: dict[bytes, list[_Waiting]] = {}
    for one in batch:
        groups.setdefault(msgspec.json.encode(one.sampling), []).append(one)
    return list(groups.values())


def _row_seed(sampling: Sampling, prompt: list[int]) -> int:
    """A seed of the conversation's own, so that trials do not share their draws."""
    name = f"{sampling.seed or 0} {prompt}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:7], "big")


def _runtime() -> str:
    versions = (f"{name} {importlib.metadata.version(name)}" for name in ("transformers", "torch"))
    return ", ".join(versions)
