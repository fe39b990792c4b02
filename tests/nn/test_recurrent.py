"""Recurrent layers and cells: PyTorch's values, gradients, names and messages; what holds exactly without it."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn
from minigrad.nn.utils import rnn

SETTINGS = [
    {},
    {"num_layers": 2},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "bias": False},
    {"batch_first": True, "num_layers": 3},
]
KINDS = ["RNN", "LSTM", "GRU"]


def twins(kind, **settings):
    """A layer of ours and PyTorch's with the same weights, in float64."""
    torch = pytest.importorskip("torch")
    mg.manual_seed(0)
    ours = getattr(nn, kind)(3, 4, **settings).double()
    theirs = getattr(torch.nn, kind)(3, 4, **settings).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert str(ours) == str(theirs)
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            p.copy_(torch.from_numpy(ours.get_parameter(name).array))
    return torch, ours, theirs


def close(a, b):
    np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-10, atol=1e-12)


def parts(y):
    """All tensors of an output, nested or not."""
    return [t for part in y for t in (parts(part) if isinstance(part, tuple) else [part])]


def compare(torch, ours, theirs, x, hx=None):
    """Outputs and all gradients, under random cotangents."""
    rng = np.random.default_rng(1)
    states = [] if hx is None else list(hx) if isinstance(hx, tuple) else [hx]
    mine = [mg.from_numpy(a.copy()).requires_grad_() for a in (x, *states)]
    other = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, *states)]

    def given(tensors):
        return () if hx is None else (tuple(tensors[1:]) if isinstance(hx, tuple) else tensors[1],)

    ys, ts = parts(ours(mine[0], *given(mine))), parts(theirs(other[0], *given(other)))
    total, expected = 0, 0
    for y, t in zip(ys, ts, strict=True):
        assert y.shape == tuple(t.shape)
        close(y, t)
        g = rng.standard_normal(y.shape)
        total, expected = total + (y * mg.from_numpy(g)).sum(), expected + (t * torch.from_numpy(g)).sum()
    total.backward()
    expected.backward()
    for a, b in zip(mine, other, strict=True):
        close(a.grad, b.grad)
    for name, p in theirs.named_parameters():
        close(ours.get_parameter(name).grad, p.grad)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_pytorchs(kind, settings):
    torch, ours, theirs = twins(kind, **settings)
    rng = np.random.default_rng(0)
    shape = (2, 5, 3) if settings.get("batch_first") else (5, 2, 3)
    compare(torch, ours, theirs, rng.standard_normal(shape))
    count = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    h, c = rng.standard_normal((2, count, 2, 4))
    compare(torch, ours, theirs, rng.standard_normal(shape), (h, c) if kind == "LSTM" else h)
    h, c = rng.standard_normal((2, count, 4))
    compare(torch, ours, theirs, rng.standard_normal((5, 3)), (h, c) if kind == "LSTM" else h)


def test_relu_and_projection():
    torch, ours, theirs = twins("RNN", nonlinearity="relu")
    compare(torch, ours, theirs, np.random.default_rng(0).standard_normal((5, 2, 3)))
    torch, ours, theirs = twins("LSTM", proj_size=2, num_layers=2, bidirectional=True)
    compare(torch, ours, theirs, np.random.default_rng(0).standard_normal((5, 2, 3)))


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_are_pytorchs(kind):
    torch, ours, theirs = twins(kind)
    rng = np.random.default_rng(0)
    for shape in ((2,), ()):
        h, c = rng.standard_normal((2, *shape, 4))

        def step(net):
            def run(x, *states):
                y = net(x, *states)
                return y if isinstance(y, tuple) else (y,)

            return run

        for hx in (None, (h, c) if kind == "LSTMCell" else h):
            ours.zero_grad(), theirs.zero_grad()
            wrapped = [step(net) for net in (ours, theirs)]
            for mine, net in zip(wrapped, (ours, theirs), strict=True):
                mine.named_parameters, mine.get_parameter = net.named_parameters, net.get_parameter
            compare(torch, *wrapped, rng.standard_normal((*shape, 3)), hx)


@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_are_pytorchs(kind, enforce_sorted):
    torch, ours, theirs = twins(kind, num_layers=2, bidirectional=True, batch_first=True)
    x = np.random.default_rng(0).standard_normal((4, 5, 3))
    lengths = [5, 3, 3, 1] if enforce_sorted else [3, 5, 1, 3]
    h, c = np.random.default_rng(2).standard_normal((2, 4, 4, 4))

    def run(net, module):
        def of(x, *hx):
            packed = module.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=enforce_sorted)
            y, last = net(packed, *hx)
            padded, long = module.pad_packed_sequence(y, batch_first=True, padding_value=-1.0, total_length=6)
            assert long.tolist() == lengths
            assert y.batch_sizes.tolist() == [4, 3, 3, 1, 1]
            return padded, last

        of.named_parameters, of.get_parameter = net.named_parameters, net.get_parameter
        return of

    both = run(ours, rnn), run(theirs, torch.nn.utils.rnn)
    compare(torch, *both, x)
    ours.zero_grad(), theirs.zero_grad()
    compare(torch, *both, x, (h, c) if kind == "LSTM" else h)


