"""A chat model in PyTorch: loaded from a folder or a GGUF file, asked in batches.

The target `transformers:`, the training of adapters and steering share it. A GGUF file is converted
once into a folder of the cache, because reading it takes transformers the better part of a minute.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from alignmeter.errors import InputError, StorageError
from alignmeter.identity import digest
from alignmeter.records import Message
from alignmeter.targets.embedded import cache_folder, find_model, weights_digest
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_files import pretrained, quiet, reading, with_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignmeter.records import Sampling

_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"
_DIGITS = 16
_CONVERTING = "converting-"
_ABANDONED = 3600.0
"""Seconds after which a conversion is not under way any more; it takes a minute."""


class Generated(NamedTuple):
    """One reply, and what it took.

    Attributes:
        ended: Whether the model ended its turn, as opposed to being cut at `max_tokens`.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    ended: bool


class TorchModel(NamedTuple):
    """A model with its tokenizer, in evaluation mode, on the processor."""

    model: Any
    tokenizer: Any

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and reply may have together."""
        return int(self.model.config.max_position_embeddings)

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of a conversation in the model's chat template, up to where the reply begins."""
        text: str = self.tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            tokenize=False,
            add_generation_prompt=True,
        )
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def padded(self, prompts: Sequence[list[int]]) -> dict[str, Any]:
        """Tensors of a batch, shape (prompts, longest prompt), padded on the left."""
        torch = library("torch")
        width = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        return {
            "input_ids": torch.tensor([[pad] * (width - len(p)) + p for p in prompts]),
            "attention_mask": torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts]),
        }

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int] | None = None
    ) -> list[Generated]:
        """Answer a batch of prompts, as tokens.

        Args:
            prompts: One list of token ids a conversation.
            sampling: Temperature 0 is greedy.
            seeds: One a prompt, for temperatures above 0: a reply depends on its own seed and not on
                what else is in the batch.
        """
        transformers, torch = library("transformers"), library("torch")
        inputs = self.padded(prompts)
        width = inputs["input_ids"].shape[1]
        processors = transformers.LogitsProcessorList()
        if sampling.temperature > 0:
            processors.append(_gumbel(sampling, seeds or [sampling.seed or 0] * len(prompts)))
        with torch.inference_mode():
            output = self.model.generate(
                **inputs,
                max_new_tokens=sampling.max_tokens,
                do_sample=False,
                logits_processor=processors,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        ends = _end_tokens(self.model)
        return [
            self._generated(row[width:].tolist(), len(prompt), ends)
            for row, prompt in zip(output, prompts, strict=True)
        ]

    def _generated(self, tokens: list[int], prompt_tokens: int, ends: frozenset[int]) -> Generated:
        stop = next((at for at, token in enumerate(tokens) if token in ends), None)
        kept = tokens if stop is None else tokens[:stop]
        text: str = self.tokenizer.decode(kept, skip_special_tokens=True)
        return Generated(
            text=text.strip(),
            prompt_tokens=prompt_tokens,
            completion_tokens=len(kept) + (stop is not None),
            ended=stop is not None,
        )


def _end_tokens(model: Any) -> frozenset[int]:  # noqa: ANN401 - a transformers model
    end: Any = model.generation_config.eos_token_id
    return frozenset([end] if isinstance(end, int) else end)


def _gumbel(sampling: Sampling, seeds: Sequence[int]) -> Any:  # noqa: ANN401 - called by transformers
    """Turn greedy decoding into sampling: the largest of logits plus Gumbel noise is a draw.

    Each row has a generator of its own, so that its draws do not depend on its batch.
    """
    torch = library("torch")
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def process(_: Any, scores: Any) -> Any:  # noqa: ANN401 - tensors
        scores = scores.float() / sampling.temperature
        if sampling.top_p < 1:
            ordered, places = scores.sort(dim=-1, descending=True)
            shares = ordered.softmax(dim=-1)
            outside = shares.cumsum(dim=-1) - shares >= sampling.top_p
            scores = scores.scatter(-1, places, ordered.masked_fill(outside, -torch.inf))
        draws = torch.stack([torch.rand(scores.shape[-1], generator=own) for own in generators])
        return scores - torch.log(-torch.log(draws.clamp(1e-20, 1 - 1e-7)))

    return process


def load_model(path: Path | None = None, *, adapter: Path | None = None) -> TorchModel:
    """Load a chat model in 32-bit floats.

    Args:
        path: A folder in the format of transformers, a `.gguf` file, or None for the embedded model.
        adapter: A folder with a LoRA adapter that peft wrote.

    Raises:
        InputError: The path holds no whole model with a chat template, or no adapter of it.
        MissingExtraError: The extra `torch` is not installed.
    """
    transformers = library("transformers")
    source = model_source(path)
    folder = _converted(source) if source.suffix == ".gguf" else source
    where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
    with quiet(), reading(source, "a causal language model that transformers can load"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
        model = pretrained(
            source, transformers.AutoModelForCausalLM, {**where, "dtype": library("torch").float32}
        )
    if not tokenizer.chat_template:
        raise InputError(f"{str(source)!r}: expected a chat model, got one without a chat template")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    loaded = TorchModel(model.eval(), tokenizer)
    with reading(source, "a chat template that takes a question"):
        loaded.prompt_tokens([Message(role="user", content="?")])
    if adapter is None:
        return loaded
    return loaded._replace(model=with_adapter(model, adapter_folder(adapter)).eval())


def model_source(path: Path | None) -> Path:
    """Return the file or folder that holds the model.

    Raises:
        InputError: There is none.
    """
    if path is None or path.suffix == ".gguf":
        return find_model(path)
    if (path / "config.json").is_file():
        return path.resolve()
    raise InputError(
        f"{str(path)!r}: expected a folder with config.json as transformers writes it, or a .gguf file"
    )


def adapter_folder(path: Path) -> Path:
    """Return the folder of a peft adapter: the one given, or `adapter` in it, as `lab finetune` writes it.

    Raises:
        InputError: It holds no adapter.
    """
    for folder in (path, path / "adapter"):
        if all((folder / name).is_file() for name in (_ADAPTER_CONFIG, _ADAPTER_WEIGHTS)):
            return folder.resolve()
    raise InputError(
        f"{str(path)!r}: expected a folder with {_ADAPTER_CONFIG} and {_ADAPTER_WEIGHTS} as peft writes it; "
        f"llama.cpp's .gguf adapters go with the target embedded"
    )


def adapter_digest(path: Path) -> str:
    """Digest of an adapter's weights and of the settings that scale them."""
    folder = adapter_folder(path)
    try:
        settings: dict[str, Any] = json.loads((folder / _ADAPTER_CONFIG).read_bytes())
    except ValueError as error:
        raise InputError(f"{str(folder / _ADAPTER_CONFIG)!r}: expected JSON, got: {error}") from None
    settings.pop("base_model_name_or_path", None)  # where the base lay on the machine that trained it
    return digest({"settings": settings, "weights": weights_digest(folder / _ADAPTER_WEIGHTS)})


def source_digest(path: Path | None) -> str:
    """Digest of the weights: of the GGUF file, or of the files of a folder that decide what it says."""
    source = model_source(path)
    if source.suffix == ".gguf":
        return weights_digest(source)
    kept = (".safetensors", ".bin", ".json", ".jinja", ".model", ".txt")
    files = sorted(file for file in source.iterdir() if file.suffix in kept)
    return digest({file.name: weights_digest(file) for file in files})


def _converted(source: Path) -> Path:
    """Return the folder that holds a GGUF file's weights in 32 bits; makes it where there is none."""
    folder = cache_folder() / "transformers" / weights_digest(source)[:_DIGITS]
    if folder.is_dir():
        return folder
    library("gguf")  # transformers would name it late, in a traceback
    transformers = library("transformers")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        work = Path(tempfile.mkdtemp(prefix=_CONVERTING, dir=folder.parent))
    except OSError as error:
        raise StorageError(
            f"cannot write {str(folder)!r}: {error.strerror}; set XDG_CACHE_HOME to a folder with 1 GB free"
        ) from None
    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    try:
        with quiet(), reading(source, "a GGUF model that transformers can convert"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
            model = pretrained(source, transformers.AutoModelForCausalLM, where)
        _forget_quantisation(model)
        _save(folder, work, model, tokenizer)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _save(folder: Path, work: Path, model: Any, tokenizer: Any) -> None:  # noqa: ANN401 - of transformers
    """Write model and tokenizer into `work`, then put it in the place of `folder`."""
    try:
        with quiet():
            model.save_pretrained(work)
            tokenizer.save_pretrained(work)
        os.replace(work, folder)  # noqa: PTH105 - atomic
    except Exception as error:  # a full disk is an OSError or one of safetensors' own
        if folder.is_dir():  # another process was faster
            return
        reason = " ".join(str(error).split())[:200]
        raise StorageError(
            f"cannot write {str(folder)!r}: {reason}; set XDG_CACHE_HOME to a folder with 1 GB free"
        ) from None


def _remove_abandoned(folder: Path) -> None:
    """Remove what a conversion left that was killed: half a gigabyte each. One that is under way is young."""
    for left in folder.glob(f"{_CONVERTING}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def _forget_quantisation(model: Any) -> None:  # noqa: ANN401 - a transformers model
    """Clear the marks of the GGUF file: the weights are plain floats now, and would not be saved."""
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model, "quantization_method"):
        model.quantization_method = None
