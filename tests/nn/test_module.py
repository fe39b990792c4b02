"""Modules: what they register, what they show, how they are called and changed."""

from __future__ import annotations

import copy
import functools
import pickle
import threading
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import calls, module


class Block(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * width)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(2 * width, width, bias=False)
        self.register_buffer("mean", mg.zeros(width))
        self.register_buffer("cache", mg.zeros(1), persistent=False)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(3, 4)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.scale = nn.Parameter(mg.ones(1))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + self.scale * block(x)
        return x


NAMES = [
    "scale",
    "stem.weight",
    "stem.bias",
    "blocks.0.fc1.weight",
    "blocks.0.fc1.bias",
    "blocks.0.fc2.weight",
    "blocks.1.fc1.weight",
    "blocks.1.fc1.bias",
    "blocks.1.fc2.weight",
]


def paths_of(loss):
    """The module path that each node of a graph recorded, in forward order."""
    return [step.node.module for step in mg.backward_steps(loss)][::-1]


# -- registering -----------------------------------------------------------------------------------


def test_parameters_come_in_the_order_of_registration():
    assert [name for name, _ in Net().named_parameters()] == NAMES
    assert [p.shape for p in Block().parameters()] == [(8, 4), (8,), (4, 8)]


def test_prefix_and_recurse():
    net = Net()
    assert [name for name, _ in net.named_parameters(prefix="net", recurse=False)] == ["net.scale"]
    assert next(iter(net.named_parameters("net")))[0] == "net.scale"
    assert [name for name, _ in net.named_buffers()] == [
        f"blocks.{i}.{name}" for i in range(2) for name in ("mean", "cache")
    ]


def test_modules_children_and_paths():
    net = Net()
    assert [name for name, _ in net.named_children()] == ["stem", "blocks"]
    names = [name for name, _ in net.named_modules()]
    assert names[:5] == ["", "stem", "blocks", "blocks.0", "blocks.0.fc1"]
    assert list(net.modules())[0] is net
    assert net.get_submodule("blocks.1.fc2") is net.blocks[1].fc2
    assert net.get_submodule("") is net
    assert net.get_parameter("blocks.1.fc2.weight") is net.blocks[1].fc2.weight
    assert net.get_buffer("blocks.0.mean") is net.blocks[0].mean


def test_a_wrong_path_names_what_is_there():
    net = Net()
    with pytest.raises(AttributeError, match="Block has no submodule 'fc3'; it has fc1, act, fc2"):
        net.get_submodule("blocks.0.fc3")
    with pytest.raises(AttributeError, match="Linear has no parameter 'kernel'; it has weight, bias"):
        net.get_parameter("stem.kernel")


def test_shared_weights_count_once():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert [name for name, _ in net.named_parameters(remove_duplicate=False)] == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
    ]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    layer = nn.Linear(2, 2)
    twice = nn.Sequential(layer, layer)
    assert len(list(twice.parameters())) == 2
    assert [name for name, _ in twice.named_modules(remove_duplicate=False)] == ["", "0", "1"]


def test_assigning_keeps_one_owner_of_a_name():
    net = nn.Module()
    net.thing = 3
    net.thing = nn.Parameter(mg.zeros(2))
    assert list(net._parameters) == ["thing"]
    net.thing = nn.Linear(1, 1)
    assert not net._parameters
    assert list(net._modules) == ["thing"]
    with pytest.raises(TypeError, match="Module.thing must be a Module or None, not str"):
        net.thing = "text"
    net.thing = None
    assert net.thing is None
    del net.thing
    with pytest.raises(AttributeError, match="'Module' object has no attribute 'thing'"):
        _ = net.thing
    net.thing = "text"
    assert net.thing == "text"


def test_the_tables_of_pytorch_are_views_of_the_attributes():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net._modules["1"] = nn.Tanh()
    assert isinstance(net[1], nn.Tanh)
    net._modules.update(extra=nn.Sigmoid())
    assert net.extra is net[2]
    assert net._modules.pop("extra") is not None
    assert not hasattr(net, "extra")
    net[0]._parameters["bias"] = None
    assert net[0].bias is None
    assert [name for name, _ in net.named_parameters()] == ["0.weight"]
    with pytest.raises(KeyError):
        net._parameters["0"]
    with pytest.raises(KeyError):
        del net._buffers["0"]
    assert repr(net[0]._buffers) == "{}"


def test_a_parameter_keeps_its_place_when_it_is_replaced():
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(mg.zeros(2, 2))
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    with pytest.raises(TypeError, match="Linear.weight must be an nn.Parameter or None, not Tensor"):
        layer.weight = mg.zeros(2, 2)