def test_padding_and_packing_lists():
    torch = pytest.importorskip("torch")
    long = [3, 1, 2]
    mine = [mg.arange(n * 2).reshape(n, 2).float() + 10 * n for n in long]
    other = [torch.arange(n * 2).reshape(n, 2).float() + 10 * n for n in long]
    for settings in ({}, {"batch_first": True}, {"padding_value": 7.0, "padding_side": "left"}):
        theirs = torch.nn.utils.rnn.pad_sequence(other, **settings)
        assert rnn.pad_sequence(mine, **settings).tolist() == theirs.tolist()
    packed, expected = (m.pack_sequence(s, enforce_sorted=False) for m, s in ((rnn, mine), (torch.nn.utils.rnn, other)))
    for a, b in zip(packed, expected, strict=True):
        assert a.tolist() == b.tolist()
    for a, b in zip(rnn.unpack_sequence(packed), mine, strict=True):
        assert a.tolist() == b.tolist()


def test_a_layer_is_its_cell_in_a_loop():
    """No PyTorch needed: LSTM against LSTMCell, step by step."""
    mg.manual_seed(0)
    layer, cell = nn.LSTM(3, 4), nn.LSTMCell(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in layer.state_dict().items()})
    x = mg.randn(6, 2, 3)
    outputs, (h, c) = layer(x)
    state = None
    for t in range(6):
        state = cell(x[t], state)
        assert (state[0] == outputs[t]).all()
    assert (state[0] == h[0]).all()
    assert (state[1] == c[0]).all()


def test_dropout_acts_between_layers_in_training_only():
    mg.manual_seed(0)
    layer = nn.GRU(3, 4, num_layers=2, dropout=0.5)
    x = mg.randn(6, 2, 3)
    assert not (layer(x)[0] == layer(x)[0]).all()
    layer.eval()
    assert (layer(x)[0] == layer(x)[0]).all()
    with pytest.warns(UserWarning, match="nothing is dropped"):
        nn.GRU(3, 4, dropout=0.5)


def test_initial_values_are_within_pytorchs_bound():
    mg.manual_seed(0)
    for p in nn.LSTM(3, 16).parameters():
        assert abs(p.array).max() <= 0.25
    assert abs(nn.LSTM(3, 16).weight_hh_l0.array).max() > 0.24


# --- what holds exactly -------------------------------------------------------------------------------------


def test_the_cell_states_direct_way_carries_the_product_of_the_forget_gates():
    """E15: dc_T/dc_0 over skips alone is the product of all f; with all routes, what backward gives."""
    mg.manual_seed(0)
    layer = nn.LSTM(3, 4).double()
    x, h = mg.randn(7, 2, 3, dtype=mg.float64), mg.zeros(1, 2, 4, dtype=mg.float64)
    c = mg.randn(1, 2, 4, dtype=mg.float64, requires_grad=True)
    _, (_, last) = layer(x, (h, c))
    g = mg.randn(1, 2, 4, dtype=mg.float64)
    loss = (last * g).sum()
    forget = np.ones((2, 4))
    for step in mg.backward_steps(loss, retain_graph=True):
        if type(step.node).__name__ == "LSTMCell":
            forget = forget * step.node.f
    paths = inspect.path_lengths(loss, wrt=c)
    np.testing.assert_allclose(paths.gradients[0][0], g.array[0] * forget, rtol=1e-12)
    (whole,) = mg.grad(loss, c, retain_graph=True)
    np.testing.assert_allclose(paths.total, whole.array, rtol=1e-12)
    assert paths.counts[0] == 1
    assert abs(paths.gradients[2]).max() > 0  # through h and the gates of a later step


def test_an_open_forget_gate_with_bias_1_keeps_0_731_a_step():
    """E15: with weights 0 and forget bias 1, exactly sigmoid(1)^T."""
    cell = nn.LSTMCell(1, 1).double()
    for p in cell.parameters():
        p.array[...] = 0
    cell.bias_hh.array[1] = 1.0
    c = c0 = mg.ones(1, 1, dtype=mg.float64, requires_grad=True)
    h = mg.zeros(1, 1, dtype=mg.float64)
    for _ in range(20):
        h, c = cell(mg.zeros(1, 1, dtype=mg.float64), (h, c))
    (g,) = mg.grad(c.sum(), c0)
    assert g.item() == pytest.approx((1 / (1 + np.exp(-1))) ** 20, rel=1e-12)


