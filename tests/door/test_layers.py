"""Every public layer, made with hostile settings and called with hostile inputs: no raw error."""

from __future__ import annotations

import functools
import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import models, nn, skip
from minigrad.nn import init

from . import hostile, layers, peer, valid
from .valid import ramp

#: The classes that say of themselves that there are no volumes, and the base class.
NO_LAYERS = {"Module", *(name for name in nn.__all__ if name.endswith("3d"))}
LAYERS = [name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and name not in NO_LAYERS]
#: Whose names stand for (*args), so that a hostile value is one of them beside those that are there.
STARRED = {"RNN": "RNNBase", "LSTM": "RNNBase", "GRU": "RNNBase"}


#: What a function of the user's raises is the user's: here ``len``, which knows no modules, or a number in its place.
USERS = {"apply": "fn=function", "HyperConnection": "branch=function"}


def complaints(name, function, arguments):
    """The complaints, but for those that are the user's function's own."""
    found = hostile.complaints(function, arguments)
    return [each for each in found if not each.startswith(USERS.get(name, "nothing at all"))]


def use(name):
    return layers.USES.get(name, ({}, (layers.IMAGE,)))


def made_and_called(name):
    """A function with the layer's settings that makes one, shows it, and calls it."""
    cls = getattr(nn, name)
    inputs = use(name)[1]

    @functools.wraps(cls, updated=())
    def run(*args, **settings):
        layer = cls(*args, **settings)
        repr(layer)
        return layer if inputs is None else layer(*inputs)

    run.__signature__ = inspect.signature(getattr(nn, STARRED.get(name, name)))
    if name in STARRED:
        kept = [p for p in run.__signature__.parameters.values() if p.name != "mode"]
        run.__signature__ = run.__signature__.replace(parameters=kept)
    return run


@pytest.mark.parametrize("name", LAYERS)
def test_settings(name):
    found = complaints(name, made_and_called(name), use(name)[0])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("name", LAYERS)
def test_settings_that_pytorch_refuses_are_refused(name):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name, None)
    if theirs is None:
        pytest.skip("PyTorch has no such layer")
    settings, inputs = use(name)

    def run(*args, **settings):
        layer = theirs(*args, **settings)
        return layer if inputs is None else layer(*(peer.translated(torch, x) for x in inputs))

    found = peer.looser(torch, f"nn.{name}", made_and_called(name), settings, run)
    assert not found, f"minigrad accepts and PyTorch doesn't: {', '.join(found)}"


@pytest.mark.parametrize("name", [name for name in LAYERS if use(name)[1] is not None])
def test_inputs(name):
    settings, inputs = use(name)
    layer = valid.call(getattr(nn, name), settings)
    signature = inspect.signature(layer.forward)

    def forward(*args, **kwargs):
        return layer(*args, **kwargs)

    forward.__signature__ = signature
    first = next(iter(signature.parameters.values()))
    if first.kind is first.VAR_POSITIONAL:
        arguments = {first.name: inputs}
    else:
        arguments = dict(zip(signature.parameters, inputs, strict=False))
    found = hostile.complaints(forward, arguments)
    assert not found, "\n" + "\n".join(found)


