"""The functions behind the layers, under the names of ``torch.nn.functional``.

Every one is written in ``minigrad/ops``, beside the node that it applies; here they only come together.
"""

from minigrad.ops.activation import (
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    logsigmoid,
    relu,
    relu6,
    selu,
    silu,
    softplus,
)
from minigrad.ops.attention import scaled_dot_product_attention
from minigrad.ops.classification import cross_entropy, nll_loss
from minigrad.ops.conv import conv1d, conv2d, conv_transpose2d
from minigrad.ops.dropout import dropout, dropout1d, dropout2d
from minigrad.ops.elementwise import sigmoid, tanh
from minigrad.ops.embedding import embedding, one_hot
from minigrad.ops.fold import fold, unfold
from minigrad.ops.linalg import linear
from minigrad.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from minigrad.ops.norm import batch_norm, group_norm, layer_norm
from minigrad.ops.pad import pad
from minigrad.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from minigrad.ops.resample import interpolate
from minigrad.ops.softmax import log_softmax, softmax
from minigrad.ops.vector_norm import cosine_similarity, normalize

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "fold",
    "gelu",
    "group_norm",
    "hardtanh",
    "huber_loss",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool1d",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "relu",
    "relu6",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
    "unfold",
]
