"""Adagrad, Adadelta and Adamax, and schedules that come back, step by step beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("Adagrad", {}),
        ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.2, "initial_accumulator_value": 0.3}),
        ("Adadelta", {}),
        ("Adadelta", {"weight_decay": 0.2, "lr": 0.5, "maximize": True}),
        ("Adamax", {"weight_decay": 0.1}),
    ],
)
def test_steps(name, settings):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, 2)) for _ in range(6)]
    ours = [mg.nn.Parameter(a.copy()) for a in arrays]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    optimizer, twin = getattr(mg.optim, name)(ours, **settings), getattr(torch.optim, name)(theirs, **settings)
    for _ in range(5):
        for p, t in zip(ours, theirs, strict=True):
            g = rng.standard_normal((3, 2))
            p.grad, t.grad = mg.tensor(g), torch.tensor(g)
        optimizer.step()
        twin.step()
    for p, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(force=True), t.detach().numpy(), rtol=1e-12)
    assert repr(optimizer) == repr(twin)
    assert list(optimizer.state_dict()["state"][0]) == list(twin.state_dict()["state"][0])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
        ("CosineAnnealingWarmRestarts", {"T_0": 3}),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 3}),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 3, "step_size_down": 2, "mode": "triangular2"}),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 3, "mode": "exp_range", "gamma": 0.9}),
        ("MultiplicativeLR", {"lr_lambda": lambda step: 0.9}),
        ("PolynomialLR", {"total_iters": 4, "power": 2.0}),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of the optimizer that takes no step
def test_schedules(name, settings):
    seen = []
    for library, parameter in ((mg, mg.nn.Parameter(mg.ones(2))), (torch, torch.nn.Parameter(torch.ones(2)))):
        optimizer = library.optim.SGD([parameter], lr=0.5, momentum=0.9)
        schedule = getattr(library.optim.lr_scheduler, name)(optimizer, **settings)
        rates = []
        for _ in range(12):
            schedule.step()
            rates.append((schedule.get_last_lr()[0], optimizer.param_groups[0]["momentum"]))
        if name == "CosineAnnealingWarmRestarts":
            schedule.step(10.5)
            rates.append((schedule.get_last_lr()[0], 0))
        seen.append(rates)
    np.testing.assert_allclose(*seen, atol=1e-15)
