"""A weighted sum over all earlier values of a net: the join of DenseFormer and of attention over depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from minigrad.arguments import tensors, wrong_kind
from minigrad.engine.node import Node
from minigrad.ops.common import is_array, shape_of, unbroadcast
from minigrad.ops.join import Cat


class DepthMix(Node):
    """``y = sum_i w_i v_i`` over values of one shape (DenseFormer, Pagliardini et al., 2024; AttnRes, 2026).

    Backward: ``gv_i = w_i gy`` and ``gw_i = <gy, v_i>``.

    Law: it *splits* its gradient: where the weights sum to 1, so do the parts to ``gy``. (`ResidualAdd` copies: its
    weights are 1 and 1.)
    """

    law: ClassVar[str] = "splits"

    def forward(self, weights: Any, *values: Any) -> Any:
        shapes = list(dict.fromkeys(v.shape for v in values))
        if len(shapes) != 1 or weights.shape[:1] != (len(values),) or weights.ndim > len(shapes[0]) + 1:
            raise ValueError(
                f"{len(values)} values of shape {', '.join(map(str, shapes))} with weights of shape {weights.shape}: "
                "the values must have one shape, and the weights be as many, (count,), or (count, ...) with a weight "
                "for each place along the values' first dimensions"
            )
        self.weights, self.values = weights, values
        y = _weight(weights, 0, values[0]) * values[0]
        for i in range(1, len(values)):
            y = y + _weight(weights, i, values[i]) * values[i]
        return y

    def backward(self, gy: Any) -> Any:
        # With create_graph, the inputs are tensors and ``values`` only their arrays.
        values = self.values if is_array(gy) else self.inputs[1:]
        found = [_weight(self.weights, i, gy) * gy if wanted else None for i, wanted in enumerate(self.wants[1:])]
        if not self.wants[0]:
            return None, *found
        one = shape_of(self.weights)[1:]
        ones = (*one, *(1,) * (len(gy.shape) - len(one)))
        gw = [unbroadcast(gy * v, ones).reshape(1, *one) for v in values]
        return Cat(0).apply_to(*gw), *found


def _weight(weights: Any, i: int, like: Any) -> Any:
    """The i-th weight, with an axis for each further dimension of the values."""
    w = weights[i]
    return w.reshape(*w.shape, *(1,) * (len(like.shape) - len(w.shape)))


def depth_mix(values: Sequence[Any], weights: Any) -> Any:
    """Join all earlier values by weights: ``sum_i w_i v_i``.

    Parameters
    ----------
    values
        Tensors of one shape, as the embedding and the outputs of all blocks so far.
    weights
        (count,), or (count, ...) with a weight for each place along the values' first dimensions. A softmax over the
        first dimension makes it attention over depth.

    Raises
    ------
    OperationError
        If the shapes don't fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> a, b = mg.ones(2), 3 * mg.ones(2)
    >>> mg.skip.depth_mix([a, b], mg.tensor([0.5, 0.5])).tolist()
    [2.0, 2.0]
    """
    if not isinstance(values, (tuple, list)) or not values:
        raise wrong_kind("depth_mix", "values", "a list of tensors, one at least", values)
    tensors("depth_mix", weights=weights, **{f"values[{i}]": value for i, value in enumerate(values)})
    return DepthMix().apply_to(weights, *values)