def test_a_grus_direct_way_carries_the_product_of_the_update_gates():
    """F13, in PyTorch's writing: h' = (1 - z) n + z h, so the direct way carries z."""
    mg.manual_seed(0)
    layer = nn.GRU(3, 4).double()
    h = mg.randn(1, 2, 4, dtype=mg.float64, requires_grad=True)
    _, last = layer(mg.randn(6, 2, 3, dtype=mg.float64), h)
    g = mg.randn(1, 2, 4, dtype=mg.float64)
    loss = (last * g).sum()
    update = np.ones((2, 4))
    for step in mg.backward_steps(loss, retain_graph=True):
        if type(step.node).__name__ == "GRUCell":
            update = update * step.node.u
    paths = inspect.path_lengths(loss, wrt=h)
    np.testing.assert_allclose(paths.gradients[0][0], g.array[0] * update, rtol=1e-12)
    (whole,) = mg.grad(loss, h)
    np.testing.assert_allclose(paths.total, whole.array, rtol=1e-12)
    assert paths.counts == [1, 6, 15, 20, 15, 6, 1]


def test_a_residual_stack_of_recurrent_layers():
    """GNMT's stacks by nn.Residual: the ledger sees every layer's fork and join, the trace every time step."""

    class Outputs(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 4)

        def forward(self, x):
            return self.lstm(x)[0]

    mg.manual_seed(0)
    net = nn.Sequential(*(nn.Residual(Outputs()) for _ in range(3)))
    loss = (net(mg.randn(5, 2, 4, requires_grad=True)) ** 2).sum()
    trace = inspect.trace(loss)
    assert [row.name for row in trace.ledger()] == ["0", "1", "2"]
    assert sum(step.name.startswith("LSTMCell#") for step in trace.steps) == 15


# --- bad input ----------------------------------------------------------------------------------------------


def test_errors_say_what_does_not_fit():
    layer = nn.LSTM(3, 4, num_layers=2)
    x = mg.zeros(5, 2, 3)
    with pytest.raises(mg.OperationError, match="input_size=3"):
        layer(mg.zeros(5, 2, 4))
    with pytest.raises(mg.OperationError, match="2 or 3 dimensions"):
        layer(mg.zeros(3))
    with pytest.raises(mg.OperationError, match=r"hidden state must have shape \(2, 2, 4\)"):
        layer(x, (mg.zeros(1, 2, 4), mg.zeros(2, 2, 4)))
    with pytest.raises(mg.OperationError, match=r"cell state must have shape \(2, 2, 4\)"):
        layer(x, (mg.zeros(2, 2, 4), mg.zeros(2, 3, 4)))
    with pytest.raises(TypeError, match=r"tuple \(h, c\)"):
        layer(x, mg.zeros(2, 2, 4))
    with pytest.raises(mg.OperationError, match="nothing in an input"):
        layer(mg.zeros(0, 2, 3))
    with pytest.raises(mg.OperationError, match=r"\(batch, 3\)"):
        nn.GRUCell(3, 4)(mg.zeros(2, 5))
    with pytest.raises(mg.OperationError, match="a state must be"):
        nn.GRUCell(3, 4)(mg.zeros(2, 3), mg.zeros(3, 4))
    for settings in ({"hidden_size": 0}, {"num_layers": 0}, {"dropout": 2}, {"proj_size": 4}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            nn.LSTM(**{"input_size": 3, "hidden_size": 4, **settings})
    with pytest.raises(ValueError, match="nonlinearity"):
        nn.RNN(3, 4, nonlinearity="gelu")


def test_lengths_that_do_not_fit():
    x = mg.zeros(5, 2, 3)
    for lengths, message in (
        ([5], "lengths must be 2 integers"),
        ([5.0, 2.0], "lengths must be 2 integers"),
        ([6, 2], "from 1 to 5"),
        ([5, 0], "from 1 to 5"),
        ([2, 5], "enforce_sorted=False"),
    ):
        with pytest.raises(mg.OperationError, match=message):
            rnn.pack_padded_sequence(x, lengths)
    with pytest.raises(mg.OperationError, match="no sequences"):
        rnn.pad_sequence([])
    with pytest.raises(mg.OperationError, match="must agree"):
        rnn.pad_sequence([mg.zeros(2, 3), mg.zeros(2, 4)])
    packed = rnn.pack_padded_sequence(x, [5, 3])
    with pytest.raises(mg.OperationError, match="total_length=4"):
        rnn.pad_packed_sequence(packed, total_length=4)


def test_a_deep_copy_is_a_layer_of_its_own():
    layer = nn.GRU(2, 3)
    twin = copy.deepcopy(layer)
    twin.weight_hh_l0.array[...] = 0
    assert abs(layer.weight_hh_l0.array).max() > 0
