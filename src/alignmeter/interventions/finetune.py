"""Fine-tuning with a LoRA adapter: small, seeded, resumable after a kill.

The loss counts the tokens of the reply only. The order of the examples follows from the recipe's seed,
and there is no dropout, so that a training that was killed and resumed ends with the same weights.
Reference: Hu et al. 2021, "LoRA" (arXiv 2106.09685).
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from alignmeter.errors import DivergedError, InputError, StorageError
from alignmeter.interventions.adapter_gguf import shape_of, write_adapter
from alignmeter.interventions.files import check_folder
from alignmeter.records import Message, Record
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_files import quiet, reading
from alignmeter.targets.torch_model import adapter_folder, load_model, model_source, source_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alignmeter.interventions.adapter_gguf import LlamaShape
    from alignmeter.interventions.recipes import Example, Recipe
    from alignmeter.targets.torch_model import TorchModel

TARGET_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers that get an adapter."""
CHECKPOINT_STEPS = 5
MOST_TOKENS = 512
"""Tokens of a prompt with its reply; of a longer one the end of the reply is cut."""

_ADAPTER, _CHECKPOINT, _RECORD, _GGUF = "adapter", "checkpoint", "training.json", "adapter.gguf"
_STATE = "state.pt"
_IGNORED = -100
"""Label of a token that the loss does not count, as PyTorch has it."""
_WARM_UP = 0.1
_CLIP = 1.0


class Training(Record, frozen=True):
    """What an adapter is made of and how its training went: `training.json`.

    Attributes:
        recipe: Name of the recipe; `digest` is that of its settings and examples.
        base: Digest of the weights that were tuned.
        losses: Mean loss of each step's batch, in nats a token.
        cut: Examples of the recipe whose replies were cut, being longer than `MOST_TOKENS` with the prompt.
        adapter: Folder of the adapter in peft's format.
        gguf: The same for llama.cpp, None where the base is no GGUF file.
    """

    recipe: str
    digest: str
    base: str
    steps: int
    batch_size: int
    rank: int
    seed: int
    losses: tuple[float, ...]
    packages: dict[str, str]
    adapter: str = ""
    gguf: str | None = None
    cut: int = 0


class Step(NamedTuple):
    """What a step tells who watches."""

    step: int
    steps: int
    loss: float


def finetune(
    recipe: Recipe,
    out: Path,
    *,
    base: Path | None = None,
    progress: Callable[[Step], None] | None = None,
) -> Training:
    """Train an adapter, or go on with one that was interrupted.

    Args:
        recipe: What to learn from.
        out: Folder for `adapter/`, `adapter.gguf` and `training.json`; a checkpoint lies there meanwhile.
        base: Folder or `.gguf` file of the model; None for the embedded model.
        progress: Called after every step.

    Returns:
        The record of the training; that of the folder where it is finished already.

    Raises:
        InputError: `out` is a file or holds the training of another recipe, the base is no model, or
            the prompt of an example leaves no room for its reply.
        MissingExtraError: The extra `torch` is not installed.
        StorageError: The folder cannot be written.
        DivergedError: The loss is no number any more.
    """
    for name in ("torch", "transformers", "peft", "gguf"):
        library(name)
    weights = source_digest(base)
    finished = _finished(out, recipe, weights)
    if finished is not None:
        return finished
    check_folder(out)
    source = model_source(base)
    shape = shape_of(source) if source.suffix == ".gguf" else None  # before the training, not after it
    model = load_model(base)
    cut = cut_examples(model, recipe)
    torch = library("torch")
    torch.manual_seed(recipe.file.seed)
    tuned = _with_adapter(model, recipe)
    work = _Work(out, recipe, weights, tuned, _optimiser(tuned, recipe))
    losses = work.resume()
    if not losses:
        work.checkpoint(losses)  # a folder that cannot be written costs no training
    tuned.train()
    for step, batch in enumerate(batches(recipe)):
        if step < len(losses):
            continue
        for group in work.optimiser.param_groups:
            group["lr"] = recipe.file.learning_rate * rate(step, recipe.file.steps)
        loss = _loss(tuned, model, batch)
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(tuned.parameters(), _CLIP))
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1] + norm):
            raise DivergedError(
                f"step {step + 1}: the loss or its gradient is no finite number, so that nothing can be "
                f"learnt; give a lower `learning_rate=` and another `out=`"
            )
        work.optimiser.step()
        work.optimiser.zero_grad()
        if (step + 1) % CHECKPOINT_STEPS == 0 and step + 1 < recipe.file.steps:
            work.checkpoint(losses)
        if progress is not None:
            progress(Step(step + 1, recipe.file.steps, losses[-1]))
    return work.finish(losses, shape, cut)


