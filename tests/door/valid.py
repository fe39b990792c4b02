"""A valid call of every public function: its arguments by name, found from its signature or written down here."""

from __future__ import annotations

import inspect
import io
import itertools
from copy import deepcopy

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F


def ramp(*shape):
    """Different numbers between 0.1 and 1."""
    return mg.tensor(np.linspace(0.1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape))


class Anew:
    """An argument that is made anew for each call, where a copy won't do (a graph is gone after a pass)."""

    def __init__(self, make):
        self.make = make

    def __deepcopy__(self, memo):
        return self.make()


def square(x):
    return x * x


def saved():
    """A file in memory that holds a tensor."""
    file = io.BytesIO()
    mg.save({"w": ramp(2)}, file)
    file.seek(0)
    return file


LEAF = ramp(3).double().requires_grad_()

#: What the functions' first tensor may be; the first one of these that is accepted counts.
INPUTS = [
    ramp(2, 4, 6, 6),
    ramp(2, 4, 6),
    ramp(3, 4),
    ramp(4),
    ramp(4, 4),
    mg.tensor([[True, False], [True, True]]),
    mg.tensor([1, 2, 0, 1]),
]

#: A number for each argument of such a name.
NUMBERS = {
    name: value
    for value, names in (
        (-1, "dim1"),
        (0, "start low dim dim0 axis0 diagonal offset seed mean"),
        (1, "dimension step axis1 shifts length num_samples split_size_or_sections std maxnorm"),
        (2, "k chunks repeats groups num_groups kernel_size upscale_factor downscale_factor scale_factor p exponent"),
        (2, "indices_or_sections norm_type"),
        (3, "n m end"),
        (5, "steps high"),
        (10, "num_classes"),
        (0.5, "threshold q"),
        (0.2, "min"),
        (0.8, "max"),
        (1.0, "fill_value"),
        (1e-5, "eps"),
    )
    for name in names.split()
}

#: Methods that refuse every call: there is no such dtype and no such device.
REFUSED = {"Tensor.bfloat16", "Tensor.cuda"}

#: The arguments of functions that fit no pattern.
BY_HAND = {
    "adaptive_max_pool2d": {"input": ramp(2, 4, 6, 6), "output_size": 2},
    "affine_grid": {"theta": ramp(1, 2, 3), "size": (1, 1, 4, 4)},
    "arange": {"start": 3},
    "baddbmm": {"input": ramp(2, 3, 5), "batch1": ramp(2, 3, 4), "batch2": ramp(2, 4, 5)},
    "backward": {"self": Anew(lambda: (LEAF * 2).sum())},
    "backward_steps": {"loss": Anew(lambda: (LEAF * 2).sum())},
    "bmm": {"input": ramp(2, 3, 4), "mat2": ramp(2, 4, 5)},
    "broadcast_shapes": {"shapes": ((2, 3), (3,))},
    "cat": {"tensors": [ramp(2, 3), ramp(2, 3)]},
    "clamp": {"input": ramp(3, 4), "min": 0.2, "max": 0.8},
    "clip": {"input": ramp(3, 4), "min": 0.2, "max": 0.8},
    "cross": {"input": ramp(2, 3), "other": ramp(2, 3)},
    "cumsum": {"input": ramp(2, 3), "dim": 1},
    "einsum": {"equation": "ij,jk->ik", "operands": (ramp(2, 3), ramp(3, 4))},
    "expand": {"input": ramp(1, 3), "sizes": (2, 3)},
    "fold": {"input": ramp(1, 12, 9), "output_size": (4, 4), "kernel_size": 2},
    "from_array": {"array": np.ones(3)},
    "from_numpy": {"ndarray": np.ones(3)},
    "grad": {"outputs": Anew(lambda: (LEAF * 2).sum()), "inputs": Anew(lambda: LEAF)},
    "gradcheck": {"func": square, "inputs": (LEAF,)},
    "gradgradcheck": {"func": square, "inputs": (LEAF,)},
    "grid_sample": {"input": ramp(1, 2, 4, 4), "grid": ramp(1, 3, 3, 2)},
    "hessian": {"func": lambda x: (x * x).sum(), "x": ramp(3)},
    "hvp": {"func": lambda x: (x * x).sum(), "x": ramp(3), "v": ramp(3)},
    "index_put": {"input": ramp(3, 4), "indices": (mg.tensor([0, 1]),), "values": ramp(2, 4)},
    "index_put_": {"input": ramp(3, 4), "indices": (mg.tensor([0, 1]),), "values": ramp(2, 4)},
    "interpolate": {"input": ramp(2, 3, 4, 4), "size": 8},
    "lerp": {"input": ramp(3, 4), "end": ramp(3, 4), "weight": 0.5},
    "lerp_": {"self": ramp(3, 4), "end": ramp(3, 4), "weight": 0.5},
    "item": {"self": ramp(1)},
    "jacobian": {"func": square, "inputs": ramp(3)},
    "load": {"f": saved()},
    "local_response_norm": {"input": ramp(2, 4, 5, 5), "size": 3},
    "max_unpool2d": {"input": ramp(1, 1, 2, 2), "indices": mg.tensor([[[[0, 2], [8, 10]]]]), "kernel_size": 2},
    "moveaxis": {"input": ramp(2, 3), "source": 0, "destination": 1},
    "movedim": {"input": ramp(2, 3), "source": 0, "destination": 1},
    "permute": {"input": ramp(2, 3), "axes": (1, 0)},
    "randint": {"low": 0, "high": 4, "size": (3,)},
    "randint_like": {"input": ramp(2, 3), "low": 0, "high": 4},
    "register_hook": {"self": ramp(3).requires_grad_(), "hook": abs},
    "register_post_accumulate_grad_hook": {"self": ramp(3).requires_grad_(), "hook": abs},
    "renorm_": {"input": ramp(2, 3), "args": (2.0, 0, 1.0)},
    "retain_grad": {"self": ramp(3).requires_grad_()},
    "reshape": {"input": ramp(2, 3), "sizes": (3, 2)},
    "scatter": {"input": ramp(2, 3), "dim": 0, "index": mg.tensor([[0, 1, 0]]), "src": ramp(2, 3)},
    "scatter_": {"input": ramp(2, 3), "dim": 0, "index": mg.tensor([[0, 1, 0]]), "src": ramp(2, 3)},
    "save": {"obj": {"w": ramp(2)}, "f": "file.pt"},
    "select": {"input": ramp(2, 3), "dim": 0, "index": 1},
    "set_rng_state": {"state": mg.get_rng_state()},
    "softmin": {"input": ramp(2, 3), "dim": 1},
    "stack": {"tensors": [ramp(2, 3), ramp(2, 3)]},
    "log_softmax": {"input": ramp(3, 4), "dim": 1},
    "softmax": {"input": ramp(3, 4), "dim": 1},
    "tril_indices": {"row": 3, "col": 3},
    "triu_indices": {"row": 3, "col": 3},
    "view": {"input": ramp(2, 3), "sizes": (3, 2)},
    "upsample": {"input": ramp(2, 3, 4, 4), "size": 8},
    "upsample_bilinear": {"input": ramp(2, 3, 4, 4), "size": 8},
    "upsample_nearest": {"input": ramp(2, 3, 4, 4), "size": 8},
}


