"""Layers with a skip connection: one value forks, goes two ways, and the ways join again.

Each runs ``minigrad.skip``'s functions, so a trace shows the fork and the join under the layer's own path.
"""

from __future__ import annotations

from collections.abc import Callable

from minigrad import skip
from minigrad.arguments import function, integer, numbers, tensor, truths
from minigrad.engine.errors import OperationError
from minigrad.nn import functional as F
from minigrad.nn.conv import Conv2d
from minigrad.nn.module import Module
from minigrad.nn.norm import BatchNorm2d
from minigrad.nn.parameter import Parameter
from minigrad.tensors.tensor import Tensor


class Residual(Module):
    """``after(shortcut(x) + scale * branch(x))`` (He et al., 2015).

    Parameters
    ----------
    branch
        What is learnt beside the skip: a module, or any function of a tensor.
    shortcut
        What stands on the skip; None for the identity. Where the branch changes the shape it is a
        ``Projection``, a ``PadShortcut`` or, for flat data, a ``Linear``.
    after
        Applied to the sum, such as ``nn.ReLU()``; None leaves the way through all blocks clear, as in
        He et al. (2016).
    scale
        The factor of the branch: None for no factor, a number such as ``L ** -0.5``, or an ``nn.Parameter``
        to learn it: from 0, that is SkipInit (De & Smith, 2020) and ReZero (Bachlechner et al., 2020).

    Raises
    ------
    OperationError
        In forward, if skip and branch differ in shape; the message says which shortcut mends it.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> block = nn.Residual(nn.Linear(4, 4), after=nn.ReLU(), scale=nn.Parameter(mg.zeros(1)))
    >>> block(mg.ones(1, 4)).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        branch: Callable[[Tensor], Tensor],
        shortcut: Callable[[Tensor], Tensor] | None = None,
        after: Callable[[Tensor], Tensor] | None = None,
        scale: float | Parameter | None = None,
    ) -> None:
        super().__init__()
        function("Residual", "branch", branch)
        for name, part in (("shortcut", shortcut), ("after", after)):
            if part is not None:
                function("Residual", name, part)
        if scale is not None and not isinstance(scale, Parameter):
            numbers("Residual", scale=scale)
        self.branch = branch
        self.shortcut = shortcut
        self.after = after
        self.scale = scale

    def forward(self, input: Tensor) -> Tensor:
        """Fork, go both ways, and add."""
        s, b = skip.fork(input)
        b = self.branch(b)
        if self.scale is not None:
            b = self.scale * b
        if self.shortcut is not None:
            s = self.shortcut(s)
        y = skip.residual_add(s, b)
        return y if self.after is None else self.after(y)

    def extra_repr(self) -> str:
        """The scale, where there is one."""
        if self.scale is None:
            return ""
        return "scale=learnt" if isinstance(self.scale, Parameter) else f"scale={self.scale}"


class Projection(Module):
    """A 1x1 convolution on the skip, with batch normalisation: option B of He et al. (2015).

    Parameters
    ----------
    in_channels, out_channels
        The channels of the skip, and those of the branch.
    stride
        By how much the branch lowers the resolution.
    norm
        Whether the convolution is normalised.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Projection(16, 32, stride=2)(mg.ones(1, 16, 8, 8)).shape
    (1, 32, 4, 4)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, norm: bool = True) -> None:
        super().__init__()
        truths("Projection", norm=norm)
        self.conv = Conv2d(in_channels, out_channels, 1, stride, bias=False)
        self.norm = BatchNorm2d(out_channels) if norm else None

    def forward(self, input: Tensor) -> Tensor:
        """Bring (N, in_channels, H, W) to the branch's shape."""
        y: Tensor = self.conv(input)
        return y if self.norm is None else self.norm(y)


class PadShortcut(Module):
    """Every ``stride``-th place, and zeros for the new channels: option A of He et al. (2015).

    It has no parameters, and sends the skip's own channels on unchanged.

    Parameters
    ----------
    in_channels, out_channels
        The channels of the skip, and those of the branch, which can't be fewer.
    stride
        By how much the branch lowers the resolution.

    Raises
    ------
    ValueError
        If ``out_channels`` is less than ``in_channels``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.PadShortcut(1, 3, stride=2)(mg.ones(1, 1, 2, 2)).flatten().tolist()
    [1.0, 0.0, 0.0]
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        integer("PadShortcut", "in_channels", in_channels, least=1)
        integer("PadShortcut", "stride", stride, least=1)
        if integer("PadShortcut", "out_channels", out_channels) < in_channels:
            raise ValueError(
                f"PadShortcut({in_channels}, {out_channels}): padding can only add channels; "
                f"use Projection({in_channels}, {out_channels}, stride={stride})"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """Bring (N, in_channels, ...) to the branch's shape."""
        if tensor("PadShortcut", "input", input).ndim < 2:
            raise OperationError(f"PadShortcut: the input must be (N, C, ...), its shape is {input.shape}")
        if self.stride > 1:
            every = slice(None)
            places = (every, every) + (slice(None, None, self.stride),) * (input.ndim - 2)
            input = input[places]
        added = self.out_channels - self.in_channels
        return F.pad(input, (0, 0) * (input.ndim - 2) + (0, added)) if added else input

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}"


class SkipConcat(Module):
    """Input and branch side by side (DenseNet, 2016; U-Net, 2015): ``cat([x, branch(x)], dim)``.

    Parameters
    ----------
    branch
        A module, or any function of a tensor; its output may differ from its input in axis ``dim`` only.
    dim
        The axis along which they are joined.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.SkipConcat(mg.nn.Linear(4, 2))(mg.ones(1, 4)).shape
    (1, 6)
    """

    def __init__(self, branch: Callable[[Tensor], Tensor], dim: int = 1) -> None:
        super().__init__()
        self.branch = function("SkipConcat", "branch", branch)
        self.dim = integer("SkipConcat", "dim", dim)

    def forward(self, input: Tensor) -> Tensor:
        """Fork, and put skip and branch side by side."""
        s, b = skip.fork(input)
        return skip.skip_concat(s, self.branch(b), self.dim)

    def extra_repr(self) -> str:
        """The settings."""
        return f"dim={self.dim}"


class Highway(Module):
    """``(1 - t) * x + t * branch(x)`` with ``t = gate(x)`` (Srivastava et al., 2015).

    The fork goes three ways: to the skip, to the branch and to the gate.

    Parameters
    ----------
    branch
        A module, or any function of a tensor, that keeps the shape.
    gate
        Gives the share of the branch, between 0 and 1, so it ends in a sigmoid; its shape broadcasts to
        that of the skip. A negative bias before the sigmoid (the paper has -1 to -3) lets the skip carry
        the signal at first.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> layer = nn.Highway(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.Sigmoid()))
    >>> _ = nn.init.constant_(layer.gate[0].bias, -50.0)
    >>> layer(mg.ones(1, 4)).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    """

    def __init__(self, branch: Callable[[Tensor], Tensor], gate: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.branch = function("Highway", "branch", branch)
        self.gate = function("Highway", "gate", gate)

    def forward(self, input: Tensor) -> Tensor:
        """Fork, and weigh skip and branch by the gate."""
        s, b, g = skip.fork(input, 3)
        return skip.highway_gate(s, self.branch(b), self.gate(g))
