"""Recurrent cells: one time step as a layer, for loops of one's own. ``recurrent.py`` has whole sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.arguments import choice, integer, tensor, truths, wrong_kind
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter, empty_parameter
from minigrad.ops.recurrent import gru_step, lstm_step, rnn_step
from minigrad.tensors.tensor import Tensor, from_array


class RNNCellBase(Module):
    """What the cells share: parameters and shapes.

    Parameters
    ----------
    input_size, hidden_size
        The features of the input and of the state.
    bias
        Whether there are the two biases.
    num_chunks
        How many gates the cell has.
    """

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = integer(type(self).__name__, "input_size", input_size, least=0)
        self.hidden_size = integer(type(self).__name__, "hidden_size", hidden_size, least=0)
        truths(type(self).__name__, bias=bias)
        self.bias = bias
        rows = integer(type(self).__name__, "num_chunks", num_chunks, least=1) * hidden_size
        self.weight_ih = empty_parameter(rows, input_size, device=device, dtype=dtype)
        self.weight_hh = empty_parameter(rows, hidden_size, device=device, dtype=dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, empty_parameter(rows, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform within ``1 / sqrt(hidden_size)``."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _prepared(self, input: Tensor, *states: Tensor | None) -> tuple[Tensor, list[Tensor], bool]:
        """The input's part of the gates, the states with a batch axis, and whether the input had none."""
        name, single = type(self).__name__, tensor(type(self).__name__, "input", input, arrays=False).ndim == 1
        if input.ndim not in (1, 2) or input.shape[-1] != self.input_size:
            raise OperationError(
                f"{name}: the input must be (batch, {self.input_size}) or ({self.input_size},), not {input.shape}"
            )
        x = F.linear(input.unsqueeze(0) if single else input, self.weight_ih, self.bias_ih)
        ready = []
        for state in states:
            if state is None:
                state = from_array(np.zeros((len(x), self.hidden_size), x.dtype))
            elif tensor(name, "hx", state, arrays=False) is not None and single:
                state = state.unsqueeze(0)
            if tuple(state.shape) != (len(x), self.hidden_size):
                wanted = (self.hidden_size,) if single else (len(x), self.hidden_size)
                raise OperationError(f"{name}: a state must be {wanted} for an input of {input.shape}")
            ready.append(state)
        return x, ready, single

    def extra_repr(self) -> str:
        """The settings."""
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else f"{text}, bias={self.bias}"


class RNNCell(RNNCellBase):
    """One time step of Elman's net: ``tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.RNNCell(3, 4)(mg.zeros(2, 3)).shape
    (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = choice("RNNCell", "nonlinearity", nonlinearity, ("tanh", "relu"))

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state, from (N, input_size) or (input_size,) and the old one, zeros by default."""
        x, (h,), single = self._prepared(input, hx)
        y = rnn_step(x, h, self.weight_hh, self.bias_hh, self.nonlinearity)
        return y.squeeze(0) if single else y

    def extra_repr(self) -> str:
        """The settings."""
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else f"{text}, nonlinearity={self.nonlinearity}"


def state_pair(operation: str, hx: Any) -> tuple[Any, Any]:
    """The hidden and the cell state of an LSTM; None for each where there are none.

    Raises
    ------
    TypeError
        For anything but two of them.
    """
    if hx is None:
        return None, None
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise wrong_kind(operation, "hx", "a tuple (h, c) of the hidden and the cell state", hx)
    return hx[0], hx[1]


class LSTMCell(RNNCellBase):
    """One time step of an LSTM: ``c' = f * c + i * g``, ``h' = o * tanh(c')``.

    Examples
    --------
    >>> import minigrad as mg
    >>> h, c = mg.nn.LSTMCell(3, 4)(mg.zeros(2, 3))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The new states ``(h, c)``, from (N, input_size) or (input_size,) and the old ones, zeros by default."""
        x, (h, c), single = self._prepared(input, *state_pair("LSTMCell", hx))
        h, c = lstm_step(x, h, c, self.weight_hh, self.bias_hh)
        return (h.squeeze(0), c.squeeze(0)) if single else (h, c)


class GRUCell(RNNCellBase):
    """One time step of a GRU: ``h' = (1 - z) * n + z * h``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.GRUCell(3, 4)(mg.zeros(2, 3)).shape
    (2, 4)
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state, from (N, input_size) or (input_size,) and the old one, zeros by default."""
        x, (h,), single = self._prepared(input, hx)
        y = gru_step(x, h, self.weight_hh, self.bias_hh)
        return y.squeeze(0) if single else y
