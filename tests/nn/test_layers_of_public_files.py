"""The rarer layers have PyTorch's reprs, state and values; so have weights that are put together anew."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn as ours

torch = pytest.importorskip("torch")
theirs = torch.nn

#: Each layer, as one writes it, and the shapes of its inputs.
LAYERS = {
    "Hardswish()": [(2, 3)],
    "Hardswish(inplace=True)": [(2, 3)],
    "Hardsigmoid()": [(2, 3)],
    "Mish(True)": [(2, 3)],
    "PReLU(3)": [(2, 3, 4)],
    "GLU(1)": [(2, 4)],
    "Softsign()": [(2, 3)],
    "Tanhshrink()": [(2, 3)],
    "Hardshrink(0.2)": [(2, 3)],
    "Softshrink(0.2)": [(2, 3)],
    "CELU(0.7, inplace=True)": [(2, 3)],
    "Threshold(0.1, 20)": [(2, 3)],
    "Softmax2d()": [(2, 3, 4, 4)],
    "Softmin(1)": [(2, 3)],
    "InstanceNorm2d(3)": [(2, 3, 4, 4)],
    "InstanceNorm1d(3, affine=True, track_running_stats=True)": [(2, 3, 4)],
    "LocalResponseNorm(2, 0.1)": [(2, 3, 4, 4)],
    "RMSNorm((3, 4), eps=1e-6)": [(2, 3, 4)],
    "ZeroPad2d((1, 0, 2, 1))": [(1, 2, 3, 3)],
    "ReflectionPad2d(1)": [(1, 2, 3, 3)],
    "ReplicationPad1d(1)": [(1, 2, 3)],
    "ConstantPad2d(2, 3.5)": [(1, 2, 3, 3)],
    "ConstantPad1d((1, 2), 3.5)": [(1, 2, 3)],
    "CircularPad2d(1)": [(1, 2, 3, 3)],
    "PixelShuffle(2)": [(1, 8, 2, 3)],
    "PixelUnshuffle(2)": [(1, 2, 4, 6)],
    "ChannelShuffle(2)": [(1, 4, 2, 2)],
    "Fold((3, 3), 2)": [(1, 8, 4)],
    "Unfold(2, stride=2)": [(1, 2, 4, 4)],
    "AdaptiveMaxPool2d((3, 2))": [(1, 2, 5, 4)],
    "AdaptiveMaxPool1d(2)": [(1, 2, 5)],
    "LPPool2d(2, 2)": [(1, 2, 4, 4)],
    "UpsamplingBilinear2d(scale_factor=2)": [(1, 2, 3, 3)],
    "UpsamplingNearest2d(size=4)": [(1, 2, 3, 3)],
    "Dropout1d(0.0)": [(1, 2, 3)],
    "AlphaDropout(0.0)": [(2, 3)],
    "ConvTranspose1d(2, 4, 3, stride=2, output_padding=1, groups=2)": [(1, 2, 5)],
    "Bilinear(2, 3, 4)": [(5, 2), (5, 3)],
    "CosineSimilarity()": [(5, 3), (5, 3)],
    "PairwiseDistance(1.0, keepdim=True)": [(5, 3), (5, 3)],
    "TripletMarginLoss(swap=True)": [(5, 3)] * 3,
    "TripletMarginWithDistanceLoss(margin=0.5)": [(5, 3)] * 3,
    "DataParallel(nn.Linear(3, 2))": [(5, 3)],
    "utils.weight_norm(nn.Conv1d(2, 3, 2))": [(1, 2, 4)],
    "utils.weight_norm(nn.Linear(3, 2), dim=None)": [(4, 3)],
    "utils.spectral_norm(nn.Linear(3, 2))": [(4, 3)],
    "utils.spectral_norm(nn.ConvTranspose2d(2, 3, 2))": [(1, 2, 3, 3)],
    "Embedding(3, 2, max_norm=1.0, norm_type=1.0)": None,
    "MaxUnpool2d((2, 3), stride=1)": None,
    "MarginRankingLoss()": None,
    "HingeEmbeddingLoss()": None,
    "CosineEmbeddingLoss()": None,
    "MultiMarginLoss()": None,
    "MultiLabelMarginLoss()": None,
    "MultiLabelSoftMarginLoss()": None,
    "PoissonNLLLoss()": None,
    "GaussianNLLLoss()": None,
    "RReLU()": None,
    "FeatureAlphaDropout()": None,
}


@pytest.mark.filterwarnings("ignore")  # of names that PyTorch calls deprecated
@pytest.mark.parametrize("text", LAYERS)
def test_a_layer_is_pytorchs(text):
    layer, twin = (eval(f"nn.{text}", {"nn": nn}) for nn in (ours, theirs))
    assert repr(layer) == repr(twin)
    assert list(layer.state_dict()) == list(twin.state_dict())
    if LAYERS[text] is None:
        return
    layer.double()
    twin.double()
    layer.load_state_dict({name: mg.tensor(value.numpy()) for name, value in twin.state_dict().items()})
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in LAYERS[text]]
    for training in (True, False):
        layer.train(training)
        twin.train(training)
        xs = [mg.tensor(a, requires_grad=True) for a in arrays]
        ts = [torch.tensor(a, requires_grad=True) for a in arrays]
        y, expected = layer(*(x * 1 for x in xs)), twin(*(t * 1 for t in ts))
        np.testing.assert_allclose(y.numpy(force=True), expected.detach().numpy(), atol=1e-12)
        cotangent = rng.standard_normal(expected.shape)
        y.backward(mg.tensor(cotangent))
        expected.backward(torch.tensor(cotangent))
        for x, t in zip([*xs, *layer.parameters()], [*ts, *twin.parameters()], strict=True):
            np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), atol=1e-10)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_a_weight_becomes_a_parameter_again(name):
    layer = getattr(ours.utils, name)(ours.Linear(3, 2))
    y = layer.eval()(mg.ones(1, 3))
    getattr(ours.utils, f"remove_{name}")(layer)
    assert list(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(layer(mg.ones(1, 3)).numpy(force=True), y.numpy(force=True), rtol=1e-6)
    with pytest.raises(ValueError, match="not found"):
        getattr(ours.utils, f"remove_{name}")(layer)


def test_the_paths_of_pytorchs_files():
    from minigrad.nn.modules.batchnorm import _BatchNorm
    from minigrad.nn.modules.conv import _ConvNd
    from minigrad.nn.modules.utils import _pair, _reverse_repeat_tuple

    assert isinstance(ours.Conv2d(1, 1, 1), _ConvNd)
    assert isinstance(ours.BatchNorm2d(1), _BatchNorm)
    assert not isinstance(ours.InstanceNorm2d(1), _BatchNorm)
    assert (_pair(3), _pair((1, 2)), _reverse_repeat_tuple((1, 2), 2)) == ((3, 3), (1, 2), (2, 2, 1, 1))
    assert ours.modules.rnn.LSTM is ours.LSTM
    assert ours.modules.Module is ours.Module


@pytest.mark.parametrize("settings", [{"add_bias_kv": True}, {"add_zero_attn": True}, {"kdim": 6, "vdim": 10}])
def test_attentions_rarer_arguments(settings):
    layer, twin = ours.MultiheadAttention(8, 2, **settings), theirs.MultiheadAttention(8, 2, **settings)
    assert list(layer.state_dict()) == list(twin.state_dict())
    layer.load_state_dict({name: mg.tensor(value.numpy()) for name, value in twin.state_dict().items()})
    rng = np.random.default_rng(0)
    sizes = (8, settings.get("kdim", 8), settings.get("vdim", 8))
    arrays = [rng.standard_normal((4, 3, n)).astype(np.float32) for n in sizes]
    hidden = np.array([[False, False, True, True]] * 3)
    y, weights = layer(*map(mg.tensor, arrays), key_padding_mask=mg.tensor(hidden))
    expected, expected_weights = twin(*map(torch.tensor, arrays), key_padding_mask=torch.tensor(hidden))
    np.testing.assert_allclose(y.numpy(force=True), expected.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(weights.numpy(force=True), expected_weights.detach().numpy(), atol=1e-6)
