"""Optimizers and schedules at the door: settings, parameters, groups and state dicts that make no sense."""

from __future__ import annotations

import inspect

import pytest

import minigrad as mg

from . import hostile, peer
from .valid import ramp

OPTIMIZERS = ("SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "RMSprop")
#: PyTorch's names for implementations, which change nothing here.
UNUSED = ("foreach", "fused", "capturable", "differentiable")
SCHEDULES = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [2, 3]},
    "ExponentialLR": {"gamma": 0.9},
    "LambdaLR": {"lr_lambda": abs},
    "MultiplicativeLR": {"lr_lambda": abs},
    "ConstantLR": {},
    "LinearLR": {},
    "CosineAnnealingLR": {"T_max": 3},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "PolynomialLR": {},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 10},
    "ReduceLROnPlateau": {},
}


def two_steps(library, name):
    """A function that makes an optimizer and takes two steps; its parameters are the optimizer's settings."""
    made = getattr(library.optim, name)

    def run(params, **settings):
        optimizer = made(params, **settings)
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = p.detach().clone()
        optimizer.step()
        optimizer.step()
        return optimizer

    signature = inspect.signature(getattr(mg.optim, name))
    run.__signature__ = signature.replace(parameters=[p for p in signature.parameters.values() if p.name not in UNUSED])
    return run


def parameters():
    return [ramp(2, 3).requires_grad_(), ramp(3).requires_grad_()]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_raw_error_of_an_optimizer(name):
    run = two_steps(mg, name)
    assert run(parameters())
    found = hostile.complaints(run, {"params": parameters()})
    assert not found, "\n" + "\n".join(found)


#: Accepted here and not in PyTorch, beside what `peer.VALUES` lists: by argument, values and the reason.
REASONS = {
    "betas": "(0, 0) is two numbers, PyTorch wants them both with a point",
    "eps": "a tensor of one element, which PyTorch takes as the rate alone",
    "weight_decay": "a tensor of one element",
    "momentum": "a tensor of one element",
    "dampening": "a tensor of one element",
    "alpha": "a tensor of one element",
    "rho": "a tensor of one element",
    "lr_decay": "a tensor of one element",
    "initial_accumulator_value": "a tensor of one element",
    "lr": "a tensor of one element, of booleans too",
}
ONE_ELEMENT = ("(0, 0)", "bool", "number")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_pytorch_refuses_is_refused(name):
    torch = pytest.importorskip("torch")
    ours, theirs = two_steps(mg, name), two_steps(torch, name)

    def translated(arguments):
        given = peer.translated(torch, arguments["params"])
        if isinstance(given, list) and all(isinstance(p, torch.Tensor) for p in given):
            given = [p.requires_grad_() for p in given]
        return {**{k: peer.translated(torch, v) for k, v in arguments.items()}, "params": given}

    found = []
    for argument, what, arguments in hostile.hostile_arguments(ours, {"params": parameters()}):
        listed = what in peer.VALUES or (what in ONE_ELEMENT and argument in REASONS)
        if not listed and succeeds(ours, arguments) and not succeeds(theirs, translated(arguments)):
            found.append(f"{argument}={what}")
    assert not found


def succeeds(function, arguments):
    try:
        function(**arguments)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_raw_error_of_a_schedule(name):
    made = getattr(mg.optim.lr_scheduler, name)

    def run(**settings):
        optimizer = mg.optim.SGD(parameters(), lr=0.1, momentum=0.9)
        schedule = made(**{"optimizer": optimizer, **settings})
        for _ in range(6):
            optimizer.step()
            schedule.step(*([1.0] if name == "ReduceLROnPlateau" else []))

    run.__signature__ = inspect.signature(made)
    run(**SCHEDULES[name])
    found = [
        each for each in hostile.complaints(run, SCHEDULES[name]) if "has no len()" not in each
    ]  # (of the value len)
    assert not found, "\n" + "\n".join(found)


def adam():
    optimizer = mg.optim.Adam(parameters(), lr=0.1)
    for p in optimizer.param_groups[0]["params"]:
        p.grad = ramp(*p.shape)
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("state",),
        ("param_groups",),
        ("param_groups", 0),
        ("param_groups", 0, "params"),
        ("param_groups", 0, "lr"),
        ("param_groups", 0, "betas"),
        ("state", 0),
        ("state", 0, "exp_avg"),
        ("state", 0, "step"),
    ],
)
def test_no_raw_error_of_a_state_dict(path):
    def load(value):
        whole = saved = adam().state_dict()
        for key in path[:-1]:
            saved = saved[key]
        if path:
            saved[path[-1]] = value
        twin = adam()
        twin.load_state_dict(whole if path else value)
        twin.step()

    found = hostile.complaints(load, {"value": None})
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("setting", ["lr", "betas", "eps", "weight_decay", "amsgrad", "params"])
def test_no_raw_error_of_a_group_that_someone_changed(setting):
    def change(value):
        optimizer = adam()
        optimizer.param_groups[0][setting] = value
        optimizer.step()

    found = hostile.complaints(change, {"value": None})
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: mg.optim.SGD(None), TypeError, "params must be a list of tensors"),
        (
            lambda: mg.optim.SGD(parameters(), lr="fast"),
            TypeError,
            "SGD: learning rate must be a number, and is 'fast'",
        ),
        (lambda: mg.optim.Adam(parameters(), lr=float("nan")), ValueError, "Adam: Invalid learning rate: nan"),
        (lambda: mg.optim.Adam(parameters(), betas=(0.9,)), TypeError, "betas must be two numbers"),
        (lambda: mg.optim.SGD([{"lr": 0.1}]), ValueError, "param_group has no 'params', only"),
        (lambda: mg.optim.SGD([{"params": parameters(), "lr": "fast"}]), TypeError, "SGD: lr must be a number"),
        (lambda: adam().load_state_dict({}), TypeError, "a dictionary with 'state' and 'param_groups'"),
        (lambda: adam().step(3), TypeError, "Adam.step: closure must be a function"),
        (lambda: mg.optim.lr_scheduler.StepLR(adam(), 0), mg.OperationError, "step_size must be a number above 0"),
        (lambda: mg.optim.lr_scheduler.LambdaLR(adam(), 3), TypeError, "LambdaLR: lr_lambda must be a function"),
    ],
)
def test_the_words(call, error, words):
    with pytest.raises(error, match=words):
        call()