def batches(recipe: Recipe) -> Iterator[tuple[Example, ...]]:
    """Yield the batch of each step: the recipe's mix, each source in a new order on every pass."""
    order = {
        source: _endless(rows, np.random.default_rng([recipe.file.seed, number]))
        for number, (source, rows) in enumerate(recipe.examples.items())
    }
    for _ in range(recipe.file.steps):
        yield tuple(next(order[source]) for source, count in recipe.file.mix.items() for _ in range(count))


def _endless(rows: tuple[Example, ...], rng: np.random.Generator) -> Iterator[Example]:
    while True:
        for index in rng.permutation(len(rows)):
            yield rows[index]


def rate(step: int, steps: int) -> float:
    """Share of the highest learning rate at a step: a linear rise, then half a cosine down to zero."""
    rise = max(1, round(_WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + float(np.cos(np.pi * (step - rise) / max(1, steps - rise))))


def _with_adapter(model: TorchModel, recipe: Recipe) -> Any:  # noqa: ANN401 - a peft model
    peft = library("peft")
    config = peft.LoraConfig(
        r=recipe.file.rank,
        lora_alpha=recipe.file.alpha,
        lora_dropout=0.0,
        target_modules=list(TARGET_MODULES),
        task_type="CAUSAL_LM",
    )
    try:
        with quiet():
            return peft.get_peft_model(model.model, config)
    except ValueError as error:
        raise InputError(
            f"the base model has none of the layers {', '.join(TARGET_MODULES)}: {str(error)[:120]}"
        ) from None


def cut_examples(model: TorchModel, recipe: Recipe) -> int:
    """Count the examples of which `encoded` cuts the end.

    Raises:
        InputError: The prompt of an example leaves no room for its reply.
    """
    return sum(encoded(model, row).cut for rows in recipe.examples.values() for row in rows)


class Encoded(NamedTuple):
    """A conversation as tokens, and as many labels: those of the prompt do not count.

    Attributes:
        cut: Whether the end of the reply is left out.
    """

    tokens: list[int]
    labels: list[int]
    cut: bool


def encoded(model: TorchModel, example: Example) -> Encoded:
    """Encode an example as at most `MOST_TOKENS` tokens.

    Raises:
        InputError: Its prompt leaves no room for its reply.
    """
    prompt = model.prompt_tokens([Message(role="user", content=example.prompt)])
    if len(prompt) >= MOST_TOKENS:
        raise InputError(
            f"example {example.id!r}: expected a prompt of less than {MOST_TOKENS} tokens, so that its "
            f"reply can be learnt, got {len(prompt)}; shorten it or leave it out"
        )
    reply: list[int] = model.tokenizer(example.reply, add_special_tokens=False)["input_ids"]
    whole = [*prompt, *reply, model.tokenizer.eos_token_id]
    tokens = whole[:MOST_TOKENS]
    return Encoded(tokens, [_IGNORED] * len(prompt) + tokens[len(prompt) :], len(whole) > MOST_TOKENS)


def _loss(tuned: Any, model: TorchModel, batch: tuple[Example, ...]) -> Any:  # noqa: ANN401 - a tensor
    torch = library("torch")
    rows = [encoded(model, example) for example in batch]
    width = max(len(row.tokens) for row in rows)
    pad = model.tokenizer.pad_token_id

    def tensor(lists: list[list[int]], filler: int) -> Any:  # noqa: ANN401 - a tensor
        return torch.tensor([one + [filler] * (width - len(one)) for one in lists])

    return tuned(
        input_ids=tensor([row.tokens for row in rows], pad),
        attention_mask=tensor([[1] * len(row.tokens) for row in rows], 0),
        labels=tensor([row.labels for row in rows], _IGNORED),
    ).loss


def _identity(recipe: Recipe, weights: str) -> dict[str, str]:
    return {"digest": recipe.digest, "base": weights}


def _finished(out: Path, recipe: Recipe, weights: str) -> Training | None:
    """Return the record of a finished training, None where there is none.

    Raises:
        InputError: It is of another recipe or another model, or its adapter is gone.
    """
    path = out / _RECORD
    if not path.is_file():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Training)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{str(path)!r} is no record of a training ({error}); give another `out=`") from None
    _same(out, {"digest": found.digest, "base": found.base}, _identity(recipe, weights))
    adapter, gguf = out / _ADAPTER, out / _GGUF
    adapter_folder(adapter)
    if found.gguf is not None and not gguf.is_file():
        raise InputError(f"{str(gguf)!r} is gone; `alignmeter lab convert {adapter}` writes it again")
    # Where the folder lies now: it may have been moved since.
    return msgspec.structs.replace(
        found, adapter=str(adapter), gguf=None if found.gguf is None else str(gguf)
    )


