"""Joins beyond the three of ``minigrad.skip``, where they are found too: each a node with an exact law.

==================  ========================================  =====================================================
node                forward                                   backward
==================  ========================================  =====================================================
`StreamMix`         mixes n streams by a matrix H             *mixes* by its transpose: row sums of 1 keep the sum
`DepthMix`          a weighted sum of all earlier values      *splits* its gradient by the weights
`StochasticAdd`     adds a branch that may be dropped         *copies* to the skip, *weighs* for the branch
`OrthogonalAdd`     adds what is orthogonal to the skip       *projects*: the branch's gradient is orthogonal to it
`DeltaShortcut`     erases, or reflects, along k              *erases* along k likewise: its matrix is symmetric
`ReversibleChain`   couples two streams, block after block    *rebuilds* its inputs, and keeps nothing of the blocks
==================  ========================================  =====================================================
"""

from minigrad.joins.depth import DepthMix, depth_mix
from minigrad.joins.orthogonal import OrthogonalAdd, orthogonal_add
from minigrad.joins.rebuilding import ReversibleChain, reversible_chain
from minigrad.joins.shortcut import DeltaShortcut, delta_shortcut
from minigrad.joins.stochastic import StochasticAdd, stochastic_add
from minigrad.joins.streams import StreamMix, from_streams, stream_mix, to_streams

__all__ = [
    "DeltaShortcut",
    "DepthMix",
    "OrthogonalAdd",
    "ReversibleChain",
    "StochasticAdd",
    "StreamMix",
    "delta_shortcut",
    "depth_mix",
    "from_streams",
    "orthogonal_add",
    "reversible_chain",
    "stochastic_add",
    "stream_mix",
    "to_streams",
]
