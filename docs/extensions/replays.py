"""Replay pages of four nets, made when the site is built: ``{replay} name`` embeds one, with a link to it alone."""

from __future__ import annotations

import html
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import inspect, models, nn
from minigrad.inspect import Page


def block() -> Page:
    """Three residual blocks between two layers, and their twin without skips beside them."""

    def loss(residual: bool) -> Any:
        mg.manual_seed(0)
        branches = [nn.Sequential(nn.Linear(6, 6), nn.Tanh()) for _ in range(3)]
        plain = [nn.Sequential(OrderedDict(branch=branch)) for branch in branches]  # with the same names
        middle = [nn.Residual(branch) for branch in branches] if residual else plain
        net = nn.Sequential(nn.Linear(4, 6), *middle, nn.Linear(6, 1))
        return net(mg.randn(5, 4)).square().mean()

    return inspect.replay(loss(True), beside=loss(False), names=("with skips", "without"))


def resnet20() -> Page:
    """The residual net of 20 layers, on a batch of noise."""
    mg.manual_seed(0)
    return inspect.replay(F.cross_entropy(models.resnet(20)(mg.randn(2, 3, 16, 16)), mg.tensor([3, 5])))


def unet() -> Page:
    """A U-Net: its long skips are put beside what comes up from the bottleneck."""
    mg.manual_seed(0)
    scores = models.UNet(1, 2)(mg.randn(1, 1, 32, 32))
    return inspect.replay(F.cross_entropy(scores, mg.zeros(1, 32, 32, dtype=mg.int64)))


def gpt() -> Page:
    """A GPT of two layers: one stream, to which attention and the feed-forward nets add."""
    mg.manual_seed(0)
    text = mg.randint(0, 16, (1, 9))
    net = models.GPT(16, 8, layers=2, heads=2, width=16)
    return inspect.replay(F.cross_entropy(net(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten()))


NETS: dict[str, Callable[[], Page]] = {"block": block, "resnet20": resnet20, "unet": unet, "gpt": gpt}


class Replay(SphinxDirective):
    """A frame with a replay page in it."""

    required_arguments = 1

    def run(self) -> list[Any]:
        name = self.arguments[0]
        self.env.note_dependency(__file__)
        up = "../" * self.env.docname.count("/")
        label = html.escape(f"Replay: {NETS[name].__doc__}", quote=True)
        frame = f'<iframe class="replay" src="{up}replays/{name}.html" title="{label}" loading="lazy"></iframe>'
        alone = f'<p class="alone"><a href="{up}replays/{name}.html">Open it alone</a></p>'
        return [nodes.raw("", f"{frame}\n{alone}", format="html")]


def write(app: Any) -> None:
    """Make the pages, once in a build."""
    folder = Path(app.outdir) / "replays"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in NETS.items():
        make().save(folder / f"{name}.html")


def setup(app: Any) -> dict[str, Any]:
    """Add the directive, and the pages."""
    app.add_directive("replay", Replay)
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
