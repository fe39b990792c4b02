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
from minigrad.tensors.tensor import RemovableHandle, Tensor, add_hook, from_array


class CallHooks:
    """The hooks of one module, by when they run.

    Attributes
    ----------
    before, after
        Around forward: (hook, whether it takes keyword arguments too).
    backward_before, backward
        When the gradients of the outputs, and then those of the inputs, are complete.
    """

    def __init__(self) -> None:
        self.before: dict[int, Any] = {}
        self.after: dict[int, Any] = {}
        self.backward_before: dict[int, Any] = {}
        self.backward: dict[int, Any] = {}

    def run(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a module's forward, and the hooks around it."""
        for hook, with_kwargs in list(self.before.values()):
            args, kwargs = _call_before(hook, with_kwargs, module, args, kwargs)
        boundary = _Boundary(module, self) if self.backward or self.backward_before else None
        if boundary is not None:
            args = boundary.enter(args)
        output = module.forward(*args, **kwargs)
        for hook, with_kwargs in list(self.after.values()):
            changed = hook(module, args, kwargs, output) if with_kwargs else hook(module, args, output)
            output = output if changed is None else changed
        return output if boundary is None else boundary.leave(output)


def _call_before(
    hook: Any, with_kwargs: bool, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Call a forward pre-hook; what it returns replaces the arguments."""
    if not with_kwargs:
        changed = hook(module, args)
        if changed is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs
    changed = hook(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise RuntimeError("a forward pre-hook that takes kwargs must return None or a pair (args, kwargs)")
    return changed


class ModuleInput(Node):
    """The inputs of a module that has backward hooks, unchanged. Backward: the hooks see the gradients."""

    def __init__(self, boundary: _Boundary) -> None:
        self.boundary = boundary

    def forward(self, *inputs: Any) -> Any:
        return inputs

    def backward(self, *grads: Any) -> Any:
        return self.boundary.backward_done(grads)


class ModuleOutput(Node):
    """The outputs of a module that has backward hooks, unchanged. Backward: the gradients are noted."""

    def __init__(self, boundary: _Boundary) -> None:
        self.boundary = boundary

    def forward(self, *outputs: Any) -> Any:
        return outputs

    def backward(self, *grads: Any) -> Any:
        return self.boundary.backward_begins(grads)


class _Boundary:
    """One call of a module that has backward hooks: what is known of its gradients."""

    def __init__(self, module: Any, hooks: CallHooks) -> None:
        self.module = module
        self.hooks = hooks
        self.inputs: tuple[int, ...] = ()
        self.outputs: tuple[int, ...] = ()
        self.arguments = 0
        self.results = 0
        self.grad_output: tuple[Any, ...] = ()

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put a ``ModuleInput`` before those arguments that gradients reach."""
        self.arguments = len(args)
        self.inputs = _with_gradient(args)
        return _replaced(args, self.inputs, ModuleInput(self))

    def leave(self, output: Any) -> Any:
        """Put a ``ModuleOutput`` behind the results."""
        single = isinstance(output, TensorBase)
        results = (output,) if single else output
        if not isinstance(results, tuple):
            raise TypeError(
                f"{type(self.module).__name__} has a backward hook, so its output must be a tensor or a "
                f"tuple of tensors, not a {type(output).__name__}"
            )
        self.results = len(results)
        self.outputs = _with_gradient(results)
        results = _replaced(results, self.outputs, ModuleOutput(self))
        return results[0] if single else results

    def backward_begins(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Run the backward pre-hooks; without inputs to wait for, the backward hooks as well."""
        places = _Places(self.results, self.outputs, grads)
        self.grad_output = places.shown(grads)
        for hook in list(self.hooks.backward_before.values()):
            changed = hook(self.module, self.grad_output)
            if changed is not None:
                grads = places.taken(changed, "grad_output")
                self.grad_output = places.shown(grads)
        if not self.inputs:
            for hook in list(self.hooks.backward.values()):
                hook(self.module, (None,) * self.arguments, self.grad_output)
        return grads

    def backward_done(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Run the backward hooks; what one returns replaces the gradients of the inputs."""
        places = _Places(self.arguments, self.inputs, grads)
        for hook in list(self.hooks.backward.values()):
            changed = hook(self.module, places.shown(grads), self.grad_output)
            if changed is not None:
                grads = places.taken(changed, "grad_input")
        return grads


class _Places:
    """Which of all arguments, or results, have gradients, and whether these are arrays or tensors."""

    def __init__(self, count: int, places: tuple[int, ...], grads: tuple[Any, ...]) -> None:
        self.count = count
        self.places = places
        self.tensors = isinstance(grads[0], TensorBase)

    def shown(self, grads: tuple[Any, ...]) -> tuple[Tensor | None, ...]:
        """The gradients as a hook sees them: tensors that can't be written to, None for all else."""
        every: list[Any] = [None] * self.count
        for place, gradient in zip(self.places, grads, strict=True):
            array = gradient if self.tensors else read_only(gradient)
            every[place] = array if self.tensors or array is None else from_array(array)
        return tuple(every)

    def taken(self, changed: Any, what: str) -> tuple[Any, ...]:
        """The gradients that a hook gave back, as the engine takes them."""
        every = changed if isinstance(changed, tuple) else (changed,)
        if len(every) != self.count:
            raise RuntimeError(f"the backward hook returned {len(every)} gradients, {what} has {self.count}")
        chosen = [every[place] for place in self.places]
        return tuple(chosen if self.tensors else (getattr(g, "array", g) for g in chosen))


def _with_gradient(values: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(i for i, x in enumerate(values) if isinstance(x, TensorBase) and x.requires_grad)


def _replaced(values: tuple[Any, ...], places: tuple[int, ...], node: Node) -> tuple[Any, ...]:
    """``values``, with those at ``places`` sent through ``node``."""
    if not places:
        return values
    every = list(values)
    for place, tensor in zip(places, node(*(values[i] for i in places)), strict=True):
        every[place] = tensor
    return tuple(every)


def hooks_of(module: Any) -> CallHooks:
    """The hooks of a module, which gets its table of them now if it had none."""
    record = module._call_record
    if record.hooks is None:
        record.hooks = CallHooks()
        record.sealed = is_sealed(module)
    return record.hooks


def add_to(hooks: dict[int, Any], hook: Any, prepend: bool) -> RemovableHandle:
    """Put a hook into a table, behind or before the others, and give the handle that removes it."""
    function("a module's hook", "hook", hook[0] if isinstance(hook, tuple) else hook)
    truths("a module's hook", prepend=prepend)
    before = dict(hooks) if prepend else {}
    handle = add_hook(hooks, hook)
    for key in before:  # to the end, in their order
        hooks[key] = hooks.pop(key)
    return handle
