"""The functions behind the layers, under the names of ``torch.nn.functional``.

Every one is written in ``minigrad/ops``, beside the node that it applies; here they only come together.
"""

from minigrad.missing import teller as _teller
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
from minigrad.ops.conv_transpose import conv_transpose1d
from minigrad.ops.curved import celu, glu, mish, softmin, softsign, tanhshrink
from minigrad.ops.dropout import alpha_dropout, dropout, dropout1d, dropout2d, feature_alpha_dropout
from minigrad.ops.elementwise import sigmoid, tanh
from minigrad.ops.embedding import embedding, one_hot
from minigrad.ops.fold import fold, unfold
from minigrad.ops.grid import affine_grid, grid_sample
from minigrad.ops.inplace import in_place as _in_place
from minigrad.ops.linalg import bilinear, linear
from minigrad.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from minigrad.ops.margin_loss import (
    cosine_embedding_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    poisson_nll_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from minigrad.ops.norm import batch_norm, group_norm, layer_norm
from minigrad.ops.other_norms import instance_norm, local_response_norm, rms_norm
from minigrad.ops.pad import pad
from minigrad.ops.pick_pool import adaptive_max_pool1d, adaptive_max_pool2d, lp_pool1d, lp_pool2d, max_unpool2d
from minigrad.ops.piecewise import hardshrink, hardsigmoid, hardswish, prelu, rrelu, softshrink, threshold
from minigrad.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from minigrad.ops.resample import interpolate, upsample, upsample_bilinear, upsample_nearest
from minigrad.ops.shuffle import channel_shuffle, pixel_shuffle, pixel_unshuffle
from minigrad.ops.softmax import gumbel_softmax, log_softmax, softmax
from minigrad.ops.vector_norm import cosine_similarity, normalize, pairwise_distance

relu_, leaky_relu_, elu_, selu_ = _in_place(relu), _in_place(leaky_relu), _in_place(elu), _in_place(selu)
celu_, hardtanh_, threshold_, rrelu_ = _in_place(celu), _in_place(hardtanh), _in_place(threshold), _in_place(rrelu)

__getattr__ = _teller(__name__)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "elu_",
    "embedding",
    "feature_alpha_dropout",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_unpool2d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]
