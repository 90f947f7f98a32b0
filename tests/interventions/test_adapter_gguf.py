"""From peft to llama.cpp: the order of rows anywhere, the logits where both engines are installed."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from alignmeter.errors import InputError
from alignmeter.interventions import adapter_gguf
from alignmeter.interventions.adapter_gguf import LlamaShape, interleaved, shape_of, write_adapter
from alignmeter.interventions.finetune import TARGET_MODULES
from alignmeter.records import Message
from alignmeter.targets.embedded import EmbeddedServer, find_model
from alignmeter.targets.torch_extra import library

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from alignmeter.targets.torch_model import TorchModel

PROMPTS = ("What is a lentil?", "Name three colours.", "Tell me how to bake bread.")
TOP = 20


def test_rows_of_a_head_are_interleaved_and_heads_stay_apart() -> None:
    rows = np.arange(12, dtype=np.float32)[:, None]  # two heads of six
    assert interleaved(rows, 2)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


def test_interleaving_makes_neighbours_of_what_transformers_rotates_together() -> None:
    """The definition: transformers rotates (i, i + d/2), llama.cpp (2i, 2i + 1); the result is the same."""
    rng = np.random.default_rng(1)
    width = 8
    vector = rng.standard_normal(width)
    angles = rng.standard_normal(width // 2)
    halves = np.concatenate(
        [
            vector[:4] * np.cos(angles) - vector[4:] * np.sin(angles),
            vector[4:] * np.cos(angles) + vector[:4] * np.sin(angles),
        ]
    )
    even, odd = interleaved(vector[:, None].astype(np.float32), 1)[:, 0].reshape(-1, 2).T
    pairs = np.stack(
        [even * np.cos(angles) - odd * np.sin(angles), odd * np.cos(angles) + even * np.sin(angles)], axis=1
    ).reshape(-1)
    # Sums of 32-bit numbers near 1; one of them nearly cancels, so that a relative bound would not do.
    np.testing.assert_allclose(
        pairs, interleaved(halves[:, None].astype(np.float32), 1)[:, 0], rtol=0, atol=1e-6
    )


@pytest.mark.usefixtures("torch_extra")
@pytest.mark.parametrize(
    "config",
    [
        {"peft_type": "LOHA", "r": 2, "lora_alpha": 2},
        {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "use_dora": True},
        {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "bias": "all"},
    ],
)
def test_given_an_adapter_that_is_no_plain_lora_when_converted_then_it_is_refused(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(InputError, match="expected a plain LoRA adapter"):
        write_adapter(tmp_path, tmp_path / "out.gguf", LlamaShape(1, 1, {}))
    assert not (tmp_path / "out.gguf").exists()


@pytest.mark.model
@pytest.mark.usefixtures("torch_extra")
@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs the extra `embedded`")
def test_given_an_adapter_when_converted_then_both_engines_say_the_same_and_only_interleaved(
    model: TorchModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits of transformers with the peft adapter against llama.cpp with the GGUF file.

    llama.cpp computes with 4-bit weights and 8-bit activations, transformers with the same weights in
    32 bits: they differ a little without any adapter, and may differ by about as much with one.
    """
    tuned = _strong_adapter(model)
    try:
        tuned.save_pretrained(folder := tmp_path / "adapter")
        with_adapter = _by_transformers(model)
    finally:
        tuned.unload()  # the fixture's model is shared
    plain = _by_transformers(model)
    shape = shape_of(find_model())
    assert (shape.queries, shape.keys, len(shape.widths)) == (9, 3, 7 * 30 + 1)
    right = write_adapter(folder, tmp_path / "right.gguf", shape)
    monkeypatch.setattr(adapter_gguf, "interleaved", lambda rows, _: rows)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    wrong = write_adapter(folder, tmp_path / "wrong.gguf", shape)

    noise = _gap(plain, _by_llama(None))
    converted = _gap(with_adapter, _by_llama(right))
    mistaken = _gap(with_adapter, _by_llama(wrong))
    effect = _gap(with_adapter, _by_llama(None))

    assert converted < 0.3
    assert converted < 3 * noise + 0.05
    assert mistaken > 3 * converted
    assert effect > 3 * converted


def _strong_adapter(model: TorchModel) -> Any:  # noqa: ANN401 - a peft model
    """Put large random weights into every layer of the model, queries and keys included."""
    peft, torch = library("peft"), library("torch")

    tuned: Any = peft.get_peft_model(
        model.model,
        peft.LoraConfig(r=4, lora_alpha=8, target_modules=list(TARGET_MODULES)),
    )
    generator: Any = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weights in tuned.named_parameters():
            if "lora_" not in name:
                continue
            size = weights.shape[1] ** -0.5  # of A; peft draws it anew each time
            if "lora_B" in name:
                size = 0.15 if "q_proj" in name or "k_proj" in name else 0.005
            weights.copy_(size * torch.randn(weights.shape, generator=generator))
    return tuned


def _by_transformers(model: TorchModel) -> list[NDArray[np.float64]]:
    """Log-probabilities of every first token of the reply, one array a prompt."""
    torch = library("torch")

    found: list[NDArray[np.float64]] = []
    for prompt in PROMPTS:
        tokens = model.prompt_tokens([Message(role="user", content=prompt)])
        with torch.no_grad():
            logits = model.model(**model.padded([tokens])).logits[0, -1]
        found.append(logits.double().log_softmax(-1).numpy())
    return found


def _by_llama(adapter: Path | None) -> list[dict[int, float]]:
    """Log-probabilities of the likeliest first tokens by token id, one map a prompt."""
    import aiohttp

    server = EmbeddedServer(find_model(), slots=1, context_tokens=256, adapter=adapter)
    url = server.start()

    async def ask() -> list[dict[int, float]]:
        found: list[dict[int, float]] = []
        headers = {"Authorization": f"Bearer {server.key}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            for prompt in PROMPTS:
                body = {
                    "messages": [{"role": "user", "content": prompt}],
                    "max_tokens": 1,
                    "logprobs": True,
                    "top_logprobs": TOP,
                    "temperature": 0,
                }
                async with session.post(f"{url}/chat/completions", json=body) as answer:
                    said = await answer.json()
                first = said["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
                found.append({one["id"]: one["logprob"] for one in first})
        return found

    try:
        return asyncio.run(ask())
    finally:
        server.stop()


def _gap(ours: list[NDArray[np.float64]], theirs: list[dict[int, float]]) -> float:
    """Root mean square difference of log-probabilities, weighted by llama.cpp's probabilities."""
    total = weight = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        for token, logprob in other.items():
            total += math.exp(logprob) * (mine[token] - logprob) ** 2
            weight += math.exp(logprob)
    return math.sqrt(total / weight)
