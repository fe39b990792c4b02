"""Recurrent layers: RNN, LSTM and GRU, over whole sequences, with PyTorch's parameters.

A layer's input is taken as the rows of all time steps, one step below the other, and how many each step has: so
a padded batch and a packed one go the same way. The input's part of the gates is one product for all rows; then
each time step is one node, `RNNCell`, `LSTMCell` or `GRUCell`, of ``minigrad/ops/recurrent.py``.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np

from minigrad.arguments import choice, flag, integer, number, room, tensor
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.cells import state_pair
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.nn.utils.rnn import PackedSequence
from minigrad.ops.common import get_default_dtype
from minigrad.ops.join import split, stack
from minigrad.ops.recurrent import gru_step, lstm_step, rnn_step, together
from minigrad.tensors.tensor import Tensor, from_array

#: What a cell carries from one time step to the next: the hidden state, and in an LSTM the cell state.
States = tuple[Tensor, ...]


class RNNBase(Module):
    """What the recurrent layers share: parameters, shapes, layers and directions.

    Parameters
    ----------
    mode
        ``"RNN_TANH"``, ``"RNN_RELU"``, ``"LSTM"`` or ``"GRU"``.
    input_size, hidden_size
        The features of the input and of the state, a time step.
    num_layers
        Layers, each of which reads the outputs of the one below.
    bias
        Whether there are the two biases, ``bias_ih`` and ``bias_hh``.
    batch_first
        Whether inputs and outputs are (N, L, ...) and not (L, N, ...). States are (layers, N, ...) all the same.
    dropout
        The probability with which an output of a layer but the last is dropped, in training.
    bidirectional
        Whether a second cell a layer reads the sequence backwards; its outputs stand beside the first one's.
    proj_size
        Of an LSTM: project the hidden state to so many features (0: don't).
    """

    #: How many gates a cell has.
    gates: ClassVar[int] = 1

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = type(self).__name__
        choice(layer, "mode", mode, ("RNN_TANH", "RNN_RELU", "LSTM", "GRU"))
        flag(layer, "bidirectional", bidirectional)
        flag(layer, "bias", bias)
        flag(layer, "batch_first", batch_first)
        input_size = integer(layer, "input_size", input_size, least=0)
        hidden_size = integer(layer, "hidden_size", hidden_size, least=1)
        num_layers = integer(layer, "num_layers", num_layers, least=1)
        proj_size = integer(layer, "proj_size", proj_size, least=0, most=hidden_size - 1)
        dropout = number(layer, "dropout", dropout, least=0, most=1)
        room(layer, (num_layers, self.gates * hidden_size, proj_size or hidden_size), get_default_dtype())
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"dropout={dropout} acts between layers, and num_layers is 1: nothing is dropped", stacklevel=3
            )
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bool(bidirectional)
        self.proj_size = proj_size
        self._all_names = [
            self._make(layer, suffix, device, dtype)
            for layer in range(num_layers)
            for suffix in (("", "_reverse") if bidirectional else ("",))
        ]
        self.reset_parameters()

    def _make(self, layer: int, suffix: str, device: Any, dtype: Any) -> list[str]:
        """Make the parameters of one layer and direction; their names."""
        rows, out = self.gates * self.hidden_size, self._out_size
        width = self.input_size if layer == 0 else out * (1 + self.bidirectional)
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, out)}
        if self.bias:
            shapes.update(bias_ih=(rows,), bias_hh=(rows,))
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = [f"{name}_l{layer}{suffix}" for name in shapes]
        for name, shape in zip(names, shapes.values(), strict=True):
            setattr(self, name, empty_parameter(*shape, device=device, dtype=dtype))
        return names

    @property
    def _out_size(self) -> int:
        """The features of the hidden state as others see it."""
        return self.proj_size or self.hidden_size

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_names]

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform within ``1 / sqrt(hidden_size)``."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Accepted for PyTorch's sake: nothing has to be laid out anew."""

    def _step(self, x: Tensor, states: States, weights: dict[str, Tensor]) -> States:
        """One time step, from the input's part of the gates."""
        raise NotImplementedError(f"{type(self).__name__} has no _step()")

    def _run(self, input: Any, hx: States | None, kinds: int) -> tuple[Any, States]:
        """All layers: the output, shaped as the input, and the last states, each (layers * directions, N, ...)."""
        packed = isinstance(input, PackedSequence)
        if packed:
            rows, sizes = input.data, [int(n) for n in input.batch_sizes.array]
            single = False
            order, back = input.sorted_indices, input.unsorted_indices
        else:
            rows, sizes, single = self._as_rows(input)
            order = back = None
        if rows.ndim != 2 or rows.shape[1] != self.input_size:
            raise OperationError(
                f"{type(self).__name__}: the input has {rows.shape[-1]} features a time step, not "
                f"input_size={self.input_size}"
            )
        states = self._first_states(hx, sizes[0], single, kinds, rows.dtype)
        if order is not None and hx is not None:
            states = tuple(state.index_select(1, order) for state in states)
        last: list[States] = []
        for layer in range(self.num_layers):
            if layer and self.training and self.dropout:
                rows = F.dropout(rows, self.dropout)
            ways = []
            for direction in range(1 + self.bidirectional):
                place = len(last)
                outputs, end = self._layer(rows, sizes, tuple(state[place] for state in states), place, direction == 1)
                ways.append(outputs)
                last.append(end)
            rows = ways[0] if len(ways) == 1 else together(ways, 1)
        ends = tuple(stack(list(kind)) for kind in zip(*last, strict=True))
        if back is not None:
            ends = tuple(state.index_select(1, back) for state in ends)
        if packed:
            return input._replace(data=rows), ends
        output = rows.reshape(len(sizes), sizes[0], rows.shape[1])
        if single:
            return output.squeeze(1), tuple(state.squeeze(1) for state in ends)
        return output.transpose(0, 1) if self.batch_first else output, ends

    def _as_rows(self, input: Tensor) -> tuple[Tensor, list[int], bool]:
        """The input as rows, the batch size of each time step, and whether it was a single sequence."""
        name = type(self).__name__
        if tensor(name, "input", input, arrays=False).ndim not in (2, 3):
            raise OperationError(f"{name}: expected an input of 2 or 3 dimensions, its shape is {input.shape}")
        if input.ndim == 2:
            time_first = input.unsqueeze(1)
        else:
            time_first = input.transpose(0, 1) if self.batch_first else input
        steps, batch, width = time_first.shape
        if steps == 0 or batch == 0:
            raise OperationError(
                f"{name}: there is nothing in an input of shape {input.shape}: no time step, or no sequence"
            )
        return time_first.reshape(steps * batch, width), [batch] * steps, input.ndim == 2

    def _first_states(self, hx: States | None, batch: int, single: bool, kinds: int, dtype: Any) -> States:
        """The states before the first time step: those given, checked, or zeros."""
        count = self.num_layers * (1 + self.bidirectional)
        widths = (self._out_size, self.hidden_size)[:kinds]
        if hx is None:
            return tuple(from_array(np.zeros((count, batch, width), dtype)) for width in widths)
        for state, width, label in zip(hx, widths, ("hidden", "cell"), strict=False):
            wanted = (count, width) if single else (count, batch, width)
            if tuple(tensor(type(self).__name__, "hx", state, arrays=False).shape) != wanted:
                raise OperationError(
                    f"{type(self).__name__}: the {label} state must have shape {wanted}, (layers * directions, "
                    f"{'' if single else 'batch, '}features); it has {tuple(state.shape)}"
                )
        return tuple(state.unsqueeze(1) for state in hx) if single else hx

    def _layer(
        self, rows: Tensor, sizes: list[int], initial: States, place: int, backwards: bool
    ) -> tuple[Tensor, States]:
        """One layer in one direction: the outputs, in the order of the rows, and the last states."""
        names = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if self.bias else ()), "weight_hr")
        weights = dict(zip(names, self.all_weights[place], strict=False))
        steps = list(enumerate(split(F.linear(rows, weights["weight_ih"], weights.get("bias_ih")), sizes)))
        outputs: list[Any] = [None] * len(steps)
        states = tuple(state[: sizes[-1 if backwards else 0]] for state in initial) if len(set(sizes)) > 1 else initial
        ended: list[States] = []
        for t, x in reversed(steps) if backwards else steps:
            running, size = len(states[0]), sizes[t]
            if size < running:  # the shortest of the sequences, which are sorted, have ended
                ended.append(tuple(state[size:] for state in states))
                states = tuple(state[:size] for state in states)
            elif size > running:  # backwards, the shorter ones begin later
                states = tuple(together([s, first[running:size]]) for s, first in zip(states, initial, strict=True))
            states = self._step(x, states, weights)
            outputs[t] = states[0]
        if ended:
            states = tuple(together(parts) for parts in zip(states, *reversed(ended), strict=True))
        return together(outputs), states

    def extra_repr(self) -> str:
        """The settings, but for those that have their default."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if not self.bias:
            text += f", bias={self.bias}"
        if self.batch_first:
            text += f", batch_first={self.batch_first}"
        if self.dropout:
            text += f", dropout={self.dropout}"
        return text + (f", bidirectional={self.bidirectional}" if self.bidirectional else "")


class RNN(RNNBase):
    """Elman's recurrent net: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, a time step (Elman, 1990).

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        As in `RNNBase`.
    nonlinearity
        ``"tanh"`` or ``"relu"``.

    Raises
    ------
    ValueError
        For another nonlinearity, or sizes that make no sense.

    Examples
    --------
    >>> import minigrad as mg
    >>> outputs, last = mg.nn.RNN(3, 4, num_layers=2)(mg.zeros(5, 2, 3))
    >>> outputs.shape, last.shape
    ((5, 2, 4), (2, 2, 4))
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size is for an LSTM; an RNN has none")
        if len(args) > 3:
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        choice("RNN", "nonlinearity", self.nonlinearity, ("tanh", "relu"))
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Read sequences.

        Parameters
        ----------
        input
            (L, N, input_size), with ``batch_first`` (N, L, input_size), (L, input_size), or a ``PackedSequence``.
        hx
            The first state, (layers * directions, N, hidden_size); zeros by default.

        Returns
        -------
        outputs, last state
            The outputs of the last layer, shaped as the input, and the states after the last step.

        Raises
        ------
        OperationError
            If shapes don't fit.
        """
        outputs, (last,) = self._run(input, None if hx is None else (hx,), 1)
        return outputs, last

    def _step(self, x: Tensor, states: States, weights: dict[str, Tensor]) -> States:
        return (rnn_step(x, states[0], weights["weight_hh"], weights.get("bias_hh"), self.nonlinearity),)


class LSTM(RNNBase):
    """Long short-term memory: gates write to, keep and read a cell state (Hochreiter and Schmidhuber, 1997).

    ``c' = f * c + i * g`` and ``h' = o * tanh(c')``; the rows of the weights are those of i, f, g and o.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size
        As in `RNNBase`.

    Raises
    ------
    ValueError
        For sizes that make no sense.

    Examples
    --------
    >>> import minigrad as mg
    >>> outputs, (h, c) = mg.nn.LSTM(3, 4, bidirectional=True)(mg.zeros(5, 2, 3))
    >>> outputs.shape, h.shape, c.shape
    ((5, 2, 8), (2, 2, 4), (2, 2, 4))
    """

    gates = 4

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        """Read sequences; as ``RNN``, but that the states are two, ``(h, c)``."""
        outputs, (h, c) = self._run(input, None if hx is None else state_pair("LSTM", hx), 2)
        return outputs, (h, c)

    def _step(self, x: Tensor, states: States, weights: dict[str, Tensor]) -> States:
        h, c = states
        h, c = lstm_step(x, h, c, weights["weight_hh"], weights.get("bias_hh"))
        return (h if not self.proj_size else F.linear(h, weights["weight_hr"])), c


class GRU(RNNBase):
    """Gated recurrent unit: ``h' = (1 - z) * n + z * h`` (Cho et al., 2014).

    The rows of the weights are those of the reset gate r, the update gate z, and n.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        As in `RNNBase`.

    Raises
    ------
    ValueError
        For sizes that make no sense.

    Examples
    --------
    >>> import minigrad as mg
    >>> outputs, last = mg.nn.GRU(3, 4, batch_first=True)(mg.zeros(2, 5, 3))
    >>> outputs.shape, last.shape
    ((2, 5, 4), (1, 2, 4))
    """

    gates = 3

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size is for an LSTM; a GRU has none")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Read sequences; as ``RNN``."""
        outputs, (last,) = self._run(input, None if hx is None else (hx,), 1)
        return outputs, last

    def _step(self, x: Tensor, states: States, weights: dict[str, Tensor]) -> States:
        return (gru_step(x, states[0], weights["weight_hh"], weights.get("bias_hh")),)
