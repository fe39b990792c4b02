"""The graph's picture: one box a line, no two labels meet, and files without another program."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn, plot


def net(blocks):
    branch = [nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(blocks)]
    return nn.Sequential(*(nn.Residual(b) for b in branch))


def projecting(blocks):
    """Every third block widens its input, so a projection stands on its skip."""
    width = [4 + i // 3 for i in range(blocks + 1)]
    return nn.Sequential(
        *(
            nn.Residual(nn.Sequential(nn.Linear(a, b), nn.ReLU()), shortcut=None if a == b else nn.Linear(a, b))
            for a, b in zip(width, width[1:], strict=False)
        )
    )


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(nn.Linear(4, 4) for _ in range(10))
        self.up = nn.ModuleList(nn.Linear(8, 4) for _ in range(10))

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
        for layer in self.up:
            x = layer(mg.cat([kept.pop(), x.tanh()], 1))
        return x


@pytest.mark.parametrize(
    ("model", "least"),
    [(net(3), 9), (net(20), 60), (projecting(20), 60), (UNet(), 40)],
    ids=["3", "20", "wider", "unet"],
)
def test_no_two_labels_meet(model, least):
    ax = plot.graph(model, mg.randn(2, 4), depth=3)  # (nothing is folded where a depth is asked for)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [text.get_bbox_patch().get_window_extent(renderer) for text in ax.texts if text.get_text()]
    assert len(boxes) >= least
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    whole = ax.figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 for box in boxes)
    legend = ax.get_legend().get_window_extent(renderer)
    assert not any(legend.overlaps(box) for box in boxes)


def test_a_long_graph_goes_on_in_a_second_column():
    high, wide = (plot.graph(net(n), mg.randn(2, 4), depth=1).figure.get_size_inches() for n in (10, 30))
    assert wide[0] > 2 * 1.8
    assert wide[1] < 1.5 * high[1]


def test_what_stands_on_a_skip_is_set_aside():
    ax = plot.graph(
        nn.Sequential(nn.Residual(nn.Linear(4, 5), shortcut=nn.Linear(4, 5))), mg.randn(2, 4, requires_grad=True)
    )
    across = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert across["0.shortcut"] > across["0.branch"] == across["0 Fork"] == across["0 ResidualAdd"]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_files(tmp_path, suffix):
    ax = plot.graph(net(1)(mg.randn(2, 4)).sum(), ax=Figure().subplots())
    path = plot.save(ax.figure, tmp_path / f"graph{suffix}")
    assert path.stat().st_size > 1000


def test_a_model_needs_an_input():
    with pytest.raises(TypeError, match=r"plot.graph\(model, x\)"):
        plot.graph(net(1))
