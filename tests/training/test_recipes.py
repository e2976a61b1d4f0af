"""The paper's recipes train unchanged, and every other setting has its effect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'train'")
import torch
from torch import Tensor, nn
from torch.nn import functional

from sentistream.networks.export import as_network_input
from sentistream.training.augmentation import augment_images, mixup
from sentistream.training.examples import Examples
from sentistream.training.recipes import (
    Recipe,
    learning_rate_at,
    make_average,
    make_optimizer,
)
from sentistream.training.task import ClassificationTask, cross_entropy
from sentistream.training.trainer import fit
from sentistream.training.training_profiles import training_profile

PAPER_RECIPES = {name: task.recipe for name, task in training_profile("paper").tasks.items()}

CLASSES = 3


def tiny() -> nn.Sequential:
    """With everything that can differ: batch statistics, dropout, weights and biases."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.ReLU(),
        nn.BatchNorm2d(4),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(4 * 6 * 6, CLASSES),
    )


def faces(count: int, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    values = 60 + 70 * labels[:, None, None, None] + generator.integers(-50, 51, (count, 8, 8, 3))
    return Examples(
        inputs={"face": values.astype(np.uint8)},
        labels=labels,
        people=np.array([f"{seed}-{number // 4}" for number in range(count)]),
        sources=np.full(count, "made"),
    )


TRAIN, HELD_OUT = faces(70, 1), faces(20, 2)


def train(
    recipe: Recipe, folder: Path, **more: Any
) -> tuple[nn.Sequential, list[dict[str, float]]]:
    network = tiny()
    return network, fit(network, TRAIN, HELD_OUT, recipe, folder, **more).history


def last_weights(network: nn.Sequential) -> Tensor:
    weights: Tensor = network.state_dict()["5.weight"]
    return weights.clone()


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("name", PAPER_RECIPES)
def test_papers_recipes_equal_a_plain_training_loop(name: str, tmp_path: Path) -> None:
    """Bit for bit, compared with a loop that knows no other setting."""
    recipe = replace(PAPER_RECIPES[name], epochs=3)
    network, _ = train(recipe, tmp_path)
    plain = tiny()
    optimizer = (
        torch.optim.SGD(plain.parameters(), lr=0.01)
        if name == "fused"
        else torch.optim.Adam(plain.parameters(), lr=0.001, eps=1e-7)
    )
    pictures, labels = as_network_input(torch.from_numpy(TRAIN.inputs["face"])), TRAIN.labels
    step = 0
    for epoch in range(3):
        generator = torch.Generator().manual_seed(10_007 + epoch)
        torch.manual_seed(20_011 + epoch)
        plain.train()
        for chosen in torch.tensor_split(torch.randperm(70, generator=generator), (32, 64)):
            batch = pictures[chosen]
            if recipe.augmentation is not None:
                batch = augment_images(batch, recipe.augmentation, generator)
            for group in optimizer.param_groups:
                group["lr"] = 0.01 if name == "fused" else 0.001 / (1 + 0.00002 * step)
            optimizer.zero_grad()
            loss = functional.cross_entropy(plain(batch), torch.from_numpy(labels)[chosen])
            torch.autograd.backward(loss)
            optimizer.step()
            step += 1
    assert same(network, plain)


def test_last_batch_of_one_example_is_skipped(tmp_path: Path) -> None:
    network = tiny()
    train = TRAIN.take(np.arange(33))
    assert fit(network, train, HELD_OUT, Recipe(epochs=2), tmp_path).step == 2


def test_cosine_schedule_rises_and_falls() -> None:
    recipe = Recipe(schedule="cosine", learning_rate=0.4, warm_up=0.1)
    rates = [learning_rate_at(recipe, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.04)
    assert rates[9] == rates[10] == max(rates) == pytest.approx(0.4)
    assert rates[55] == pytest.approx(0.2)
    assert rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_weight_decay_excludes_biases_and_normalization() -> None:
    for name in ("adamw", "sgd"):
        network = tiny()
        before = {key: value.clone() for key, value in network.named_parameters()}
        recipe = Recipe(optimizer=name, weight_decay=0.5, learning_rate=0.1)
        optimizer = make_optimizer(network, recipe)
        for value in network.parameters():
            value.grad = torch.zeros_like(value)
        optimizer.step()
        for key, value in network.named_parameters():
            shrinks = key in {"0.weight", "5.weight"}
            assert torch.allclose(value, before[key] * (0.95 if shrinks else 1)), (name, key)


def test_momentum_continues_without_gradients() -> None:
    network = nn.Linear(1, 1, bias=False)
    optimizer = make_optimizer(network, Recipe(optimizer="sgd", momentum=0.9, learning_rate=1))
    places = [network.weight.item()]
    for gradient in (1.0, 0.0):
        network.weight.grad = torch.full_like(network.weight, gradient)
        optimizer.step()
        places.append(network.weight.item())
    assert places[0] - places[1] == pytest.approx(1)
    assert places[1] - places[2] == pytest.approx(0.9)


def test_clipped_gradient_moves_less(tmp_path: Path) -> None:
    recipe = Recipe(optimizer="sgd", learning_rate=1.0, decay=0.0, epochs=1, batch=70)
    start = last_weights(tiny())
    free, _ = train(recipe, tmp_path / "free")
    clipped, _ = train(replace(recipe, clip=0.01), tmp_path / "clipped")
    assert float((last_weights(clipped) - start).norm()) <= 0.0101
    assert float((last_weights(free) - start).norm()) > 0.05


def test_label_smoothing_equals_cross_entropy_with_soft_labels() -> None:
    logits, labels = torch.randn(5, CLASSES), torch.tensor([0, 1, 2, 1, 0])
    soft = functional.one_hot(labels, CLASSES) * 0.7 + 0.1
    assert torch.allclose(cross_entropy(logits, labels, 0.3), cross_entropy(logits, soft))
    single, binary = torch.randn(5, 1), torch.tensor([0, 1, 1, 0, 1])
    expected = functional.binary_cross_entropy(single.sigmoid()[:, 0], binary * 0.7 + 0.15)
    assert torch.allclose(cross_entropy(single, binary, 0.3), expected)


def test_mixup_examples_combine_two() -> None:
    torch.manual_seed(3)
    first, second = torch.rand(6, 3, 2, 2), torch.rand(6, 5)
    mixed, partners, share = mixup([first, second], 0.4, torch.Generator().manual_seed(1))
    assert 0.5 <= share <= 1
    assert sorted(partners.tolist()) == list(range(6))
    for values, given in zip(mixed, (first, second), strict=True):
        assert torch.allclose(values, share * given + (1 - share) * given[partners])


def test_weight_average_forgets_the_start_then_follows_slowly() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = make_average(network, 0.9)
    expected = 0.0
    for number, value in enumerate([1.0, *[float(step % 5) for step in range(200)]]):
        network.weight.data.fill_(value)
        average.update_parameters(network)
        keep = min(0.9, (1 + number) / (10 + number)) if number else 0.0
        expected = keep * expected + (1 - keep) * value
    assert float(average.state_dict()["module.weight"]) == pytest.approx(expected, abs=1e-4)


def test_averaged_weights_are_evaluated_and_saved(tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch=16)
    own, _ = train(recipe, tmp_path / "own")
    averaged, history = train(replace(recipe, average=0.95), tmp_path / "averaged")
    assert not same(own, averaged)
    averaged.eval()
    with torch.inference_mode():
        logits = averaged(as_network_input(torch.from_numpy(HELD_OUT.inputs["face"])))
    loss = float(functional.cross_entropy(logits, torch.from_numpy(HELD_OUT.labels)))
    assert loss == pytest.approx(history[-1]["held_out_loss"], abs=1e-4)


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    """After some epochs all labels are wrong, so that every metric gets worse."""

    class Spoiled(ClassificationTask):
        batches = 0

        def augment(
            self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
        ) -> tuple[list[Tensor], Tensor]:
            self.batches += 1
            return inputs, labels if self.batches <= 12 else (labels + 1) % CLASSES

    recipe = Recipe(epochs=30, batch=16, learning_rate=0.01, patience=3, validation=0.3)
    network, history = train(recipe, tmp_path, task=Spoiled())
    best = int(np.argmin([entry["validation_loss"] for entry in history]))
    assert len(history) == best + 1 + 3 < 30
    assert history[-1]["held_out_loss"] > history[best]["held_out_loss"]
    network.eval()
    with torch.inference_mode():
        logits = network(as_network_input(torch.from_numpy(HELD_OUT.inputs["face"])))
    loss = float(functional.cross_entropy(logits, torch.from_numpy(HELD_OUT.labels)))
    assert loss == pytest.approx(history[best]["held_out_loss"], abs=1e-4)


def test_task_loss_augmentation_and_conversion_are_used(tmp_path: Path) -> None:
    calls = {"loss": 0, "augment": 0}

    class Halved(ClassificationTask):
        def loss(self, outputs: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
            calls["loss"] += 1
            return functional.cross_entropy(outputs, labels)

        def augment(
            self, inputs: list[Tensor], labels: Tensor, generator: torch.Generator
        ) -> tuple[list[Tensor], Tensor]:
            calls["augment"] += 1
            assert inputs[0].max() <= 0.5
            return inputs, functional.one_hot(labels, CLASSES) * 0.9 + 0.1 / CLASSES

        def convert(self, stored: Mapping[str, Tensor]) -> list[Tensor]:
            return [as_network_input(stored["face"]) / 2]

    recipe = Recipe(epochs=2, batch=32)
    _, history = train(recipe, tmp_path, task=Halved())
    assert calls == {"loss": 6, "augment": 6}
    assert math.isfinite(history[-1]["held_out_loss"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"average": 1.0}, "average is 0 to below 1"),
        ({"clip": -1}, "clip is 0 or more"),
        ({"epochs": 0}, "epochs is more than 0"),
        ({"momentum": 0.9}, "momentum is for sgd"),
        ({"weight_decay": 0.1}, "weight_decay is for adamw and sgd"),
        ({"warm_up": 0.1}, "warm_up is for cosine"),
        ({"validation": 0}, "validation is between 0 and 1"),
    ],
)
def test_out_of_range_or_ineffective_settings_are_refused(
    setting: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**setting)
