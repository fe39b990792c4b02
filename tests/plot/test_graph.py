"""The graph's picture: one box a line, no two labels meet, and files without another program."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn, plot


def net(blocks):
    branch = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(blocks)]
    return nn.Sequential(*(nn.Residual(b) for b in branch))


@pytest.mark.parametrize("blocks", [3, 20])
def test_no_two_labels_meet(blocks):
    ax = plot.graph(net(blocks), mg.randn(2, 4))
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [text.get_bbox_patch().get_window_extent(renderer) for text in ax.texts if text.get_text()]
    assert len(boxes) >= 3 * blocks
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_files(tmp_path, suffix):
    ax = plot.graph(net(1)(mg.randn(2, 4)).sum(), ax=Figure().subplots())
    path = plot.save(ax.figure, tmp_path / f"graph{suffix}")
    assert path.stat().st_size > 1000


def test_a_model_needs_an_input():
    with pytest.raises(TypeError, match=r"plot.graph\(model, x\)"):
        plot.graph(net(1))
