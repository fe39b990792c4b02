"""Weights that are computed anew before each forward: weight_norm and spectral_norm, in their older form.

The weight's own parameter goes, and others take its place in ``state_dict``, under PyTorch's keys; a hook that runs
before forward puts the weight together, so the gradient goes back to its parts.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from minigrad.arguments import integer, number, wrong_kind, wrong_value
from minigrad.engine.mode import no_grad
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.common import axis_of
from minigrad.ops.vector_norm import norm
from minigrad.random import default_generator
from minigrad.tensors.tensor import Tensor, from_array

M = TypeVar("M", bound=Module)


class WeightNorm:
    """``weight = g * v / |v|``: length and direction are learnt apart (Salimans and Kingma, 2016)."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def length(self, v: Tensor) -> Tensor:
        """The norm of every slice along ``dim``, or of all."""
        if self.dim is None:
            return norm(v)
        dim = self.dim % v.ndim
        return norm(v, 2, tuple(i for i in range(v.ndim) if i != dim), keepdim=True)

    def weight(self, module: Module) -> Any:
        """The weight, from its parts."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / self.length(v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.weight(module))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        weight = self.weight(module).detach()
        for part in ("_g", "_v"):
            delattr(module, self.name + part)
        _own(module, self.name, weight)


class SpectralNorm:
    """``weight / sigma``, sigma its largest singular value, by power iteration (Miyato et al., 2018)."""

    def __init__(self, name: str, n_power_iterations: int, eps: float, dim: int) -> None:
        integer("spectral_norm", "n_power_iterations", n_power_iterations, least=1)
        number("spectral_norm", "eps", eps)
        self.name, self.n_power_iterations, self.eps, self.dim = name, n_power_iterations, eps, dim

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix, ``dim`` first."""
        return weight.movedim(self.dim, 0).reshape(weight.shape[self.dim], -1)

    def weight(self, module: Module, iterate: bool) -> Any:
        """The weight, divided; in training the singular vectors are brought up to date."""
        original = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self.matrix(original)
        if iterate:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(self._unit(matrix.t() @ u))
                    u.copy_(self._unit(matrix @ v))
                u, v = u.clone(), v.clone()  # the next iteration writes over them
        return original / (u @ (matrix @ v))

    def _unit(self, x: Tensor) -> Tensor:
        return x / norm(x).clamp(min=self.eps)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.weight(module, module.training))

    def remove(self, module: Module) -> None:
        """Make the weight, as it is now, a parameter again."""
        weight = self.weight(module, iterate=False).detach()
        for part in ("_orig", "_u", "_v"):
            delattr(module, self.name + part)
        _own(module, self.name, weight)


def _own(module: Module, name: str, weight: Tensor) -> None:
    vars(module).pop(name, None)
    module.register_parameter(name, Parameter(weight))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the length and the direction of a weight apart, as ``name_g`` and ``name_v``.

    Parameters
    ----------
    dim
        The axis of which every slice has a length of its own; None for one length.
    """
    weight = _weight("weight_norm", module, name)
    parts = WeightNorm(name, dim if dim is None else axis_of(dim, weight.ndim, "weight_norm"))
    length = parts.length(weight).detach().clone()
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(length))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    return _applied(module, parts)


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its largest singular value.

    Parameters
    ----------
    n_power_iterations
        Steps towards the singular vectors in each forward in training.
    eps
        The least length that a vector is divided by.
    dim
        The axis of the outputs; by default 0, and 1 for transposed convolutions.
    """
    weight = _weight("spectral_norm", module, name)
    if dim is None:
        dim = int("ConvTranspose" in type(module).__name__)
    parts = SpectralNorm(name, n_power_iterations, eps, axis_of(dim, weight.ndim, "spectral_norm"))
    delattr(module, name)
    module.register_parameter(f"{name}_orig", Parameter(weight.detach()))
    draw = default_generator().numpy
    for part, size in zip("uv", parts.matrix(weight).shape, strict=True):
        vector = np.asarray(draw.standard_normal(size)).astype(weight.dtype)
        module.register_buffer(f"{name}_{part}", from_array(vector / np.linalg.norm(vector).astype(weight.dtype)))
    return _applied(module, parts)


def _weight(operation: str, module: Any, name: Any) -> Any:
    """The parameter of that name.

    Raises
    ------
    TypeError
        If what was given is no module, or no name.
    OperationError
        If the module has no such parameter.
    """
    if not isinstance(module, Module):
        raise wrong_kind(operation, "module", "a Module", module)
    held = module._parameters
    if not isinstance(name, str):
        raise wrong_kind(operation, "name", "a parameter's name", name)
    if held.get(name) is None:
        raise wrong_value(operation, "name", f"a parameter of {type(module).__name__} ({', '.join(held)})", name)
    return held[name]


def _applied(module: M, parts: Any) -> M:
    parts.handle = module.register_forward_pre_hook(parts)
    vars(module).setdefault("_reparametrized", []).append(parts)
    setattr(module, parts.name, parts.weight(module) if isinstance(parts, WeightNorm) else parts.weight(module, False))
    return module


def _removed(module: M, kind: Any, name: str) -> M:
    if not isinstance(module, Module):
        raise wrong_kind(f"remove_{kind.__name__}", "module", "a Module", module)
    for parts in vars(module).get("_reparametrized", []):
        if isinstance(parts, kind) and parts.name == name:
            parts.handle.remove()
            module._reparametrized.remove(parts)
            parts.remove(module)
            return module
    raise ValueError(f"{kind.__name__} of '{name}' not found in {module}")


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter of its own again.

    Raises
    ------
    ValueError
        If there is no weight_norm on it.
    """
    return _removed(module, WeightNorm, name)


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make the weight a parameter of its own again.

    Raises
    ------
    ValueError
        If there is no spectral_norm on it.
    """
    return _removed(module, SpectralNorm, name)
