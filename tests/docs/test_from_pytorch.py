"""docs/from_pytorch.md: its Python runs, on weights that PyTorch itself wrote where it is installed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

PAGE = Path(__file__).resolve().parents[2] / "docs/from_pytorch.md"


@pytest.fixture
def blocks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def run(blocks, names):
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    return names


def checked(names):
    bill, net = names["bill"], names["net"]
    names["loss"]().backward()
    for name, p in net.named_parameters():
        np.testing.assert_allclose(bill.total()[name], p.grad.array, rtol=1e-3, atol=1e-5)
    assert not names["inspect"].laws(names["loss"]()).broken
    assert [row.name for row in names["inspect"].trace(names["loss"]()).ledger()] == ["layer1.0", "layer1.1"]


def test_the_page_runs(blocks, capsys):
    first = run(blocks[:1], {"__name__": "page"})
    mg.save(first["Net"]().state_dict(), "model.safetensors")
    names = run(blocks[1:], first)
    names["net"].zero_grad()
    checked(names)
    assert "all " in capsys.readouterr().out


def test_with_weights_that_pytorch_wrote(blocks):
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    theirs = run([blocks[0].replace("from minigrad import nn", "from torch import nn")], {"__name__": "page"})["Net"]()
    save_file({name: t.contiguous() for name, t in theirs.state_dict().items()}, "model.safetensors")
    names = run(blocks, {"__name__": "page"})
    names["net"].zero_grad()
    checked(names)
    y = theirs.eval()(torch.from_numpy(np.array(names["images"].array)))
    np.testing.assert_allclose(names["net"](names["images"]).array, y.detach().numpy(), rtol=1e-4, atol=1e-5)
