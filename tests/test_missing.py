"""What of PyTorch is left out is written down, and asking for it says its name and what comes nearest."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import minigrad as mg

PAGE = (Path(__file__).parents[1] / "docs" / "missing.md").read_text(encoding="utf-8")
#: What is in PyTorch's namespaces but isn't PyTorch's own.
FOREIGN = {*(f"BroadcastingList{n}" for n in (1, 2, 3)), "Tensor", "importlib", "np", "torch", "warnings"}


def listed(section):
    part = PAGE.split(f"## `{section}`")[1].split("\n## ")[0]
    return set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in part.splitlines() if "|" in line)))


def is_pytorchs(value):
    return str(getattr(value, "__module__", None) or "torch").startswith("torch")


def public(module, kind):
    found = {name: value for name, value in vars(module).items() if not name.startswith("_") and name not in FOREIGN}
    return {name for name, value in found.items() if kind(value) and is_pytorchs(value)}


@pytest.mark.parametrize("section", ["torch.nn", "torch.nn.functional", "torch.optim"])
def test_what_is_left_out_is_written_down(section):
    torch = pytest.importorskip("torch")
    theirs, ours = torch, mg
    for part in section.split(".")[1:]:
        theirs, ours = getattr(theirs, part), getattr(ours, part)
    kind = inspect.isclass if section != "torch.nn.functional" else inspect.isroutine
    missing = {name for name in public(theirs, kind) if not hasattr(ours, name)}
    assert missing - listed(section) == set()
    named_as_near = {"LocalResponseNorm", "Module", "MultiheadAttention"}
    there = {name for name in listed(section) if "3d" not in name and hasattr(ours, name)}
    assert there - named_as_near == set()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: mg.nn.LazyLinear, r"minigrad\.nn has no 'LazyLinear'; what comes nearest is Linear"),
        (lambda: mg.nn.functional.conv3d, "no 'conv3d'; what comes nearest is .*conv2d"),
        (lambda: mg.optim.LBFGS, "no 'LBFGS': second-order"),
        (lambda: mg.bfloat16, "no 'bfloat16': NumPy has no such numbers"),
        (lambda: mg.nothing_like_it, r"no 'nothing_like_it' \(docs/missing\.md"),
    ],
)
def test_a_missing_name_is_told(ask, said):
    with pytest.raises(AttributeError, match=said):
        ask()
    assert not hasattr(mg.nn, "LazyLinear")


@pytest.mark.parametrize("name", ["BatchNorm3d", "Conv3d", "MaxPool3d"])
def test_volumes_are_there_in_name_only(name):
    assert not isinstance(mg.nn.Conv2d(1, 1, 1), getattr(mg.nn, name))
    with pytest.raises(NotImplementedError, match=f"{name}: minigrad has no layers of volumes"):
        getattr(mg.nn, name)(3)


def test_the_public_face_leaks_no_helpers():
    for name in ("masked", "along", "as_batch", "check_fits", "check_reduction", "legacy_reduction", "pair_of"):
        assert not hasattr(mg, name)
    for name in ("single_of", "strided", "getitem", "unfold"):
        assert not hasattr(mg, name)


def test_every_public_name_is_pytorchs_or_minigrads_own():
    torch = pytest.importorskip("torch")
    own = {
        *("data", "einops_backend", "engine", "inspect", "metrics", "models", "plot", "skip"),  # rooms
        *("AnomalyError", "DataChangedError", "FileFormatError", "GradcheckError", "OperationError"),
        *("Node", "Step", "backward_steps", "from_array", "grad", "gradcheck", "gradgradcheck"),
        *("detect_anomaly", "detect_changes", "hessian", "hvp", "jacobian"),
    }
    places = (torch, torch.nn.functional, torch.Tensor)
    assert [name for name in mg.__all__ if name not in own and not any(hasattr(p, name) for p in places)] == []
