"""From a peft adapter to a LoRA file that llama.cpp loads.

llama.cpp keeps the rows of the query and key projections of Llama models in another order: where
transformers rotates the two halves of a head against each other, llama.cpp rotates neighbours. The
rows of B, which write into that space, have to be interleaved likewise. A file that forgets it loads
without complaint and computes something else.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from alignmeter.errors import InputError, StorageError
from alignmeter.targets.torch_extra import library
from alignmeter.targets.torch_files import reading
from alignmeter.targets.torch_model import adapter_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Weights = NDArray[np.float32]

ARCHITECTURE = "llama"

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_KEY = re.compile(r"^base_model\.model\.model\.layers\.(\d+)\.([a-z_.]+)\.lora_([AB])\.weight$")


class LlamaShape(NamedTuple):
    """What an adapter has to fit.

    Attributes:
        queries, keys: Attention heads of queries, and of keys and values.
        widths: Input and output width of each matrix by its name in the GGUF file.
    """

    queries: int
    keys: int
    widths: Mapping[str, tuple[int, int]]


def shape_of(base: Path) -> LlamaShape:
    """Read heads and widths from a GGUF model.

    Raises:
        InputError: It is no model of the Llama architecture.
        MissingExtraError: The extra `torch` is not installed.
    """
    gguf = library("gguf")
    with reading(base, "a GGUF model"):
        reader: Any = gguf.GGUFReader(str(base))
        architecture = reader.fields["general.architecture"].contents()
    if architecture != ARCHITECTURE:
        raise InputError(
            f"{str(base)!r}: expected a model of the architecture {ARCHITECTURE!r}, got {architecture!r}; "
            f"llama.cpp's own convert_lora_to_gguf.py knows others"
        )
    with reading(base, "a GGUF model with its number of attention heads"):
        queries = int(reader.fields[f"{architecture}.attention.head_count"].contents())
        keys = reader.fields.get(f"{architecture}.attention.head_count_kv")
        widths = {
            str(one.name): (int(one.shape[0]), int(one.shape[1]))
            for one in reader.tensors
            if len(one.shape) == 2  # noqa: PLR2004 - a matrix
        }
        return LlamaShape(queries, queries if keys is None else int(keys.contents()), widths)


def interleaved(rows: Weights, heads: int) -> Weights:
    """Bring the rows of a projection, shape (heads * d, r), from transformers' order into llama.cpp's."""
    width = rows.shape[0] // heads
    return rows.reshape(heads, 2, width // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def write_adapter(adapter: Path, out: Path, base: LlamaShape) -> Path:
    """Write a peft LoRA adapter as a GGUF file.

    Args:
        adapter: Folder of the adapter.
        out: The `.gguf` file.
        base: Shape of the model that it belongs to.

    Returns:
        `out`.

    Raises:
        InputError: The adapter has parts that the format cannot hold, or is one of another model.
        StorageError: The file cannot be written.
    """
    gguf = library("gguf")
    folder = adapter_folder(adapter)
    with reading(folder, "a LoRA adapter as peft writes it"):
        config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        alpha = _alpha(config, folder)
        tensors = dict(_tensors(folder, base))
    work = out.with_name(f"{out.name}.new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        writer = gguf.GGUFWriter(str(work), ARCHITECTURE)
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        for name in sorted(tensors):
            writer.add_tensor(name, tensors[name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        os.replace(work, out)  # noqa: PTH105 - atomic
    except OSError as error:
        raise StorageError(f"cannot write {str(out)!r}: {error.strerror or error}; name another") from None
    return out


def _alpha(config: dict[str, Any], folder: Path) -> float:
    """Return llama.cpp's alpha, which it divides by the rank.

    Raises:
        InputError: The adapter is no plain LoRA.
    """
    odd = [key for key in ("use_dora", "rank_pattern", "alpha_pattern", "modules_to_save") if config.get(key)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none" or odd:
        raise InputError(
            f"{str(folder)!r}: expected a plain LoRA adapter, got {config.get('peft_type')!r}"
            + (f" with {', '.join(odd)}" if odd else "")
        )
    alpha, rank = float(config["lora_alpha"]), int(config["r"])
    return alpha * rank**0.5 if config.get("use_rslora") else alpha


def _tensors(folder: Path, base: LlamaShape) -> Iterator[tuple[str, Weights]]:
    """Yield name and weights as llama.cpp has them: `lora_a` of shape (r, in), `lora_b` of (out, r)."""
    load: Any = library("safetensors.numpy").load_file
    for key, value in load(str(folder / "adapter_model.safetensors")).items():
        match = _KEY.match(key)
        name = _NAMES.get(match[2]) if match is not None else None
        if match is None or name is None:
            raise InputError(
                f"{str(folder)!r}: expected LoRA weights of a Llama model's {', '.join(_NAMES)}, got {key!r}"
            )
        weights: Weights = np.ascontiguousarray(value, dtype=np.float32)
        matrix, is_b = f"blk.{match[1]}.{name}.weight", match[3] == "B"
        got, wanted = weights.shape[0 if is_b else 1], base.widths.get(matrix, (0, 0))[is_b]
        if got != wanted:
            there = str(wanted) if wanted else "is not there"
            raise InputError(
                f"{str(folder)!r}: expected an adapter of the model that `base=` names, got one of another: "
                f"{key!r} is {got} wide, and {matrix!r} of the model {there}"
            )
        if is_b and name in {"attn_q", "attn_k"}:
            weights = interleaved(weights, base.queries if name == "attn_q" else base.keys)
        yield f"{matrix}.lora_{match[3].lower()}", np.ascontiguousarray(weights)
