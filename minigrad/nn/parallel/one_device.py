"""DataParallel on the one device there is: the module itself, under the names that PyTorch gives its parameters."""

from __future__ import annotations

from typing import Any

from minigrad.arguments import wrong_kind
from minigrad.nn.module import Module


class DataParallel(Module):
    """Runs its module as it is; ``state_dict`` keys begin with ``module.``, as in PyTorch.

    Several processes share the work in ``DistributedDataParallel``.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise wrong_kind("DataParallel", "module", "a Module", module)
        self.module = module
        self.dim = dim
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Run the module."""
        return self.module(*inputs, **kwargs)
