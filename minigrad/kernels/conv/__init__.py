"""Convolution in two dimensions: three products, and the patches that they are products with.

``reference.py`` says what is computed, ``direct.py`` which numbers are multiplied with which, ``blocked.py`` in which
pieces, and ``vectors.py`` how the processor does it; ``packing.py`` lays the weights out for it.
"""

from minigrad.kernels.conv.patches import fold, unfold
from minigrad.kernels.conv.reference import conv2d, conv2d_input_gradient, conv2d_weight_gradient

__all__ = ["conv2d", "conv2d_input_gradient", "conv2d_weight_gradient", "fold", "unfold"]
