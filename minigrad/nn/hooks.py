"""Hooks of a module: functions of the user's that run before and after forward, and in backward.

A backward hook needs the gradients of exactly this module's inputs and outputs, while a tensor's own
gradient is summed over all its readers. So a call of a module that has backward hooks is put between two
identity nodes, ``ModuleInput`` and ``ModuleOutput``; nodes of that kind exist only where there are hooks.
"""

from __future__ import annotations

from typing import Any

from minigrad.arguments import function, truths
from minigrad.engine.base import TensorBase
from minigrad.engine.node import Node
from minigrad.engine.step import read_only
from minigrad.nn.calls import is_sealed
from minigrad.tensors.tensor import RemovableHandle, add_hook, from_array


def register(module: Any, when: str, hook: Any, prepend: bool) -> RemovableHandle:
    """Add a hook, behind or before the others that run then, and give the handle that removes it."""
    function("a module's hook", "hook", hook[0] if when in ("before", "after") else hook)
    truths("a module's hook", prepend=prepend)
    record = module._call_record
    if record.hooks is None:
        record.hooks = {"before": {}, "after": {}, "backward before": {}, "backward": {}}
        record.sealed = is_sealed(module)
    hooks = record.hooks[when]
    others = list(hooks) if prepend else []
    handle = add_hook(hooks, hook)
    for key in others:  # to the end, in their order
        hooks[key] = hooks.pop(key)
    return handle


def run(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a module's forward, and the hooks around it."""
    hooks = module._call_record.hooks
    for hook, with_kwargs in list(hooks["before"].values()):
        changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if changed is None:
            continue
        if not with_kwargs:
            args = changed if isinstance(changed, tuple) else (changed,)
        elif isinstance(changed, tuple) and len(changed) == 2:
            args, kwargs = changed
        else:
            raise RuntimeError("a forward pre-hook that takes kwargs must return None or a pair (args, kwargs)")
    begin = None
    if hooks["backward"] or hooks["backward before"]:
        begin = ModuleInput(module, *_reached(args))
        args = begin.through(args)
    output = module.forward(*args, **kwargs)
    for hook, with_kwargs in list(hooks["after"].values()):
        changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
        output = output if changed is None else changed
    if begin is None:
        return output
    results = (output,) if isinstance(output, TensorBase) else output
    if not isinstance(results, tuple):
        raise TypeError(
            f"{type(module).__name__} has a backward hook, so its output must be a tensor or a tuple of tensors, "
            f"not a {type(output).__name__}"
        )
    through = ModuleOutput(module, *_reached(results), begin).through(results)
    return through if results is output else through[0]


def _reached(values: tuple[Any, ...]) -> tuple[int, tuple[int, ...]]:
    """How many values there are, and at which places those that a gradient reaches."""
    return len(values), tuple(i for i, x in enumerate(values) if isinstance(x, TensorBase) and x.requires_grad)


class _Boundary(Node):
    """Values that go into a module or come out of it, unchanged: those of them that a gradient reaches.

    Parameters
    ----------
    owner
        The module.
    count, places
        How many values there are, and which of them go through this node.
    """

    #: What a hook calls the gradients.
    what = ""

    def __init__(self, owner: Any, count: int, places: tuple[int, ...]) -> None:
        self.owner, self.count, self.places = owner, count, places

    def forward(self, *values: Any) -> Any:
        return values

    def through(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values, after those that a gradient reaches went through this node."""
        if not self.places:
            return values
        every = list(values)
        for place, tensor in zip(self.places, self(*(values[i] for i in self.places)), strict=True):
            every[place] = tensor
        return tuple(every)

    def shown(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients as a hook sees them: tensors that can't be written to, None for all else."""
        every: list[Any] = [None] * self.count
        for place, gradient in zip(self.places, grads, strict=True):
            kept = gradient is None or isinstance(gradient, TensorBase)
            every[place] = gradient if kept else from_array(read_only(gradient))
        return tuple(every)

    def after(self, when: str, grads: tuple[Any, ...], *more: Any) -> tuple[Any, ...]:
        """The gradients as the hooks leave them: what one returns replaces them."""
        on_tensors = any(isinstance(g, TensorBase) for g in grads)
        for hook in list(self.owner._call_record.hooks[when].values()):
            changed = hook(self.owner, self.shown(grads), *more)
            if changed is None:
                continue
            every = changed if isinstance(changed, tuple) else (changed,)
            if len(every) != self.count:
                raise RuntimeError(f"the backward hook returned {len(every)} gradients, {self.what} has {self.count}")
            if not self.places and any(gradient is not None for gradient in every):
                raise RuntimeError(
                    f"no gradient reaches {type(self.owner).__name__}'s inputs: its hook can replace none"
                )
            grads = tuple(every[i] if on_tensors else getattr(every[i], "array", every[i]) for i in self.places)
        return grads


class ModuleInput(_Boundary):
    """The inputs of a module that has backward hooks, unchanged. Backward: the hooks see the gradients."""

    what = "grad_input"
    #: The gradients of the module's outputs, which ``ModuleOutput`` puts here.
    grad_output: tuple[Any, ...] = ()

    def backward(self, *grads: Any) -> Any:
        return self.after("backward", grads, self.grad_output)


class ModuleOutput(_Boundary):
    """The outputs of a module that has backward hooks, unchanged. Backward: the pre-hooks see the gradients.

    A module whose inputs no gradient reaches has no other node, so its backward hooks run here as well.
    """

    what = "grad_output"

    def __init__(self, owner: Any, count: int, places: tuple[int, ...], begin: ModuleInput) -> None:
        super().__init__(owner, count, places)
        self.begin = begin

    def backward(self, *grads: Any) -> Any:
        grads = self.after("backward before", grads)
        self.begin.grad_output = self.shown(grads)
        if not self.begin.places:
            self.begin.after("backward", (), self.begin.grad_output)
        return grads