def _same(out: Path, found: dict[str, str], wanted: dict[str, str]) -> None:
    if found != wanted:
        what = "recipe" if found["base"] == wanted["base"] else "base model"
        raise InputError(f"{str(out)!r} holds an adapter of another {what}; give another `out=` or remove it")


def _optimiser(tuned: Any, recipe: Recipe) -> Any:  # noqa: ANN401 - a peft model, an optimiser
    trained = [weight for weight in tuned.parameters() if weight.requires_grad]
    return library("torch").optim.AdamW(trained, lr=recipe.file.learning_rate)


class _Work(NamedTuple):
    """A training under way: what it is of, and what a checkpoint has to hold."""

    out: Path
    recipe: Recipe
    weights: str
    tuned: Any
    optimiser: Any

    def resume(self) -> list[float]:
        """Load the checkpoint, if any, into adapter and optimiser; returns the losses up to there."""
        path = self.out / _CHECKPOINT / _STATE
        if not path.is_file():
            return []
        with reading(path, f"a whole checkpoint (remove {str(path)!r} to begin anew)"):
            state: Any = library("torch").load(path, weights_only=True)
            _same(self.out, state["identity"], _identity(self.recipe, self.weights))
            library("peft").set_peft_model_state_dict(self.tuned, state["adapter"])
            self.optimiser.load_state_dict(state["optimiser"])
            return list(state["losses"])

    def checkpoint(self, losses: list[float]) -> None:
        """Write a checkpoint beside the old one, then put it in its place: a kill leaves one of the two."""
        folder = self.out / _CHECKPOINT
        state = {
            "identity": _identity(self.recipe, self.weights),
            "adapter": library("peft").get_peft_model_state_dict(self.tuned),
            "optimiser": self.optimiser.state_dict(),
            "losses": losses,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            library("torch").save(state, folder / "new.pt")
            os.replace(folder / "new.pt", folder / _STATE)  # noqa: PTH105 - atomic
        except (OSError, RuntimeError) as error:
            raise StorageError(
                f"cannot write {str(folder)!r}: {error}; what was saved before is kept"
            ) from None

    def finish(self, losses: list[float], shape: LlamaShape | None, cut: int) -> Training:
        """Write adapter, GGUF and record, the record last: where it lies, everything else is whole."""
        gguf = None if shape is None else self.out / _GGUF
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            self._save_adapter()
            if shape is not None and gguf is not None:
                write_adapter(self.out / _ADAPTER, gguf, shape)
            training = self._record(losses, gguf, cut)
            work = self.out / f"{_RECORD}.new"
            work.write_bytes(msgspec.json.format(msgspec.json.encode(training), indent=2))
            os.replace(work, self.out / _RECORD)  # noqa: PTH105 - atomic
        except OSError as error:
            raise StorageError(f"cannot write into {str(self.out)!r}: {error.strerror or error}") from None
        shutil.rmtree(self.out / _CHECKPOINT, ignore_errors=True)
        return training

    def _save_adapter(self) -> None:
        # The base is known by its digest; a path of this machine would be of no use to anyone.
        for config in self.tuned.peft_config.values():
            config.base_model_name_or_path = None
        self.tuned.save_pretrained(self.out / _ADAPTER)
        (self.out / _ADAPTER / "README.md").unlink(missing_ok=True)  # peft's form of a model card, blank

    def _record(self, losses: list[float], gguf: Path | None, cut: int) -> Training:
        file = self.recipe.file
        return Training(
            recipe=file.name,
            **_identity(self.recipe, self.weights),
            steps=file.steps,
            batch_size=self.recipe.batch_size,
            rank=file.rank,
            seed=file.seed,
            losses=tuple(round(loss, 6) for loss in losses),
            packages={name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft")},
            adapter=str(self.out / _ADAPTER),
            gguf=None if gguf is None else str(gguf),
            cut=cut,
        )
