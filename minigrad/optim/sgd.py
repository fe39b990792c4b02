"""Stochastic gradient descent."""

from __future__ import annotations

from minigrad.engine.base import Array
from minigrad.kernels import optim as kernels
from minigrad.optim import settings
from minigrad.optim.groups import Group, Params
from minigrad.optim.optimizer import Optimizer
from minigrad.tensors.tensor import Tensor


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    With gradient g, momentum m, dampening d and weight decay w::

        g = g + w * p
        b = m * b + (1 - d) * g        (b = g in the first step)
        p = p - lr * b                 (nesterov: p - lr * (g + m * b))

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or groups.
    lr
        The learning rate.
    momentum
        How much of the last step's direction is kept.
    dampening
        How much of the gradient is left out of that direction.
    weight_decay
        The factor of the parameter that is added to its gradient.
    nesterov
        Look ahead along the momentum (Sutskever et al., 2013).
    maximize
        Go up the gradient.
    foreach, differentiable, fused
        Accepted for PyTorch's sake; they change nothing.

    Raises
    ------
    ValueError
        For a setting below 0, or for ``nesterov`` without momentum or with dampening.

    Examples
    --------
    >>> import minigrad as mg
    >>> p = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.SGD([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.0]
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        settings.at_least_0(type(self).__name__, {"learning rate": lr, "momentum value": momentum})
        settings.at_least_0(type(self).__name__, {"weight_decay value": weight_decay})
        settings.number("SGD", "dampening", dampening)
        settings.group("SGD", {"nesterov": nesterov})
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        kernels.sgd(
            p,
            g,
            state.get("momentum_buffer"),
            float(group["lr"]),
            float(group["momentum"]),
            float(group["dampening"]),
            float(group["weight_decay"]),
            bool(group["nesterov"]),
            bool(group["maximize"]),
            first,
        )
