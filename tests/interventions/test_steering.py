"""Steering: the mechanics on made-up activations, and on the model where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import pytest

from alignmeter.errors import InputError
from alignmeter.interventions.recipes import builtin_examples
from alignmeter.interventions.steering import (
    Activations,
    Direction,
    auc,
    contrast_pairs,
    decoder_layers,
    direction_of,
    extract,
    random_direction,
    read_activations,
    steered,
)
from alignmeter.interventions.sweep import (
    Refusals,
    SweepOptions,
    SweepPoint,
    evaluation_prompts,
    is_broken,
    sweep,
    sweep_rows,
)
from alignmeter.records import Message, Sampling

if TYPE_CHECKING:
    from alignmeter.targets.torch_model import TorchModel

WIDTH, LAYERS, TOLD_APART_AT = 16, 4, 2


def _activations(seed: int, pairs: int) -> Activations:
    """Noise in all layers, and in one of them a shift along the first axis where the prompt is harmful."""
    rng = np.random.default_rng(seed)
    harmful, legitimate = rng.standard_normal((2, LAYERS, pairs, WIDTH))
    harmful[TOLD_APART_AT, :, 0] += 4.0
    return Activations(harmful, legitimate)


@pytest.mark.parametrize("method", ["difference", "pca"])
def test_given_one_layer_that_tells_them_apart_when_extracted_then_it_is_found(
    method: Literal["difference", "pca"],
) -> None:
    direction, extraction = extract(_activations(1, 30), _activations(2, 15), method=method)
    assert (direction.layer, extraction.layer, extraction.layers) == (TOLD_APART_AT, TOLD_APART_AT, LAYERS)
    assert direction.vector[0] > 0.9  # towards harmful, of unit length
    assert np.linalg.norm(direction.vector) == pytest.approx(1.0)
    assert direction.scale == pytest.approx(4.0, abs=1.0)
    assert min(extraction.training_auc, extraction.held_out_auc) > 0.95
    assert extraction.held_out_auc >= extraction.random_auc[-1]
    assert len(extraction.random_auc) == 20


def test_given_held_out_pairs_without_a_difference_when_extracted_then_training_does_not_hide_it() -> None:
    rng = np.random.default_rng(5)
    held_out = Activations(*rng.standard_normal((2, LAYERS, 200, WIDTH)))
    _, extraction = extract(_activations(1, 30), held_out)
    assert extraction.training_auc > 0.95
    assert extraction.held_out_auc == pytest.approx(0.5, abs=0.1)


def test_the_same_seed_finds_the_same() -> None:
    first, again = (extract(_activations(1, 12), _activations(2, 6), seed=3)[1] for _ in range(2))
    assert first == again


def test_the_first_component_points_from_legitimate_to_harmful() -> None:
    harmful = np.array([[5.0, 0.1], [6.0, -0.1]])
    vector = direction_of(harmful, np.zeros((2, 2)), "pca")
    assert vector[0] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [([2.0, 3.0], [0.0, 1.0], 1.0), ([0.0], [1.0], 0.0), ([1.0], [1.0], 0.5), ([0.0, 2.0], [1.0], 0.5)],
)
def test_the_area_counts_pairs_in_the_right_order(
    positive: list[float], negative: list[float], area: float
) -> None:
    assert auc(np.array(positive), np.array(negative)) == area


def test_a_random_direction_is_as_long_and_at_the_same_layer() -> None:
    like = Direction(3, np.eye(8)[0], 2.5)
    drawn = random_direction(like, np.random.default_rng(1))
    assert (drawn.layer, drawn.scale) == (3, 2.5)
    assert np.linalg.norm(drawn.vector) == pytest.approx(1.0)
    assert abs(drawn.vector @ like.vector) < 0.95


def test_the_pairs_are_split_and_none_of_them_is_asked_in_the_sweep() -> None:
    training, held_out = contrast_pairs()
    assert len(training) + len(held_out) == len(builtin_examples("harmful"))
    assert not {pair.topic for pair in training} & {pair.topic for pair in held_out}
    assert len(held_out) == pytest.approx(len(training) / 2, abs=1)
    asked = {prompt for prompts in evaluation_prompts(20, seed=1).values() for prompt in prompts}
    assert len(asked) == 60
    assert not asked & {text for pair in (*training, *held_out) for text in (pair.harmful, pair.legitimate)}


def _point(strength: float, draw: int, benign: int, harmful: int) -> SweepPoint:
    counts = (("benign", benign), ("sensitive", 0), ("harmful", harmful))
    return SweepPoint(
        strength=strength,
        direction="random" if draw else "contrast",
        draw=draw,
        refusals=tuple(Refusals(intent=intent, refused=refused, n=10) for intent, refused in counts),  # pyright: ignore[reportArgumentType] - literals
        broken=draw,
    )


def test_a_rate_is_marked_only_outside_the_band_of_the_random_directions() -> None:
    rows = sweep_rows(
        [
            _point(0, 0, 0, 1),
            _point(1, 0, 2, 5),
            _point(1, 1, 1, 2),
            _point(1, 2, 3, 4),
            _point(2, 0, 9, 4),
            _point(2, 1, 1, 4),
            _point(2, 2, 1, 5),
        ]
    )
    assert [row.strength for row in rows] == [0, 1, 2]
    assert [row.outside for row in rows] == [(), ("harmful",), ("benign",)]
    assert rows[1].band["harmful"] == (0.2, 0.4)
    assert rows[1].broken_random == 1.5
    # Strength 2 refuses more benign and fewer harmful requests than strength 1.
    assert [row.frontier for row in rows] == [True, True, False]


@pytest.mark.parametrize("strengths", [(-1.0,), (), (float("nan"),), (1.0, -0.5), (float("inf"),)])
def test_given_a_strength_away_from_refusal_when_checked_then_it_is_refused(
    strengths: tuple[float, ...],
) -> None:
    with pytest.raises(InputError, match="strengths of at least 0"):
        SweepOptions(strengths=strengths).check()


@pytest.mark.parametrize(
    ("reply", "broken"),
    [
        ("", True),
        ("no", True),
        ("the cat the cat the cat the cat the cat", True),
        ("I can help you plan a garden with beans and peas.", False),
    ],
)
def test_repetitions_and_scraps_count_as_broken(reply: str, broken: bool) -> None:
    assert is_broken(reply) is broken


@pytest.mark.model
def test_given_the_model_when_steered_then_the_layer_writes_the_sum_and_only_meanwhile(
    model: TorchModel,
) -> None:
    pairs = contrast_pairs()[0][:2]
    before = read_activations(model, pairs)
    layer, (_, width) = 5, before.harmful.shape[1:]
    direction = Direction(layer, np.eye(width)[0], 3.0)
    with steered(model, direction, 2.0):
        during = read_activations(model, pairs)
    after = read_activations(model, pairs)
    assert before.harmful.shape == (len(decoder_layers(model)), 2, width)
    shift = during.harmful[layer] - before.harmful[layer]
    assert shift[:, 0] == pytest.approx(6.0, abs=1e-3)
    assert np.abs(shift[:, 1:]).max() < 1e-3
    np.testing.assert_array_equal(during.harmful[layer - 1], before.harmful[layer - 1])
    np.testing.assert_array_equal(after.harmful, before.harmful)
    assert np.abs(during.harmful[layer + 1] - before.harmful[layer + 1]).max() > 0.1


@pytest.mark.model
def test_given_a_negative_strength_when_steered_then_nothing_is_added(model: TorchModel) -> None:
    direction = Direction(0, np.ones(576), 1.0)
    with pytest.raises(ValueError, match="at least 0"), steered(model, direction, -1.0):
        pytest.fail("entered")


@pytest.mark.model
def test_given_the_model_when_swept_then_the_report_has_its_random_control_and_no_vector(
    model: TorchModel,
) -> None:
    said: list[tuple[int, int]] = []
    found = sweep(
        model,
        SweepOptions(strengths=(1.0,), prompts=1, randoms=2, max_tokens=4),
        progress=lambda done, total, _: said.append((done, total)),
    )
    assert [row.strength for row in found.rows] == [0.0, 1.0]
    assert found.random_directions == 2
    assert len(found.extraction.random_auc) == 20
    assert "random directions" in found.finding
    assert said[0] == (0, 5)
    assert said[-1] == (5, 5)
    # Nothing that could be added to a model, or taken from it, leaves the process.
    assert _longest_list(msgspec.to_builtins(found)) <= 20
    prompt = [model.prompt_tokens([Message(role="user", content="What is a lentil?")])]
    assert model.generate(prompt, Sampling(max_tokens=4))[0].text


def _longest_list(value: object) -> int:
    """Length of the longest list of numbers in a JSON-like value."""
    if isinstance(value, dict):
        return max((_longest_list(one) for one in value.values()), default=0)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        if items and all(isinstance(one, int | float) for one in items):
            return len(items)
        return max(map(_longest_list, items), default=0)
    return 0


def test_no_module_of_steering_can_write_a_file() -> None:
    """A direction towards refusal is, with its sign turned, one away from it: none is ever saved."""
    from inspect import getsource

    from alignmeter.interventions import steering
    from alignmeter.interventions import sweep as sweeping

    for module in (steering, sweeping):
        source = getsource(module)
        for call in ("open(", ".save", "write_", "savez", "tofile", "dump("):
            assert call not in source
