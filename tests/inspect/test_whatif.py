"""What if: a scaled or cut way, in backward only, with the label that it is no trained function's gradient."""

from __future__ import annotations

import numpy as np
import pytest
from inspect_nets import LinearNet, UNet, randn

import minigrad as mg
from minigrad import inspect, nn, skip


def gradient(loss, x):
    return mg.grad(loss, x, retain_graph=True, allow_unused=True)[0].array


def test_scaled_skips_of_54_blocks():
    """E4: shortcuts of 0.5 carry 0.5^54, where nothing comes through the branches."""
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    loss = LinearNet(54, 0.1)(x).sum()
    with inspect.scale("skip", 0.5), inspect.cut("branch"):
        assert gradient(loss, x)[0] == 0.5**54
    assert abs(0.5**54 / 5.55e-17 - 1) < 1e-3
    with inspect.scale("skip", 0.5):
        assert abs(gradient(loss, x)[0] / 0.6**54 - 1) < 1e-12
    with inspect.scale("branch", 2):
        assert abs(gradient(loss, x)[0] / 1.2**54 - 1) < 1e-12
    assert abs(gradient(loss, x)[0] / 1.1**54 - 1) < 1e-12


def test_without_skips_only_the_longest_way_is_left():
    x = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    loss = LinearNet(10, 0.5)(x).sum()
    with inspect.cut("skip"):
        assert gradient(loss, x)[0] == 0.5**10
    with inspect.cut("branch"):
        assert gradient(loss, x)[0] == 1


def test_it_acts_on_backward_wherever_it_is_called(mixed):
    loss, x, net = mixed
    with inspect.cut("branch"):
        loss.backward()
    assert x.grad is not None
    assert all(p.grad is None for p in net.parameters())


def test_several_changes_multiply(mixed):
    loss, x, _ = mixed
    with inspect.scale("branch", 0.25):
        expected = gradient(loss, x)
    with inspect.scale("branch", 0.5), inspect.scale("branch", 0.5):
        np.testing.assert_array_equal(gradient(loss, x), expected)


def test_implicit_skips_and_chosen_blocks():
    x = randn(1, 1, 8, 8)
    loss = UNet().double()(x).square().sum()
    parts = inspect.path_lengths(loss, x, blocks="enc1->dec1")
    with inspect.cut("branch", "enc1->dec1"):
        np.testing.assert_allclose(gradient(loss, x), parts.gradients[0], rtol=1e-12)
    with inspect.cut("skip", "enc1->dec1"):
        np.testing.assert_allclose(gradient(loss, x), parts.gradients[1], rtol=1e-12)


def test_with_create_graph():
    x = mg.tensor([2.0], dtype=mg.float64, requires_grad=True)
    s, b = skip.fork(x)
    loss = skip.residual_add(s, b**3).sum()
    with inspect.scale("branch", 0.5):
        (g,) = mg.grad(loss, x, create_graph=True)
    assert g.item() == 1 + 6
    (gg,) = mg.grad(g, x)
    assert gg.item() == 6


def test_nothing_is_left_behind(mixed):
    loss, x, _ = mixed
    true = gradient(loss, x)
    change = inspect.scale("skip", 3.0)
    for _ in range(2):
        with change:
            assert not np.array_equal(gradient(loss, x), true)
        np.testing.assert_array_equal(gradient(loss, x), true)


def test_nothing_is_left_behind_by_an_error(mixed):
    loss, x, _ = mixed
    true = gradient(loss, x)
    handle = x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError), inspect.scale("skip", 3.0):
        gradient(loss, x)
    handle.remove()
    np.testing.assert_array_equal(gradient(loss, x), true)


def test_new_graphs_within_one_block():
    net = nn.Sequential(nn.Residual(nn.Linear(2, 2)), nn.Residual(nn.Linear(2, 2)))
    x = mg.ones(1, 2, requires_grad=True)
    with inspect.cut("branch"):
        for _ in range(3):
            net(x).sum().backward()
    np.testing.assert_array_equal(x.grad.array, [[3, 3]])


def test_everything_made_under_a_change_is_labelled(mixed):
    loss, x, _ = mixed
    with inspect.cut("skip", "0"), inspect.scale("branch", 0.5, ["1", 2]):
        trace = inspect.trace(loss, retain_graph=True)
        paths = inspect.path_lengths(loss, x)
    for shown in (trace, trace.ledger(), trace.layers(), trace.select(kind="Linear"), paths):
        assert shown.label == (
            "skip cut in 0 and branch times 0.5 in 1, block 2: not the gradient of any trained function"
        )
        assert "not the gradient of any trained function" in " ".join(str(shown).split())
        assert "not the gradient of any trained function" in shown._repr_html_()
    assert trace.ledger()["0"].norm_skip == 0
    assert inspect.trace(loss).label == ""


def test_path_lengths_under_a_change(mixed):
    loss, x, _ = mixed
    whole = inspect.path_lengths(loss, x)
    with inspect.scale("branch", 2.0):
        doubled = inspect.path_lengths(loss, x)
        np.testing.assert_allclose(doubled.total, gradient(loss, x), rtol=1e-12)
    for k, (a, b) in enumerate(zip(whole.gradients, doubled.gradients, strict=True)):
        np.testing.assert_allclose(b, 2**k * a, rtol=1e-12)


def test_the_difference_in_one_call(mixed):
    loss, x, net = mixed
    result = inspect.what_if(loss, inspect.cut("skip", "1"), wrt={"x": x})
    (row,) = result
    np.testing.assert_array_equal(row.true, gradient(loss, x))
    with inspect.cut("skip", "1"):
        np.testing.assert_array_equal(row.changed, gradient(loss, x))
    np.testing.assert_array_equal(row.difference, row.changed - row.true)
    assert row.norms[0] == np.linalg.norm(row.true)
    assert x.grad is None
    assert result.label == "skip cut in 1: not the gradient of any trained function"
    assert str(result).startswith(result.label)
    assert result.to_dict()[0]["name"] == "x"
    assert "what" not in repr(row)
    assert [row.name for row in inspect.what_if(loss, inspect.cut("skip"), wrt=net)][0] == "0.branch.0.weight"
    assert len(inspect.what_if(loss, inspect.cut("skip"))) == 1 + len(list(net.parameters()))
    assert (
        len(inspect.what_if(loss, inspect.cut("skip"), inspect.scale("branch", 2), wrt=[x, net[0].branch[0].bias])) == 2
    )
    assert result[0].cosine == pytest.approx(row.cosine, rel=1e-15)


def test_bad_input(mixed):
    loss, x, _ = mixed
    with pytest.raises(ValueError, match="'skip' or 'branch'"):
        inspect.cut("shortcut")
    with pytest.raises(ValueError, match="finite"):
        inspect.scale("skip", float("nan"))
    with pytest.raises(mg.OperationError, match="needs a change"):
        inspect.what_if(loss)
    with pytest.raises(inspect.UnknownNameError, match="no block '9'"), inspect.cut("skip", "9"):
        gradient(loss, x)
    with pytest.raises(mg.OperationError, match="no skip connection"), inspect.cut("skip"):
        x.sum().backward()
    assert repr(inspect.cut("skip", 3)) == "<skip cut in block 3>"


def test_the_engine_is_watched_within_the_block_only(mixed):
    from minigrad.engine.watch import watchers

    assert watchers.get() == ()
    with inspect.cut("skip"), inspect.Recorder(mixed[2]) as recorder:
        assert len(watchers.get()) == 2
        mixed[0].backward()
    assert watchers.get() == ()
    assert recorder.steps == [0]
