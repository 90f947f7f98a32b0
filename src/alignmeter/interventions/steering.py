"""Directions in a model's residual stream, from contrast pairs: difference of means or PCA.

Everything stays in memory: no vector is ever written to a file, because a direction towards refusal
is, with its sign turned, one away from it. The layer is chosen by cross-validation on the training
pairs alone. References: Arditi et al. 2024 (arXiv 2406.11717); Zou et al. 2023 (arXiv 2310.01405).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from alignmeter.errors import InputError
from alignmeter.interventions.recipes import builtin_examples
from alignmeter.records import Message, Record
from alignmeter.targets.torch_extra import library

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from alignmeter.targets.torch_model import TorchModel

    Floats = NDArray[np.float64]

Method = Literal["difference", "pca"]

FOLDS = 5
RANDOM_DIRECTIONS = 20
"""Random directions that the held-out AUC is set beside."""
_HELD_OUT_EVERY = 3
_BATCH = 16


class ContrastPair(NamedTuple):
    """A harmful request and a legitimate one on the same topic."""

    topic: str
    harmful: str
    legitimate: str


class Activations(NamedTuple):
    """Residual stream after each layer at the last token of the prompt, shape (layers, pairs, width)."""

    harmful: Floats
    legitimate: Floats


class Direction(NamedTuple):
    """A direction and the layer after which it is added; it points from legitimate towards harmful.

    Attributes:
        vector: Unit length, shape (width,).
        scale: Length of the difference of means there: what strength 1 adds.
    """

    layer: int
    vector: Floats
    scale: float


class Extraction(Record, frozen=True):
    """How well a direction tells harmful from legitimate prompts; it says nothing of causes.

    Attributes:
        layer: Counted from 0; chosen on the training pairs alone.
        training_auc: Cross-validated area under the ROC curve on the training pairs, at that layer.
        held_out_auc: On pairs that chose nothing.
        random_auc: Held-out AUC of random directions, each at the layer and in the sense that are best
            on the training pairs, in ascending order.
    """

    method: Method
    layer: int
    layers: int
    training_pairs: int
    held_out_pairs: int
    training_auc: float
    held_out_auc: float
    random_auc: tuple[float, ...]


def contrast_pairs() -> tuple[tuple[ContrastPair, ...], tuple[ContrastPair, ...]]:
    """Return the training pairs and the held-out pairs (every third): our own prompts, in no suite."""
    legitimate = {row.pair: row.prompt for row in builtin_examples("sensitive")}
    pairs = [
        ContrastPair(row.pair or "", row.prompt, legitimate[row.pair]) for row in builtin_examples("harmful")
    ]
    held_out = pairs[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]
    return tuple(pair for pair in pairs if pair not in held_out), tuple(held_out)


def read_activations(model: TorchModel, pairs: Sequence[ContrastPair]) -> Activations:
    """Run the prompts through the model and keep what each layer wrote at the last token."""
    return Activations(
        _last_tokens(model, [pair.harmful for pair in pairs]),
        _last_tokens(model, [pair.legitimate for pair in pairs]),
    )


def _last_tokens(model: TorchModel, prompts: Sequence[str]) -> Floats:
    torch = library("torch")
    tokens = [model.prompt_tokens([Message(role="user", content=prompt)]) for prompt in prompts]
    found: list[Floats] = []
    for start in range(0, len(tokens), _BATCH):
        kept: list[Any] = []

        def keep(_: Any, __: Any, output: Any, kept: list[Any] = kept) -> None:  # noqa: ANN401 - tensors
            kept.append(_hidden(output)[:, -1, :].double().numpy())

        hooks = [layer.register_forward_hook(keep) for layer in decoder_layers(model)]
        try:
            with torch.inference_mode():
                model.model(**model.padded(tokens[start : start + _BATCH]))
        finally:
            for hook in hooks:
                hook.remove()
        found.append(np.stack(kept))
    return np.concatenate(found, axis=1)


def _hidden(output: Any) -> Any:  # noqa: ANN401 - a tensor, or a tuple that begins with it
    return cast("Any", output)[0] if isinstance(output, tuple) else output


def decoder_layers(model: TorchModel) -> list[Any]:
    """Return the model's decoder layers, in order.

    Raises:
        InputError: They are not where Llama and most models since have them.
    """
    layers: Any = getattr(model.model.get_decoder(), "layers", None)
    if layers is None:
        raise InputError(
            f"expected a model with its layers where Llama has them, got a {type(model.model).__name__}; "
            f"give another `base=`"
        )
    return list(layers)


def extract(
    training: Activations, held_out: Activations, *, method: Method = "difference", seed: int = 1
) -> tuple[Direction, Extraction]:
    """Find the direction and the layer on the training pairs, and say how it does on the others.

    Args:
        training: Activations of the training pairs.
        held_out: Activations of the held-out pairs.
        method: Difference of means, or the first principal component of the pairs' differences.
        seed: Of the folds and the random directions.
    """
    rng = np.random.default_rng(seed)
    layers, n, width = training.harmful.shape
    folds = rng.permutation(n) % min(FOLDS, n)
    scores = [_cross_validated(training, layer, folds, method) for layer in range(layers)]
    layer = int(np.argmax(scores))
    vector = direction_of(training.harmful[layer], training.legitimate[layer], method)
    gap = training.harmful[layer].mean(axis=0) - training.legitimate[layer].mean(axis=0)
    randoms = [_random_auc(training, held_out, _normal(rng, width)) for _ in range(RANDOM_DIRECTIONS)]
    return Direction(layer, vector, float(np.linalg.norm(gap))), Extraction(
        method=method,
        layer=layer,
        layers=layers,
        training_pairs=n,
        held_out_pairs=held_out.harmful.shape[1],
        training_auc=scores[layer],
        held_out_auc=auc(held_out.harmful[layer] @ vector, held_out.legitimate[layer] @ vector),
        random_auc=tuple(sorted(randoms)),
    )


def direction_of(harmful: Floats, legitimate: Floats, method: Method) -> Floats:
    """Return the unit vector from legitimate to harmful, of activations of shape (pairs, width)."""
    differences = harmful - legitimate
    vector = differences.mean(axis=0)
    if method == "pca":
        # Not centred: the mean difference is what the pairs have in common.
        first = np.linalg.svd(differences, full_matrices=False)[2][0]
        vector = first if first @ vector >= 0 else -first
    return vector / np.linalg.norm(vector)


def _cross_validated(training: Activations, layer: int, folds: NDArray[np.int64], method: Method) -> float:
    harmful, legitimate = training.harmful[layer], training.legitimate[layer]
    found: list[float] = []
    for fold in np.unique(folds):
        out = folds == fold
        vector = direction_of(harmful[~out], legitimate[~out], method)
        found.append(auc(harmful[out] @ vector, legitimate[out] @ vector))
    return float(np.mean(found))


def _random_auc(training: Activations, held_out: Activations, vector: Floats) -> float:
    """Held-out AUC of one random direction, at its best layer and in its better sense on training."""
    on_training = [
        auc(training.harmful[layer] @ vector, training.legitimate[layer] @ vector)
        for layer in range(len(training.harmful))
    ]
    layer = int(np.argmax(np.abs(np.asarray(on_training) - 0.5)))
    sense = 1.0 if on_training[layer] >= 0.5 else -1.0  # noqa: PLR2004 - chance
    return auc(held_out.harmful[layer] @ (sense * vector), held_out.legitimate[layer] @ (sense * vector))


def auc(positive: Floats, negative: Floats) -> float:
    """Area under the ROC curve: the share of pairs in which the positive scores higher, ties half."""
    above = positive[:, None] > negative[None, :]
    ties = positive[:, None] == negative[None, :]
    return float((above + 0.5 * ties).mean())


@contextmanager
def steered(model: TorchModel, direction: Direction, strength: float) -> Generator[None]:
    """Add `strength` times the direction to the residual stream, at every token, while the block runs.

    Raises:
        ValueError: The strength is negative: nothing here steers away from refusal.
    """
    if not strength >= 0:  # so that what is no number is refused too
        raise ValueError(f"strength must be at least 0, got {strength!r}")
    added = library("torch").tensor(strength * direction.scale * direction.vector).float()

    def add(_: Any, __: Any, output: Any) -> Any:  # noqa: ANN401 - tensors
        if isinstance(output, tuple):
            first, *rest = cast("tuple[Any, ...]", output)
            return (first + added, *rest)
        return output + added

    hook = decoder_layers(model)[direction.layer].register_forward_hook(add)
    try:
        yield
    finally:
        hook.remove()


def _normal(rng: np.random.Generator, width: int) -> Floats:
    return np.asarray(rng.standard_normal(width), dtype=np.float64)


def random_direction(like: Direction, rng: np.random.Generator) -> Direction:
    """Return a random direction at the same layer and of the same length."""
    vector = _normal(rng, like.vector.shape[0])
    return like._replace(vector=vector / np.linalg.norm(vector))
