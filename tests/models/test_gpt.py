"""GPT and its prefix-tuned form: attention's exact facts (F11, E13, F12), cache, generation, messages."""

import math

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, models, optim
from minigrad.models.gpt import rotated, sinusoids

KINDS = ["learned", "sinusoidal", "rotary", None]
TOKENS = mg.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])


def gpt(seed=0, **settings):
    mg.manual_seed(seed)
    settings = {"vocab_size": 11, "block_size": 8, "layers": 2, "heads": 2, "width": 8, **settings}
    model = models.GPT(**settings).double()
    for p in model.parameters():
        if p.ndim > 1:
            p.array[...] *= 10  # so that attention isn't uniform
    return model


# --- F11 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", KINDS)
def test_no_place_sees_a_later_one(positions, norm):
    model = gpt(positions=positions, norm=norm)
    inputs = {}
    model.embedding.register_forward_hook(lambda module, args, y: inputs.update(x=y))
    logits = model(TOKENS)
    for t in range(5):
        g = mg.zeros_like(logits)
        g[:, t] = mg.randn(2, 11, dtype=mg.float64)
        (gx,) = mg.grad(logits, inputs["x"], g, retain_graph=True)
        assert not gx.array[:, t + 1 :].any()
        assert gx.array[:, : t + 1].any()


def test_a_key_bias_has_no_gradient():
    model = gpt()
    F.cross_entropy(model(TOKENS).flatten(0, 1), TOKENS.flatten()).backward()
    for block in model.blocks:
        query, key, value = np.split(block.attention.qkv.bias.grad.array, 3)
        assert abs(key).max() < 1e-14
        assert abs(query).max() > 1e-6
        assert abs(value).max() > 1e-6


def test_score_gradients_sum_to_zero_in_each_row():
    q, k, v = (mg.randn(2, 5, 4, dtype=mg.float64, requires_grad=True) for _ in range(3))
    scores = (q @ k.transpose(-2, -1)) / 2
    y = F.softmax(scores, -1) @ v
    (g,) = mg.grad(y, scores, mg.randn(2, 5, 4, dtype=mg.float64))
    assert abs(g.array).max() > 1e-3
    np.testing.assert_allclose(g.array.sum(-1), 0, atol=1e-15)


def test_rotary_scores_know_the_distance_only():
    q, k = mg.randn(1, 8, dtype=mg.float64), mg.randn(1, 8, dtype=mg.float64)

    def score(m, n):
        return (rotated(q, m) @ rotated(k, n).transpose(0, 1)).item()

    assert score(7, 4) == pytest.approx(score(103, 100), rel=1e-12)
    assert abs(score(7, 4) - score(7, 5)) > 1e-3
    np.testing.assert_allclose(rotated(q, 9).norm().item(), q.norm().item(), rtol=1e-14)


def test_without_positions_attention_permutes_with_its_input():
    mg.manual_seed(0)
    attention = mg.nn.MultiheadAttention(8, 2, batch_first=True).double()
    x, order = mg.randn(1, 6, 8, dtype=mg.float64), [3, 0, 5, 1, 4, 2]
    y, turned = attention(x, x, x)[0], x[:, order]
    np.testing.assert_allclose(attention(turned, turned, turned)[0].array, y.array[:, order], rtol=1e-12, atol=1e-14)


def test_without_positions_the_last_place_knows_no_order():
    """One causal layer: the last place sees all others, and their order makes no difference; with positions it does."""
    for positions, same in ((None, True), ("learned", False), ("sinusoidal", False), ("rotary", False)):
        model = gpt(positions=positions, layers=1)
        a, b = (model(mg.tensor([row]))[0, -1].array for row in ([3, 1, 4, 2, 5], [2, 4, 3, 1, 5]))
        assert np.allclose(a, b, rtol=1e-10) is same


def test_sinusoids():
    table = sinusoids(0, 50, 16)
    assert table[:, 0] == pytest.approx(np.sin(np.arange(50)))
    assert table[:, 3] == pytest.approx(np.cos(np.arange(50) * 10000 ** (-2 / 16)))
    assert (sinusoids(7, 3, 16) == table[7:10]).all()
    assert sinusoids(0, 2, 5).shape == (2, 5)


