"""The checkers must accept right rules and reject wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine import Node


class WrongSine(Node):
    def forward(self, x):
        self.x = x
        return np.sin(x)

    def backward(self, gy):
        return gy * 1.01


class WrongSecond(Node):
    """A right gradient, with a wrong derivative of its own: the cosine is kept as a constant."""

    def forward(self, x):
        self.cosine = np.cos(x)
        return np.sin(x)

    def backward(self, gy):
        return gy * self.cosine


def x64(*shape):
    return mg.randn(*shape, dtype=mg.float64, requires_grad=True)


def test_a_wrong_rule_is_found_and_its_worst_index_told():
    with pytest.raises(mg.GradcheckError, match=r"input 0 is wrong: at index \(\d, \d\) the rule gives"):
        mg.gradcheck(lambda x: WrongSine()(x), x64(2, 3))
    assert not mg.gradcheck(lambda x: WrongSine()(x), x64(2, 3), raise_exception=False)


def test_a_wrong_second_derivative_is_found():
    assert mg.gradcheck(lambda x: WrongSecond()(x), x64(3))
    with pytest.raises(mg.GradcheckError):
        mg.gradgradcheck(lambda x: WrongSecond()(x), x64(3))


def test_float32_is_refused():
    with pytest.raises(TypeError, match=r"float64.*three right digits"):
        mg.gradcheck(mg.exp, mg.ones(2, requires_grad=True))


def test_several_inputs_and_outputs():
    assert mg.gradcheck(lambda a, b: (a * b, a + b), (x64(2, 2), x64(2)))
    assert mg.gradgradcheck(lambda a, b: (a * b, a.exp() + b), (x64(2, 2), x64(2)))


def test_the_inputs_are_left_as_they_were():
    x = x64(3)
    before = x.array.copy()
    mg.gradcheck(mg.tanh, x)
    assert (x.array == before).all()
    assert x.grad is None


def test_jacobian_of_a_linear_map_is_its_matrix(rng):
    a = mg.tensor(rng.standard_normal((3, 4)))
    x = mg.tensor(rng.standard_normal(4))
    np.testing.assert_allclose(mg.jacobian(lambda x: a @ x, x).array, a.array, rtol=1e-15)


def test_jacobian_of_two_inputs(rng):
    a, b = mg.tensor(rng.standard_normal(3)), mg.tensor(rng.standard_normal(3))
    ja, jb = mg.jacobian(lambda a, b: a * b, (a, b))
    np.testing.assert_array_equal(ja.array, np.diag(b.array))
    np.testing.assert_array_equal(jb.array, np.diag(a.array))


def test_hessian_vector_product_is_the_hessian_times_the_vector(rng):
    x = mg.tensor(rng.standard_normal(4))
    v = mg.tensor(rng.standard_normal(4))

    def f(x):
        return (x.sin() * x.roll(1)).sum()

    _, product = mg.hvp(f, x, v)
    hessian = mg.hessian(f, x)
    np.testing.assert_allclose(hessian.array, hessian.array.T, atol=1e-14)
    np.testing.assert_allclose(product.array, hessian.array @ v.array, atol=1e-14)
