"""The rest at the door: rules and hooks of the user's, data sets, metrics, files, inspection and figures."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, inspect, metrics, nn
from minigrad.utils.checkpoint import checkpoint
from minigrad.utils.data.distributed import DistributedSampler

from . import hostile
from .valid import ramp


def leaf(*shape):
    return ramp(*shape).requires_grad_()


def net():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.Residual(nn.Linear(3, 3)), nn.Residual(nn.Linear(3, 3)))


def loss_of(model, x=None):
    return model(ramp(2, 3) if x is None else x).square().sum()


# -- passes, hooks and rules -----------------------------------------------------------------------


def grad_of_two(outputs, inputs, grad_outputs):
    return mg.grad([outputs], [inputs], [grad_outputs])


def hook_gives(value):
    x = leaf(2, 3)
    (h := x * 2).register_hook(lambda g: value)
    x.register_hook(lambda g: value)
    h.sum().backward()


def hook_of_a_module_gives(value):
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda module, inputs, output: value)
    layer(ramp(2, 3))


def backward_hook_of_a_module_gives(value):
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda module, grad_inputs, grad_outputs: value)
    layer(leaf(2, 3)).sum().backward()


def function_of(what):
    """A `Function` of which one part is given."""

    def run(value):
        class Twice(mg.autograd.Function):
            @staticmethod
            def forward(ctx, x, n=2):
                if what == "saved":
                    ctx.save_for_backward(x, value)
                if what == "marked":
                    ctx.mark_non_differentiable(value)
                return value if what == "output" else x * 2

            @staticmethod
            def backward(ctx, gy):
                return value if what == "gradient" else (gy * 2, None)

        y = Twice.apply(leaf(2))
        if isinstance(y, mg.Tensor) and y.requires_grad:
            y.sum().backward()

    return run


def node_backward_gives(value):
    class Twice(mg.Node):
        def forward(self, x):
            return x * 2

        def backward(self, gy):
            return value

    Twice()(leaf(2)).sum().backward()


def func_gives(value):
    for call in (
        lambda f: mg.jacobian(f, ramp(2)),
        lambda f: mg.hessian(f, ramp(2)),
        lambda f: mg.hvp(f, ramp(2), ramp(2)),
        lambda f: mg.gradcheck(f, leaf(2).double().detach().requires_grad_()),
        lambda f: checkpoint(f, leaf(2)),
    ):
        call(lambda *x: value)


# -- data ------------------------------------------------------------------------------------------


def loaded(dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, drop_last=False, generator=None):
    settings = {"sampler": sampler, "batch_sampler": batch_sampler, "drop_last": drop_last, "generator": generator}
    return list(data.DataLoader(dataset, batch_size, shuffle, **settings))


def sampled(data_source, replacement=False, num_samples=None, generator=None):
    return list(itertools.islice(data.RandomSampler(data_source, replacement, num_samples, generator), 5))


def batches(sampler, batch_size, drop_last):
    return list(data.BatchSampler(sampler, batch_size, drop_last))


def collate(first, second):
    return data.default_collate([first, second])


def ranks(dataset, num_replicas=2, rank=0, shuffle=True, seed=0, drop_last=False):
    return list(DistributedSampler(dataset, num_replicas, rank, shuffle, seed, drop_last))


IMAGE = ramp(3, 8, 10)
BOXES = {"boxes": mg.tensor([[1.0, 0.0, 3.0, 2.0]]), "labels": mg.tensor([1])}


def flipped(boxes, labels, angle):
    return data.hflip(IMAGE, {"boxes": boxes, "labels": labels, "angle": angle})


def cropped(boxes, labels):
    return data.crop(IMAGE, 0, 0, 4, 4, {"boxes": boxes, "labels": labels})


def precision(boxes, scores, labels):
    return metrics.average_precision([{"boxes": boxes, "scores": scores, "labels": labels}], [BOXES])


# -- inspection ------------------------------------------------------------------------------------


def lengths(loss=None, wrt=None, blocks=None, groups=None, gradient=None):
    x = leaf(2, 3)
    loss = loss_of(net(), x) if loss is None else loss
    return inspect.path_lengths(loss, x if wrt is None else wrt, blocks=blocks, groups=groups, gradient=gradient)


def bill(model=None, blocks=None, gradient=None):
    own = net()
    return inspect.receipt(loss_of(own), own if model is None else model, blocks=blocks, gradient=gradient)


def asked(what):
    """A function of a trace, a row of one of its tables, or the like."""
    return lambda key: what(inspect.trace(loss_of(net())), key)


def changed(path="skip", factor=0.5, blocks=None):
    with inspect.scale(path, factor, blocks):
        loss_of(net()).backward()


def lesioned(block):
    model = net()
    with inspect.lesion(model, block):
        model(ramp(2, 3))


def recorded(every=1, histograms=False, level="layers", ledger=False):
    model = net()
    with inspect.Recorder(model, every, histograms, level=level, ledger=ledger):
        loss_of(model).backward()


def of_loss(function):
    """A function of a loss, which is made anew for each call."""
    return lambda loss=None, gradient=None: function(loss_of(net()) if loss is None else loss, gradient=gradient)


TRACE = {
    "ledger level": lambda trace, key: trace.ledger(level=key),
    "layers level": lambda trace, key: trace.layers(level=key),
    "layers model": lambda trace, key: trace.layers(key),
    "layers select": lambda trace, key: trace.layers().select(key),
    "blocks": lambda trace, key: trace.blocks(key),
    "has_module": lambda trace, key: trace.has_module(key),
    "[]": lambda trace, key: trace[key],
    "ledger []": lambda trace, key: trace.ledger()[key],
    "layers []": lambda trace, key: trace.layers()[key],
    "diff": lambda trace, key: trace.diff(key),
    "save": lambda trace, key: trace.save(key),
    "laws []": lambda trace, key: inspect.laws(loss_of(net()))[key],
}
CASES = {
    "grad([y], [x], [g])": (grad_of_two, {"outputs": (x := leaf(2)), "inputs": x, "grad_outputs": ramp(2)}),
    "autograd.backward": (mg.autograd.backward, {"tensors": leaf(2), "grad_tensors": ramp(2)}),
    "a hook's value": (hook_gives, {"value": None}),
    "a module's hook's value": (hook_of_a_module_gives, {"value": None}),
    "a module's backward hook's value": (backward_hook_of_a_module_gives, {"value": None}),
    **{
        f"Function: {what}": (function_of(what), {"value": None})
        for what in ["saved", "marked", "output", "gradient", "input"]
    },
    "a rule's value": (node_backward_gives, {"value": None}),
    "func's value": (func_gives, {"value": None}),
    "save: obj": (lambda obj: mg.save(obj, io.BytesIO()), {"obj": 1}),
    "save: value": (lambda value: mg.save({"a": [value]}, io.BytesIO()), {"value": 1}),
    "load": (mg.load, {"f": 1}),
    "DataLoader": (loaded, {"dataset": data.TensorDataset(ramp(6, 2), ramp(6))}),
    "TensorDataset": (data.TensorDataset, {"tensors": (ramp(2),)}),
    "Subset": (data.Subset, {"dataset": [1, 2], "indices": [0]}),
    "random_split": (data.random_split, {"dataset": [1, 2, 3], "lengths": [1, 2]}),
    "RandomSampler": (sampled, {"data_source": [1, 2, 3]}),
    "BatchSampler": (batches, {"sampler": [0, 1], "batch_size": 1, "drop_last": False}),
    "default_collate": (data.default_collate, {"batch": [1, 2]}),
    **{
        f"default_collate of {type(x).__name__}": (collate, {"first": x, "second": x})
        for x in (1, ramp(2), (1, 2), {"a": 1})
    },
    "DistributedSampler": (ranks, {"dataset": [1, 2, 3]}),
    "hflip": (data.hflip, {"image": IMAGE}),
    "crop": (data.crop, {"image": IMAGE, "top": 1, "left": 1, "height": 4, "width": 4}),
    "random_crop": (data.random_crop, {"image": IMAGE, "size": (4, 4)}),
    "hflip: target": (flipped, {**BOXES, "angle": mg.tensor(1.0)}),
    "crop: target": (cropped, BOXES),
    "adding_problem": (data.adding_problem, {"n": 2, "length": 4}),
    "copy_task": (data.copy_task, {"n": 2, "length": 4}),
    "digits": (data.digits, {}),
    "brain": (data.brain, {}),
    "dice": (metrics.dice, {"predicted": mg.tensor([0, 1]), "labels": mg.tensor([0, 1]), "num_classes": 2}),
    "edges": (metrics.edges, {"labels": mg.tensor([[0, 1], [1, 1]])}),
    "average_precision": (
        metrics.average_precision,
        {"predictions": [{**BOXES, "scores": ramp(1)}], "targets": [BOXES]},
    ),
    "average_precision: boxes": (precision, {**BOXES, "scores": ramp(1)}),
    "checkpoint": (checkpoint, {"function": mg.square, "args": (leaf(2),)}),
    "trace": (of_loss(inspect.trace), {}),
    "laws": (of_loss(inspect.laws), {}),
    "replay": (of_loss(inspect.replay), {}),
    "path_lengths": (lengths, {}),
    "receipt": (bill, {}),
    "outline": (lambda depth=None, gradients=True: inspect.outline(loss_of(net()), depth, gradients=gradients), {}),
    "scale": (changed, {}),
    "lesion": (lesioned, {"block": "1"}),
    "Recorder": (recorded, {}),
    "vanishing": (inspect.vanishing, {}),
    "skip_share_above": (inspect.skip_share_above, {}),
    "inspect.load": (inspect.load, {"path": "a.trace"}),
    "effective_streams": (inspect.effective_streams, {"X": np.ones((2, 2))}),
    **{f"trace: {name}": (asked(what), {"key": None}) for name, what in TRACE.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_no_raw_error(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = [each for each in hostile.complaints(*CASES[name]) if "has no len()" not in each]  # (of the value len)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", ["gradient_norms", "graph", "ledger", "path_lengths", "receipt", "norms_over_time"])
def test_no_raw_error_of_a_figure(name):
    pytest.importorskip("matplotlib")

    def draw(drawn, ax=None):
        getattr(mg.plot, name)(drawn, ax=ax)

    found = hostile.complaints(draw, {"drawn": None})
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("wrong", [None, 3, np.ones(3), ramp(3), "freed", "two"])
@pytest.mark.parametrize(
    "function", [inspect.trace, inspect.laws, inspect.replay, inspect.outline, inspect.stream_ledger]
)
def test_what_is_no_loss(function, wrong):
    if isinstance(wrong, str):
        loss = loss_of(net())
        loss.backward()
        wrong = loss if wrong == "freed" else [loss, loss]
    assert hostile.complaint(function, {"loss": wrong}) is None
    with pytest.raises((TypeError, mg.OperationError)):
        function(wrong)


def test_deep_nesting_is_told():
    deep = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deep"):
        mg.save(deep, io.BytesIO())
