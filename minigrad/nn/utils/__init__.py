"""Helpers for training: clipping gradients, all parameters as one vector, weights that are put together anew."""

from minigrad.nn.utils import rnn
from minigrad.nn.utils.clip import clip_grad_norm_, clip_grad_value_, get_total_norm
from minigrad.nn.utils.reparametrize import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from minigrad.nn.utils.vector import parameters_to_vector, vector_to_parameters

#: An older name.
clip_grad_norm = clip_grad_norm_

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "get_total_norm",
    "parameters_to_vector",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]