def candidates(name, x):
    """What an argument of this name may be, beside a tensor ``x``."""
    n = x.shape
    channels = ramp(n[1]) if len(n) > 1 else None
    if name in NUMBERS:
        return [NUMBERS[name]]
    return {
        "weight": [ramp(*n[1:2]), ramp(4, n[-1]), ramp(4, *n[1:2], *(3,) * (len(n) - 2)), ramp(5, 6)],
        "bias": [None],
        "target": [x, mg.tensor(np.arange(n[0]) % 3), mg.ones(n[0])],
        "other": [x, 2.0],
        "index": [mg.tensor(np.zeros(n, np.int64)), mg.tensor([0, 1])],
        "output_size": [2, (6, 6)],
        "mask": [x > 0.5],
        "condition": [x > 0.5],
        "value": [1.0, x],
        "shape": [(-1,), (2, 3)],
        "size": [(2, 3), (-1,), 2],
        "sizes": [n, (2, 2)],
        "normalized_shape": [n[-1:]],
        "running_mean": [channels],
        "running_var": [channels],
        "reps": [(2, 2)],
        "indices": [mg.tensor([0, 1])],
        "dims": [(0, 1), tuple(reversed(range(len(n))))],
        "dtype": [mg.float32],
        "pad": [(1, 1)],
        "equation": ["ij->ji"],
        "size_average": [None],
        "boundaries": [mg.tensor([0.1, 0.5])],
        "sorted_sequence": [mg.tensor([0.1, 0.5])],
        "vec": [ramp(n[-1])],
    }.get(name, [x])


def arguments_of(name, function):
    """Arguments that the function accepts, by name; None where none were found."""
    if name in BY_HAND and set(BY_HAND[name]) <= set(inspect.signature(function).parameters):
        return BY_HAND[name]
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    for x in INPUTS:
        options = []
        for p in needed:
            if p.kind is p.VAR_KEYWORD:
                continue
            if p.kind is p.VAR_POSITIONAL:
                options.append([(), (x,), (x, x), (2, 3), (0,)])
            elif p is needed[0]:
                options.append([*candidates(p.name, x), [x, x]])
            else:
                options.append(candidates(p.name, x))
        names = [p.name for p in needed if p.kind is not p.VAR_KEYWORD]
        for values in itertools.product(*options):
            arguments = dict(zip(names, values, strict=True))
            try:
                call(function, arguments)
            except Exception:  # this was no valid call: the next may be
                continue
            return arguments
    return None


def call(function, arguments, of=None):
    """Call a function with copies of arguments by name, as the signature of it (or that ``of`` another) takes them."""
    parameters = inspect.signature(of or function).parameters.values()
    given = deepcopy(arguments)
    starred = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    positional = []
    for p in parameters:
        if p.name in given and (p.kind is p.POSITIONAL_ONLY or (starred and p.kind is p.POSITIONAL_OR_KEYWORD)):
            positional.append(given.pop(p.name))
        elif p.kind is p.VAR_POSITIONAL:
            positional.extend(given.pop(p.name, ()))
    return function(*positional, **given)


def functions():
    """Every public function once, by its name."""
    found = {}
    for module, prefix in ((mg, "mg"), (F, "F")):
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isroutine(function) and function not in found.values():
                found[f"{prefix}.{name}"] = function
    return found


def methods():
    """Every public method of a tensor that isn't one of the functions."""
    known = {id(function) for function in functions().values()}
    found = {}
    for name in dir(mg.Tensor):
        method = inspect.getattr_static(mg.Tensor, name)
        public = not name.startswith("_") or name in ("__getitem__", "__setitem__")
        if public and f"Tensor.{name}" not in REFUSED and inspect.isfunction(method) and id(method) not in known:
            found[f"Tensor.{name}"] = method
    return found