@pytest.mark.parametrize("positions", KINDS)
def test_a_cache_gives_what_the_whole_forward_gives(positions):
    model, cache = gpt(positions=positions), models.Cache()
    whole = model(TOKENS).array
    parts = [model(TOKENS[:, a:b], cache).array for a, b in ((0, 2), (2, 3), (3, 5))]
    assert cache.length == 5
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-10, atol=1e-12)


# --- the model ----------------------------------------------------------------------------------------------


def test_the_residual_stream_is_seen():
    model = gpt(positions=None, layers=3)
    inputs = {}
    model.embedding.register_forward_hook(lambda module, args, y: inputs.update(x=y))
    loss = F.cross_entropy(model(TOKENS).flatten(0, 1), TOKENS.flatten())
    rows = inspect.trace(loss, retain_graph=True).ledger()
    parts = [f"blocks.{i}.{part}" for i in range(3) for part in ("attention", "mlp")]
    assert [row.name.split("#")[0] for row in rows] == parts
    assert all((row.g_in == row.g_skip + row.g_branch).all() for row in rows)
    paths = inspect.path_lengths(loss, wrt=inputs["x"])
    assert paths.counts == [math.comb(6, k) for k in range(7)]


def test_without_skips_there_is_no_fork():
    model = gpt(skips=False)
    with pytest.raises(mg.OperationError, match="no skip connection"):
        inspect.path_lengths(model(TOKENS).sum(), wrt=model.embedding.weight)


def test_tied_weights_are_one_parameter():
    model = gpt()
    assert model.head.weight is model.embedding.weight
    assert "head.weight" not in dict(model.named_parameters())
    assert gpt(tie=False).head.weight is not gpt(tie=False).embedding.weight


def test_at_the_start_it_guesses():
    mg.manual_seed(0)
    model = models.GPT(50, 16, layers=3, heads=2, width=32)
    tokens = mg.randint(0, 50, (8, 16))
    loss = F.cross_entropy(model(tokens).flatten(0, 1), mg.randint(0, 50, (128,)))
    assert loss.item() == pytest.approx(math.log(50), rel=0.02)


