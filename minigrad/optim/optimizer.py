"""What all optimizers share: parameter groups, the state kept for each parameter, and what a step is.

An optimizer of this package only says which arrays it keeps (``_state_keys``) and how one step changes
numbers (``_update``). One of your own may do the same, or, as in PyTorch, override ``step``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import arguments
from minigrad.engine.base import Array, array_of
from minigrad.engine.errors import OperationError
from minigrad.engine.mode import enable_grad
from minigrad.engine.writes import note, note_all
from minigrad.optim import saving, settings
from minigrad.optim.flat import Bundle, same
from minigrad.optim.groups import Group, check_parameters, complete, groups_of, required
from minigrad.tensors.tensor import Tensor, clear_gradients, from_array

__all__ = ["Optimizer", "required"]


class Optimizer:
    """Base class of all optimizers.

    Parameters
    ----------
    params
        Tensors, ``(name, tensor)`` pairs, or dictionaries: one for each group of parameters, with the
        group's own settings beside ``"params"``.
    defaults
        The settings of a group that doesn't bring its own.

    Attributes
    ----------
    param_groups
        A list of dictionaries, which may be changed at any time: ``optimizer.param_groups[0]["lr"] = 0.1``.
    state
        What is kept for each parameter, by parameter: ``optimizer.state[p]["exp_avg"]``.

    Raises
    ------
    TypeError
        If it is given something other than tensors.
    ValueError
        If there are none, or if one is no leaf, or is in two groups.
    """

    #: Whether ``step`` has run; a schedule warns if it is stepped before the optimizer is.
    _opt_called = False

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if not isinstance(defaults, dict):
            raise arguments.wrong_kind(type(self).__name__, "defaults", "a dictionary of settings", defaults)
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._bundles: dict[int, Bundle] = {}
        for group in groups_of(params):
            self.add_param_group(group)

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters with settings of their own, say when a frozen layer starts to train.

        Parameters
        ----------
        param_group
            ``"params"``, and the settings that differ from the defaults.

        Raises
        ------
        TypeError
            If something in it is no tensor, or is a set, whose order changes from run to run.
        ValueError
            If a parameter is no leaf or is in another group, or if a setting or a name is missing.
        """
        group = complete(param_group, self.defaults, self.param_groups)
        if type(self).step is Optimizer.step:  # whose settings are those that this package knows
            settings.group(type(self).__name__, group)
        self.param_groups.append(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; one whose ``grad`` is None is left alone.

        Parameters
        ----------
        closure
            Called first, with gradients enabled: it clears the gradients, runs forward and backward, and
            returns the loss.

        Returns
        -------
        object
            What the closure returned.

        Raises
        ------
        OperationError
            If a gradient's shape is not its parameter's.
        """
        loss = None
        if closure is not None:
            arguments.function(f"{type(self).__name__}.step", "closure", closure)
            with enable_grad():
                loss = closure()
        self._opt_called = True
        for index, group in enumerate(self.param_groups):
            try:
                self._step_group(index, group)
            except (TypeError, ValueError, AttributeError, ZeroDivisionError):
                settings.group(type(self).__name__, group)  # someone may have changed one
                check_parameters(group["params"])
                raise
        return loss

    def _step_group(self, index: int, group: Group) -> None:
        """Update the small parameters together, where that is possible, and the rest one by one."""
        ready = [p for p in group["params"] if p._grad is not None]
        keys = self._state_keys(group)
        bundle = self._bundles.get(index)
        rest = ready
        if bundle is None or not same(bundle.ready, ready):
            # It is filled in the next step, if the same parameters have a gradient then.
            self._bundles[index] = Bundle(ready)
        elif bundle.fill(self.state, keys):
            self._update(group, bundle.data, bundle.gradients(), bundle.state, first=False)
            note_all(bundle.notes)
            rest = bundle.rest
        for p in rest:
            self._step_parameter(group, p, keys)

    def _step_parameter(self, group: Group, p: Tensor, keys: tuple[str, ...]) -> None:
        """Update one parameter."""
        # Arithmetic on an array without dimensions gives a NumPy scalar: ``p.array = p.array * 0.9`` left one.
        data = p.array = np.asarray(p.array)
        gradient = array_of(p._grad)
        if gradient.shape != data.shape:
            raise OperationError(
                f"the gradient has shape {gradient.shape}, its parameter {data.shape}: "
                "after giving a parameter data of another shape, run forward and backward again"
            )
        if data.dtype.char not in "fd" or not data.flags.writeable:
            kind = data.dtype if data.flags.writeable else "read-only"
            raise OperationError(
                f"a parameter is {kind}, but optimizers write to float32 or float64 arrays: "
                "before making the optimizer, convert with .float(), or assign p.array = p.array.copy()"
            )
        state = self.state[p] if keys else {}
        first = any(key not in state for key in keys)
        arrays = {key: _kept(state, key, data) for key in keys}
        self._update(group, data, gradient, arrays, first)
        note(data)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        """The names of the arrays kept for each parameter, in its shape; ``"step"`` is one number."""
        return ()

    def _update(self, group: Group, p: Array, g: Array, state: dict[str, Array], first: bool) -> None:
        """Change ``p`` and ``state`` in place, by one step.

        Parameters
        ----------
        group
            The settings.
        p, g
            Numbers and their gradients: one parameter's, or those of several side by side, shape (N,).
        state
            The arrays that ``_state_keys`` names. They have the shape of ``p``, but for ``"step"``, which
            holds one number, or as many equal ones as there are parameters.
        first
            Whether the state was made just now, of zeros.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step(): override step or _update")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients.

        Parameters
        ----------
        set_to_none
            Make them None: then a parameter that the next backward pass doesn't reach is not changed by the
            next step. With False they become zeros, and momentum and weight decay still move the parameter.
        """
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """The state and the settings, with a number in the place of each parameter.

        Returns
        -------
        dict
            ``{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, ...]}, ...]}``. Its
            tensors are the optimizer's own, and change with the next step.
        """
        return saving.pack(self.param_groups, self.state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave, of an optimizer with as many parameters in as many groups.

        Everything is checked before anything is changed, and the tensors are copied.

        Raises
        ------
        ValueError
            If it doesn't fit: the number of groups or parameters, a setting that is missing, a shape.
        """
        saving.check(state_dict)
        groups = saving.unpack_groups(state_dict["param_groups"], self.param_groups, self.defaults)
        for group in groups if type(self).step is Optimizer.step else ():
            settings.group(f"{type(self).__name__}.load_state_dict", group)
        state = saving.unpack_state(state_dict, groups, self._state_keys)
        self.__setstate__({"state": state, "param_groups": groups})

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_bundles"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bundles = {}

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            settings = [f"    {setting}: {group[setting]}\n" for setting in sorted(group) if setting != "params"]
            text += f"\nParameter Group {i}\n" + "".join(settings)
        return text + ")"


def _kept(state: dict[str, Any], key: str, data: Array) -> Array:
    """What is kept under this name for a parameter with these data; zeros, if nothing is kept yet."""
    if key not in state:
        state[key] = from_array(np.zeros((), np.float32) if key == "step" else np.zeros_like(data, order="C"))
    kept: Tensor = state[key]
    if key == "step":
        return kept.array
    if kept.array.shape != data.shape:
        raise OperationError(
            f"{key} has shape {kept.array.shape}, its parameter {data.shape}: "
            "after giving a parameter data of another shape, make a new optimizer, or del optimizer.state[p]"
        )
    kept.array = kept.array.astype(data.dtype, copy=False)
    return kept.array