FUNCTIONS = {
    **{f"init.{name}": (getattr(init, name), {"tensor": ramp(4, 4)}) for name in init.__all__ if name.endswith("_")},
    "init.calculate_gain": (init.calculate_gain, {"nonlinearity": "leaky_relu", "param": 0.1}),
    "init.constant_": (init.constant_, {"tensor": ramp(4, 4), "val": 1.0}),
    "init.dirac_": (init.dirac_, {"tensor": ramp(4, 4, 3)}),
    "init.sparse_": (init.sparse_, {"tensor": ramp(4, 4), "sparsity": 0.5}),
    "skip.fork": (skip.fork, {"x": ramp(2)}),
    "skip.residual_add": (skip.residual_add, {"skip": ramp(2, 2), "branch": ramp(2, 2)}),
    "skip.skip_concat": (skip.skip_concat, {"skip": ramp(2, 2), "branch": ramp(2, 2)}),
    "skip.highway_gate": (skip.highway_gate, {"skip": ramp(2, 2), "branch": ramp(2, 2), "t": ramp(2, 2)}),
    "skip.depth_mix": (skip.depth_mix, {"values": [ramp(2), ramp(2)], "weights": ramp(2)}),
    "skip.stream_mix": (skip.stream_mix, {"H": ramp(2, 2), "X": ramp(2, 2)}),
    "skip.to_streams": (skip.to_streams, {"x": ramp(2, 2), "n": 2}),
    "skip.from_streams": (skip.from_streams, {"X": ramp(2, 2)}),
    "skip.delta_shortcut": (skip.delta_shortcut, {"x": ramp(2, 2), "k": ramp(2, 2), "beta": ramp(1)}),
    "skip.orthogonal_add": (skip.orthogonal_add, {"skip": ramp(2, 2), "branch": ramp(2, 2)}),
    "skip.stochastic_add": (skip.stochastic_add, {"skip": ramp(2, 2), "branch": ramp(2, 2), "m": np.ones(2)}),
    "skip.reversible_chain": (skip.reversible_chain, {"x1": ramp(2, 2), "x2": ramp(2, 2), "blocks": []}),
    "utils.clip_grad_norm_": (nn.utils.clip_grad_norm_, {"parameters": [ramp(2)], "max_norm": 1.0}),
    "utils.clip_grad_value_": (nn.utils.clip_grad_value_, {"parameters": [ramp(2)], "clip_value": 1.0}),
    "utils.get_total_norm": (nn.utils.get_total_norm, {"tensors": [ramp(2)]}),
    "utils.parameters_to_vector": (nn.utils.parameters_to_vector, {"parameters": [ramp(2)]}),
    "utils.vector_to_parameters": (nn.utils.vector_to_parameters, {"vec": ramp(2), "parameters": [ramp(2)]}),
    "utils.weight_norm": (nn.utils.weight_norm, {"module": nn.Linear(2, 2)}),
    "utils.spectral_norm": (nn.utils.spectral_norm, {"module": nn.Linear(2, 2)}),
    "utils.remove_weight_norm": (nn.utils.remove_weight_norm, {"module": nn.Linear(2, 2)}),
    "utils.remove_spectral_norm": (nn.utils.remove_spectral_norm, {"module": nn.Linear(2, 2)}),
    "rnn.pack_padded_sequence": (nn.utils.rnn.pack_padded_sequence, {"input": ramp(3, 2, 1), "lengths": [3, 2]}),
    "rnn.pad_packed_sequence": (
        nn.utils.rnn.pad_packed_sequence,
        {"sequence": nn.utils.rnn.pack_padded_sequence(ramp(3, 2, 1), [3, 2])},
    ),
    "rnn.pad_sequence": (nn.utils.rnn.pad_sequence, {"sequences": [ramp(2), ramp(3)]}),
    "rnn.unpad_sequence": (nn.utils.rnn.unpad_sequence, {"padded_sequences": ramp(3, 2), "lengths": [3, 2]}),
    "rnn.pack_sequence": (nn.utils.rnn.pack_sequence, {"sequences": [ramp(3), ramp(2)]}),
    "rnn.unpack_sequence": (
        nn.utils.rnn.unpack_sequence,
        {"packed_sequences": nn.utils.rnn.pack_padded_sequence(ramp(3, 2, 1), [3, 2])},
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_initialisers_joins_and_helpers(name):
    found = hostile.complaints(*FUNCTIONS[name])
    assert not found, "\n" + "\n".join(found)


METHODS = {
    "add_module": {"name": "a", "module": nn.ReLU()},
    "apply": {"fn": id},
    "get_buffer": {"target": "running_mean"},
    "get_parameter": {"target": "weight"},
    "get_submodule": {"target": ""},
    "load_state_dict": {"state_dict": nn.BatchNorm1d(2).state_dict()},
    "register_buffer": {"name": "a", "tensor": ramp(2)},
    "register_forward_hook": {"hook": id},
    "register_forward_pre_hook": {"hook": id},
    "register_full_backward_hook": {"hook": id},
    "register_full_backward_pre_hook": {"hook": id},
    "register_module": {"name": "a", "module": nn.ReLU()},
    "register_parameter": {"name": "a", "param": nn.Parameter(ramp(2))},
    "requires_grad_": {},
    "to": {},
    "train": {},
    "zero_grad": {},
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_a_module(name):
    def call(*args, **kwargs):
        return getattr(nn.BatchNorm1d(2), name)(*args, **kwargs)

    call.__signature__ = inspect.signature(getattr(nn.BatchNorm1d(2), name))
    found = complaints(name, call, METHODS[name])
    assert not found, "\n" + "\n".join(found)


TOKENS = mg.tensor([[1, 2, 3]])
MODELS = {
    "CapsuleNet": ({}, ramp(1, 1, 8, 8)),
    "DenseNet": ({"depth": 10, "growth": 4}, ramp(1, 3, 8, 8)),
    "Detector": ({"num_classes": 2, "depth": 8}, ramp(1, 3, 32, 32)),
    "FCN": ({"width": 4}, ramp(1, 1, 32, 32)),
    "GPT": ({"vocab_size": 5, "block_size": 4, "layers": 1}, TOKENS),
    "PrefixGPT": ({"base": models.GPT(5, 4, 1), "length": 1}, TOKENS),
    "UNet": ({"width": 2}, ramp(1, 1, 16, 16)),
    "resnet": ({"depth": 8, "width": 4}, ramp(1, 3, 8, 8)),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    make, (settings, input) = getattr(models, name), MODELS[name]

    def run(*args, **kwargs):
        return make(*args, **kwargs)(input)

    run.__signature__ = inspect.signature(make)
    model = valid.call(make, settings)

    def forward(*args, **kwargs):
        return model(*args, **kwargs)

    forward.__signature__ = inspect.signature(model.forward)
    first = next(iter(forward.__signature__.parameters))
    found = hostile.complaints(run, settings) + hostile.complaints(forward, {first: input})
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nn.Linear(2.5, 2), r"Linear: in_features must be an integer of at least 0, and is 2\.5"),
        (lambda: nn.MultiheadAttention(0, 2), "MultiheadAttention: embed_dim must be an integer of at least 1"),
        (lambda: nn.Linear(10**9, 10**9), "takes 4,000,000,000,000,000,000 bytes"),
        (lambda: nn.Residual(3), "Residual: branch must be a function, and is 3"),
        (lambda: nn.ReLU().register_forward_hook(3), "hook must be a function, and is 3"),
        (lambda: init.normal_(np.ones(3)), "normal_: tensor must be a tensor"),
        (lambda: init.normal_(np.ones(3).data), "normal_: tensor must be a tensor"),
        (lambda: init.trunc_normal_(ramp(3), float("nan")), "trunc_normal_: hardly a draw|mean must be"),
    ],
)
def test_messages(make, said):
    with pytest.raises((TypeError, ValueError, MemoryError), match=said):
        make()


def test_the_repr_of_300_nested_modules():
    net = nn.ReLU()
    for _ in range(300):
        net = nn.Sequential(net)
    assert repr(net).count("Sequential(") == 300


def test_a_missing_layer_says_its_name_and_what_comes_nearest():
    with pytest.raises(AttributeError, match="no 'Conv2D'; what comes nearest is Conv2d"):
        nn.Conv2D  # noqa: B018
    assert mg.nn is nn