def test_it_learns_to_repeat():
    mg.manual_seed(0)
    model = models.GPT(4, 8, layers=2, heads=2, width=16)
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    tokens = mg.tensor([[0, 1, 2, 3, 0, 1, 2, 3, 0]])
    for _ in range(60):
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[0, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert model.generate(mg.tensor([[0, 1]]), 12, temperature=0).tolist() == [[0, 1, 2, 3] * 3 + [0, 1]]


def test_generation_is_seeded_and_bounded():
    model = gpt(dropout=0.5)
    a, b = (model.generate(TOKENS, 9, temperature=0.8, top_k=3, seed=1).array for _ in range(2))
    assert a.shape == (2, 14)
    assert (a == b).all()
    assert model.training
    assert (model.generate(TOKENS, 9, seed=2).array != model.generate(TOKENS, 9, seed=3).array).any()
    g = mg.Generator().manual_seed(1)
    assert (model.generate(TOKENS, 9, temperature=0.8, top_k=3, generator=g).array == a).all()
    assert (model.generate(TOKENS, 5, top_k=1, seed=0) == model.generate(TOKENS, 5, temperature=0)).all()


def test_draws_follow_the_probabilities():
    model = gpt(layers=1)
    model.eval()
    p = F.softmax(model(TOKENS[:1])[0, -1] / 0.7, -1).array
    drawn = model.generate(mg.tensor(np.repeat(TOKENS.array[:1], 4000, 0)), 1, temperature=0.7, seed=0).array[:, -1]
    assert abs(np.bincount(drawn, minlength=11) / 4000 - p).max() < 0.03


def test_errors_say_what_does_not_fit():
    model = gpt()
    with pytest.raises(mg.OperationError, match="longer than block_size=8"):
        model(mg.zeros(1, 9, dtype=mg.int64))
    with pytest.raises(mg.OperationError, match="must be integers"):
        model(mg.zeros(1, 3))
    with pytest.raises(mg.OperationError, match="must be integers"):
        model(mg.zeros(1, 0, dtype=mg.int64))
    cache = models.Cache()
    model(TOKENS, cache)
    with pytest.raises(mg.OperationError, match="the cache holds 2 sequences"):
        model(mg.zeros(1, 1, dtype=mg.int64), cache)
    with pytest.raises(mg.OperationError, match="longer than block_size=8"):
        model(mg.zeros(2, 4, dtype=mg.int64), cache)
    for settings in ({"norm": "mid"}, {"positions": "none"}, {"width": 9}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            gpt(**settings)
    with pytest.raises(ValueError, match="temperature"):
        model.generate(TOKENS, 1, temperature=-1)


# --- prefix tuning ------------------------------------------------------------------------------------------


def prefixed(length=3, seed=0, hidden=None, **settings):
    model = models.PrefixGPT(gpt(seed, **settings), length, hidden)
    if model.prefix is not None:
        model.prefix.array[...] *= 50
    return model


def test_prefix_attention_is_a_mixture():
    """E13: output = (1 - m) attention(content) + m attention(prefix); F12: the content's weights keep their ratios."""
    rng = np.random.default_rng(0)
    q, k, v, pk, pv = (mg.tensor(rng.standard_normal(s)) for s in ((4, 8), (5, 8), (5, 8), (3, 8), (3, 8)))
    both = F.scaled_dot_product_attention(q, mg.cat([pk, k]), mg.cat([pv, v]))
    weights = F.softmax(q @ mg.cat([pk, k]).T / math.sqrt(8), -1)
    m = weights[:, :3].sum(1, keepdim=True)
    content, prefix = F.scaled_dot_product_attention(q, k, v), F.scaled_dot_product_attention(q, pk, pv)
    np.testing.assert_allclose(both.array, ((1 - m) * content + m * prefix).array, rtol=1e-12)
    base = F.softmax(q @ k.T / math.sqrt(8), -1)
    np.testing.assert_allclose((weights[:, 3:] / (1 - m)).array, base.array, rtol=2e-13)


def test_an_empty_prefix_is_the_base_model():
    model = prefixed(length=0)
    assert (model(TOKENS) == model.base(TOKENS)).all()


def test_a_prefix_has_no_place_of_its_own():
    """Content keeps its positions: a prefix whose keys draw nothing changes nothing."""
    for positions in KINDS:
        model = prefixed(positions=positions)
        model.prefix.array[...] = 0
        m = prefixed(positions=positions)
        m.prefix.array[:, 1] = 0
        m.prefix.array[:, 0] = 0
        assert (model(TOKENS) == m(TOKENS)).all()
        assert not np.allclose(model(TOKENS).array, model.base(TOKENS).array)  # values of 0 still draw attention


@pytest.mark.parametrize("hidden", [None, 6])
def test_base_weights_stay_the_same_to_the_bit(hidden):
    model = prefixed(hidden=hidden)
    before = {name: p.array.copy() for name, p in model.base.named_parameters()}
    optimizer = optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.1)
    losses = []
    for _ in range(20):
        loss = F.cross_entropy(model(TOKENS).flatten(0, 1), TOKENS.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
    for name, p in model.base.named_parameters():
        assert p.grad is None
        assert (p.array == before[name]).all()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_the_net_can_be_dropped_to_the_bit():
    model = prefixed(hidden=6)
    before = model(TOKENS).array
    assert (model.merge()(TOKENS).array == before).all()
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["prefix"]
    assert model.prefix.shape == (2, 2, 2, 3, 4)


def test_a_prefix_with_a_cache_and_generation():
    model, cache = prefixed(positions="rotary"), models.Cache()
    whole = model(TOKENS).array
    parts = [model(TOKENS[:, a:b], cache).array for a, b in ((0, 3), (3, 5))]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-10, atol=1e-12)
    assert model.generate(TOKENS, 3, temperature=0)[:, 5].tolist() == whole[:, -1].argmax(-1).tolist()
    with pytest.raises(ValueError, match="length must be an integer of at least 0"):
        models.PrefixGPT(gpt(), -1)
