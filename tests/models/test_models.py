"""Model files in PyTorch's style run with their imports changed, train, and name their parameters as PyTorch does."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F


def load(name):
    spec = importlib.util.spec_from_file_location(f"models_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def train(model, loss_of, steps, lr=0.01):
    optimizer = mg.optim.AdamW(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        mg.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_resnet_trains_and_evaluates():
    model = load("resnet").ResNet([1, 1])
    images, labels = mg.data.digits("train")
    x, y = images[:64], labels[:64]
    losses = train(model, lambda: F.cross_entropy(model(x), y), 12)
    assert losses[-1] < 0.5 * losses[0]
    model.eval()
    with mg.no_grad():
        first = model(x[:4])
        np.testing.assert_allclose(model(x[:8]).array[:4], first.array, rtol=1e-5, atol=1e-5)
    names = list(model.state_dict())
    assert names[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    assert "layer2.0.downsample.1.running_var" in names
    assert "bn1.num_batches_tracked" in names


def test_resnet_names_its_nodes():
    model = load("resnet").ResNet([1, 1])
    y = model(mg.randn(2, 1, 8, 8))
    modules = dict.fromkeys(step.node.module for step in mg.backward_steps(y.sum()))
    assert "layer2.0.downsample.0" in modules
    assert "layer1.0.conv2" in modules


@pytest.mark.parametrize("bilinear", [False, True])
def test_unet_learns_to_mark_the_bright_pixels(bilinear):
    model = load("unet").UNet(bilinear=bilinear)
    x = mg.rand(2, 1, 10, 12)
    target = (x[:, 0] > 0.5).long()
    losses = train(model, lambda: F.cross_entropy(model(x), target), 25, lr=0.02)
    assert model(x).shape == (2, 2, 10, 12)
    assert losses[-1] < 0.6 * losses[0]


def test_gpt_learns_to_count_and_generates():
    gpt = load("gpt")
    model = gpt.GPT(gpt.GPTConfig())
    idx = mg.stack([(mg.arange(9) + i) % 11 for i in range(11)])
    losses = train(model, lambda: model(idx[:, :-1], idx[:, 1:])[1], 80, lr=0.02)
    assert losses[-1] < 0.25 * losses[0]
    written = model.generate(mg.tensor([[3]]), 5, top_k=1)
    assert written.tolist() == [[3, 4, 5, 6, 7, 8]]
    assert model.transformer.wte.weight is model.lm_head.weight


def test_both_ways_of_attention_agree():
    gpt = load("gpt")
    mg.manual_seed(1)
    fast = gpt.GPT(gpt.GPTConfig())
    slow = gpt.GPT(gpt.GPTConfig(flash=False))
    slow.load_state_dict(fast.state_dict())
    idx = mg.randint(11, (2, 8))
    np.testing.assert_allclose(fast(idx)[0].array, slow(idx)[0].array, atol=1e-6)


def test_a_state_survives_saving(tmp_path):
    resnet = load("resnet")
    model, other = resnet.ResNet([1, 1]), resnet.ResNet([1, 1])
    mg.save(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(mg.load(tmp_path / "model.safetensors"))
    for name, value in model.state_dict().items():
        assert value.array.tobytes() == other.state_dict()[name].array.tobytes()
