"""Reversible blocks: backward computes a block's inputs from its outputs, so that nothing needs to be kept.

``y1 = x1 + F(x2)``, ``y2 = x2 + G(y1)`` is undone by ``x2 = y2 - G(y1)``, ``x1 = y1 - F(x2)`` (RevNet, Gomez et al.,
2017). So a chain of blocks keeps what comes out of its end, whatever its length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from minigrad.arguments import tensors, wrong_kind
from minigrad.engine.base import TensorBase, as_tensor
from minigrad.engine.errors import OperationError
from minigrad.engine.gradients import grad
from minigrad.engine.mode import enable_grad, no_grad
from minigrad.engine.node import Node
from minigrad.random import default_generator

#: The two functions of a block.
Block = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class ReversibleChain(Node):
    """Blocks ``y1 = x1 + F(x2)``, ``y2 = x2 + G(y1)``, one after another, as one node.

    Backward, block by block from the last: with ``g1`` and ``g2`` at its outputs, ``gx1 = g1 + G'(y1) g2`` and
    ``gx2 = g2 + F'(x2) gx1``; its inputs are rebuilt on the way, to rounding. The weights of F and G are inputs of the
    node too.

    Law: it *rebuilds*: the inputs that backward arrives at are those of forward, to rounding.

    Parameters
    ----------
    blocks
        F and G of each block.
    weights
        The parameters of each block's F and G: those of all of them are the inputs after the first two, in order.
    """

    law: ClassVar[str] = "rebuilds"

    def __init__(self, blocks: Sequence[Block], weights: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> None:
        self.blocks, self.weights = blocks, weights

    def forward(self, x1: Any, x2: Any, *parameters: Any) -> Any:
        before = default_generator().get_state()
        with no_grad():
            for f, g in self.blocks:
                x1 = x1 + f(as_tensor(x2)).array
                x2 = x2 + g(as_tensor(x1)).array
        if default_generator().get_state() != before:
            raise ValueError(
                "a reversible block draws random numbers, as dropout does: it wouldn't be rebuilt as it was. "
                "Drop before or after the chain"
            )
        self.y1, self.y2 = x1, x2
        return x1, x2

    def backward(self, g1: Any, g2: Any) -> Any:
        if isinstance(g1, TensorBase):
            return self._with_graph(g1, g2)
        y1, y2 = self.y1, self.y2
        found: list[list[Any]] = []
        for (f, g), (wf, wg) in zip(reversed(self.blocks), reversed(self.weights), strict=True):
            value, gz, of_g = _through(g, y1, g2, wg)
            y2, g1 = y2 - value, g1 + gz
            value, gz, of_f = _through(f, y2, g1, wf)
            y1, g2 = y1 - value, g2 + gz
            found.append([*of_f, *of_g])
        self.rebuilt = y1, y2
        return g1, g2, *(gradient for block in reversed(found) for gradient in block)

    def _with_graph(self, g1: Any, g2: Any) -> Any:
        """For a second derivative the blocks run from the inputs again, with their graph."""
        x1, x2 = self.inputs[:2]
        wanted = [x for x, wants in zip(self.inputs, self.wants, strict=True) if wants]
        for f, g in self.blocks:
            x1 = x1 + f(x2)
            x2 = x2 + g(x1)
        found = iter(grad((x1, x2), wanted, (g1, g2), create_graph=True, allow_unused=True))
        return tuple(next(found) if wants else None for wants in self.wants)


def _through(function: Callable[[Any], Any], x: Any, gy: Any, weights: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
    """The value of a function, and from its gradient those of its argument and of its weights."""
    leaf = as_tensor(x, requires_grad=True)
    with enable_grad():
        y = function(leaf)
    wanted = [w for w in weights if w.requires_grad]
    gradients = iter(grad(y, (leaf, *wanted), as_tensor(gy), allow_unused=True))
    gx = next(gradients)
    of_weights = [next(gradients) if w.requires_grad else None for w in weights]
    return y.array, 0 if gx is None else gx.array, [w if w is None else w.array for w in of_weights]


def reversible_chain(x1: Any, x2: Any, blocks: Sequence[Any]) -> tuple[Any, Any]:
    """Run reversible blocks one after another, and keep only what comes out of the last.

    Parameters
    ----------
    x1, x2
        Two tensors of one shape.
    blocks
        What has modules ``f`` and ``g``, such as ``nn.Reversible``. They must give the same when they run again, so
        dropout has no place in them; what they change besides, as running statistics, changes twice.

    Returns
    -------
    tuple of Tensor
        ``y1`` and ``y2`` of the last block.

    Raises
    ------
    OperationError
        If the shapes differ, or a block draws random numbers.
    """
    tensors("reversible_chain", x1=x1, x2=x2)
    if not isinstance(blocks, (tuple, list)) or not all(
        hasattr(block, "f") and hasattr(block, "g") for block in blocks
    ):
        raise wrong_kind("reversible_chain", "blocks", "a list of what has modules f and g, as nn.Reversible", blocks)
    if x1.shape != x2.shape:
        raise OperationError(f"reversible_chain: x1 has shape {x1.shape} and x2 {x2.shape}; both must have one shape")
    weights = [(tuple(block.f.parameters()), tuple(block.g.parameters())) for block in blocks]
    leaves = [w for of_f, of_g in weights for w in (*of_f, *of_g)]
    node = ReversibleChain([(block.f, block.g) for block in blocks], weights)
    y1, y2 = node.apply_to(x1, x2, *leaves)
    return y1, y2