def test_buffers_are_replaced_by_tensors():
    block = Block()
    block.mean = mg.ones(4)
    assert block._buffers["mean"].sum().item() == 4
    with pytest.raises(TypeError, match="Block.mean must be a tensor or None, not float"):
        block.mean = 1.0
    block.mean = None
    assert "mean" not in block.state_dict()
    del block.cache
    assert not block._non_persistent


def test_what_can_not_be_registered():
    net = nn.Module()
    with pytest.raises(TypeError, match="wrap it in nn.Parameter"):
        net.register_parameter("w", mg.zeros(1))
    computed = nn.Parameter(mg.zeros(1))
    computed.node = (computed * 2).node
    with pytest.raises(ValueError, match=r"was computed by Mul#\d+"):
        net.register_parameter("w", computed)
    with pytest.raises(TypeError, match="must be a tensor or None, not list"):
        net.register_buffer("b", [1.0])
    with pytest.raises(TypeError, match="must be a Module or None, not function"):
        net.add_module("m", lambda x: x)
    with pytest.raises(KeyError, match="must not be empty or contain a dot"):
        net.add_module("a.b", nn.ReLU())
    with pytest.raises(KeyError, match="has an attribute 'forward' already"):
        net.register_buffer("forward", mg.zeros(1))
    with pytest.raises(TypeError, match="a name must be a string"):
        net.register_parameter(3, None)


def test_super_init_left_out():
    class Forgetful(nn.Module):
        def __init__(self, what):
            self.part = what

    for what in (nn.Linear(1, 1), nn.Parameter(mg.zeros(1))):
        with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) first"):
            Forgetful(what)
    with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) first"):
        Forgetful(3).register_buffer("b", None)
    used = (
        lambda net: net.weight,
        lambda net: net(1),
        lambda net: list(net.parameters()),
        repr,
        nn.Module.train,
        nn.Module.state_dict,
    )
    for use in used:
        with pytest.raises(AttributeError, match=r"call super\(\).__init__\(\) first"):
            use(Forgetful(3))
    assert Forgetful(3).part == 3


def test_getattr_may_be_asked_directly():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv0 = nn.Linear(1, 1)

        def __getattr__(self, name):
            return "mine" if name == "extra" else super().__getattr__(name)

    net = Net()
    assert net.__getattr__("conv0") is net.conv0
    assert net.extra == "mine"
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'conv1'"):
        net.__getattr__("conv1")


def test_dir_lists_what_is_registered():
    assert {"fc1", "act", "mean", "forward", "training"} <= set(dir(Block()))
    assert "0" not in dir(nn.Sequential(nn.ReLU()))


# -- calling ---------------------------------------------------------------------------------------


def test_nodes_know_the_module_that_made_them():
    net = Net()
    loss = net(mg.ones(1, 3)).sum()
    assert paths_of(loss) == [
        "stem",
        *("blocks.0.fc1", "blocks.0.act", "blocks.0.fc2", "", ""),
        *("blocks.1.fc1", "blocks.1.act", "blocks.1.fc2", "", ""),
        "",
    ]


def test_a_submodule_called_directly_keeps_its_path():
    net = Net()
    net(mg.ones(1, 3))
    assert net.blocks[1](mg.ones(1, 4)).node.module == "blocks.1.fc2"


def test_paths_follow_a_change_of_structure():
    net = Net()
    net(mg.ones(1, 3))
    inner = net.blocks[1]
    net.blocks = nn.ModuleList([inner])
    assert net(mg.ones(1, 3)).node.inputs[1].node.inputs[1].node.module == "blocks.0.fc2"
    outer = nn.Sequential(nn.Linear(3, 3), net)
    assert paths_of(outer(mg.ones(1, 3)).sum())[:2] == ["0", "1.stem"]


def test_a_module_that_no_one_registered_runs_under_its_callers_path():
    class Loose(nn.Module):
        def forward(self, x):
            return nn.Hardtanh()(x)

    net = nn.Sequential(Loose())
    assert net(mg.ones(1, requires_grad=True)).node.module == "0"


def test_paths_belong_to_the_thread():
    net, found = Net(), []
    net(mg.ones(1, 3))

    class Watched(nn.Module):
        def forward(self, x):
            worker = threading.Thread(target=lambda: found.append((x * 2).node.module))
            worker.start()
            worker.join()
            return x * 3

    wrapped = nn.Sequential(Watched())
    assert wrapped(mg.ones(1, requires_grad=True)).node.module == "0"
    assert found == [""]


