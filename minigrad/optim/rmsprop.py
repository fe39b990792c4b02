"""RMSprop."""

from __future__ import annotations

from minigrad.engine.base import Array
from minigrad.kernels import optim as kernels
from minigrad.optim import settings
from minigrad.optim.groups import Group, Params
from minigrad.optim.optimizer import Optimizer
from minigrad.tensors.tensor import Tensor


class RMSprop(Optimizer):
    """Divides the gradient by a running root mean square of itself (Tieleman and Hinton, 2012).

    With gradient g::

        g = g + weight_decay * p
        s = alpha * s + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g         (a = 0 unless centered)
        b = momentum * b + g / (sqrt(s - a**2) + eps)
        p = p - lr * b

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or groups.
    lr
        The learning rate.
    alpha
        How much of the running mean of the squared gradient is kept.
    eps
        Keeps the division from running away where the gradients are tiny.
    weight_decay
        The factor of the parameter that is added to its gradient.
    momentum
        How much of the last step's direction is kept.
    centered
        Divide by the standard deviation: subtract the squared mean (Graves, 2013).
    maximize
        Go up the gradient.
    capturable, foreach, differentiable
        Accepted for PyTorch's sake; they change nothing.

    Raises
    ------
    ValueError
        For a setting below 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> p = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.RMSprop([p], lr=0.5, alpha=0.0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.5]
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        settings.at_least_0(type(self).__name__, {"learning rate": lr, "epsilon value": eps, "alpha value": alpha})
        settings.at_least_0(type(self).__name__, {"momentum value": momentum, "weight_decay value": weight_decay})
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        keys: tuple[str, ...] = ("step", "square_avg")
        if group["momentum"] > 0:
            keys = (*keys, "momentum_buffer")
        return (*keys, "grad_avg") if group["centered"] else keys

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        state["step"] += 1
        kernels.rmsprop(
            p,
            g,
            state["square_avg"],
            state.get("momentum_buffer"),
            state.get("grad_avg"),
            float(group["lr"]),
            float(group["alpha"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            float(group["momentum"]),
            bool(group["centered"]),
            bool(group["maximize"]),
        )
