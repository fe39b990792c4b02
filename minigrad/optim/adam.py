"""Adam, and AdamW, which decays the weights apart from the gradient."""

from __future__ import annotations

from typing import Any

from minigrad.engine.base import Array
from minigrad.kernels import optim as kernels
from minigrad.optim import settings
from minigrad.optim.groups import Group, Params
from minigrad.optim.optimizer import Optimizer
from minigrad.tensors.tensor import Tensor


class Adam(Optimizer):
    """Steps in the direction of the mean gradient, scaled by the gradient's usual size (Kingma and Ba, 2015).

    In step t, with gradient g::

        g = g + weight_decay * p                (decoupled: p = p - lr * weight_decay * p)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or groups.
    lr
        The learning rate: about the size of a number's step.
    betas
        How much of the two running means, of the gradient and of its square, is kept.
    eps
        Keeps the division from running away where the gradients are tiny.
    weight_decay
        The factor of the parameter that is added to its gradient.
    amsgrad
        Scale by the largest v so far (Reddi et al., 2018).
    maximize
        Go up the gradient.
    decoupled_weight_decay
        Decay the weights apart from the gradient, as ``AdamW`` does.
    foreach, capturable, differentiable, fused
        Accepted for PyTorch's sake; they change nothing.

    Raises
    ------
    ValueError
        For a setting below 0, or for a beta that is not in [0, 1).

    Examples
    --------
    >>> import minigrad as mg
    >>> p = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = mg.optim.Adam([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [0.5, -1.5]
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        settings.at_least_0(
            type(self).__name__, {"learning rate": lr, "epsilon value": eps, "weight_decay value": weight_decay}
        )
        settings.betas(type(self).__name__, betas)
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        keys = ("step", "exp_avg", "exp_avg_sq")
        return (*keys, "max_exp_avg_sq") if group["amsgrad"] else keys

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        state["step"] += 1
        beta1, beta2 = group["betas"]
        kernels.adam(
            p,
            g,
            state["exp_avg"],
            state["exp_avg_sq"],
            state.get("max_exp_avg_sq"),
            float(state["step"].flat[0]),
            float(group["lr"]),
            float(beta1),
            float(beta2),
            float(group["eps"]),
            float(group["weight_decay"]),
            bool(group["decoupled_weight_decay"]),
            bool(group["amsgrad"]),
            bool(group["maximize"]),
        )


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights and stays out of the means (Loshchilov and Hutter, 2019).

    Parameters are those of ``Adam``; ``weight_decay`` is 0.01 unless given.

    Examples
    --------
    >>> import minigrad as mg
    >>> p = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.AdamW([p], lr=0.25, weight_decay=1.0)
    >>> p.grad = mg.zeros(1)
    >>> optimizer.step()
    >>> p.tolist()
    [0.75]
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            # Also where the state was saved by Adam, as in PyTorch.
            group["decoupled_weight_decay"] = True
