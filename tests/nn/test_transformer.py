"""Transformer layers: PyTorch's keys, values, gradients and masks; forks and joins that the ledger sees; messages."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn


def twins(kind, *args, **settings):
    """A module of ours and PyTorch's with the same weights, in float64 and training."""
    torch = pytest.importorskip("torch")
    mg.manual_seed(0)

    def build(fw):
        module = fw.nn
        if kind in ("TransformerEncoder", "TransformerDecoder"):
            layer = getattr(module, f"{kind}Layer")(*args, **settings)
            return getattr(module, kind)(layer, 2, module.LayerNorm(8))
        return getattr(module, kind)(*args, **settings)

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's about nested tensors
        ours, theirs = build(mg).double(), build(torch).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    rng = np.random.default_rng(3)
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            a = rng.standard_normal(tuple(p.shape)) * 0.4
            p.copy_(torch.from_numpy(a))
            ours.get_parameter(name).array[...] = a
    return torch, ours, theirs


def compare(torch, ours, theirs, xs, **masks):
    rng = np.random.default_rng(1)
    mine = [mg.from_numpy(x.copy()).requires_grad_() for x in xs]
    other = [torch.from_numpy(x.copy()).requires_grad_() for x in xs]
    y = ours(*mine, **{k: mg.from_numpy(m) if isinstance(m, np.ndarray) else m for k, m in masks.items()})
    t = theirs(*other, **{k: torch.from_numpy(m) if isinstance(m, np.ndarray) else m for k, m in masks.items()})
    np.testing.assert_allclose(y.array, t.detach().numpy(), rtol=1e-9, atol=1e-10)
    g = rng.standard_normal(y.shape)
    y.backward(mg.from_numpy(g))
    t.backward(torch.from_numpy(g))
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.grad.array, b.grad.numpy(), rtol=1e-8, atol=1e-9)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(ours.get_parameter(name).grad.array, p.grad.numpy(), rtol=1e-8, atol=1e-9)


CAUSAL = np.triu(np.full((5, 5), -np.inf), 1)
PADDED = np.array([[False] * 5, [False] * 3 + [True] * 2])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", ["TransformerEncoderLayer", "TransformerEncoder"])
def test_encoders_are_pytorchs(kind, norm_first, batch_first):
    settings = {"dropout": 0.0, "norm_first": norm_first, "batch_first": batch_first, "activation": "gelu"}
    torch, ours, theirs = twins(kind, 8, 2, 16, **settings)
    x = np.random.default_rng(0).standard_normal((2, 5, 8) if batch_first else (5, 2, 8))
    key = "src_mask" if kind.endswith("Layer") else "mask"
    for masks in ({}, {key: CAUSAL}, {key: CAUSAL < 0, "src_key_padding_mask": PADDED}):
        ours.zero_grad(), theirs.zero_grad()
        compare(torch, ours, theirs, [x], **masks)
    ours.zero_grad(), theirs.zero_grad()
    compare(torch, ours, theirs, [x[0] if batch_first else x[:, 0]])


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("kind", ["TransformerDecoderLayer", "TransformerDecoder"])
def test_decoders_are_pytorchs(kind, norm_first):
    torch, ours, theirs = twins(kind, 8, 2, 16, dropout=0.0, norm_first=norm_first, bias=False)
    rng = np.random.default_rng(0)
    tgt, memory = rng.standard_normal((5, 2, 8)), rng.standard_normal((6, 2, 8))
    compare(torch, ours, theirs, [tgt, memory])
    ours.zero_grad(), theirs.zero_grad()
    masks = {
        "tgt_mask": CAUSAL,
        "memory_mask": rng.random((5, 6)) < 0.3,
        "memory_key_padding_mask": np.array([[False] * 6, [False] * 5 + [True]]),
    }
    compare(torch, ours, theirs, [tgt, memory], **masks)


def test_the_transformer_is_pytorchs():
    torch, ours, theirs = twins("Transformer", 8, 2, 1, 2, 16, dropout=0.0, batch_first=True)
    rng = np.random.default_rng(0)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    assert (mask.array == torch.nn.Transformer.generate_square_subsequent_mask(5).numpy()).all()
    xs = rng.standard_normal((2, 6, 8)), rng.standard_normal((2, 5, 8))
    compare(torch, ours, theirs, xs, tgt_mask=CAUSAL, tgt_is_causal=True)


def test_defaults_are_pytorchs():
    torch = pytest.importorskip("torch")
    import inspect as python_inspect

    for kind in ("Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer"):
        ours, theirs = (python_inspect.signature(getattr(m, kind)).parameters for m in (nn, torch.nn))
        assert list(ours) == list(theirs)
        for name, parameter in theirs.items():
            if name != "activation":
                assert ours[name].default == parameter.default


def test_the_ledger_sees_every_residual():
    mg.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True)
    net = nn.TransformerEncoder(layer, 3)
    x = mg.randn(2, 4, 8, requires_grad=True)
    loss = (net(x) * mg.randn(2, 4, 8)).sum()
    rows = inspect.trace(loss, retain_graph=True).ledger()
    named = [f"layers.{i}.{part}" for i in range(3) for part in ("self_attn", "linear2")]
    assert [row.name for row in rows] == named
    paths = inspect.path_lengths(loss, wrt=x)
    assert paths.counts == [1, 6, 15, 20, 15, 6, 1]


def test_layers_of_an_encoder_begin_as_copies():
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
    first, second = net.layers[0].linear1.weight, net.layers[1].linear1.weight
    assert first is not second
    assert (first == second).all()


def test_dropout_is_off_in_evaluation():
    net = nn.TransformerEncoderLayer(8, 2, 16).eval()
    x = mg.randn(4, 2, 8)
    assert (net(x) == net(x)).all()
    net.train()
    assert not (net(x) == net(x)).all()


def test_masks_and_inputs_that_do_not_fit():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x = mg.zeros(3, 5, 8)
    with pytest.raises(mg.OperationError, match=r"attn_mask must be \(5, 5\)"):
        layer(x, mg.zeros(4, 5))
    with pytest.raises(mg.OperationError, match=r"key_padding_mask must be \(3, 5\)"):
        layer(x, None, mg.zeros(5, 3).bool())
    with pytest.raises(mg.OperationError, match="attn_mask"):
        layer(x, is_causal=True)
    with pytest.raises(mg.OperationError, match="3 dimensions, or 2"):
        layer(mg.zeros(8))
    net = nn.Transformer(8, 2, 1, 1, 16)
    with pytest.raises(mg.OperationError, match="d_model=8"):
        net(mg.zeros(3, 2, 8), mg.zeros(3, 2, 6))
    with pytest.raises(mg.OperationError, match="2 and 4 sequences"):
        net(mg.zeros(3, 2, 8), mg.zeros(3, 4, 8))
    with pytest.raises(RuntimeError, match="'relu' or 'gelu'"):
        nn.TransformerEncoderLayer(8, 2, activation="swish")
