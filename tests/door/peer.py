"""PyTorch's answer to the same call: what it refuses, minigrad refuses too, but for reasons that stand here."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np

import minigrad as mg

from . import hostile, valid

#: Values that count here and not in PyTorch, whatever the argument, and why.
VALUES = {
    "array": "operations take NumPy arrays where they take tensors",
    "True": "True is the number 1, as everywhere in Python",
    "0": "0 is False, as everywhere in Python",
    "2**70": "a number of any size is the float that is nearest to it (as a size or a place it is refused)",
}

#: Arguments that are integers.
SETTINGS = (
    "dim axis chunks groups kernel_size padding_idx stride padding dilation output_padding dim0 dim1 dim2 axis0 axis1 "
    "start_dim end_dim source destination diagonal offset n k row col size bins minlength num_groups start length "
    "decimals upscale_factor downscale_factor output_size divisor_override ignore_index"
)
#: Operations of two operands, of which either may be a number.
OF_TWO = (
    "mg.bitwise_and mg.bitwise_or mg.bitwise_xor mg.bucketize mg.eq mg.ge mg.greater mg.isin mg.le mg.less mg.maximum "
    "mg.minimum mg.ne mg.pow mg.remainder mg.xlogy"
)
#: Operations that take booleans for the numbers 0 and 1.
OF_BOOLEANS = (
    "mg.addmm mg.allclose mg.baddbmm mg.binary_cross_entropy_with_logits mg.clamp mg.huber_loss mg.index_put "
    "mg.isclose mg.isin mg.kl_div mg.l1_loss mg.lerp mg.median mg.prelu mg.threshold mg.trace F.adaptive_max_pool1d "
    "Tensor.index_put_ Tensor.positive F.threshold_ Tensor.abs_ Tensor.absolute_ Tensor.cumprod_ "
    "Tensor.lerp_"
)
#: What else is accepted: functions, arguments and values (or a star), and why.
REASONS = [
    ("*", SETTINGS, "bool", "a tensor of one element is an integer where Python asks for one (operator.index)"),
    ("Tensor.cumprod_ Tensor.cumsum_ Tensor.tril_ Tensor.triu_", "args", "bool", "the same, of a dim or a diagonal"),
    ("*", "memory_format", "*", "the order in memory is NumPy's; the argument is there for files that name it"),
    ("*", "keepdims axis", "None", "NumPy's word for an argument, left out"),
    ("mg.max mg.min", "dim", "None", "left out"),
    ("mg.max mg.min", "dim axis", "number", "dim may be the second tensor, as in max(a, b)"),
    ("mg.max mg.min", "keepdim", "*", "it acts without a dim, too"),
    ("mg.max mg.min", "other", "*", "the second of two may be a number, as for maximum"),
    ("mg.scatter", "value reduce", "None", "left out"),
    ("mg.scatter Tensor.scatter_", "src", "*", "a number may stand for src too, as in scatter_(0, index, 1.0)"),
    ("*", "args", "bool", "a tensor of one element is an integer (operator.index)"),
    ("F.threshold_ Tensor.abs_ Tensor.absolute_ Tensor.cumprod_", "input", "bool", "NumPy has it for booleans"),
    ("mg.abs mg.argmax mg.argmin mg.softsign", "input", "bool", "PyTorch lacks it for booleans, NumPy has it"),
    (
        "*",
        "n m steps num_samples low high size ignore_index",
        "bool",
        "a tensor of one element is an integer (operator.index)",
    ),
    ("*", "size", "3", "one size may stand alone"),
    ("mg.eye", "m", "None", "left out"),
    ("mg.randint_like", "input", "bool", "the integers that fit are drawn, and read as booleans"),
    ("mg.tensor", "requires_grad", "None", "None is False, as for zeros"),
    ("Tensor.new", "data", "*", "values of another dtype become this one's"),
    ("mg.scaled_dot_product_attention", "attn_mask", "number", "what is added may be one number"),
    ("mg.softmin", "_stacklevel", "*", "no warning is given that it could count for"),
    (OF_TWO, "input other elements test_elements", "-1 3 2.5 nan 2**40", "one function for x < 2 and 2 < x"),
    ("mg.eq mg.ne", "other", "None text", "NotImplemented: Python then compares identities, as it does for x == None"),
    (OF_BOOLEANS, "*", "bool", "booleans beside numbers count as 0 and 1"),
    ("*", "stride", "2**40", "there is one window, then"),
    (
        "*",
        "size sizes shape repeats dims",
        "None -1 empty (1,2,3) (-1,-1) (0,0)",
        "f(2, 3), f((2, 3)), or by name",
    ),
    ("F.gaussian_nll_loss", "var", "3 2**40", "the variance may be a whole number"),
    ("*", "axis", "-1 3 () (1,2,3)", "NumPy's word for dim, which it replaces"),
    ("*", "output_size", "None", "the input's size stays"),
    ("mg.median mg.prod mg.scatter mg.squeeze mg.where", "dim input other value reduce", "None", "left out"),
    ("mg.norm mg.prod", "dim", "() (1,2,3)", "over any number of dimensions, as sum"),
    ("mg.std mg.std_mean mg.var mg.var_mean", "unbiased", "None", "left out: correction counts"),
    ("mg.index_add mg.index_copy", "source", "number", "one number for every place"),
    ("mg.scatter Tensor.scatter_", "src", "-1 3 2.5 nan 2**40 number bool", "what is put may be one number"),
    ("mg.quantile", "input", "half", "float16 counts as the other floats do"),
    ("mg.pad", "pad", "empty", "a vector of integers is a sequence of them"),
    ("mg.tensordot", "dims", "(-1,-1) (0,0)", "one axis of each, as in NumPy"),
    ("*", "hidden_size input_size num_layers proj_size embedding_dim", "bool", "a tensor of one element is an integer"),
    ("*", "out_features out_channels num_heads nhead dim_feedforward", "bool", "a tensor of one element is an integer"),
    ("*", "num_parameters", "bool", "a tensor of one element is an integer"),
    ("*", "dropout delta", "number", "a tensor without dimensions is a number"),
    ("nn.MarginRankingLoss nn.HingeEmbeddingLoss nn.CosineEmbeddingLoss", "margin", "None", "left out"),
    ("nn.BCEWithLogitsLoss", "pos_weight", "bool", "booleans count as 0 and 1"),
    ("nn.Parameter", "data", "*", "numbers and lists become a tensor"),
    ("nn.ParameterList", "values", "*", "a tensor is the sequence of its parts"),
    ("nn.Unflatten", "unflattened_size", "-1", "one size may stand alone"),
    ("F.gumbel_softmax", "eps", "*", "it isn't used, as in PyTorch"),
    ("*", "index indices", "*", "places may be a number or a list, as in x[[0, 1]], and count from the end below 0"),
]


def peer_of(torch, name, function, arguments):
    """PyTorch's function of that name, which accepts a valid call; or None."""
    bare = name.partition(".")[2]
    for module in (torch.nn.functional, torch, torch.Tensor):
        peer = getattr(module, bare, None)
        if peer is not None and accepts(torch, peer, function, arguments):
            return peer
    return None


