"""Every fork and join is held to its law, and one that breaks it is named."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import inspect, nn, skip
from minigrad.engine.node import Node
from minigrad.ops.arithmetic import Add
from minigrad.ops.join import Cat


def leaf(rng, *shape):
    return mg.tensor(rng.standard_normal(shape), requires_grad=True)


def seen(y, rng):
    return inspect.laws(y, rng.standard_normal(y.shape))


def forked(rng):
    s, b = skip.fork(leaf(rng, 2, 3))
    return s, b.tanh()


GRAPHS = {
    "Fork": lambda rng: mg.stack(forked(rng)),
    "ResidualAdd": lambda rng: skip.residual_add(*forked(rng)),
    "SkipConcat": lambda rng: skip.skip_concat(*forked(rng)),
    "HighwayGate": lambda rng: skip.highway_gate(*forked(rng), leaf(rng, 3)),
    "StreamMix": lambda rng: skip.stream_mix(leaf(rng, 2, 2), leaf(rng, 2, 3)),
    "DepthMix": lambda rng: skip.depth_mix(forked(rng), leaf(rng, 2)),
    "StochasticAdd": lambda rng: skip.stochastic_add(*forked(rng), np.array([[0.0], [2.0]])),
    "OrthogonalAdd": lambda rng: skip.orthogonal_add(*forked(rng)),
    "DeltaShortcut": lambda rng: skip.delta_shortcut(leaf(rng, 2, 3), leaf(rng, 3), leaf(rng, 1)),
    "ReversibleChain": lambda rng: mg.cat(
        skip.reversible_chain(
            leaf(rng, 2, 3), leaf(rng, 2, 3), [nn.Reversible(nn.Linear(3, 3), nn.Linear(3, 3)).double()]
        )
    ),
    "Add": lambda rng: (lambda x: x + x.tanh())(leaf(rng, 2, 3)),
    "Cat": lambda rng: (lambda x: mg.cat([x, x.tanh()], 1))(leaf(rng, 2, 3) * 1),
}


@pytest.mark.parametrize("kind", GRAPHS)
def test_laws_hold(kind, rng):
    laws = seen(GRAPHS[kind](rng), rng)
    assert not laws.broken, str(laws)
    assert any(row.node.startswith(kind + "#") for row in laws)


BUGS = {
    "Fork": lambda node, gx, gys: gys[0],  # one way is lost
    "ResidualAdd": lambda node, gx, gys: (gx[0], gx[1] / 2),  # shared out, and not copied
    "SkipConcat": lambda node, gx, gys: gx[::-1],  # the wrong slices
    "HighwayGate": lambda node, gx, gys: (gx[1], gx[0], gx[2]),  # t for 1 - t
    "StreamMix": lambda node, gx, gys: (gx[0], (node.H @ gys[0])),  # H for its transpose
    "DepthMix": lambda node, gx, gys: (gx[0], gys[0], gys[0]),  # copied, and not split
    "StochasticAdd": lambda node, gx, gys: (gys[0], gys[0]),  # the draw is forgotten
    "OrthogonalAdd": lambda node, gx, gys: (gx[0], gys[0]),  # no projection
    "DeltaShortcut": lambda node, gx, gys: (gys[0], gx[1], gx[2]),  # nothing is erased
    "Add": lambda node, gx, gys: (gx[0], 2 * gx[1]),
    "Cat": lambda node, gx, gys: gx[::-1],
}


def plant(monkeypatch, cls, bug):
    rule = cls.backward

    def wrong(self, *gys):
        return bug(self, rule(self, *gys), gys)

    monkeypatch.setattr(cls, "backward", wrong)


@pytest.mark.parametrize("kind", BUGS)
def test_a_planted_bug_is_named(kind, rng, monkeypatch):
    y = GRAPHS[kind](rng)
    plant(monkeypatch, {"Add": Add, "Cat": Cat}.get(kind) or getattr(skip, kind), BUGS[kind])
    (broken,) = seen(y, rng).broken
    assert broken.node.startswith(kind + "#")
    assert broken.error > 1e-3
    assert kind in broken.sentence()
    assert "BROKEN" in str(seen(y, rng))


def test_a_wrongly_rebuilt_input_is_named(rng, monkeypatch):
    y = GRAPHS["ReversibleChain"](rng)
    chain = next(s.node for s in mg.backward_steps(y, np.ones(y.shape), retain_graph=True) if hasattr(s.node, "y1"))
    chain.y1 = chain.y1 + 0.1
    (broken,) = seen(y, rng).broken
    assert broken.node == chain.name
    assert broken.law == "rebuilds"


def test_a_value_that_is_read_twice_is_a_fork(rng):
    x = leaf(rng, 2, 3)
    h = x.tanh()
    y = h * 2 + h.exp() * x
    laws = seen(y, rng)
    assert [row.law for row in laws] == ["copies", "sums", "sums"]  # the addition is where both ways of h join
    assert not laws.broken
    h.register_hook(lambda g: 3 * g)
    (broken,) = seen(y, rng).broken
    assert h.node.name in broken.node


def test_a_join_of_ones_own_is_held_to_the_law_that_it_names(rng):
    class Join(Node):
        law = "copies"

        def forward(self, a, b):
            return a + b

        def backward(self, gy):
            return gy, 0.9 * gy

    (broken,) = seen(Join()(*forked(rng)), rng).broken
    assert broken.node.startswith("Join#")


def test_the_graph_and_grad_are_left_alone(rng):
    x = leaf(rng, 2)
    loss = (x + x.tanh()).sum()
    inspect.laws(loss)
    assert x.grad is None
    loss.backward()


def test_without_a_join():
    assert "no join" in str(inspect.laws((2 * mg.ones(2, requires_grad=True)).sum()))