def test_the_path_is_taken_back_after_an_error():
    net = nn.Sequential(nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        net(mg.ones(1, 2))
    assert (mg.ones(1, requires_grad=True) * 2).node.module == ""


def test_forward_has_to_be_written():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)


# -- changing --------------------------------------------------------------------------------------


def test_train_and_eval_reach_everything():
    net = Net()
    assert net.training
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())
    with pytest.raises(ValueError, match="takes True or False, not 'yes'"):
        net.train("yes")


def test_zero_grad_and_requires_grad():
    net = Net()
    net(mg.ones(1, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert not any(p.grad.array.any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(mg.ones(1, 3)).requires_grad


def test_apply_visits_children_first():
    seen = []
    net = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential"]


def test_to_converts_floating_point_only():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    weight = net[0].weight
    net(mg.ones(3, 2)).sum().backward()
    assert net.to(mg.float64) is net
    assert net[0].weight is weight
    assert weight.dtype == weight.grad.dtype == net[1].running_mean.dtype == np.float64
    assert net[1].num_batches_tracked.dtype == np.int64
    assert net.to("cpu").float()[0].weight.dtype == np.float32
    assert net.double()[0].weight.dtype == net.to(mg.zeros(1, dtype=mg.float64))[1].weight.dtype == np.float64
    assert net.half()[0].weight.dtype == np.float16
    assert net.cpu() is net
    with pytest.raises(TypeError, match="must be a floating-point one, not int64"):
        net.to(dtype=mg.int64)
    for ask in (lambda: net.to("cuda"), net.cuda, lambda: net.to(device="cuda:0")):
        with pytest.raises(RuntimeError, match="CPU only"):
            ask()


def test_tables_are_read_and_emptied_as_dictionaries():
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Tanh())
    assert list(reversed(net._modules)) == ["2", "1", "0"]
    assert next(reversed(net._modules.values())) is net[2]
    assert net._modules.popitem()[0] == "2"
    assert net._modules.copy() == {"0": net[0], "1": net[1]}
    assert len(net) == 2
    net._modules.clear()
    with pytest.raises(KeyError):
        net._modules.popitem()


def test_gradients_can_be_set_to_zero_in_place():
    layer = nn.Linear(2, 1)
    layer(mg.ones(1, 2)).sum().backward()
    before = layer.weight.grad
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad is before
    assert before.tolist() == [[0, 0]]


# -- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent_and_keep_ties(twin_of):
    net = Net()
    net.blocks[1].fc1.weight = net.blocks[0].fc1.weight
    x = mg.ones(1, 3)
    y = net(x)
    twin = twin_of(net)
    np.testing.assert_array_equal(twin(x).array, y.array)
    assert twin.blocks[1].fc1.weight is twin.blocks[0].fc1.weight
    twin.stem.weight.array[...] = 0
    np.testing.assert_array_equal(net(x).array, y.array)
    assert isinstance(twin.scale, nn.Parameter)


def test_a_copy_of_a_part_is_a_root_of_its_own():
    net = Net()
    net(mg.ones(1, 3))
    twin = copy.deepcopy(net.blocks[1])
    assert twin(mg.ones(1, 4)).node.module == "fc2"


def test_a_wrapper_that_passes_attributes_on_can_be_copied():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.module, name)

    twin = copy.deepcopy(Wrapper(nn.Linear(3, 2)))
    assert twin.in_features == 3


def test_a_copied_parameter_starts_without_a_gradient():
    net = nn.Linear(2, 1)
    net(mg.ones(1, 2)).sum().backward()
    assert copy.deepcopy(net).weight.grad is None
    assert net.weight.grad is not None


def test_a_shallow_copy_has_a_register_of_its_own():
    layer = nn.Linear(2, 1)
    twin = copy.copy(layer)
    assert twin.weight is layer.weight
    del twin.bias
    twin.act = nn.ReLU()
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    assert list(layer.named_modules()) == [("", layer)]


# -- what it looks like ----------------------------------------------------------------------------


def test_repr_is_that_of_pytorch():
    assert repr(Net()) == (
        "Net(\n"
        "  (stem): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (blocks): ModuleList(\n"
        "    (0-1): 2 x Block(\n"
        "      (fc1): Linear(in_features=4, out_features=8, bias=True)\n"
        "      (act): ReLU()\n"
        "      (fc2): Linear(in_features=8, out_features=4, bias=False)\n"
        "    )\n"
        "  )\n"
        ")"
    )


def test_repr_with_settings_and_children():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.ReLU()

        def extra_repr(self):
            return "depth=3"

    assert repr(Both()) == "Both(\n  depth=3\n  (act): ReLU()\n)"


def test_parameter_shows_and_takes():
    p = nn.Parameter(mg.zeros(2))
    assert str(p) == "Parameter containing:\ntensor([0., 0.], requires_grad=True)"
    assert repr(p).startswith("Parameter(")
    assert type(p * 2) is mg.Tensor
    shared = mg.zeros(2, dtype=mg.float64)
    assert nn.Parameter(shared).array is shared.array
    assert nn.Parameter([1.0]).dtype == np.float32
    assert not nn.Parameter(mg.arange(3), requires_grad=False).requires_grad
    with pytest.raises(RuntimeError, match="only floating-point tensors can be learnt, this one is int64"):
        nn.Parameter(mg.arange(3))


# -- names and lines of nodes ----------------------------------------------------------------------


def test_two_models_that_share_a_layer_each_name_it_their_way():
    shared = nn.Linear(4, 4)
    named, listed = nn.Sequential(OrderedDict(stem=shared)), nn.Sequential(shared)
    for _ in range(2):
        assert named(mg.ones(1, 4)).node.module == "stem"
        assert listed(mg.ones(1, 4)).node.module == "0"


class Doubled(nn.Residual):
    def forward(self, x):
        y = self.branch(x)
        return y * 2


def scaled(forward):
    @functools.wraps(forward)
    def wrapper(self, x):
        y = forward(self, x)
        return y * 3

    return wrapper


class Tripled(nn.Linear):
    forward = scaled(nn.Linear.forward)


def patched():
    layer = nn.Linear(4, 4)
    own = layer.forward

    def forward(x):
        y = own(x)
        return y * 5

    layer.forward = forward
    return layer


def test_models_that_share_nothing_are_named_once(monkeypatch):
    walks = []
    name_modules = calls.name_modules
    monkeypatch.setattr(module, "name_modules", lambda m: walks.append(m) or name_modules(m))
    teacher, student = (nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(2))
    for _ in range(3):
        teacher(student(mg.ones(1, 2)))
    assert walks == [student, teacher]


@pytest.mark.parametrize("wrap", [nn.Sequential, lambda m: nn.ModuleList([m])])
def test_repr_of_300_nested_modules(wrap):
    net = nn.Identity()
    for _ in range(300):
        net = wrap(net)
    assert repr(net).count("\n") == 600


def test_a_distance_of_the_users_gives_its_own_line():
    made = []

    def distance(a, b):
        y = (a - b).abs().sum(1)
        made.append(y)
        return y

    nn.TripletMarginWithDistanceLoss(distance_function=distance)(*mg.rand(3, 2, 4, requires_grad=True))
    assert {y.node.source.text for y in made} == {"y = (a - b).abs().sum(1)"}


def users(x):
    y = x.sigmoid()
    made.append(y)
    return y


made = []


@pytest.mark.parametrize(
    "layer",
    [
        nn.Residual(users),
        nn.Residual(nn.Identity(), after=users),
        nn.SkipConcat(users),
        nn.Highway(nn.Identity(), users),
        nn.StochasticDepth(users, 0.0),
        nn.OrthogonalResidual(users),
        nn.DeltaResidual(users, 4),
        nn.HyperConnection(users, streams=2, dim=4),
        nn.TransformerEncoderLayer(4, 1, 4, activation=users),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_function_of_the_users_gives_its_own_line(layer):
    made.clear()
    net = nn.Sequential(layer)
    shape = (2, 3, 4) if isinstance(layer, nn.TransformerEncoderLayer) else (2, 4)
    net(mg.rand(*shape, requires_grad=True))
    assert {y.node.source.text for y in made} == {"y = x.sigmoid()"}


def test_a_function_that_is_given_later_too():
    made.clear()
    layer = nn.Residual(nn.functional.relu)
    net, x = nn.Sequential(layer), mg.rand(2, 4, requires_grad=True)
    assert net(x).node.source.text.startswith("assert net(x)")
    layer.branch = users
    net(x)
    assert {y.node.source.text for y in made} == {"y = x.sigmoid()"}


@pytest.mark.parametrize(
    ("layer", "line"),
    [(Doubled(nn.Linear(4, 4)), "return y * 2"), (Tripled(4, 4), "return y * 3"), (patched(), "return y * 5")],
)
def test_a_forward_of_the_users_gives_its_own_lines(layer, line):
    assert nn.Sequential(layer)(mg.ones(1, 4)).node.source.text == line
