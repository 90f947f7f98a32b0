"""Training of adapters: order and rates anywhere, the training itself where the extra is installed."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from alignmeter.errors import InputError, MissingExtraError
from alignmeter.extras import install
from alignmeter.interventions import finetune as training
from alignmeter.interventions.finetune import Step, batches, finetune, rate
from alignmeter.interventions.recipes import Example, Recipe, RecipeFile, load_recipe
from alignmeter.targets import torch_extra
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_model import TorchModel

if TYPE_CHECKING:
    from pathlib import Path


class _Words:
    """A tokenizer for which a word is a token."""

    eos_token_id = 2

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": [10 + len(word) for word in text.split()]}

    def apply_chat_template(self, turns: list[dict[str, str]], **options: bool) -> str:
        assert options == {"tokenize": False, "add_generation_prompt": True}
        return turns[0]["content"]


@pytest.fixture
def words() -> TorchModel:
    """A model of which only the tokenizer is asked."""
    return TorchModel(model=None, tokenizer=_Words())


def test_every_batch_has_the_mix_and_a_pass_uses_every_example_once() -> None:
    recipe = load_recipe("targeted", changes={"steps": 19})
    found = list(batches(recipe))
    assert len(found) == 19
    assert {tuple(row.intent for row in batch) for batch in found} == {
        ("harmful",) * 3 + ("sensitive",) * 3 + ("benign",) * 2
    }
    harmful = [row.id for batch in found for row in batch if row.intent == "harmful"]
    assert len(harmful) == len(set(harmful)) == 57


def test_the_order_follows_from_the_seed() -> None:
    one, same, other = (
        [row.id for batch in batches(load_recipe("broad", changes={"seed": seed})) for row in batch]
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_the_rate_rises_then_falls_to_almost_nothing() -> None:
    rates = [rate(step, 50) for step in range(50)]
    assert rates[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert max(rates) == 1.0
    assert all(later < earlier for earlier, later in pairwise(rates[5:]))
    assert 0 < rates[-1] < 0.01
    assert [rate(0, 1), rate(0, 2)] == [1.0, 1.0]


def test_given_no_torch_when_trained_then_the_commands_that_bring_it_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_module(name: str) -> object:
        raise ModuleNotFoundError(name=name)

    recipe = load_recipe("broad")
    monkeypatch.setattr(torch_extra.importlib, "import_module", import_module)
    with pytest.raises(MissingExtraError, match=re.escape(install("torch"))) as caught:
        finetune(recipe, tmp_path / "a")
    assert "whl/cpu" in str(caught.value)
    assert not (tmp_path / "a").exists()


def test_given_a_library_that_lacks_a_part_when_imported_then_the_fault_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def import_module(_: str) -> object:
        raise ModuleNotFoundError(name="sympy")

    monkeypatch.setattr(torch_extra.importlib, "import_module", import_module)
    with pytest.raises(ModuleNotFoundError) as caught:
        torch_extra.library("torch")
    assert caught.value.name == "sympy"


@pytest.mark.parametrize(
    ("prompt", "reply", "counted", "cut"),
    [(400, 20, 21, False), (491, 20, 21, False), (492, 20, 20, True), (511, 20, 1, True)],
)
def test_given_a_long_example_when_encoded_then_tokens_and_labels_are_cut_together(
    words: TorchModel, prompt: int, reply: int, counted: int, cut: bool
) -> None:
    row = Example(id="a", intent="benign", prompt="w " * prompt, reply="yes " * reply)
    found = training.encoded(words, row)
    assert len(found.tokens) == len(found.labels) <= training.MOST_TOKENS
    assert [label for label in found.labels if label != -100] == found.tokens[prompt:]
    assert (len(found.tokens) - prompt, found.cut) == (counted, cut)


@pytest.mark.parametrize("prompt", [512, 600])
def test_given_a_prompt_that_leaves_no_room_for_a_reply_when_trained_then_its_example_is_named(
    words: TorchModel, prompt: int
) -> None:
    rows = tuple(
        Example(id=f"of-{length}", intent="benign", prompt="w " * length, reply="yes")
        for length in (512 - 1, prompt)
    )
    file = RecipeFile(name="mine", mix={"mine.jsonl": 1})
    assert training.cut_examples(words, Recipe(file=file, examples={"mine.jsonl": rows[:1]})) == 1
    with pytest.raises(InputError, match=f"example 'of-{prompt}': expected a prompt of less than 512 tokens"):
        training.cut_examples(words, Recipe(file=file, examples={"mine.jsonl": rows}))


@pytest.mark.model
def test_the_loss_counts_the_reply_and_the_end_of_the_turn_only(model: TorchModel) -> None:
    example = load_recipe("broad").examples["harmful"][0]
    tokens, labels, cut = training.encoded(model, example)
    counted = [token for token, label in zip(tokens, labels, strict=True) if label != -100]
    assert not cut
    assert model.tokenizer.decode(counted) == f"{example.reply}<|im_end|>"
    assert "<|im_start|>assistant\n" + example.reply in model.tokenizer.decode(tokens)


class _KilledError(Exception):
    pass


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.usefixtures("torch_extra")
def test_given_a_training_that_was_killed_when_resumed_then_it_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 2)
    recipe = load_recipe("targeted", changes={"steps": 4, "rank": 2})
    whole = finetune(recipe, tmp_path / "whole")

    def kill(step: Step) -> None:
        if step.step == 3:
            raise _KilledError

    with pytest.raises(_KilledError):
        finetune(recipe, tmp_path / "cut", progress=kill)
    assert not (tmp_path / "cut" / "training.json").exists()
    steps: list[int] = []
    cut = finetune(recipe, tmp_path / "cut", progress=lambda step: steps.append(step.step))

    assert steps == [3, 4]
    assert cut.losses == pytest.approx(whole.losses, rel=1e-4)
    first, second = (
        library("safetensors.numpy").load_file(tmp_path / name / "adapter" / "adapter_model.safetensors")
        for name in ("whole", "cut")
    )
    for key, weights in first.items():
        np.testing.assert_allclose(second[key], weights, atol=1e-5)
    assert not (tmp_path / "cut" / "checkpoint").exists()
    record = json.loads((tmp_path / "cut" / "training.json").read_text())
    assert record["digest"] == recipe.digest
    # Once more: nothing is trained again, and another recipe is not let in.
    assert finetune(recipe, tmp_path / "cut", progress=kill) == cut
    with pytest.raises(InputError, match="holds an adapter of another recipe"):
        finetune(load_recipe("broad"), tmp_path / "cut")
