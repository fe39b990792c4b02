"""Adagrad, Adadelta and Adamax: a rate for each number, from what its gradients were."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array
from minigrad.optim import settings
from minigrad.optim.groups import Group, Params
from minigrad.optim.optimizer import Optimizer
from minigrad.tensors.tensor import Tensor


def _gradient(group: Group, p: Array, g: Array) -> Array:
    """The gradient, turned round for ``maximize``, with the weight decay."""
    g = -g if group["maximize"] else g
    decay = float(group["weight_decay"])
    return g + decay * p if decay else g


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares so far (Duchi et al., 2011).

    With gradient g::

        g = g + weight_decay * p
        sum = sum + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(sum) + eps)

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or groups.
    lr
        The learning rate.
    lr_decay
        How fast the rate falls.
    weight_decay
        The factor of the parameter that is added to its gradient.
    initial_accumulator_value
        The sum at the start.
    eps
        Keeps the division from running away.
    maximize
        Go up the gradient.
    foreach, differentiable, fused
        Accepted for PyTorch's sake; they change nothing.

    Raises
    ------
    ValueError
        For a setting below 0.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        settings.at_least_0(
            type(self).__name__, {"learning rate": lr, "lr_decay value": lr_decay, "weight_decay value": weight_decay}
        )
        settings.at_least_0(
            type(self).__name__, {"initial_accumulator_value value": initial_accumulator_value, "epsilon value": eps}
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return "step", "sum"

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        state["step"] += 1
        if first:
            state["sum"] += float(group["initial_accumulator_value"])
        g = _gradient(group, p, g)
        state["sum"] += g * g
        rate = float(group["lr"]) / (1 + (_count(state) - 1) * float(group["lr_decay"]))
        p -= rate * g / (np.sqrt(state["sum"]) + float(group["eps"]))


class Adadelta(Optimizer):
    """Divides by a running root mean square of the gradient, and multiplies by one of the steps (Zeiler, 2012).

    With gradient g::

        g = g + weight_decay * p
        s = rho * s + (1 - rho) * g**2
        d = sqrt(a + eps) / sqrt(s + eps) * g
        a = rho * a + (1 - rho) * d**2
        p = p - lr * d

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or groups.
    lr
        The factor of the step.
    rho
        How much of the running means is kept.
    eps
        Added under the roots.
    weight_decay
        The factor of the parameter that is added to its gradient.
    maximize
        Go up the gradient.
    foreach, capturable, differentiable
        Accepted for PyTorch's sake; they change nothing.

    Raises
    ------
    ValueError
        For a setting below 0, or ``rho`` above 1.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        settings.at_least_0(
            type(self).__name__, {"learning rate": lr, "epsilon value": eps, "weight_decay value": weight_decay}
        )
        if not 0 <= settings.number("Adadelta", "rho", rho) <= 1:
            raise arguments.wrong_value("Adadelta", "rho", "a number from 0 to 1", rho)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return "step", "square_avg", "acc_delta"

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        state["step"] += 1
        rho, eps = float(group["rho"]), float(group["eps"])
        g = _gradient(group, p, g)
        squares, steps = state["square_avg"], state["acc_delta"]
        squares *= rho
        squares += (1 - rho) * (g * g)
        step = np.sqrt(steps + eps) / np.sqrt(squares + eps) * g
        steps *= rho
        steps += (1 - rho) * (step * step)
        p -= float(group["lr"]) * step


class Adamax(Optimizer):
    """Adam with the largest gradient so far in place of the root mean square (Kingma and Ba, 2015).

    With gradient g::

        g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1**t) * m / u

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or groups.
    lr
        The learning rate.
    betas
        How much is kept of the mean and of the maximum.
    eps
        Keeps the division from running away.
    weight_decay
        The factor of the parameter that is added to its gradient.
    maximize
        Go up the gradient.
    foreach, differentiable, capturable
        Accepted for PyTorch's sake; they change nothing.

    Raises
    ------
    ValueError
        For a setting out of range.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        settings.at_least_0(
            type(self).__name__, {"learning rate": lr, "epsilon value": eps, "weight_decay value": weight_decay}
        )
        settings.betas(type(self).__name__, betas)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return "step", "exp_avg", "exp_inf"

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        state["step"] += 1
        beta1, beta2 = map(float, group["betas"])
        g = _gradient(group, p, g)
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean += (1 - beta1) * (g - mean)
        np.maximum(largest * beta2, np.abs(g) + float(group["eps"]), out=largest)
        p -= float(group["lr"]) / (1 - beta1 ** _count(state)) * mean / largest


def _count(state: dict[str, Any]) -> float:
    """The number of this step; of parameters that are updated together it is the same."""
    return float(np.ravel(state["step"])[0])