def translated(torch, value):
    """An argument as PyTorch has it."""
    value = value.make() if isinstance(value, valid.Anew) else value
    if isinstance(value, mg.Tensor):
        return torch.from_numpy(np.array(value.array))
    if isinstance(value, np.dtype):
        return getattr(torch, value.name)
    if isinstance(value, (list, tuple)):
        return type(value)(translated(torch, each) for each in value)
    return value


def accepts(torch, peer, function, arguments):
    """Whether PyTorch takes these arguments."""
    try:
        with warnings.catch_warnings(), hostile.at_most(3):
            warnings.simplefilter("ignore")
            valid.call(peer, {k: translated(torch, v) for k, v in arguments.items()}, of=function)
    except Exception:
        return False
    return True


def looser(torch, name, function, arguments, peer=None):
    """The hostile calls that minigrad accepts and PyTorch doesn't, without those that have a reason."""
    peer = peer or peer_of(torch, name, function, arguments)
    if peer is None or not accepts(torch, peer, function, arguments):
        return []
    found = []
    for argument, what, given in hostile.hostile_arguments(function, arguments):
        with contextlib.suppress(Exception), warnings.catch_warnings(), hostile.at_most(3):
            warnings.simplefilter("ignore")
            valid.call(function, given)
            if not accepts(torch, peer, function, given) and not reason(name, argument, what):
                found.append(f"{argument}={what}")
    return found


def _among(word, words):
    return words == "*" or word in words.split()


def reason(name, argument, what):
    """Why minigrad accepts what PyTorch refuses, or None."""
    for names, arguments, values, why in REASONS:
        if _among(name, names) and _among(argument, arguments) and _among(what.replace(" ", ""), values):
            return why
    return VALUES.get(what)
