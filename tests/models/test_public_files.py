"""Model files in the style of what people publish run with the import changed, and compute what PyTorch computes."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

FILES = sorted((Path(__file__).parent / "public").glob("*.py"))
#: The changes: the package's name where it is imported, and the bare word where it is used.
IMPORTS = (
    (r"^(\s*)import torch$", r"\1import minigrad as torch"),
    (r"^(\s*)import torch\.([\w.]+) as", r"\1import minigrad.\2 as"),
    (r"^(\s*)from torch(\.[\w.]+)? import", r"\1from minigrad\2 import"),
)


def load(path, library):
    """The module that a file makes, on PyTorch or on minigrad."""
    text = path.read_text(encoding="utf-8")
    if library == "minigrad":
        for old, new in IMPORTS:
            text = re.sub(old, new, text, flags=re.MULTILINE)
        assert not re.search(r"^\s*(import|from) torch", text, re.MULTILINE)
    module = types.ModuleType(f"{path.stem}_on_{library}")
    sys.modules[module.__name__] = module
    exec(compile(text, str(path), "exec"), vars(module))
    return module


def inputs_of(module):
    rng = np.random.default_rng(3)
    classes = getattr(module, "CLASSES", None)
    if classes:
        return [rng.integers(1, classes, shape) for shape in module.SHAPES]
    return [rng.standard_normal(shape).astype(np.float32) for shape in module.SHAPES]


def several(y):
    return y if isinstance(y, (tuple, list)) else (y,)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_public_file_runs_with_its_import_changed(path):
    """It runs forward and backward, in training and in evaluation, and its state goes out and in."""
    mg.manual_seed(0)
    module = load(path, "minigrad")
    model = module.make()
    outputs = several(model(*map(mg.tensor, inputs_of(module))))
    total = sum((y * y).mean() for y in outputs if y.requires_grad)
    total.backward()
    assert np.isfinite(total.item())
    assert any(p.grad is not None and p.grad.abs().sum().item() > 0 for p in model.parameters())
    model.eval()(*map(mg.tensor, inputs_of(module)))
    twin = module.make()
    twin.load_state_dict(model.state_dict())
    assert repr(twin) == repr(model)


@pytest.mark.filterwarnings("ignore")  # of names that PyTorch calls deprecated, and public files use
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_public_file_computes_what_pytorch_computes(path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs, ours = load(path, "torch"), load(path, "minigrad")
    reference, model = theirs.make(), ours.make()
    assert list(model.state_dict()) == list(reference.state_dict())
    assert repr(model) == repr(reference).replace("NonDynamicallyQuantizableLinear", "Linear")
    model.load_state_dict({k: mg.tensor(v.numpy()) for k, v in reference.state_dict().items()})
    arrays = inputs_of(ours)
    rng = np.random.default_rng(5)
    expected = several(reference(*map(torch.tensor, arrays)))
    found = several(model(*map(mg.tensor, arrays)))
    objective, loss = 0, 0
    for y, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(y.numpy(force=True), want.detach().numpy(), rtol=2e-4, atol=2e-5)
        assert y.requires_grad == want.requires_grad
        if want.requires_grad:
            cotangent = rng.standard_normal(tuple(want.shape)).astype(np.float32)
            objective = objective + (want * torch.tensor(cotangent)).sum()
            loss = loss + (y * mg.tensor(cotangent)).sum()
    objective.backward()
    loss.backward()
    # (A bias before a batch norm has a gradient of 0 plus noise, which is small beside those of the others.)
    largest = max(q.grad.abs().max().item() for q in reference.parameters() if q.grad is not None)
    for (name, p), q in zip(model.named_parameters(), reference.parameters(), strict=True):
        if q.grad is None:
            assert p.grad is None, name
            continue
        scale = max(q.grad.abs().max().item(), 0.03 * largest)
        np.testing.assert_allclose(p.grad.numpy() / scale, q.grad.numpy() / scale, atol=3e-4, err_msg=name)
    buffers = zip(model.buffers(), reference.buffers(), strict=True)
    assert all(np.allclose(b.numpy(), t.numpy(), rtol=1e-4, atol=1e-5) for b, t in buffers)
    if hasattr(ours, "train"):
        for each in (model, reference):
            each.zero_grad()
        want = theirs.train(reference, *map(torch.tensor, arrays))
        np.testing.assert_allclose(
            [float(x) for x in ours.train(model, *map(mg.tensor, arrays))], [float(x) for x in want], rtol=2e-3
        )
