"""The newer joins, held to what is known of them exactly (F4 to F9 of the list of facts), in float64."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, skip
from minigrad.nn.streams import sinkhorn


@pytest.fixture(autouse=True)
def _double():
    """Layers of doubles."""
    before = mg.get_default_dtype()
    mg.set_default_dtype(mg.float64)
    yield
    mg.set_default_dtype(before)


def leaf(array):
    return mg.tensor(np.asarray(array, dtype=np.float64), requires_grad=True)


def relu_branch(d, norm=True):
    layers = [nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d)]
    return nn.Sequential(*([nn.LayerNorm(d)] if norm else []), *layers).double()


def test_f4_stochastic_depth_in_the_mean():
    """All 2^L draws, each with its probability: E = (1+a)^L, and of the square (1 + 2a + a^2/p)^L."""
    length, a, keep = 6, 0.3, 0.7
    mean = square = 0.0
    for draws in itertools.product((0, 1), repeat=length):
        x = leaf([1.0])
        h = x
        for kept in draws:
            s, b = skip.fork(h)
            h = skip.stochastic_add(s, a * b, kept / keep)
        h.sum().backward()
        chance = math.prod(keep if kept else 1 - keep for kept in draws)
        mean += chance * x.grad.item()
        square += chance * x.grad.item() ** 2
    assert abs(mean / (1 + a) ** length - 1) < 1e-12
    assert abs(square / (1 + 2 * a + a * a / keep) ** length - 1) < 1e-12


def test_stochastic_depth_drops_with_probability_p(rng):
    layer = nn.StochasticDepth(lambda b: 0 * b + 1, 0.25, mode="row")
    mg.manual_seed(0)
    y = layer(mg.zeros(4000, 2)).array
    assert set(np.round(np.unique(y), 12)) == {0.0, round(1 / 0.75, 12)}
    assert (y[:, 0] == y[:, 1]).all()
    assert abs((y[:, 0] == 0).mean() - 0.25) < 0.03  # four standard deviations
    assert (layer.eval()(mg.zeros(3, 2)).array == 1).all()
    with pytest.raises(ValueError, match="p must be less than 1"):
        nn.StochasticDepth(nn.Identity(), 1)


@pytest.mark.parametrize("dim", [None, 5])
@pytest.mark.parametrize("constraint", [None, "sinkhorn", "birkhoff"])
def test_f5_at_its_own_initialisation_it_is_the_pre_norm_net(rng, constraint, dim):
    """Each of n equal streams is the residual net's; so their sum is n times it, and so is the gradient's."""
    n, layers = 4, 3
    branches = [relu_branch(5) for _ in range(layers)]
    x = rng.standard_normal((2, 5))
    a, b = leaf(x), leaf(x)
    plain = a
    X = skip.to_streams(b, n)
    for i, branch in enumerate(branches):
        plain = nn.Residual(branch)(plain)
        layer = nn.HyperConnection(branch, n, constraint, dim=dim, layer=i).double()
        X = layer(X)
    g = rng.standard_normal((2, 5))
    y = skip.from_streams(X) / n
    plain.backward(g)
    y.backward(g)
    np.testing.assert_allclose(y.array, plain.array, rtol=0, atol=1e-12)
    np.testing.assert_allclose(b.grad.array, a.grad.array, rtol=0, atol=1e-12)


def test_f5_the_sums_that_are_kept(rng):
    """Columns that sum to 1 keep the sum of the streams, rows that sum to 1 that of their gradients."""
    H = rng.random((4, 4))
    X, g = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    columns = leaf(X)
    y = skip.stream_mix(mg.tensor(H / H.sum(0)), columns)
    np.testing.assert_allclose(y.array.sum(0), X.sum(0), rtol=0, atol=1e-12)
    rows = leaf(X)
    skip.stream_mix(mg.tensor(H / H.sum(1, keepdims=True)), rows).backward(g)
    np.testing.assert_allclose(rows.grad.array.sum(0), g.sum(0), rtol=0, atol=1e-12)


def test_f5_sinkhorn_and_birkhoff(rng):
    wide = 4 * rng.standard_normal((4, 4))
    H = sinkhorn(mg.tensor(wide)).array
    assert abs(H.sum(1) - 1).max() < 1e-15  # the rows come last
    assert abs(H.sum(0) - 1).max() < 1e-1
    layer = nn.HyperConnection(nn.Identity(), constraint="birkhoff").double()
    layer.res.data = mg.tensor(3 * rng.standard_normal(24))
    B = layer.matrices(mg.zeros(4, 3, dtype=mg.float64))[2].array
    assert abs(B.sum(0) - 1).max() < 1e-15
    assert abs(B.sum(1) - 1).max() < 1e-15
    product = np.linalg.multi_dot([B] * 30)
    assert abs(np.linalg.norm(B, 2) - 1) < 1e-12
    assert abs(np.linalg.norm(product, 2) - 1) < 1e-12


@pytest.mark.parametrize("constraint", [None, "sinkhorn", "birkhoff"])
def test_input_dependent_matrices_have_right_gradients(rng, constraint):
    layer = nn.HyperConnection(lambda x: x.tanh(), 3, constraint, dim=2).double()
    layer.mix.data = mg.tensor(rng.standard_normal(layer.mix.shape))
    layer.gates.data = mg.tensor(rng.standard_normal(3))
    assert mg.gradcheck(layer, leaf(rng.standard_normal((3, 4, 2))))


def test_f6_uniform_weights_grow_polynomially():
    """h_L = Gamma(L + a) / (Gamma(1 + a) Gamma(L + 1)): over depth the join splits, where ResidualAdd copies."""
    a, length = 0.4, 12
    values = [leaf([1.0])]
    h = values[0]
    for count in range(1, length + 1):
        h = skip.depth_mix(values, mg.tensor(np.full(count, 1 / count)))
        values.append(a * h)
    expected = math.gamma(length + a) / (math.gamma(1 + a) * math.gamma(length + 1))
    h.sum().backward()
    assert abs(h.item() / expected - 1) < 1e-12
    assert abs(values[0].grad.item() / expected - 1) < 1e-12  # the net is linear


def test_f6_attention_over_depth_begins_as_the_mean(rng):
    values = [leaf(rng.standard_normal((2, 3))) for _ in range(4)]
    y = nn.DepthAttention(3).double()(values)
    np.testing.assert_allclose(y.array, np.mean([v.array for v in values], 0), rtol=0, atol=1e-12)
    y.backward(np.ones((2, 3)))
    np.testing.assert_allclose(sum(v.grad.array for v in values), 1, rtol=0, atol=1e-12)


def test_f6_denseformer_begins_as_the_base_net_to_the_bit(rng):
    branches = [relu_branch(4) for _ in range(3)]
    x = rng.standard_normal((2, 4))
    base, dense = leaf(x), leaf(x)
    h, values = base, [dense]
    for i, branch in enumerate(branches):
        h = nn.Residual(branch)(h)
        values.append(nn.DepthMix(i + 2).double()([*values, nn.Residual(branch)(values[-1])]))
    g = rng.standard_normal((2, 4))
    h.backward(g)
    values[-1].backward(g)
    assert np.array_equal(values[-1].array, h.array)
    assert np.array_equal(dense.grad.array, base.grad.array)


def test_f7_delta_shortcut(rng):
    k = rng.standard_normal(5)
    k /= np.linalg.norm(k)
    x = rng.standard_normal(5)

    def matrix(beta):
        return np.array([skip.delta_shortcut(mg.tensor(e), mg.tensor(k), mg.tensor([beta])).array for e in np.eye(5)])

    for beta in (0.0, 0.3, 1.0, 2.0):
        assert abs(np.linalg.det(matrix(beta)) - (1 - beta)) < 1e-12
    assert abs(k @ matrix(1.0) @ x) < 1e-12
    assert abs(np.linalg.norm(matrix(2.0) @ x) - np.linalg.norm(x)) < 1e-12


def test_f8_orthogonal_update(rng):
    x, f, g = (rng.standard_normal((3, 5)) for _ in range(3))
    skipped, branch = leaf(x), leaf(f)
    y = skip.orthogonal_add(skipped, branch, eps=0.0)
    added = y.array - x
    np.testing.assert_allclose((y.array**2).sum(-1), (x**2).sum(-1) + (added**2).sum(-1), rtol=1e-12)
    y.backward(g)
    np.testing.assert_allclose((x * branch.grad.array).sum(-1), 0, rtol=0, atol=1e-12)


def reversible(blocks, d, seed=0, chain=True):
    mg.manual_seed(seed)
    made = [nn.Reversible(relu_branch(d, False), relu_branch(d, False)) for _ in range(blocks)]
    return (nn.ReversibleSequence if chain else nn.Sequential)(*made).double()


def test_f9_inputs_are_rebuilt():
    """To 1e-13 over 50 blocks, and not to the bit."""
    mg.manual_seed(1)
    net = reversible(50, 8)
    x = mg.randn(4, 16, dtype=mg.float64, requires_grad=True)
    y = net(x)
    chain = next(s.node for s in mg.backward_steps(y, np.ones(y.shape), retain_graph=True) if hasattr(s.node, "y1"))
    rebuilt = np.concatenate(chain.rebuilt, 1)
    size = abs(y.array).max()
    assert 0 < abs(rebuilt - x.array).max() < 1e-13 * max(size, 1)


def test_f9_the_chain_has_the_gradients_of_its_blocks(rng):
    x = rng.standard_normal((3, 8))
    g = rng.standard_normal((3, 8))
    found = []
    for chain in (True, False):
        net = reversible(4, 4, chain=chain)
        leaf_x = leaf(x)
        net(leaf_x).backward(g)
        found.append([leaf_x.grad.array, *(p.grad.array for p in net.parameters())])
    assert len(found[0]) == 1 + 4 * 8
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * max(1, abs(b).max()))


def test_f9_memory_does_not_grow_with_depth():
    """Forward and backward of 4 and of 16 blocks: the chain's activations take the same, the blocks' four times."""

    def peak(blocks, chain):
        net = reversible(blocks, 8, chain=chain)
        x = mg.ones(2000, 16, dtype=mg.float64, requires_grad=True)
        net(x).sum().backward()
        x.grad = None
        tracemalloc.start()
        net(x).sum().backward()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(16, True) < 1.1 * peak(4, True)
    assert peak(16, False) > 2.5 * peak(4, False)


def test_a_reversible_block_with_dropout_says_so():
    net = nn.ReversibleSequence(nn.Reversible(nn.Dropout(0.5), nn.Identity()))
    with pytest.raises(mg.OperationError, match="random numbers"):
        net(mg.ones(2, 4, requires_grad=True))


def test_layer_scale_begins_at_init():
    assert nn.LayerScale(3, 0.1).gamma.tolist() == pytest.approx([0.1] * 3)
    assert repr(nn.LayerScale(3, 0.1)) == "LayerScale(3, init=0.1)"


def test_delta_residual_and_orthogonal_residual_have_right_gradients(rng):
    mg.manual_seed(0)
    for layer in (nn.DeltaResidual(nn.Linear(3, 3), 3), nn.OrthogonalResidual(nn.Linear(3, 3))):
        assert mg.gradcheck(layer.double(), leaf(rng.standard_normal((2, 3))))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: skip.stream_mix(mg.ones(2, 3), mg.ones(4, 2, requires_grad=True)), "mix"),
        (lambda: skip.depth_mix([mg.ones(2, requires_grad=True)], mg.ones(2)), "one shape"),
        (lambda: skip.orthogonal_add(mg.ones(2), mg.ones(3, requires_grad=True)), "needs one"),
        (lambda: skip.delta_shortcut(mg.ones(2, requires_grad=True), mg.ones(2), mg.ones(3, 1)), "broadcast"),
        (lambda: skip.stochastic_add(mg.ones(2), mg.ones(3, requires_grad=True), 1.0), "equal shapes"),
        (lambda: skip.reversible_chain(mg.ones(2), mg.ones(3, requires_grad=True), []), "one shape"),
    ],
)
def test_wrong_shapes_are_told(call, told):
    with pytest.raises(mg.OperationError, match=told):
        call()


def test_streams_with_another_constraint():
    with pytest.raises(ValueError, match="sinkhorn"):
        nn.HyperConnection(nn.Identity(), constraint="none")
    with pytest.raises(ValueError, match="2 or more"):
        nn.HyperConnection(nn.Identity(), streams=1, constraint="sinkhorn")
